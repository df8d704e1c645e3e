//! The genuine events that were received.

use maud::{Markup, html};
use warp::reply::Response;

use super::format::{Typeset, brief, shortened, with_commands};
use super::links::Filters;
use super::page::{Failure, Tab, older};
use super::visit::{Dashboard, Visit};
use crate::domain::provider::Provider;
use crate::domain::records::{EventFilter, FoundEvents, Outcome, Page, WebhookLog};

/// Rows of a page.
const ROWS: u32 = 50;
/// What may be said of the list.
pub(super) const NAMES: &[&str] =
    &["status", "event_type", "provider", "livemode", "since", "until", "transaction_id", "cursor"];

/// The list.
pub(super) async fn list(dashboard: &Dashboard, visit: &Visit) -> Result<Response, Failure> {
    let said = &visit.said;
    let filters = Filters::of("/events", &NAMES[..NAMES.len() - 1], said)?;
    let filter = EventFilter {
        provider: said.word("provider", Provider::ALL, Provider::parse)?,
        statuses: said.words("status", Outcome::ALL, Outcome::parse)?,
        event_type: filters.get("event_type").map(str::to_owned),
        livemode: said.flag("livemode")?,
        received_after: dashboard.since(visit)?,
        received_before: dashboard.until(visit)?,
        transaction_id: said.row_id("transaction_id")?,
        source: None,
    };
    let page = Page { limit: ROWS, ..said.page()? };
    let found = dashboard.read(move |reader| reader.search(&filter, page)).await?;
    let typeset = dashboard.typeset(visit);
    let body = list_body(typeset, &filters, page, &found);
    Ok(dashboard.page(visit, Some(Tab::Events), visit.words.events.title, &body))
}

fn list_body(typeset: Typeset<'_>, filters: &Filters, page: Page, found: &FoundEvents) -> Markup {
    let words = typeset.words;
    let texts = &words.events;
    html! {
        h1 { (texts.title) }
        @if let Some(transaction) = filters.get("transaction_id") {
            p {
                (texts.of_transaction) " "
                a href=(format!("/transactions/{transaction}")) { (transaction) }
                " · " a href=(filters.with("transaction_id", None)) { (texts.all) }
            }
        }
        (choices(typeset, filters))
        div #events data-live {
            @if found.rows.is_empty() {
                (empty(typeset, filters, found.next.is_some()))
            } @else {
                div.card.sheet { (table(typeset, &found.rows)) }
            }
            @if let Some(at) = found.looked_back_to {
                p.hint { (texts.looked_back_to) " " (typeset.time(at)) "." }
            }
            (older(words, &filters.path(), page.before, found.next))
        }
    }
}

fn choices(typeset: Typeset<'_>, filters: &Filters) -> Markup {
    let words = typeset.words;
    let texts = &words.events;
    let common = &words.transactions;
    let outcomes: Vec<_> =
        Outcome::ALL.iter().map(|one| (one.as_str(), words.outcome(*one))).collect();
    let providers: Vec<_> = Provider::ALL.iter().map(|one| (one.as_str(), one.name())).collect();
    let modes = [("true", words.mode(true)), ("false", words.mode(false))];
    html! {
        (filters.choice(texts.by_outcome, texts.any_outcome, "status", &outcomes))
        (filters.lately(common.by_time, common))
        details open[filters.has(&["event_type", "provider", "livemode", "until"])] {
            summary { (common.more_filters) }
            (filters.choice(common.by_provider, common.any_provider, "provider", &providers))
            (filters.choice(common.by_mode, common.any_mode, "livemode", &modes))
            (filters.days(words))
            form.card method="get" action="/events" {
                (filters.fields_beside(&["event_type"]))
                label for="event_type" { (texts.by_type) }
                div.row {
                    div {
                        input #event_type name="event_type" value=[filters.get("event_type")]
                            autocomplete="off" spellcheck="false" placeholder="charge.refunded";
                    }
                    button { (texts.type_button) }
                }
            }
        }
    }
}

fn empty(typeset: Typeset<'_>, filters: &Filters, goes_on: bool) -> Markup {
    let texts = &typeset.words.events;
    html! {
        div.card.empty {
            @if goes_on {
                p { b { (texts.none_so_far) } }
            } @else if filters.has(NAMES) {
                p { b { (texts.none_found) } }
                p { a href="/events" { (texts.all) } }
            } @else {
                p { b { (texts.none) } }
                p.hint { (with_commands(texts.none_hint)) }
            }
        }
    }
}

fn table(typeset: Typeset<'_>, rows: &[WebhookLog]) -> Markup {
    let words = typeset.words;
    let texts = &words.events;
    html! {
        table {
            thead {
                tr {
                    th scope="col" { (texts.received) }
                    th scope="col" { (texts.event_type) }
                    th scope="col" { (texts.outcome) }
                    th scope="col" { (texts.provider) }
                    th scope="col" { (texts.transaction) }
                    th scope="col" { (texts.event_id) }
                }
            }
            tbody {
                @for one in rows {
                    tr id=(format!("event-{}", one.id)) {
                        th scope="row" data-label=(texts.received) {
                            a href=(format!("/events/{}", one.id)) { (typeset.time(one.received_at)) }
                        }
                        td data-label=(texts.event_type) { (kind(typeset, one)) }
                        td data-label=(texts.outcome) { (outcome(typeset, one.status)) }
                        td data-label=(texts.provider) {
                            (one.provider.name())
                            @if !one.livemode { ", " (words.mode(false)) }
                        }
                        td data-label=(texts.transaction) {
                            @if let Some(id) = one.transaction_id {
                                a href=(format!("/transactions/{id}")) { (id) }
                            }
                        }
                        td data-label=(texts.event_id) { (brief(&one.event_id)) }
                    }
                }
            }
        }
    }
}

/// The provider's name of what happened.
pub(super) fn kind(typeset: Typeset<'_>, event: &WebhookLog) -> Markup {
    html! {
        @match &*event.event_type {
            "" => (typeset.words.events.no_type),
            kind => bdi { (shortened(kind, 60)) },
        }
    }
}

/// What became of an event.
pub(super) fn outcome(typeset: Typeset<'_>, outcome: Outcome) -> Markup {
    let class = match outcome {
        Outcome::Processed => "tag good",
        Outcome::Ignored => "tag",
        Outcome::Orphan => "tag warn",
        Outcome::Failed => "tag bad",
    };
    html! { span class=(class) { (typeset.words.outcome(outcome)) } }
}
