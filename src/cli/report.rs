//! `payhookd report`: a day, as the daily report has it.

use clap::Args;

use super::arguments::JsonOption;
use super::{CommandError, said, say};
use crate::alerts::report::{About, Report};
use crate::config::options::{DatabaseOption, parse_zone};
use crate::domain::language::Language;
use crate::domain::zone::Zone;
use crate::telemetry::clock::Clock;

/// `report`
#[derive(Args, Debug)]
pub struct Reporting {
    #[command(flatten)]
    database: DatabaseOption,
    /// The day, such as 2026-11-24 [default: yesterday].
    #[arg(long, value_name = "DATE")]
    day: Option<String>,
    /// The time zone in which it is a day, such as Europe/Paris [default: the system's].
    #[arg(long, value_name = "NAME", value_parser = parse_zone, env = "PAYHOOKD_TIME_ZONE")]
    time_zone: Option<Zone>,
    /// The language: en or fr.
    #[arg(long, default_value = "en", env = "PAYHOOKD_LANGUAGE")]
    language: Language,
    #[command(flatten)]
    output: JsonOption,
}

impl Reporting {
    /// Prints the day.
    pub fn run(&self) -> Result<(), CommandError> {
        let zone = self.time_zone.clone().unwrap_or_else(Zone::system);
        let now = Clock::SYSTEM.now();
        let yesterday = || zone.clock(zone.start_of_day(now, 1)).date().to_string();
        let date = self.day.clone().unwrap_or_else(yesterday);
        let day = zone.day(&date).ok_or_else(|| {
            said(format!("--day {date}: not a date: give one such as 2026-11-24"))
        })?;
        if day.begins > now {
            return Err(said(format!("--day {date}: has not begun in {zone}")));
        }
        let about = About { day, zone, language: self.language, sent_at: None };
        let report = Report::read(&self.database.reader()?, about)?;
        say(if self.output.json { report.json().to_string() } else { report.text() })
    }
}
