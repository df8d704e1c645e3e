//! `payhookd backup`: a checked copy of the database, made while the daemon runs.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::{CommandError, printed, said};
use crate::config::options::DatabaseOption;
use crate::store::{self, Backup};
use crate::telemetry::clock::Clock;

/// `backup`
#[derive(Args, Debug)]
pub struct Backing {
    #[command(flatten)]
    database: DatabaseOption,
    /// The file to write, which must not exist; or a folder, in which it gets a name with the time.
    target: PathBuf,
    /// Of a folder: remove the oldest copies made there, so that this many are left.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    keep: Option<u32>,
}

impl Backing {
    /// Does it.
    pub fn run(&self) -> Result<(), CommandError> {
        super::give_way();
        let folder = self.target.is_dir();
        if self.keep.is_some() && !folder {
            return Err(said(format!(
                "--keep is for a folder, and {} is none",
                self.target.display()
            )));
        }
        let file = match folder {
            true => self.target.join(name()),
            false => self.target.clone(),
        };
        let Backup { bytes, events, transactions } = store::backup(&self.database.path(), &file)?;
        let mut output = io::stdout().lock();
        printed(writeln!(
            output,
            "{}: {bytes} bytes, {events} events, {transactions} transactions, checked",
            file.display()
        ))?;
        for old in self.superfluous()? {
            store::remove_copy(&old)?;
            printed(writeln!(output, "removed {}", old.display()))?;
        }
        for part in if folder { self.parts()? } else { Vec::new() } {
            if store::remove_abandoned(&part)? {
                printed(writeln!(output, "removed {}, which nobody completes", part.display()))?;
            }
        }
        Ok(())
    }

    /// What copies in the folder are made of, or were to be.
    fn parts(&self) -> Result<Vec<PathBuf>, CommandError> {
        let mut parts = Vec::new();
        for entry in fs::read_dir(&self.target)? {
            let path = entry?.path();
            let is_part = path.extension().is_some_and(|extension| extension == "part");
            if is_part && is_copy(&path.with_extension("")) {
                parts.push(path);
            }
        }
        Ok(parts)
    }

    /// The oldest copies in the folder beyond those that are to be kept; names sort as times do.
    fn superfluous(&self) -> Result<Vec<PathBuf>, CommandError> {
        let Some(keep) = self.keep else { return Ok(Vec::new()) };
        let mut copies = Vec::new();
        for entry in fs::read_dir(&self.target)? {
            let path = entry?.path();
            if is_copy(&path) {
                copies.push(path);
            }
        }
        copies.sort();
        let keep = usize::try_from(keep).unwrap_or(usize::MAX);
        copies.truncate(copies.len().saturating_sub(keep));
        Ok(copies)
    }
}

/// `payhookd-20261123T115203250Z.db`
fn name() -> String {
    format!("payhookd-{}.db", Clock::SYSTEM.now().to_string().replace(['-', ':', '.'], ""))
}

/// Whether it is one that [`name`] named: nothing else is ever removed.
fn is_copy(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let stamp = name.and_then(|name| name.strip_prefix("payhookd-")?.strip_suffix(".db"));
    stamp.is_some_and(|stamp| {
        stamp.len() == "20261123T115203250Z".len()
            && stamp.char_indices().all(|(place, character)| match place {
                8 => character == 'T',
                18 => character == 'Z',
                _ => character.is_ascii_digit(),
            })
    })
}
