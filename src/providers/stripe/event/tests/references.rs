//! Which ids an event names, and whose the payment is.

use serde_json::json;

use super::super::super::super::rules::OrderIdSource;
use super::*;

#[test]
fn a_session_names_its_payment_its_forerunner_and_the_shops_own_money() {
    let session = json!({
        "id": "cs_2", "amount_total": 5423, "currency": "usd", "payment_status": "paid",
        "payment_intent": "pi_1", "recovered_from": "cs_1", "client_reference_id": "57",
        "currency_conversion": { "amount_total": 4999, "source_currency": "eur" },
    });
    let (references, fact) = payment("checkout.session.completed", &session);
    assert_eq!(
        ids(&references),
        "checkout_session cs_2, checkout_session cs_1, payment_intent pi_1, client_reference_id 57"
    );
    assert_eq!(fact.payment_id.as_deref(), Some("pi_1"));
    let shop_money = fact.shop_money.expect("a conversion");
    assert_eq!((shop_money.minor, shop_money.currency.as_str()), (4999, "EUR"));
    for status in [json!(null), json!("unpaid"), json!("something_new")] {
        let unpaid = with(session.clone(), &json!({ "payment_status": status }));
        assert_eq!(outcome(&payment("checkout.session.completed", &unpaid).1), "processing");
    }
}

#[test]
fn only_the_fields_that_the_shop_names_hold_its_order_id() {
    use OrderIdSource::{ClientReferenceId, CustomId, Metadata};
    let session = json!({
        "id": "cs_1", "amount_total": 1, "currency": "usd", "client_reference_id": "57",
        "metadata": { "order_id": "1001" },
    });
    for (order_id_from, expected) in [
        (vec![Metadata, ClientReferenceId], vec!["57", "1001"]),
        (vec![Metadata], vec!["1001"]),
        (vec![ClientReferenceId], vec!["57"]),
        (vec![CustomId], vec![]),
    ] {
        let rules = Rules { order_id_from, ..Rules::default() };
        let event = read_by(&rules, "checkout.session.completed", None, &session);
        let references = event.content.parts()[0].references[1..].iter();
        let ids: Vec<&str> = references.map(|one| &*one.value).collect();
        assert_eq!(ids, expected);
    }
}

#[test]
fn ids_may_be_expanded_and_an_order_id_a_number() {
    let intent = json!({
        "id": "pi_1", "amount_received": 100, "currency": "usd",
        "latest_charge": { "object": "charge", "id": "ch_1" }, "invoice": { "id": "in_1" },
        "metadata": { "order_id": 6735 },
    });
    let (references, _) = payment("payment_intent.succeeded", &intent);
    let named = "payment_intent pi_1, charge ch_1, invoice in_1, order_id 6735";
    assert_eq!(ids(&references), named);
}

/// Old versions list the charges, the oldest without naming the latest of them.
#[test]
fn a_payment_intent_names_each_of_its_charges_once() {
    for latest in [json!(null), json!("ch_2")] {
        let intent = json!({
            "id": "pi_1", "amount": 100, "currency": "usd", "latest_charge": latest,
            "charges": { "object": "list", "data": [{ "id": "ch_2" }, { "id": "ch_1" }] },
        });
        let (references, _) = payment("payment_intent.requires_action", &intent);
        assert_eq!(ids(&references), "payment_intent pi_1, charge ch_2, charge ch_1");
    }
}

/// Before 2025-03-31.basil the links stood on the invoice itself.
#[test]
fn an_invoice_names_its_payment_and_subscription_in_old_and_new_versions() {
    for (links, named) in [
        (
            json!({ "payment_intent": "pi_1", "charge": "ch_1", "subscription": "sub_1" }),
            "invoice in_1, payment_intent pi_1, charge ch_1, subscription sub_1",
        ),
        (
            json!({ "parent": { "subscription_details": { "subscription": "sub_1" } } }),
            "invoice in_1, subscription sub_1",
        ),
    ] {
        let invoice = with(json!({ "id": "in_1", "amount_paid": 100, "currency": "usd" }), &links);
        assert_eq!(ids(&payment("invoice.payment_succeeded", &invoice).0), named);
    }
}

/// The shop's payments have `site=shop` in their metadata.
fn marked() -> Rules {
    Rules {
        own_metadata: vec![("site".to_owned(), "shop".to_owned())],
        own_accounts: vec!["acct_1".to_owned()],
        ..Rules::default()
    }
}

#[test]
fn another_accounts_payment_is_anothers_unless_the_shop_names_the_account() {
    let intent = json!({
        "id": "pi_1", "amount": 1, "amount_received": 1, "currency": "usd", "status": "succeeded",
        "metadata": { "site": "shop" },
    });
    for (account, ownership) in [
        (None, Ownership::Own),
        (Some("acct_1"), Ownership::Own),
        (Some("acct_2"), Ownership::Foreign),
    ] {
        let event = read_by(&marked(), "payment_intent.succeeded", account, &intent);
        // An account of the shop's own is where its other payments are.
        let apart = account.filter(|_| ownership == Ownership::Foreign);
        assert_eq!((event.ownership, event.account.as_deref()), (ownership, apart));
    }
}

#[test]
fn a_payment_is_the_shops_if_it_bears_its_mark() {
    // An invoice of a subscription bears what the subscription does, in either place.
    let subscription = json!({ "subscription_details": { "metadata": { "site": "shop" } } });
    for (fields, ownership) in [
        (json!({ "metadata": { "site": "shop" } }), Ownership::Own),
        (json!({ "metadata": { "site": "other" } }), Ownership::Foreign),
        (json!({ "metadata": { "order_id": "1" } }), Ownership::Foreign),
        (json!({ "metadata": "shop" }), Ownership::Foreign),
        (subscription.clone(), Ownership::Own),
        (json!({ "parent": subscription }), Ownership::Own),
    ] {
        let charge = json!({
            "id": "ch_1", "amount": 100, "currency": "eur", "status": "succeeded",
            "captured": true, "metadata": {},
        });
        let charge = with(charge, &fields);
        let by = |rules: &Rules| read_by(rules, "charge.succeeded", None, &charge).ownership;
        assert_eq!(by(&marked()), ownership, "{fields}");
        // Without a rule every payment may be the shop's.
        assert_eq!(by(&Rules::default()), Ownership::Unsaid, "{fields}");
    }
}

#[test]
fn a_refund_without_the_mark_does_not_say_whose_it_is() {
    for (metadata, ownership) in [
        (json!({}), Ownership::Unsaid),
        (json!({ "site": "shop" }), Ownership::Own),
        (json!({ "site": "other" }), Ownership::Foreign),
    ] {
        let refund = json!({
            "id": "re_1", "amount": 1, "currency": "eur", "charge": "ch_1", "metadata": metadata,
        });
        let event = read_by(&marked(), "refund.created", None, &refund);
        assert_eq!(event.ownership, ownership, "{metadata}");
    }
}
