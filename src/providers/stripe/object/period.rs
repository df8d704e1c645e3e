//! The period that an invoice of a subscription is for.
//!
//! Source: Stripe API reference, "The Invoice Line Item object" and the changelog of 2025-03-31.basil. The
//! invoice's own `period_start` and `period_end` say when items were gathered for it: of a subscription that is
//! paid in advance that is the period before.

use crate::domain::subscription::Period;
use crate::domain::time::Timestamp;
use crate::providers::lenient::{List, Loose, Part, objects};

objects! {
    /// The lines of an invoice, the first ten in a webhook.
    pub(super) struct Lines<'a> {
        data: List<Line<'a>>,
    }

    struct Line<'a> {
        period: Part<Stretch<'a>>,
        /// Until 2025-03-31.basil: `subscription`, or `invoiceitem` of what was added by hand.
        r#type: Loose<'a>,
        subscription: Loose<'a>,
        proration: Loose<'a>,
        /// Since then.
        parent: Part<LineParent<'a>>,
    }

    struct Stretch<'a> {
        start: Loose<'a>,
        end: Loose<'a>,
    }

    struct LineParent<'a> {
        subscription_item_details: Part<ItemDetails<'a>>,
    }

    struct ItemDetails<'a> {
        subscription: Loose<'a>,
        proration: Loose<'a>,
    }
}

impl Lines<'_> {
    /// That of the line of this subscription; of several the one that ends last, and of what is made up for
    /// within a period only where there is nothing else.
    pub(super) fn period(&self, subscription: &str) -> Option<Period> {
        let lines = self.data.iter().filter(|line| line.is_of(subscription));
        let periods = lines.filter_map(|line| Some((!line.is_proration(), line.period()?)));
        let latest = periods.max_by_key(|(is_whole, period)| {
            (*is_whole, period.end, std::cmp::Reverse(period.start))
        });
        latest.map(|(_, period)| period)
    }
}

impl Line<'_> {
    fn details(&self) -> Option<&ItemDetails<'_>> {
        self.parent.get()?.subscription_item_details.get()
    }

    fn is_of(&self, subscription: &str) -> bool {
        let named = match self.details() {
            Some(details) => details.subscription.id(),
            None if self.r#type.text() == Some("subscription") => self.subscription.id(),
            None => return false,
        };
        named.is_none_or(|named| named == subscription)
    }

    fn is_proration(&self) -> bool {
        let since_basil = self.details().and_then(|details| details.proration.bool());
        since_basil.or_else(|| self.proration.bool()) == Some(true)
    }

    fn period(&self) -> Option<Period> {
        let period = self.period.get()?;
        let instant = |at: &Loose<'_>| at.int().and_then(Timestamp::from_unix_seconds);
        let (start, end) = (instant(&period.start)?, instant(&period.end)?);
        (start <= end).then_some(Period { start, end })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::lenient;

    /// The period of these lines for `sub_1`, in seconds.
    fn of(lines: &str) -> Option<(i64, i64)> {
        let json = format!(r#"{{"data":{lines}}}"#);
        let lines: Lines<'_> = lenient::parse(json.as_bytes()).expect("JSON");
        let period = lines.period("sub_1");
        period.map(|period| (period.start.unix_seconds(), period.end.unix_seconds()))
    }

    #[test]
    fn the_period_is_that_of_the_line_of_the_subscription_in_every_version() {
        let item = |more: &str, period: &str| {
            format!(
                r#"{{"parent":{{"subscription_item_details":{{"subscription":"sub_1"{more}}}}},
                     "period":{period}}}"#
            )
        };
        let month = r#"{"start":100,"end":200}"#;
        let made_up = r#"{"start":50,"end":300}"#;
        let by_hand =
            r#"{"type":"invoiceitem","subscription":"sub_1","period":{"start":1,"end":900}}"#;
        let older =
            r#"{"type":"subscription","subscription":"sub_1","period":{"start":100,"end":200}}"#;
        let whole = item("", month);
        let proration = item(r#","proration":true"#, made_up);
        for (lines, expected) in [
            (format!("[{older}]"), Some((100, 200))),
            (format!("[{by_hand},{older}]"), Some((100, 200))),
            (format!("[{by_hand}]"), None),
            (format!("[{whole}]"), Some((100, 200))),
            (format!("[{proration},{whole}]"), Some((100, 200))),
            // Nothing else is paid for.
            (format!("[{proration}]"), Some((50, 300))),
            // What was used in the month before, and the month to come.
            (format!("[{},{whole}]", item("", r#"{"start":0,"end":100}"#)), Some((100, 200))),
            (format!("[{}]", whole.replace("sub_1", "sub_2")), None),
            (format!("[{}]", item("", r#"{"start":200,"end":100}"#)), None),
            (format!("[{}]", item("", r#"{"start":"soon"}"#)), None),
            ("[7,null,{}]".to_owned(), None),
            ("\"none\"".to_owned(), None),
        ] {
            assert_eq!(of(&lines), expected, "{lines}");
        }
    }
}
