//! The dashboard: what the shop's people see in a browser.
//!
//! Pages are written here, on the server, and need no script; the little that there is keeps a page
//! as it is now. Whoever knows the API token logs in with it (`sessions`); `guard` keeps other
//! sites out. A page is one file: it reads, then writes HTML that maud escapes. What it says stands
//! in [`i18n`](crate::i18n), in every language.

mod assets;
mod attempts;
mod candidates;
mod charts;
mod deliveries;
mod event;
mod events;
mod format;
mod guard;
mod issues;
mod links;
mod login;
mod orphan;
mod orphans;
mod overview;
mod page;
mod pretty_json;
mod routes;
mod sessions;
mod timeline;
mod transaction;
mod transactions;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::Stream;
use maud::Markup;
use warp::http::{HeaderMap, Method, StatusCode, header};
use warp::path::FullPath;
use warp::reply::Response;
use warp::{Buf, Filter};

use self::attempts::Attempts;
use self::page::{Failure, Page, Tab, see};
use self::routes::{Action, Astray, Route};
use self::sessions::{Session, Sessions};
use super::Routes;
use super::api::problem::Problem;
use super::api::query::{Query, positive};
use super::body::Bodies;
use super::connections::{Peer, Slot};
use super::token::Token;
use crate::config::options::SinceOption;
use crate::domain::language::Language;
use crate::domain::time::Timestamp;
use crate::domain::zone::Zone;
use crate::i18n::Words;
use crate::providers::rules::Rules;
use crate::store::{Job, Reader, Readers, Store, StoreError};
use crate::telemetry::clock::Clock;
use crate::telemetry::line::Line;
use crate::throttle::Throttle;
use format::Typeset;

/// The largest form, in bytes.
const MAX_FORM: usize = 64 * 1024;
/// The header of a page that asks what it looks like now.
const LIVE: &str = "x-payhookd-live";

/// What the dashboard needs.
#[derive(Debug)]
pub struct Furnishing {
    /// Where everything is read.
    pub readers: Readers,
    /// Where what a person says is kept.
    pub store: Store,
    /// What time it is.
    pub clock: Clock,
    /// Whether the daemon is about real money.
    pub livemode: bool,
    /// How events are read.
    pub rules: Rules,
    /// What people log in with.
    pub token: Arc<Token>,
    /// Its language; `None`: the browser's.
    pub language: Option<Language>,
    /// The shop's time zone.
    pub zone: Zone,
    /// Names by which browsers may reach it, in lower case, beside IP addresses and `localhost`.
    pub hosts: Vec<String>,
}

/// The running dashboard.
#[derive(Debug)]
pub struct Dashboard {
    readers: Readers,
    store: Store,
    clock: Clock,
    livemode: bool,
    rules: Rules,
    token: Arc<Token>,
    language: Option<Language>,
    zone: Zone,
    hosts: Vec<String>,
    sessions: Sessions,
    /// Wrong attempts to log in.
    attempts: Attempts,
    /// Lines about them.
    guesses: Throttle,
    bodies: Bodies,
    /// Lines about what failed.
    trouble: Throttle,
}

/// A request of somebody who is logged in.
#[derive(Debug)]
struct Visit {
    session: Session,
    words: &'static Words,
    now: Timestamp,
    /// The page asks by itself what it looks like now.
    is_live: bool,
    /// The parts of the path that stand for something, in order.
    path: Vec<String>,
    /// What was said: a page's parameters or a form's fields.
    said: Query,
}

/// What the dashboard answers; passes over every path that is not one of its own.
pub(super) fn routes(dashboard: Arc<Dashboard>) -> Routes {
    let ours = warp::path::full().and_then(|path: FullPath| async move {
        if routes::is_ours(path.as_str()) { Ok(path) } else { Err(warp::reject()) }
    });
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    ours.and(warp::method())
        .and(query)
        .and(warp::header::headers_cloned())
        .and(warp::ext::get::<Peer>())
        .and(warp::ext::get::<Arc<Slot>>())
        .and(warp::body::stream())
        .then(
            move |path: FullPath,
                  method,
                  query: String,
                  headers,
                  peer: Peer,
                  slot: Arc<Slot>,
                  body| {
                let dashboard = Arc::clone(&dashboard);
                async move {
                    let words = dashboard.words(&headers);
                    let from = attempts::sender(peer.0, &headers);
                    let (path, query) = (path.as_str(), &*query);
                    let asked = Asked { method, path, query, headers: &headers, from };
                    let answered = dashboard.answer(words, asked, &slot, body).await;
                    let mut response =
                        answered.unwrap_or_else(|failure| failure.into_response(words));
                    guard::protect(&mut response);
                    response
                }
            },
        )
        .boxed()
}

