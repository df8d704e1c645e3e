//! The client half: connections that are kept alive, each sending the next event as soon as its
//! last one is answered.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use crate::events::{self, Template};

/// What came of one run.
pub(crate) struct Load {
    elapsed: Duration,
    /// Of the events that were answered 200: from when each counts, and how long it took.
    answered: Vec<(Instant, Duration)>,
    latencies: Latencies,
    /// How often each status was the answer, and what else happened.
    answers: BTreeMap<String, u64>,
}

/// Latencies in rising order.
pub(crate) struct Latencies(Vec<Duration>);

impl Latencies {
    fn new(latencies: impl Iterator<Item = Duration>) -> Self {
        let mut latencies: Vec<Duration> = latencies.collect();
        latencies.sort_unstable();
        Self(latencies)
    }

    /// What this part of them stays within; 1 for the longest.
    pub(crate) fn part(&self, part: f64) -> Duration {
        let rank = (self.0.len() as f64 * part).ceil() as usize;
        self.0.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    }
}

impl Load {
    /// Events answered 200 a second.
    pub(crate) fn rate(&self) -> f64 {
        // Far fewer than 2^53.
        self.answered.len() as f64 / self.elapsed.as_secs_f64()
    }

    /// The latency that this part of the events stays within; 1 for the longest.
    pub(crate) fn latency(&self, part: f64) -> Duration {
        self.latencies.part(part)
    }

    /// The latencies of the events that were due at such a time.
    pub(crate) fn latencies(&self, is_meant: impl Fn(Instant) -> bool) -> Latencies {
        let meant = self.answered.iter().filter(|(due, _)| is_meant(*due));
        Latencies::new(meant.map(|(_, latency)| *latency))
    }

    /// `200: 50000, 503: 3`.
    pub(crate) fn answers(&self) -> String {
        let answers = self.answers.iter().map(|(answer, count)| format!("{answer}: {count}"));
        answers.collect::<Vec<_>>().join(", ")
    }
}

/// Sends every event of the range once, over `connections` connections, from one thread: each as soon
/// as there is a connection for it or, with a `rate`, so many a second, and then the latency of one that
/// had to wait for a connection counts from when it was due. None is begun after `stop` was set.
///
/// An event that is refused is counted and not sent again. A connection that breaks is counted
/// and given up; the others go on.
pub(crate) fn run(
    address: SocketAddr,
    connections: usize,
    template: &Template,
    events: Range<u64>,
    rate: Option<f64>,
    stop: &Arc<AtomicBool>,
) -> io::Result<Load> {
    assert!(address.ip().is_loopback(), "load is for the loopback interface");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let shared = Rc::new(Shared {
        first: events.start,
        next: Cell::new(events.start),
        pace: Cell::new(None),
        end: events.end,
        stop: Arc::clone(stop),
        answered: RefCell::default(),
        answers: RefCell::default(),
    });
    let local = LocalSet::new();
    let elapsed = local.block_on(&runtime, async {
        let mut open = Vec::new();
        for _ in 0..connections {
            open.push(Connection::open(address, template).await?);
        }
        let start = Instant::now();
        shared.pace.set(rate.map(|rate| (start, Duration::from_secs_f64(1.0 / rate))));
        let tasks: Vec<_> = open
            .into_iter()
            .map(|connection| tokio::task::spawn_local(connection.send_all(Rc::clone(&shared))))
            .collect();
        let all = async {
            for task in tasks {
                task.await.map_err(io::Error::other)?;
            }
            Ok::<(), io::Error>(())
        };
        match tokio::time::timeout(LONGEST, all).await {
            Ok(result) => result?,
            Err(_) => shared.count(&format!("stopped after {} s", LONGEST.as_secs())),
        }
        Ok::<_, io::Error>(start.elapsed())
    })?;
    drop(local);
    let answered = shared.answered.take();
    let latencies = Latencies::new(answered.iter().map(|(_, latency)| *latency));
    Ok(Load { elapsed, answered, latencies, answers: shared.answers.take() })
}

/// What the connections have in common; there is one thread.
struct Shared {
    first: u64,
    next: Cell<u64>,
    end: u64,
    stop: Arc<AtomicBool>,
    /// When the first event is due, and how long after it the second.
    pace: Cell<Option<(Instant, Duration)>>,
    answered: RefCell<Vec<(Instant, Duration)>>,
    answers: RefCell<BTreeMap<String, u64>>,
}

impl Shared {
    fn take_next(&self) -> Option<u64> {
        let number = self.next.get();
        self.next.set(number + 1);
        (number < self.end && !self.stop.load(Ordering::Relaxed)).then_some(number)
    }

