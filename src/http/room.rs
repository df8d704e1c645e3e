//! Memory that all who send large bodies share.
//!
//! Only what has really arrived takes room: what is announced costs nothing. When there is none left,
//! whoever has taken longest to send goes first. So to keep a body out that comes within a moment, one
//! would have to send all of the room's bytes within that moment.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// The memory for large bodies of one listener.
#[derive(Debug)]
pub(super) struct Room {
    most: usize,
    holders: Mutex<Holders>,
}

#[derive(Debug, Default)]
struct Holders {
    next: u64,
    held: usize,
    /// Those who hold some, by when they began.
    all: BTreeMap<u64, Holder>,
}

#[derive(Debug)]
struct Holder {
    bytes: usize,
    /// Nothing shows yet that a genuine sender is behind it.
    may_go: bool,
    cut: Arc<Notify>,
}

/// What one body takes of the room. Given back when it is dropped.
#[derive(Debug)]
pub(super) struct Share {
    room: Arc<Room>,
    number: u64,
    cut: Arc<Notify>,
}

impl Room {
    /// Room for so many bytes.
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, holders: Mutex::default() })
    }

    /// Whoever begins now, and holds nothing yet.
    pub(super) fn enter(self: &Arc<Self>) -> Share {
        let mut holders = self.lock();
        let number = holders.next;
        holders.next += 1;
        Share { room: Arc::clone(self), number, cut: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Holders> {
        self.holders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    /// Takes `bytes` more, for which those who began earlier have to go if need be. `false`, and
    /// nothing is taken, if there is no room even so.
    pub(super) fn grow(&self, bytes: usize) -> bool {
        let mut holders = self.room.lock();
        while holders.held + bytes > self.room.most {
            let mut all = holders.all.iter();
            let longest = all.find(|(_, one)| one.may_go).map(|(number, _)| *number);
            let Some(longest) = longest.filter(|longest| *longest < self.number) else {
                return false;
            };
            if let Some(gone) = holders.remove(longest) {
                gone.cut.notify_one();
            }
        }
        holders.held += bytes;
        let cut = &self.cut;
        let mine = holders.all.entry(self.number);
        mine.or_insert_with(|| Holder { bytes: 0, may_go: true, cut: Arc::clone(cut) }).bytes +=
            bytes;
        true
    }

    /// It stays from now on, unless it had to go already.
    pub(super) fn keep(&self) {
        if let Some(mine) = self.room.lock().all.get_mut(&self.number) {
            mine.may_go = false;
        }
    }

    /// Returns when it had to go: its room is somebody else's.
    pub(super) async fn cut(&self) {
        self.cut.notified().await;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.room.lock().remove(self.number);
    }
}

impl Holders {
    fn remove(&mut self, number: u64) -> Option<Holder> {
        let gone = self.all.remove(&number)?;
        self.held -= gone.bytes;
        Some(gone)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn is_cut(share: &Share) -> bool {
        share.cut().now_or_never().is_some()
    }

    #[test]
    fn whoever_has_taken_longest_goes_first() {
        let room = Room::new(100);
        let [first, second, third] = [(); 3].map(|()| room.enter());
        assert!(second.grow(40) && first.grow(40) && third.grow(20));
        assert!(third.grow(10));
        assert!(is_cut(&first) && !is_cut(&second) && !is_cut(&third));
        // There is room for a little more.
        assert!(second.grow(30) && room.lock().held == 100);
        // Nobody began before it but those who went.
        assert!(!second.grow(1) && room.lock().held == 100);
        assert!(third.grow(1) && is_cut(&second));
        assert_eq!(room.lock().held, 31);
    }

    #[test]
    fn whoever_may_stay_stays() {
        let room = Room::new(100);
        let [first, second, third] = [(); 3].map(|()| room.enter());
        assert!(first.grow(60) && second.grow(40));
        first.keep();
        assert!(third.grow(40) && is_cut(&second) && !is_cut(&first));
        assert!(!third.grow(1));
        drop(first);
        assert!(third.grow(60) && !third.grow(1));
        drop((second, third));
        assert_eq!(room.lock().held, 0);
        assert!(room.lock().all.is_empty());
    }
}
