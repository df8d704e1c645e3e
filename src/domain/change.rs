//! The difference between two states of a transaction, as the shop is told it.

use super::transaction::{AmountCheck, State, Status};

/// The name of a change: `transaction.succeeded` for a new status, `transaction.updated` for a
/// change of amounts or dispute under the same one, `transaction.registered` for the first.
pub fn kind(before: Option<&State>, after: &State) -> Option<&'static str> {
    let Some(before) = before else { return Some("transaction.registered") };
    if before.status != after.status {
        return Some(status_changed(after.status));
    }
    let told = |state: &State| -> (Option<_>, i64, i64, _, AmountCheck) {
        (
            state.currency,
            state.amount_received,
            state.amount_refunded,
            state.dispute_status,
            state.amount_check,
        )
    };
    (told(before) != told(after)).then_some("transaction.updated")
}

/// The shop said that it expects no money any more.
pub const CLOSED: &str = "transaction.closed";
/// The shop took that back.
pub const REOPENED: &str = "transaction.reopened";

/// Every name of a change: those that [`kind`] gives, and what the shop says.
pub const KINDS: &[&str] = &[
    "transaction.registered",
    "transaction.updated",
    CLOSED,
    REOPENED,
    "transaction.pending",
    "transaction.requires_action",
    "transaction.processing",
    "transaction.authorized",
    "transaction.failed",
    "transaction.canceled",
    "transaction.succeeded",
    "transaction.partially_refunded",
    "transaction.refunded",
    "transaction.disputed",
    "transaction.charged_back",
];

fn status_changed(status: Status) -> &'static str {
    match status {
        Status::Pending => "transaction.pending",
        Status::RequiresAction => "transaction.requires_action",
        Status::Processing => "transaction.processing",
        Status::Authorized => "transaction.authorized",
        Status::Failed => "transaction.failed",
        Status::Canceled => "transaction.canceled",
        Status::Succeeded => "transaction.succeeded",
        Status::PartiallyRefunded => "transaction.partially_refunded",
        Status::Refunded => "transaction.refunded",
        Status::Disputed => "transaction.disputed",
        Status::ChargedBack => "transaction.charged_back",
    }
}

#[cfg(test)]
mod tests {
    use super::super::transaction::{Expected, fold};
    use super::*;
    use crate::domain::event::Provider;

    #[test]
    fn a_change_is_named_for_what_the_shop_must_know() {
        let pending = fold(Provider::Stripe, Expected::default(), &[]);
        assert_eq!(kind(None, &pending), Some("transaction.registered"));
        assert_eq!(kind(Some(&pending), &pending), None);
        let mut refunded = pending.clone();
        refunded.amount_refunded = 100;
        assert_eq!(kind(Some(&pending), &refunded), Some("transaction.updated"));
    }

    #[test]
    fn every_status_has_a_change_named_after_it() {
        for status in Status::ALL {
            assert_eq!(status_changed(*status), format!("transaction.{status}"));
            assert!(KINDS.contains(&status_changed(*status)));
        }
    }
}
