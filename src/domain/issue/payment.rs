//! Issues of payments, made of the records that they are about.

use serde::{Deserialize, Serialize};

use super::IssueData;
use crate::domain::app_outage::AppOutage;
use crate::domain::money::{Currency, Money};
use crate::domain::orphan::OrphanKind;
use crate::domain::provider::Provider;
use crate::domain::records::{Orphan, Transaction};
use crate::domain::time::Timestamp;
use crate::domain::transaction::State;

/// What a person knows a payment by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// At whom it is made.
    pub provider: Provider,
    /// How much, if that is known.
    pub money: Option<Money>,
    /// The shop's own id.
    pub order_id: Option<String>,
    /// The provider's id.
    pub reference: String,
}

impl IssueData {
    /// An orphan for which the shop had its time, or money that came too late.
    pub fn orphan(orphan: &Orphan, answer_by: Option<Timestamp>) -> Self {
        let (id, payment) = (orphan.id, Payment::of_orphan(orphan));
        match orphan.kind {
            OrphanKind::LateMoney => {
                Self::LateMoney { id, transaction_id: orphan.transaction_id, payment }
            }
            why => Self::Orphan { id, why, about: orphan.about, payment, answer_by },
        }
    }

    /// The shop's app takes no notification.
    pub fn of_outage(outage: AppOutage) -> Self {
        let AppOutage { since, transactions, pending, failure, .. } = outage;
        Self::App { since, transactions, pending, failure }
    }

    /// Other money came for a transaction, which stands so now, than the shop expects.
    pub fn amount_mismatch(transaction: &Transaction, state: &State) -> Self {
        let own = state.currency.map(|currency| Money { minor: state.amount_received, currency });
        // Nothing of the transaction's own currency is not worth a word beside other money.
        let own = own.filter(|own| own.minor > 0 || state.other_money.is_empty());
        let other = state.other_money.iter();
        let other = other.map(|one| Money { minor: one.received, currency: one.currency });
        Self::AmountMismatch {
            transaction_id: transaction.id,
            payment: Payment::of(transaction),
            check: state.amount_check,
            expected: expected(transaction),
            received: own.into_iter().chain(other).collect(),
        }
    }

    /// The money of a transaction, which stands so now, is wanted back.
    pub fn dispute(
        transaction: &Transaction,
        state: &State,
        answer_by: Option<Timestamp>,
        is_urgent: bool,
    ) -> Self {
        let received =
            state.currency.map(|currency| Money { minor: state.amount_received, currency });
        let payment = Payment::of(transaction);
        Self::Dispute {
            transaction_id: transaction.id,
            payment: Payment { money: received.or(payment.money), ..payment },
            status: state.dispute_status,
            answer_by,
            is_urgent,
        }
    }
}

impl Payment {
    /// That of a transaction.
    pub fn of(transaction: &Transaction) -> Self {
        Self {
            provider: transaction.provider,
            money: expected(transaction),
            order_id: transaction.own_id().map(str::to_owned),
            reference: transaction.reference.clone(),
        }
    }

    fn of_orphan(orphan: &Orphan) -> Self {
        let currency = orphan.currency.as_deref().and_then(|code| Currency::parse(code).ok());
        let money = orphan.amount.zip(currency);
        Self {
            provider: orphan.provider,
            money: money.map(|(minor, currency)| Money { minor, currency }),
            order_id: orphan.order_id.clone(),
            reference: orphan.reference.clone(),
        }
    }
}

fn expected(transaction: &Transaction) -> Option<Money> {
    let expected = transaction.expected;
    let money = expected.amount.zip(expected.currency);
    money.map(|(minor, currency)| Money { minor, currency })
}
