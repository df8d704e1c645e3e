//! A shop in which everything has happened that the dashboard shows.

use serde_json::{Value, json};

use crate::reading::dashboard::{TOKEN, start_with};
use crate::support::admin;
use crate::support::app::{self, wait_until_all};
use crate::support::browser::Browser;
use crate::support::certificates::Certificates;
use crate::support::daemon::{Daemon, Options};
use crate::support::fake::Reply;
use crate::support::provider::{PaypalSample, StripeSample};
use payhookd::telemetry::clock::Clock;

/// A daemon for test money of both providers, and who it speaks to.
pub(crate) struct Shop {
    /// It tells `app`, which wants to hear nothing.
    pub(crate) daemon: Daemon,
    pub(crate) app: app::App,
    _certificates: Certificates,
}

impl Shop {
    /// One where senders say what one expects of them.
    pub(crate) fn new() -> Self {
        Self::in_words_of(str::to_owned)
    }

    /// One where whatever a sender, a buyer, the shop or its app says went through `say`.
    pub(crate) fn in_words_of(say: impl Fn(&str) -> String) -> Self {
        let app = app::App::start();
        let answer = say("gone");
        app.says(move |_| Reply::Answer(410, None, answer.clone()));
        let certificates = Certificates::of_sandbox();
        let daemon = start_with(
            app.and_tells(Options::paypal(certificates.fake.address))
                .variable("STRIPE_WEBHOOK_SECRET", crate::support::provider::SECRET),
        );
        let shop = Self { daemon, app, _certificates: certificates };
        shop.register("paid", &say);
        shop.register("due", &say);
        shop.pays("paid", &say);
        shop.goes_back(&say);
        shop.pays("lost", &say);
        shop.pays("astray", &say);
        shop.is_not_understood(&say);
        let capture = PaypalSample::new("PAYMENT.CAPTURE.COMPLETED", &known("1", &say));
        let capture = capture.order(&known("P-1", &say));
        let url = shop._certificates.url("CERT-1");
        assert_eq!(shop.daemon.deliver_paypal(&capture.body(), &url).status, 200);
        shop.is_subscribed_to(&say);
        wait_until_all(shop.daemon.options(), "dead");
        shop
    }

    /// Money comes for something that the shop never registered.
    pub(crate) fn is_paid(&self, name: &str) {
        self.pays(name, &str::to_owned);
    }

    /// The API, as the shop's app uses it.
    pub(crate) fn api(&self) -> admin::App {
        admin::App::with_token(&self.daemon, TOKEN)
    }

    fn register(&self, name: &str, say: &impl Fn(&str) -> String) {
        let registered = self.api().register(&json!({
            "provider": "stripe", "reference": format!("pi_{}", known(name, say)),
            "order_id": known(&format!("order-{name}"), say), "amount": 4999, "currency": "EUR",
            "livemode": false, "metadata": {say("cart"): say("7")},
        }));
        assert_eq!(registered.status, 201, "{}", registered.text());
    }

    fn pays(&self, name: &str, say: &impl Fn(&str) -> String) {
        let id = known(name, say);
        let sample = StripeSample::new("payment_intent.succeeded", &id)
            .order(&known(&format!("order-of-{name}"), say))
            .at(&now())
            .test_money();
        let mut event: Value = serde_json::from_str(&sample.body()).expect("JSON");
        event["api_version"] = json!(known("2026-01-01", say));
        let object = &mut event["data"]["object"];
        object["description"] = json!(say("two cups"));
        object["receipt_email"] = json!(say("ada@shop.example"));
        object["billing_details"] =
            json!({"name": say("Ada"), "email": say("ada@shop.example"), "phone": say("1")});
        self.deliver(&event);
    }

    /// Of two subscriptions one has ended, and both are paid.
    fn is_subscribed_to(&self, say: &impl Fn(&str) -> String) {
        for (number, name) in [(1, "club"), (2, "ended")] {
            let reference = format!("sub_{}", known(name, say));
            let body = json!({
                "provider": "stripe", "reference": reference, "own_id": known(name, say),
                "amount": 4999, "currency": "EUR", "livemode": false,
            });
            let registered = self.api().post("/api/v1/subscriptions", body.to_string());
            assert_eq!(registered.status, 201, "{}", registered.text());
            if name == "ended" {
                let path = format!("/api/v1/subscriptions/{number}/end");
                assert_eq!(self.api().post(&path, "").status, 200);
            }
            let invoice = StripeSample::new("invoice.payment_succeeded", &known(name, say))
                .reference(&reference)
                .object(&format!("in_{}", known(name, say)))
                .at("2099-01-01T00:00:00Z")
                .test_money();
            self.deliver(&serde_json::from_str(&invoice.body()).expect("JSON"));
        }
    }

