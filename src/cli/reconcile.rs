//! `payhookd reconcile`: what was missed, fetched from the providers, also while the daemon runs.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::table::Table;
use super::{CommandError, print_json, printed, rules, said};
use crate::clients::api::{Apis, Stop};
use crate::clock::Clock;
use crate::config::options::{ApiOptions, DatabaseOption, SinceOption, parse_instant, parse_mode};
use crate::config::{ApiConfig, Mode, Surroundings, variables};
use crate::domain::event::Provider;
use crate::domain::time::Timestamp;
use crate::reconcile::{KEPT_BY_PROVIDERS, Report, Run, Step, run};
use crate::store::{Cause, Database, Found, Reader};

/// `reconcile`
#[derive(Args, Debug)]
pub struct Reconcile {
    #[command(flatten)]
    database: DatabaseOption,
    /// Only this provider's events: stripe or paypal [default: of each whose API keys are set].
    #[arg(long)]
    provider: Option<Provider>,
    /// From when on events are looked for: 2026-11-23, 2026-11-23T11:52:03Z, or 72h ago. Both
    /// providers keep them for thirty days [default: where the last run ended].
    #[arg(long, value_name = "TIME")]
    since: Option<SinceOption>,
    /// Change nothing; say what would be applied.
    #[arg(long)]
    dry_run: bool,
    /// Print JSON lines.
    #[arg(long)]
    json: bool,
    /// Which money it is about: live or test [default: the daemon's, or what the keys say].
    #[arg(long, value_parser = parse_mode, env = "PAYHOOKD_MODE")]
    mode: Option<Mode>,
    #[command(flatten)]
    api: ApiOptions,
    /// For tests: a clock that stands still.
    #[arg(long, hide = true, value_parser = parse_instant)]
    unsafe_test_clock: Option<Timestamp>,
}

impl Reconcile {
    /// Does it.
    pub fn run(&self) -> Result<(), CommandError> {
        let path = self.database.path();
        let reader = Reader::open(&path)?;
        let of_daemon = reader.livemode()?;
        let of_daemon = of_daemon.map(|is_live| if is_live { Mode::Live } else { Mode::Test });
        let variables = variables();
        let around = Surroundings { variables: &variables, read: |path| std::fs::read(path) };
        let (config, mode) = ApiConfig::new(&self.api, self.mode.or(of_daemon), around)?;
        let rules = rules(&reader)?;
        drop(reader);
        let clock = self.unsafe_test_clock.map_or(Clock::SYSTEM, Clock::stopped_at);
        let apis = Apis::new(&config, &Stop::new(), clock);
        let mut database = Database::open(&path)?;
        let mut reports = Vec::new();
        for provider in self.providers(&apis)? {
            let to_do = Run {
                provider,
                cause: Cause::Command,
                since: self.since.map(|since| since.at(clock.now())),
                dry_run: self.dry_run,
                livemode: mode == Mode::Live,
                rules: &rules,
                clock,
            };
            self.warn_of_limit(&to_do)?;
            let mut progress = Progress::of(provider);
            let report = run(&mut database, &apis, &to_do, &mut |step| progress.moved(step))?;
            progress.end();
            reports.push((provider, report));
        }
        self.print(&reports)?;
        let failures = reports.iter().filter_map(|(provider, report)| {
            let error = report.ended.as_ref().err()?;
            Some(format!(
                "{}'s list was not read to its end, and what is listed here is {}: {error}",
                provider.name(),
                if self.dry_run { "what would be applied so far" } else { "kept" }
            ))
        });
        match failures.collect::<Vec<_>>() {
            failures if failures.is_empty() => Ok(()),
            failures => Err(said(failures.join("\n"))),
        }
    }

    fn providers(&self, apis: &Apis) -> Result<Vec<Provider>, CommandError> {
        if let Some(provider) = self.provider {
            apis.can_ask(provider).map_err(|error| said(error.to_string()))?;
            return Ok(vec![provider]);
        }
        let can_ask = |provider: &Provider| apis.can_ask(*provider).is_ok();
        let providers: Vec<_> = Provider::ALL.iter().copied().filter(can_ask).collect();
        if providers.is_empty() {
            return Err(said(
                "no provider can be asked what was missed: set STRIPE_SECRET_KEY, or \
                 PAYPAL_CLIENT_ID and PAYPAL_CLIENT_SECRET, as for the daemon",
            ));
        }
        Ok(providers)
    }

