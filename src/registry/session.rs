//! Upload sessions: opened, asked where they stand, closed, given up.
//!
//! distribution-spec v1.1 "Pushing blobs" (end-4a, end-5, end-6, end-13). What the closing digest
//! does not cover was never there, so a session may be given up at any time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::Builder;

use url::Url;

use super::auth::scope::Scope;
use super::capabilities::Feature;
use super::ladder::MOST_CHUNK;
use super::peer::Peer;
use super::registries::Registries;
use super::wire::exchange::{Body, Method, Request, Response};
use super::wire::origin::Purpose;
use super::wire::silence::until;
use crate::error::{Error, Kind, NextStep, Result};
use crate::oci::{Descriptor, Repository};
use crate::store::{Content, Endpoint, STACK};

/// A session, and how much of the blob it holds.
pub(super) struct Session {
    pub(super) url: Url,
    pub(super) held: u64,
    /// Opened just now: whatever it refuses, it is not for being lost.
    pub(super) is_new: bool,
}

/// Why one way of sending a blob came to nothing.
pub(super) enum Setback {
    /// The connection broke, or the host failed for now.
    Broke(Broken),
    /// It cannot be done.
    Failed(Error),
    /// It cannot be done so.
    Refused(Error),
}

/// A request that broke.
pub(super) struct Broken {
    pub(super) error: Error,
    /// Bytes of content that were on the way.
    pub(super) sent: u64,
    /// It closes the upload, and all of it went out: it may have taken effect.
    pub(super) may_have_closed: bool,
    /// It may have been one too many at once.
    pub(super) is_load: bool,
    /// No registry wrote that answer.
    pub(super) is_of_proxy: bool,
}

impl Registries {
    /// Opens an upload session; the URL to go on with. `has_leave` says that leave for a whole upload
    /// is held already.
    pub(super) fn start_upload(&self, to: &Repository, has_leave: bool) -> Result<Url> {
        let peer = self.transport.peer(to.host())?;
        let url = self.transport.url(&peer, &format!("v2/{}/blobs/uploads/", to.path()));
        let mut request = Request::new(Method::POST, url.clone()).body(Body::Bytes(&[]));
        (request.has_leave, request.writes) = (has_leave, true);
        let shown = request.shown.clone();
        let answer = self.transport.send(&peer, &Scope::push(to.path()), request);
        let mut response = answer.map_err(without_conflict)?;
        response.is_no_page()?;
        let next = NextStep::CheckAddressAndProxy;
        match response.status {
            202 => {}
            status @ 200..=299 => return Err(Error::refused(format!("{shown}: {status} instead of an upload"), next)),
            _ => return Err(with_cache(response.failure(&shown))),
        }
        if let Some(least) = response.header("oci-chunk-min-length").and_then(|v| v.parse().ok()) {
            peer.capabilities.ladder.at_least(least);
        }
        let session = location(&peer, &url, &response)?;
        response.drain();
        session.ok_or_else(|| Error::refused(format!("{shown}: an upload without a Location"), next))
    }

    /// Gives up a session.
    pub(crate) fn end_upload(&self, to: &Repository, session: Url) -> Result<()> {
        let peer = self.transport.peer(to.host())?;
        self.transport.send_once(&peer, &Scope::push(to.path()), Request::new(Method::DELETE, session))
    }

