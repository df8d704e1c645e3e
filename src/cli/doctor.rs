//! `payhookd doctor`: looks at everything that an installation needs, and says how to fix what is
//! wrong. A check is a function that gives findings; it reads, and changes nothing.

mod clock;
mod configuration;
mod database;
mod endpoints;
mod installation;
mod issues;
mod listeners;
mod log;
mod proxy;
mod transactions;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::table::visible;
use super::{CommandError, printed, say, wrong};
use crate::domain::records::Head;
use crate::store::StoreError;
use crate::telemetry::clock::Clock;
use installation::Patient;

/// `doctor`
#[derive(Args, Debug)]
pub struct Doctor {
    /// The file of `NAME=VALUE` lines that the daemon's settings stand in [default:
    /// /etc/payhookd/payhookd.env, if it can be read and nothing is set in the environment].
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// Where the providers send to, such as `https://shop.example`: an unsigned webhook is posted
    /// there, which the daemon must refuse.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Ask the providers' APIs too: for the time and, with the API keys that are set, for the webhook
    /// endpoints that they have.
    #[arg(long)]
    online: bool,
    /// Check the whole database, every row and reference, instead of its structure, and every
    /// transaction against what its events say: slow if it is large.
    #[arg(long)]
    full: bool,
    /// Check this alone: that no event in the log was changed, removed or added since it was written, and
    /// that each still says what it said. Lists what payhookd itself changed, by day, to be compared with
    /// what was done. Reads all of it.
    #[arg(long, conflicts_with_all = ["public_url", "online", "full"])]
    verify_log: bool,
    /// And that the log has grown from this head, as an earlier check or a line of the daemon's log
    /// (log_head=…) said it.
    #[arg(long, value_name = "HEAD", requires = "verify_log")]
    expect_head: Option<Head>,
    /// Print a JSON line for each finding.
    #[arg(long)]
    json: bool,
    /// The flags that the daemon is started with, if there are any.
    #[arg(last = true, value_name = "SETTINGS")]
    settings: Vec<OsString>,
}

string_enum! {
    /// How bad a finding is.
    Verdict {
        /// As it should be.
        Ok = "ok",
        /// Worth a look.
        Warn = "warn",
        /// Wrong: money or the news of it is at risk.
        Fail = "fail",
    }
}

/// The finding of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    /// The check, in a word.
    check: &'static str,
    verdict: Verdict,
    /// A sentence.
    what: String,
    /// The command or click that fixes it; `None` only if it is as it should be.
    remedy: Option<String>,
}

/// A check, in a word.
#[derive(Clone, Copy)]
struct Check(&'static str);

impl Check {
    fn ok(self, what: impl Into<String>) -> Finding {
        Finding { check: self.0, verdict: Verdict::Ok, what: what.into(), remedy: None }
    }

    fn warn(self, what: impl Into<String>, remedy: impl Into<String>) -> Finding {
        let remedy = Some(remedy.into());
        Finding { check: self.0, verdict: Verdict::Warn, what: what.into(), remedy }
    }

    fn fail(self, what: impl Into<String>, remedy: impl Into<String>) -> Finding {
        Finding { verdict: Verdict::Fail, ..self.warn(what, remedy) }
    }
}

impl Finding {
    fn to_json(&self) -> Value {
        json!({
            "check": self.check,
            "verdict": self.verdict.as_str(),
            "what": self.what,
            "remedy": self.remedy,
        })
    }
}

impl Doctor {
    /// Prints what is found; an error if something is wrong.
    pub fn run(&self) -> Result<(), CommandError> {
        let findings = self.findings()?;
        match self.json {
            true => findings.iter().try_for_each(|finding| say(finding.to_json()))?,
            false => printed(tell(&mut io::stdout().lock(), &findings))?,
        }
        wrong(findings.iter().filter(|finding| finding.verdict == Verdict::Fail).count())
    }

    /// Every check, in the order in which a person would look.
    fn findings(&self) -> Result<Vec<Finding>, CommandError> {
        let (patient, mut findings) = Patient::meet(self, Clock::SYSTEM.now())?;
        if self.verify_log {
            super::give_way();
            return match database::open(&patient) {
                Ok(reader) => log::check(&patient, &reader, self.expect_head),
                Err(finding) => Ok(vec![finding]),
            };
        }
        findings.extend(configuration::check(&patient));
        let (reader, of_database) = database::check(&patient, self.full);
        findings.extend(of_database);
        findings.extend(clock::check(&patient, reader.as_ref(), self.online));
        if let Some(reader) = &reader {
            findings.extend(database::check_certificates(&patient, reader));
        }
        findings.extend(listeners::check(&patient));
        if self.online {
            findings.extend(endpoints::check(&patient, self.public_url.as_deref()));
        }
        if let Some(url) = &self.public_url {
            findings.extend(proxy::check(&patient, url));
        }
        if let Some(reader) = &reader {
            if self.full {
                findings.extend(transactions::check(reader)?);
            }
            let unread = |error: StoreError| {
                findings.push(Check("events").fail(error.to_string(), "payhookd doctor --full"));
            };
            let sight = reader.sight().map_err(unread).ok();
            findings.extend(sight.iter().flat_map(|it| database::check_events(&patient, it)));
            findings.extend(log::check_continuation(&patient, reader));
            findings.extend(issues::check(&patient, reader)?);
            findings.extend(sight.into_iter().flat_map(issues::check_alerts));
        }
        Ok(findings)
    }
}

fn tell(output: &mut impl Write, findings: &[Finding]) -> io::Result<()> {
    let width = findings.iter().map(|finding| finding.check.len()).max().unwrap_or(0);
    for Finding { check, verdict, what, remedy } in findings {
        writeln!(output, "{verdict:<4}  {check:<width$}  {}", visible(what))?;
        if let Some(remedy) = remedy {
            writeln!(output, "{:>width$}  {}", "", visible(remedy), width = width + 6)?;
        }
    }
    Ok(())
}

/// A period as a person says it.
fn roughly(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ ..120 => format!("{seconds} s"),
        seconds @ ..7_200 => format!("{} min", seconds / 60),
        seconds @ ..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

/// Bytes as a person says them.
fn size(bytes: u64) -> String {
    match bytes {
        0..=9_999 => format!("{bytes} bytes"),
        10_000..=9_999_999 => format!("{} kB", bytes / 1_000),
        10_000_000..=9_999_999_999 => format!("{} MB", bytes / 1_000_000),
        10_000_000_000.. => format!("{} GB", bytes / 1_000_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_stands_above_what_mends_it() {
        let findings = [
            Check("disk").ok("12 GB free"),
            Check("listeners").fail("nobody\nlistens", "systemctl start payhookd"),
        ];
        let mut printed = Vec::new();
        tell(&mut printed, &findings).expect("written to memory");
        assert_eq!(
            String::from_utf8(printed).expect("text"),
            "ok    disk       12 GB free\n\
             fail  listeners  nobody\\u{a}listens\n                 systemctl start payhookd\n"
        );
    }

    #[test]
    fn times_and_sizes_are_said_in_the_unit_that_tells_most() {
        let said: Vec<String> = [90, 3_600, 86_400, 864_000]
            .map(|seconds| roughly(Duration::from_secs(seconds)))
            .into();
        assert_eq!(said, ["90 s", "60 min", "24 h", "10 days"]);
        let said: Vec<String> = [9_999, 123_456, 64 << 20, 1 << 40].map(size).into();
        assert_eq!(said, ["9999 bytes", "123 kB", "67 MB", "1099 GB"]);
    }
}
