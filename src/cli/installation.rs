//! The package's service as its commands meet it: its settings are in a file of root's, and in
//! credentials that systemd gives to the service alone.

use std::convert::Infallible;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::migrate::OF_SERVICE;
use super::{CommandError, said};
use crate::config;

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
    /// What systemd sets for it, which goes before what is set already.
    pub(super) variables: Vec<(String, String)>,
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

/// Has this command run anew with the settings of the package's service, if there is one whose file
/// can be read, which is root's, and none of our settings is in the environment. Returns if not.
///
/// Flags have their defaults from the environment of the process, and that can't be changed in it.
pub(super) fn run_as_its_service() -> Result<(), CommandError> {
    let environment = config::variables();
    // Set for whoever was run anew, so that nobody is twice.
    if environment.iter().any(|(name, _)| name == CREDENTIALS.0) {
        return Ok(());
    }
    let Some(installation) = Installation::meant(None, &environment)? else { return Ok(()) };
    let mut variables = installation.variables;
    // Commands look for a database in the working directory first, and then find the service's.
    variables.retain(|(name, _)| name != STATE.0);
    match ends_it(&variables) {
        false => Ok(()),
        true => run_anew(variables).map(|never| match never {}),
    }
}

/// Whether who is run with these is not run anew once more.
fn ends_it(variables: &[(String, String)]) -> bool {
    variables.iter().any(|(name, _)| is_setting(name) || name == CREDENTIALS.0)
}

fn run_anew(variables: Vec<(String, String)>) -> Result<Infallible, CommandError> {
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_else(|| "payhookd".into());
    // Where there is no /proc to say which program this is, it is found as it was the first time.
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from(&name));
    #[expect(clippy::disallowed_methods, reason = "it is payhookd, which needs its settings")]
    let error = Command::new(program).arg0(name).args(arguments).envs(variables).exec();
    Err(said(format!("payhookd can't be run with the settings of {ENV_FILE}: {error}")))
}

fn is_setting(name: &str) -> bool {
    ["PAYHOOKD_", "STRIPE_", "PAYPAL_"].iter().any(|prefix| name.starts_with(prefix))
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
    fn nobody_is_run_anew_for_ever() {
        let of = |text: &str| ends_it(&parse(text).expect("assignments"));
        assert!(of("LANG=C\nPAYHOOKD_MODE=\n") && of("CREDENTIALS_DIRECTORY=/run/x"));
        // The service has credentials alone and is stopped, or is not set up yet.
        assert!(!of("# PAYHOOKD_MODE=live\n") && !of("RUST_BACKTRACE=1\n"));
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
