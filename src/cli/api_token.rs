//! The file of the API token: read, or made at the first start.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::config::{ApiToken, token_mistake};
use crate::domain::secret::Secret;
use crate::simulator::random::{self, NoChance};
use crate::system::files;
use crate::system::files::Draft;
use crate::telemetry::line::Line;

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file can't be read or made.
    #[error("the API token's file {} can't be {verb}: {source}: name another with --api-token-file", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// `read` or `made`.
        verb: &'static str,
        /// Why.
        source: io::Error,
    },
    /// What stands in it is no token.
    #[error("the API token's file {} {mistake}: remove it, and a new token is made at the next start", path.display())]
    Garbled {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        mistake: &'static str,
    },
    /// None could be made.
    #[error(transparent)]
    NoChance(#[from] NoChance),
}

/// The token: as it was given, or as it stands in its file. A file that does not exist is made,
/// for its owner alone.
pub fn load(token: &ApiToken) -> Result<Secret, TokenError> {
    let path = match token {
        ApiToken::Given(secret) => return Ok(secret.clone()),
        ApiToken::File(path) => path,
    };
    let is_kind = |error: &TokenError, kind| match error {
        TokenError::File { source, .. } => source.kind() == kind,
        TokenError::Garbled { .. } | TokenError::NoChance(_) => false,
    };
    let token = match read(path) {
        Err(error) if is_kind(&error, ErrorKind::NotFound) => match make(path) {
            Err(error) if is_kind(&error, ErrorKind::AlreadyExists) => read(path),
            made => made,
        },
        read => read,
    };
    if token.is_ok() {
        // Left by one that was killed, and of no use; whether it goes or not matters to nobody.
        let _ = files::remove_abandoned(&files::part_of(path));
    }
    token
}

/// Fails if the file exists, whatever is in it. It appears with the token in it or not at all, however
/// this ends: an empty one would keep the daemon from every later start.
fn make(path: &Path) -> Result<Secret, TokenError> {
    let failed = |source| TokenError::File { path: path.to_owned(), verb: "made", source };
    let token = random::letters(LETTERS)?;
    let draft = Draft::create(path).map_err(failed)?;
    draft.file().write_all(format!("{token}\n").as_bytes()).map_err(failed)?;
    draft.keep().map_err(failed)?;
    Line::info("API token made").with("file", path.display()).emit();
    Ok(Secret::new(token))
}

fn read(path: &Path) -> Result<Secret, TokenError> {
    let failed = |source| TokenError::File { path: path.to_owned(), verb: "read", source };
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.permissions().mode() & 0o004 != 0 {
        Line::warn("every user of this machine can read the API token: chmod o= it")
            .with("file", path.display())
            .emit();
    }
    let mut text = Vec::new();
    file.take(LARGEST).read_to_end(&mut text).map_err(failed)?;
    let garbled = |mistake| TokenError::Garbled { path: path.to_owned(), mistake };
    let text = String::from_utf8(text).map_err(|_| garbled("is not text"))?;
    let token = text.trim_end_matches(['\n', '\r']);
    match token_mistake(token) {
        None => Ok(Secret::new(token.to_owned())),
        Some(mistake) => Err(garbled(mistake)),
    }
}

/// 62 to this power is more than 2 to the power of 256.
const LETTERS: usize = 43;
/// As much of the file as is read; more than this is no token.
const LARGEST: u64 = 4096;