    fn warn_of_limit(&self, to_do: &Run<'_>) -> Result<(), CommandError> {
        let oldest = to_do.clock.now().minus(KEPT_BY_PROVIDERS);
        if to_do.since.is_none_or(|since| since >= oldest) {
            return Ok(());
        }
        let provider = to_do.provider.name();
        Ok(writeln!(
            io::stderr(),
            "{provider} keeps its events for thirty days, so they are looked for from {oldest} on"
        )?)
    }

    fn print(&self, reports: &[(Provider, Report)]) -> Result<(), CommandError> {
        if self.json {
            let of_days = |(provider, report): &(Provider, Report)| {
                let of_day = |(day, found): (&String, &Found)| shape(*provider, day, found);
                report.days.iter().map(of_day).collect::<Vec<_>>()
            };
            return print_json(reports.iter().flat_map(of_days));
        }
        let mut table = Table::new(&[
            "provider",
            "day",
            ">seen",
            ">known",
            ">new",
            ">applied",
            ">orphaned",
            ">ignored",
            ">failed",
        ]);
        for (provider, report) in reports {
            for (day, found) in &report.days {
                table.row(row(*provider, day, found));
            }
            if report.days.len() > 1 {
                table.row(row(*provider, "all", &report.total()));
            }
        }
        let since = reports.iter().map(|(_, report)| report.since).min();
        let since = since.map(|since| since.to_string()).unwrap_or_default();
        let nothing = format!("no events since {since}");
        let mut output = io::stdout().lock();
        printed(table.print(&mut output, &nothing))?;
        if self.dry_run {
            printed(writeln!(output, "nothing was changed"))?;
        }
        Ok(())
    }
}

fn shape(provider: Provider, day: &str, found: &Found) -> Value {
    json!({
        "provider": provider.as_str(),
        "day": day,
        "seen": found.seen,
        "known": found.known,
        "new": found.new_events(),
        "applied": found.applied,
        "orphaned": found.orphaned,
        "ignored": found.ignored,
        "failed": found.failed,
    })
}

fn row(provider: Provider, day: &str, found: &Found) -> Vec<String> {
    let mut row = vec![provider.to_string(), day.to_owned()];
    let numbers = [
        found.seen,
        found.known,
        found.new_events(),
        found.applied,
        found.orphaned,
        found.ignored,
        found.failed,
    ];
    row.extend(numbers.iter().map(i64::to_string));
    row
}

/// A bar on a terminal; nothing anywhere else.
struct Progress {
    provider: Provider,
    missed: u64,
    shown: bool,
    begun: bool,
}

impl Progress {
    fn of(provider: Provider) -> Self {
        Self { provider, missed: 0, shown: io::stderr().is_terminal(), begun: false }
    }

    fn moved(&mut self, step: &Step<'_>) {
        match step {
            Step::Missed { .. } => self.missed += 1,
            Step::Window { since, done, until } if self.shown => {
                self.begun = true;
                let filled = part(*since, *done, *until);
                let bar = "#".repeat(filled) + &".".repeat(CELLS - filled);
                let (provider, missed) = (self.provider.name(), self.missed);
                // Who can't see it misses nothing that is said again at the end.
                let _ = write!(io::stderr(), "\r{provider} [{bar}] {done} {missed} missed");
            }
            Step::Window { .. } => {}
        }
    }

    fn end(&self) {
        if self.begun {
            let _ = writeln!(io::stderr());
        }
    }
}

const CELLS: usize = 40;

/// How many cells of the bar are filled.
fn part(since: Timestamp, done: Timestamp, until: Timestamp) -> usize {
    let all = until.since(since).max(Duration::from_millis(1)).as_millis();
    let cells = done.since(since).as_millis() * CELLS as u128 / all;
    usize::try_from(cells).unwrap_or(CELLS).min(CELLS)
}
