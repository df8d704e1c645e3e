use super::*;
use crate::domain::records::OwedAlerts;

#[test]
fn what_was_counted_is_read_in_the_text_form() {
    let refusals = Arc::new(Refusals::new());
    refusals.count(Provider::Paypal, Refusal::BadSignature);
    let metrics = Metrics::new(refusals);
    let took = Duration::from_millis(2);
    metrics.webhook(Provider::Stripe, "charge.dispute.created", "processed", took);
    metrics.webhook(Provider::Stripe, "customer.\"updated\"\n", "ignored", took);
    metrics.not_taken(Provider::Stripe, NotTaken::NotKept);
    metrics.committed(2, took);
    metrics.reconciles(Provider::Paypal, Duration::from_secs(3_600));
    let at = Timestamp::from_unix_seconds(1_795_434_723).expect("in range");
    metrics.received(Provider::Stripe, true, at);
    metrics.received(Provider::Stripe, true, Timestamp::EPOCH);
    let sight = StoreHealth {
        orphans: vec![("early", 3), ("foreign", 0)],
        oldest_orphan: Some(at),
        issues: vec![("dispute", 2)],
        deliveries: vec![("dead", 1)],
        alerts: vec![OwedAlerts {
            target: "slack-0a1b2c3d".to_owned(),
            pending: 4,
            dead: 1,
            oldest: Some(at),
            report_is_dead: false,
            last_error: None,
        }],
        ..StoreHealth::default()
    };
    let gauges = Gauges {
        now: at.plus(Duration::from_secs(60)),
        queue_depth: 7,
        task_breaks: vec![("monitor".into(), 2)],
        disk_free_bytes: Some(1 << 30),
    };
    let text = metrics.text(&sight, gauges);
    for line in [
        "payhookd_task_breaks_total{task=\"monitor\"} 2",
        "payhookd_webhooks_total{provider=\"stripe\",class=\"dispute\",outcome=\"processed\"} 1",
        "payhookd_webhooks_total{provider=\"stripe\",class=\"other\",outcome=\"ignored\"} 1",
        "payhookd_last_event_timestamp_seconds{provider=\"stripe\",mode=\"live\"} 1795434723",
        "payhookd_webhooks_total{provider=\"paypal\",class=\"refund\",outcome=\"orphan\"} 0",
        "payhookd_webhooks_not_taken_total{provider=\"stripe\",reason=\"not_kept\"} 1",
        "payhookd_webhooks_not_taken_total{provider=\"stripe\",reason=\"too_slow\"} 0",
        "payhookd_refused_total{provider=\"paypal\",reason=\"bad_signature\"} 1",
        "payhookd_refused_total{provider=\"paypal\",reason=\"missing_header\"} 0",
        "payhookd_webhook_duration_seconds_count 2",
        "payhookd_commit_webhooks_sum 2.0",
        "payhookd_orphans_open{kind=\"early\"} 3",
        "payhookd_orphans_oldest_age_seconds 60",
        "payhookd_issues_open{kind=\"dispute\"} 2",
        "payhookd_deliveries{status=\"dead\"} 1",
        "payhookd_alerts{target=\"slack-0a1b2c3d\",status=\"pending\"} 4",
        "payhookd_alerts{target=\"slack-0a1b2c3d\",status=\"dead\"} 1",
        "payhookd_alerts_oldest_age_seconds{target=\"slack-0a1b2c3d\"} 60",
        "payhookd_reconcile_interval_seconds{provider=\"paypal\"} 3600",
        "payhookd_queue_depth 7",
        "payhookd_disk_free_bytes 1073741824",
    ] {
        assert!(text.lines().any(|known| known == line), "{line} in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn a_class_is_told_from_both_providers_types() {
    for (event_type, expected) in [
        ("payment_intent.succeeded", "payment"),
        ("charge.refunded", "refund"),
        ("charge.dispute.created", "dispute"),
        ("PAYMENT.CAPTURE.COMPLETED", "payment"),
        ("PAYMENT.SALE.REVERSED", "refund"),
        ("CUSTOMER.DISPUTE.CREATED", "dispute"),
        ("BILLING.PLAN.CREATED", "other"),
        ("", "other"),
    ] {
        assert_eq!(class(event_type), expected, "{event_type}");
        assert!(CLASSES.contains(&expected));
    }
}
