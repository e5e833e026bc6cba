//! What is sent after the head of an answer, counted, and told about when the last of it is gone.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::task::{JoinHandle, spawn_blocking};

use super::blob::Reader;
use crate::error::{Error, Result};

/// Where the bytes come from.
enum From {
    Memory(Option<Bytes>),
    Files(Stream),
}

/// Content on its way: a piece that is ready, and the next one that is being read meanwhile.
struct Stream {
    ready: Option<Bytes>,
    next: Option<JoinHandle<Result<(Reader, Bytes)>>>,
    left: u64,
}

/// Told how many bytes went out, and what broke them off, when nothing more goes out.
type Told = Box<dyn FnOnce(u64, Option<Arc<Error>>) + Send>;

/// The body of an answer.
pub(super) struct Outgoing {
    from: From,
    sent: u64,
    broken: Option<Arc<Error>>,
    told: Option<Told>,
}

impl Outgoing {
    /// These bytes, which are in memory.
    pub(super) fn memory(bytes: impl Into<Bytes>) -> Self {
        Self::new(From::Memory(Some(bytes.into()).filter(|bytes| !bytes.is_empty())))
    }

    /// Nothing.
    pub(super) fn empty() -> Self {
        Self::memory(Bytes::new())
    }

    /// What this reader reads, after a piece that it has read.
    pub(super) fn files(reader: Reader, first: Bytes) -> Self {
        let left = reader.left() + first.len() as u64;
        Self::new(From::Files(Stream { ready: Some(first), next: ahead(reader), left }))
    }

    fn new(from: From) -> Self {
        Self { from, sent: 0, broken: None, told: None }
    }

    /// The same, and this is told when it ends.
    pub(super) fn then(mut self, told: impl FnOnce(u64, Option<Arc<Error>>) + Send + 'static) -> Self {
        self.told = Some(Box::new(told));
        self
    }
}

fn ahead(reader: Reader) -> Option<JoinHandle<Result<(Reader, Bytes)>>> {
    (reader.left() > 0).then(|| spawn_blocking(move || reader.next()))
}

impl Stream {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        let bytes = match (self.ready.take(), &mut self.next) {
            (Some(bytes), _) => bytes,
            (None, None) => return Poll::Ready(None),
            (None, Some(next)) => {
                let read = ready!(Pin::new(next).poll(context));
                self.next = None;
                match read.unwrap_or_else(|e| Err(Error::content(format!("reading broke off: {e}")))) {
                    Err(error) => return Poll::Ready(Some(Err(error))),
                    Ok((reader, bytes)) => {
                        self.next = ahead(reader);
                        bytes
                    }
                }
            }
        };
        self.left -= bytes.len() as u64;
        Poll::Ready(Some(Ok(bytes)).filter(|read| read.as_ref().is_ok_and(|bytes| !bytes.is_empty())))
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Arc<Error>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Arc<Error>>>> {
        let read = match &mut self.from {
            From::Memory(bytes) => bytes.take().map(Ok),
            From::Files(stream) => ready!(stream.poll(context)),
        };
        Poll::Ready(match read {
            None => None,
            Some(Ok(bytes)) => {
                self.sent += bytes.len() as u64;
                Some(Ok(Frame::data(bytes)))
            }
            Some(Err(error)) => {
                // The connection is cut, and so nobody takes what was sent for the whole.
                let error = Arc::new(error);
                self.broken = Some(error.clone());
                Some(Err(error))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        match &self.from {
            From::Memory(bytes) => bytes.is_none(),
            From::Files(stream) => stream.ready.is_none() && stream.next.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match &self.from {
            From::Memory(bytes) => bytes.as_ref().map_or(0, |bytes| bytes.len() as u64),
            From::Files(stream) => stream.left,
        })
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        if let Some(told) = self.told.take() {
            told(self.sent, self.broken.take());
        }
    }
}
