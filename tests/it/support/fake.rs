//! A small HTTP server that plays the other side: it answers as it is told and remembers what it
//! was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;

use crate::support::daemon::DEADLINE;

/// A running server; it is gone when this is dropped.
pub(crate) struct Fake {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What somebody asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// The method.
    pub(crate) method: String,
    /// The path, with the query if there is one.
    pub(crate) path: String,
    /// Names in lower case, and values.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

/// What the server does then.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Status, one more header, and the body.
    Answer(u16, Option<(&'static str, String)>, String),
    /// Nothing, until it is dropped.
    Hang,
    /// Closes the connection.
    Close,
}

type Script = Box<dyn Fn(&Asked) -> Reply + Send + Sync>;

struct Shared {
    script: Script,
    state: Mutex<State>,
    changed: Condvar,
    stopping: AtomicBool,
}

#[derive(Default)]
struct State {
    asked: Vec<Asked>,
    held: bool,
    stopped: bool,
}

impl Reply {
    /// 200 with this body.
    pub(crate) fn ok(body: impl Into<String>) -> Self {
        Self::Answer(200, None, body.into())
    }
}

impl Asked {
    /// The value of a header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| &**value)
    }

    /// The body as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }
}

impl Fake {
    /// Starts a server that does what `script` says.
    pub(crate) fn start(script: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            script: Box::new(script),
            state: Mutex::default(),
            changed: Condvar::new(),
            stopping: AtomicBool::new(false),
        });
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::spawn(move || of_thread.accept(&listener));
        Self { address, shared, thread: Some(thread) }
    }

    /// Everything that was asked so far, in order.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.lock().asked.clone()
    }

    /// How often this path was asked for.
    pub(crate) fn count(&self, path: &str) -> usize {
        self.shared.lock().asked.iter().filter(|asked| asked.path == path).count()
    }

    /// From now on nobody is answered, until [`release`](Self::release).
    pub(crate) fn hold(&self) {
        self.shared.lock().held = true;
    }

    /// Answers all that were held, and everybody after them.
    pub(crate) fn release(&self) {
        self.shared.lock().held = false;
        self.shared.changed.notify_all();
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Release);
        if let Ok(mut state) = self.shared.state.lock() {
            state.stopped = true;
        }
        self.shared.changed.notify_all();
        // Wakes the thread that waits for somebody to connect; it ends, and the port is free.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for connection in listener.incoming() {
            if self.stopping.load(Ordering::Acquire) {
                return;
            }
            let shared = Arc::clone(self);
            std::thread::spawn(move || {
                // Whoever asked may be gone before the answer.
                let _ = connection.and_then(|connection| shared.answer(connection));
            });
        }
    }

    fn answer(&self, mut connection: TcpStream) -> std::io::Result<()> {
        connection.set_read_timeout(Some(DEADLINE))?;
        let Some(asked) = read(&connection)? else { return Ok(()) };
        let mut state = self.lock();
        state.asked.push(asked.clone());
        while state.held && !state.stopped {
            state = self.changed.wait(state).expect("no panic while asked");
        }
        drop(state);
        match (self.script)(&asked) {
            Reply::Answer(status, header, body) => {
                let header = header.map(|(name, value)| format!("{name}: {value}\r\n"));
                let head = format!(
                    "HTTP/1.1 {status} Said\r\n{}content-length: {}\r\nconnection: close\r\n\r\n",
                    header.unwrap_or_default(),
                    body.len()
                );
                connection.write_all(head.as_bytes())?;
                connection.write_all(body.as_bytes())
            }
            Reply::Hang => {
                let mut state = self.lock();
                while !state.stopped {
                    state = self.changed.wait(state).expect("no panic while asked");
                }
                Ok(())
            }
            Reply::Close => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while asked")
    }
}

/// `None` if nothing is asked.
fn read(connection: &TcpStream) -> std::io::Result<Option<Asked>> {
    let mut reader = BufReader::new(connection);
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split(' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let mut asked = Asked { method, path, headers, body: Vec::new() };
    let length = asked.header("content-length").and_then(|length| length.parse().ok());
    asked.body.resize(length.unwrap_or(0), 0);
    reader.read_exact(&mut asked.body)?;
    Ok(Some(asked))
}

/// The parameters of a path's query, in order, decoded.
pub(crate) fn parameters(path: &str) -> Vec<(String, String)> {
    let query = path.split_once('?').map_or("", |(_, query)| query);
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        })
        .collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let digits: String = bytes.by_ref().take(2).map(char::from).collect();
                u8::from_str_radix(&digits, 16).expect("two hex digits")
            }
            b'+' => b' ',
            byte => byte,
        });
    }
    String::from_utf8(decoded).expect("text")
}
