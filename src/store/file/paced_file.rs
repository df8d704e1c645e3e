//! Work beside a daemon whose senders wait: after each short stretch of it comes a rest.

use std::ffi::c_int;
use std::fs::File;
use std::io::{self, Write};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::store::error::StoreError;

/// Work without a rest; a processor or a disk that is taken for so long is hardly missed.
const STRETCH: Duration = Duration::from_millis(5);
/// How many times as long as the work the rest is, and the longest one, whatever kept the work: of whoever
/// reads, who had better not read of one moment for long, and of whoever writes a copy, which takes more.
const READING: (u32, Duration) = (1, Duration::from_millis(20));
const WRITING: (u32, Duration) = (3, Duration::from_millis(250));
/// Bytes that are written before the disk has to have them. What is left to the system piles up, and the
/// writer's next commit waits until the disk has taken all of it.
const UNSYNCED: u64 = 2 * 1024 * 1024;
/// Of SQLite's instructions, in which it works for less than a stretch.
const INSTRUCTIONS: c_int = 500;

/// Keeps somebody who works to a pace.
#[derive(Debug)]
pub(crate) struct Pace {
    since: Instant,
    times: u32,
    longest: Duration,
}

impl Pace {
    /// Of whoever writes a copy; work begins now.
    pub(crate) fn of_writing() -> Self {
        Self::new(WRITING)
    }

    fn new((times, longest): (u32, Duration)) -> Self {
        Self { since: Instant::now(), times, longest }
    }

    /// Rests, if there was work enough.
    pub(crate) fn keep(&mut self) {
        let worked = self.since.elapsed();
        if worked >= STRETCH {
            thread::sleep((worked * self.times).min(self.longest));
            self.since = Instant::now();
        }
    }
}

/// Whatever SQLite does on `connection` is done at a pace from now on.
pub(crate) fn slow_down(connection: &mut Connection) -> Result<(), StoreError> {
    let mut pace = Pace::new(READING);
    connection.progress_handler(
        INSTRUCTIONS,
        Some(move || {
            pace.keep();
            // It is not to stop.
            false
        }),
    )?;
    Ok(())
}

/// A file that is written piece by piece, each of which is on the disk before the next.
#[derive(Debug)]
pub struct SteadyFile {
    file: File,
    unsynced: u64,
}

impl SteadyFile {
    /// Writes into `file` from where it stands.
    pub fn new(file: File) -> Self {
        Self { file, unsynced: 0 }
    }

    /// Notes that so many bytes were written to it, and waits for the disk if they are a piece.
    pub(crate) fn written(&mut self, bytes: usize) -> io::Result<()> {
        self.unsynced += bytes as u64;
        if self.unsynced >= UNSYNCED {
            self.file.sync_data()?;
            self.unsynced = 0;
        }
        Ok(())
    }
}

impl Write for SteadyFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.written(written)?;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
