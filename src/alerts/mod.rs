//! Tells people of issues where they look, and each day of the day before: what is owed to each target
//! stands in the database, for issues since the commit that it tells of.
//!
//! One task for each target looks for what is due, puts all of it into one message, has it sent, and
//! keeps what came of it; whatever breaks off in between is sent again. No target waits for another.

pub mod compose;
pub mod links;
mod pace;
pub mod report;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use getrandom::SysRng;
use getrandom::rand_core::TryRng;
use tokio::sync::watch;

use self::links::Links;
use self::pace::Pace;
use self::report::{About, Report};
use crate::clients::Reply;
use crate::clients::alert::Hook;
use crate::clients::mail::Mail;
use crate::clients::message::Message;
use crate::config::{AlertTarget, AlertWay};
use crate::domain::delivery::{Next, NoAnswer, Schedule};
use crate::domain::issue::news;
use crate::domain::language::Language;
use crate::domain::records::{DueAlert, DueReport, Sent};
use crate::domain::time::Timestamp;
use crate::domain::zone::{TimeOfDay, Zone};
use crate::store::{
    Due, Job, OweReport, Reader, Readers, RecordAlerts, RecordReport, Store, StoreError,
};
use crate::telemetry::clock::Clock;
use crate::telemetry::line::Line;
use compose::Said;

/// Whoever is told.
#[derive(Debug)]
pub struct Target {
    /// What the log and the database call it: its form and a fingerprint, nothing secret.
    pub name: String,
    /// How it is reached.
    pub way: Way,
}

/// How a target is reached.
#[derive(Debug)]
pub enum Way {
    /// A URL.
    Hook(Hook),
    /// Mail.
    Mail(Mail),
}

impl Target {
    /// Sends a message. Blocks.
    pub fn send(&self, message: &Message, now: Timestamp) -> Reply {
        match &self.way {
            Way::Hook(hook) => hook.send(message, now),
            Way::Mail(mail) => mail.send(message),
        }
    }
}

impl From<&AlertTarget> for Target {
    fn from(config: &AlertTarget) -> Self {
        let way = match &config.way {
            AlertWay::Url(form, url) => Way::Hook(Hook::new(*form, url.clone())),
            AlertWay::Mail { from, to, via } => {
                Way::Mail(Mail::new(from.clone(), to.clone(), via.clone()))
            }
        };
        Self { name: config.name.clone(), way }
    }
}

/// What the task of a target needs.
#[derive(Debug)]
pub struct AlertWorker {
    /// Who is told.
    pub target: Arc<Target>,
    /// When attempts are made.
    pub schedule: Schedule,
    /// Where what is due is found.
    pub readers: Readers,
    /// Where what came of it is kept.
    pub store: Store,
    /// What time it is.
    pub clock: Clock,
    /// In which times are told.
    pub zone: Zone,
    /// In which people are spoken to.
    pub language: Language,
    /// Where the dashboard is for people, if that is known.
    pub dashboard_url: Option<String>,
    /// Live or test mode.
    pub livemode: bool,
    /// When the report of the day before is sent, if it is.
    pub daily_report: Option<TimeOfDay>,
    /// The day of which a report is owed already, as far as is known.
    pub owed: Option<String>,
    /// The database file, of which a report reads much.
    pub db: PathBuf,
    /// Turns true when the daemon stops.
    pub stop: watch::Receiver<bool>,
}

/// So many issues stand in one message at most.
const IN_ONE_MESSAGE: u32 = 20;
/// How long a message waits for others that belong into it.
const GATHER: Duration = Duration::from_millis(500);
/// The clock may be set meanwhile.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// After the database could not be used.
const PAUSE: Duration = Duration::from_secs(2);

