//! One orphan: why it matches nothing, and what a person says of it.

use maud::{Markup, html};
use warp::reply::Response;

use super::candidates;
use super::format::{Typeset, id, shortened};
use super::orphans::{LOOKED_THROUGH, amount};
use super::page::{Failure, Tab, secret, see};
use super::sessions::{Notice, Session};
use super::visit::{Dashboard, Visit};
use crate::domain::language::sentence;
use crate::domain::orphan::OrphanKind;
use crate::domain::records::{
    By, Candidate, Decision, EventDetail, Orphan, Resolution, Settled, Transaction, WebhookLog,
};
use crate::providers::{pages, payer};
use crate::store::{Reader, ResolveOrphan, StoreError};

/// The most characters of a reason or a note.
const LONGEST: usize = 1_000;
/// The most characters of who paid.
const PAYER: usize = 200;
/// The most characters of what is searched for; ids that are longer are found by their beginning.
const LONGEST_SOUGHT: usize = 100;
/// The newest events that are looked through for who paid.
const EVENTS: usize = 10;

/// All that is known of one.
struct OrphanView {
    orphan: Orphan,
    /// Its events, without their payloads.
    events: Vec<WebhookLog>,
    /// What its last event said, and where that leads.
    story: Option<EventDetail>,
    /// Who paid, as far as its events tell.
    payer: Option<String>,
    /// What was searched for, to attach it to.
    sought: Option<String>,
    /// Transactions that it may belong to, or what was found; the likeliest first.
    candidates: Vec<Candidate>,
}

/// One orphan, and what can be said of it.
pub(super) async fn show(dashboard: &Dashboard, visit: &Visit) -> Result<Response, Failure> {
    let number = visit.number()?;
    let sought = visit.text("q")?.map(|text| shortened(&text, LONGEST_SOUGHT));
    let known = dashboard.read(move |reader| {
        let Some(orphan) = reader.get::<Orphan>(number)? else { return Ok(None) };
        let last = reader.find::<WebhookLog>(&orphan.event_id)?;
        let last = last.into_iter().find(|log| log.provider == orphan.provider);
        let story = last.map(|log| reader.detail(&log)).transpose()?;
        let events = reader.of::<WebhookLog>(number)?;
        let payer = payer_of(reader, &orphan, &events)?;
        let candidates = match is_attachable(&orphan) {
            true => reader.candidates(&orphan, sought.as_deref(), candidates::MOST)?,
            false => Vec::new(),
        };
        Ok(Some(OrphanView { orphan, events, story, payer, sought, candidates }))
    });
    let known = known.await?.ok_or(Failure::NotFound)?;
    let typeset = dashboard.typeset(visit);
    let title = (visit.words.orphans.one)(number);
    let body = show_body(typeset, &visit.session, &title, &known);
    Ok(dashboard.page(visit, Some(Tab::Orphans), &title, &body))
}

/// Who paid, by the newest of its events that tells.
fn payer_of(
    reader: &Reader,
    orphan: &Orphan,
    events: &[WebhookLog],
) -> Result<Option<String>, StoreError> {
    for event in events.iter().rev().take(EVENTS) {
        let payload = reader.get::<WebhookLog>(event.id)?.and_then(|log| log.payload);
        let payload = payload.filter(|payload| payload.len() <= LOOKED_THROUGH);
        if let Some(payer) = payload.and_then(|it| payer::payer(orphan.provider, &it)) {
            return Ok(Some(payer));
        }
    }
    Ok(None)
}

