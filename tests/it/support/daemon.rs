//! Starts the built binary with an environment of its own, finds its addresses in its log, and
//! leaves nothing behind.

use std::fmt::Display;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::support::database::Database;
use crate::support::wire::{Answer, Connection};

/// Far more than anything takes; waiting ends as soon as what is waited for has happened.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// How a daemon is started, and the folder that its database is in: whoever starts another one
/// with a clone of this starts it on the same database.
#[derive(Clone)]
pub(crate) struct Options {
    folder: Arc<TempDir>,
    db: PathBuf,
    shell: Option<&'static str>,
    sockets: Option<Arc<[TcpListener; 2]>>,
    args: Vec<String>,
    variables: Vec<(String, String)>,
}

impl Options {
    /// A folder of its own, and nothing configured; nobody looks for missed events or removes old ones
    /// by himself while a test is under way.
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let db = folder.path().join("payhookd.db");
        let variables = vec![
            ("PAYHOOKD_DB".to_owned(), db.display().to_string()),
            ("PAYHOOKD_RECONCILE_EVERY".to_owned(), "off".to_owned()),
            ("PAYHOOKD_PAYPAL_MAX_AGE".to_owned(), "forever".to_owned()),
            ("PAYHOOKD_KEEP_PAYLOADS".to_owned(), "forever".to_owned()),
            ("PAYHOOKD_KEEP_REJECTED".to_owned(), "forever".to_owned()),
            ("PAYHOOKD_KEEP_ISSUES".to_owned(), "forever".to_owned()),
        ];
        Self {
            folder: Arc::new(folder),
            db,
            shell: None,
            sockets: None,
            args: Vec::new(),
            variables,
        }
    }

    /// Live Stripe events signed with [`SECRET`](crate::support::provider::SECRET) are accepted.
    pub(crate) fn stripe() -> Self {
        Self::new().variable("STRIPE_WEBHOOK_SECRET", crate::support::provider::SECRET)
    }

    /// PayPal's play money signed with the
    /// [sandbox authority](crate::support::provider::sandbox_authority) is accepted; certificates come
    /// from this address.
    pub(crate) fn paypal(certificates: SocketAddr) -> Self {
        let options = Self::new();
        let root = crate::support::provider::sandbox_authority().root_pem();
        let root = options.file("root.pem", root);
        options
            .variable("PAYPAL_WEBHOOK_ID", crate::support::provider::WEBHOOK_ID)
            .variable("PAYPAL_ENVIRONMENT", "sandbox")
            .variable("PAYHOOKD_PAYPAL_CERT_ROOTS", root.display())
            .variable("PAYHOOKD_PAYPAL_CERT_HOST", certificates)
    }

    /// One more argument.
    pub(crate) fn arg(mut self, arg: impl Display) -> Self {
        self.args.push(arg.to_string());
        self
    }

    /// One more environment variable, or another value for it.
    pub(crate) fn variable(mut self, name: &str, value: impl Display) -> Self {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_string()));
        self
    }

    /// A shell does this first and then becomes the binary.
    pub(crate) fn through_shell(mut self, first: &'static str) -> Self {
        self.shell = Some(first);
        self
    }

    /// With a public and an admin listener that stay open when the daemon ends, handed over as a
    /// service manager does.
    pub(crate) fn on_sockets(mut self, sockets: &Arc<[TcpListener; 2]>) -> Self {
        self.sockets = Some(Arc::clone(sockets));
        self.through_shell(
            "exec 3<&0 4>&1 0</dev/null 1>/dev/null; export LISTEN_FDS=2 LISTEN_PID=$$",
        )
    }

    /// Without this environment variable.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.variables.retain(|(known, _)| known != name);
        self
    }

    /// The clock stands still at this time.
    pub(crate) fn clock(self, rfc3339: impl Display) -> Self {
        self.arg("--unsafe-test-clock").arg(rfc3339)
    }

    /// The folder that goes away with the last clone of this.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The database file.
    pub(crate) fn db(&self) -> &Path {
        &self.db
    }

    /// Puts a file into the folder, or in place of one there, so that whoever reads it reads all of it.
    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let (path, new) = (self.folder().join(name), self.folder().join(format!("{name}.new")));
        std::fs::write(&new, content).expect("a file is written");
        std::fs::rename(&new, &path).expect("a file is put in its place");
        path
    }

    /// Starts the daemon and waits until it has said where it listens.
    pub(crate) fn start(&self) -> Daemon {
        let mut child = self
            .binary()
            .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
            .args(&self.args)
            .stdin(self.socket(0))
            .stdout(self.socket(1))
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let stderr = child.stderr.take().expect("standard error is piped");
        let log = Arc::new(Log::default());
        let of_thread = Arc::clone(&log);
        let reader = std::thread::spawn(move || of_thread.read(BufReader::new(stderr)));
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut daemon = Daemon {
            options: self.clone(),
            child,
            log,
            reader: Some(reader),
            public: nowhere,
            admin: nowhere,
        };
        let started = daemon.wait_for_line("admin_listen");
        daemon.public = address(&started, &[" listen=", "\"listen\":\""]);
        daemon.admin = address(&started, &["admin_listen=", "\"admin_listen\":\""]);
        daemon
    }

    fn socket(&self, place: usize) -> Stdio {
        self.sockets.as_ref().map_or_else(Stdio::null, |sockets| {
            OwnedFd::from(sockets[place].try_clone().expect("a socket")).into()
        })
    }

    /// Runs the daemon where it is to refuse to start, and returns what it said.
    pub(crate) fn start_refused(&self) -> Output {
        let output = self
            .binary()
            .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
            .args(&self.args)
            .stdin(Stdio::null())
            .output()
            .expect("the binary runs");
        assert!(!output.status.success(), "it was to refuse to start: {output:?}");
        output
    }

    /// Runs another command than the daemon on the same database.
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.run_with_input(args, "")
    }

    /// The same, with this on its standard input.
    pub(crate) fn run_with_input(&self, args: &[&str], input: &str) -> Output {
        let mut child = self
            .binary()
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut stdin = child.stdin.take().expect("standard input is piped");
        // A command that does not read it may have ended.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        child.wait_with_output().expect("the binary runs")
    }

    /// Runs a command that is to succeed, and returns what it printed.
    pub(crate) fn done(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).expect("text")
    }

    /// The binary with nothing in its environment but what is set here.
    pub(crate) fn binary(&self) -> Command {
        let binary = env!("CARGO_BIN_EXE_payhookd");
        let mut command = match self.shell {
            None => Command::new(binary),
            Some(_) => Command::new("sh"),
        };
        if let Some(first) = self.shell {
            command.args(["-c", &format!("{first}; exec \"$0\" \"$@\""), binary]);
        }
        command.env_clear().current_dir(self.folder());
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// The database, to look into it.
    pub(crate) fn database(&self) -> Database {
        Database::open(&self.db)
    }
}

