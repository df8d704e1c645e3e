use std::collections::BTreeSet;

use super::*;
use crate::domain::event::Ownership;
use crate::domain::fact::{Fact, FactState};
use crate::domain::matching::decide;
use crate::domain::money::{Currency, Money};
use crate::domain::provider::Provider;

fn said(ids: &[(ReferenceKind, &str)]) -> Vec<Reference> {
    ids.iter().map(|(kind, id)| Reference::new(*kind, *id)).collect()
}

fn fact(object: ReferenceKind, id: &str, minor: i64) -> Fact {
    let currency = Currency::parse("EUR").expect("a code");
    Fact {
        amount: Some(Money { minor, currency }),
        ..Fact::new(Timestamp::EPOCH, "evt_1", object, id, FactState::InvoicePaid)
    }
}

fn claim<'c>(references: &'c [Reference], fact: &'c Fact) -> Claim<'c> {
    Claim { references, facts: vec![fact], ownership: Ownership::Unsaid, attached: None }
}

fn registry() -> Registry {
    Registry { subscriptions: BTreeMap::from([("sub_1".into(), 3)]), ..Registry::default() }
}

/// The ids of the payments that are found.
fn found(claims: &[Claim<'_>], registry: &Registry) -> Vec<String> {
    let decisions = decide(Provider::Stripe, claims, registry);
    let found = unregistered_payments(claims, &decisions, registry);
    found.into_iter().map(|(paid, of)| format!("{} of {of}", paid.value)).collect()
}

#[test]
fn an_invoice_of_a_registered_subscription_is_a_payment_of_it() {
    use ReferenceKind::{Invoice, Subscription};
    let of = said(&[(Invoice, "in_1"), (Subscription, "sub_1")]);
    let of_another = said(&[(Invoice, "in_2"), (Subscription, "sub_2")]);
    let (fact, other) = (fact(Invoice, "in_1", 999), fact(Invoice, "in_2", 999));
    let claims = [claim(&of, &fact), claim(&of_another, &other)];
    assert_eq!(found(&claims, &registry()), ["in_1 of 3"]);
    assert_eq!(found(&claims, &Registry::default()), Vec::<String>::new());
}

#[test]
fn an_invoice_over_nothing_is_none() {
    use ReferenceKind::{Invoice, Subscription};
    let of = said(&[(Invoice, "in_1"), (Subscription, "sub_1")]);
    let nothing = fact(Invoice, "in_1", 0);
    assert_eq!(found(&[claim(&of, &nothing)], &registry()), Vec::<String>::new());
}

#[test]
fn a_refund_that_names_a_subscription_is_no_payment_of_it() {
    use ReferenceKind::{Refund, Sale, Subscription};
    let refund = said(&[(Refund, "R1"), (Sale, "S1"), (Subscription, "sub_1")]);
    let fact = fact(Refund, "R1", 999);
    assert_eq!(found(&[claim(&refund, &fact)], &registry()), Vec::<String>::new());
}

#[test]
fn what_the_shop_registered_itself_needs_no_other_transaction() {
    use ReferenceKind::{CheckoutSession, Invoice, Subscription};
    let invoice = said(&[(Invoice, "in_1"), (Subscription, "sub_1")]);
    let session = said(&[(CheckoutSession, "cs_1"), (Invoice, "in_1"), (Subscription, "sub_1")]);
    let (one, other) = (fact(Invoice, "in_1", 999), fact(CheckoutSession, "cs_1", 999));
    let mut registry = registry();
    registry.references.insert("cs_1".into(), BTreeSet::from([7]));
    let both = [claim(&invoice, &one), claim(&session, &other)];
    assert_eq!(found(&both, &registry), Vec::<String>::new());
    let decisions = decide(Provider::Stripe, &both, &registry);
    assert_eq!(holder(&both, &decisions, "in_1"), Some(7));
    // Before the event that ties them nobody can know.
    assert_eq!(found(&both[..1], &registry), ["in_1 of 3"]);
}

/// Of PayPal's subscriptions each payment carries the same `custom`.
#[test]
fn the_shops_own_id_on_every_payment_of_a_subscription_leads_nowhere() {
    use ReferenceKind::{OrderId, Sale, Subscription};
    let sale = said(&[(Sale, "S1"), (Subscription, "sub_1"), (OrderId, "A-1")]);
    let fact = fact(Sale, "S1", 999);
    let mut registry = registry();
    registry.shared.insert("A-1".into(), BTreeSet::from([7]));
    registry.shared.insert("sub_1".into(), BTreeSet::from([8]));
    assert_eq!(found(&[claim(&sale, &fact)], &registry), ["S1 of 3"]);
    registry.subscriptions.clear();
    let decisions = decide(Provider::Paypal, &[claim(&sale, &fact)], &registry);
    assert_eq!(holder(&[claim(&sale, &fact)], &decisions, "S1"), Some(7));
}
