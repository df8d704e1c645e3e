//! The daily report: what came in on a day, what became of it, and what is open.
//!
//! It tells that payhookd is well by coming; so it ends with when the next is to come.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Map, Value, json};

use super::message::{Message, mark, plain};
use crate::domain::event::Provider;
use crate::domain::issue::Severity;
use crate::domain::money::{Currency, Money};
use crate::domain::time::Timestamp;
use crate::shapes;
use crate::store::{
    Figures, Head, Issue, MoneyFigures, OpenOrphans, OrphanFigures, Outcome, Reader, Statistics,
    StoreError,
};
use crate::zone::{Day, TimeOfDay, Zone};

/// Issues that are named; the others are counted.
const NAMED: usize = 10;

/// All that is said of a day, of one moment.
#[derive(Clone, Debug)]
pub struct Report {
    /// The day.
    pub day: Day,
    /// In which times are told.
    pub zone: Zone,
    /// Whether the daemon is about real money.
    pub livemode: bool,
    /// What happened on the day, as far as is known now.
    pub figures: Figures,
    /// What became of the orphan inbox on the day.
    pub orphans: OrphanFigures,
    /// What stands in the orphan inbox now.
    pub open_orphans: Vec<OpenOrphans>,
    /// The issues that are open now and that nobody dismissed, the worst first.
    pub issues: Vec<Issue>,
    /// The last event of each provider and mode.
    pub last_events: Vec<(Provider, bool, Timestamp)>,
    /// The end of the chain through the log of events now.
    pub log_head: Head,
    /// When such reports are sent, if they are.
    pub sent_at: Option<TimeOfDay>,
}

impl Report {
    /// Reads all of it. May take a second for each million events since the day began.
    pub fn read(
        reader: &Reader,
        day: Day,
        zone: Zone,
        sent_at: Option<TimeOfDay>,
    ) -> Result<Self, StoreError> {
        reader.at_one_moment(|reader| {
            let statistics = Statistics::since(reader, day.begins)?;
            let mut issues = reader.open_issues()?;
            issues.retain(|issue| issue.dismissed_at.is_none());
            issues.sort_by_key(|issue| Reverse((issue.severity, issue.opened_at)));
            Ok(Self {
                figures: statistics.between(day.span()),
                orphans: reader.orphans_between(day.span())?,
                open_orphans: reader.open_orphans()?,
                issues,
                last_events: reader.last_events()?,
                log_head: reader.log_head()?,
                livemode: reader.livemode()?.unwrap_or(true),
                day,
                zone,
                sent_at,
            })
        })
    }

    /// One line: what came in, and whether anything is open.
    pub fn headline(&self) -> String {
        let taken = self.sums(self.livemode, |money| money.received);
        let taken = if taken.is_empty() { "nothing".to_owned() } else { taken };
        let open = match self.open_points() {
            0 => "nothing is open".to_owned(),
            points => counted(points, "open point"),
        };
        format!("{}: {taken} taken, {open}", self.day.date)
    }

    /// How much it matters: as much as the worst that is open.
    pub fn severity(&self) -> Severity {
        self.issues.iter().map(|issue| issue.severity).max().unwrap_or(Severity::Notice)
    }

    fn open_points(&self) -> i64 {
        i64::try_from(self.issues.len()).unwrap_or(i64::MAX)
    }

    /// The report for a person: lines, the last without an end.
    pub fn text(&self) -> String {
        let mut text = format!("{} ({})\n", self.day.date, self.zone);
        for livemode in [self.livemode, !self.livemode] {
            if livemode == self.livemode || self.figures.money.keys().any(|(of, _)| *of == livemode)
            {
                self.write_money(&mut text, livemode);
            }
        }
        self.write_events(&mut text);
        self.write_orphans(&mut text);
        self.write_deliveries(&mut text);
        self.write_issues(&mut text);
        self.write_last_events(&mut text);
        line(&mut text, "Log", &self.log_head.to_string());
        if let Some(at) = self.sent_at {
            let next = "comes every day at";
            let _ = write!(
                text,
                "This report {next} {at}. If it does not come, look at payhookd: it, its machine or \
                 the way here is down."
            );
        }
        text.trim_end().to_owned()
    }

