//! The file of the API token: read, or made at the first start.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{CommandError, said};
use crate::config::{ApiToken, token_mistake};
use crate::domain::secret::Secret;
use crate::simulator::random;
use crate::system::files::{self, Draft};
use crate::telemetry::line::Line;

/// The token: as it was given, or as it stands in its file. A file that does not exist is made,
/// for its owner alone.
pub fn load(token: &ApiToken) -> Result<Secret, CommandError> {
    let path = match token {
        ApiToken::Given(secret) => return Ok(secret.clone()),
        ApiToken::File(path) => path,
    };
    let file = path.display();
    let (verb, text) = match read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            match make(path, &random::letters(LETTERS)?) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => ("read", read(path)),
                made => ("made", made),
            }
        }
        text => ("read", text),
    };
    let text = text.map_err(|error| {
        said(format!(
            "the API token's file {file} can't be {verb}: {error}: name another with --api-token-file"
        ))
    })?;
    let text = String::from_utf8(text).map_err(|_| "is not text");
    let token = text.map(|text| text.trim_end_matches(['\n', '\r']).to_owned());
    let token = token.and_then(|token| token_mistake(&token).map_or(Ok(token), Err));
    let token = token.map_err(|mistake| {
        said(format!(
            "the API token's file {file} {mistake}: remove it, and a new token is made at the next start"
        ))
    })?;
    // Left by one that was killed, and of no use; whether it goes or not matters to nobody.
    let _ = files::remove_abandoned(&files::part_of(path));
    Ok(Secret::new(token))
}

/// Fails if the file exists, whatever is in it. It appears with the token in it or not at all, however
/// this ends: an empty one would keep the daemon from every later start.
fn make(path: &Path, token: &str) -> io::Result<Vec<u8>> {
    let draft = Draft::create(path)?;
    draft.file().write_all(format!("{token}\n").as_bytes())?;
    draft.keep()?;
    Line::info("API token made").with("file", path.display()).emit();
    Ok(token.into())
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    if file.metadata()?.permissions().mode() & 0o004 != 0 {
        Line::warn("every user of this machine can read the API token: chmod o= it")
            .with("file", path.display())
            .emit();
    }
    let mut text = Vec::new();
    file.take(LARGEST).read_to_end(&mut text)?;
    Ok(text)
}

/// 62 to this power is more than 2 to the power of 256.
const LETTERS: usize = 43;
/// As much of the file as is read; more than this is no token.
const LARGEST: u64 = 4096;
