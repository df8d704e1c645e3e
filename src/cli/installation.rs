//! The package's service as its commands meet it: its settings are in a file of root's, and in
//! credentials that systemd gives to the service alone.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, FromArgMatches};

use super::arguments::OF_SERVICE;
use super::{Cli, CommandError, said};
use crate::config::options::with_variables;
use crate::config::{self, Variables};

/// Where the package has the daemon's settings.
const ENV_FILE: &str = "/etc/payhookd/payhookd.env";
/// Where systemd has the state and the credentials of the package's service. It tells the service
/// by these variables, and nobody else.
const STATE: (&str, &str) = ("STATE_DIRECTORY", OF_SERVICE);
const CREDENTIALS: (&str, &str) = ("CREDENTIALS_DIRECTORY", "/run/credentials/payhookd.service");

/// The service's environment, if it is meant.
#[derive(Debug)]
pub(super) struct Installation {
    /// The file that its settings stand in.
    pub(super) env_file: PathBuf,
    /// The variables of the file and those that systemd sets, which goes before what is set already.
    pub(super) variables: Variables,
}

impl Installation {
    /// The one that is named by its file; else the package's, if that can be read and none of our
    /// settings is in the environment.
    pub(super) fn meant(
        named: Option<&Path>,
        environment: &[(String, String)],
    ) -> Result<Option<Self>, CommandError> {
        let env_file = match named {
            Some(file) => file.to_owned(),
            None if environment.iter().any(|(name, _)| is_setting(name)) => return Ok(None),
            None if fs::File::open(ENV_FILE).is_err() => return Ok(None),
            None => PathBuf::from(ENV_FILE),
        };
        let text = fs::read_to_string(&env_file)
            .map_err(|error| said(format!("{} can't be read: {error}", env_file.display())))?;
        let mut variables = parse(&text).map_err(|line| {
            said(format!("{}: line {line} is not NAME=VALUE", env_file.display()))
        })?;
        for (name, folder) in [STATE, CREDENTIALS] {
            let is_set = |known: &(String, String)| known.0 == name;
            let is_set = environment.iter().any(is_set) || variables.iter().any(is_set);
            if !is_set && Path::new(folder).is_dir() {
                variables.push((name.to_owned(), folder.to_owned()));
            }
        }
        Ok(Some(Self { env_file, variables }))
    }
}

/// The package's service, if a command with this environment works on what the service works on: it does not
/// if it has settings or credentials of its own.
fn of_command(environment: &Variables) -> Result<Option<Installation>, CommandError> {
    match environment.iter().any(|(name, _)| name == CREDENTIALS.0) {
        true => Ok(None),
        false => Installation::meant(None, environment),
    }
}

/// The environment of a command: that of this process, with that of the package's service if it is meant.
pub(super) fn variables() -> Result<Variables, CommandError> {
    let mut variables = config::variables();
    let of_service = of_command(&variables)?.map(|installation| installation.variables);
    variables.extend(of_service.unwrap_or_default());
    Ok(variables)
}

/// The command line, with the settings of the package's service for flags that were not given, if
/// that is meant.
pub(super) fn with_settings_of_service(cli: Cli) -> Result<Cli, CommandError> {
    let Some(Installation { variables, .. }) = of_command(&config::variables())? else {
        return Ok(cli);
    };
    Ok(Cli::from_arg_matches(&with_variables(Cli::command(), &variables).get_matches())?)
}

fn is_setting(name: &str) -> bool {
    ["PAYHOOKD_", "STRIPE_", "PAYPAL_"].iter().any(|prefix| name.starts_with(prefix))
}

/// The lines of an `EnvironmentFile=`, systemd.exec(5): assignments, comments, quoted values. The
/// number of the first line that is none of them is the error.
fn parse(text: &str) -> Result<Variables, usize> {
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
    use crate::config::Mode;

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
    fn flags_that_are_not_given_are_set_by_the_service() {
        let settings = parse("PAYHOOKD_MODE=test\nPAYHOOKD_DB=/srv/x.db\n").expect("assignments");
        let read = |given: &[&str]| {
            let command = with_variables(Cli::command(), &settings);
            let given = ["payhookd", "transactions", "import", "-"].iter().chain(given);
            let matches = command.try_get_matches_from(given).expect("a command");
            let import = matches.subcommand().and_then(|(_, matches)| matches.subcommand());
            let import = import.expect("a command of a command").1.clone();
            let mode = import.get_one::<Mode>("mode").copied();
            (mode, import.get_one::<PathBuf>("db").cloned())
        };
        assert_eq!(read(&[]), (Some(Mode::Test), Some("/srv/x.db".into())));
        assert_eq!(read(&["--mode", "live"]), (Some(Mode::Live), Some("/srv/x.db".into())));
    }

    #[test]
    fn the_named_file_counts_and_the_packages_gives_way_to_the_environment() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("settings");
        fs::write(&file, "PAYHOOKD_MODE=test\nSTATE_DIRECTORY=/srv\n").expect("a file");
        let set = [("STRIPE_SECRET_KEY".to_owned(), "sk_test_1".to_owned())];
        let installation = Installation::meant(Some(&file), &set).expect("readable");
        let variables = installation.expect("meant").variables;
        assert!(variables.contains(&("PAYHOOKD_MODE".to_owned(), "test".to_owned())));
        let states = variables.iter().filter(|(name, _)| name == STATE.0);
        assert_eq!(states.map(|(_, folder)| &**folder).collect::<Vec<_>>(), ["/srv"]);
        assert!(Installation::meant(None, &set).expect("nothing is read").is_none());
        let missing = folder.path().join("missing");
        let error = Installation::meant(Some(&missing), &[]).expect_err("no file");
        assert!(error.to_string().contains("missing can't be read: "), "{error}");
    }
}
