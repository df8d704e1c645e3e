//! The installation that is looked at: its settings, from wherever the daemon has them.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{ArgMatches, Args, FromArgMatches};

use super::{Doctor, Finding};
use crate::cli::migrate::OF_SERVICE;
use crate::cli::{CommandError, said};
use crate::config::options::ServeOptions;
use crate::config::{self, Config, ConfigError, Surroundings, database_path};
use crate::domain::time::Timestamp;

/// Where the package has the daemon's settings.
const ENV_FILE: &str = "/etc/payhookd/payhookd.env";
/// Where systemd has the state and the credentials of the package's service. It tells the service
/// by these variables, and nobody else.
const SAID_TO_SERVICE: [(&str, &str); 2] = [
    ("STATE_DIRECTORY", OF_SERVICE),
    ("CREDENTIALS_DIRECTORY", "/run/credentials/payhookd.service"),
];

/// What is looked at.
#[derive(Debug)]
pub(super) struct Patient {
    /// The daemon's environment.
    pub(super) variables: Vec<(String, String)>,
    /// The file that a part of it stands in.
    pub(super) env_file: Option<PathBuf>,
    /// Its settings; `None` if they can't be read.
    pub(super) options: Option<ServeOptions>,
    /// The same, checked and complete; `None` if the daemon would not start with them.
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
        let env_file = env_file(doctor.env_file.as_deref(), &variables);
        if let Some(file) = &env_file {
            let text = fs::read_to_string(file)
                .map_err(|error| said(format!("{} can't be read: {error}", file.display())))?;
            let of_file = parse(&text).map_err(|line| {
                said(format!("{}: line {line} is not NAME=VALUE", file.display()))
            })?;
            variables.retain(|(name, _)| of_file.iter().all(|(of_file, _)| of_file != name));
            variables.extend(of_file);
            for (name, folder) in SAID_TO_SERVICE {
                if variables.iter().all(|(known, _)| known != name) && Path::new(folder).is_dir() {
                    variables.push((name.to_owned(), folder.to_owned()));
                }
            }
        }
        let mut findings = Vec::new();
        let options = match options(&variables, &doctor.settings) {
            Ok(options) => Some(options),
            Err(error) => {
                findings.push(Finding::fail(
                    CHECK,
                    sentence(&error),
                    "correct the setting; `payhookd serve --help` lists all of them",
                ));
                None
            }
        };
        let around = Surroundings { variables: &variables, read: |path| fs::read(path) };
        let config = match options.as_ref().map(|options| Config::new(options, around)) {
            Some(Ok(config)) => Some(config),
            Some(Err(ConfigError(mistakes))) => {
                findings.extend(mistakes.iter().map(|mistake| of_mistake(mistake)));
                None
            }
            None => None,
        };
        if let Some(config) = &config {
            findings.extend(config.warnings.iter().map(|warning| {
                Finding::warn(CHECK, warning, "change the setting, unless it is meant")
            }));
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
pub(super) const CHECK: &str = "configuration";

fn value<'v>(variables: &'v [(String, String)], name: &str) -> Option<&'v str> {
    let found = variables.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| &**value).filter(|value| !value.is_empty())
}

fn env_file(given: Option<&Path>, variables: &[(String, String)]) -> Option<PathBuf> {
    let is_setting =
        |name: &str| ["PAYHOOKD_", "STRIPE_", "PAYPAL_"].iter().any(|it| name.starts_with(it));
    match given {
        Some(file) => Some(file.to_owned()),
        None if variables.iter().any(|(name, _)| is_setting(name)) => None,
        None => Some(PathBuf::from(ENV_FILE)).filter(|file| fs::File::open(file).is_ok()),
    }
}

/// A mistake as the configuration words it: what is wrong, a colon, what to do.
fn of_mistake(mistake: &str) -> Finding {
    match mistake.rsplit_once(": ") {
        Some((what, remedy)) => Finding::fail(CHECK, what, remedy),
        None => Finding::fail(CHECK, mistake, "correct the setting"),
    }
}

/// The settings as the daemon would read them from these variables and flags.
fn options(
    variables: &[(String, String)],
    given: &[OsString],
) -> Result<ServeOptions, clap::Error> {
    let command = ServeOptions::augment_args(clap::Command::new("payhookd"));
    let of_variables = command.get_arguments().filter_map(|arg| {
        let value = value(variables, arg.get_env()?.to_str()?)?;
        Some(OsString::from(format!("--{}={value}", arg.get_long()?)))
    });
    let args: Vec<OsString> = std::iter::once("payhookd".into()).chain(of_variables).collect();
    // A flag that is given counts in place of its variable.
    let command = command.args_override_self(true);
    let matches: ArgMatches =
        command.try_get_matches_from(args.into_iter().chain(given.iter().cloned()))?;
    ServeOptions::from_arg_matches(&matches)
}

/// What clap says, without usage and hints.
fn sentence(error: &clap::Error) -> String {
    let text = error.to_string();
    let lines = text.lines().map(str::trim).take_while(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join(" ").trim_start_matches("error: ").to_owned()
}

/// The lines of an `EnvironmentFile=`, systemd.exec(5): assignments, comments, quoted values. The
/// number of the first line that is none of them is the error.
fn parse(text: &str) -> Result<Vec<(String, String)>, usize> {
    let mut variables = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        let (name, value) = line.split_once('=').ok_or(number)?;
        let name = name.trim_end();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if name.is_empty() || !name.bytes().all(allowed) {
            return Err(number);
        }
        variables.retain(|(known, _)| known != name);
        variables.push((name.to_owned(), unquoted(value.trim_start()).to_owned()));
    }
    Ok(variables)
}

fn unquoted(value: &str) -> &str {
    let quoted = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
    quoted('"').or_else(|| quoted('\'')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_file_is_read_as_systemd_reads_it() {
        let text = "# a comment\n\n; another\nA=1\n B = \"two words\" \nA='three=3'\nC=\n";
        let expected = [("B", "two words"), ("A", "three=3"), ("C", "")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(parse(text), Ok(expected.into()));
        for (text, line) in [("A=1\nexport B=2\n", 2), ("A\n", 1), ("=1\n", 1)] {
            assert_eq!(parse(text), Err(line), "{text}");
        }
    }

    #[test]
    fn a_flag_counts_in_place_of_its_variable() {
        let variables = [("PAYHOOKD_LISTEN".to_owned(), "127.0.0.1:1".to_owned())];
        let read = |given: &[&str]| {
            let given: Vec<OsString> = given.iter().map(OsString::from).collect();
            options(&variables, &given).map(|options| options.listen.port())
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
