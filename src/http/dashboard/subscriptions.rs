//! The subscriptions that the shop registered, each with its payments.

use maud::{Markup, html};
use warp::reply::Response;

use super::format::{Typeset, brief, id, with_commands};
use super::links::Filters;
use super::page::{Failure, Tab, older, secret, see};
use super::sessions::{Notice, Session};
use super::transactions;
use super::visit::{Dashboard, Visit};
use crate::domain::records::{
    Listed, Page, Subscription, SubscriptionFilter, Transaction, TransactionFilter,
};
use crate::domain::reference::ReferenceKind;
use crate::providers::pages;
use crate::store::EndSubscription;

/// Rows of a page.
const ROWS: u32 = 50;
/// What may be said of the list.
pub(super) const NAMES: &[&str] = &["ended", "cursor"];

/// The list.
pub(super) async fn list(dashboard: &Dashboard, visit: &Visit) -> Result<Response, Failure> {
    let said = &visit.said;
    let filters = Filters::of("/subscriptions", &["ended"], said)?;
    let filter = SubscriptionFilter { ended: said.flag("ended")?, ..SubscriptionFilter::default() };
    let page = Page { limit: ROWS, ..said.page()? };
    let listed = dashboard.read(move |reader| reader.list(&filter, page)).await?;
    let typeset = dashboard.typeset(visit);
    let body = list_body(typeset, &filters, page, &listed);
    Ok(dashboard.page(visit, Some(Tab::Subscriptions), visit.words.subscriptions.title, &body))
}

fn list_body(
    typeset: Typeset<'_>,
    filters: &Filters,
    page: Page,
    listed: &Listed<Subscription>,
) -> Markup {
    let words = typeset.words;
    let texts = &words.subscriptions;
    let states = [("false", texts.running), ("true", texts.ended)];
    html! {
        h1 { (texts.title) }
        p.hint { (texts.intro) }
        (filters.choice(texts.filters, texts.all, "ended", &states))
        div #subscriptions data-live {
            @if listed.rows.is_empty() {
                div.card.empty {
                    p { b { (texts.none) } }
                    p.hint { (with_commands(texts.none_hint)) }
                }
            } @else {
                div.card.sheet { (table(typeset, &listed.rows)) }
            }
            (older(words, &filters.path(), page.before, next(listed, |last| last.id)))
        }
    }
}

fn next<T>(listed: &Listed<T>, id: fn(&T) -> i64) -> Option<i64> {
    listed.rows.last().filter(|_| listed.more).map(id)
}

fn table(typeset: Typeset<'_>, rows: &[Subscription]) -> Markup {
    let words = typeset.words;
    let texts = &words.subscriptions;
    html! {
        table {
            thead {
                tr {
                    th scope="col" { (texts.registered) }
                    th scope="col" { (texts.own_id) }
                    th.num scope="col" { (texts.amount) }
                    th.num scope="col" { (texts.number) }
                    th scope="col" { (texts.state) }
                    th scope="col" { (texts.provider) }
                    th scope="col" { (texts.reference) }
                }
            }
            tbody {
                @for one in rows {
                    tr id=(format!("subscription-{}", one.id)) {
                        th scope="row" data-label=(texts.registered) {
                            a href=(format!("/subscriptions/{}", one.id)) { (typeset.time(one.created_at)) }
                        }
                        td data-label=(texts.own_id) {
                            @if let Some(own_id) = &one.own_id { (brief(own_id)) }
                        }
                        td.num data-label=(texts.amount) { (amount(typeset, one)) }
                        td.num data-label=(texts.number) { (typeset.number(one.payments)) }
                        td data-label=(texts.state) { (state(typeset, one)) }
                        td data-label=(texts.provider) {
                            (one.provider.name())
                            @if !one.livemode { ", " (words.mode(false)) }
                        }
                        td data-label=(texts.reference) { (brief(&one.reference)) }
                    }
                }
            }
        }
    }
}

fn amount(typeset: Typeset<'_>, of: &Subscription) -> String {
    match of.amount {
        Some(minor) => typeset.money_in(of.provider, minor, of.currency),
        None => typeset.words.subscriptions.not_fixed.to_owned(),
    }
}

fn state(typeset: Typeset<'_>, of: &Subscription) -> Markup {
    let texts = &typeset.words.subscriptions;
    match of.ended_at {
        Some(_) => html! { span.tag { (texts.has_ended) } },
        None => html! { span.tag.good { (texts.is_running) } },
    }
}

