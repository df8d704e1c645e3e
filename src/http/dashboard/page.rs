//! What stands around every page, and the pages that say what went wrong.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use warp::http::{HeaderValue, StatusCode, header};
use warp::reply::Response;

use super::assets::{ICON, SCRIPT, STYLE};
use super::sessions::{CSRF, Notice, Session};
use crate::http::api::problem::Problem;
use crate::http::typed;
use crate::i18n::Words;
use crate::store::StoreError;

/// The pages that the navigation leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tab {
    /// How things stand.
    Overview,
    /// Problems that a person should know of.
    Issues,
    /// Payments that match nothing.
    Orphans,
    /// What the shop expects, and what became of it.
    Transactions,
    /// Whose payments become transactions by themselves.
    Subscriptions,
    /// What the providers sent.
    Events,
    /// What the shop's app is told.
    Deliveries,
}

impl Tab {
    const ALL: &'static [Self] = &[
        Self::Overview,
        Self::Issues,
        Self::Orphans,
        Self::Transactions,
        Self::Subscriptions,
        Self::Events,
        Self::Deliveries,
    ];

    fn path(self) -> &'static str {
        match self {
            Self::Overview => "/",
            Self::Issues => "/issues",
            Self::Orphans => "/orphans",
            Self::Transactions => "/transactions",
            Self::Subscriptions => "/subscriptions",
            Self::Events => "/events",
            Self::Deliveries => "/deliveries",
        }
    }

    fn name(self, words: &Words) -> &'static str {
        match self {
            Self::Overview => words.common.overview,
            Self::Issues => words.issues.title,
            Self::Orphans => words.orphans.title,
            Self::Transactions => words.transactions.title,
            Self::Subscriptions => words.subscriptions.title,
            Self::Events => words.events.title,
            Self::Deliveries => words.deliveries.title,
        }
    }
}

/// A page for whoever is logged in.
#[derive(Debug)]
pub(super) struct Page<'a> {
    pub(super) words: &'static Words,
    pub(super) session: &'a Session,
    /// Real money.
    pub(super) livemode: bool,
    /// The name of the shop's time zone.
    pub(super) zone: &'a str,
    /// Where in the navigation it stands, if it does.
    pub(super) tab: Option<Tab>,
    pub(super) title: &'a str,
    /// What came of the form before.
    pub(super) notice: Option<Notice>,
}

impl Page<'_> {
    /// The whole page.
    pub(super) fn render(&self, body: &Markup) -> Markup {
        let common = &self.words.common;
        document(
            self.words,
            self.title,
            &html! {
                a.skip href="#main" { (common.skip) }
                header.side {
                    a.brand href="/" { (PreEscaped(MARK)) "payhookd" }
                    @if self.livemode {
                        span.mode { (common.live_mode) }
                    } @else {
                        span.mode.test title=(common.test_mode_hint) { (common.test_mode) }
                    }
                    nav aria-label=(common.navigation) {
                        @for tab in Tab::ALL {
                            a href=(tab.path()) aria-current=[(self.tab == Some(*tab)).then_some("page")] {
                                (tab.name(self.words))
                            }
                        }
                    }
                    form.out method="post" action="/logout" {
                        (secret(self.session))
                        button.quiet { (common.log_out) }
                    }
                    p.zone { ((common.zone)(self.zone)) }
                }
                main #main tabindex="-1" {
                    @match &self.notice {
                        Some(Notice::Done(text)) => p.notice.good role="status" { b { (common.done) ". " } (text) },
                        Some(Notice::Failed(text)) => p.notice.bad role="alert" { b { (common.failed) ". " } (text) },
                        None => {},
                    }
                    (body)
                }
            },
        )
    }
}

/// The field by which a form is known to be of this session.
pub(super) fn secret(session: &Session) -> Markup {
    html! { input type="hidden" name=(CSRF) value=(session.csrf()); }
}

