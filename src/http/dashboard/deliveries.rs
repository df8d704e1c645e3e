//! What the shop's app is told of changes.

use maud::{Markup, html};
use warp::reply::Response;

use super::format::{Typeset, shortened, with_commands};
use super::links::Filters;
use super::page::{Failure, Tab, older, secret, see};
use super::sessions::{Notice, Session};
use super::visit::{Dashboard, Visit};
use crate::domain::delivery::DeliveryStatus;
use crate::domain::records::{
    Delivery, DeliveryFilter, Listed, Many, Page, Retried, StoredAttempt,
};
use crate::domain::time::Timestamp;
use crate::http::api::problem::Problem;
use crate::store::{RetryDeliveries, RetryDelivery};

/// Rows of a page.
const ROWS: u32 = 50;
/// Attempts at one delivery that are shown.
const ATTEMPTS: usize = 40;
/// Deliveries are counted up to here.
const MOST_COUNTED: i64 = 1_000;
/// How many are retried in one commit: few enough that webhooks, which come in between, never wait
/// long.
const AT_ONCE: u32 = 200;
/// What may be said of the list.
pub(super) const NAMES: &[&str] = &["status", "transaction_id", "cursor"];

/// The list.
pub(super) async fn list(dashboard: &Dashboard, visit: &Visit) -> Result<Response, Failure> {
    let said = &visit.said;
    let filters = Filters::of("/deliveries", &NAMES[..NAMES.len() - 1], said)?;
    let filter = DeliveryFilter {
        status: said.word("status", DeliveryStatus::ALL, DeliveryStatus::parse)?,
        transaction_id: said.row_id("transaction_id")?,
    };
    let page = Page { limit: ROWS, ..said.page()? };
    let known = dashboard.read(move |reader| {
        Ok((reader.list(&filter, page)?, reader.count_dead(None, MOST_COUNTED + 1)?))
    });
    let (listed, dead) = known.await?;
    let typeset = dashboard.typeset(visit);
    let body = list_body(typeset, &filters, page, &listed, dead);
    Ok(dashboard.page(visit, Some(Tab::Deliveries), visit.words.deliveries.title, &body))
}

fn list_body(
    typeset: Typeset<'_>,
    filters: &Filters,
    page: Page,
    listed: &Listed<Delivery>,
    dead: i64,
) -> Markup {
    let words = typeset.words;
    let texts = &words.deliveries;
    let statuses: Vec<_> =
        DeliveryStatus::ALL.iter().map(|one| (one.as_str(), words.delivery_status(*one))).collect();
    let next = listed.rows.last().filter(|_| listed.more).map(|last| last.id);
    html! {
        h1 { (texts.title) }
        p.hint { (texts.intro) }
        @if let Some(transaction) = filters.get("transaction_id") {
            p {
                (texts.of_transaction) " "
                a href=(format!("/transactions/{transaction}")) { (transaction) }
                " · " a href=(filters.with("transaction_id", None)) { (texts.all) }
            }
        }
        (filters.choice(texts.by_status, texts.any_status, "status", &statuses))
        div #deliveries data-live {
            @if dead > 0 {
                p.notice.bad role="status" {
                    ((texts.given_up)(&counted(typeset, dead))) " "
                    a href="/deliveries/retry" { (texts.retry_many) }
                }
            }
            @if listed.rows.is_empty() {
                div.card.empty {
                    @if filters.has(NAMES) {
                        p { b { (texts.none_found) } }
                        p { a href="/deliveries" { (texts.all) } }
                    } @else {
                        p { b { (texts.none) } }
                        p.hint { (with_commands(texts.none_hint)) }
                    }
                }
            } @else {
                div.card.sheet { (table(typeset, &listed.rows)) }
            }
            (older(words, &filters.path(), page.before, next))
        }
    }
}

/// A number that was counted so far and no further.
fn counted(typeset: Typeset<'_>, number: i64) -> String {
    match number {
        ..=MOST_COUNTED => typeset.number(number),
        _ => (typeset.words.deliveries.more_than)(&typeset.number(MOST_COUNTED)),
    }
}

