//! What every page has at hand: the dashboard, and the visit of somebody who is logged in.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use maud::Markup;
use warp::http::{HeaderMap, StatusCode, header};
use warp::reply::Response;

use super::attempts::Attempts;
use super::format::Typeset;
use super::page::{Failure, Page, Tab, answer};
use super::sessions::{Session, Sessions};
use crate::config::options::SinceOption;
use crate::domain::language::Language;
use crate::domain::time::Timestamp;
use crate::domain::zone::Zone;
use crate::http::api::problem::Problem;
use crate::http::api::query::{Query, positive};
use crate::http::body::Bodies;
use crate::http::token::Token;
use crate::i18n::Words;
use crate::providers::rules::Rules;
use crate::store::{Job, Reader, Readers, Store, StoreError};
use crate::telemetry::clock::Clock;
use crate::telemetry::line::Line;
use crate::telemetry::throttle::Throttle;

/// The largest form, in bytes.
const MAX_FORM: usize = 64 * 1024;
/// What the dashboard needs.
#[derive(Debug)]
pub struct DashboardDeps {
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
    pub(super) readers: Readers,
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) livemode: bool,
    pub(super) rules: Rules,
    pub(super) token: Arc<Token>,
    pub(super) language: Option<Language>,
    pub(super) zone: Zone,
    pub(super) hosts: Vec<String>,
    pub(super) sessions: Sessions,
    /// Wrong attempts to log in.
    pub(super) attempts: Attempts,
    /// Lines about them.
    pub(super) guesses: Throttle,
    pub(super) bodies: Bodies,
    /// Lines about what failed.
    pub(super) trouble: Throttle,
}

/// A request of somebody who is logged in.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) session: Session,
    pub(super) words: &'static Words,
    pub(super) now: Timestamp,
    /// The page asks by itself what it looks like now.
    pub(super) is_live: bool,
    /// The parts of the path that stand for something, in order.
    pub(super) path: Vec<String>,
    /// What was said: a page's parameters or a form's fields.
    pub(super) said: Query,
    /// What came with it.
    pub(super) headers: HeaderMap,
}

impl Dashboard {
    /// Nobody is logged in yet.
    pub fn new(with: DashboardDeps) -> Arc<Self> {
        let DashboardDeps { readers, store, clock, livemode, rules, token, language, zone, hosts } =
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

    pub(super) fn words(&self, headers: &HeaderMap) -> &'static Words {
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        match self.language {
            Some(language) => Words::of(language),
            None => Words::liked(accepted.unwrap_or("")),
        }
    }

    /// Reads, where it may block.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Failure> {
        self.readers.read(work).await.map_err(|error| self.failed(error))
    }

    /// Writes in the writer's next commit, whether or not whoever asked has gone.
    pub(super) async fn write<J>(&self, job: J) -> Result<J::Done, Failure>
    where
        J: Job + Send + 'static,
        J::Done: Send,
    {
        let now = self.clock.now();
        self.store.run(job, now).await.map_err(|error| self.failed(error))
    }

    /// Says it in the log.
    pub(super) fn failed(&self, error: StoreError) -> Failure {
        if let Some(left_out) = self.trouble.pass(Instant::now()) {
            let line = Line::error("dashboard request failed").with("left_out", left_out);
            line.with("err", &error).emit();
        }
        Failure::Store(error)
    }

    /// From when on: a day of the shop's, `2d`, or a time; `None` if nothing is said. The instant itself
    /// is not part of it.
    pub(super) fn since(&self, visit: &Visit) -> Result<Option<Timestamp>, Failure> {
        let said = visit.text("since")?;
        let since = |text: &str| match self.midnight(text) {
            Some(midnight) => Ok(midnight.minus(Duration::from_millis(1))),
            None => text.parse::<SinceOption>().map(|since| since.at(visit.now)),
        };
        Ok(said.map(|text| since(&text)).transpose().map_err(|why| Problem::field("since", why))?)
    }

    /// Until the end of which day of the shop's.
    pub(super) fn until(&self, visit: &Visit) -> Result<Option<Timestamp>, Failure> {
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

    pub(super) fn typeset(&self, visit: &Visit) -> Typeset<'_> {
        Typeset { words: visit.words, zone: &self.zone, now: visit.now }
    }

    /// A page for whoever is logged in.
    pub(super) fn page(
        &self,
        visit: &Visit,
        tab: Option<Tab>,
        title: &str,
        body: &Markup,
    ) -> Response {
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
        answer(StatusCode::OK, page.render(body))
    }
}

impl Visit {
    /// The number in the path; what is no number names nothing.
    pub(super) fn number(&self) -> Result<i64, Failure> {
        self.path.first().and_then(|part| positive(part)).ok_or(Failure::NotFound)
    }

    /// The text of a field or parameter, without white space around it; `None` if there is none.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Failure> {
        let text = self.said.get(name, |text| Ok(text.trim().to_owned()))?;
        Ok(text.filter(|text| !text.is_empty()))
    }
}

/// A request of anybody.
#[derive(Debug)]
pub(super) struct Guest<'a> {
    pub(super) words: &'static Words,
    pub(super) said: Query,
    pub(super) headers: &'a HeaderMap,
    pub(super) from: IpAddr,
}
