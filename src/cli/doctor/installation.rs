//! The installation that is looked at: its settings, from wherever the daemon has them.

use std::path::PathBuf;

use super::{Check, Doctor, Finding};
use crate::cli::CommandError;
use crate::cli::installation::Installation;
use crate::config::options::ServeOptions;
use crate::config::{self, Config, ConfigError, Variables, database_path};
use crate::domain::time::Timestamp;

/// The installation that is looked at.
#[derive(Debug)]
pub(super) struct Patient {
    /// The daemon's environment.
    pub(super) variables: Variables,
    /// The file that a part of it stands in.
    pub(super) env_file: Option<PathBuf>,
    /// Its settings; `None` if they can't be read.
    pub(super) options: Option<ServeOptions>,
    /// The settings, checked and complete; `None` if the daemon would not start with them.
    pub(super) config: Option<Config>,
    /// Its database.
    pub(super) db: PathBuf,
    /// Now, UTC.
    pub(super) now: Timestamp,
}

impl Patient {
    /// Reads the settings; finds what is wrong with them.
    pub(super) fn meet(
        doctor: &Doctor,
        now: Timestamp,
    ) -> Result<(Self, Vec<Finding>), CommandError> {
        let mut variables = config::variables();
        let installation = Installation::meant(doctor.env_file.as_deref(), &variables)?;
        let mut env_file = None;
        if let Some(Installation { env_file: file, variables: of_service }) = installation {
            variables
                .retain(|(name, _)| of_service.iter().all(|(of_service, _)| of_service != name));
            variables.extend(of_service);
            env_file = Some(file);
        }
        let mut findings = Vec::new();
        let options = match ServeOptions::read(&variables, &doctor.settings) {
            Ok(options) => Some(options),
            Err(error) => {
                findings.push(CHECK.fail(
                    sentence(&error),
                    "correct the setting; `payhookd serve --help` lists all of them",
                ));
                None
            }
        };
        let config = match options.as_ref().map(|options| Config::new(options, &variables)) {
            Some(Ok(config)) => Some(config),
            Some(Err(ConfigError(mistakes))) => {
                findings.extend(mistakes.iter().map(|mistake| of_mistake(mistake)));
                None
            }
            None => None,
        };
        if let Some(config) = &config {
            findings.extend(
                config
                    .warnings
                    .iter()
                    .map(|warning| CHECK.warn(warning, "change the setting, unless it is meant")),
            );
        }
        let db = config.as_ref().map(|config| config.db.clone());
        let db = db.unwrap_or_else(|| {
            let given = options.as_ref().and_then(|options| options.db.db.as_deref());
            database_path(given, value(&variables, "STATE_DIRECTORY"))
        });
        Ok((Self { variables, env_file, options, config, db, now }, findings))
    }

    /// A variable of the daemon's environment that is not empty.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        value(&self.variables, name)
    }
}

/// The check that these findings belong to.
pub(super) const CHECK: Check = Check("configuration");

fn value<'v>(variables: &'v [(String, String)], name: &str) -> Option<&'v str> {
    let found = variables.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| &**value).filter(|value| !value.is_empty())
}

/// A mistake as the configuration words it: what is wrong, a colon, what to do.
fn of_mistake(mistake: &str) -> Finding {
    match mistake.rsplit_once(": ") {
        Some((what, remedy)) => CHECK.fail(what, remedy),
        None => CHECK.fail(mistake, "correct the setting"),
    }
}

/// The error as clap says it, without usage and hints.
fn sentence(error: &clap::Error) -> String {
    let text = error.to_string();
    let lines = text.lines().map(str::trim).take_while(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join(" ").trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    #[test]
    fn a_flag_counts_in_place_of_its_variable() {
        let variables = [("PAYHOOKD_LISTEN".to_owned(), "127.0.0.1:1".to_owned())];
        let read = |given: &[&str]| {
            let given: Vec<OsString> = given.iter().map(OsString::from).collect();
            ServeOptions::read(&variables, &given).map(|options| options.listen.port())
        };
        assert_eq!(read(&[]).ok(), Some(1));
        assert_eq!(read(&["--listen", "127.0.0.1:2"]).ok(), Some(2));
        let error = read(&["--listen=x"]).expect_err("no address");
        assert_eq!(
            sentence(&error),
            "invalid value 'x' for '--listen <ADDRESS>': invalid socket address syntax"
        );
    }
}