fn show_body(typeset: Typeset<'_>, session: &Session, title: &str, known: &OrphanView) -> Markup {
    let words = typeset.words;
    let texts = &words.orphans;
    let orphan = &known.orphan;
    html! {
        h1 { (title) (words.common.colon) (amount(typeset, orphan)) }
        div #state data-live {
            (resolution(typeset, orphan))
            section.card {
                dl.facts {
                    dt { (texts.provider) }
                    dd { (orphan.provider.name()) ", " (words.mode(orphan.livemode)) }
                    @if let Some(status) = orphan.status {
                        dt { (texts.status) }
                        dd { span.tag { (words.status(status)) } }
                    }
                    dt { (texts.seen) }
                    dd { (typeset.time(orphan.first_seen_at)) " · " (typeset.age(orphan.first_seen_at)) }
                    dt { (texts.last_seen) }
                    dd { (typeset.time(orphan.last_seen_at)) }
                    @if let Some(order) = &orphan.order_id {
                        dt { (texts.order) }
                        dd { (id(order)) }
                    }
                    @if let Some(payer) = &known.payer {
                        dt { (texts.payer) }
                        dd { bdi { (shortened(payer, PAYER)) } }
                    }
                    dt { (texts.reference) }
                    dd { (id(&orphan.reference)) }
                }
                @if let Some((name, page)) = elsewhere(known) {
                    p { a href=(page) rel="noreferrer" { ((words.common.opens_provider)(name)) } }
                }
            }
        }
        (why(typeset, known))
        @if is_attachable(orphan) {
            (candidates::section(typeset, session, orphan, known.sought.as_deref(), &known.candidates))
        }
        @if orphan.resolved_at.is_none() || orphan.transaction_id.is_none() {
            div.cards { (forms(typeset, session, orphan)) }
        }
        section.card {
            h2 { (texts.events) }
            ol {
                @for WebhookLog { id: number, event_id, event_type, .. } in &known.events {
                    li {
                        a href=(format!("/events/{number}")) { bdi { (shortened(event_type, 100)) } }
                        " " (id(event_id))
                    }
                }
            }
        }
    }
}

/// The provider's own page for the first of its ids that has one.
fn elsewhere(known: &OrphanView) -> Option<(&'static str, String)> {
    let orphan = &known.orphan;
    let references = known.story.iter().flat_map(|story| &story.references);
    let mut pages = references.filter_map(|reference| {
        pages::page(orphan.provider, orphan.livemode, reference.kind, &reference.value)
    });
    Some((orphan.provider.name(), pages.next()?))
}

fn resolution(typeset: Typeset<'_>, orphan: &Orphan) -> Markup {
    let texts = &typeset.words.orphans;
    let Some(at) = orphan.resolved_at else { return html! {} };
    html! {
        p.notice.good {
            @match (orphan.resolution, orphan.transaction_id) {
                (Some(Resolution::Matched), Some(transaction)) => ((texts.resolved_as_matched)(transaction)),
                _ if orphan.kind == OrphanKind::Foreign => (texts.resolved_as_foreign),
                _ => (texts.resolved_as_dismissed),
            }
            " " (texts.resolved_at) " " (typeset.time(at)) ", "
            @match orphan.resolved_by {
                Some(By::Person) => (texts.by_person),
                _ => (texts.by_itself),
            }
            "."
            @if let Some(note) = &orphan.note { " " (texts.note) (typeset.words.common.colon) bdi { (note) } }
        }
    }
}

fn why(typeset: Typeset<'_>, known: &OrphanView) -> Markup {
    let words = typeset.words;
    let leads = known.story.iter().flat_map(|story| &story.leads);
    html! {
        section.card {
            h2 { (words.orphans.why_title) }
            p { (sentence(words.orphan_meaning(known.orphan.kind))) }
            dl.facts {
                @for lead in leads {
                    dt { (words.reference(lead.reference.kind)) " " (id(&lead.reference.value)) }
                    dd { (words.lead(lead, known.orphan.livemode)) }
                }
            }
        }
    }
}

/// Whether it can still become part of a transaction: late money has its own.
fn is_attachable(orphan: &Orphan) -> bool {
    orphan.account.is_none()
        && orphan.kind != OrphanKind::LateMoney
        && (orphan.resolved_at.is_none() || orphan.transaction_id.is_none())
}

fn forms(typeset: Typeset<'_>, session: &Session, orphan: &Orphan) -> Markup {
    let texts = &typeset.words.orphans;
    let action = |what: &str| format!("/orphans/{}/{what}", orphan.id);
    html! {
        @if orphan.kind != OrphanKind::LateMoney {
            form.card method="post" action=(action("attach")) {
                (secret(session))
                h2 { (texts.attach) }
                p.hint { (texts.attach_hint) }
                label for="transaction" { (texts.attach_field) }
                input #transaction name="transaction" required autocomplete="off" spellcheck="false";
                label for="note" { (texts.note_field) }
                input #note name="note" maxlength=(LONGEST) autocomplete="off";
                button.main { (texts.attach_button) }
            }
        }
        @if orphan.resolved_at.is_none() {
            form.card method="post" action=(action("dismiss")) {
                (secret(session))
                h2 { (texts.dismiss) }
                p.hint { (texts.dismiss_hint) }
                label for="reason" { (texts.reason_field) }
                input #reason name="reason" required maxlength=(LONGEST) autocomplete="off";
                button { (texts.dismiss_button) }
            }
            @if orphan.kind != OrphanKind::LateMoney {
                form.card method="post" action=(action("foreign")) {
                    (secret(session))
                    h2 { (texts.disown) }
                    p.hint { (texts.disown_hint) }
                    label for="whose" { (texts.note_field) }
                    input #whose name="note" maxlength=(LONGEST) autocomplete="off";
                    button { (texts.disown_button) }
                }
            }
        }
    }
}

