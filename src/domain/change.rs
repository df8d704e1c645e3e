//! The difference between two states of a transaction, as the shop is told it.

use super::money::Currency;
use super::transaction::{AmountCheck, DisputeStatus, OtherMoney, State, Status};

/// The name of a change: `transaction.succeeded` for a new status, `transaction.updated` for a
/// change of amounts or dispute under the same one, `transaction.registered` for the first.
///
/// Money that is too little or in the wrong currency is never called `transaction.succeeded`: an app
/// that reads no more than the name would let the goods go.
pub fn kind(before: Option<&State>, after: &State) -> Option<&'static str> {
    let Some(before) = before else { return Some("transaction.registered") };
    if before.status != after.status || stands_as(before) != stands_as(after) {
        return Some(stands_as(after));
    }
    (told(before) != told(after)).then_some("transaction.updated")
}

/// Whatever of a state an app is told, beside its status.
fn told(state: &State) -> Told<'_> {
    (
        state.currency,
        state.amount_received,
        state.amount_refunded,
        state.dispute_status,
        state.amount_check,
        &state.other_money,
        state.doubtful,
    )
}

type Told<'s> = (Option<Currency>, i64, i64, DisputeStatus, AmountCheck, &'s [OtherMoney], bool);

/// The shop said that it expects no money any more.
pub const CLOSED: &str = "transaction.closed";
/// The shop took that back.
pub const REOPENED: &str = "transaction.reopened";
/// Money was received, but less than the shop expects.
const UNDERPAID: &str = "transaction.underpaid";
/// Money was received, but not in the currency that the shop expects.
const WRONG_CURRENCY: &str = "transaction.wrong_currency";

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
    UNDERPAID,
    WRONG_CURRENCY,
    "transaction.partially_refunded",
    "transaction.refunded",
    "transaction.disputed",
    "transaction.charged_back",
];

/// The name of how a transaction stands: that of its status, unless the money is not what it should be.
fn stands_as(state: &State) -> &'static str {
    match (state.status, state.amount_check) {
        (Status::Succeeded, AmountCheck::Underpaid) => UNDERPAID,
        (Status::Succeeded, AmountCheck::WrongCurrency) => WRONG_CURRENCY,
        (status, _) => status_changed(status),
    }
}

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
    use crate::domain::provider::Provider;

    #[test]
    fn a_change_is_named_for_what_the_shop_must_know() {
        let pending = fold(Provider::Stripe, Expected::default(), &[]);
        assert_eq!(kind(None, &pending), Some("transaction.registered"));
        assert_eq!(kind(Some(&pending), &pending), None);
        let mut refunded = pending.clone();
        refunded.amount_refunded = 100;
        assert_eq!(kind(Some(&pending), &refunded), Some("transaction.updated"));
        let mut other = pending.clone();
        let currency = Currency::parse("USD").expect("a code");
        other.other_money = vec![OtherMoney { currency, received: 100, refunded: 0 }];
        assert_eq!(kind(Some(&pending), &other), Some("transaction.updated"));
        assert_eq!(kind(Some(&other), &other), None);
        let doubtful = State { doubtful: true, ..pending.clone() };
        assert_eq!(kind(Some(&pending), &doubtful), Some("transaction.updated"));
        assert_eq!(kind(Some(&doubtful), &pending), Some("transaction.updated"));
    }

    #[test]
    fn money_that_is_not_what_it_should_be_is_not_called_succeeded() {
        use AmountCheck::{Ok, Overpaid, Underpaid, Unknown, WrongCurrency};
        use Status::{Disputed, PartiallyRefunded, Processing, Succeeded};
        let state = |(status, amount_check)| {
            let nothing = fold(Provider::Stripe, Expected::default(), &[]);
            State { status, amount_check, ..nothing }
        };
        for (before, after, name) in [
            ((Processing, Unknown), (Succeeded, Ok), Some("transaction.succeeded")),
            ((Processing, Unknown), (Succeeded, Unknown), Some("transaction.succeeded")),
            ((Processing, Unknown), (Succeeded, Overpaid), Some("transaction.succeeded")),
            ((Processing, Unknown), (Succeeded, Underpaid), Some("transaction.underpaid")),
            ((Processing, Unknown), (Succeeded, WrongCurrency), Some("transaction.wrong_currency")),
            ((Disputed, Underpaid), (Succeeded, Underpaid), Some("transaction.underpaid")),
            // Complete now.
            ((Succeeded, Underpaid), (Succeeded, Ok), Some("transaction.succeeded")),
            ((Succeeded, Underpaid), (Succeeded, Overpaid), Some("transaction.succeeded")),
            ((Succeeded, WrongCurrency), (Succeeded, Ok), Some("transaction.succeeded")),
            // Not complete after all.
            ((Succeeded, Ok), (Succeeded, WrongCurrency), Some("transaction.wrong_currency")),
            (
                (Succeeded, Underpaid),
                (Succeeded, WrongCurrency),
                Some("transaction.wrong_currency"),
            ),
            // Of which an app was told that it succeeded.
            ((Succeeded, Ok), (Succeeded, Overpaid), Some("transaction.updated")),
            ((Succeeded, Underpaid), (Succeeded, Underpaid), None),
            (
                (Succeeded, Underpaid),
                (PartiallyRefunded, Underpaid),
                Some("transaction.partially_refunded"),
            ),
            ((PartiallyRefunded, Underpaid), (PartiallyRefunded, Ok), Some("transaction.updated")),
        ] {
            assert_eq!(kind(Some(&state(before)), &state(after)), name, "{before:?} {after:?}");
        }
    }

    #[test]
    fn every_status_has_a_change_named_after_it() {
        for status in Status::ALL {
            assert_eq!(status_changed(*status), format!("transaction.{status}"));
            assert!(KINDS.contains(&status_changed(*status)));
        }
    }
}
