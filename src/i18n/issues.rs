//! What is said of issues, made when it is shown: in the language and the time zone of whoever reads it.

mod aftermath;
mod endings;
mod endpoints;
mod machine;
mod payments;
mod subscriptions;
mod webhooks;

use crate::domain::issue::{IssueData, IssueKind, Payment, Texts, shortened};
use crate::domain::language::Language;
use crate::domain::money::Money;
use crate::domain::provider::Provider;
use crate::domain::records::{Details, Issue};
use crate::domain::time::Timestamp;
use crate::domain::zone::Zone;
use crate::i18n::Words;

/// A text in the language of an audience, with both languages beside each other: one that is missing does
/// not compile. Names in braces stand for what is known where it is said.
macro_rules! say {
    ($to:expr, $english:literal, $french:literal $(,)?) => {
        match $to.language {
            $crate::domain::language::Language::English => format!($english),
            $crate::domain::language::Language::French => format!($french),
        }
    };
}
use say;

/// Whoever reads: in which language, and in which time zone.
#[derive(Clone, Copy, Debug)]
pub struct Audience<'z> {
    /// The language.
    pub language: Language,
    /// The time zone.
    pub zone: &'z Zone,
}

impl Audience<'static> {
    /// Whoever reads the command line, the log or the API: English, and UTC like all times there.
    pub const PLAIN: Self = Self { language: Language::English, zone: &UTC };
}

static UTC: Zone = Zone::UTC;

impl Audience<'_> {
    /// `2026-11-23 12:52`; UTC is said, because it is mostly not what the clock on the wall shows.
    fn time(self, at: Timestamp) -> String {
        let mark = if self.zone == &UTC { " UTC" } else { "" };
        format!("{}{mark}", self.zone.show(at))
    }

    /// `49.99 EUR`
    fn money(self, provider: Provider, money: Money) -> String {
        let (decimal, currency) = (money.to_decimal(provider), money.currency);
        match self.language {
            Language::English => format!("{decimal} {currency}"),
            Language::French => format!("{}\u{a0}{currency}", decimal.replace('.', ",")),
        }
    }

    /// `49.99 EUR, order A-1001, Stripe pi_1`
    fn payment(self, payment: &Payment) -> String {
        let Payment { provider, money, order_id, reference } = payment;
        let mut parts = Vec::new();
        parts.extend(money.map(|money| self.money(*provider, money)));
        if let Some(order_id) = order_id.as_deref().map(shortened) {
            parts.push(say!(self, "order {order_id}", "commande {order_id}"));
        }
        parts.push(format!("{} {}", provider.name(), shortened(reference)));
        parts.join(", ")
    }

    /// What another program said, which is in English.
    fn quote(self, words: &str) -> String {
        let words = shortened(words);
        say!(self, "“{words}”", "en anglais\u{a0}: «\u{a0}{words}\u{a0}»")
    }
}

impl Issue {
    /// What is said of it, and in which language: that of the audience, or English where it is not known
    /// in another.
    pub fn texts(&self, to: Audience<'_>) -> (Texts, Language) {
        let (texts, language) = match &self.details {
            Details::Data(data) => (texts(data, to), to.language),
            Details::Prose { french: Some(french), .. } if to.language == Language::French => {
                (french.clone(), Language::French)
            }
            Details::Prose { english, .. } => (english.clone(), Language::English),
            Details::Unknown(data) => (unknown(self.kind, &self.subject, data, to), to.language),
        };
        match self.ending {
            Some(how) => {
                let detail = endings::detail(how, Audience { language, ..to });
                (Texts { detail, ..texts }, language)
            }
            None => (texts, language),
        }
    }
}

