//! The daily report: what came in on a day, what became of it, and what is open.
//!
//! It tells that payhookd is well by coming; so it ends with when the next is to come.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::clients::message::{Message, mark, plain};
use crate::domain::issue::Severity;
use crate::domain::language::Language;
use crate::domain::money::{Currency, Money, Total};
use crate::domain::orphan::OrphanAbout;
use crate::domain::provider::Provider;
use crate::domain::records::{
    Figures, Head, Issue, MoneyFigures, OpenOrphans, OrphanFigures, Outcome,
};
use crate::domain::time::Timestamp;
use crate::domain::zone::{Day, TimeOfDay, Zone};
use crate::i18n::Words;
use crate::i18n::alerts::Report as Texts;
use crate::i18n::issues::Audience;
use crate::json::rows;
use crate::store::{Reader, Statistics, StoreError};

/// Issues that are named; the others are counted.
const NAMED: usize = 10;

/// Which day is told, and to whom.
#[derive(Clone, Debug)]
pub struct About {
    /// The day.
    pub day: Day,
    /// In which times are told.
    pub zone: Zone,
    /// In which people are spoken to.
    pub language: Language,
    /// When such reports are sent, if they are.
    pub sent_at: Option<TimeOfDay>,
}

/// All that is said of a day, of one moment.
#[derive(Clone, Debug)]
pub struct Report {
    /// Which day, and to whom.
    pub about: About,
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
}

impl Report {
    /// Reads all of it. May take a second for each million events since the day began.
    pub fn read(reader: &Reader, about: About) -> Result<Self, StoreError> {
        reader.at_one_moment(|reader| {
            let statistics = Statistics::since(reader, about.day.begins)?;
            let mut issues = reader.open_issues(None)?;
            issues.retain(|issue| issue.dismissed_at.is_none());
            issues.sort_by_key(|issue| Reverse((issue.severity, issue.opened_at)));
            Ok(Self {
                figures: statistics.between(about.day.span()),
                orphans: reader.orphans_between(about.day.span())?,
                open_orphans: reader.open_orphans()?,
                issues,
                last_events: reader.sight()?.last_events,
                log_head: reader.log_head()?,
                livemode: reader.last_start()?.is_none_or(|(policy, _)| policy.livemode),
                about,
            })
        })
    }

    /// One line: what came in, and whether anything is open.
    pub fn headline(&self) -> String {
        let of_mode = self.figures.money.iter().filter(|((of, _), _)| *of == self.livemode);
        let sums = of_mode.map(|((_, currency), money)| (*currency, money.received));
        let sums = self.list(sums.filter(|(_, sum)| *sum != Total::default()));
        let sums = self.or_nothing(sums);
        (self.texts().headline)(&self.about.day.date, &sums, self.issues.len())
    }

    /// How much it matters: as much as the worst that is open.
    pub fn severity(&self) -> Severity {
        self.issues.iter().map(|issue| issue.severity).max().unwrap_or(Severity::Notice)
    }