/// A running daemon; killed when it is dropped.
pub(crate) struct Daemon {
    options: Options,
    child: Child,
    log: Arc<Log>,
    reader: Option<JoinHandle<()>>,
    /// Where the providers come in.
    pub(crate) public: SocketAddr,
    /// Where the shop comes in.
    pub(crate) admin: SocketAddr,
}

/// How a daemon ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Its exit status.
    pub(crate) status: ExitStatus,
    /// All that it logged.
    pub(crate) log: String,
}

impl Daemon {
    /// How it was started; starts another one on the same database.
    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    /// A connection to the public listener.
    pub(crate) fn connect(&self) -> Connection {
        Connection::open(self.public)
    }

    /// One request to the public listener on a connection of its own.
    pub(crate) fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Answer {
        self.connect().request(method, path, headers, body)
    }

    /// POST to the public listener on a connection of its own.
    pub(crate) fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Answer {
        self.request("POST", path, headers, body)
    }

    /// GET from the public listener on a connection of its own.
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &[], "")
    }

    /// GET from the admin listener on a connection of its own.
    pub(crate) fn get_admin(&self, path: &str) -> Answer {
        Connection::open(self.admin).request("GET", path, &[], "")
    }

    /// Delivers a body as Stripe would, signed now with [`SECRET`](crate::support::provider::SECRET).
    pub(crate) fn deliver_stripe(&self, body: impl AsRef<[u8]>) -> Answer {
        let signature = crate::support::provider::stripe_signature(body.as_ref());
        self.post(crate::support::provider::STRIPE, &[("stripe-signature", &signature)], body)
    }

    /// Delivers a body as PayPal's sandbox would, in a transmission that is new unless it is this
    /// body's with this certificate URL.
    pub(crate) fn deliver_paypal(&self, body: &str, cert_url: &str) -> Answer {
        let id = format!("{:08x}", crc32fast::hash(format!("{body}{cert_url}").as_bytes()));
        let headers = crate::support::provider::transmission(body, &id, cert_url);
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, &**value)).collect();
        self.post(crate::support::provider::PAYPAL, &headers, body)
    }

    /// The database, to look into it.
    pub(crate) fn database(&self) -> Database {
        self.options.database()
    }

    /// The process's id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How much of its memory is resident, in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        self.kib("VmRSS")
    }

    /// The most that ever was.
    pub(crate) fn peak_kib(&self) -> u64 {
        self.kib("VmHWM")
    }

    fn kib(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()));
        let status = status.expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        kib.unwrap_or_else(|| panic!("no {name} in {status}"))
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().text.clone()
    }

    /// Waits for a line of the log that contains this, and returns the first.
    pub(crate) fn wait_for_line(&self, containing: &str) -> String {
        self.log.wait_for_line(containing)
    }

    /// Sends SIGTERM and waits for the end.
    pub(crate) fn terminate(self) -> Ended {
        self.signal(Signal::TERM);
        self.wait()
    }

    /// Sends SIGKILL, after which the process runs not one instruction more.
    pub(crate) fn kill(self) -> Ended {
        self.signal(Signal::KILL);
        self.wait()
    }

    /// Sends a signal and goes on.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("the daemon is running");
    }

    /// Waits until it ends by itself.
    pub(crate) fn wait(mut self) -> Ended {
        let began = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                break status;
            }
            assert!(began.elapsed() < DEADLINE, "it does not end; its log:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(2));
        };
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the log is read");
        }
        Ended { status, log: self.log() }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("the log of the daemon:\n{}", self.log());
        }
    }
}

