//! Which ids an event names, by field or by link.

use serde_json::json;

use super::super::super::super::rules::OrderIdSource;
use super::super::super::super::tests::said::with;
use super::*;

#[test]
fn a_refund_names_its_sale_by_field_or_link_or_else_its_payment() {
    for (fields, named, parent) in [
        (
            json!({ "sale_id": "SALE1", "parent_payment": "PAY-1" }),
            ", payment PAY-1, sale SALE1",
            Some("SALE1"),
        ),
        (link("sale", "/v1/payments/sale/SALE1?x=1"), ", sale SALE1", Some("SALE1")),
        (json!({ "parent_payment": "PAY-1" }), ", payment PAY-1", Some("PAY-1")),
        (json!({}), "", None),
        (link("self", "/v1/payments/sale/SALE1"), "", None),
        (link("sale", "/v1/payments/sale/"), "", None),
    ] {
        let refund = json!({ "id": "REF1", "amount": { "total": "-1", "currency": "EUR" } });
        let (references, fact) = payment("PAYMENT.SALE.REFUNDED", &with(refund, &fields));
        assert_eq!(ids(&references), format!("refund REF1{named}"), "{fields}");
        assert_eq!(fact.parent_id.as_deref(), parent, "{fields}");
    }
}

#[test]
fn a_refund_names_its_capture_wherever_it_stands() {
    for fields in [
        json!({ "capture_id": "CAP1" }),
        json!({ "supplementary_data": { "related_ids": { "capture_id": "CAP1" } } }),
        link("up", "/v2/payments/captures/CAP1"),
        link("capture", "/v1/payments/capture/CAP1"),
    ] {
        let refund = json!({ "id": "REF1", "amount": euros("1.00") });
        let (references, fact) = payment("PAYMENT.CAPTURE.REFUNDED", &with(refund, &fields));
        assert_eq!(ids(&references), "refund REF1, capture CAP1", "{fields}");
        assert_eq!(fact.parent_id.as_deref(), Some("CAP1"), "{fields}");
    }
}

#[test]
fn a_capture_names_its_order_and_authorization_by_field_or_by_link() {
    let related = json!({ "order_id": "ORDER1", "authorization_id": "AUTH1" });
    let related = json!({ "supplementary_data": { "related_ids": related } });
    for (fields, named) in [
        // Samples contain links to other objects.
        (
            with(related, &link("up", "/v2/checkout/orders/ORDER2")),
            "order ORDER1, authorization AUTH1",
        ),
        (link("up", "/v2/checkout/orders/ORDER1"), "order ORDER1"),
        (link("up", "/v2/payments/authorizations/AUTH1"), "authorization AUTH1"),
    ] {
        let capture = with(json!({ "id": "CAP1", "amount": amount("1", "USD") }), &fields);
        let (references, _) = payment("PAYMENT.CAPTURE.COMPLETED", &capture);
        assert_eq!(ids(&references), format!("capture CAP1, {named}"), "{fields}");
    }
}

#[test]
fn the_shops_own_ids_and_a_subscription_are_references() {
    let sale = json!({
        "id": "SALE1", "amount": { "total": "1", "currency": "USD" },
        "billing_agreement_id": "I-1", "custom_id": "order-1", "invoice_id": 7,
        "custom": "order-1", "invoice_number": "order-2",
    });
    let (references, _) = payment("PAYMENT.SALE.COMPLETED", &sale);
    assert_eq!(
        ids(&references),
        "sale SALE1, subscription I-1, order_id order-1, order_id 7, order_id order-2"
    );
}

#[test]
fn order_ids_stand_in_the_fields_that_the_shop_names() {
    let v1 = json!({ "custom": "C", "invoice_number": "I" });
    let v2 = json!({ "custom_id": "C", "invoice_id": "I" });
    let paid = json!({ "id": "1", "amount": euros("1") });
    for (event_type, resource) in [
        ("PAYMENT.CAPTURE.COMPLETED", with(paid.clone(), &v2)),
        ("PAYMENT.SALE.COMPLETED", with(paid, &v1)),
        ("CHECKOUT.ORDER.APPROVED", json!({ "id": "1", "purchase_units": [v2] })),
        ("PAYMENTS.PAYMENT.CREATED", json!({ "id": "1", "transactions": [v1.clone()] })),
        ("CUSTOMER.DISPUTE.CREATED", json!({ "dispute_id": "1", "disputed_transactions": [v1] })),
    ] {
        for (sources, own) in [
            (OrderIdSource::ALL, "C I"),
            (&[OrderIdSource::CustomId], "C"),
            (&[OrderIdSource::InvoiceId], "I"),
            (&[OrderIdSource::Metadata], ""),
        ] {
            let rules = Rules { order_id_from: sources.to_vec(), ..Rules::default() };
            let content = read_by(&rules, event_type, &resource);
            let ids = content.parts().iter().flat_map(|part| &part.references);
            let order_ids = ids.filter(|reference| reference.kind == ReferenceKind::OrderId);
            let order_ids: Vec<&str> = order_ids.map(|one| &*one.value).collect();
            assert_eq!(order_ids.join(" "), own, "{event_type}, {sources:?}");
        }
    }
}
