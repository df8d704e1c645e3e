//! The orphan inbox: payments that match nothing.

use maud::{Markup, html};
use warp::reply::Response;

use super::format::{Typeset, brief, shortened};
use super::page::{Failure, Tab, older};
use super::visit::{Dashboard, Visit};
use crate::domain::orphan::{OrphanAbout, OrphanKind};
use crate::domain::records::{Listed, Orphan, OrphanFilter, Page, WebhookLog};
use crate::providers::payer;
use crate::store::{Reader, StoreError};

/// Rows of a page.
const ROWS: u32 = 50;
/// The most characters of who paid.
const PAYER: usize = 40;
/// A payload that has more bytes is not looked through for who paid.
pub(super) const LOOKED_THROUGH: usize = 64 * 1024;

/// Which list is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum View {
    Open,
    Resolved,
    Kind(OrphanKind),
}

impl View {
    /// All of them, in the order in which they are offered.
    fn all() -> impl Iterator<Item = Self> {
        let kinds = OrphanKind::ALL.iter().map(|kind| Self::Kind(*kind));
        [Self::Open, Self::Resolved].into_iter().chain(kinds)
    }

    fn filter(self) -> OrphanFilter {
        match self {
            Self::Open => OrphanFilter::INBOX,
            Self::Resolved => OrphanFilter { resolved: Some(true), ..OrphanFilter::default() },
            Self::Kind(kind) => OrphanFilter { kind: Some(kind), ..OrphanFilter::INBOX },
        }
    }

    fn path(self) -> String {
        match self {
            Self::Open => "/orphans".to_owned(),
            Self::Resolved => "/orphans?resolved=true".to_owned(),
            Self::Kind(kind) => format!("/orphans?kind={kind}"),
        }
    }
}

/// The list.
pub(super) async fn list(dashboard: &Dashboard, visit: &Visit) -> Result<Response, Failure> {
    let said = &visit.said;
    let view =
        match (said.word("kind", OrphanKind::ALL, OrphanKind::parse)?, said.flag("resolved")?) {
            (Some(kind), _) => View::Kind(kind),
            (None, Some(true)) => View::Resolved,
            (None, _) => View::Open,
        };
    let page = Page { limit: ROWS, ..said.page()? };
    let read = dashboard.read(move |reader| {
        let listed = reader.list(&view.filter(), page)?;
        let payers = listed.rows.iter().map(|orphan| payer_in(reader, orphan));
        let payers = payers.collect::<Result<Vec<_>, _>>()?;
        Ok((listed, payers))
    });
    let (listed, payers) = read.await?;
    let typeset = dashboard.typeset(visit);
    let body = list_body(typeset, view, page, &listed, &payers);
    Ok(dashboard.page(visit, Some(Tab::Orphans), visit.words.orphans.title, &body))
}

/// Who paid, by its last event.
fn payer_in(reader: &Reader, orphan: &Orphan) -> Result<Option<String>, StoreError> {
    let last = reader.find::<WebhookLog>(&orphan.event_id)?;
    let last = last.into_iter().find(|log| log.provider == orphan.provider);
    let payload = last.and_then(|log| log.payload).filter(|it| it.len() <= LOOKED_THROUGH);
    Ok(payload.and_then(|payload| payer::payer(orphan.provider, &payload)))
}

fn list_body(
    typeset: Typeset<'_>,
    view: View,
    page: Page,
    listed: &Listed<Orphan>,
    payers: &[Option<String>],
) -> Markup {
    let words = typeset.words;
    let texts = &words.orphans;
    let is_known = payers.iter().any(Option::is_some);
    html! {
        h1 { (texts.title) }
        p.hint { (texts.intro) }
        ul.filters aria-label=(texts.filters) {
            @for one in View::all() {
                li {
                    a href=(one.path()) aria-current=[(one == view).then_some("true")] {
                        @match one {
                            View::Open => (texts.open),
                            View::Resolved => (texts.resolved),
                            View::Kind(kind) => (words.orphan_kind(kind)),
                        }
                    }
                }
            }
        }
        div #orphans data-live {
            @if listed.rows.is_empty() {
                (empty(typeset, view))
            } @else {
                div.card.sheet {
                    table {
                        thead {
                            tr {
                                th scope="col" { (texts.seen) }
                                th.num scope="col" { (texts.amount) }
                                th scope="col" { (texts.provider) }
                                @if is_known { th scope="col" { (texts.payer) } }
                                th scope="col" { (texts.why) }
                                th scope="col" { (texts.order) }
                                th scope="col" { (texts.reference) }
                            }
                        }
                        tbody {
                            @for (orphan, payer) in listed.rows.iter().zip(payers) {
                                (row(typeset, orphan, is_known.then_some(payer.as_deref())))
                            }
                        }
                    }
                }
            }
            (older(words, &view.path(), page.before, next(listed)))
        }
    }
}

fn next(listed: &Listed<Orphan>) -> Option<i64> {
    listed.rows.last().filter(|_| listed.more).map(|last| last.id)
}

fn empty(typeset: Typeset<'_>, view: View) -> Markup {
    let texts = &typeset.words.orphans;
    let (what, hint) = match view {
        View::Open => (texts.none_open, texts.none_open_hint),
        _ => (texts.none, texts.none_hint),
    };
    html! { div.card.empty { p { b { (what) } } p.hint { (hint) } } }
}

/// `payer` is `None` where no row tells of one.
fn row(typeset: Typeset<'_>, orphan: &Orphan, payer: Option<Option<&str>>) -> Markup {
    let words = typeset.words;
    let texts = &words.orphans;
    html! {
        tr id=(format!("orphan-{}", orphan.id)) {
            th scope="row" data-label=(texts.seen) {
                a href=(format!("/orphans/{}", orphan.id)) { (typeset.ago(orphan.first_seen_at)) }
            }
            td.num data-label=(texts.amount) { (amount(typeset, orphan)) }
            td data-label=(texts.provider) {
                (orphan.provider.name()) ", " (words.mode(orphan.livemode))
            }
            @if let Some(payer) = payer {
                td data-label=(texts.payer) {
                    @if let Some(payer) = payer { bdi { (shortened(payer, PAYER)) } }
                }
            }
            td data-label=(texts.why) {
                @if orphan.about != OrphanAbout::Payment {
                    span.tag { (words.orphan_about(orphan.about)) } " "
                }
                span.tag .warn[orphan.resolved_at.is_none()] { (words.orphan_kind(orphan.kind)) }
            }
            td data-label=(texts.order) {
                @if let Some(order) = &orphan.order_id { (brief(order)) }
            }
            td data-label=(texts.reference) { (brief(&orphan.reference)) }
        }
    }
}

/// What was paid, or asked for.
pub(super) fn amount(typeset: Typeset<'_>, orphan: &Orphan) -> String {
    match (orphan.amount, &orphan.currency) {
        (Some(minor), Some(currency)) => typeset.amount(orphan.provider, minor, currency),
        _ => typeset.words.orphans.no_amount.to_owned(),
    }
}