/// A request without its body.
struct Asked<'a> {
    method: Method,
    path: &'a str,
    query: &'a str,
    headers: &'a HeaderMap,
    from: IpAddr,
}

impl Dashboard {
    /// Nobody is logged in yet.
    pub fn new(with: Furnishing) -> Arc<Self> {
        let Furnishing { readers, store, clock, livemode, rules, token, language, zone, hosts } =
            with;
        Arc::new(Self {
            readers,
            store,
            clock,
            livemode,
            rules,
            token,
            language,
            zone,
            hosts,
            sessions: Sessions::default(),
            attempts: Attempts::default(),
            guesses: Throttle::new(10, Duration::from_secs(6)),
            bodies: Bodies::new(MAX_FORM),
            trouble: Throttle::new(10, Duration::from_secs(1)),
        })
    }

    async fn answer(
        &self,
        words: &'static Words,
        asked: Asked<'_>,
        slot: &Slot,
        body: impl Stream<Item = Result<impl Buf, warp::Error>>,
    ) -> Result<Response, Failure> {
        let headers = asked.headers;
        if let Some(host) = guard::stranger(headers, &self.hosts) {
            return Err(Failure::Stranger(host.to_owned()));
        }
        let is_form = asked.method == Method::POST;
        if !is_form && let Some(asset) = assets::find(asked.path) {
            return Ok(asset);
        }
        let (route, path) =
            routes::find(&asked.method, asked.path).map_err(|astray| match astray {
                Astray::NotFound => Failure::NotFound,
                Astray::Method(allowed) => Failure::Method(allowed),
            })?;
        let said = if is_form {
            self.form(route, headers, body).await?
        } else {
            Query::parse(asked.query, route.names)?
        };
        slot.answering();
        match route.action {
            Action::LogIn => return login::form(words, &said),
            Action::BeginSession => return login::begin(self, words, &said, headers, asked.from),
            _ => {}
        }
        let is_live = headers.contains_key(LIVE);
        let session =
            guard::cookie(headers).and_then(|id| self.sessions.find(id, Instant::now(), !is_live));
        let Some(session) = session else { return Ok(to_log_in(&asked, is_form, is_live)) };
        if is_form && !is_of(&session, &said)? {
            return Err(Failure::Forged);
        }
        let visit = Visit { session, words, now: self.clock.now(), is_live, path, said };
        self.perform(route.action, &visit, headers).await
    }

    async fn perform(
        &self,
        action: Action,
        visit: &Visit,
        headers: &HeaderMap,
    ) -> Result<Response, Failure> {
        match action {
            Action::LogIn | Action::BeginSession => Err(Failure::NotFound),
            Action::EndSession => Ok(login::end(self, visit, headers)),
            Action::Overview => overview::show(self, visit).await,
            Action::ListIssues => issues::list(self, visit).await,
            Action::DismissIssue => issues::dismiss(self, visit).await,
            Action::ListOrphans => orphans::list(self, visit).await,
            Action::ShowOrphan => orphan::show(self, visit).await,
            Action::AttachOrphan => orphan::attach(self, visit).await,
            Action::DismissOrphan => orphan::dismiss(self, visit).await,
            Action::DisownOrphan => orphan::disown(self, visit).await,
            Action::ListTransactions => transactions::list(self, visit).await,
            Action::ShowTransaction => transaction::show(self, visit).await,
            Action::CloseTransaction => transaction::close(self, visit).await,
            Action::ReopenTransaction => transaction::reopen(self, visit).await,
            Action::ListEvents => events::list(self, visit).await,
            Action::ShowEvent => event::show(self, visit).await,
            Action::DownloadPayload => event::payload(self, visit).await,
            Action::PreviewReplay => event::preview(self, visit).await,
            Action::ReplayEvent => event::replay(self, visit).await,
            Action::ListDeliveries => deliveries::list(self, visit).await,
            Action::ShowDelivery => deliveries::show(self, visit).await,
            Action::RetryDelivery => deliveries::retry(self, visit).await,
            Action::CountDead => deliveries::ask(self, visit).await,
            Action::RetryDead => deliveries::retry_many(self, visit).await,
        }
    }

    /// Reads a form that stood on a page of ours.
    async fn form(
        &self,
        route: &Route,
        headers: &HeaderMap,
        body: impl Stream<Item = Result<impl Buf, warp::Error>>,
    ) -> Result<Query, Failure> {
        if !guard::is_of_ours(headers) {
            return Err(Failure::Forged);
        }
        let body = self.bodies.read(super::content_length(headers), body).await;
        let bytes = body.map_err(Problem::from)?.bytes;
        let text = String::from_utf8(bytes).map_err(|_| Problem::invalid("not UTF-8"))?;
        Ok(Query::parse(&text, route.names)?)
    }