    fn write_money(&self, text: &mut String, livemode: bool) {
        let mode = match (livemode, self.livemode) {
            (true, true) => "",
            (true, false) => " (live money)",
            (false, _) => " (test money)",
        };
        type Part = (&'static str, fn(&MoneyFigures) -> (i64, u64), &'static str);
        let parts: [Part; 3] = [
            ("Taken", |money| (money.received, money.payments), "payment"),
            ("Refunded", |money| (money.refunded, money.refunds), "refund"),
            ("Disputed", |money| (money.disputed, money.disputes), "dispute"),
        ];
        for (label, part, what) in parts {
            let sums: Vec<String> = self
                .figures
                .money
                .iter()
                .filter(|((of, _), money)| *of == livemode && part(money) != (0, 0))
                .map(|((_, currency), money)| {
                    let (minor, times) = part(money);
                    let times = counted(i64::try_from(times).unwrap_or(i64::MAX), what);
                    format!("{} in {times}", sum(minor, *currency))
                })
                .collect();
            line(text, &format!("{label}{mode}"), &or_nothing(&sums.join("; ")));
        }
    }

    fn write_events(&self, text: &mut String) {
        let of = |outcome| self.figures.outcomes.get(&outcome).copied().unwrap_or(0);
        let all: u64 = self.figures.outcomes.values().sum();
        let matched = format!("{} of {all} events belong to a transaction", of(Outcome::Processed));
        let others = [
            (of(Outcome::Orphan), "to none that is known"),
            (of(Outcome::Ignored), "of types that nobody acts on"),
            (of(Outcome::Failed), "not understood"),
        ];
        let others = others.iter().filter(|(number, _)| *number > 0);
        let others = others.map(|(number, what)| format!("; {number} {what}"));
        line(text, "Matched", &(matched + &others.collect::<String>()));
    }

    fn write_orphans(&self, text: &mut String) {
        let OrphanFigures { came, matched, dismissed } = self.orphans;
        let mut words = format!("{came} came, {matched} matched, {dismissed} dismissed");
        let about = |one: &&OpenOrphans| one.livemode || !self.livemode;
        let open: Vec<&OpenOrphans> = self.open_orphans.iter().filter(about).collect();
        let number: i64 = open.iter().map(|one| one.number).sum();
        match open.iter().map(|one| one.oldest).min() {
            None => words.push_str("; none is open"),
            Some(oldest) => {
                let mut sums: BTreeMap<Currency, i64> = BTreeMap::new();
                for one in open {
                    if let Some(currency) = one.currency {
                        let money = Money { minor: one.sum, currency }.as_stripe(one.provider);
                        let total = sums.entry(currency).or_default();
                        *total = total.saturating_add(money.minor);
                    }
                }
                let sums: Vec<_> = sums.iter().map(|(code, minor)| sum(*minor, *code)).collect();
                let _ = write!(
                    words,
                    "; {number} open: {}, the oldest since {}",
                    if sums.is_empty() { "no amount known".to_owned() } else { sums.join(", ") },
                    self.zone.show(oldest)
                );
            }
        }
        line(text, "Orphaned", &words);
    }

    /// Nothing where there is no app to tell.
    fn write_deliveries(&self, text: &mut String) {
        let told = &self.figures.deliveries;
        if told.delivered + told.pending + told.dead == 0 {
            return;
        }
        let words = format!(
            "{} changes told, {} still to be told, {} given up",
            told.delivered, told.pending, told.dead
        );
        line(text, "The app", &words);
    }

    fn write_issues(&self, text: &mut String) {
        line(
            text,
            "Open points",
            &match self.open_points() {
                0 => "none".to_owned(),
                points => points.to_string(),
            },
        );
        for issue in self.issues.iter().take(NAMED) {
            let _ = writeln!(text, "{} {}", mark(issue.severity), plain(&issue.title));
        }
        if self.issues.len() > NAMED {
            let more = self.issues.len() - NAMED;
            let _ = writeln!(text, "and {more} more: `payhookd issues list`");
        }
    }

