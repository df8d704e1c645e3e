//! Problems that a person should know of: those that are open, dismissed and closed.

use maud::{Markup, html};
use warp::reply::Response;

use super::format::{Typeset, fitting, with_commands};
use super::links::{Filters, is_page};
use super::page::{Failure, Tab, older, secret, see};
use super::sessions::{Notice, Session};
use super::visit::{Dashboard, Visit};
use crate::domain::issue::{IssueKind, IssueStatus, Severity, Texts};
use crate::domain::records::{Dismissed, Issue, IssuesByWeight, Listed, Page};
use crate::i18n::issues::Audience;
use crate::store::DismissIssue;

/// Rows of a page.
const ROWS: u32 = 20;
/// Bytes of HTML that an issue's title takes, what else is known, and what mends it.
const TITLE: usize = 320;
const DETAIL: usize = 400;
const REMEDY: usize = 400;
/// What may be said of the list.
pub(super) const NAMES: &[&str] = &["status", "kind", "cursor"];

/// The list.
pub(super) async fn list(dashboard: &Dashboard, visit: &Visit) -> Result<Response, Failure> {
    let said = &visit.said;
    let filters = Filters::of("/issues", &NAMES[..NAMES.len() - 1], said)?;
    let status = said.word("status", IssueStatus::ALL, IssueStatus::parse)?;
    let status = status.unwrap_or(IssueStatus::Open);
    let kind = said.word("kind", IssueKind::ALL, IssueKind::parse)?;
    let page = Page { limit: ROWS, ..said.page()? };
    let read = dashboard.read(move |reader| reader.list(&IssuesByWeight { status, kind }, page));
    let listed = read.await?;
    let typeset = dashboard.typeset(visit);
    let shown = Shown { typeset, session: &visit.session, filters, status, page };
    let title = visit.words.issues.title;
    Ok(dashboard.page(visit, Some(Tab::Issues), title, &shown.body(&listed)))
}

/// A person knows of an issue: no more is told of it until it is worse or happens again.
pub(super) async fn dismiss(dashboard: &Dashboard, visit: &Visit) -> Result<Response, Failure> {
    let number = visit.number()?;
    let texts = &visit.words.issues;
    let next = visit.text("next")?.filter(|path| is_page(path));
    let notice = match dashboard.write(DismissIssue { id: number }).await? {
        Dismissed::Done => Notice::Done(texts.dismissed.to_owned()),
        Dismissed::Closed => Notice::Failed(texts.is_closed.to_owned()),
        Dismissed::Unknown => return Err(Failure::NotFound),
    };
    dashboard.sessions.tell(&visit.session, notice);
    Ok(see(next.as_deref().unwrap_or("/")))
}

/// Which part of the list is looked at.
struct Shown<'a> {
    typeset: Typeset<'a>,
    session: &'a Session,
    filters: Filters,
    status: IssueStatus,
    page: Page,
}

