//! Shops made up by chance: what they register and what their providers send them, with order ids, bills
//! and disputes that several payments share, other accounts beside the shop's, and everything that
//! providers do to confuse. Nothing in here is likely, all of it is possible.

use serde_json::{Value, json};

use crate::support::provider::at;
use crate::support::random::Random;
use payhookd::domain::provider::Provider;
use payhookd::domain::time::Timestamp;

/// One thing that happens.
#[derive(Clone)]
pub(crate) enum Step {
    /// The shop registers a transaction.
    Register(Value),
    /// The shop registers a subscription.
    Subscribe(Value),
    /// A provider sends an event.
    Event(Provider, Value),
}

impl Step {
    /// For the one who reads what went wrong.
    pub(crate) fn told(&self) -> String {
        match self {
            Self::Register(body) => format!("register {body}"),
            Self::Subscribe(body) => format!("register subscription {body}"),
            Self::Event(_, body) => body.to_string(),
        }
    }
}

/// The connected account whose payments are the shop's own.
pub(crate) const OWN_ACCOUNT: &str = "acct_ours";

/// All that happens to the shop of this seed, in the order in which it is made up.
pub(crate) fn history(seed: u64) -> Vec<Step> {
    let mut shop = Shop {
        random: Random::new(seed),
        steps: Vec::new(),
        payments: Vec::new(),
        captures: Vec::new(),
        number: 0,
    };
    shop.make_up();
    shop.steps
}

/// A payment that the shop may have registered by one of these ids.
pub(super) struct Payment {
    pub(super) provider: Provider,
    pub(super) ids: Vec<String>,
    pub(super) amount: i64,
    pub(super) currency: &'static str,
    pub(super) order: Option<String>,
}

pub(super) struct Shop {
    pub(super) random: Random,
    pub(super) steps: Vec<Step>,
    pub(super) payments: Vec<Payment>,
    /// PayPal's, which disputes are about.
    pub(super) captures: Vec<String>,
    number: usize,
}

impl Shop {
    fn make_up(&mut self) {
        // Both providers, or one with more.
        let (stripe, paypal) = [(2, 2), (3, 1), (4, 0), (1, 3), (0, 4)][self.random.index(5)];
        for number in 0..stripe {
            self.stripe_payment(number);
        }
        if stripe > 1 && self.one_in(3) {
            self.bills(stripe);
        }
        for number in 0..paypal {
            self.paypal_payment(number);
        }
        if self.one_in(2) {
            self.subscription();
        }
        if !self.captures.is_empty() && self.one_in(2) {
            self.paypal_dispute();
        }
        self.send_again();
        self.register();
    }

    pub(super) fn one_in(&mut self, many: u64) -> bool {
        self.random.below(many) == 0
    }

