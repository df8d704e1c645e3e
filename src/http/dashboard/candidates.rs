//! The transactions that an orphan may belong to, each a click away from being the one.

use maud::{Markup, html};

use super::format::{Typeset, brief};
use super::page::secret;
use super::sessions::Session;
use super::transactions::{amount, state};
use crate::domain::records::{Candidate, Orphan};

/// The most that are offered.
pub(super) const MOST: u32 = 8;

/// What to choose from: those that something speaks for, or what was searched for.
pub(super) fn section(
    typeset: Typeset<'_>,
    session: &Session,
    orphan: &Orphan,
    sought: Option<&str>,
    candidates: &[Candidate],
) -> Markup {
    let words = typeset.words;
    let (texts, common) = (&words.orphans, &words.transactions);
    let page = format!("/orphans/{}", orphan.id);
    html! {
        section.card #candidates {
            h2 { (texts.candidates) }
            form role="search" method="get" action=(page) {
                label for="q" { (texts.search) }
                div.row {
                    div {
                        input #q type="search" name="q" value=[sought] autocomplete="off"
                            spellcheck="false" aria-describedby="q-hint";
                    }
                    button { (common.search_button) }
                }
                p.hint #q-hint { (common.search_hint) }
            }
            @match (sought, candidates) {
                (Some(sought), []) => p {
                    ((texts.none_sought)(sought)) " " a href=(page) { (texts.offer_likely) }
                },
                (Some(_), _) => p { a href=(page) { (texts.offer_likely) } },
                (None, []) => p.hint { (texts.no_candidates) },
                (None, _) => p.hint { (texts.candidates_hint) },
            }
            @if !candidates.is_empty() { div.sheet {
                table {
                    thead {
                        tr {
                            th scope="col" { (common.registered) }
                            th scope="col" { (common.order) }
                            th.num scope="col" { (common.amount) }
                            th scope="col" { (common.status) }
                            th scope="col" { (texts.speaks_for_it) }
                            th scope="col" { span.sr { (texts.attach_button) } }
                        }
                    }
                    tbody {
                        @for one in candidates { (row(typeset, session, orphan, one)) }
                    }
                }
            } }
        }
    }
}

fn row(typeset: Typeset<'_>, session: &Session, orphan: &Orphan, candidate: &Candidate) -> Markup {
    let words = typeset.words;
    let (texts, common) = (&words.orphans, &words.transactions);
    let transaction = &candidate.transaction;
    html! {
        tr {
            th scope="row" data-label=(common.registered) {
                a href=(format!("/transactions/{}", transaction.id)) {
                    (typeset.time(transaction.created_at))
                }
            }
            td data-label=(common.order) {
                @if let Some(order) = &transaction.order_id { (brief(order)) }
            }
            td.num data-label=(common.amount) { (amount(typeset, transaction)) }
            td data-label=(common.status) { (state(typeset, transaction)) }
            td data-label=(texts.speaks_for_it) {
                span {
                    @if candidate.same_order { span.tag.good { (texts.same_order) } " " }
                    @if candidate.same_amount { span.tag.good { (texts.same_amount) } " " }
                    ((texts.apart)(candidate.apart))
                }
            }
            td {
                form method="post" action=(format!("/orphans/{}/attach", orphan.id)) {
                    (secret(session))
                    input type="hidden" name="transaction" value=(transaction.id);
                    button { (texts.attach_button) span.sr { (typeset.words.common.colon) ((common.one)(transaction.id)) } }
                }
            }
        }
    }
}