impl AlertWorker {
    /// Until the daemon stops.
    pub async fn run(mut self) {
        let mut commits = self.store.commits().subscribe();
        let mut pace = Pace::default();
        while !*self.stop.borrow() {
            commits.mark_unchanged();
            let wait = match self.round(&mut pace).await {
                Ok(wait) => wait,
                Err(error) => {
                    Line::error("alerts wait").with("err", &error).emit();
                    PAUSE
                }
            };
            tokio::select! {
                _ = self.stop.changed() => return,
                () = tokio::time::sleep(wait) => {}
                // Something was committed; what else comes with it is waited for.
                Ok(()) = commits.changed() => tokio::time::sleep(GATHER).await,
            }
        }
    }

    /// One look at what is due; how long nothing more is to be done, unless something is committed.
    async fn round(&mut self, pace: &mut Pace) -> Result<Duration, StoreError> {
        let now = self.clock.now();
        match self.due_report(now).await {
            Ok(None) => {}
            Ok(Some(report)) => {
                self.send_report(&report).await;
                return Ok(Duration::ZERO);
            }
            // Whatever keeps it from being sent is no reason to tell nobody of issues.
            Err(error) => Line::error("the daily report waits").with("err", &error).emit(),
        }
        if let Some(wait) = pace.wait(Instant::now()) {
            return Ok(wait.min(LONGEST_WAIT));
        }
        let (due, next) = self.due::<DueAlert>(now, IN_ONE_MESSAGE).await?;
        if due.is_empty() {
            return Ok(next.map_or(LONGEST_WAIT, |next| next.since(now).min(LONGEST_WAIT)));
        }
        let (said, dropped): (Vec<_>, Vec<_>) = due.into_iter().partition(is_news);
        let mut outcomes: Vec<_> = dropped.iter().map(|one| (one.id, Sent::Dropped)).collect();
        if !said.is_empty() {
            let Some(tried) = self.tell(&said).await else { return Ok(Duration::ZERO) };
            if tried.iter().any(|(_, sent)| sent.is_taken()) {
                pace.sent(Instant::now());
            }
            outcomes.extend(tried);
        }
        self.keep(|| RecordAlerts { outcomes: outcomes.clone() }).await;
        Ok(Duration::ZERO)
    }

