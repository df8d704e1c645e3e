//! One daemon at a time on a database, and how the last one ended.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Read;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

use super::backup::{beside, io};
use crate::domain::time::Timestamp;
use crate::store::error::StoreError;
use crate::telemetry::line::Line;

/// The right to run the daemon on a database, for as long as this lives. The system takes it back from a
/// process that is killed.
///
/// It is a lock on a file beside the database's (`.lock`), in which stands who holds it or, after an orderly
/// end, what the database's file was then.
#[derive(Debug)]
pub struct DaemonLock {
    file: File,
    db: PathBuf,
    before: String,
}

impl DaemonLock {
    /// Takes it for the database at `db`, which exists; waits so long for another daemon that is about to
    /// end. [`StoreError::HeldByDaemon`] if it does not.
    pub fn take(db: &Path, patience: Duration, now: Timestamp) -> Result<Self, StoreError> {
        let resolved = db.canonicalize().map_err(|error| io(&error, db))?;
        let path = beside(&resolved, ".lock");
        let of_path = |error| io(&error, &path);
        let no_link = OFlags::NOFOLLOW.bits().cast_signed();
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.custom_flags(no_link).open(&path).map_err(of_path)?;
        let began = Instant::now();
        let mut waits = false;
        while let Err(error) = file.try_lock() {
            let TryLockError::WouldBlock = error else { return Err(of_path(error.into())) };
            if began.elapsed() >= patience {
                let holder = read(&file).map_err(of_path)?;
                let holder = holder.lines().collect::<Vec<_>>().join(", ");
                return Err(StoreError::HeldByDaemon { path: db.to_owned(), holder });
            }
            if !waits {
                Line::info("waiting for the daemon before this one to end").emit();
                waits = true;
            }
            thread::sleep(BETWEEN_TRIES);
        }
        let before = read(&file).map_err(of_path)?;
        let lock = Self { file, db: resolved, before };
        let holder = format!("process {}\nsince {now}\n", std::process::id());
        lock.write(&holder).map_err(of_path)?;
        Ok(lock)
    }

    /// Whether the daemon before ended in order, and the database's file is as it left it.
    pub fn is_as_it_was_left(&self) -> bool {
        let log = std::fs::metadata(beside(&self.db, "-wal"));
        let is_log_empty = log.map_or(true, |log| log.len() == 0);
        is_log_empty && Some(&*self.before) == state(&self.db).ok().as_deref()
    }

    /// Notes that the daemon has ended in order, after all of the database is in its file.
    pub fn leave(self) {
        // Without the note the file is checked at the next start.
        if let Err(error) = state(&self.db).and_then(|state| self.write(&state)) {
            Line::debug("not noted that the end was in order").with("err", &error).emit();
        }
    }

    fn write(&self, text: &str) -> std::io::Result<()> {
        self.file.set_len(0)?;
        self.file.write_all_at(text.as_bytes(), 0)?;
        self.file.sync_data()
    }
}

fn read(file: &File) -> std::io::Result<String> {
    let mut text = Vec::new();
    file.take(LONGEST).read_to_end(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// What tells a file from what it was before something was written into it.
fn state(db: &Path) -> std::io::Result<String> {
    let file = std::fs::metadata(db)?;
    let (device, inode, bytes) = (file.dev(), file.ino(), file.len());
    let written = (file.mtime(), file.mtime_nsec());
    Ok(format!("stopped\nfile {device}:{inode}:{bytes}:{}.{:09}\n", written.0, written.1))
}

const BETWEEN_TRIES: Duration = Duration::from_millis(20);
/// Bytes that are read; more does not stand there.
const LONGEST: u64 = 1_024;
