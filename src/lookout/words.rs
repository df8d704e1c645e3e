//! What the lookout says of what it sees, in words for a person.

use crate::domain::doubt::{Likely, Tally};
use crate::domain::event::Provider;
use crate::domain::issue::{IssueKind, Occasion, Raise, Severity};
use crate::domain::money::Money;
use crate::domain::time::Timestamp;
use crate::store::{Issue, Transaction};
use crate::zone::Zone;

fn raise(kind: IssueKind, subject: &str, severity: Severity) -> Raise {
    Raise {
        kind,
        subject: subject.to_owned(),
        severity,
        occasion: Occasion::Lasts,
        title: String::new(),
        detail: String::new(),
        remedy: String::new(),
    }
}

/// Flawed signatures, and what they are likely to mean.
pub(super) fn refused_signatures(
    provider: Provider,
    likely: Likely,
    tally: &Tally,
    genuine_at: Option<Timestamp>,
    zone: &Zone,
) -> Raise {
    let name = provider.name();
    let (secret, place) = match provider {
        Provider::Stripe => ("STRIPE_WEBHOOK_SECRET", "Webhooks, your endpoint, Signing secret"),
        Provider::Paypal => ("PAYPAL_WEBHOOK_ID", "your app, Webhooks, Webhook ID"),
    };
    let count = tally.count();
    let since = tally.first_at().map(|at| zone.show(at)).unwrap_or_default();
    let genuine = genuine_at.map(|at| zone.show(at)).unwrap_or_default();
    let severity = match likely {
        Likely::WrongSecret | Likely::RolledSecret => Severity::Critical,
        Likely::Forger => Severity::Notice,
    };
    let (title, detail, remedy) = match likely {
        Likely::WrongSecret => (
            format!("All webhooks of {name} are refused: the secret is likely wrong"),
            format!("{count} in the last hour had a wrong signature; none was ever genuine."),
            format!("copy {secret} again from {name}'s dashboard ({place}), and restart"),
        ),
        Likely::RolledSecret => (
            format!("All webhooks of {name} are refused: the secret was likely rolled"),
            format!(
                "{count} had a wrong signature since {since}; the last genuine one came {genuine}."
            ),
            format!("add the new one to {secret}, after a comma ({place}), and restart"),
        ),
        Likely::Forger => (
            format!("Somebody sends forged webhooks of {name}"),
            format!(
                "{count} in the last hour had a wrong signature, while genuine ones came. Nothing of \
                 them got through."
            ),
            "nothing is lost; the reverse proxy's log has their addresses".to_owned(),
        ),
    };
    Raise {
        title,
        detail,
        remedy,
        ..raise(IssueKind::RefusedSignatures, provider.as_str(), severity)
    }
}

/// Genuine signatures whose time is off.
pub(super) fn clock(provider: Provider, tally: &Tally, now: Timestamp) -> Raise {
    Raise {
        title: format!("This machine's clock is off: webhooks of {} are refused", provider.name()),
        detail: format!(
            "{} in the last hour had a genuine signature from another time than this machine's, \
             which is {now}.",
            tally.count()
        ),
        remedy: "`timedatectl`, and see that it synchronises".to_owned(),
        ..raise(IssueKind::Clock, provider.as_str(), Severity::Critical)
    }
}

/// PayPal's webhooks can't be proved, here or by asking its API.
pub(super) fn no_proof(tally: &Tally, is_offline: bool) -> Raise {
    let why = match is_offline {
        true => "its signing certificate is not to be had, or not trusted",
        false => "its API does not say whether they are genuine",
    };
    Raise {
        title: format!("PayPal's webhooks can't be proved: {why}"),
        detail: format!(
            "{} in the last hour were turned away; PayPal sends them again for three days.",
            tally.count()
        ),
        remedy: "see that this machine reaches api.paypal.com over https; the log says why not"
            .to_owned(),
        ..raise(IssueKind::Certificate, Provider::Paypal.as_str(), Severity::Critical)
    }
}

/// PayPal's newest certificate ends soon.
pub(super) fn certificate_ends(ends: Timestamp, zone: &Zone) -> Raise {
    Raise {
        title: format!("PayPal's signing certificate is trusted until {}", zone.show(ends)),
        detail: "It, or one on its path, ends then. PayPal signs with a new one before, which is \
                 fetched by itself."
            .to_owned(),
        remedy:
            "upgrade payhookd, or renew --paypal-cert-roots, if PayPal's webhooks are refused then"
                .to_owned(),
        ..raise(IssueKind::Certificate, Provider::Paypal.as_str(), Severity::Warning)
    }
}

/// Nothing comes.
pub(super) fn silence(provider: Provider, last: Timestamp, zone: &Zone) -> Raise {
    let name = provider.name();
    Raise {
        title: format!("Nothing has come from {name} since {}", zone.show(last)),
        detail: "By this shop's own rhythm that happens once in ten thousand times by chance."
            .to_owned(),
        remedy: format!(
            "see in {name}'s dashboard whether webhooks are sent and what they are answered, and \
             whether the reverse proxy forwards them: `payhookd doctor`"
        ),
        ..raise(IssueKind::Silence, provider.as_str(), Severity::Warning)
    }
}

/// There is little room.
pub(super) fn disk(free: u64, total: u64, severity: Severity) -> Raise {
    let mebibytes = |bytes: u64| bytes / (1024 * 1024);
    Raise {
        title: "The disk of the database is nearly full".to_owned(),
        detail: format!(
            "{} MiB of {} MiB are free. When there is no room, webhooks are turned away; the providers \
             send them again for three days.",
            mebibytes(free),
            mebibytes(total)
        ),
        remedy: "make room, or keep bodies for a shorter time (--keep-payloads)".to_owned(),
        ..raise(IssueKind::Disk, "database", severity)
    }
}

/// A PayPal order that was approved waits to be captured.
pub(super) fn uncaptured(order: &Transaction, severity: Severity, zone: &Zone) -> Raise {
    let expected = order.expected;
    let money = expected.amount.zip(expected.currency).map(|(minor, currency)| {
        format!("{} {currency}, ", Money { minor, currency }.to_decimal(order.provider))
    });
    let order_id = order.order_id.as_deref().map(|id| format!("order {id}, "));
    let since = order.state.status_changed_at.map(|at| zone.show(at)).unwrap_or_default();
    Raise {
        title: format!(
            "Approved and not captured: {}{}PayPal {}",
            money.unwrap_or_default(),
            order_id.unwrap_or_default(),
            order.reference
        ),
        detail: format!(
            "The buyer approved it at {since}. PayPal lets that lapse after three hours, unless it \
             agreed to more; until it is captured no money comes."
        ),
        remedy: "capture the order in the shop, or tell the buyer".to_owned(),
        ..raise(IssueKind::UncapturedOrder, &order.id.to_string(), severity)
    }
}

/// A dispute can be answered for not much longer.
pub(super) fn deadline(dispute: &Issue, due: Timestamp, zone: &Zone) -> Raise {
    Raise {
        title: dispute.title.clone(),
        detail: format!("It can be answered until {}, and is lost after that.", zone.show(due)),
        remedy: dispute.remedy.clone(),
        ..raise(IssueKind::Dispute, &dispute.subject, Severity::Critical)
    }
}