/// The page of one.
pub(super) async fn show(dashboard: &Dashboard, visit: &Visit) -> Result<Response, Failure> {
    let number = visit.number()?;
    let page = Page { limit: ROWS, ..visit.said.page()? };
    let filter =
        TransactionFilter { subscription_id: Some(number), ..TransactionFilter::default() };
    let read = dashboard.read(move |reader| {
        let Some(found) = reader.get::<Subscription>(number)? else { return Ok(None) };
        Ok(Some((found, reader.list(&filter, page)?)))
    });
    let (subscription, payments) = read.await?.ok_or(Failure::NotFound)?;
    let typeset = dashboard.typeset(visit);
    let title = (visit.words.subscriptions.one)(number);
    let body = body(typeset, &visit.session, &title, &subscription, page, &payments);
    Ok(dashboard.page(visit, Some(Tab::Subscriptions), &title, &body))
}

fn body(
    typeset: Typeset<'_>,
    session: &Session,
    title: &str,
    subscription: &Subscription,
    page: Page,
    payments: &Listed<Transaction>,
) -> Markup {
    let words = typeset.words;
    let texts = &words.subscriptions;
    let path = format!("/subscriptions/{}", subscription.id);
    html! {
        h1 { (title) }
        div #subscription data-live {
            (summary(typeset, subscription))
            section.card.sheet {
                h2 { (texts.payments) }
                @if payments.rows.is_empty() {
                    p.hint { (texts.no_payments) }
                } @else {
                    (transactions::table(typeset, &payments.rows))
                }
            }
            (older(words, &path, page.before, next(payments, |last| last.id)))
        }
        (end_form(typeset, session, subscription))
    }
}

fn summary(typeset: Typeset<'_>, one: &Subscription) -> Markup {
    let words = typeset.words;
    let texts = &words.subscriptions;
    let page = pages::page(one.provider, one.livemode, ReferenceKind::Subscription, &one.reference);
    html! {
        section.card {
            dl.facts {
                dt { (texts.state) }
                dd { (state(typeset, one)) }
                dt { (texts.amount) }
                dd { (amount(typeset, one)) }
                dt { (texts.number) }
                dd { (typeset.number(one.payments)) }
                @if let Some(own_id) = &one.own_id {
                    dt { (texts.own_id) }
                    dd { (id(own_id)) }
                }
                dt { (texts.reference) }
                dd { (id(&one.reference)) }
                dt { (texts.provider) }
                dd { (one.provider.name()) ", " (words.mode(one.livemode)) }
                dt { (texts.registered) }
                dd { (typeset.time(one.created_at)) }
                @if let Some(at) = one.ended_at {
                    dt { (texts.ended_at) }
                    dd { (typeset.time(at)) }
                }
            }
            @if let Some(page) = page {
                p {
                    a href=(page) rel="noreferrer" {
                        ((words.common.opens_provider)(one.provider.name()))
                    }
                }
            }
        }
    }
}

fn end_form(typeset: Typeset<'_>, session: &Session, subscription: &Subscription) -> Markup {
    let texts = &typeset.words.subscriptions;
    let has_ended = subscription.ended_at.is_some();
    let what = if has_ended { "reopen" } else { "end" };
    let (name, hint) = match has_ended {
        true => (texts.reopen, texts.reopen_hint),
        false => (texts.end, texts.end_hint),
    };
    html! {
        form.card method="post" action=(format!("/subscriptions/{}/{what}", subscription.id)) {
            (secret(session))
            h2 { (name) }
            p.hint { (hint) }
            button { (name) }
        }
    }
}

/// No more is to be paid of it.
pub(super) async fn end(dashboard: &Dashboard, visit: &Visit) -> Result<Response, Failure> {
    set_ended(dashboard, visit, true).await
}

/// It goes on after all.
pub(super) async fn reopen(dashboard: &Dashboard, visit: &Visit) -> Result<Response, Failure> {
    set_ended(dashboard, visit, false).await
}

async fn set_ended(dashboard: &Dashboard, visit: &Visit, ended: bool) -> Result<Response, Failure> {
    let id = visit.number()?;
    dashboard.write(EndSubscription { id, ended }).await?.ok_or(Failure::NotFound)?;
    let texts = &visit.words.subscriptions;
    let text = if ended { texts.done_ended } else { texts.done_reopened };
    dashboard.sessions.tell(&visit.session, Notice::Done(text.to_owned()));
    Ok(see(&format!("/subscriptions/{id}")))
}
