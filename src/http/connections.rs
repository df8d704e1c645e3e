//! How many connections are open, and which of them must go first.
//!
//! A connection either waits for us (a whole request has arrived and is being answered) or makes us
//! wait: idle, or sending a request slowly. Only the latter are ever closed from here. A sender who
//! opens thousands of connections and drips bytes into them closes his own, because a genuine
//! request arrives in milliseconds and is then no longer among those that make us wait.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;

/// A request must be whole this long after its first byte, a new connection's after the opening.
pub(super) const SLOWEST_REQUEST: Duration = Duration::from_secs(10);
/// A kept-alive connection may stay silent for this long: longer than reverse proxies keep theirs,
/// so that it is they who close, and no request meets a connection that is being closed.
pub(super) const LONGEST_IDLE: Duration = Duration::from_secs(130);

/// The open connections of one listener.
#[derive(Debug)]
pub(super) struct Connections {
    most: usize,
    opened: Instant,
    slots: Mutex<Slots>,
    none_left: Notify,
}

#[derive(Debug, Default)]
struct Slots {
    next: u64,
    open: BTreeMap<u64, Arc<Slot>>,
}

/// One open connection.
#[derive(Debug)]
pub(super) struct Slot {
    number: u64,
    state: AtomicU64,
    close: Notify,
    connections: Weak<Connections>,
}

/// Who is at the other end of a connection: the sender, or a reverse proxy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) IpAddr);

/// What a connection does, packed into one word: milliseconds since the listener began, and one of
/// these in the lowest two bits.
const IDLE: u64 = 0;
const READING: u64 = 1;
const ANSWERING: u64 = 2;

impl Connections {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            opened: Instant::now(),
            slots: Mutex::default(),
            none_left: Notify::new(),
        })
    }

    /// Makes room if there is none, and counts one more.
    pub(super) fn open(self: &Arc<Self>) -> Arc<Slot> {
        let mut slots = self.lock();
        if slots.open.len() >= self.most {
            self.close_one(&mut slots);
        }
        let number = slots.next;
        slots.next += 1;
        let slot = Arc::new(Slot {
            number,
            state: AtomicU64::new(self.since_opened() << 2 | READING),
            close: Notify::new(),
            connections: Arc::downgrade(self),
        });
        slots.open.insert(number, Arc::clone(&slot));
        slot
    }

    /// Closes the connection that has made us wait longest, if there is one.
    pub(super) fn close_longest_waiting(&self) {
        self.close_one(&mut self.lock());
    }

    fn close_one(&self, slots: &mut Slots) {
        let waiting = slots.open.values().filter(|slot| slot.kind() != ANSWERING);
        let longest = waiting.min_by_key(|slot| slot.state.load(Ordering::Relaxed));
        if let Some(number) = longest.map(|slot| slot.number)
            && let Some(slot) = slots.open.remove(&number)
        {
            slot.close.notify_one();
        }
    }

    /// Closes every connection that has made us wait too long.
    pub(super) fn close_slow(&self) {
        let now = self.since_opened();
        let too_long = |slot: &Arc<Slot>| {
            let state = slot.state.load(Ordering::Relaxed);
            let waited = Duration::from_millis(now.saturating_sub(state >> 2));
            match state & 3 {
                IDLE => waited > LONGEST_IDLE,
                READING => waited > SLOWEST_REQUEST,
                _ => false,
            }
        };
        let slots = self.lock();
        for slot in slots.open.values().filter(|slot| too_long(slot)) {
            slot.close.notify_one();
        }
    }

    pub(super) fn count(&self) -> usize {
        self.lock().open.len()
    }

    pub(super) async fn all_closed(&self) {
        loop {
            let none_left = self.none_left.notified();
            if self.count() == 0 {
                return;
            }
            none_left.await;
        }
    }

    fn since_opened(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX >> 2)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    /// A whole request has arrived: from now on it is we who make the sender wait.
    pub(super) fn answering(&self) {
        self.set(ANSWERING);
    }

    /// It has its answer.
    pub(super) fn answered(&self) {
        self.set(IDLE);
    }

    /// Returns when the connection must be closed.
    pub(super) async fn told_to_close(&self) {
        self.close.notified().await;
    }

    fn kind(&self) -> u64 {
        self.state.load(Ordering::Relaxed) & 3
    }

    fn set(&self, kind: u64) {
        let now = self.connections.upgrade().map_or(0, |connections| connections.since_opened());
        self.state.store(now << 2 | kind, Ordering::Relaxed);
    }

    /// Bytes came in: the beginning of a request, if there was none.
    fn received(&self) {
        if self.kind() == IDLE {
            self.set(READING);
        }
    }

    /// The connection is gone.
    pub(super) fn closed(&self) {
        let Some(connections) = self.connections.upgrade() else { return };
        let mut slots = connections.lock();
        slots.open.remove(&self.number);
        if slots.open.is_empty() {
            connections.none_left.notify_waiters();
        }
    }
}

/// A stream that tells its slot when bytes come in.
#[derive(Debug)]
pub(super) struct Watched {
    stream: TcpStream,
    slot: Arc<Slot>,
}

impl Watched {
    pub(super) fn new(stream: TcpStream, slot: Arc<Slot>) -> Self {
        Self { stream, slot }
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.slot.received();
        }
        polled
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_made_by_closing_the_one_that_made_us_wait_longest() {
        let connections = Connections::new(2);
        let (first, second) = (connections.open(), connections.open());
        first.answering();
        // `second` waits since its opening; `first` does not make us wait at all.
        let third = connections.open();
        assert_eq!(connections.count(), 2);
        assert!(!connections.lock().open.contains_key(&second.number));
        for slot in [first, second, third] {
            slot.closed();
        }
        assert_eq!(connections.count(), 0);
    }

    #[test]
    fn nobody_is_closed_while_all_are_being_answered() {
        let connections = Connections::new(1);
        let slot = connections.open();
        slot.answering();
        connections.open();
        assert_eq!(connections.count(), 2);
    }
}