    /// The report for a person: lines, the last without an end.
    pub fn text(&self) -> String {
        let texts = self.texts();
        let mut lines = vec![format!("{} ({})", self.about.day.date, self.about.zone)];
        lines.extend(self.money(self.livemode));
        if self.figures.money.keys().any(|(livemode, _)| *livemode != self.livemode) {
            lines.extend(self.money(!self.livemode));
        }
        lines.push(self.line(texts.events, &self.events()));
        lines.push(self.line(texts.orphans, &self.orphans()));
        lines.extend(self.other_orphans().map(|said| self.line(texts.other_orphans, &said)));
        let told = &self.figures.deliveries;
        // Nothing where there is no app to tell.
        if told.delivered + told.pending + told.dead > 0 {
            let said = (texts.told)(told.delivered, told.pending, told.dead);
            lines.push(self.line(texts.app, &said));
        }
        let number = self.issues.len();
        let said = if number == 0 { texts.none.to_owned() } else { number.to_string() };
        lines.push(self.line(texts.open_issues, &said));
        for issue in self.issues.iter().take(NAMED) {
            let to = Audience { language: self.about.language, zone: &self.about.zone };
            let (texts, _) = issue.texts(to);
            lines.push(format!("{} {}", mark(issue.severity), plain(&texts.title)));
        }
        if number > NAMED {
            lines.push((texts.more)(number - NAMED));
        }
        let last = self.last_events.iter().map(|(provider, livemode, at)| {
            let mode = self.words().mode(*livemode);
            format!("{} ({mode}) {}", provider.name(), self.about.zone.show(*at))
        });
        let last = self.or_nothing(last.collect::<Vec<_>>().join(", "));
        lines.push(self.line(texts.last_events, &last));
        lines.push(self.line(texts.log, &self.log_head.to_string()));
        lines.extend(self.about.sent_at.map(|at| (texts.absence)(&at.to_string())));
        lines.join("\n")
    }

