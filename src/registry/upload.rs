//! Bringing a blob into a repository: by mounting, or by an upload session.
//!
//! distribution-spec v1.1 "Pushing blobs" (end-4b, end-5, end-6, end-11, end-13). What the closing
//! digest does not cover was never there, so a session may be given up at any time.

use url::Url;

use super::auth::scope::Scope;
use super::ladder::{MOST_CHUNK, Rung};
use super::peer::Peer;
use super::registries::Registries;
use super::wire::exchange::{Body, Method, Request, Response};
use super::wire::origin::Purpose;
use crate::error::{Error, Kind, NextStep, Result};
use crate::oci::{Descriptor, Digest, Repository};
use crate::store::{Content, sleep};

/// What a registry answered to a mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mount {
    /// The blob is in the repository.
    Done,
    /// It has to be sent, and a session is open for that.
    Session,
    /// Neither.
    Refused,
}

/// A session, and how much of the blob it holds.
struct Session {
    url: Url,
    held: u64,
}

/// Why one way of sending a blob came to nothing.
enum Setback {
    /// The connection broke, or the host failed for now; `sent` bytes of the request were on the way.
    Broke { error: Error, sent: u64 },
    /// It cannot be done, or not so.
    Failed(Error),
}

impl Registries {
    /// Opens an upload session; the URL to go on with. `has_leave` says that leave for a whole upload
    /// is held already.
    pub(super) fn start_upload(&self, to: &Repository, has_leave: bool) -> Result<Url> {
        let peer = self.transport.peer(to.host())?;
        let url = self.transport.url(&peer, &format!("v2/{}/blobs/uploads/", to.path()));
        let mut request = Request::new(Method::POST, url.clone()).body(Body::Bytes(&[]));
        request.has_leave = has_leave;
        let shown = request.shown.clone();
        let mut response = self.transport.send(&peer, &Scope::push(to.path()), request)?;
        let next = NextStep::CheckAddressAndProxy;
        match response.status {
            202 => {}
            status @ 200..=299 => return Err(Error::refused(format!("{shown}: {status} instead of an upload"), next)),
            _ => return Err(response.failure(&shown)),
        }
        if let Some(least) = response.header("oci-chunk-min-length").and_then(|v| v.parse().ok()) {
            peer.ladder.at_least(least);
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

    /// Takes a blob over from another repository of the registry, if that has it.
    pub(crate) fn mount(&self, to: &Repository, from: &Repository, digest: &Digest) -> Result<Mount> {
        let peer = self.transport.peer(to.host())?;
        let mut url = self.transport.url(&peer, &format!("v2/{}/blobs/uploads/", to.path()));
        url.query_pairs_mut().append_pair("mount", digest.as_str()).append_pair("from", from.path());
        let request = Request::new(Method::POST, url.clone()).body(Body::Bytes(&[]));
        let scope = if from == to { Scope::push(to.path()) } else { Scope::mount(to.path(), from.path()) };
        let mut response = match self.transport.send(&peer, &scope, request) {
            Ok(response) => response,
            // Registries refuse mounts in many ways, and take the blob all the same.
            Err(e) if matches!(e.kind(), Kind::Transient | Kind::Act) => return Ok(Mount::Refused),
            Err(e) => return Err(e),
        };
        let mount = match response.status {
            201 => Mount::Done,
            202 => Mount::Session,
            _ => Mount::Refused,
        };
        if mount == Mount::Session {
            let session = location(&peer, &url, &response)?;
            self.sessions().entry(to.clone()).or_default().extend(session);
        }
        response.drain();
        Ok(mount)
    }

    /// Sends a blob, until it is there or there is no hope.
    pub(crate) fn upload(&self, to: &Repository, descriptor: &Descriptor, content: &mut dyn Content) -> Result<()> {
        let peer = self.transport.peer(to.host())?;
        let retry = self.transport.options.retry;
        // For all of it: between its requests it may be reading from a host, and whoever reads must
        // not have to wait for leave to send.
        let _leave = self.transport.leave_to_upload(&peer);
        let mut rung = peer.ladder.now();
        let mut session: Option<Session> = None;
        // Tries since something was gained: content in the session, or a smaller chunk.
        let mut tries = 0;
        // Sessions given up since one held more than any before it: what each of them gains anew is
        // no progress.
        let (mut given_up, mut most_held) = (0, 0);
        loop {
            let held = session.as_ref().map_or(0, |s| s.held);
            let (error, sent) = match self.attempt(&peer, to, rung, &mut session, descriptor, content) {
                Ok(()) => return Ok(()),
                Err(Setback::Broke { error, sent }) => (error, sent),
                Err(Setback::Failed(error)) => {
                    let Some(next) = another_rung(&peer, rung, &error) else { return Err(error) };
                    (rung, session, tries) = (next, None, 0);
                    continue;
                }
            };
            session = session.and_then(|lost| self.ask_session(&peer, to, lost, descriptor.size));
            // Refused where the session said to go on: it does not know where it stands.
            session = session.filter(|s| error.status() != Some(416) || s.held > held);
            let now = session.as_ref().map_or(0, |s| s.held);
            if session.is_none() && sent > 0 {
                peer.ladder.lost(rung, sent);
            }
            let before = rung;
            // A session that stands is gone on with, whatever becomes of new ones.
            rung = if session.is_some() && rung == Rung::Whole { Rung::Streamed } else { rung };
            rung = if session.is_none() { peer.ladder.now() } else { rung };
            given_up += u32::from(session.is_none());
            tries = if now > held { 0 } else { tries + 1 };
            if now > most_held {
                (most_held, given_up) = (now, 0);
            }
            if rung.step() < before.step() {
                (tries, given_up) = (0, 0);
            }
            if tries.max(given_up) > retry.times {
                return Err(error);
            }
            sleep(retry.delay(tries), self.transport.watch.as_ref())?;
        }
    }

    fn attempt(
        &self,
        peer: &Peer,
        to: &Repository,
        rung: Rung,
        session: &mut Option<Session>,
        descriptor: &Descriptor,
        content: &mut dyn Content,
    ) -> Result<(), Setback> {
        let size = descriptor.size;
        let standing = match session {
            Some(standing) => standing,
            None => {
                let waiting = self.sessions().get_mut(to).and_then(Vec::pop);
                let url = match waiting {
                    Some(url) => url,
                    None => self.start_upload(to, true).map_err(Setback::Failed)?,
                };
                session.insert(Session { url, held: 0 })
            }
        };
        let alone = matches!(rung, Rung::Chunked { alone: true, .. });
        if rung == Rung::Whole || size == 0 {
            return self.close(peer, to, standing, descriptor, Some(content));
        }
        while standing.held < size {
            let len = rung.step().min(size - standing.held);
            content.seek_to(standing.held).map_err(Setback::Failed)?;
            let last = standing.held + len - 1;
            let mut request = Request::new(Method::PATCH, standing.url.clone())
                .header("content-type", "application/octet-stream")
                .header("content-range", format!("{}-{last}", standing.held))
                .body(Body::Content { content, offset: standing.held, len });
            request.alone = alone;
            let mut response = self.transfer(peer, to, request, len)?;
            // Not what the reply says it holds: registries are behind, or count from one.
            standing.held += len;
            if let Some(next) = location(peer, &standing.url, &response).map_err(Setback::Failed)? {
                standing.url = next;
            }
            response.drain();
        }
        self.close(peer, to, standing, descriptor, None)
    }

    /// The closing PUT, with the whole body or with none.
    fn close(
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
        let request = Request::new(Method::PUT, url).header("content-type", "application/octet-stream").body(body);
        let shown = request.shown.clone();
        let mut response = self.transfer(peer, to, request, len)?;
        response.agrees(digest, &shown).map_err(Setback::Failed)?;
        response.drain();
        Ok(())
    }

    /// Sends a part of a blob, and sorts what can come of it.
    fn transfer(&self, peer: &Peer, to: &Repository, mut request: Request<'_>, len: u64) -> Result<Response, Setback> {
        request.has_leave = true;
        let shown = request.shown.clone();
        let error = match self.transport.send(peer, &Scope::push(to.path()), request) {
            Ok(response) if matches!(response.status, 200..=204) => return Ok(response),
            Ok(mut response) => response.failure(&shown),
            Err(e) => e,
        };
        // What we sent was hashed on the way out, so it changed on the line.
        let changed = error.code() == Some("DIGEST_INVALID");
        // Not every registry gives a broken session the same name; 416 is one that went on elsewhere.
        let lost = matches!(error.code(), Some("BLOB_UPLOAD_INVALID" | "BLOB_UPLOAD_UNKNOWN"));
        let misplaced = error.status() == Some(416) && len <= MOST_CHUNK;
        if error.kind() == Kind::Transient || changed || lost || misplaced {
            let sent = if error.status().is_none() { len } else { 0 };
            return Err(Setback::Broke { error, sent });
        }
        Err(Setback::Failed(error))
    }

    /// Where a session stands after a break; `None` if it is lost.
    fn ask_session(&self, peer: &Peer, to: &Repository, session: Session, size: u64) -> Option<Session> {
        let mut request = Request::new(Method::GET, session.url.clone());
        request.has_leave = true;
        let mut response = self.transport.send(peer, &Scope::push(to.path()), request).ok()?;
        let held = response.header("range").and_then(held).filter(|held| *held <= size);
        let url = location(peer, &session.url, &response).ok()?.unwrap_or(session.url);
        response.drain();
        match (response.status, held) {
            (202 | 204, Some(held)) => Some(Session { url, held }),
            _ => None,
        }
    }
}

/// Another way to send to a host that refused this one as such, rather than the content.
fn another_rung(peer: &Peer, tried: Rung, error: &Error) -> Option<Rung> {
    let too_large = matches!(error.status(), Some(413 | 416));
    let unknown = matches!(error.status(), Some(404 | 405 | 501)) || error.code() == Some("UNSUPPORTED");
    if too_large || unknown { peer.ladder.refused(tried, too_large) } else { None }
}

/// Bytes held according to `Range: 0-N`. `0-0` stands for one byte or none, so it counts as lost.
pub(crate) fn held(range: &str) -> Option<u64> {
    let (start, end) = range.strip_prefix("bytes=").unwrap_or(range).split_once('-')?;
    let end: u64 = end.parse().ok()?;
    end.checked_add(1).filter(|_| start == "0" && end > 0)
}

/// Where an upload goes on. Each answer's Location replaces the one before.
fn location(peer: &Peer, from: &Url, response: &Response) -> Result<Option<Url>> {
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
