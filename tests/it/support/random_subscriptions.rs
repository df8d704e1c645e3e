//! Subscriptions of [random shops](super::random_shop): registered or not, with periods of which the shop
//! may have registered any id itself, in the shapes of both older and newer API versions. Their payments carry
//! no order id: by one that leads to a transaction before the subscription is registered, a payment stays there.

use serde_json::{Value, json};

use super::random_shop::{Payment, Shop, Step, decimal};
use payhookd::domain::provider::Provider;

impl Shop {
    pub(super) fn subscription(&mut self) {
        let provider = self.any(&[Provider::Stripe, Provider::Paypal]);
        let reference = match provider {
            Provider::Stripe => "sub_1",
            Provider::Paypal => "I-1",
        };
        let amount = self.any(&[1000, 2500]);
        for period in 0..1 + self.random.below(2) {
            match provider {
                Provider::Stripe => self.stripe_period(reference, period, amount),
                Provider::Paypal => self.paypal_period(reference, period, amount),
            }
        }
        if self.one_in(4) {
            return;
        }
        let mut body = json!({ "provider": provider.as_str(), "reference": reference });
        if self.one_in(2) {
            body["amount"] = amount.into();
            body["currency"] = "EUR".into();
        }
        self.steps.push(Step::Subscribe(body));
    }

    fn stripe_period(&mut self, subscription: &str, period: u64, amount: i64) {
        let [invoice, intent, charge, session] =
            ["in_s", "pi_s", "ch_s", "cs_s"].map(|kind| format!("{kind}{period}"));
        let due = if self.one_in(6) { 0 } else { amount };
        self.payments.push(Payment {
            provider: Provider::Stripe,
            ids: vec![invoice.clone(), intent.clone(), session.clone()],
            amount,
            currency: "eur",
            order: None,
        });
        let is_old = self.one_in(3);
        for _ in 0..1 + self.random.below(2) {
            let (event_type, status, paid) = self.any(&[
                ("invoice.paid", "paid", due),
                ("invoice.payment_succeeded", "paid", due),
                ("invoice.payment_failed", "open", 0),
            ]);
            let mut object = json!({
                "id": invoice, "object": "invoice", "amount_due": due, "amount_paid": paid,
                "currency": "eur", "status": status, "metadata": {}, "lines": { "data": [line(period)] },
            });
            if is_old {
                object["subscription"] = subscription.into();
                object["payment_intent"] = intent.clone().into();
            } else {
                let details = json!({ "metadata": {}, "subscription": subscription });
                object["parent"] = json!({ "subscription_details": details });
            }
            self.stripe(None, event_type, object);
        }
        if due == 0 {
            return;
        }
        if !is_old && !self.one_in(4) {
            let payment = json!({ "type": "payment_intent", "payment_intent": intent });
            let object = json!({
                "id": format!("inpay_s{period}"), "object": "invoice_payment", "amount_paid": amount,
                "currency": "eur", "invoice": invoice, "payment": payment, "status": "paid",
            });
            self.stripe(None, "invoice_payment.paid", object);
        }
        if self.one_in(2) {
            let object = json!({
                "id": charge, "object": "charge", "amount": amount, "amount_captured": amount,
                "captured": true, "currency": "eur", "payment_intent": intent, "status": "succeeded",
            });
            self.stripe(None, "charge.succeeded", object);
        }
        if self.one_in(3) {
            let object = json!({
                "id": session, "object": "checkout.session", "amount_total": amount,
                "currency": "eur", "invoice": invoice, "mode": "subscription",
                "payment_status": "paid", "status": "complete", "subscription": subscription,
            });
            self.stripe(None, "checkout.session.completed", object);
        }
        if self.one_in(3) {
            let object = json!({
                "id": format!("re_s{period}"), "object": "refund", "amount": 500, "charge": charge,
                "currency": "eur", "payment_intent": intent, "status": "succeeded",
            });
            self.stripe(None, "refund.created", object);
        }
    }

    fn paypal_period(&mut self, subscription: &str, period: u64, amount: i64) {
        let sale = format!("SALEs{period}");
        self.payments.push(Payment {
            provider: Provider::Paypal,
            ids: vec![sale.clone()],
            amount,
            currency: "EUR",
            order: None,
        });
        self.captures.push(sale.clone());
        for _ in 0..1 + self.random.below(2) {
            let (event_type, state) = self.any(&[
                ("PAYMENT.SALE.COMPLETED", "completed"),
                ("PAYMENT.SALE.COMPLETED", "completed"),
                ("PAYMENT.SALE.PENDING", "pending"),
                ("PAYMENT.SALE.DENIED", "denied"),
            ]);
            let resource = json!({
                "id": sale, "state": state,
                "amount": { "total": decimal(amount), "currency": "EUR" },
                "billing_agreement_id": subscription, "update_time": self.second().to_string(),
            });
            self.paypal(event_type, "1.0", resource);
        }
        if self.one_in(3) {
            let resource = json!({
                "id": format!("RE{sale}"), "sale_id": sale, "state": "completed",
                "amount": { "total": decimal(-500), "currency": "EUR" },
                "update_time": self.second().to_string(),
            });
            self.paypal("PAYMENT.SALE.REFUNDED", "1.0", resource);
        }
    }
}

/// The line of a month.
fn line(period: u64) -> Value {
    let start = 1_764_547_200 + period * 2_678_400;
    json!({
        "parent": { "subscription_item_details": { "proration": false } },
        "period": { "start": start, "end": start + 2_678_400 },
    })
}