    fn words(&self) -> &'static Words {
        Words::of(self.about.language)
    }

    fn texts(&self) -> &'static Texts {
        &self.words().report
    }

    fn line(&self, label: &str, said: &str) -> String {
        format!("{label}{}{said}", self.words().common.colon)
    }

    fn or_nothing(&self, said: String) -> String {
        if said.is_empty() { self.texts().nothing.to_owned() } else { said }
    }

    /// `49.99 EUR, 5000 JPY`
    fn list(&self, sums: impl Iterator<Item = (Currency, Total)>) -> String {
        let sums = sums.map(|(currency, minor)| self.sum(currency, minor));
        sums.collect::<Vec<_>>().join(self.texts().and)
    }

    /// A sum, which is counted as Stripe counts, written as in the titles of issues: `49.99 EUR`.
    fn sum(&self, currency: Currency, sum: Total) -> String {
        let decimal = Money { minor: sum.minor(), currency }.to_decimal(Provider::Stripe);
        (self.words().common.sum)(&format!("{}{decimal}", sum.mark()), currency)
    }

    /// What came in, went back and is disputed, of real or of test money.
    fn money(&self, livemode: bool) -> [String; 3] {
        let texts = self.texts();
        let mode = match (livemode, self.livemode) {
            (true, true) => String::new(),
            _ => format!(" ({})", self.words().mode(livemode)),
        };
        type Part = fn(&MoneyFigures) -> (Total, u64);
        let line = |label: &str, part: Part, said: fn(&str, u64) -> String| {
            let of_mode = self.figures.money.iter().filter(|((of, _), _)| *of == livemode);
            let parts = of_mode.map(|((_, currency), money)| (*currency, part(money)));
            let parts = parts.filter(|(_, part)| *part != (Total::default(), 0));
            let said =
                parts.map(|(currency, (minor, times))| said(&self.sum(currency, minor), times));
            let said = self.or_nothing(said.collect::<Vec<_>>().join("; "));
            self.line(&format!("{label}{mode}"), &said)
        };
        [
            line(texts.received, |money| (money.received, money.payments), texts.payments),
            line(texts.refunded, |money| (money.refunded, money.refunds), texts.refunds),
            line(texts.disputed, |money| (money.disputed, money.disputes), texts.disputes),
        ]
    }

    /// What became of the events.
    fn events(&self) -> String {
        let texts = self.texts();
        let of = |outcome| self.figures.outcomes.get(&outcome).copied().unwrap_or(0);
        let all = self.figures.outcomes.values().sum();
        let mut said = vec![(texts.matched)(of(Outcome::Processed), all)];
        for (number, words) in [
            (of(Outcome::Orphan), texts.unmatched),
            (of(Outcome::Ignored), texts.ignored),
            (of(Outcome::Failed), texts.failed),
        ] {
            said.extend((number > 0).then(|| words(number)));
        }
        said.join("; ")
    }

    /// What became of the inbox, and what stands in it: of the daemon's money, and of real money at a
    /// daemon for test money.
    fn orphans(&self) -> String {
        let texts = self.texts();
        let OrphanFigures { came, matched, dismissed } = self.orphans;
        let is_payment = |one: &&OpenOrphans| one.about == OrphanAbout::Payment;
        let open: Vec<_> = self.open_to_somebody().filter(is_payment).collect();
        let said = match open.iter().map(|one| one.oldest).min() {
            None => texts.no_orphan.to_owned(),
            Some(oldest) => {
                let (sums, number) = (self.sums(&open), open.iter().map(|one| one.number).sum());
                (texts.open_orphans)(number, &sums, &self.about.zone.show(oldest))
            }
        };
        (texts.orphans_of_day)([came, matched, dismissed], &said)
    }

    /// What some orphans add up to, each currency by itself.
    fn sums(&self, orphans: &[&OpenOrphans]) -> String {
        let mut sums: BTreeMap<Currency, Total> = BTreeMap::new();
        for (one, currency) in orphans.iter().filter_map(|one| Some((one, one.currency?))) {
            let total = sums.entry(currency).or_default();
            *total = total.and(one.sum.as_stripe(one.provider, currency));
        }
        let sums = self.list(sums.into_iter());
        if sums.is_empty() { self.texts().no_amount.to_owned() } else { sums }
    }

    fn open_to_somebody(&self) -> impl Iterator<Item = &OpenOrphans> {
        self.open_orphans.iter().filter(|one| one.livemode || !self.livemode)
    }

    /// What stands in the inbox and is no payment, by what it is: money that went out, and what is not paid.
    fn other_orphans(&self) -> Option<String> {
        let words = Words::of(self.about.language);
        let others = OrphanAbout::ALL.iter().filter(|about| **about != OrphanAbout::Payment);
        let said: Vec<String> = others
            .filter_map(|about| {
                let of_it: Vec<_> =
                    self.open_to_somebody().filter(|one| one.about == *about).collect();
                let number: i64 = of_it.iter().map(|one| one.number).sum();
                (number > 0).then(|| {
                    format!("{number} × {} ({})", words.orphan_about(*about), self.sums(&of_it))
                })
            })
            .collect();
        (!said.is_empty()).then(|| said.join("; "))
    }

    /// The report for a program. Money is in the minor units of its currency as Stripe counts them.
    pub fn json(&self) -> Value {
        let money = self.figures.money.iter().map(|((livemode, currency), money)| {
            json!({
                "livemode": livemode,
                "currency": currency.as_str(),
                "received": money.received.minor(),
                "payments": money.payments,
                "refunded": money.refunded.minor(),
                "refunds": money.refunds,
                "disputed": money.disputed.minor(),
                "disputes": money.disputes,
            })
        });
        let outcomes =
            self.figures.outcomes.iter().map(|(outcome, number)| (outcome.as_str(), number));
        let open_orphans = self.open_orphans.iter().map(|one| {
            json!({
                "about": one.about.as_str(),
                "provider": one.provider.as_str(),
                "livemode": one.livemode,
                "currency": one.currency.as_ref().map(Currency::as_str),
                "amount": one.currency.map(|currency| {
                    one.sum.as_stripe(one.provider, currency).minor()
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
            "day": self.about.day.date,
            "time_zone": self.about.zone.to_string(),
            "from": self.about.day.begins.to_string(),
            "to": self.about.day.ends.to_string(),
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
            "issues": self.issues.iter().map(rows::issue).collect::<Value>(),
            "last_events": last_events.collect::<Value>(),
            "log_head": self.log_head.to_string(),
        })
    }
}

impl From<&Report> for Message {
    fn from(report: &Report) -> Self {
        Self {
            links: Vec::new(),
            subject: report.headline(),
            text: report.text(),
            severity: report.severity(),
            data: report.json(),
        }
    }
}

#[cfg(test)]
mod tests;