    fn links(&self) -> Links<'_> {
        Links { dashboard: self.dashboard_url.as_deref(), livemode: self.livemode }
    }

    /// A report that is to be sent now. That of the day before is owed once its time has come, however
    /// late; of several that were missed it is the newest.
    async fn due_report(&mut self, now: Timestamp) -> Result<Option<DueReport>, StoreError> {
        let Some(at) = self.daily_report else { return Ok(None) };
        if let Some(day) = self.zone.day_before(at, now).map(|day| day.date)
            && self.owed.as_ref() != Some(&day)
        {
            let job = OweReport { target: self.target.name.clone(), day: day.clone() };
            self.store.run(job, now).await?;
            self.owed = Some(day);
        }
        Ok(self.due::<DueReport>(now, 1).await?.0.pop())
    }

    /// What is due to the target, and when the next is.
    async fn due<T>(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<(Vec<T>, Option<Timestamp>), StoreError>
    where
        T: for<'w> Due<Whose<'w> = &'w str> + Send + 'static,
    {
        let target = Arc::clone(&self.target);
        self.readers.read(move |reader| reader.due::<T>(&target.name, now, limit)).await
    }

    /// Sends a report, as the day looks now. One that can't be made is tried again like one that was
    /// not taken.
    async fn send_report(&mut self, due: &DueReport) {
        let began = Instant::now();
        let reply = match self.report(&due.day).await {
            Ok(report) => self.send(Message::from(&report)).await,
            Err(error) => {
                Some(Reply::none(NoAnswer::Fault, format!("it could not be made: {error}")))
            }
        };
        let Some(reply) = reply else { return };
        let attempt = due.attempts.saturating_add(1);
        let next = self.schedule.next(reply.said, attempt, self.clock.now(), chance());
        note(
            "daily report",
            &self.target,
            ("day", &due.day),
            &reply,
            (attempt, next),
            began.elapsed(),
        );
        let (id, failure) = (due.id, reply.failure);
        self.keep(|| RecordReport { id, next, failure: failure.clone() }).await;
    }

    async fn report(&mut self, date: &str) -> Result<Report, StoreError> {
        let corrupt = || StoreError::Corrupt { what: "day", value: date.to_owned() };
        let day = self.zone.day(date).ok_or_else(corrupt)?;
        let (db, about) = (
            self.db.clone(),
            About {
                day,
                zone: self.zone.clone(),
                language: self.language,
                sent_at: self.daily_report,
            },
        );
        let read = move || Report::read(&Reader::open(&db)?, about);
        tokio::task::spawn_blocking(read).await.map_err(|_| StoreError::Fault)?
    }

    /// Sends a message; `None` if the daemon stops meanwhile: it stays due, and is sent after the next
    /// start.
    async fn send(&mut self, message: Message) -> Option<Reply> {
        let (target, clock) = (Arc::clone(&self.target), self.clock);
        let sending = tokio::task::spawn_blocking(move || target.send(&message, clock.now()));
        tokio::select! {
            reply = sending => Some(reply.unwrap_or_else(|_| {
                Reply::none(NoAnswer::Fault, "payhookd itself failed".to_owned())
            })),
            _ = self.stop.changed() => None,
        }
    }

    /// Sends one message about all of them; `None` if the daemon stops meanwhile.
    async fn tell(&mut self, alerts: &[DueAlert]) -> Option<Vec<(i64, Sent)>> {
        let said: Vec<Said> = alerts
            .iter()
            .filter_map(|one| {
                let news = news(one.issue.status(), one.issue.news, one.told)?;
                Some(Said { issue: one.issue.clone(), news })
            })
            .collect();
        let began = Instant::now();
        let reply =
            self.send(Message::about(&said, &self.zone, self.language, self.links())).await?;
        let (now, chance) = (self.clock.now(), chance());
        let next = |attempts: u32| self.schedule.next(reply.said, attempts, now, chance);
        let attempts = alerts.iter().map(|one| one.attempts.saturating_add(1));
        let first = attempts.clone().max().unwrap_or(1);
        let ids: Vec<String> = said.iter().map(|one| one.issue.id.to_string()).collect();
        let about = ("issues", &*ids.join(","));
        note("alert", &self.target, about, &reply, (first, next(first)), began.elapsed());
        let outcomes = alerts.iter().zip(attempts).map(|(one, attempts)| {
            let failure = reply.failure.clone();
            (one.id, Sent::Tried { news: one.issue.news, next: next(attempts), failure })
        });
        Some(outcomes.collect())
    }

    /// What was sent must be known before anything else is, else it would be sent again and again.
    async fn keep<J: Job<Done = ()> + Send + 'static>(&mut self, job: impl Fn() -> J) {
        loop {
            match self.store.run(job(), self.clock.now()).await {
                Ok(()) | Err(StoreError::Stopped) => return,
                Err(error) => Line::error("an alert is not kept").with("err", &error).emit(),
            }
            tokio::select! {
                _ = self.stop.changed() => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }
}

fn is_news(alert: &DueAlert) -> bool {
    news(alert.issue.status(), alert.issue.news, alert.told).is_some()
}

/// One line for each message.
fn note(
    what: &str,
    target: &Target,
    (about, which): (&'static str, &str),
    reply: &Reply,
    (attempt, next): (u32, Next),
    took: Duration,
) {
    let (line, outcome, next_at) = match next {
        Next::Delivered => (Line::info(what), "sent", None),
        Next::Again(at) => (Line::warn(what), "again", Some(at)),
        Next::Dead => (Line::error(what), "dead", None),
    };
    line.with("target", &target.name)
        .with(about, which)
        .with("outcome", outcome)
        .with_some("status", reply.code.ok())
        .with("attempt", attempt)
        .with_some("next_at", next_at)
        .with("dur_ms", took.as_millis())
        .with_some("err", reply.failure.as_deref())
        .emit();
}

/// Without randomness nothing is spread, which harms nobody else.
fn chance() -> u32 {
    SysRng.try_next_u32().unwrap_or(u32::MAX / 2)
}
