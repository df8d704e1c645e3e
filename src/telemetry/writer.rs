//! Where log lines go: to standard error, without anybody waiting for it.
//!
//! A line is put into a buffer, and a thread writes the buffer out. If standard error can't keep
//! up (a stalled journal), lines are dropped and counted: webhooks matter more.

use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

use log::LevelFilter;
use simplelog::{ConfigBuilder, WriteLogger};

use super::line::{Format, Line};

/// Bytes that may wait to be written.
const BUFFER: usize = 1024 * 1024;

/// The running log. Dropping it writes out what is left.
#[derive(Debug)]
pub struct Logger {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    pending: Mutex<Pending>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Pending {
    text: Vec<u8>,
    dropped: u64,
    ended: bool,
}

impl Logger {
    /// Starts the log at this level; the second one in a process is an error. Where standard error
    /// is systemd's journal, lines are written for it.
    pub fn start(level: LevelFilter, json: bool) -> io::Result<Self> {
        Format { json, journal: is_journal() }.set();
        let shared = Arc::new(Shared::default());
        // Time and level stand inside the line, under their keys.
        let config = ConfigBuilder::new()
            .set_time_level(LevelFilter::Off)
            .set_max_level(LevelFilter::Off)
            .set_target_level(LevelFilter::Off)
            .set_location_level(LevelFilter::Off)
            .set_thread_level(LevelFilter::Off)
            .add_filter_allow_str("payhookd")
            .build();
        WriteLogger::init(level, config, Sink(Arc::clone(&shared))).map_err(io::Error::other)?;
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write_out(&of_thread, io::stderr()))?;
        Ok(Self { shared, thread: Some(thread) })
    }
}

impl Drop for Logger {
    fn drop(&mut self) {
        lock(&self.shared).ended = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // A log that can't be written has nowhere to say so.
            let _ = thread.join();
        }
    }
}

fn write_out(shared: &Shared, mut output: impl Write) {
    loop {
        let (text, dropped, ended) = {
            let pending = lock(shared);
            let waiting = |pending: &mut Pending| pending.text.is_empty() && !pending.ended;
            let pending = shared.changed.wait_while(pending, waiting);
            let mut pending = pending.unwrap_or_else(PoisonError::into_inner);
            let dropped = std::mem::take(&mut pending.dropped);
            (std::mem::take(&mut pending.text), dropped, pending.ended)
        };
        // The same: nowhere to say so.
        let _ = output.write_all(&text);
        if dropped > 0 {
            let line = Line::warn("log lines dropped").with("count", dropped);
            let _ = writeln!(output, "{}", line.text());
        }
        let _ = output.flush();
        if ended {
            return;
        }
    }
}

/// Whether standard error leads to the journal; systemd.exec(5) says how to know.
pub(crate) fn is_journal() -> bool {
    let stream = std::env::var("JOURNAL_STREAM").unwrap_or_default();
    let error = std::fs::metadata("/proc/self/fd/2");
    error.is_ok_and(|error| stream == format!("{}:{}", error.dev(), error.ino()))
}

fn lock(shared: &Shared) -> std::sync::MutexGuard<'_, Pending> {
    shared.pending.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes what the logger writes, a piece of a line at a time.
struct Sink(Arc<Shared>);

impl Write for Sink {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let mut pending = lock(&self.0);
        let ends = piece.ends_with(b"\n");
        if pending.text.len() + piece.len() > BUFFER {
            pending.dropped += u64::from(ends);
            return Ok(piece.len());
        }
        let was_empty = pending.text.is_empty();
        pending.text.extend_from_slice(piece);
        drop(pending);
        if was_empty {
            self.0.changed.notify_one();
        }
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