/// A person says that it belongs to a transaction.
pub(super) async fn attach(dashboard: &Dashboard, visit: &Visit) -> Result<Response, Failure> {
    let number = visit.number()?;
    let texts = &visit.words.orphans;
    let (wanted, note) = (visit.text("transaction")?, visit.text("note")?);
    let Some(wanted) = wanted else {
        return Ok(told(dashboard, visit, number, Notice::Failed(texts.say_which.to_owned())));
    };
    if note.as_ref().is_some_and(|note| note.chars().count() > LONGEST) {
        let notice = Notice::Failed((texts.too_long)(LONGEST));
        return Ok(told(dashboard, visit, number, notice));
    }
    let said = wanted.clone();
    let found = dashboard.read(move |reader| reader.find::<Transaction>(&said)).await?;
    let notice = match &*found {
        [] => Notice::Failed((texts.no_transaction)(&shortened(&wanted, 100))),
        [one] => {
            let to = one.id;
            let decision = Decision::Attach { transaction_id: to, note };
            let settled = dashboard.write(ResolveOrphan { id: number, decision }).await?;
            settled_notice(visit, &settled, || (texts.done_attached)(number, to))?
        }
        several => {
            let ids: Vec<_> = several.iter().map(|one| one.id.to_string()).collect();
            Notice::Failed((texts.several_transactions)(&ids.join(", ")))
        }
    };
    Ok(told(dashboard, visit, number, notice))
}

/// A person says that there is nothing to do about it.
pub(super) async fn dismiss(dashboard: &Dashboard, visit: &Visit) -> Result<Response, Failure> {
    let number = visit.number()?;
    let texts = &visit.words.orphans;
    let reason = visit.text("reason")?.filter(|reason| reason.chars().count() <= LONGEST);
    let Some(reason) = reason else {
        let notice = Notice::Failed((texts.say_why)(LONGEST));
        return Ok(told(dashboard, visit, number, notice));
    };
    let decision = Decision::Dismiss(reason);
    let settled = dashboard.write(ResolveOrphan { id: number, decision }).await?;
    let notice = settled_notice(visit, &settled, || (texts.done_dismissed)(number))?;
    Ok(told(dashboard, visit, number, notice))
}

/// A person says that it is another's who uses the same account.
pub(super) async fn mark_foreign(
    dashboard: &Dashboard,
    visit: &Visit,
) -> Result<Response, Failure> {
    let number = visit.number()?;
    let texts = &visit.words.orphans;
    let note = visit.text("note")?;
    if note.as_ref().is_some_and(|note| note.chars().count() > LONGEST) {
        let notice = Notice::Failed((texts.too_long)(LONGEST));
        return Ok(told(dashboard, visit, number, notice));
    }
    let decision = Decision::MarkForeign { note };
    let settled = dashboard.write(ResolveOrphan { id: number, decision }).await?;
    let notice = settled_notice(visit, &settled, || (texts.done_disowned)(number))?;
    Ok(told(dashboard, visit, number, notice))
}

fn settled_notice(
    visit: &Visit,
    settled: &Settled,
    done: impl FnOnce() -> String,
) -> Result<Notice, Failure> {
    let texts = &visit.words.orphans;
    Ok(match settled {
        Settled::Done(_) => Notice::Done(done()),
        Settled::NoOrphan => return Err(Failure::NotFound),
        Settled::NoTransaction => Notice::Failed(texts.say_which.to_owned()),
        Settled::Already(_) => Notice::Failed(texts.already.to_owned()),
        Settled::OfAnotherKind => Notice::Failed(texts.of_another_kind.to_owned()),
        Settled::HasTransaction => Notice::Failed(texts.has_transaction.to_owned()),
    })
}

/// Back to the orphan, where it is told what came of it.
fn told(dashboard: &Dashboard, visit: &Visit, number: i64, notice: Notice) -> Response {
    dashboard.sessions.tell(&visit.session, notice);
    see(&format!("/orphans/{number}"))
}
