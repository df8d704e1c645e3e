//! One transaction: how it stands, and how it came to stand so.

use std::collections::BTreeMap;

use maud::{Markup, html};
use warp::reply::Response;

use super::format::{Typeset, brief, id, shortened};
use super::page::{Failure, Tab, secret, see};
use super::pretty_json::set_out;
use super::sessions::{Notice, Session};
use super::timeline::timeline;
use super::transactions::{amount, state};
use super::visit::{Dashboard, Visit};
use crate::domain::fact::Fact;
use crate::domain::records::{Closed, Transaction, TransactionDetail, WebhookLog};
use crate::domain::reference::ReferenceKind;
use crate::domain::subscription::Period;
use crate::domain::time::Timestamp;
use crate::domain::transaction::DisputeStatus;
use crate::providers::{object, pages};
use crate::store::{CloseTransaction, ReopenTransaction};

/// Ids, refunds and disputes that are shown, of each.
const FEW: usize = 20;
/// Bytes that what is shown of the provider's object takes.
const OBJECT: usize = 11_000;

/// The page.
pub(super) async fn show(dashboard: &Dashboard, visit: &Visit) -> Result<Response, Failure> {
    let number = visit.number()?;
    let known = dashboard.read(move |reader| {
        let Some(transaction) = reader.get::<Transaction>(number)? else { return Ok(None) };
        let dossier = reader.detail(&transaction)?;
        let mut deadlines = BTreeMap::new();
        // The newest event of each dispute tells until when it can be answered.
        let newest: BTreeMap<&str, i64> = dossier
            .facts
            .iter()
            .filter(|(_, fact)| fact.object == ReferenceKind::Dispute)
            .map(|(log_id, fact)| (&*fact.object_id, *log_id))
            .take(FEW)
            .collect();
        for (dispute, log_id) in newest {
            let payload = reader.get::<WebhookLog>(log_id)?.and_then(|log| log.payload);
            let deadline = payload.and_then(|payload| {
                object::dispute_deadline(dossier.transaction.provider, &payload)
            });
            deadlines.extend(deadline.map(|deadline| (dispute.to_owned(), deadline)));
        }
        Ok(Some((dossier, deadlines)))
    });
    let (dossier, deadlines) = known.await?.ok_or(Failure::NotFound)?;
    let typeset = dashboard.typeset(visit);
    let title = (visit.words.transactions.one)(number);
    let body = body(typeset, &visit.session, &title, &dossier, &deadlines);
    Ok(dashboard.page(visit, Some(Tab::Transactions), &title, &body))
}

fn body(
    typeset: Typeset<'_>,
    session: &Session,
    title: &str,
    dossier: &TransactionDetail,
    deadlines: &BTreeMap<String, Timestamp>,
) -> Markup {
    let texts = &typeset.words.transactions;
    let transaction = &dossier.transaction;
    html! {
        h1 { (title) (typeset.words.common.colon) (amount(typeset, transaction)) }
        div #state data-live {
            (summary(typeset, dossier))
            (going_back(typeset, dossier, ReferenceKind::Dispute, texts.disputes, deadlines))
            (going_back(typeset, dossier, ReferenceKind::Refund, texts.refunds, deadlines))
            (timeline(typeset, dossier))
        }
        (ids(typeset, dossier))
        (latest_object(typeset, dossier))
        (close_form(typeset, session, transaction))
    }
}

