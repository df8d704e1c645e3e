//! The transactions: found by whatever is known of one.

use maud::{Markup, html};
use warp::reply::Response;

use super::format::{Typeset, brief, with_commands};
use super::links::Filters;
use super::page::{Failure, Tab, older};
use super::visit::{Dashboard, Visit};
use crate::domain::provider::Provider;
use crate::domain::records::{Page, Searched, Transaction, TransactionFilter};
use crate::domain::transaction::{AmountCheck, DisputeStatus, Status};

/// Rows of a page.
const ROWS: u32 = 50;
/// What may be said of the list.
pub(super) const NAMES: &[&str] = &[
    "q",
    "status",
    "amount_check",
    "dispute_status",
    "provider",
    "livemode",
    "since",
    "until",
    "cursor",
];

/// The list.
pub(super) async fn list(dashboard: &Dashboard, visit: &Visit) -> Result<Response, Failure> {
    let said = &visit.said;
    let filters = Filters::of("/transactions", &NAMES[..NAMES.len() - 1], said)?;
    let filter = TransactionFilter {
        statuses: said.words("status", Status::ALL, Status::parse)?,
        provider: said.word("provider", Provider::ALL, Provider::parse)?,
        livemode: said.flag("livemode")?,
        created_after: dashboard.since(visit)?,
        created_before: dashboard.until(visit)?,
        amount_check: said.word("amount_check", AmountCheck::ALL, AmountCheck::parse)?,
        dispute_status: said.word("dispute_status", DisputeStatus::ALL, DisputeStatus::parse)?,
        ..TransactionFilter::default()
    };
    let page = Page { limit: ROWS, ..said.page()? };
    let text = filters.get("q").map(str::to_owned);
    let found = dashboard.read(move |reader| match text {
        Some(text) => reader.search(&(&*text, &filter), page),
        None => {
            let listed = reader.list(&filter, page)?;
            let next = listed.rows.last().filter(|_| listed.more).map(|last| last.id);
            Ok(Searched { rows: listed.rows, next, cut: false })
        }
    });
    let found = found.await?;
    let typeset = dashboard.typeset(visit);
    let body = list_body(typeset, &filters, page, &found);
    Ok(dashboard.page(visit, Some(Tab::Transactions), visit.words.transactions.title, &body))
}

fn list_body(typeset: Typeset<'_>, filters: &Filters, page: Page, found: &Searched) -> Markup {
    let words = typeset.words;
    let texts = &words.transactions;
    html! {
        h1 { (texts.title) }
        form.card role="search" method="get" action="/transactions" {
            (filters.fields_beside(&["q"]))
            label for="q" { (texts.search) }
            div.row {
                div {
                    input #q type="search" name="q" value=[filters.get("q")] autocomplete="off"
                        spellcheck="false" aria-describedby="q-hint";
                }
                button.main { (texts.search_button) }
            }
            p.hint #q-hint { (texts.search_hint) }
        }
        (choices(typeset, filters))
        div #transactions data-live {
            @if found.cut { p.notice role="status" { (texts.cut) } }
            @if found.rows.is_empty() {
                (empty(typeset, filters, found.next.is_some()))
            } @else {
                div.card.sheet { (table(typeset, &found.rows)) }
            }
            (older(words, &filters.path(), page.before, found.next))
        }
    }
}

fn choices(typeset: Typeset<'_>, filters: &Filters) -> Markup {
    let words = typeset.words;
    let texts = &words.transactions;
    let statuses: Vec<_> =
        Status::ALL.iter().map(|one| (one.as_str(), words.status(*one))).collect();
    let checks = [AmountCheck::Underpaid, AmountCheck::Overpaid, AmountCheck::WrongCurrency]
        .map(|one| (one.as_str(), words.amount_check(one)));
    let disputes = [
        DisputeStatus::Inquiry,
        DisputeStatus::Open,
        DisputeStatus::Won,
        DisputeStatus::Lost,
        DisputeStatus::Prevented,
    ]
    .map(|one| (one.as_str(), words.dispute(one)));
    let providers: Vec<_> = Provider::ALL.iter().map(|one| (one.as_str(), one.name())).collect();
    let modes = [("true", words.mode(true)), ("false", words.mode(false))];
    let more = ["amount_check", "dispute_status", "provider", "livemode", "since", "until"];
    html! {
        (filters.choice(texts.by_status, texts.any_status, "status", &statuses))
        details open[filters.has(&more)] {
            summary { (texts.more_filters) }
            (filters.choice(texts.by_amount, texts.any_amount, "amount_check", &checks))
            (filters.choice(texts.by_dispute, texts.any_dispute, "dispute_status", &disputes))
            (filters.choice(texts.by_provider, texts.any_provider, "provider", &providers))
            (filters.choice(texts.by_mode, texts.any_mode, "livemode", &modes))
            (filters.lately(texts.by_time, texts))
            (filters.days(words))
        }
    }
}

