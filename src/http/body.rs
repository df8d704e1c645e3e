//! A request's body, read piece by piece, bounded in size, time and memory.

use std::pin::pin;
use std::sync::Arc;

use futures_util::{Stream, StreamExt};
use warp::Buf;

use super::connections::SLOWEST_REQUEST;
use super::room::{Room, Share};
use crate::domain::refusal::NotTaken;

/// Up to this size a body is read whatever else is in memory: webhooks are smaller, and there are
/// only so many connections.
const SMALL: usize = 16 * 1024;
/// Memory for all that is larger.
const LARGE: usize = 64 * 1024 * 1024;

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyError {
    /// Larger than allowed.
    TooLarge,
    /// Not whole within the time.
    TooSlow,
    /// The sender went away, or broke the protocol.
    Broken,
    /// Too many large bodies at once, and this one took longest.
    NoRoom,
}

impl BodyError {
    /// The same as log and metrics have it.
    pub(super) fn reason(self) -> NotTaken {
        match self {
            Self::TooLarge => NotTaken::TooLarge,
            Self::TooSlow => NotTaken::TooSlow,
            Self::Broken => NotTaken::Broken,
            Self::NoRoom => NotTaken::NoRoom,
        }
    }
}

/// What bodies may cost.
#[derive(Clone, Debug)]
pub(super) struct Bodies {
    largest: usize,
    room: Arc<Room>,
}

/// A body, and its share of the memory for large ones, held as long as the body.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) bytes: Vec<u8>,
    share: Share,
}

impl Bodies {
    pub(super) fn new(largest: usize) -> Self {
        Self { largest, room: Room::new(LARGE) }
    }

    /// Reads all of `stream`; `announced` is its `Content-Length`, if there is one.
    pub(super) async fn read(
        &self,
        announced: Option<u64>,
        stream: impl Stream<Item = Result<impl Buf, warp::Error>>,
    ) -> Result<Body, BodyError> {
        if announced.is_some_and(|announced| announced > self.largest as u64) {
            return Err(BodyError::TooLarge);
        }
        let mut body = Body { bytes: Vec::new(), share: self.room.enter() };
        let collected = body.collect(self.largest, announced, stream);
        tokio::time::timeout(SLOWEST_REQUEST, collected)
            .await
            .unwrap_or(Err(BodyError::TooSlow))?;
        Ok(body)
    }
}

impl Body {
    /// It is of a genuine sender, and does not give way to anybody any more.
    pub(super) fn keep(&self) {
        self.share.keep();
    }

    /// Returns when it has to give way.
    pub(super) async fn cut(&self) {
        self.share.cut().await;
    }

    async fn collect(
        &mut self,
        largest: usize,
        announced: Option<u64>,
        stream: impl Stream<Item = Result<impl Buf, warp::Error>>,
    ) -> Result<(), BodyError> {
        let announced = announced.and_then(|announced| usize::try_from(announced).ok());
        let most = announced.unwrap_or(largest);
        let mut stream = pin!(stream);
        loop {
            let piece = tokio::select! {
                biased;
                () = self.share.cut() => return Err(BodyError::NoRoom),
                piece = stream.next() => piece,
            };
            let Some(piece) = piece else { return Ok(()) };
            let mut piece = piece.map_err(|_| BodyError::Broken)?;
            if self.bytes.len() + piece.remaining() > largest {
                return Err(BodyError::TooLarge);
            }
            self.make_room(piece.remaining(), most)?;
            while piece.has_remaining() {
                let chunk = piece.chunk();
                self.bytes.extend_from_slice(chunk);
                let length = chunk.len();
                piece.advance(length);
            }
        }
    }

    /// For `more` bytes, of `most` that will come. What is counted is what is allocated, beyond that
    /// which is small.
    fn make_room(&mut self, more: usize, most: usize) -> Result<(), BodyError> {
        let (length, before) = (self.bytes.len(), self.bytes.capacity());
        let needed = length + more;
        if needed <= before {
            return Ok(());
        }
        let after = needed.max((before * 2).min(most));
        let counted = |capacity: usize| if capacity > SMALL { capacity } else { 0 };
        if !self.share.grow(counted(after) - counted(before)) {
            return Err(BodyError::NoRoom);
        }
        self.bytes.reserve_exact(after - length);
        Ok(())
    }
}