/// What came on standard error, as it comes.
#[derive(Default)]
struct Log {
    state: Mutex<Logged>,
    changed: Condvar,
}

#[derive(Default)]
struct Logged {
    text: String,
    ended: bool,
}

impl Log {
    fn read(&self, mut from: impl BufRead) {
        let mut line = Vec::new();
        while from.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            self.lock().text.push_str(&String::from_utf8_lossy(&line));
            self.changed.notify_all();
            line.clear();
        }
        self.lock().ended = true;
        self.changed.notify_all();
    }

    fn wait_for_line(&self, containing: &str) -> String {
        let began = Instant::now();
        let mut logged = self.lock();
        loop {
            let complete = logged.text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
            if let Some(line) = complete.into_iter().find(|line| line.contains(containing)) {
                return line.trim_end().to_owned();
            }
            let left = DEADLINE.saturating_sub(began.elapsed());
            assert!(
                !logged.ended && !left.is_zero(),
                "no line with {containing:?} in the log:\n{}",
                logged.text
            );
            let waited = self.changed.wait_timeout(logged, left);
            logged = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Logged> {
        // Whoever waited in vain panicked with it; the log is to be shown then.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn address(line: &str, keys: &[&str]) -> SocketAddr {
    let rest = keys.iter().find_map(|key| Some(line.split_once(key)?.1));
    let value = rest.and_then(|rest| rest.split([' ', '"']).next());
    value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{keys:?} in {line}"))
}

/// Waits until `condition` holds; `what` it is, for the one who reads that it did not.
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < DEADLINE, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
