//! An event in sentences: what it is, what proved it, what it said, where it went and why, what that
//! changed, and what the provider was answered. The command line and the dashboard say the same.

pub(crate) mod french;

use crate::domain::event::{Ownership, Provider, Reference, ReferenceKind, Source};
use crate::domain::fact::Fact;
use crate::domain::language::Language;
use crate::domain::money::{Currency, Money};
use crate::domain::records::{
    CausedChange, EventStory, Lead, Matched, Orphan, Outcome, WebhookLog,
};

/// The sentences in this language, in the order in which things happened.
pub fn event_in(language: Language, log: &WebhookLog, story: &EventStory) -> Vec<String> {
    match language {
        Language::English => event(log, story),
        Language::French => french::event(log, story),
    }
}

/// The sentences, in the order in which things happened. Ids and names in them are the sender's,
/// and not made safe for a terminal or a page.
pub fn event(log: &WebhookLog, story: &EventStory) -> Vec<String> {
    let mut sentences = vec![received(log), proved(log)];
    sentences.extend(read(log, story));
    sentences.extend(found(log, story));
    sentences.extend(changed(log, story));
    sentences.push(answered(log));
    if let Some(redacted_at) = story.redacted_at {
        sentences.push(format!(
            "What was personal in it was removed at {redacted_at} (payhookd forget); the hash of its body \
             is that of the one that came."
        ));
    }
    if log.payload.is_none() {
        sentences.push(REMOVED.to_owned());
    }
    sentences
}

const REMOVED: &str = "Its body and headers were removed, because it was old and settled \
                       (--keep-payloads); its facts stay and count, and so does the hash of its body.";

fn received(log: &WebhookLog) -> String {
    let provider = name(log.provider);
    let mode = if log.livemode { "live" } else { "test" };
    let what = match &*log.event_type {
        "" => "event of no type",
        event_type => event_type,
    };
    let mut sentence = match log.source {
        Source::Webhook => format!("{provider} sent this {mode} {what} at {}", log.received_at),
        Source::CatchUp => format!(
            "payhookd found this {mode} {what} in {provider}'s list of events, and knows of it since {}",
            log.received_at
        ),
        Source::Object => format!(
            "payhookd asked {provider} for this {mode} object at {}, and keeps the answer as {what}",
            log.received_at
        ),
    };
    if log.delivery_count > 1 && log.source == Source::CatchUp {
        sentence.push_str(&format!(
            "; a webhook brought it {} after that, the last time at {}",
            times(log.delivery_count - 1),
            log.last_received_at
        ));
    } else if log.delivery_count > 1 {
        sentence.push_str(&format!(
            ", and {} more, the last time at {}",
            times(log.delivery_count - 1),
            log.last_received_at
        ));
    }
    if let Some(occurred_at) = log.occurred_at {
        sentence.push_str(&format!("; it happened at {occurred_at}"));
    }
    sentence + "."
}

fn proved(log: &WebhookLog) -> String {
    let by = &log.proof;
    match log.provider {
        _ if log.source != Source::Webhook => {
            format!("It was proved by {by}, which was asked with the shop's own keys.")
        }
        Provider::Stripe => format!("It was proved by {by} of STRIPE_WEBHOOK_SECRET."),
        Provider::Paypal => format!("It was proved by {by} of PAYPAL_WEBHOOK_ID."),
    }
}

fn read(log: &WebhookLog, story: &EventStory) -> Vec<String> {
    let why = log.error.as_deref().unwrap_or("no reason is noted");
    match log.status {
        Outcome::Ignored => return vec![format!("It was kept and not acted on: {why}.")],
        Outcome::Failed => {
            return vec![
                format!("It was kept, but could not be understood: {why}."),
                format!(
                    "When that is mended, `payhookd events replay {}` applies it; so does the next \
                     delivery.",
                    log.id
                ),
            ];
        }
        Outcome::Processed | Outcome::Orphan => {}
    }
    let facts: Vec<String> = story.facts.iter().map(|one| fact(log.provider, one)).collect();
    let references: Vec<String> = story.references.iter().map(reference).collect();
    vec![
        format!("It was read as: {}.", facts.join("; ")),
        format!("It carries {}.", references.join(", ")),
    ]
}

fn fact(provider: Provider, fact: &Fact) -> String {
    let mut text = format!(
        "{} {} {}",
        spoken(fact.object.as_str()),
        fact.object_id,
        spoken(fact.state.as_str())
    );
    let money = |minor| {
        let currency = fact.amount.as_ref().map(|amount| amount.currency);
        amount(provider, minor, currency)
    };
    if let Some(amount) = fact.amount {
        text.push_str(&format!(", {}", money(amount.minor)));
    }
    if let Some(captured) = fact.captured {
        text.push_str(&format!(", {} taken so far", money(captured)));
    }
    if let Some(refunded) = fact.refunded {
        text.push_str(&format!(", {} refunded so far", money(refunded)));
    }
    if let Some(reason) = &fact.reason {
        text.push_str(&format!(", reason {reason}"));
    }
    text
}