fn table(typeset: Typeset<'_>, rows: &[Delivery]) -> Markup {
    let words = typeset.words;
    let texts = &words.deliveries;
    html! {
        table {
            thead {
                tr {
                    th scope="col" { (texts.changed) }
                    th scope="col" { (texts.change) }
                    th scope="col" { (texts.transaction) }
                    th scope="col" { (texts.status) }
                    th.num scope="col" { (texts.attempts) }
                    th scope="col" { (texts.next) }
                    th scope="col" { (texts.why) }
                }
            }
            tbody {
                @for one in rows {
                    tr id=(format!("delivery-{}", one.id)) {
                        th scope="row" data-label=(texts.changed) {
                            a href=(format!("/deliveries/{}", one.id)) { (typeset.time(one.changed_at)) }
                        }
                        td data-label=(texts.change) { (one.change) }
                        td data-label=(texts.transaction) {
                            a href=(format!("/transactions/{}", one.transaction_id)) { (one.transaction_id) }
                        }
                        td data-label=(texts.status) {
                            span class=(colour(one.status)) { (words.delivery_status(one.status)) }
                        }
                        td.num data-label=(texts.attempts) { (typeset.number(one.attempts)) }
                        td data-label=(texts.next) {
                            @match (one.status, one.next_attempt_at) {
                                (_, Some(at)) => (typeset.time(at)),
                                (DeliveryStatus::Pending, None) => (texts.waits_for_earlier),
                                _ => {},
                            }
                        }
                        td data-label=(texts.why) {
                            @if let Some(why) = &one.last_error { bdi { (shortened(why, 60)) } }
                        }
                    }
                }
            }
        }
    }
}

/// How a status looks.
pub(super) fn colour(status: DeliveryStatus) -> &'static str {
    match status {
        DeliveryStatus::Delivered => "tag good",
        DeliveryStatus::Pending => "tag warn",
        DeliveryStatus::Dead => "tag bad",
    }
}

/// One delivery, with the attempts at it.
pub(super) async fn show(dashboard: &Dashboard, visit: &Visit) -> Result<Response, Failure> {
    let number = visit.number()?;
    let known = dashboard.read(move |reader| {
        let Some(delivery) = reader.find::<Delivery>(&number.to_string())?.pop() else {
            return Ok(None);
        };
        let attempts = reader.of::<StoredAttempt>(delivery.id)?;
        Ok(Some((delivery, attempts)))
    });
    let (delivery, attempts) = known.await?.ok_or(Failure::NotFound)?;
    let typeset = dashboard.typeset(visit);
    let title = (visit.words.deliveries.one)(number);
    let body = show_body(typeset, &visit.session, &title, &delivery, &attempts);
    Ok(dashboard.page(visit, Some(Tab::Deliveries), &title, &body))
}

fn show_body(
    typeset: Typeset<'_>,
    session: &Session,
    title: &str,
    delivery: &Delivery,
    attempts: &[StoredAttempt],
) -> Markup {
    let words = typeset.words;
    let texts = &words.deliveries;
    html! {
        h1 { (title) (words.common.colon) (delivery.change) }
        div #state data-live {
            section.card {
                dl.facts {
                    dt { (texts.status) }
                    dd {
                        span class=(colour(delivery.status)) { (words.delivery_status(delivery.status)) }
                        @if let Some(at) = delivery.finished_at { " " (typeset.time(at)) }
                    }
                    dt { (texts.transaction) }
                    dd {
                        a href=(format!("/transactions/{}", delivery.transaction_id)) {
                            (delivery.transaction_id)
                        }
                        ", " ((texts.version)(delivery.version))
                    }
                    dt { (texts.changed) }
                    dd { (typeset.time(delivery.changed_at)) }
                    dt { (texts.attempts) }
                    dd { (typeset.number(delivery.attempts)) }
                    @if let Some(at) = delivery.next_attempt_at {
                        dt { (texts.next) }
                        dd { (typeset.time(at)) }
                    } @else if delivery.status == DeliveryStatus::Pending {
                        dt { (texts.next) }
                        dd { (texts.waits_for_earlier) }
                    }
                    @if let Some(why) = &delivery.last_error {
                        dt { (texts.why) }
                        dd { bdi { (shortened(why, 300)) } }
                    }
                    dt { (texts.message_id) }
                    dd { code { (delivery.message_id) } }
                }
            }
            (made(typeset, attempts))
        }
        form.card method="post" action=(format!("/deliveries/{}/retry", delivery.id)) {
            (secret(session))
            h2 { (texts.retry) }
            p.hint { (texts.retry_hint) }
            button.main { (texts.retry) }
        }
    }
}