    pub(super) fn any<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.random.index(of.len())].clone()
    }

    /// Few, so that payments share them.
    fn order(&mut self) -> Option<String> {
        match self.random.below(3) {
            0 => None,
            _ => Some(format!("A-{}", self.random.below(4))),
        }
    }

    /// Few seconds, so that events share them.
    pub(super) fn second(&mut self) -> Timestamp {
        let seconds = self.random.below(8);
        at(&format!("2026-11-20T10:00:0{seconds}Z"))
    }

    fn register(&mut self) {
        let count = 1 + self.random.below(6);
        let mut known = Vec::new();
        for _ in 0..count {
            let place = self.random.index(self.payments.len());
            let id = self.random.index(self.payments[place].ids.len());
            let payment = &self.payments[place];
            let (provider, order) = (payment.provider, payment.order.clone());
            let (amount, currency) = (payment.amount, payment.currency);
            let mut reference = payment.ids[id].clone();
            // One that no event names: the order id alone leads there.
            if self.one_in(4) {
                reference = format!("{reference}9");
            }
            if known.contains(&reference) {
                continue;
            }
            let mut body = json!({ "provider": provider.as_str(), "reference": &reference });
            let order = if self.one_in(3) { self.order() } else { order };
            if let Some(order) = order {
                body["order_id"] = order.into();
            }
            if !self.one_in(5) {
                body["amount"] = if self.one_in(4) { 2500 } else { amount }.into();
                body["currency"] = currency.to_uppercase().into();
            }
            if self.one_in(5) {
                body["partial"] = true.into();
            }
            known.push(reference);
            if self.one_in(8) {
                self.steps.push(Step::Register(body.clone()));
            }
            self.steps.push(Step::Register(body));
        }
    }

    /// Providers deliver some events twice.
    fn send_again(&mut self) {
        for place in 0..self.steps.len() {
            if self.one_in(8) {
                self.steps.push(self.steps[place].clone());
            }
        }
    }

    pub(super) fn stripe(&mut self, account: Option<&str>, event_type: &str, object: Value) {
        self.number += 1;
        let id = format!("evt_{}", self.number);
        let created = self.second().unix_millis() / 1000;
        let mut event = json!({
            "id": id, "object": "event", "api_version": "2025-12-15.clover", "created": created,
            "type": event_type, "livemode": false, "data": { "object": object },
        });
        if let Some(account) = account {
            event["account"] = account.into();
        }
        self.steps.push(Step::Event(Provider::Stripe, event));
    }

    /// The same event at another endpoint, whose older API version says more.
    fn render_again(&mut self, more: &[(&str, Value)]) {
        let Some(Step::Event(provider, event)) = self.steps.last().cloned() else { return };
        let mut event = event;
        event["api_version"] = "2022-08-01".into();
        for (field, value) in more {
            event["data"]["object"][*field] = value.clone();
        }
        self.steps.push(Step::Event(provider, event));
    }

    fn stripe_payment(&mut self, number: usize) {
        let account = match self.random.below(8) {
            0 => Some("acct_other"),
            1 => Some(OWN_ACCOUNT),
            _ => None,
        };
        let amount = self.any(&[1000, 2500, 4000, 5000]);
        let currency = if self.one_in(8) { "usd" } else { "eur" };
        let order = self.order();
        let metadata =
            order.as_ref().map_or_else(|| json!({}), |order| json!({ "order_id": order }));
        let (intent, charge) = (format!("pi_{number}"), format!("ch_{number}"));
        let session = format!("cs_{number}");
        self.payments.push(Payment {
            provider: Provider::Stripe,
            ids: vec![intent.clone(), intent.clone(), charge.clone(), session.clone()],
            amount,
            currency,
            order,
        });
        let is_legacy = self.one_in(6);
        let of_intent = if is_legacy { Value::Null } else { json!(intent) };
        if !is_legacy {
            self.intent(account, &intent, &charge, amount, currency, &metadata);
            if self.one_in(2) {
                self.session(account, number, amount, currency, &metadata);
            }
        }
        if is_legacy || self.one_in(2) {
            let captured = self.any(&[amount, amount, amount / 2, 0]);
            let event_type = self.any(&["charge.succeeded", "charge.captured", "charge.updated"]);
            let object = charge_of(&charge, &of_intent, [amount, captured, 0], currency, &metadata);
            self.stripe(account, event_type, object);
        }
        if self.one_in(6) {
            let mut object = charge_of(&charge, &of_intent, [amount, 0, 0], currency, &metadata);
            object["status"] = "failed".into();
            object["paid"] = false.into();
            self.stripe(account, "charge.failed", object);
        }
        if self.one_in(3) {
            self.stripe_refund(account, number, &of_intent, amount, currency);
        }
        if self.one_in(4) {
            let part = self.any(&[amount, amount / 2, amount / 4]);
            let captured = self.any(&[amount, amount, amount / 2]);
            let sums = [amount, captured, part];
            let mut object = charge_of(&charge, &of_intent, sums, currency, &metadata);
            object["refunded"] = (part >= captured).into();
            self.stripe(account, "charge.refunded", object);
        }
        if self.one_in(4) {
            self.stripe_dispute(account, number, &of_intent, amount, currency);
        }
        if self.one_in(10) {
            let object = json!({
                "id": format!("issfr_{number}"), "object": "radar.early_fraud_warning",
                "actionable": true, "charge": charge, "fraud_type": "made_with_stolen_card",
                "payment_intent": of_intent,
            });
            self.stripe(account, "radar.early_fraud_warning.created", object);
        }
        if self.one_in(10) {
            let (kind, net) = self.any(&[("applied_to_payment", -amount), ("funded", amount)]);
            let object = json!({
                "id": format!("ccsbtxn_{number}"), "object": "customer_cash_balance_transaction",
                "type": kind, "net_amount": net, "currency": currency, "livemode": false,
                "applied_to_payment":
                    if net < 0 { json!({ "payment_intent": of_intent }) } else { Value::Null },
            });
            self.stripe(account, "customer_cash_balance_transaction.created", object);
        }
        if self.one_in(10) {
            let object = json!({
                "id": format!("prv_{number}"), "object": "review", "charge": charge, "open": true,
                "payment_intent": of_intent, "reason": "rule",
            });
            self.stripe(account, "review.opened", object);
        }
    }

    fn intent(
        &mut self,
        account: Option<&str>,
        id: &str,
        charge: &str,
        amount: i64,
        currency: &str,
        metadata: &Value,
    ) {
        for _ in 0..1 + self.random.below(2) {
            let (event_type, status, received) = self.any(&[
                ("payment_intent.succeeded", "succeeded", amount),
                ("payment_intent.succeeded", "succeeded", amount),
                ("payment_intent.succeeded", "succeeded", amount / 2),
                ("payment_intent.amount_capturable_updated", "requires_capture", amount / 2),
                ("payment_intent.amount_capturable_updated", "requires_capture", 0),
                ("payment_intent.processing", "processing", 0),
                ("payment_intent.payment_failed", "requires_payment_method", 0),
                ("payment_intent.canceled", "canceled", 0),
            ]);
            let latest = if self.one_in(4) { Value::Null } else { json!(charge) };
            let object = json!({
                "id": id, "object": "payment_intent", "amount": amount, "status": status,
                "amount_received": received, "currency": currency, "latest_charge": latest,
                "metadata": metadata,
            });
            self.stripe(account, event_type, object);
            if self.one_in(6) {
                let listed = json!({ "object": "list", "data": [{ "id": charge }] });
                self.render_again(&[("charges", listed)]);
            }
        }
    }

    fn session(
        &mut self,
        account: Option<&str>,
        number: usize,
        amount: i64,
        currency: &str,
        metadata: &Value,
    ) {
        let (event_type, status, paid) = self.any(&[
            ("checkout.session.completed", "complete", "paid"),
            ("checkout.session.completed", "complete", "paid"),
            ("checkout.session.completed", "complete", "unpaid"),
            ("checkout.session.async_payment_succeeded", "complete", "paid"),
            ("checkout.session.expired", "expired", "unpaid"),
        ]);
        let intent = if status == "expired" { Value::Null } else { json!(format!("pi_{number}")) };
        let recovered =
            if self.one_in(5) { json!(format!("cs_{}", number + 1)) } else { Value::Null };
        let client = if self.one_in(2) { self.order().into() } else { Value::Null };
        let metadata = if self.one_in(2) { json!({}) } else { metadata.clone() };
        let object = json!({
            "id": format!("cs_{number}"), "object": "checkout.session", "amount_total": amount,
            "currency": currency, "mode": "payment", "payment_intent": intent, "status": status,
            "payment_status": paid, "client_reference_id": client, "metadata": metadata,
            "recovered_from": recovered,
        });
        self.stripe(account, event_type, object);
    }

    fn stripe_refund(
        &mut self,
        account: Option<&str>,
        number: usize,
        intent: &Value,
        amount: i64,
        currency: &str,
    ) {
        let part = self.any(&[amount, amount / 2, amount / 4]);
        for _ in 0..1 + self.random.below(2) {
            let (event_type, status) = self.any(&[
                ("refund.created", "pending"),
                ("refund.created", "succeeded"),
                ("refund.updated", "succeeded"),
                ("refund.failed", "failed"),
                ("charge.refund.updated", "succeeded"),
            ]);
            let has_charge = intent.is_null() || self.one_in(2);
            let charge = if has_charge { json!(format!("ch_{number}")) } else { Value::Null };
            let object = json!({
                "id": format!("re_{number}"), "object": "refund", "amount": part, "charge": charge,
                "currency": currency, "payment_intent": intent, "status": status,
            });
            self.stripe(account, event_type, object);
        }
    }

    fn stripe_dispute(
        &mut self,
        account: Option<&str>,
        number: usize,
        intent: &Value,
        amount: i64,
        currency: &str,
    ) {
        for _ in 0..1 + self.random.below(2) {
            let (event_type, status) = self.any(&[
                ("charge.dispute.created", "needs_response"),
                ("charge.dispute.created", "warning_needs_response"),
                ("charge.dispute.updated", "under_review"),
                ("charge.dispute.closed", "won"),
                ("charge.dispute.closed", "lost"),
            ]);
            let intent = if self.one_in(2) { Value::Null } else { intent.clone() };
            let object = json!({
                "id": format!("du_{number}"), "object": "dispute", "amount": amount,
                "charge": format!("ch_{number}"), "currency": currency, "payment_intent": intent,
                "reason": "fraudulent", "status": status,
            });
            self.stripe(account, event_type, object);
        }
    }

    /// One payment pays one or two invoices, or two pay one.
    fn bills(&mut self, payments: usize) {
        for bill in 0..1 + self.random.below(2) {
            let invoice = format!("in_{bill}");
            let amount = self.any(&[1000, 2500, 4000]);
            self.payments.push(Payment {
                provider: Provider::Stripe,
                ids: vec![invoice.clone()],
                amount,
                currency: "eur",
                order: None,
            });
            for part in 0..1 + self.random.below(2) {
                let intent = format!("pi_{}", self.random.index(payments.min(2)));
                let payment = match self.random.below(6) {
                    0 => json!({ "type": "payment_record", "payment_record": "pr_1" }),
                    _ => json!({ "type": "payment_intent", "payment_intent": intent }),
                };
                let object = json!({
                    "id": format!("inpay_{bill}{part}"), "object": "invoice_payment",
                    "amount_paid": amount, "currency": "eur", "invoice": invoice,
                    "payment": payment, "status": "paid",
                });
                self.stripe(None, "invoice_payment.paid", object);
            }
            if self.one_in(2) {
                let (event_type, status, paid) = self.any(&[
                    ("invoice.paid", "paid", amount),
                    ("invoice.payment_succeeded", "paid", amount),
                    ("invoice.payment_failed", "open", 0),
                    ("invoice.voided", "void", 0),
                ]);
                let order = self.order();
                let metadata =
                    order.map_or_else(|| json!({}), |order| json!({ "order_id": order }));
                let object = json!({
                    "id": invoice, "object": "invoice", "amount_due": amount, "amount_paid": paid,
                    "amount_remaining": amount - paid, "currency": "eur", "status": status,
                    "metadata": metadata,
                });
                self.stripe(None, event_type, object);
                if self.one_in(3) {
                    self.render_again(&[("payment_intent", "pi_0".into())]);
                }
            }
        }
    }

    pub(super) fn paypal(&mut self, event_type: &str, version: &str, resource: Value) {
        self.number += 1;
        let event = json!({
            "id": format!("WH-{}", self.number), "event_version": "1.0",
            "create_time": self.second().to_string(), "event_type": event_type,
            "resource_version": version, "resource": resource,
        });
        self.steps.push(Step::Event(Provider::Paypal, event));
    }

    fn paypal_payment(&mut self, number: usize) {
        let amount = self.any(&[1000, 2500, 4000, 5000]);
        let currency = if self.one_in(8) { "USD" } else { "EUR" };
        let (order, other) = (self.order(), self.order());
        let own = if self.one_in(4) { [order.clone(), other] } else { [order.clone(), None] };
        let (of_paypal, payment) = (format!("ORDER{number}"), format!("PAY-{number}"));
        let is_v1 = self.one_in(4);
        let capture = if is_v1 { format!("SALE{number}") } else { format!("CAPTURE{number}") };
        let base = if is_v1 { payment.clone() } else { of_paypal.clone() };
        self.payments.push(Payment {
            provider: Provider::Paypal,
            ids: vec![base.clone(), base, capture.clone()],
            amount,
            currency,
            order,
        });
        self.captures.push(capture.clone());
        if is_v1 {
            self.sale(number, amount, currency, &own);
        } else {
            if self.one_in(2) {
                self.paypal_order(number, amount, currency, &own);
            }
            if self.one_in(3) {
                self.authorization(number, amount, currency, &own);
            }
            if !self.one_in(4) {
                self.capture(number, amount, currency, &own);
            }
        }
        if self.one_in(3) {
            self.paypal_refund(is_v1, &capture, number, amount, currency);
        }
    }

    fn sale(&mut self, number: usize, amount: i64, currency: &str, own: &[Option<String>; 2]) {
        let (event_type, state) = self.any(&[
            ("PAYMENT.SALE.COMPLETED", "completed"),
            ("PAYMENT.SALE.COMPLETED", "completed"),
            ("PAYMENT.SALE.PENDING", "pending"),
            ("PAYMENT.SALE.DENIED", "denied"),
        ]);
        let resource = json!({
            "id": format!("SALE{number}"), "state": state,
            "amount": { "total": decimal(amount), "currency": currency },
            "parent_payment": format!("PAY-{number}"), "invoice_number": own[0], "custom": own[1],
            "update_time": self.second().to_string(),
        });
        self.paypal(event_type, "1.0", resource);
    }

    /// With one or two purchase units, of which the second may be another order of the shop, and with
    /// captures or without.
    fn paypal_order(
        &mut self,
        number: usize,
        amount: i64,
        currency: &str,
        own: &[Option<String>; 2],
    ) {
        let (event_type, status) = self.any(&[
            ("CHECKOUT.ORDER.APPROVED", "APPROVED"),
            ("CHECKOUT.ORDER.COMPLETED", "COMPLETED"),
            ("CHECKOUT.ORDER.COMPLETED", "COMPLETED"),
            ("CHECKOUT.PAYMENT-APPROVAL.REVERSED", "APPROVED"),
        ]);
        let mut units = Vec::new();
        for unit in 0..1 + self.random.below(2) {
            let second = self.order();
            let (invoice, custom) = if unit == 0 { (&own[0], &own[1]) } else { (&second, &None) };
            let mut purchase = json!({
                "reference_id": format!("unit{unit}"), "amount": money(amount, currency),
                "invoice_id": invoice, "custom_id": custom,
            });
            if status == "COMPLETED" && !self.one_in(3) {
                // The second unit's capture may be that of another order.
                let capture = format!("CAPTURE{}", number + usize::from(unit > 0) * 4);
                let captured = json!({
                    "id": &capture, "status": "COMPLETED", "amount": money(amount, currency),
                    "final_capture": true, "update_time": self.second().to_string(),
                });
                purchase["payments"] = json!({ "captures": [captured] });
                self.captures.push(capture);
            }
            units.push(purchase);
        }
        let resource = json!({
            "id": format!("ORDER{number}"), "intent": "CAPTURE", "status": status,
            "purchase_units": units, "update_time": self.second().to_string(),
        });
        self.paypal(event_type, "2.0", resource);
    }

    fn authorization(
        &mut self,
        number: usize,
        amount: i64,
        currency: &str,
        own: &[Option<String>; 2],
    ) {
        let (event_type, status) = self.any(&[
            ("PAYMENT.AUTHORIZATION.CREATED", "CREATED"),
            ("PAYMENT.AUTHORIZATION.CREATED", "PENDING"),
            ("PAYMENT.AUTHORIZATION.VOIDED", "VOIDED"),
        ]);
        let resource = json!({
            "id": format!("AUTH{number}"), "status": status, "amount": money(amount, currency),
            "invoice_id": own[0], "custom_id": own[1], "update_time": self.second().to_string(),
            "supplementary_data": { "related_ids": { "order_id": format!("ORDER{number}") } },
        });
        self.paypal(event_type, "2.0", resource);
    }

    fn capture(&mut self, number: usize, amount: i64, currency: &str, own: &[Option<String>; 2]) {
        for _ in 0..1 + self.random.below(2) {
            let (event_type, status) = self.any(&[
                ("PAYMENT.CAPTURE.COMPLETED", "COMPLETED"),
                ("PAYMENT.CAPTURE.COMPLETED", "COMPLETED"),
                ("PAYMENT.CAPTURE.PENDING", "PENDING"),
                ("PAYMENT.CAPTURE.DENIED", "DECLINED"),
            ]);
            let mut related = json!({});
            if !self.one_in(5) {
                related["order_id"] = format!("ORDER{number}").into();
            }
            if self.one_in(4) {
                related["authorization_id"] = format!("AUTH{number}").into();
            }
            let resource = json!({
                "id": format!("CAPTURE{number}"), "status": status,
                "amount": money(amount, currency), "final_capture": true,
                "invoice_id": own[0], "custom_id": own[1],
                "update_time": self.second().to_string(),
                "supplementary_data": { "related_ids": related },
            });
            self.paypal(event_type, "2.0", resource);
        }
    }

    fn paypal_refund(
        &mut self,
        is_v1: bool,
        capture: &str,
        number: usize,
        amount: i64,
        currency: &str,
    ) {
        let part = self.any(&[amount, amount / 2]);
        let id = format!("REFUND{number}");
        if is_v1 {
            let event_type = self.any(&["PAYMENT.SALE.REFUNDED", "PAYMENT.SALE.REVERSED"]);
            let resource = json!({
                "id": id, "state": "completed", "sale_id": capture,
                "amount": { "total": format!("-{}", decimal(part)), "currency": currency },
                "update_time": self.second().to_string(),
            });
            return self.paypal(event_type, "1.0", resource);
        }
        let (event_type, status) = self.any(&[
            ("PAYMENT.CAPTURE.REFUNDED", json!("COMPLETED")),
            ("PAYMENT.CAPTURE.REFUNDED", json!("PENDING")),
            ("PAYMENT.CAPTURE.REVERSED", json!("COMPLETED")),
            ("PAYMENT.REFUND.FAILED", Value::Null),
        ]);
        let href = format!("https://api.sandbox.paypal.com/v2/payments/captures/{capture}");
        let resource = json!({
            "id": id, "status": status, "amount": money(part, currency),
            // A credit note's number, which may be an order's.
            "invoice_id": self.order(), "update_time": self.second().to_string(),
            "seller_payable_breakdown": { "total_refunded_amount": money(part, currency) },
            "links": [{ "href": href, "rel": "up", "method": "GET" }],
        });
        self.paypal(event_type, "2.0", resource);
    }

    /// About one to three captures, which may be of several orders.
    fn paypal_dispute(&mut self) {
        let count = 1 + self.random.index(3);
        for _ in 0..1 + self.random.below(2) {
            let disputed: Vec<Value> = (0..count)
                .map(|_| {
                    let place = self.random.index(self.captures.len());
                    json!({ "seller_transaction_id": self.captures[place] })
                })
                .collect();
            let (event_type, status, outcome) = self.any(&[
                ("CUSTOMER.DISPUTE.CREATED", "OPEN", Value::Null),
                ("CUSTOMER.DISPUTE.UPDATED", "UNDER_REVIEW", Value::Null),
                ("CUSTOMER.DISPUTE.RESOLVED", "RESOLVED", json!("RESOLVED_BUYER_FAVOUR")),
                ("CUSTOMER.DISPUTE.RESOLVED", "RESOLVED", json!("RESOLVED_SELLER_FAVOUR")),
                ("CUSTOMER.DISPUTE.UPDATED", "RESOLVED", Value::Null),
            ]);
            let resource = json!({
                "dispute_id": "PP-R-1", "disputed_transactions": disputed, "status": status,
                "reason": "MERCHANDISE_OR_SERVICE_NOT_RECEIVED",
                "dispute_amount": money(1000, "EUR"),
                "dispute_outcome": { "outcome_code": outcome },
                "update_time": self.second().to_string(),
            });
            self.paypal(event_type, "1.0", resource);
        }
    }
}

/// `sums`: all of it, what was captured, what was refunded.
fn charge_of(id: &str, intent: &Value, sums: [i64; 3], currency: &str, metadata: &Value) -> Value {
    let [amount, captured, refunded] = sums;
    json!({
        "id": id, "object": "charge", "amount": amount, "amount_captured": captured,
        "amount_refunded": refunded, "captured": captured > 0, "currency": currency, "paid": true,
        "payment_intent": intent, "refunded": false, "status": "succeeded", "metadata": metadata,
    })
}

fn money(amount: i64, currency: &str) -> Value {
    json!({ "currency_code": currency, "value": decimal(amount) })
}

pub(super) fn decimal(amount: i64) -> String {
    format!("{}.{:02}", amount / 100, amount % 100)
}
