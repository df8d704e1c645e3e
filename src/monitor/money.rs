//! Money for which time runs out: disputes, approvals, authorizations, refunds.

use std::time::Duration;

use super::{Monitor, Seen, is_critical};
use crate::domain::issue::{Ending, IssueData, IssueKind, Payment, Severity};
use crate::domain::provider::Provider;
use crate::domain::records::{LapsingAuthorization, StuckRefund, Transaction};
use crate::domain::time::Timestamp;
use crate::store::StoreError;

/// A dispute that can be answered for no longer than this is urgent.
const ANSWER_SOON: Duration = Duration::from_secs(3 * 86_400);
/// An approved PayPal order that waits so long was forgotten. PayPal keeps an approval for three hours,
/// and for three days where that was agreed.
const CAPTURE_SOON: Duration = Duration::from_secs(3_600);
const CAPTURE_NOW: Duration = Duration::from_secs(2 * 3_600);
const LAPSED: Duration = Duration::from_secs(3 * 86_400);

/// Nothing lapses sooner after it was authorized.
const HELD_FOR: Duration = Duration::from_secs(86_400);
/// Refunds reach a buyer within ten business days: <https://docs.stripe.com/refunds>.
const REFUND_OF_STRIPE: Duration = Duration::from_secs(14 * 86_400);
/// One from a bank account (eCheck) takes three to five business days:
/// <https://developer.paypal.com/docs/api/payments/v2/#refunds_get> (`ECHECK`).
const REFUND_OF_PAYPAL: Duration = Duration::from_secs(8 * 86_400);
/// So many of a kind are looked at.
const SEEN_AT_ONCE: u32 = 200;

impl Monitor {
    pub(super) fn look_at_orders(&self, seen: &mut Seen, now: Timestamp) -> Result<(), StoreError> {
        let waiting = self.reader.approved_orders(now.minus(LAPSED), now.minus(CAPTURE_SOON))?;
        for order in &waiting {
            let approved_at = order.state.status_changed_at.unwrap_or(order.updated_at);
            let severity = match now.since(approved_at) >= CAPTURE_NOW {
                true => Severity::Critical,
                false => Severity::Warning,
            };
            let payment = Payment::of(order);
            let transaction_id = order.id;
            let data = IssueData::UncapturedOrder { transaction_id, payment, approved_at };
            seen.bad(data, severity);
        }
        let subjects: Vec<String> = waiting.iter().map(|order| order.id.to_string()).collect();
        for subject in seen.subjects(IssueKind::UncapturedOrder) {
            if !subjects.contains(&subject) {
                let how = Ending::CapturedOrLapsed;
                seen.good(IssueKind::UncapturedOrder, &subject, Some(how));
            }
        }
        Ok(())
    }

    pub(super) fn look_at_authorizations(
        &self,
        seen: &mut Seen,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut subjects = Vec::new();
        for provider in self.providers.iter().copied() {
            let held = now.minus(HELD_FOR);
            let whose = (provider, self.livemode);
            let (held, _) = self.reader.due::<LapsingAuthorization>(whose, held, SEEN_AT_ONCE)?;
            for one in held {
                let Some((lapses_at, for_good)) = one.lapses(now) else { continue };
                let data = IssueData::Authorization {
                    transaction_id: one.transaction.id,
                    payment: Payment::of(&one.transaction),
                    lapses_at,
                    for_good,
                };
                subjects.push(data.subject());
                seen.bad(data, Severity::Warning);
            }
        }
        for subject in seen.subjects(IssueKind::Authorization) {
            if !subjects.contains(&subject) {
                seen.good(IssueKind::Authorization, &subject, Some(Ending::CapturedOrLapsed));
            }
        }
        Ok(())
    }

    /// Refunds that are under way for longer than the providers promise. Their end is in an event.
    pub(super) fn look_at_refunds(
        &self,
        seen: &mut Seen,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for provider in self.providers.iter().copied() {
            let promised = match provider {
                Provider::Stripe => REFUND_OF_STRIPE,
                Provider::Paypal => REFUND_OF_PAYPAL,
            };
            let (stuck, _) =
                self.reader.due::<StuckRefund>(provider, now.minus(promised), SEEN_AT_ONCE)?;
            for one in stuck {
                let data = IssueData::Refund {
                    transaction_id: one.transaction.id,
                    payment: Payment::of(&one.transaction),
                    refund_id: one.refund_id,
                    money: one.money,
                    failed: false,
                    since: one.since,
                    reason: None,
                };
                seen.bad(data, Severity::Warning);
            }
        }
        Ok(())
    }

    pub(super) fn look_at_disputes(
        &self,
        seen: &mut Seen,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let disputes = seen.open.iter().filter(|issue| issue.kind == IssueKind::Dispute);
        let mut urgent = Vec::new();
        for issue in disputes.filter(|issue| !is_critical(issue)) {
            let Ok(id) = issue.subject.parse() else { continue };
            let due = self.reader.answer_due(id)?;
            let soon = due.filter(|due| *due > now && due.since(now) <= ANSWER_SOON);
            if let Some((due, transaction)) = soon.zip(self.reader.get::<Transaction>(id)?) {
                urgent.push(IssueData::dispute(&transaction, &transaction.state, Some(due), true));
            }
        }
        urgent.into_iter().for_each(|data| seen.bad(data, Severity::Critical));
        Ok(())
    }
}