fn summary(typeset: Typeset<'_>, dossier: &TransactionDetail) -> Markup {
    let words = typeset.words;
    let texts = &words.transactions;
    let one = &dossier.transaction;
    let stands = &one.state;
    let of_it = |minor, currency| typeset.money_in(one.provider, minor, currency);
    html! {
        section.card {
            dl.facts {
                dt { (texts.status) }
                dd {
                    (state(typeset, one))
                    @if let Some(at) = stands.status_changed_at { " " (texts.since) " " (typeset.time(at)) }
                }
                dt { (texts.expected) }
                dd {
                    @match one.expected.amount {
                        Some(minor) => (of_it(minor, one.expected.currency)),
                        None => { (texts.no_amount) " " span.tag.warn { (texts.not_checked) } }
                    }
                    @if one.expected.partial { " " span.tag { (texts.partial) } }
                }
                @if stands.is_paid(&one.expected) {
                    dt { (texts.paid) }
                    dd { (texts.paid_in_full) }
                }
                @if stands.amount_received > 0 {
                    dt { (texts.received) }
                    dd { (of_it(stands.amount_received, stands.currency)) }
                }
                @if stands.amount_refunded > 0 {
                    dt { (texts.refunded) }
                    dd { (of_it(stands.amount_refunded, stands.currency)) }
                }
                @for other in &stands.other_money {
                    dt { (texts.other_money) }
                    dd {
                        (texts.received) " " (of_it(other.received, Some(other.currency)))
                        @if other.refunded > 0 {
                            ", " (texts.refunded) " " (of_it(other.refunded, Some(other.currency)))
                        }
                    }
                }
                @if stands.dispute_status != DisputeStatus::None {
                    dt { (texts.dispute) }
                    dd { span.tag.bad { (words.dispute(stands.dispute_status)) } }
                }
                @if let Some(order) = &one.order_id {
                    dt { (texts.order) }
                    dd { (id(order)) }
                }
                dt { (texts.reference) }
                dd { (id(&one.reference)) }
                (of_subscription(typeset, one))
                dt { (texts.provider) }
                dd { (one.provider.name()) ", " (words.mode(one.livemode)) }
                dt { (texts.registered) }
                dd { (typeset.time(one.created_at)) }
                @if let Some(at) = one.closed_at {
                    dt { (texts.closed) }
                    dd { (typeset.time(at)) }
                }
                @if one.metadata != "{}" {
                    dt { (texts.metadata) }
                    dd { code { bdi { (shortened(&one.metadata, 1_000)) } } }
                }
            }
            @if let Some(page) = elsewhere(dossier) {
                p {
                    a href=(page) rel="noreferrer" {
                        ((words.common.opens_provider)(one.provider.name()))
                    }
                }
            }
        }
    }
}

/// Of which subscription it is a payment, for which period, and what it turned out to be.
fn of_subscription(typeset: Typeset<'_>, one: &Transaction) -> Markup {
    let texts = &typeset.words.subscriptions;
    html! {
        @if let Some(of) = &one.subscription {
            dt { (texts.subscription) }
            dd {
                a href=(format!("/subscriptions/{}", of.id)) {
                    (brief(of.own_id.as_deref().unwrap_or(&of.reference)))
                }
            }
        }
        @if let Some(Period { start, end }) = one.period {
            dt { (texts.period) }
            dd { (typeset.time(start)) " – " (typeset.time(end)) }
        }
        @if let Some(into) = one.merged_into {
            dt { (texts.merged) }
            dd { a href=(format!("/transactions/{into}")) { ((typeset.words.transactions.one)(into)) } }
        }
    }
}

/// The provider's own page of it.
fn elsewhere(dossier: &TransactionDetail) -> Option<String> {
    let one = &dossier.transaction;
    let mut pages = dossier.references.iter().filter_map(|reference| {
        pages::page(one.provider, one.livemode, reference.kind, &reference.value)
    });
    pages.next()
}

/// Refunds or disputes, each as its newest event says.
fn going_back(
    typeset: Typeset<'_>,
    dossier: &TransactionDetail,
    kind: ReferenceKind,
    title: &str,
    deadlines: &BTreeMap<String, Timestamp>,
) -> Markup {
    let words = typeset.words;
    let texts = &words.transactions;
    let provider = dossier.transaction.provider;
    let mut newest: BTreeMap<&str, &Fact> = BTreeMap::new();
    for (_, fact) in dossier.facts.iter().filter(|(_, fact)| fact.object == kind) {
        let known = newest.entry(&fact.object_id).or_insert(fact);
        if (fact.occurred_at, fact.state) >= (known.occurred_at, known.state) {
            *known = fact;
        }
    }
    if newest.is_empty() {
        return html! {};
    }
    html! {
        section.card {
            h2 { (title) }
            div.sheet { table {
                thead {
                    tr {
                        th scope="col" { (texts.when) }
                        th.num scope="col" { (texts.amount) }
                        th scope="col" { (texts.status) }
                        th scope="col" { (texts.reason) }
                        th scope="col" { (texts.reference) }
                        @if kind == ReferenceKind::Dispute { th scope="col" { (texts.deadline) } }
                    }
                }
                tbody {
                    @for (object_id, fact) in newest.into_iter().take(FEW) {
                        tr {
                            th scope="row" data-label=(texts.when) { (typeset.time(fact.occurred_at)) }
                            td.num data-label=(texts.amount) {
                                @if let Some(of) = fact.amount {
                                    (typeset.money_in(provider, of.minor, Some(of.currency)))
                                }
                            }
                            td data-label=(texts.status) { span.tag { (words.fact(fact.state)) } }
                            td data-label=(texts.reason) {
                                @if let Some(reason) = &fact.reason { bdi { (shortened(reason, 60)) } }
                            }
                            td data-label=(texts.reference) { (brief(object_id)) }
                            @if kind == ReferenceKind::Dispute {
                                td data-label=(texts.deadline) {
                                    @match deadlines.get(object_id) {
                                        Some(until) => span {
                                            (typeset.time(*until))
                                            @if *until < typeset.now { " " span.tag.bad { (texts.deadline_over) } }
                                        },
                                        None => (texts.deadline_unsaid),
                                    }
                                }
                            }
                        }
                    }
                }
            } }
        }
    }
}

