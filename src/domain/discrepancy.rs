//! Where a provider and the shop believe different things of a payment.

use super::provider::Provider;
use super::transaction::{DisputeStatus, State, Status};

string_enum! {
    /// What is different.
    DiscrepancyKind {
        /// The provider has a payment of which nothing is known here.
        Missed = "missed",
        /// The provider has a payment that the shop has not registered.
        Unregistered = "unregistered",
        /// The shop registered a payment of which the provider knows nothing.
        Unknown = "unknown",
        /// The provider says another status.
        Status = "status",
        /// The provider says that another amount was received or went back.
        Amount = "amount",
        /// Both say what was received, and it is not what the shop expects.
        Expected = "expected",
    }
}

impl DiscrepancyKind {
    /// What it means.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Missed => "the provider has it, and no event of it is here",
            Self::Unregistered => "the provider has it, and the shop has not registered it",
            Self::Unknown => "the shop has it, and the provider knows nothing of it",
            Self::Status => "the provider says another status",
            Self::Amount => "the provider says another amount",
            Self::Expected => "the amount is not what the shop expects",
        }
    }
}

/// How far a payment has come. Two sides that have seen different events of it may say `failed` and
/// `pending` of one that waits for the buyer; that is no difference that matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Open,
    Processing,
    Authorized,
    Canceled,
    Paid,
}

impl From<Status> for Stage {
    fn from(status: Status) -> Self {
        match status {
            Status::Pending | Status::RequiresAction | Status::Failed => Self::Open,
            Status::Processing => Self::Processing,
            Status::Authorized => Self::Authorized,
            Status::Canceled => Self::Canceled,
            Status::Succeeded
            | Status::PartiallyRefunded
            | Status::Refunded
            | Status::Disputed
            | Status::ChargedBack => Self::Paid,
        }
    }
}

/// Whether there is money in it, taken or on its way.
pub fn has_money(status: Status) -> bool {
    matches!(Stage::from(status), Stage::Processing | Stage::Authorized | Stage::Paid)
}

/// Whether a payment of this status may be gone at the provider without anything being wrong: PayPal
/// forgets an order that no buyer approved within hours.
pub fn may_be_forgotten(provider: Provider, status: Status) -> bool {
    provider == Provider::Paypal && matches!(Stage::from(status), Stage::Open | Stage::Canceled)
}

/// What is different between what is known here and what the provider says of the same payment.
/// `is_disputed`: it says beside it that there is a dispute.
pub fn compare(ours: &State, theirs: &State, is_disputed: bool) -> Option<DiscrepancyKind> {
    let unknown_dispute = is_disputed && ours.dispute_status == DisputeStatus::None;
    if Stage::from(ours.status) != Stage::from(theirs.status) || unknown_dispute {
        return Some(DiscrepancyKind::Status);
    }
    let paid = Stage::from(ours.status) == Stage::Paid;
    let money = |state: &State| {
        let currency = state.currency.filter(|_| state.amount_received > 0);
        (state.amount_received, state.amount_refunded, currency)
    };
    if paid && money(ours) != money(theirs) {
        return Some(DiscrepancyKind::Amount);
    }
    ours.amount_check.is_wrong().then_some(DiscrepancyKind::Expected)
}

#[cfg(test)]
mod tests {
    use super::super::transaction::{AmountCheck, Expected, fold};
    use super::*;

    fn state(status: Status, received: i64, refunded: i64) -> State {
        State {
            status,
            amount_received: received,
            amount_refunded: refunded,
            ..fold(Provider::Stripe, Expected::default(), &[])
        }
    }

    #[test]
    fn what_matters_is_a_difference_and_what_does_not_is_none() {
        use DiscrepancyKind::{Amount, Expected, Status as Differs};
        let one = |ours, theirs| compare(&ours, &theirs, false);
        let paid = || state(Status::Succeeded, 100, 0);
        assert_eq!(one(paid(), paid()), None);
        assert_eq!(one(state(Status::Failed, 0, 0), state(Status::Pending, 0, 0)), None);
        assert_eq!(one(state(Status::Pending, 0, 0), paid()), Some(Differs));
        assert_eq!(one(state(Status::Processing, 0, 0), paid()), Some(Differs));
        assert_eq!(one(paid(), state(Status::Succeeded, 90, 0)), Some(Amount));
        assert_eq!(one(paid(), state(Status::PartiallyRefunded, 100, 10)), Some(Amount));
        assert_eq!(compare(&paid(), &paid(), true), Some(Differs));
        let disputed =
            State { status: Status::Disputed, dispute_status: DisputeStatus::Open, ..paid() };
        assert_eq!(compare(&disputed, &paid(), true), None);
        let wrong = State { amount_check: AmountCheck::Underpaid, ..paid() };
        assert_eq!(one(wrong, paid()), Some(Expected));
    }
}