/// Links to the newest rows of a list and to those after these. `path` is that of the list, with its
/// filters; `before` is said on every page but the first; `next` is the id of the last row if there
/// are more.
pub(super) fn older(words: &Words, path: &str, before: Option<i64>, next: Option<i64>) -> Markup {
    let join = if path.contains('?') { '&' } else { '?' };
    html! {
        @if before.is_some() || next.is_some() {
            nav.pages aria-label=(words.common.pagination) {
                @if before.is_some() { a href=(path) { (words.common.newest) } }
                @if let Some(next) = next {
                    a rel="next" href=(format!("{path}{join}cursor={next}")) { (words.common.older) }
                }
            }
        }
    }
}

/// An HTML document of ours.
pub(super) fn document(words: &Words, title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(words.common.tag) {
            head {
                meta charset="utf-8";
                title { (title) " · payhookd" }
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                link rel="icon" href=(ICON.path()) type="image/svg+xml";
                link rel="stylesheet" href=(STYLE.path());
                script defer src=(SCRIPT.path()) {}
            }
            body { (body) }
        }
    }
}

/// The answer that is this document.
pub(super) fn answer(status: StatusCode, document: Markup) -> Response {
    typed(status, "text/html; charset=utf-8", document.into_string())
}

/// The answer that leads to another page of ours, with GET.
pub(super) fn see(path: &str) -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::SEE_OTHER;
    // Paths of ours are ASCII.
    let location = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(header::LOCATION, location);
    response
}

/// Why something was not shown or not done.
#[derive(Debug)]
pub(super) enum Failure {
    /// There is no such page, or no such row.
    NotFound,
    /// There is, for this method.
    Method(&'static str),
    /// It is asked for under a name that is none of ours.
    Stranger(String),
    /// The form was not one of this session's.
    Forged,
    /// What was said is not understood; for whoever typed it, in English.
    Problem(Problem),
    /// The database did not do it.
    Store(StoreError),
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl Failure {
    /// What is said to the person.
    pub(super) fn into_response(self, words: &'static Words) -> Response {
        let entry = &words.entry;
        let (status, title, hint) = match self {
            Self::NotFound => {
                (StatusCode::NOT_FOUND, entry.not_found, entry.not_found_hint.to_owned())
            }
            Self::Method(allowed) => {
                let mut response = failed(
                    StatusCode::METHOD_NOT_ALLOWED,
                    words,
                    entry.wrong_method,
                    &html! { (entry.not_found_hint) },
                );
                let allow = HeaderValue::from_static(allowed);
                response.headers_mut().insert(header::ALLOW, allow);
                return response;
            }
            Self::Stranger(host) => (
                StatusCode::MISDIRECTED_REQUEST,
                entry.stranger,
                (entry.stranger_hint)(&super::format::shortened(&host, 200)),
            ),
            Self::Forged => (StatusCode::FORBIDDEN, entry.forged, entry.forged_hint.to_owned()),
            Self::Problem(problem) => {
                let hint = html! { bdi lang="en" { (problem.detail()) } };
                return failed(problem.status(), words, entry.invalid, &hint);
            }
            Self::Store(error) => match Problem::from(&error).status() {
                StatusCode::INTERNAL_SERVER_ERROR => {
                    (StatusCode::INTERNAL_SERVER_ERROR, entry.fault, entry.fault_hint.to_owned())
                }
                status => (status, entry.unavailable, entry.unavailable_hint.to_owned()),
            },
        };
        failed(status, words, title, &html! { bdi { (hint) } })
    }
}

fn failed(status: StatusCode, words: &Words, title: &str, hint: &Markup) -> Response {
    answer(
        status,
        document(
            words,
            title,
            &html! {
                main.alone #main {
                    p.code { (status.as_u16()) }
                    h1 { (title) }
                    p { (hint) }
                    p { a href="/" { (words.common.back) } }
                }
            },
        ),
    )
}

/// The mark beside the name: a hook that holds a coin.
const MARK: &str = "<svg class=\"mark\" viewBox=\"0 0 24 24\" aria-hidden=\"true\"><path \
    d=\"M16 3v10a5 5 0 0 1-10 0v-2\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"2.5\" \
    stroke-linecap=\"round\"/><circle cx=\"11\" cy=\"13\" r=\"2\" fill=\"currentColor\"/></svg>";
