//! `payhookd backup`: a checked copy of the database, made while the daemon runs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{CommandError, said, say};
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
    /// Makes the copy, then removes those that are too many.
    pub fn run(&self) -> Result<(), CommandError> {
        super::give_way();
        let folder = self.target.is_dir();
        let target = self.target.display();
        if self.keep.is_some() && !folder {
            return Err(said(format!("--keep is for a folder, and {target} is none")));
        }
        let file = if folder { self.target.join(name()) } else { self.target.clone() };
        let Backup { bytes, events, transactions } = store::backup(&self.database.path(), &file)?;
        say(format!(
            "{}: {bytes} bytes, {events} events, {transactions} transactions, checked",
            file.display()
        ))?;
        if !folder {
            return Ok(());
        }
        let entries = fs::read_dir(&self.target)?.map(|entry| Ok(entry?.path()));
        let mut paths: Vec<PathBuf> = entries.collect::<io::Result<_>>()?;
        // Names sort as times do.
        paths.sort();
        let copies: Vec<&PathBuf> = paths.iter().filter(|path| is_copy(path)).collect();
        let keep = self.keep.map_or(usize::MAX, |keep| usize::try_from(keep).unwrap_or(usize::MAX));
        for old in copies.iter().take(copies.len().saturating_sub(keep)) {
            store::remove_copy(old)?;
            say(format!("removed {}", old.display()))?;
        }
        for part in paths.iter().filter(|path| is_part(path)) {
            if store::remove_abandoned(part)? {
                say(format!("removed {}, which nobody completes", part.display()))?;
            }
        }
        Ok(())
    }
}

/// Whether it is what a copy of a name of ours is made of, or was to be.
fn is_part(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "part")
        && is_copy(&path.with_extension(""))
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