    fn write_last_events(&self, text: &mut String) {
        let last = self.last_events.iter().map(|(provider, livemode, at)| {
            let mode = if *livemode { "live" } else { "test" };
            format!("{} ({mode}) {}", provider.name(), self.zone.show(*at))
        });
        line(text, "Last events", &or_nothing(&last.collect::<Vec<_>>().join(", ")));
    }

    fn sums(&self, livemode: bool, part: fn(&MoneyFigures) -> i64) -> String {
        let of_mode = self.figures.money.iter().filter(|((of, _), _)| *of == livemode);
        let sums = of_mode.map(|((_, currency), money)| (part(money), *currency));
        let sums = sums.filter(|(minor, _)| *minor != 0);
        sums.map(|(minor, currency)| sum(minor, currency)).collect::<Vec<_>>().join(", ")
    }

    /// The report for a program. Money is in the minor units of its currency as Stripe counts them.
    pub fn json(&self) -> Value {
        let money = self.figures.money.iter().map(|((livemode, currency), money)| {
            json!({
                "livemode": livemode,
                "currency": currency.as_str(),
                "received": money.received,
                "payments": money.payments,
                "refunded": money.refunded,
                "refunds": money.refunds,
                "disputed": money.disputed,
                "disputes": money.disputes,
            })
        });
        let outcomes =
            self.figures.outcomes.iter().map(|(outcome, number)| (outcome.as_str(), number));
        let open_orphans = self.open_orphans.iter().map(|one| {
            json!({
                "provider": one.provider.as_str(),
                "livemode": one.livemode,
                "currency": one.currency.as_ref().map(Currency::as_str),
                "amount": one.currency.map(|currency| {
                    Money { minor: one.sum, currency }.as_stripe(one.provider).minor
                }),
                "number": one.number,
                "oldest_at": one.oldest.to_string(),
            })
        });
        let last_events = self.last_events.iter().map(|(provider, livemode, at)| {
            json!({ "provider": provider.as_str(), "livemode": livemode, "received_at": at.to_string() })
        });
        let told = &self.figures.deliveries;
        json!({
            "type": "report",
            "day": self.day.date,
            "time_zone": self.zone.to_string(),
            "from": self.day.begins.to_string(),
            "to": self.day.ends.to_string(),
            "text": self.text(),
            "money": money.collect::<Value>(),
            "events": outcomes.map(|(outcome, number)| (outcome.to_owned(), json!(number)))
                .collect::<Map<_, _>>(),
            "orphans": {
                "came": self.orphans.came,
                "matched": self.orphans.matched,
                "dismissed": self.orphans.dismissed,
                "open": open_orphans.collect::<Value>(),
            },
            "deliveries": {
                "delivered": told.delivered,
                "pending": told.pending,
                "dead": told.dead,
            },
            "issues": self.issues.iter().map(shapes::issue).collect::<Value>(),
            "last_events": last_events.collect::<Value>(),
            "log_head": self.log_head.to_string(),
        })
    }
}

impl From<&Report> for Message {
    fn from(report: &Report) -> Self {
        Self {
            subject: report.headline(),
            text: report.text(),
            severity: report.severity(),
            data: report.json(),
        }
    }
}

fn line(text: &mut String, label: &str, words: &str) {
    // A String takes all that is written.
    let _ = writeln!(text, "{label}: {words}");
}

fn or_nothing(words: &str) -> String {
    if words.is_empty() { "nothing".to_owned() } else { words.to_owned() }
}