/// What is said of a problem.
pub fn texts(data: &IssueData, to: Audience<'_>) -> Texts {
    match data {
        IssueData::Orphan { id, why, about, payment, answer_by } => {
            payments::orphan(to, *id, (*why, *about), payment, *answer_by)
        }
        IssueData::LateMoney { id, transaction_id, payment } => {
            payments::late_money(to, *id, *transaction_id, payment)
        }
        IssueData::AmountMismatch { transaction_id, payment, check, expected, received } => {
            payments::amount_mismatch(to, (*transaction_id, payment), *check, *expected, received)
        }
        IssueData::Dispute { transaction_id, payment, status, answer_by, is_urgent } => {
            payments::dispute(to, (*transaction_id, payment), *status, *answer_by, *is_urgent)
        }
        IssueData::UncapturedOrder { payment, approved_at, .. } => {
            payments::uncaptured_order(to, payment, *approved_at)
        }
        IssueData::MerchantAction { transaction_id, payment, action } => {
            payments::merchant_action(to, (*transaction_id, payment), *action)
        }
        IssueData::Authorization { payment, lapses_at, for_good, .. } => {
            aftermath::authorization(to, payment, *lapses_at, *for_good)
        }
        IssueData::Refund { payment, refund_id, money, failed, since, reason, .. } => {
            aftermath::refund(
                to,
                payment,
                (refund_id, *money),
                *since,
                (*failed, reason.as_deref()),
            )
        }
        IssueData::FraudWarning { payment, at, .. } => aftermath::fraud_warning(to, payment, *at),
        IssueData::Payout { provider, payout_id, money, canceled, reason, .. } => {
            let what = (*provider, &**payout_id, *money);
            aftermath::payout(to, what, *canceled, reason.as_deref())
        }
        IssueData::App { since, transactions, pending, failure } => {
            machine::app(to, *since, (*transactions, *pending), failure.as_deref())
        }
        IssueData::Discrepancy { transaction_id, provider, reference } => {
            payments::discrepancy(to, *transaction_id, *provider, reference)
        }
        IssueData::FailedEvent { provider, event_type, event_id, why } => {
            webhooks::failed_event(to, (*provider, event_type), event_id, why)
        }
        IssueData::DoubtfulEvent { event_id, doubt, transactions, .. } => {
            webhooks::doubtful_event(to, event_id, *doubt, transactions)
        }
        IssueData::UnknownSubscription(of) => subscriptions::unknown(to, of),
        IssueData::EndedSubscription(of) => subscriptions::ended(to, of),
        IssueData::RefusedSignatures { provider, likely, count, since, genuine_at, evidence } => {
            let times = (*since, *genuine_at);
            webhooks::refused_signatures(to, (*provider, *likely), *count, times, evidence.as_ref())
        }
        IssueData::Silence { provider, last_at } => webhooks::silence(to, *provider, *last_at),
        IssueData::NoProof { count, by_certificate, evidence } => {
            webhooks::no_proof(to, *count, *by_certificate, evidence.as_ref())
        }
        IssueData::CertificateEnds { at } => webhooks::certificate_ends(to, *at),
        IssueData::OtherTime { provider, count, now, evidence } => {
            webhooks::other_time(to, *provider, (*count, *now), evidence.as_ref())
        }
        IssueData::Endpoint { faults, .. } => endpoints::texts(to, faults),
        IssueData::Reconcile { provider, error } => webhooks::reconcile(to, *provider, error),
        IssueData::DeadLetter { number, delivery_id, failure } => {
            machine::dead_letter(to, *number, *delivery_id, failure.as_deref())
        }
        IssueData::MachineClock { doubt, latest_at } => machine::clock(to, *doubt, *latest_at),
        IssueData::Disk { free, total } => machine::disk(to, *free, *total),
        IssueData::HeldWal { size } => machine::held_wal(to, *size),
        IssueData::Task { task } => machine::task(to, task),
        IssueData::Database { loss, rescue } => machine::database(to, *loss, rescue),
        IssueData::EventLog { known, file } => machine::event_log(to, known, file),
    }
}

/// What a newer version knows of a problem, as it stands.
fn unknown(kind: IssueKind, subject: &str, data: &str, to: Audience<'_>) -> Texts {
    let (kind, subject) = (Words::of(to.language).issue_kind(kind), shortened(subject));
    let data: String = data.chars().take(MOST_UNKNOWN).collect();
    Texts {
        title: say!(to, "{kind}: {subject}", "{kind}\u{a0}: {subject}"),
        detail: say!(
            to,
            "Another version of payhookd kept it: {data}",
            "Une autre version de payhookd l’a conservé\u{a0}: {data}",
        ),
        remedy: say!(
            to,
            "install the newer payhookd again, which knows more of it",
            "réinstallez le payhookd plus récent, qui en sait plus",
        ),
    }
}

/// Characters of what is not understood.
const MOST_UNKNOWN: usize = 300;

#[cfg(test)]
mod tests;