    /// The closing PUT, with the whole body or with none.
    pub(super) fn close(
        &self,
        peer: &Peer,
        to: &Repository,
        session: &Session,
        descriptor: &Descriptor,
        content: Option<&mut dyn Content>,
    ) -> Result<(), Setback> {
        let Descriptor { digest, size, .. } = descriptor;
        let mut url = session.url.clone();
        // Added to what is there: the rest of the query is the registry's own business.
        url.query_pairs_mut().append_pair("digest", digest.as_str());
        let (body, len) = match content {
            Some(content) if *size > 0 => {
                content.seek_to(0).map_err(Setback::Failed)?;
                (Body::Content { content, offset: 0, len: *size }, *size)
            }
            Some(content) => {
                // Nothing to send, and still to be checked.
                content.seek_to(0).map_err(Setback::Failed)?;
                content.read(&mut [0]).map_err(|e| Setback::Failed(Error::from_read(e)))?;
                (Body::Bytes(&[]), 0)
            }
            None => (Body::Bytes(&[]), 0),
        };
        let mut request = Request::new(Method::PUT, url).header("content-type", "application/octet-stream").body(body);
        // What became of it is asked for before it is sent again.
        (request.commits, request.once) = (true, true);
        let shown = request.shown.clone();
        let closed = || self.is_closed(to, descriptor);
        let mut response = self.transfer(peer, to, session, request, (len, &closed))?;
        response.agrees(digest, &shown).map_err(Setback::Failed)?;
        response.drain();
        Ok(())
    }

    /// Sends a part of a blob, and sorts what can come of it.
    pub(super) fn transfer(
        &self,
        peer: &Peer,
        to: &Repository,
        session: &Session,
        mut request: Request<'_>,
        (len, closed): (u64, &(dyn Fn() -> bool + Sync)),
    ) -> Result<Response, Setback> {
        let moved = Arc::new(AtomicU64::new(0));
        request.moved = Some(moved.clone());
        (request.has_leave, request.writes) = (true, true);
        let (shown, closes, unread) = (request.shown.clone(), request.commits, request.unread.clone());
        let asks_first = request.asks_first() && peer.takes(Feature::Expect);
        let scope = Scope::push(to.path());
        let send = || self.transport.send(peer, &scope, request);
        let answer =
            if closes { self.unless(|| moved.load(Ordering::Relaxed) == len && closed(), send) } else { send() };
        let error = match answer {
            Ok(response) if matches!(response.status, 200..=204) => return Ok(response),
            Ok(mut response) => response.failure(&shown),
            Err(e) => e,
        };
        // Where it comes from, it was tried as often as it may be; and this host is not to be judged by that.
        if let Some(unread) = unread.error() {
            return Err(Setback::Failed(unread));
        }
        let moved = moved.load(Ordering::Relaxed);
        let (status, code) = (error.status(), error.code());
        let passes = error.kind() == Kind::Transient || status == Some(409);
        // What we sent was hashed on the way out, so it changed on the line.
        let changed = code == Some("DIGEST_INVALID");
        // Not every registry gives a broken session the same name; 416 is one that went on elsewhere.
        let nameless = status == Some(404) && code.is_none() && !session.is_new;
        let lost = nameless || matches!(code, Some("BLOB_UPLOAD_INVALID" | "BLOB_UPLOAD_UNKNOWN"));
        let misplaced = status == Some(416) && len <= MOST_CHUNK;
        let is_of_proxy = status == Some(400) && code.is_none();
        // Refused before anything moved: for asking first, perhaps.
        let unexpected = asks_first && moved == 0 && matches!(status, None | Some(400 | 411 | 501 | 505));
        if unexpected && (passes || status.is_some()) {
            peer.lacks(Feature::Expect, &error.to_string(), self.transport.watch.as_ref());
        }
        if passes || changed || lost || misplaced || is_of_proxy || (unexpected && status.is_some()) {
            let is_load = matches!(status, Some(429 | 503)) || (status.is_none() && moved == 0 && len > 0);
            return Err(Setback::Broke(Broken {
                sent: if status.is_none() { len } else { 0 },
                may_have_closed: closes && moved == len,
                is_load,
                is_of_proxy,
                error,
            }));
        }
        let so = matches!(status, Some(404 | 405 | 413 | 416 | 501)) || code == Some("UNSUPPORTED");
        Err(if so { Setback::Refused(error) } else { Setback::Failed(error) })
    }