fn found(log: &WebhookLog, story: &EventStory) -> Vec<String> {
    if let Some((transaction, how)) = &story.matched {
        let order = transaction.order_id.as_deref();
        let order = order.map(|order| format!(" (order {order})")).unwrap_or_default();
        let how = match how {
            Matched::Registered(id) => {
                format!("by {}, with which the shop registered it", reference(id))
            }
            Matched::Learned(id, event) => {
                format!("by {}, which event {event} tied to it", reference(id))
            }
            Matched::OrderId(id) => {
                format!("by the shop's {}, which no other transaction has", reference(id))
            }
            Matched::Person => "because a person attached its payment".to_owned(),
            Matched::Untold => "by ids that are not known any more".to_owned(),
        };
        let mut sentences =
            vec![format!("It belongs to transaction {}{order}, {how}.", transaction.id)];
        let others = story.transactions.iter().filter(|id| **id != transaction.id);
        sentences
            .extend(others.map(|id| format!("It tells of transaction {id} too, of its part.")));
        return sentences;
    }
    let Some(orphan) = &story.orphan else { return Vec::new() };
    let mut sentences = vec![stands_as(orphan)];
    if story.ownership == Ownership::Foreign {
        sentences
            .push("It lacks this shop's mark, so that its order id counts for nothing.".to_owned());
    }
    sentences.extend(story.leads.iter().map(|lead| leads(log, lead)));
    sentences
}

fn stands_as(orphan: &Orphan) -> String {
    let (id, kind) = (orphan.id, orphan.kind);
    let dismissed = match (&orphan.resolved_at, &orphan.note) {
        (Some(at), Some(note)) => format!(" It was dismissed at {at}: {note}."),
        _ => String::new(),
    };
    format!(
        "It belongs to no transaction: orphan {id}, {kind}: {}.{dismissed}",
        kind.meaning().english
    )
}

fn leads(log: &WebhookLog, lead: &Lead) -> String {
    let id = reference(&lead.reference);
    let (this, other) = if log.livemode { ("live", "test") } else { ("test", "live") };
    let numbers = |ids: &[i64]| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match (&*lead.transactions, &*lead.other_mode) {
        ([], []) => format!("No transaction has {id}."),
        ([], others) => format!(
            "Transaction {} of {other} money has {id}, but this is {this} money.",
            numbers(others)
        ),
        ([one], _) => format!("Transaction {one} has {id}."),
        (several, _) => format!(
            "Transactions {} all have {id}, so that it leads to none of them.",
            numbers(several)
        ),
    }
}

fn changed(log: &WebhookLog, story: &EventStory) -> Vec<String> {
    let Some((transaction, _)) = &story.matched else { return Vec::new() };
    if story.changes.is_empty() {
        return vec![if log.received_at <= transaction.created_at {
            format!(
                "It came before the shop registered the transaction, at {}, which then took it over.",
                transaction.created_at
            )
        } else {
            "It changed nothing: what it says was known, or something later or more final was."
                .to_owned()
        }];
    }
    let currency = transaction.state.currency;
    story.changes.iter().map(|change| one_change(log.provider, change, currency)).collect()
}

fn one_change(provider: Provider, change: &CausedChange, currency: Option<Currency>) -> String {
    let mut parts = Vec::new();
    let (before, after) = change.status;
    if let Some(before) = before.filter(|before| *before != after) {
        parts.push(format!("status {before} → {after}"));
    }
    for (name, (before, after)) in [("received", change.received), ("refunded", change.refunded)] {
        if before != after {
            let money = |minor| amount(provider, minor, currency);
            parts.push(format!("{name} {} → {}", money(before), money(after)));
        }
    }
    let (before, after) = change.dispute_status;
    if before != after {
        parts.push(format!("dispute {before} → {after}"));
    }
    match parts.is_empty() {
        true => format!("It changed the transaction: {}.", change.change),
        false => format!("It changed the transaction: {}.", parts.join(", ")),
    }
}

fn answered(log: &WebhookLog) -> String {
    if log.source != Source::Webhook {
        return match log.delivery_count {
            1 => "Nobody waited for an answer.".to_owned(),
            _ => r#"The webhook was answered 200 {"received":true,"duplicate":true}."#.to_owned(),
        };
    }
    let mut sentence = r#"The provider was answered 200 {"received":true}"#.to_owned();
    if log.delivery_count > 1 {
        sentence.push_str(r#", and with "duplicate":true to each repetition"#);
    }
    sentence + "."
}

fn name(provider: Provider) -> &'static str {
    match provider {
        Provider::Stripe => "Stripe",
        Provider::Paypal => "PayPal",
    }
}

fn times(number: i64) -> String {
    match number {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        number => format!("{number} times"),
    }
}

fn reference(reference: &Reference) -> String {
    let kind = match reference.kind {
        ReferenceKind::Other => "id",
        kind => kind.as_str(),
    };
    format!("{} {}", spoken(kind), reference.value)
}

/// A word of ours as it is said.
fn spoken(word: &str) -> String {
    word.replace('_', " ")
}

fn amount(provider: Provider, minor: i64, currency: Option<Currency>) -> String {
    match currency {
        Some(currency) => format!("{} {currency}", Money { minor, currency }.to_decimal(provider)),
        None => minor.to_string(),
    }
}