    /// Waits until the event is due; from when its latency counts.
    async fn due(&self, number: u64) -> Instant {
        let Some((start, between)) = self.pace.get() else { return Instant::now() };
        // Not more than some millions.
        let due = start + between.mul_f64((number - self.first) as f64);
        tokio::time::sleep_until(due.into()).await;
        let now = Instant::now();
        // The timer itself comes a little late.
        if now > due + TIMER { due } else { now }
    }

    fn count(&self, answer: &str) {
        let mut answers = self.answers.borrow_mut();
        match answers.get_mut(answer) {
            Some(count) => *count += 1,
            None => {
                answers.insert(answer.to_owned(), 1);
            }
        }
    }
}

struct Connection {
    address: SocketAddr,
    stream: TcpStream,
    template: Template,
    /// Everything before the body; time and signature are written over.
    head: Vec<u8>,
    time_at: usize,
    signature_at: usize,
    request: Vec<u8>,
    response: Vec<u8>,
}

impl Connection {
    async fn open(address: SocketAddr, template: &Template) -> io::Result<Self> {
        let before = format!(
            "POST {PATH} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: Stripe/1.0 \
             (+https://stripe.com/docs/webhooks)\r\nAccept: */*; q=0.5, application/xml\r\n\
             Cache-Control: no-cache\r\nContent-Type: application/json; charset=utf-8\r\n\
             Content-Length: {}\r\nStripe-Signature: t=",
            template.body().len()
        );
        let time_at = before.len();
        let signature_at = time_at + TIME_DIGITS + ",v1=".len();
        let head = format!("{before}{:TIME_DIGITS$},v1={:64}\r\n\r\n", 0, "").into_bytes();
        Ok(Self {
            address,
            stream: connect(address).await?,
            template: template.clone(),
            head,
            time_at,
            signature_at,
            request: Vec::new(),
            response: Vec::new(),
        })
    }

    async fn send_all(mut self, shared: Rc<Shared>) {
        while let Some(number) = shared.take_next() {
            let start = shared.due(number).await;
            self.render(number);
            match self.exchange().await {
                Ok(200) => {
                    shared.answered.borrow_mut().push((start, start.elapsed()));
                    shared.count("200");
                }
                Ok(status) => shared.count(&status.to_string()),
                Err(error) => {
                    shared.count(&error.to_string());
                    return;
                }
            }
        }
    }

    /// Makes the next request.
    fn render(&mut self, number: u64) {
        let seconds = events::now().unix_seconds();
        self.template.set(number);
        let signature = self.template.signature(seconds);
        let time = format!("{seconds:TIME_DIGITS$}");
        self.head[self.time_at..self.time_at + TIME_DIGITS].copy_from_slice(time.as_bytes());
        self.head[self.signature_at..self.signature_at + 64].copy_from_slice(&signature);
        self.request.clear();
        self.request.extend_from_slice(&self.head);
        self.request.extend_from_slice(self.template.body());
    }

    /// Sends the request and reads the whole answer; gives its status.
    async fn exchange(&mut self) -> io::Result<u16> {
        self.stream.write_all(&self.request).await?;
        self.response.clear();
        loop {
            if let Some(answer) = Answer::parse(&self.response)? {
                if answer.closes {
                    self.stream = connect(self.address).await?;
                }
                return Ok(answer.status);
            }
            if self.response.len() > LONGEST_ANSWER {
                return Err(io::Error::other("an answer that is too long"));
            }
            if self.stream.read_buf(&mut self.response).await? == 0 {
                return Err(io::Error::other("closed without an answer"));
            }
        }
    }
}

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// What a complete answer says.
struct Answer {
    status: u16,
    closes: bool,
}

impl Answer {
    /// `None` while some of it is missing.
    fn parse(bytes: &[u8]) -> io::Result<Option<Self>> {
        let Some(end) = bytes.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
            return Ok(None);
        };
        let head = std::str::from_utf8(&bytes[..end]).map_err(io::Error::other)?;
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        let status = status.and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| io::Error::other("an answer without a status"))?;
        let (mut length, mut closes) = (None, false);
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse::<usize>().ok();
            }
            if name.eq_ignore_ascii_case("connection") {
                closes = value.trim().eq_ignore_ascii_case("close");
            }
        }
        let length = length.ok_or_else(|| io::Error::other("an answer without a length"))?;
        let complete = bytes.len() >= end + 4 + length;
        Ok(complete.then_some(Self { status, closes }))
    }
}

const PATH: &str = "/accounts/webhooks/stripe/";
/// Of a Unix time, from 2001 to 2286.
const TIME_DIGITS: usize = 10;
/// How late a timer may be.
const TIMER: Duration = Duration::from_millis(3);
const LONGEST_ANSWER: usize = 64 * 1024;
/// The end of a run that does not get there.
const LONGEST: Duration = Duration::from_secs(900);
