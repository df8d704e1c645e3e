//! Programs that are run: the shop's command, told of changes on its standard input, and whatever else.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::Reply;
use crate::domain::delivery::{NoAnswer, Said};

/// How long a command may take.
pub const LIMIT: Duration = Duration::from_secs(30);
/// How often a running command is looked after.
const LOOK: Duration = Duration::from_millis(50);
/// How long the last of what it printed may take after it has ended. Another process may have its
/// standard output and never end.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// What a program has of our environment, beside `LC_…`. No setting is among it, and so no secret.
const PASSED_ON: &[&str] = &["PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ"];

/// How every program is started: in an environment that tells where and as whom it runs, and nothing
/// else.
pub(super) fn program(path: &Path) -> Command {
    let is_passed_on = |name: &OsStr| {
        let name = name.to_str().unwrap_or_default();
        PASSED_ON.contains(&name) || name.starts_with("LC_")
    };
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    let mut command = Command::new(path);
    command.env_clear().envs(std::env::vars_os().filter(|(name, _)| is_passed_on(name)));
    command
}

/// A program that is run for each message.
#[derive(Debug)]
pub struct Program {
    path: PathBuf,
    limit: Duration,
}

impl Program {
    /// The program at `path`; it is killed after `limit`.
    pub fn new(path: PathBuf, limit: Duration) -> Self {
        Self { path, limit }
    }

    /// Runs it with a message on its standard input: no shell, no arguments, and of the environment no
    /// setting. Whatever it started is killed with it if it takes too long, or as soon as
    /// `stopping` is set: then there is no reply. Blocks.
    pub fn run(
        &self,
        message_id: &str,
        message_type: &str,
        body: &str,
        stopping: &AtomicBool,
    ) -> Option<Reply> {
        let started = self.start(message_id, message_type, body);
        let (mut child, output) = match started {
            Ok(started) => started,
            Err(error) => {
                let failure = format!("the command can't be started: {error}");
                return Some(Reply::none(NoAnswer::Start, failure));
            }
        };
        let ended = until_exit(&child, self.limit, stopping);
        if ended != Ended::ByItself {
            // The whole group, not only the shell that a script runs in. It may have ended just now.
            let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
        }
        let status = child.wait();
        let answer = output.beginning();
        match ended {
            Ended::Stopping => None,
            Ended::TooLate => {
                let failure = format!("the command took longer than {:?}", self.limit);
                Some(Reply { answer, ..Reply::none(NoAnswer::Timeout, failure) })
            }
            Ended::ByItself => Some(reply(status, answer)),
        }
    }

    fn start(
        &self,
        message_id: &str,
        message_type: &str,
        body: &str,
    ) -> io::Result<(Child, Output)> {
        let (reader, printed) = io::pipe()?;
        let mut child = program(&self.path)
            .env("PAYHOOKD_WEBHOOK_ID", message_id)
            .env("PAYHOOKD_WEBHOOK_TYPE", message_type)
            .stdin(Stdio::piped())
            .stdout(printed.try_clone()?)
            .stderr(printed)
            .process_group(0)
            .spawn()?;
        let body = body.to_owned();
        let stdin = child.stdin.take();
        // It need not read it all, nor before it prints.
        std::thread::spawn(move || stdin.map(|mut stdin| stdin.write_all(body.as_bytes())));
        Ok((child, Output::of(reader)))
    }
}

fn reply(status: io::Result<ExitStatus>, answer: String) -> Reply {
    match status.map(|status| status.code()) {
        Ok(Some(0)) => Reply { code: Ok(0), said: Said::Taken, answer, failure: None },
        Ok(Some(code)) => Reply {
            code: Ok(code),
            said: Said::NotTaken { wait: None },
            answer,
            failure: Some(format!("the command ended with {code}")),
        },
        Ok(None) => {
            let failure = "the command was ended by a signal".to_owned();
            Reply { answer, ..Reply::none(NoAnswer::Killed, failure) }
        }
        Err(error) => {
            Reply::none(NoAnswer::Fault, format!("the command can't be waited for: {error}"))
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ended {
    ByItself,
    TooLate,
    Stopping,
}

/// Waits without taking the exit status: until that is taken the process's id is nobody else's.
fn until_exit(child: &Child, limit: Duration, stopping: &AtomicBool) -> Ended {
    let deadline = Instant::now() + limit;
    let pid = Pid::from_child(child);
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while waitid(WaitId::Pid(pid), options).is_err_and(|error| error == Errno::INTR) {}
        // Nobody waits any more if it was killed.
        let _ = tell.send(());
    });
    loop {
        match told.recv_timeout(LOOK) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => return Ended::ByItself,
            Err(RecvTimeoutError::Timeout) if stopping.load(Ordering::Acquire) => {
                return Ended::Stopping;
            }
            Err(RecvTimeoutError::Timeout) if Instant::now() >= deadline => return Ended::TooLate,
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

/// What a command prints, read as it comes so that it never has to wait.
struct Output {
    beginning: Arc<Mutex<Vec<u8>>>,
    ended: mpsc::Receiver<()>,
}

impl Output {
    fn of(reader: io::PipeReader) -> Self {
        let beginning = Arc::new(Mutex::new(Vec::new()));
        let (tell, ended) = mpsc::channel();
        let kept = Arc::clone(&beginning);
        std::thread::spawn(move || {
            keep_beginning(reader, &kept);
            // Nobody waits any more if it took too long.
            let _ = tell.send(());
        });
        Self { beginning, ended }
    }

    fn beginning(&self) -> String {
        let _ = self.ended.recv_timeout(LAST_WORDS);
        super::beginning(&self.beginning.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn keep_beginning(mut reader: io::PipeReader, kept: &Mutex<Vec<u8>>) {
    let mut some = [0; super::KEPT];
    while let Ok(read @ 1..) = reader.read(&mut some) {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        let room = super::KEPT - kept.len();
        kept.extend_from_slice(&some[..read.min(room)]);
    }
}