fn ids(typeset: Typeset<'_>, dossier: &TransactionDetail) -> Markup {
    let words = typeset.words;
    let one = &dossier.transaction;
    html! {
        section.card {
            h2 { (words.transactions.references) }
            @if dossier.references.is_empty() {
                p.hint { (words.transactions.no_references) }
            }
            dl.facts {
                @for reference in dossier.references.iter().take(FEW) {
                    dt { (words.reference(reference.kind)) }
                    dd {
                        @match pages::page(one.provider, one.livemode, reference.kind, &reference.value) {
                            Some(page) => a href=(page) rel="noreferrer" { (id(&reference.value)) },
                            None => (id(&reference.value)),
                        }
                    }
                }
            }
        }
    }
}

/// The provider's newest object, folded.
fn latest_object(typeset: Typeset<'_>, dossier: &TransactionDetail) -> Markup {
    let texts = &typeset.words.transactions;
    let Some(log) = &dossier.latest else { return html! {} };
    let object = log.payload.as_deref().and_then(|text| object::of_event(log.provider, text));
    html! {
        section.card {
            h2 { (texts.object) }
            @match object {
                Some(object) => {
                    @let (text, cut) = set_out(object.get(), OBJECT);
                    details {
                        summary { (texts.object_of) " " bdi { (shortened(&log.event_type, 100)) } }
                        pre tabindex="0" { (text) @if cut { "…" } }
                    }
                    @if cut { p.hint { (texts.object_cut) } }
                },
                None => p.hint { (texts.no_object) },
            }
            p {
                a href=(format!("/events/{}/payload", log.id)) download { (texts.download) }
            }
        }
    }
}

fn close_form(typeset: Typeset<'_>, session: &Session, transaction: &Transaction) -> Markup {
    let texts = &typeset.words.transactions;
    let is_closed = transaction.closed_at.is_some();
    let what = if is_closed { "reopen" } else { "close" };
    html! {
        form.card method="post" action=(format!("/transactions/{}/{what}", transaction.id)) {
            (secret(session))
            h2 { @if is_closed { (texts.reopen) } @else { (texts.close) } }
            p.hint { @if is_closed { (texts.reopen_hint) } @else { (texts.close_hint) } }
            @if !is_closed && !transaction.state.held().is_empty() {
                p {
                    label {
                        input type="checkbox" name="even_if_paid" value="yes" required;
                        " " (texts.close_paid)
                    }
                }
            }
            button { @if is_closed { (texts.reopen) } @else { (texts.close) } }
        }
    }
}

/// The shop expects no money any more.
pub(super) async fn close(dashboard: &Dashboard, visit: &Visit) -> Result<Response, Failure> {
    let number = visit.number()?;
    let texts = &visit.words.transactions;
    let even_if_paid = visit.text("even_if_paid")?.is_some();
    let notice = match dashboard.write(CloseTransaction { id: number, even_if_paid }).await? {
        Closed::Done(_) => Notice::Done(texts.done_closed.to_owned()),
        Closed::IsPaid(_) => Notice::Failed(texts.is_paid.to_owned()),
        Closed::NoTransaction => return Err(Failure::NotFound),
    };
    Ok(told(dashboard, visit, number, notice))
}

/// It does after all.
pub(super) async fn reopen(dashboard: &Dashboard, visit: &Visit) -> Result<Response, Failure> {
    let number = visit.number()?;
    let reopened = dashboard.write(ReopenTransaction { id: number }).await?;
    reopened.ok_or(Failure::NotFound)?;
    let notice = Notice::Done(visit.words.transactions.done_reopened.to_owned());
    Ok(told(dashboard, visit, number, notice))
}

fn told(dashboard: &Dashboard, visit: &Visit, number: i64, notice: Notice) -> Response {
    dashboard.sessions.tell(&visit.session, notice);
    see(&format!("/transactions/{number}"))
}
