//! What happened to one transaction: its changes, its events and what the app was told, in one list.

use maud::{Markup, html};

use super::format::{Typeset, shortened};
use super::transactions::colour;
use crate::domain::records::{Change, Delivery, TransactionDetail, WebhookLog};
use crate::domain::time::Timestamp;

/// One line of the timeline.
enum Moment<'d> {
    /// The transaction became another; what it was before.
    Change(&'d Change, Option<&'d Change>),
    /// An event was received.
    Event(&'d WebhookLog),
    /// The app was to be told, and was or not.
    Delivery(&'d Delivery),
}

impl Moment<'_> {
    /// When, and what comes first of one instant.
    fn at(&self) -> (Timestamp, u8) {
        match self {
            Self::Event(event) => (event.received_at, 0),
            Self::Change(change, _) => (change.changed_at, 1),
            Self::Delivery(delivery) => (delivery.finished_at.unwrap_or(delivery.changed_at), 2),
        }
    }
}

/// The list, newest first.
pub(super) fn timeline(typeset: Typeset<'_>, dossier: &TransactionDetail) -> Markup {
    let texts = &typeset.words.transactions;
    let changes = &dossier.changes;
    let shown = usize::try_from(TransactionDetail::MOST).unwrap_or(usize::MAX);
    let latest = (0..changes.len()).rev().take(shown).map(|place| {
        Moment::Change(&changes[place], place.checked_sub(1).and_then(|before| changes.get(before)))
    });
    let mut moments: Vec<Moment<'_>> = latest.collect();
    moments.extend(dossier.events.rows.iter().map(Moment::Event));
    moments.extend(dossier.deliveries.rows.iter().map(Moment::Delivery));
    moments.sort_by_key(|moment| std::cmp::Reverse(moment.at()));
    let of_it = |list: &str| format!("/{list}?transaction_id={}", dossier.transaction.id);
    html! {
        section.card {
            h2 { (texts.timeline) }
            div.sheet { table {
                thead {
                    tr {
                        th scope="col" { (texts.when) }
                        th scope="col" { (texts.what) }
                        th scope="col" { (texts.detail) }
                    }
                }
                tbody {
                    @for moment in &moments {
                        tr {
                            th scope="row" data-label=(texts.when) { (typeset.time(moment.at().0)) }
                            @match moment {
                                Moment::Change(change, before) => (changed(typeset, dossier, change, *before)),
                                Moment::Event(event) => (received(typeset, dossier, event)),
                                Moment::Delivery(delivery) => (told(typeset, delivery)),
                            }
                        }
                    }
                }
            } }
            @if dossier.events.more || dossier.deliveries.more || changes.len() > shown {
                p.hint { (texts.more_before) }
            }
            p {
                a href=(of_it("events")) { (texts.all_events) }
                " · " a href=(of_it("deliveries")) { (texts.all_deliveries) }
            }
        }
    }
}

fn changed(
    typeset: Typeset<'_>,
    dossier: &TransactionDetail,
    change: &Change,
    before: Option<&Change>,
) -> Markup {
    let words = typeset.words;
    let texts = &words.transactions;
    let one = &dossier.transaction;
    let of_it = |minor| typeset.money_in(one.provider, minor, one.state.currency);
    let moved = |before: i64, after: i64| format!("{} → {}", of_it(before), of_it(after));
    let (received, refunded) =
        before.map_or((0, 0), |before| (before.amount_received, before.amount_refunded));
    html! {
        td data-label=(texts.what) {
            @match before {
                None => span class=(colour(change.status)) { (texts.was_registered) },
                Some(_) => span class=(colour(change.status)) { (words.status(change.status)) },
            }
        }
        td data-label=(texts.detail) { span {
            @if change.amount_received != received {
                (texts.received) " " (moved(received, change.amount_received)) ". "
            }
            @if change.amount_refunded != refunded {
                (texts.refunded) " " (moved(refunded, change.amount_refunded)) ". "
            }
            @if before.is_some_and(|before| before.other_money != change.other_money) {
                (texts.other_money) " "
                @for (place, other) in change.other_money.iter().enumerate() {
                    @if place > 0 { ", " }
                    (typeset.money_in(dossier.transaction.provider, other.received, Some(other.currency)))
                    @if other.refunded > 0 {
                        " (" (texts.refunded) " "
                        (typeset.money_in(dossier.transaction.provider, other.refunded, Some(other.currency)))
                        ")"
                    }
                }
                ". "
            }
            @if before.is_some_and(|before| before.dispute_status != change.dispute_status) {
                (words.dispute(change.dispute_status)) ". "
            }
            @if change.doubtful && before.is_some_and(|before| !before.doubtful) {
                span.tag.bad { (texts.doubtful) } " "
            }
            @if !change.doubtful && before.is_some_and(|before| before.doubtful) {
                (texts.not_doubtful) ". "
            }
            @if change.amount_check.is_wrong()
                && before.is_some_and(|before| before.amount_check != change.amount_check) {
                span.tag.bad { (words.amount_check(change.amount_check)) } " "
            }
            @match &change.event {
                Some((_, event_type)) => bdi { (shortened(event_type, 60)) },
                None => (texts.by_the_shop),
            }
        } }
    }
}

fn received(typeset: Typeset<'_>, dossier: &TransactionDetail, event: &WebhookLog) -> Markup {
    let words = typeset.words;
    let texts = &words.transactions;
    let facts = dossier.facts.iter().filter(|(log_id, _)| *log_id == event.id).take(4);
    html! {
        td data-label=(texts.what) {
            span {
                (texts.event) " "
                a href=(format!("/events/{}", event.id)) { bdi { (shortened(&event.event_type, 60)) } }
            }
        }
        td data-label=(texts.detail) { span {
            @for (place, (_, fact)) in facts.enumerate() {
                @if place > 0 { "; " }
                (words.reference(fact.object)) " " (words.fact(fact.state))
                @if let Some(of) = fact.amount {
                    ", " (typeset.money_in(event.provider, of.minor, Some(of.currency)))
                }
            }
        } }
    }
}

fn told(typeset: Typeset<'_>, delivery: &Delivery) -> Markup {
    let words = typeset.words;
    let texts = &words.transactions;
    html! {
        td data-label=(texts.what) { span {
            a href=(format!("/deliveries/{}", delivery.id)) { (texts.told) } " "
            span class=(super::deliveries::colour(delivery.status)) {
                (words.delivery_status(delivery.status))
            }
        } }
        td data-label=(texts.detail) { span {
            (delivery.change) ", " ((words.deliveries.attempts_made)(delivery.attempts))
            @if let Some(error) = &delivery.last_error { (words.common.colon) bdi { (shortened(error, 120)) } }
        } }
    }
}