    fn words(&self, headers: &HeaderMap) -> &'static Words {
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        match self.language {
            Some(language) => Words::of(language),
            None => Words::liked(accepted.unwrap_or("")),
        }
    }

    /// Reads, where it may block.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Failure> {
        self.readers.read(work).await.map_err(|error| self.failed(error))
    }

    /// Writes in the writer's next commit, whether or not whoever asked has gone.
    async fn write<J>(&self, job: J) -> Result<J::Done, Failure>
    where
        J: Job + Send + 'static,
        J::Done: Send,
    {
        let now = self.clock.now();
        self.store.run(job, now).await.map_err(|error| self.failed(error))
    }

    /// Says it in the log.
    fn failed(&self, error: StoreError) -> Failure {
        if let Some(left_out) = self.trouble.pass(Instant::now()) {
            let line = Line::error("dashboard request failed").with("left_out", left_out);
            line.with("err", &error).emit();
        }
        Failure::Store(error)
    }

    /// From when on: a day of the shop's, `2d`, or a time; `None` if nothing is said. The instant itself
    /// is not part of it.
    fn since(&self, visit: &Visit) -> Result<Option<Timestamp>, Failure> {
        let said = visit.text("since")?;
        let since = |text: &str| match self.midnight(text) {
            Some(midnight) => Ok(midnight.minus(Duration::from_millis(1))),
            None => text.parse::<SinceOption>().map(|since| since.at(visit.now)),
        };
        Ok(said.map(|text| since(&text)).transpose().map_err(|why| Problem::field("since", why))?)
    }

    /// Until the end of which day of the shop's.
    fn until(&self, visit: &Visit) -> Result<Option<Timestamp>, Failure> {
        let said = visit.text("until")?;
        let end = |text: &str| {
            let begins = self.midnight(text).ok_or("give a date such as 2026-11-23")?;
            // Days have between 23 and 25 hours.
            let next = begins.plus(Duration::from_secs(30 * 3_600));
            Ok::<_, &str>(self.zone.start_of_day(next, 0))
        };
        Ok(said.map(|text| end(&text)).transpose().map_err(|why| Problem::field("until", why))?)
    }

    fn midnight(&self, date: &str) -> Option<Timestamp> {
        (date.len() == "2026-11-23".len()).then(|| self.zone.midnight(date)).flatten()
    }

    fn typeset(&self, visit: &Visit) -> Typeset<'_> {
        Typeset { words: visit.words, zone: &self.zone, now: visit.now }
    }

    /// A page for whoever is logged in.
    fn page(&self, visit: &Visit, tab: Option<Tab>, title: &str, body: &Markup) -> Response {
        // Whoever looks is told, not a page that updates itself behind the notice.
        let notice = match visit.is_live {
            true => None,
            false => self.sessions.take_notice(&visit.session),
        };
        let page = Page {
            words: visit.words,
            session: &visit.session,
            livemode: self.livemode,
            zone: &self.zone.to_string(),
            tab,
            title,
            notice,
        };
        page::answer(StatusCode::OK, page.render(body))
    }
}

impl Visit {
    /// The number in the path; what is no number names nothing.
    fn number(&self) -> Result<i64, Failure> {
        self.path.first().and_then(|part| positive(part)).ok_or(Failure::NotFound)
    }

    /// The text of a field or parameter, without white space around it; `None` if there is none.
    fn text(&self, name: &str) -> Result<Option<String>, Failure> {
        let text = self.said.get(name, |text| Ok(text.trim().to_owned()))?;
        Ok(text.filter(|text| !text.is_empty()))
    }
}

/// To log in first, and come back where that is possible.
fn to_log_in(asked: &Asked<'_>, is_form: bool, is_live: bool) -> Response {
    if is_live {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        return response;
    }
    if is_form || asked.path == "/" {
        return see("/login");
    }
    let query = if asked.query.is_empty() { "" } else { "?" };
    let next: String = format!("{}{query}{}", asked.path, asked.query)
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'/' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect();
    see(&format!("/login?next={next}"))
}

/// Whether the form is one of this session's.
fn is_of(session: &Session, said: &Query) -> Result<bool, Failure> {
    let csrf = said.get(routes::CSRF, |text| Ok(text.to_owned()))?;
    Ok(csrf.is_some_and(|csrf| session.wrote(&csrf)))
}