fn empty(typeset: Typeset<'_>, filters: &Filters, goes_on: bool) -> Markup {
    let texts = &typeset.words.transactions;
    let is_filtered = filters.has(NAMES);
    html! {
        div.card.empty {
            @if goes_on {
                p { b { (texts.none_so_far) } }
            } @else if is_filtered {
                p { b { (texts.none_found) } }
                p.hint { (texts.none_found_hint) }
                p { a href="/transactions" { (texts.all) } " · " a href="/orphans" { (texts.to_orphans) } }
            } @else {
                p { b { (texts.none) } }
                p.hint { (with_commands(texts.none_hint)) }
            }
        }
    }
}

/// Transactions as rows.
pub(super) fn table(typeset: Typeset<'_>, rows: &[Transaction]) -> Markup {
    let words = typeset.words;
    let texts = &words.transactions;
    html! {
        table {
            thead {
                tr {
                    th scope="col" { (texts.registered) }
                    th scope="col" { (texts.order) }
                    th.num scope="col" { (texts.amount) }
                    th scope="col" { (texts.status) }
                    th scope="col" { (texts.provider) }
                    th scope="col" { (texts.reference) }
                }
            }
            tbody {
                @for one in rows {
                    tr id=(format!("transaction-{}", one.id)) {
                        th scope="row" data-label=(texts.registered) {
                            a href=(format!("/transactions/{}", one.id)) {
                                (typeset.time(one.created_at))
                            }
                        }
                        td data-label=(texts.order) {
                            @if let Some(order) = one.own_id() { (brief(order)) }
                        }
                        td.num data-label=(texts.amount) { (amount(typeset, one)) }
                        td data-label=(texts.status) { (state(typeset, one)) }
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

/// What was received or, before that, is expected.
pub(super) fn amount(typeset: Typeset<'_>, transaction: &Transaction) -> String {
    let state = &transaction.state;
    let money = |minor, currency| typeset.money_in(transaction.provider, minor, currency);
    match (state.amount_received, transaction.expected.amount) {
        (0, Some(expected)) => money(expected, transaction.expected.currency),
        (0, None) => typeset.words.transactions.no_amount.to_owned(),
        (received, _) => money(received, state.currency),
    }
}

/// Status, and what a person should know beside it.
pub(super) fn state(typeset: Typeset<'_>, transaction: &Transaction) -> Markup {
    let words = typeset.words;
    let state = &transaction.state;
    html! {
        span {
            span class=(colour(state.status)) { (words.status(state.status)) }
            @if state.amount_check.is_wrong() {
                " " span.tag.bad { (words.amount_check(state.amount_check)) }
            }
            @if state.doubtful {
                " " span.tag.bad { (words.transactions.doubtful) }
            }
            @if transaction.after_end {
                " " span.tag.bad { (words.subscriptions.after_end) }
            }
            @if transaction.closed_at.is_some() {
                " " span.tag { (words.transactions.closed) }
            }
        }
    }
}

/// How a status looks.
pub(super) fn colour(status: Status) -> &'static str {
    match status {
        Status::Succeeded => "tag good",
        Status::Failed | Status::Disputed | Status::ChargedBack => "tag bad",
        Status::RequiresAction | Status::PartiallyRefunded | Status::Refunded => "tag warn",
        Status::Pending | Status::Processing | Status::Authorized | Status::Canceled => "tag",
    }
}
