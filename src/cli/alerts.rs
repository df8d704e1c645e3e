//! `payhookd alerts`: whoever tells people of issues.

use std::io::{self, Write};

use clap::{Args, Subcommand};

use super::{CommandError, printed, said};
use crate::alerts::Target;
use crate::clients::message::Message;
use crate::config::options::AlertOptions;
use crate::config::{self, AlertConfig, ProcessEnv};
use crate::telemetry::clock::Clock;

/// What can be done with alerts.
#[derive(Debug, Subcommand)]
pub enum Alerts {
    /// Send one message to each target, and say what came of it.
    ///
    /// The targets are those of the settings that this command sees: give it the daemon's environment.
    #[command(
        after_help = "Examples:\n  payhookd alerts test --alert-url https://shop.example/alerts\n  \
        systemd-run --pipe -p EnvironmentFile=/etc/payhookd/payhookd.env payhookd alerts test"
    )]
    Test(Test),
}

/// `alerts test`
#[derive(Args, Debug)]
pub struct Test {
    #[command(flatten)]
    alerts: AlertOptions,
}

/// Does it.
pub fn run(command: &Alerts) -> Result<(), CommandError> {
    match command {
        Alerts::Test(test) => test.run(),
    }
}

impl Test {
    fn run(&self) -> Result<(), CommandError> {
        let variables = config::variables();
        let around = ProcessEnv { variables: &variables, read: |path| std::fs::read(path) };
        let config = AlertConfig::new(&self.alerts, around)?;
        if config.targets.is_empty() {
            return Err(said(
                "nobody tells people of issues: set PAYHOOKD_ALERT_URL or --alert-email",
            ));
        }
        let mut failed = 0;
        for target in &config.targets {
            let reply = Target::from(target).send(&Message::test(), Clock::SYSTEM.now());
            let outcome = match (&reply.failure, reply.code) {
                (None, Ok(code)) => format!("sent ({code})"),
                (None, Err(_)) => "sent".to_owned(),
                (Some(failure), _) => format!("not sent: {failure}"),
            };
            failed += usize::from(reply.failure.is_some());
            printed(writeln!(io::stdout(), "{}  {outcome}", target.name))?;
        }
        match failed {
            0 => Ok(()),
            failed => Err(said(format!("{failed} of {} were not reached", config.targets.len()))),
        }
    }
}
