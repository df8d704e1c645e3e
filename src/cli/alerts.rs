//! `payhookd alerts`: the targets through which people are notified of issues.

use clap::Subcommand;

use super::{CommandError, installation, said, say};
use crate::alerts::Target;
use crate::clients::message::Message;
use crate::config::AlertConfig;
use crate::config::options::AlertOptions;
use crate::telemetry::clock::Clock;

/// Commands about alerts.
#[derive(Debug, Subcommand)]
pub enum Alerts {
    /// Send one message to each target, and say what came of it.
    ///
    /// The targets are those of the settings that this command sees: give it the daemon's environment.
    #[command(
        after_help = "Examples:\n  payhookd alerts test --alert-url https://shop.example/alerts\n  \
        systemd-run --pipe -p EnvironmentFile=/etc/payhookd/payhookd.env payhookd alerts test"
    )]
    Test(AlertOptions),
}

impl Alerts {
    /// Does what was said.
    pub fn run(&self) -> Result<(), CommandError> {
        let Self::Test(options) = self;
        let config = AlertConfig::new(options, &installation::variables()?)?;
        if config.targets.is_empty() {
            return Err(said("no alert target: set PAYHOOKD_ALERT_URL or --alert-email"));
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
            say(format!("{}  {outcome}", target.name))?;
        }
        match failed {
            0 => Ok(()),
            failed => Err(said(format!("{failed} of {} were not reached", config.targets.len()))),
        }
    }
}
