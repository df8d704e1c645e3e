//! What the shop does before its buyers pay.

use crate::daemon::Options;
use crate::provider::{at, eur};
use payhookd::domain::event::{Provider, Reference, ReferenceKind};
use payhookd::domain::records::{NewTransaction, Registered};
use payhookd::domain::transaction::Expected;
use payhookd::store::Database;

/// Registers a live Stripe transaction for `pi_<name>` for each name, with the amount that is
/// expected, in one commit. No daemon is needed; the database is made if there is none.
pub(crate) fn register(options: &Options, transactions: impl IntoIterator<Item = (String, i64)>) {
    let mut database = Database::open(options.db()).expect("a database");
    let registered = database.batch(|batch| {
        for (name, amount) in transactions {
            let reference = format!("pi_{name}");
            let amount = eur(amount);
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
            let registered = batch.register(&new, at("2026-11-23T11:00:00Z"))?;
            assert!(matches!(registered, Registered::Created(_)), "{registered:?}");
        }
        Ok(())
    });
    registered.expect("registered");
}