/// `1 payment`, `2 payments`
fn counted(number: i64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// A sum, which is counted as Stripe counts: `49.99 EUR`.
fn sum(minor: i64, currency: Currency) -> String {
    format!("{} {currency}", Money { minor, currency }.to_decimal(Provider::Stripe))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::issue::IssueKind;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).expect("a time")
    }

    fn currency(code: &str) -> Currency {
        Currency::parse(code).expect("a currency")
    }

    /// Of a day on which nothing happened.
    fn quiet() -> Report {
        Report {
            day: Zone::UTC.day("2026-11-24").expect("a day"),
            zone: Zone::UTC,
            livemode: true,
            figures: Figures::default(),
            orphans: OrphanFigures::default(),
            open_orphans: Vec::new(),
            issues: Vec::new(),
            last_events: Vec::new(),
            log_head: Head { link: 7, chain: [0xab; 32] },
            sent_at: None,
        }
    }

    fn issue(severity: Severity, title: &str) -> Issue {
        Issue {
            id: 7,
            kind: IssueKind::Orphan,
            subject: "3".to_owned(),
            severity,
            title: title.to_owned(),
            detail: String::new(),
            remedy: String::new(),
            french: None,
            opened_at: at("2026-11-23T11:52:03Z"),
            last_seen_at: at("2026-11-23T11:52:03Z"),
            count: 1,
            news: 1,
            dismissed_at: None,
            closed_at: None,
        }
    }

    #[test]
    fn a_quiet_day_says_so() {
        let report = quiet();
        assert_eq!(report.headline(), "2026-11-24: nothing taken, nothing is open");
        assert_eq!(report.severity(), Severity::Notice);
        let head = "ab".repeat(32);
        assert_eq!(
            report.text(),
            format!(
                "2026-11-24 (UTC)\nTaken: nothing\nRefunded: nothing\nDisputed: nothing\n\
                 Matched: 0 of 0 events belong to a transaction\n\
                 Orphaned: 0 came, 0 matched, 0 dismissed; none is open\nOpen points: none\n\
                 Last events: nothing\nLog: 7:{head}"
            )
        );
    }

    #[test]
    fn currencies_and_test_money_are_never_added_to_others() {
        let mut report = quiet();
        for (livemode, code, received) in
            [(true, "EUR", 120_400), (true, "JPY", 5_000), (false, "EUR", 999)]
        {
            let money = MoneyFigures { received, payments: 1, ..MoneyFigures::default() };
            report.figures.money.insert((livemode, currency(code)), money);
        }
        report.figures.money.entry((true, currency("EUR"))).and_modify(|money| {
            (money.refunded, money.refunds, money.payments) = (2_000, 2, 24);
        });
        let orphans = |provider, livemode, code: &str, sum| OpenOrphans {
            provider,
            livemode,
            currency: Some(currency(code)),
            number: 1,
            sum,
            oldest: at("2026-11-20T11:11:00Z"),
        };
        // PayPal counts forints whole, Stripe in hundredths; test money is no business of live money.
        report.open_orphans = vec![
            orphans(Provider::Stripe, true, "HUF", 100_000),
            orphans(Provider::Paypal, true, "HUF", 500),
            orphans(Provider::Stripe, false, "EUR", 1),
        ];
        assert_eq!(report.headline(), "2026-11-24: 1204.00 EUR, 5000 JPY taken, nothing is open");
        let text = report.text();
        for line in [
            "Taken: 1204.00 EUR in 24 payments; 5000 JPY in 1 payment",
            "Refunded: 20.00 EUR in 2 refunds",
            "Taken (test money): 9.99 EUR in 1 payment",
            "Orphaned: 0 came, 0 matched, 0 dismissed; 2 open: 1500.00 HUF, the oldest since \
             2026-11-20 11:11",
        ] {
            assert!(text.lines().any(|one| one == line), "{line} in {text}");
        }
        assert_eq!(report.json()["orphans"]["open"][1]["amount"], 50_000);
    }

    #[test]
    fn what_is_open_is_named_and_a_sender_writes_no_line_of_it() {
        let mut report = quiet();
        report.issues = (0..12).map(|_| issue(Severity::Warning, "Orphan\nTaken: 1")).collect();
        report.issues.insert(0, issue(Severity::Critical, "Disk"));
        let text = report.text();
        assert_eq!(report.headline(), "2026-11-24: nothing taken, 13 open points");
        assert_eq!(report.severity(), Severity::Critical);
        assert!(text.contains("\nOpen points: 13\n🔴 Disk\n🟠 Orphan\u{fffd}Taken: 1\n"), "{text}");
        assert!(text.contains("\nand 3 more: `payhookd issues list`\n"), "{text}");
        assert_eq!(text.lines().filter(|line| line.starts_with("Taken:")).count(), 1);
    }
}
