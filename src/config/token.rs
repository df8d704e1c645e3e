//! The token of the admin listener.

use std::path::{Path, PathBuf};

use super::Checks;
use super::options::ServeOptions;
use super::secret::{FEWEST, is_placeholder};
use crate::domain::secret::Secret;

/// Where the token of the admin listener is.
#[derive(Clone, Debug)]
pub enum ApiToken {
    /// This one.
    Given(Secret),
    /// The one that stands in this file, which is made if it does not exist.
    File(PathBuf),
}

/// The reason why a text can't be an API token, if there is one.
pub fn token_mistake(text: &str) -> Option<&'static str> {
    if text.is_empty() {
        Some("is empty")
    } else if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Some("is not one word of ASCII")
    } else if text.len() > 1024 {
        Some("is longer than 1024 characters")
    } else if text.len() < FEWEST {
        Some("is shorter than 10 characters, so that it can be guessed")
    } else if is_placeholder(text, true) {
        Some("is a placeholder")
    } else {
        None
    }
}

/// Of hexadecimal digits these are 64 bits, which nobody guesses over HTTP.
const LONG_ENOUGH: usize = 16;

impl Checks<'_> {
    /// The token, or else the file that is read, or made where there is none: unlike the file of
    /// another secret it may be missing, so it is not read here.
    pub(super) fn api_token(&mut self, options: &ServeOptions, db: &Path) -> ApiToken {
        const NAME: &str = "PAYHOOKD_API_TOKEN";
        if let Some(file) = &options.api_token_file {
            let directory = self.variable("CREDENTIALS_DIRECTORY");
            let credential = directory.map(|directory| Path::new(directory).join(NAME));
            let is_credential = credential.is_some_and(|path| std::fs::read(path).is_ok());
            if self.variable(NAME).is_some() || is_credential {
                self.mistake(format!("{NAME} and --api-token-file are both set: remove one"));
            }
            return ApiToken::File(file.clone());
        }
        let Some(token) = self.secret(NAME) else {
            return ApiToken::File(db.with_file_name("api-token"));
        };
        if let Some(mistake) = token_mistake(&token) {
            self.mistake(format!(
                "{NAME} {mistake}: set one such as `openssl rand -hex 32` prints, or none to have \
                 one made"
            ));
        } else if token.len() < LONG_ENOUGH {
            self.warn(format!(
                "{NAME} is shorter than {LONG_ENOUGH} characters, so it can be guessed"
            ));
        }
        ApiToken::Given(Secret::new(token))
    }
}
