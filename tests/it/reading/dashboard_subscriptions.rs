//! The dashboard's pages of subscriptions, without a browser.

use serde_json::json;

use crate::reading::dashboard::{TOKEN, Visitor, start};
use crate::support::admin::App as Admin;
use crate::support::provider::StripeSample;

#[test]
fn subscriptions_are_shown_with_their_payments_and_can_be_ended() {
    let daemon = start();
    let visitor = Visitor::of(&daemon);
    let empty = visitor.page("/subscriptions");
    assert!(empty.contains("payhookd subscriptions"), "{empty}");
    let app = Admin::with_token(&daemon, TOKEN);
    for (reference, own_id) in [("sub_1", "club-17"), ("sub_2", "club-18")] {
        let body = json!({
            "provider": "stripe", "reference": reference, "own_id": own_id, "amount": 4999,
            "currency": "EUR",
        });
        assert_eq!(app.post("/api/v1/subscriptions", body.to_string()).status, 201);
    }
    let paid =
        StripeSample::new("invoice.payment_succeeded", "1").reference("sub_1").object("in_1");
    assert_eq!(daemon.deliver_stripe(paid.body()).status, 200);

    let list = visitor.page("/subscriptions");
    assert!(list.contains("club-17") && list.contains("club-18"), "{list}");
    assert!(list.contains("href=\"/subscriptions/1\""), "{list}");
    let one = visitor.page("/subscriptions/1");
    assert!(one.contains("href=\"/transactions/1\"") && one.contains("in_1"), "{one}");
    assert!(one.contains("https://dashboard.stripe.com/subscriptions/sub_1"), "{one}");
    let payment = visitor.page("/transactions/1");
    assert!(payment.contains("href=\"/subscriptions/1\""), "{payment}");
    let transactions = visitor.page("/transactions");
    assert!(transactions.contains("club-17"), "{transactions}");

    assert_eq!(visitor.post("/subscriptions/1/end", &[]).status, 303);
    assert!(visitor.page("/subscriptions/1").contains("The subscription has ended."));
    let ended = visitor.page("/subscriptions?ended=true");
    assert!(ended.contains("club-17") && !ended.contains("club-18"), "{ended}");
    let late =
        StripeSample::new("invoice.payment_succeeded", "2").reference("sub_1").object("in_2");
    let late = late.at("2099-01-01T00:00:00Z");
    assert_eq!(daemon.deliver_stripe(late.body()).status, 200);
    let issues = visitor.page("/issues");
    assert!(issues.contains("href=\"/subscriptions/1\""), "{issues}");
    assert!(visitor.page("/transactions/2").contains("after the end"));
    let french = visitor.get_with("/subscriptions/1", &[("accept-language", "fr")]);
    let french = french.text();
    assert!(french.contains("Abonnement 1") && french.contains("après la fin"), "{french}");
    assert_eq!(visitor.post("/subscriptions/1/reopen", &[]).status, 303);
    assert!(!visitor.page("/transactions/2").contains("after the end"));
    for missing in ["/subscriptions/9", "/subscriptions/x"] {
        assert_eq!(visitor.get(missing).status, 404, "{missing}");
    }
    for wrong in ["/subscriptions?ended=x", "/subscriptions?strange=1"] {
        assert_eq!(visitor.get(wrong).status, 400, "{wrong}");
    }
    assert_eq!(visitor.post("/subscriptions/9/end", &[]).status, 404);
}
