//! A request's body, read piece by piece, bounded in size, time and memory.

use std::pin::pin;
use std::sync::Arc;

use futures_util::{Stream, StreamExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use warp::Buf;

use super::connections::SLOWEST_REQUEST;
use crate::domain::refusal::NotTaken;

/// Up to this size a body is read whatever else is in memory: webhooks are smaller, and there are
/// only so many connections.
const SMALL: usize = 16 * 1024;
/// Memory for all that is larger, in kibibytes.
const LARGE_KIB: usize = 64 * 1024;

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyError {
    /// Larger than allowed.
    TooLarge,
    /// Not whole within the time.
    TooSlow,
    /// The sender went away, or broke the protocol.
    Broken,
    /// Too many large bodies at once.
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
    room: Arc<Semaphore>,
}

/// A body, and its share of the memory for large ones.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) bytes: Vec<u8>,
    /// Held as long as the body.
    room: Option<OwnedSemaphorePermit>,
}

impl Bodies {
    pub(super) fn new(largest: usize) -> Self {
        Self { largest, room: Arc::new(Semaphore::new(LARGE_KIB)) }
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
        tokio::time::timeout(SLOWEST_REQUEST, self.collect(announced, stream))
            .await
            .unwrap_or(Err(BodyError::TooSlow))
    }

    async fn collect(
        &self,
        announced: Option<u64>,
        stream: impl Stream<Item = Result<impl Buf, warp::Error>>,
    ) -> Result<Body, BodyError> {
        let mut stream = pin!(stream);
        let expected = announced.and_then(|announced| usize::try_from(announced).ok());
        let mut body =
            Body { bytes: Vec::with_capacity(expected.unwrap_or(0).min(SMALL)), room: None };
        while let Some(piece) = stream.next().await {
            let mut piece = piece.map_err(|_| BodyError::Broken)?;
            if body.bytes.len() + piece.remaining() > self.largest {
                return Err(BodyError::TooLarge);
            }
            if body.room.is_none() && body.bytes.len() + piece.remaining() > SMALL {
                // A sender who does not say how much comes has the most that may come set aside.
                let most = expected.unwrap_or(self.largest).div_ceil(1024);
                let most = u32::try_from(most).map_err(|_| BodyError::TooLarge)?;
                let room = Arc::clone(&self.room).try_acquire_many_owned(most);
                body.room = Some(room.map_err(|_| BodyError::NoRoom)?);
            }
            while piece.has_remaining() {
                let chunk = piece.chunk();
                body.bytes.extend_from_slice(chunk);
                let length = chunk.len();
                piece.advance(length);
            }
        }
        Ok(body)
    }
}
