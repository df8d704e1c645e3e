//! What the shop does before its buyers pay.

use crate::support::daemon::Options;
use crate::support::provider::{at, eur};
use payhookd::domain::provider::Provider;
use payhookd::domain::records::{NewTransaction, Registered};
use payhookd::domain::reference::{Reference, ReferenceKind};
use payhookd::domain::time::Timestamp;
use payhookd::domain::transaction::Expected;
use payhookd::store::{Batch, Database, Job, Register, StoreError};

/// Several jobs in one transaction.
pub(crate) struct Together<F>(pub(crate) F);

impl<F: Fn(&Batch<'_>) -> Result<(), StoreError>> Job for Together<F> {
    type Done = ();

    fn execute(&self, batch: &Batch<'_>, _now: Timestamp) -> Result<(), StoreError> {
        self.0(batch)
    }
}

/// Registers a live Stripe transaction for `pi_<name>` for each name, with the amount that is
/// expected, in one commit. No daemon is needed; the database is made if there is none.
pub(crate) fn register(options: &Options, transactions: impl IntoIterator<Item = (String, i64)>) {
    let transactions: Vec<_> = transactions.into_iter().collect();
    let mut database = Database::open(options.db()).expect("a database");
    let now = at("2026-11-23T11:00:00Z");
    let all = Together(|batch: &Batch<'_>| {
        for (name, amount) in &transactions {
            let reference = format!("pi_{name}");
            let amount = eur(*amount);
            let new = NewTransaction {
                provider: Provider::Stripe,
                reference: Reference::new(ReferenceKind::PaymentIntent, reference),
                order_id: None,
                expected: Expected {
                    amount: Some(amount.minor),
                    currency: Some(amount.currency),
                    partial: false,
                },
                livemode: true,
                metadata: "{}".to_owned(),
            };
            let registered = Register { new }.execute(batch, now)?;
            assert!(matches!(registered, Registered::Created(_)), "{registered:?}");
        }
        Ok(())
    });
    database.run(&all, now).expect("registered");
}
