//! The environment and the files that settings stand in, and all that is found wrong with them.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use super::secret::secret_mistake;
use crate::domain::secret::Secret;

/// Environment variables by name.
pub type Variables = Vec<(String, String)>;

/// The environment variables of this process that are text.
pub fn variables() -> Variables {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// The variables that hold secrets.
pub const SECRETS: &[&str] = &[
    "PAYHOOKD_ALERT_URL",
    "PAYHOOKD_API_TOKEN",
    "PAYHOOKD_NOTIFY_SECRET",
    "PAYHOOKD_SMTP_URL",
    "PAYPAL_CLIENT_SECRET",
    "PAYPAL_WEBHOOK_ID",
    "STRIPE_SECRET_KEY",
    "STRIPE_WEBHOOK_SECRET",
];

/// The items of one comma-separated secret, found where the daemon finds it; empty if it is not set.
pub fn secrets(name: &str, variables: &[(String, String)]) -> Result<Vec<Secret>, ConfigError> {
    let (items, _) = Checks::run(variables, |checks| checks.list(name))?;
    Ok(items.into_iter().map(Secret::new).collect())
}

/// Everything that is wrong with what was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(pub Vec<String>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration can't be used:")?;
        for mistake in &self.0 {
            write!(f, "\n  - {mistake}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// The variables, and what was found wrong or doubtful so far.
pub(super) struct Checks<'v> {
    pub(super) variables: &'v [(String, String)],
    pub(super) mistakes: Vec<String>,
    pub(super) warnings: Vec<String>,
}

impl<'v> Checks<'v> {
    /// The result of `check`, with the warnings; all mistakes, if there are any.
    pub(super) fn run<T>(
        variables: &'v [(String, String)],
        check: impl FnOnce(&mut Self) -> T,
    ) -> Result<(T, Vec<String>), ConfigError> {
        let mut checks = Self { variables, mistakes: Vec::new(), warnings: Vec::new() };
        let checked = check(&mut checks);
        match checks.mistakes.is_empty() {
            true => Ok((checked, checks.warnings)),
            false => Err(ConfigError(checks.mistakes)),
        }
    }

    /// A setting that is looked at twice is wrong once.
    pub(super) fn mistake(&mut self, mistake: impl Into<String>) {
        let mistake = mistake.into();
        if !self.mistakes.contains(&mistake) {
            self.mistakes.push(mistake);
        }
    }

    pub(super) fn warn(&mut self, warning: impl Into<String>) {
        self.warnings.push(warning.into());
    }

    /// A variable that is set and not empty.
    pub(super) fn variable(&self, name: &str) -> Option<&'v str> {
        let found = self.variables.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| &**value).filter(|value| !value.is_empty())
    }

    /// A secret from its variable, from the file that `…_FILE` names, or from a credential of
    /// systemd; more than one of them is a mistake, because one would silently win.
    pub(super) fn secret(&mut self, name: &str) -> Option<String> {
        let file_variable = format!("{name}_FILE");
        let file = self.variable(&file_variable).map(PathBuf::from);
        let directory = self.variable("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        let credential = directory.map(|directory| directory.join(name));
        let mut found = Vec::new();
        found.extend(self.variable(name).map(|value| (name.to_owned(), value.to_owned())));
        if let Some(file) = file {
            match fs::read(&file) {
                Ok(bytes) => {
                    let label = format!("{file_variable} ({})", file.display());
                    found.extend(self.text_of(&file, bytes).map(|text| (label, text)));
                }
                Err(error) => self.mistake(format!(
                    "{file_variable}: {} can't be read ({error}): name a file that payhookd may \
                     read",
                    file.display()
                )),
            }
        }
        if let Some(credential) = credential
            && let Ok(bytes) = fs::read(&credential)
        {
            let label = format!("the credential {name}");
            found.extend(self.text_of(&credential, bytes).map(|text| (label, text)));
        }
        for (label, value) in &found {
            self.placeholders(name, label, value);
        }
        if let [(one, _), (other, _), ..] = &*found {
            let both = format!("{one} and {other} are both set: remove one of them");
            self.mistake(both);
        }
        found.into_iter().next().map(|(_, value)| value)
    }

    /// Finds placeholders and what is too short among the items of a secret that stands in `label`.
    fn placeholders(&mut self, name: &str, label: &str, value: &str) {
        let items: Vec<&str> = value.split(',').collect();
        for (place, item) in (1..).zip(&items) {
            // An empty item, or one of several words, is told of where the list is read.
            if item.is_empty() || item.contains(char::is_whitespace) {
                continue;
            }
            if let Some(mistake) = secret_mistake(name, item) {
                let which =
                    if items.len() > 1 { format!(" (item {place})") } else { String::new() };
                self.mistake(format!("{label}{which}: {mistake}"));
            }
        }
    }

    /// The text of a secret file, without the line end that editors add.
    fn text_of(&mut self, file: &Path, bytes: Vec<u8>) -> Option<String> {
        let Ok(text) = String::from_utf8(bytes) else {
            self.mistake(format!("{}: not text: write the secret alone into it", file.display()));
            return None;
        };
        let text = text.trim_end_matches(['\n', '\r']);
        if text.is_empty() {
            self.mistake(format!("{}: empty: write the secret into it", file.display()));
            return None;
        }
        Some(text.to_owned())
    }

    /// A comma-separated list of which every item is used.
    pub(super) fn list(&mut self, name: &str) -> Vec<String> {
        let Some(value) = self.secret(name) else { return Vec::new() };
        let items: Vec<String> = value.split(',').map(str::to_owned).collect();
        if items.iter().any(|item| item.is_empty() || item.contains(char::is_whitespace)) {
            self.mistake(format!(
                "{name}: white space or an empty item in it: write it without spaces and line \
                 ends, several separated by one comma"
            ));
        }
        items
    }
}
