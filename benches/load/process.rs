//! Servers under load, each a process of its own.

use std::fs::{self, File};
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use hyper::body::Bytes;
use rustix::process::{Pid, Signal, kill_process};
use warp::Filter;

/// A server that accepts connections; killed if it is dropped before it is stopped.
pub(crate) struct Server {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// From its start to the first connection.
    pub(crate) started_after: Duration,
    child: Child,
}

/// Kibibytes of a process that are in memory.
pub(crate) struct Memory {
    /// Now.
    pub(crate) resident: u64,
    /// At most so far.
    pub(crate) peak: u64,
}

impl Server {
    /// Runs `command` with its standard error in `log`, and waits for the line there that tells
    /// the chosen address as `listen=…`.
    pub(crate) fn start(mut command: Command, log: &Path) -> io::Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(log)?);
        let start = Instant::now();
        let mut child = command.spawn()?;
        match address(&mut child, log, start) {
            Ok(address) => Ok(Self { address, started_after: start.elapsed(), child }),
            Err(error) => {
                let _ = child.kill().and_then(|()| child.wait());
                let said = fs::read_to_string(log).unwrap_or_default();
                let program = command.get_program().display();
                Err(io::Error::other(format!("{program}: {error}; it said:\n{said}")))
            }
        }
    }

    pub(crate) fn memory(&self) -> io::Result<Memory> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let kibibytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok())
                .ok_or_else(|| io::Error::other(format!("no {name} in /proc")))
        };
        Ok(Memory { resident: kibibytes("VmRSS")?, peak: kibibytes("VmHWM")? })
    }

    /// Asks it to end by SIGTERM, and waits until it has.
    pub(crate) fn stop(mut self) -> io::Result<ExitStatus> {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let id = id.ok_or_else(|| io::Error::other("a child without a process id"))?;
        kill_process(id, Signal::TERM)?;
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            thread::sleep(POLL);
        }
        Err(io::Error::other("the server does not end on SIGTERM"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing to do if it has ended already.
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// The address from the log, once a connection to it is accepted.
fn address(child: &mut Child, log: &Path, start: Instant) -> io::Result<SocketAddr> {
    while start.elapsed() < PATIENCE {
        let said = fs::read_to_string(log)?;
        // The last line may not be complete.
        let complete = said.rsplit_once('\n').map_or("", |(complete, _)| complete);
        let mut words = complete.split_whitespace();
        if let Some(address) = words.find_map(|word| word.strip_prefix("listen=")) {
            let address = address.parse().map_err(io::Error::other)?;
            TcpStream::connect_timeout(&address, PATIENCE)?;
            return Ok(address);
        }
        if let Some(status) = child.try_wait()? {
            return Err(io::Error::other(format!("ended at once ({status})")));
        }
        thread::sleep(POLL);
    }
    Err(io::Error::other("did not tell its address"))
}

/// The HTTP stack alone: reads the body and answers as the daemon does, for ever.
pub(crate) fn serve_floor() -> io::Result<()> {
    let received = warp::path!("accounts" / "webhooks" / "stripe")
        .and(warp::post())
        .and(warp::body::bytes())
        .map(|body| {
            std::hint::black_box::<Bytes>(body);
            warp::reply::with_header("{\"received\":true}", "content-type", "application/json")
        });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        eprintln!("msg=started listen={}", listener.local_addr()?);
        warp::serve(received).incoming(listener).run().await;
        Ok(())
    })
}

/// How long a server may take to start or to end.
const PATIENCE: Duration = Duration::from_secs(30);
/// Also the resolution of the time to start.
const POLL: Duration = Duration::from_micros(200);