    /// Sends a closing request, and looks now and then whether it took effect while its answer does not
    /// come.
    fn unless<R>(&self, closed: impl Fn() -> bool + Sync, send: impl FnOnce() -> R) -> R {
        let over = Arc::new(AtomicBool::new(false));
        let idle = self.transport.options.idle_timeout;
        std::thread::scope(|scope| {
            let (end, ended) = mpsc::channel::<()>();
            let look = {
                let (over, closed) = (over.clone(), &closed);
                move || {
                    while ended.recv_timeout(idle) == Err(RecvTimeoutError::Timeout) {
                        over.store(closed(), Ordering::Relaxed);
                    }
                }
            };
            // Where there is no thread for that, the answer is waited for.
            let looking = Builder::new().stack_size(STACK).spawn_scoped(scope, look);
            let answer = until(&over, send);
            drop((end, looking));
            answer
        })
    }

    /// Whether the blob is there after a closing request without a clear answer.
    pub(super) fn is_closed(&self, to: &Repository, descriptor: &Descriptor) -> bool {
        // What cannot be known is sent again.
        self.holds(to, Endpoint::Blobs, descriptor, &Scope::push(to.path()), true).unwrap_or(false)
    }

    /// A session that could not be opened.
    pub(super) fn not_opened(error: Error) -> Setback {
        let is_load = match error.status() {
            Some(status) => matches!(status, 429 | 503),
            None => error.kind() == Kind::Transient,
        };
        if !is_load {
            return Setback::Failed(error);
        }
        Setback::Broke(Broken { error, sent: 0, may_have_closed: false, is_load, is_of_proxy: false })
    }

    /// Where a session stands after a break; `None` if it is lost.
    pub(super) fn ask_session(&self, peer: &Peer, to: &Repository, session: Session, size: u64) -> Option<Session> {
        let mut request = Request::new(Method::GET, session.url.clone());
        request.has_leave = true;
        let mut response = self.transport.send(peer, &Scope::push(to.path()), request).ok()?;
        let held = response.header("range").and_then(held).filter(|held| *held <= size);
        let url = location(peer, &session.url, &response).ok()?.unwrap_or(session.url);
        response.drain();
        match (response.status, held) {
            (202 | 204, Some(held)) => Some(Session { url, held, is_new: false }),
            _ => None,
        }
    }
}

/// What came in the way of an upload every time is no refusal of its content: a later run may do.
pub(super) fn for_now(error: Error) -> Error {
    let lost = matches!(error.code(), Some("BLOB_UPLOAD_INVALID" | "BLOB_UPLOAD_UNKNOWN"));
    if error.kind() != Kind::Act || !(lost || matches!(error.status(), Some(404 | 409 | 416))) {
        return error;
    }
    Error::Network { request: "upload".into(), reason: format!("the registry did not keep it: {error}") }
}

/// The same of a conflict, which another request caused.
pub(super) fn without_conflict(error: Error) -> Error {
    if error.status() == Some(409) { for_now(error) } else { error }
}

/// Says what registries mean that open no uploads at all.
pub(super) fn with_cache(error: Error) -> Error {
    if error.status() != Some(405) && error.code() != Some("UNSUPPORTED") {
        return error;
    }
    Error::refused(error.to_string(), NextStep::PushElsewhere)
}

/// Bytes held according to `Range: 0-N`. `0-0` stands for one byte or none, so it counts as lost.
pub(crate) fn held(range: &str) -> Option<u64> {
    let (start, end) = range.strip_prefix("bytes=").unwrap_or(range).split_once('-')?;
    let end: u64 = end.parse().ok()?;
    end.checked_add(1).filter(|_| start == "0" && end > 0)
}

/// Where an upload goes on. Each answer's Location replaces the one before.
pub(super) fn location(peer: &Peer, from: &Url, response: &Response) -> Result<Option<Url>> {
    let Some(location) = response.header("location") else { return Ok(None) };
    Ok(Some(peer.origin().follow(Purpose::Upload, from, location)?.url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_holds_what_its_range_says_unless_that_is_ambiguous() {
        assert_eq!(held("0-1023"), Some(1024));
        assert_eq!(held("bytes=0-9"), Some(10));
        for lost in ["0-0", "", "5-9", "0-", "x-9", "0-18446744073709551615", "0-18446744073709551616"] {
            assert_eq!(held(lost), None, "{lost}");
        }
    }
}