fn made(typeset: Typeset<'_>, attempts: &[StoredAttempt]) -> Markup {
    let words = typeset.words;
    let texts = &words.deliveries;
    html! {
        section.card {
            h2 { (texts.attempts) }
            @if attempts.is_empty() {
                p.hint { (texts.no_attempts) }
            } @else {
                div.sheet { table {
                    thead {
                        tr {
                            th.num scope="col" { (texts.attempt) }
                            th scope="col" { (texts.made) }
                            th scope="col" { (texts.answer) }
                            th.num scope="col" { (texts.latency) }
                            th scope="col" { (texts.body) }
                        }
                    }
                    tbody {
                        @for one in attempts.iter().rev().take(ATTEMPTS) {
                            tr {
                                th.num scope="row" data-label=(texts.attempt) { (typeset.number(one.attempt)) }
                                td data-label=(texts.made) { (typeset.time(one.attempted_at)) }
                                td data-label=(texts.answer) {
                                    @match (one.status_code, one.error) {
                                        (Some(code), _) => (code),
                                        (None, Some(error)) => (words.no_answer(error)),
                                        (None, None) => {},
                                    }
                                }
                                td.num data-label=(texts.latency) { (typeset.number(one.latency_ms)) " ms" }
                                td data-label=(texts.body) {
                                    @if !one.answer.is_empty() { bdi { (shortened(&one.answer, 150)) } }
                                }
                            }
                        }
                    }
                } }
            }
        }
    }
}

/// Tells the app again: at once, or after an earlier message of the same transaction.
pub(super) async fn retry(dashboard: &Dashboard, visit: &Visit) -> Result<Response, Failure> {
    let number = visit.number()?;
    let texts = &visit.words.deliveries;
    let done = match dashboard.write(RetryDelivery { id: number }).await? {
        Retried::Unknown => return Err(Failure::NotFound),
        Retried::Due => texts.done_due.to_owned(),
        Retried::After(earlier) => (texts.done_after)(earlier),
    };
    dashboard.sessions.tell(&visit.session, Notice::Done(done));
    Ok(see(&format!("/deliveries/{number}")))
}

/// How many were given up since when, to have them tried again.
pub(super) async fn ask(dashboard: &Dashboard, visit: &Visit) -> Result<Response, Failure> {
    let since = dashboard.since(visit)?;
    let number = dashboard.read(move |reader| reader.count_dead(since, MOST_COUNTED + 1)).await?;
    let typeset = dashboard.typeset(visit);
    let filters = Filters::of("/deliveries/retry", &["since"], &visit.said)?;
    let title = visit.words.deliveries.retry_many;
    let body = ask_body(typeset, &visit.session, &filters, since, number);
    Ok(dashboard.page(visit, Some(Tab::Deliveries), title, &body))
}

fn ask_body(
    typeset: Typeset<'_>,
    session: &Session,
    filters: &Filters,
    since: Option<Timestamp>,
    number: i64,
) -> Markup {
    let words = typeset.words;
    let texts = &words.deliveries;
    html! {
        h1 { (texts.retry_many) }
        (filters.lately(texts.given_up_since, &words.transactions))
        form.card method="post" action="/deliveries/retry" {
            (secret(session))
            p #number {
                ((texts.given_up)(&counted(typeset, number)))
                @if let Some(since) = since { " " (words.transactions.since) " " (typeset.time(since)) "." }
            }
            @if number > 0 {
                p.hint { (texts.retry_many_hint) }
                // The moment that was counted from, not as long before the form is sent.
                input type="hidden" name="since" value=(since.map(|at| at.to_string()).unwrap_or_default());
                button.main { (texts.retry_all) }
            }
            " " a href="/deliveries?status=dead" { (texts.back) }
        }
    }
}

/// Has all that were given up since then tried again, some at a time.
pub(super) async fn retry_many(dashboard: &Dashboard, visit: &Visit) -> Result<Response, Failure> {
    let since = match visit.text("since")? {
        None => None,
        Some(text) => Some(
            Timestamp::parse(&text).map_err(|error| Problem::field("since", error.to_string()))?,
        ),
    };
    let (mut number, mut last) = (0_i64, 0);
    // Those that fail again meanwhile are not taken up again: they have smaller ids.
    loop {
        let (which, at_once) = (Many::Dead { since }, AT_ONCE);
        let retried = dashboard.write(RetryDeliveries { which, after: last, at_once }).await?;
        let Some(newest) = retried.last() else { break };
        last = *newest;
        number += i64::try_from(retried.len()).unwrap_or(0);
    }
    let typeset = dashboard.typeset(visit);
    let done = (visit.words.deliveries.done_many)(&typeset.number(number));
    dashboard.sessions.tell(&visit.session, Notice::Done(done));
    Ok(see("/deliveries?status=pending"))
}