    /// Less comes than the shop expects.
    fn pays_too_little(&self, name: &str, say: &impl Fn(&str) -> String) {
        let sample = StripeSample::new("payment_intent.succeeded", &known(name, say));
        let sample = sample.amount(4000).at(&now()).test_money();
        self.deliver(&serde_json::from_str(&sample.body()).expect("JSON"));
    }

    /// What was paid is disputed and refunded in part.
    fn goes_back(&self, say: &impl Fn(&str) -> String) {
        let name = known("paid", say);
        let sample = StripeSample::new("charge.dispute.created", &name)
            .parent(&format!("ch_{name}"))
            .amount(1000)
            .at(&now())
            .test_money();
        let mut dispute: Value = serde_json::from_str(&sample.body()).expect("JSON");
        dispute["data"]["object"]["reason"] = json!(say("fraudulent"));
        self.deliver(&dispute);
        self.refunds("1", say);
    }

    /// Five euros of what was paid.
    fn refunds(&self, name: &str, say: &impl Fn(&str) -> String) {
        let payment = known("paid", say);
        self.deliver(&json!({
            "id": format!("evt_refund_{}", known(name, say)), "object": "event", "type": "refund.created",
            "livemode": false, "created": Clock::SYSTEM.now().unix_seconds(),
            "data": {"object": {
                "id": format!("re_{}", known(name, say)), "object": "refund", "amount": 500,
                "currency": "eur", "charge": format!("ch_{payment}"),
                "payment_intent": format!("pi_{payment}"), "status": "succeeded",
                "reason": say("requested_by_customer"),
            }},
        }));
    }

    /// So much more of everything that no list has room for it on one page.
    pub(crate) fn is_busy(&self, say: impl Fn(&str) -> String) {
        for number in 0..60 {
            let name = format!("{number}-of-many");
            self.register(&name, &say);
            self.pays(&format!("stray-{name}"), &say);
            self.pays_too_little(&name, &say);
            self.refunds(&name, &say);
        }
        wait_until_all(self.daemon.options(), "dead");
    }

    /// An event of a type that nobody knows, and one that is not whole.
    fn is_not_understood(&self, say: &impl Fn(&str) -> String) {
        self.deliver(&json!({
            "id": format!("evt_{}", say("strange")), "object": "event", "type": say("shop.moved"),
            "livemode": false, "created": Clock::SYSTEM.now().unix_seconds(), "data": {"object": {"id": say("x")}},
        }));
        self.deliver(&json!({
            "id": format!("evt_{}", say("thin")), "object": "v2.core.event",
            "type": format!("v1.{}", say("account.updated")), "livemode": false,
        }));
    }

    fn deliver(&self, event: &Value) {
        let answer = self.daemon.deliver_stripe(event.to_string());
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// The ids of all rows of a table.
    pub(crate) fn ids(&self, table: &str) -> Vec<String> {
        self.daemon.database().rows(&format!("SELECT id FROM {table} ORDER BY id"))
    }

    /// The address of every page: of those that the navigation of the page where a browser is leads
    /// to, of those that they lead to, and of all that there is one of.
    pub(crate) fn pages(&self, browser: &Browser) -> Vec<String> {
        let tabs =
            "return [...document.querySelectorAll('nav a')].map(a => a.getAttribute('href'))";
        let tabs = browser.run(tabs, &[]);
        let tabs = tabs.as_array().expect("links").iter().map(|tab| tab.as_str().expect("a link"));
        let further = [
            "/issues?status=dismissed",
            "/issues?status=closed",
            "/issues?kind=dispute",
            "/orphans?resolved=true",
            "/orphans/999",
            "/transactions?q=nothing",
            "/transactions?status=succeeded",
            "/subscriptions?ended=true",
            "/events?status=failed",
            "/events/1/replay",
            "/deliveries?status=dead",
            "/deliveries/retry",
            "/deliveries/1",
        ];
        let mut pages: Vec<String> = tabs.chain(further).map(str::to_owned).collect();
        assert!(pages.len() > further.len(), "there is a navigation");
        for (path, table) in [
            ("orphans", "orphan_transactions"),
            ("transactions", "transactions"),
            ("subscriptions", "subscriptions"),
            ("events", "webhook_logs"),
        ] {
            pages.extend(self.ids(table).iter().map(|id| format!("/{path}/{id}")));
        }
        pages
    }
}

/// The same where it is an id, which is never this long.
fn known(text: &str, say: &impl Fn(&str) -> String) -> String {
    say(text).chars().take(200).collect()
}

fn now() -> String {
    Clock::SYSTEM.now().to_string()
}