impl Shown<'_> {
    fn body(&self, listed: &Listed<Issue>) -> Markup {
        let words = self.typeset.words;
        let next = listed.rows.last().filter(|_| listed.more).map(|last| last.id);
        html! {
            h1 { (words.issues.title) }
            p.hint { (words.issues.intro) }
            (self.choices())
            div #issues data-live {
                @if listed.rows.is_empty() {
                    (self.empty())
                } @else {
                    section.card {
                        ul.issues { @for issue in &listed.rows { (self.one(issue)) } }
                    }
                }
                (older(words, &self.filters.path(), self.page.before, next))
            }
        }
    }

    fn choices(&self) -> Markup {
        let words = self.typeset.words;
        let texts = &words.issues;
        let kinds: Vec<_> =
            IssueKind::ALL.iter().map(|one| (one.as_str(), words.issue_kind(*one))).collect();
        html! {
            ul.filters aria-label=(texts.by_status) {
                @for one in IssueStatus::ALL.iter().copied() {
                    @let said = (one != IssueStatus::Open).then_some(one.as_str());
                    li {
                        a href=(self.filters.with("status", said)) aria-current=[(one == self.status).then_some("true")] {
                            (words.issue_status(one))
                        }
                    }
                }
            }
            details open[self.filters.has(&["kind"])] {
                summary { (texts.by_kind) }
                (self.filters.choice(texts.by_kind, texts.any_kind, "kind", &kinds))
            }
        }
    }

    fn empty(&self) -> Markup {
        let texts = &self.typeset.words.issues;
        let (what, hint) = match self.status {
            IssueStatus::Open => (texts.none_open, texts.none_open_hint),
            IssueStatus::Dismissed => (texts.none_dismissed, texts.none_dismissed_hint),
            IssueStatus::Closed => (texts.none_closed, texts.none_closed_hint),
        };
        html! {
            div.card.empty {
                @if self.filters.has(&["kind"]) {
                    p { b { (texts.none_of_kind) } }
                    p { a href=(self.filters.with("kind", None)) { (texts.any_kind) } }
                } @else {
                    p { b { (what) } }
                    p.hint { (hint) }
                }
            }
        }
    }

    fn one(&self, issue: &Issue) -> Markup {
        let typeset = self.typeset;
        let texts = &typeset.words.issues;
        let said = Said::of(typeset, issue);
        html! {
            li id=(format!("issue-{}", issue.id)) {
                div {
                    (headline(typeset, issue, &said))
                    p.hint {
                        span.tag { (typeset.words.issue_kind(issue.kind)) } " "
                        (texts.since) " " (typeset.time(issue.opened_at))
                        @if issue.count > 1 {
                            " · " ((texts.times)(&typeset.number(issue.count))) ", "
                            (texts.last_seen) " " (typeset.ago(issue.last_seen_at))
                        }
                        @if let Some(at) = issue.closed_at {
                            " · " (texts.closed_at) " " (typeset.time(at))
                        } @else if let Some(at) = issue.dismissed_at {
                            " · " (texts.dismissed_at) " " (typeset.time(at))
                        }
                    }
                    @if !said.texts.detail.is_empty() {
                        p { bdi lang=[said.lang] { (with_commands(&fitting(&said.texts.detail, DETAIL))) } }
                    }
                    @if issue.closed_at.is_none() && !said.texts.remedy.is_empty() {
                        p {
                            span.hint { (texts.remedy) (typeset.words.common.colon) }
                            (remedy(&said))
                        }
                    }
                }
                @if issue.status() == IssueStatus::Open {
                    (dismissal(typeset, self.session, issue, Some(&self.filters.path())))
                }
            }
        }
    }
}

/// An issue where there are other things beside it: what it is, since when, and what mends it.
pub(super) fn in_brief(typeset: Typeset<'_>, session: &Session, issue: &Issue) -> Markup {
    let said = Said::of(typeset, issue);
    html! {
        li id=(format!("issue-{}", issue.id)) {
            div {
                (headline(typeset, issue, &said))
                p.hint {
                    (typeset.ago(issue.opened_at))
                    @if !said.texts.remedy.is_empty() { " · " (remedy(&said)) }
                }
            }
            (dismissal(typeset, session, issue, None))
        }
    }
}

/// What is said of an issue.
struct Said {
    texts: Texts,
    /// The language of the texts, where it is not the page's.
    lang: Option<&'static str>,
}

impl Said {
    fn of(typeset: Typeset<'_>, issue: &Issue) -> Self {
        let wanted = typeset.words.language;
        let (texts, language) = issue.texts(Audience { language: wanted, zone: typeset.zone });
        Self { texts, lang: (language != wanted).then_some(language.as_str()) }
    }
}

/// How bad it is, and what; it leads to what it is about.
fn headline(typeset: Typeset<'_>, issue: &Issue, said: &Said) -> Markup {
    let title = fitting(&said.texts.title, TITLE);
    html! {
        span.tag .bad[issue.severity == Severity::Critical] .warn[issue.severity == Severity::Warning] {
            (typeset.words.severity(issue.severity))
        }
        " "
        b id=(title_id(issue)) {
            @match issue.kind.page(&issue.subject) {
                Some(path) => a href=(path) { bdi lang=[said.lang] { (title) } },
                None => bdi lang=[said.lang] { (title) },
            }
        }
    }
}

fn title_id(issue: &Issue) -> String {
    format!("title-{}", issue.id)
}

fn remedy(said: &Said) -> Markup {
    html! { bdi lang=[said.lang] { (with_commands(&fitting(&said.texts.remedy, REMEDY))) } }
}

/// The form by which a person says that they know; `next` is the page that it leads to.
fn dismissal(typeset: Typeset<'_>, session: &Session, issue: &Issue, next: Option<&str>) -> Markup {
    html! {
        form method="post" action=(format!("/issues/{}/dismiss", issue.id)) {
            (secret(session))
            @if let Some(next) = next { input type="hidden" name="next" value=(next); }
            button.small aria-describedby=(title_id(issue)) { (typeset.words.issues.dismiss) }
        }
    }
}
