//! Whether the shop may let the goods go.

use super::transaction::{AmountCheck, Expected, State, Status};

/// Whether all that the shop expects was received, exactly that, and was not given back.
///
/// Never so where no amount was registered: what is paid can't be checked then, and a payment of one
/// cent would pay anything. A disputed payment is not paid while its money is withheld, nor after
/// that was lost. A surplus that went back to the buyer does no harm.
pub fn is_paid(
    expected: &Expected,
    status: Status,
    amount_check: AmountCheck,
    received: i64,
    refunded: i64,
) -> bool {
    let is_kept = matches!(status, Status::Succeeded | Status::PartiallyRefunded);
    let is_enough = |amount| received.saturating_sub(refunded) >= amount;
    is_kept && amount_check == AmountCheck::Ok && expected.amount.is_some_and(is_enough)
}

impl Expected {
    /// What a shop should mind that registered this.
    pub fn warning(&self) -> Option<&'static str> {
        self.amount.is_none().then_some("no amount was registered: what is paid is not checked")
    }
}

impl State {
    /// Whether all that the shop expects was received and kept: see [`is_paid`].
    pub fn is_paid(&self, expected: &Expected) -> bool {
        let (received, refunded) = (self.amount_received, self.amount_refunded);
        is_paid(expected, self.status, self.amount_check, received, refunded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::money::Currency;

    #[test]
    fn paid_is_only_what_was_expected_received_and_kept() {
        use AmountCheck::{Ok, Overpaid, Underpaid, Unknown, WrongCurrency};
        for (amount, status, check, received, refunded, paid) in [
            (Some(4999), Status::Succeeded, Ok, 4999, 0, true),
            (Some(0), Status::Succeeded, Ok, 0, 0, true),
            // The surplus went back.
            (Some(4999), Status::PartiallyRefunded, Ok, 5999, 1000, true),
            (Some(4999), Status::PartiallyRefunded, Ok, 4999, 1, false),
            (Some(4999), Status::Refunded, Ok, 4999, 4999, false),
            (Some(4999), Status::Succeeded, Underpaid, 1, 0, false),
            (Some(4999), Status::Succeeded, WrongCurrency, 4999, 0, false),
            (Some(4999), Status::Succeeded, Overpaid, 5000, 0, false),
            // Nobody said what it should be.
            (None, Status::Succeeded, Unknown, 4999, 0, false),
            (None, Status::Succeeded, Ok, 4999, 0, false),
            (Some(4999), Status::Disputed, Ok, 4999, 0, false),
            (Some(4999), Status::ChargedBack, Ok, 4999, 0, false),
            // Held, not taken.
            (Some(4999), Status::Authorized, Unknown, 0, 0, false),
            (Some(0), Status::Pending, Unknown, 0, 0, false),
        ] {
            let currency = amount.and_then(|_| Currency::parse("EUR").ok());
            let expected = Expected { amount, currency, ..Expected::default() };
            let said = is_paid(&expected, status, check, received, refunded);
            assert_eq!(said, paid, "{amount:?} {status} {check} {received} {refunded}");
        }
    }
}
