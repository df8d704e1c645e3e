//! `payhookd reconcile`: what was missed, fetched from the providers, also while the daemon runs.

use std::io::{self, Write};

use clap::Args;
use serde_json::json;

use super::api_access::{Access, AskOptions, ProviderOption};
use super::arguments::{DryRunOption, JsonOption};
use super::progress::Bar;
use super::table::{Shown, maybe};
use super::{CommandError, said, say};
use crate::config::options::{PublicUrlOption, SinceOption};
use crate::domain::provider::Provider;
use crate::domain::records::{Cause, Found};
use crate::domain::time::Timestamp;
use crate::reconcile::endpoints::{check, finding};
use crate::reconcile::{KEPT_BY_PROVIDERS, Report, Run, Step, run};
use crate::store::{Database, NoteFindings, Reader};

/// `reconcile`
#[derive(Args, Debug)]
pub struct Reconcile {
    #[command(flatten)]
    asking: AskOptions,
    #[command(flatten)]
    public_url: PublicUrlOption,
    #[command(flatten)]
    pub(super) provider: ProviderOption,
    /// From when on events are looked for: 2026-11-23, 2026-11-23T11:52:03Z, or 72h ago. Both
    /// providers keep them for thirty days [default: where the last run ended].
    #[arg(long, value_name = "TIME")]
    since: Option<SinceOption>,
    /// Not events, but one payment itself, as the provider has it now: a transaction's number,
    /// any id of the provider's, or the shop's order id.
    #[arg(long, value_name = "ID", conflicts_with = "since")]
    object: Option<String>,
    #[command(flatten)]
    pub(super) dry: DryRunOption,
    #[command(flatten)]
    pub(super) output: JsonOption,
}

impl Reconcile {
    /// Does it.
    pub fn run(&self) -> Result<(), CommandError> {
        let access = self.asking.open()?;
        let reader = Reader::open(&access.path)?;
        let mut database = Database::open(&access.path)?;
        if let Some(id) = &self.object {
            return self.object(id, &reader, &mut database, &access.asker());
        }
        let mut reports = Vec::new();
        for provider in self.provider.of(&access)? {
            let to_do = Run {
                provider,
                cause: Cause::Command,
                since: self.since.map(|since| since.at(access.clock.now())),
                dry_run: self.dry.dry_run,
                livemode: access.livemode,
                rules: &access.rules,
                clock: access.clock,
            };
            self.warn_of_limit(&to_do)?;
            let (mut missed, mut bar) = (0, Bar::new());
            let mut tell = |step: &Step<'_>| match step {
                Step::Missed { .. } => missed += 1,
                Step::Window { since, done, until } => {
                    let seconds = |until: &Timestamp| {
                        usize::try_from(until.since(*since).as_secs()).unwrap_or(usize::MAX)
                    };
                    let words = format!("{} until {done}: {missed} missed", provider.name());
                    bar.show(seconds(done), seconds(until), &words);
                }
            };
            let report = run((&reader, &mut database), &access.apis, &to_do, &mut tell)?;
            bar.end();
            reports.push((provider, report));
        }
        self.print(&reports)?;
        if !self.dry.dry_run {
            self.look_at_endpoints(&access, &reports, &mut database)?;
        }
        let failures = reports.iter().filter_map(|(provider, report)| {
            let error = report.ended.as_ref().err()?;
            Some(format!(
                "{}'s list was not read to its end, and what is listed here is {}: {error}",
                provider.name(),
                if self.dry.dry_run { "what would be applied so far" } else { "kept" }
            ))
        });
        match failures.collect::<Vec<_>>() {
            failures if failures.is_empty() => Ok(()),
            failures => Err(said(failures.join("\n"))),
        }
    }

    /// Opens and closes the issues of the providers' endpoints, as the daemon does.
    fn look_at_endpoints(
        &self,
        access: &Access,
        reports: &[(Provider, Report)],
        database: &mut Database,
    ) -> Result<(), CommandError> {
        let wanted = access.wanted_endpoint(&self.public_url)?;
        for (provider, _) in reports {
            match check(&access.apis, *provider, &wanted) {
                Ok(faults) => {
                    let findings = vec![finding(*provider, &faults)];
                    database.run(&NoteFindings { findings }, access.clock.now())?;
                }
                // The keys may not be allowed to see them.
                Err(error) => {
                    let name = provider.name();
                    writeln!(io::stderr(), "{name}'s webhook endpoints were not seen: {error}")?;
                }
            }
        }
        Ok(())
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
        let mut rows = Vec::new();
        for (provider, report) in reports {
            rows.extend(report.days.iter().map(|(day, found)| (*provider, day.clone(), *found)));
            if report.days.len() > 1 && !self.output.json {
                rows.push((*provider, "all".to_owned(), report.total()));
            }
        }
        let since = reports.iter().map(|(_, report)| report.since).min();
        let nothing = format!("no events since {}", maybe(since));
        DAYS.print(&rows, self.output.json, &nothing)?;
        if self.dry.dry_run && !self.output.json { say("nothing was changed") } else { Ok(()) }
    }
}

/// A provider's events of a day.
const DAYS: Shown<(Provider, String, Found)> = Shown {
    columns: &[
        ("provider", |(provider, ..)| provider.to_string()),
        ("day", |(_, day, _)| day.clone()),
        (">seen", |(.., found)| found.seen.to_string()),
        (">known", |(.., found)| found.known.to_string()),
        (">new", |(.., found)| found.new_events().to_string()),
        (">applied", |(.., found)| found.applied.to_string()),
        (">orphaned", |(.., found)| found.orphaned.to_string()),
        (">ignored", |(.., found)| found.ignored.to_string()),
        (">failed", |(.., found)| found.failed.to_string()),
    ],
    json: |(provider, day, found)| {
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
    },
};
