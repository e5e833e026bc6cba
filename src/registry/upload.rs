//! Bringing a blob into a repository by an upload session, however the registry and the line take it.
//!
//! What became of a closing request without a clear answer is asked for before anything is sent
//! again: storage behind a registry may finish after a proxy has given up.

use std::time::{Duration, Instant};

use super::capabilities::Feature;
use super::ladder::Rung;
use super::peer::Peer;
use super::registries::Registries;
use super::session::{Broken, Session, Setback, for_now, location};
use super::wire::exchange::{Body, Method, Request};
use crate::error::{Error, Result};
use crate::oci::{Descriptor, Repository};
use crate::store::{Content, sleep};

/// An answer that took longer than this may be a proxy's, which did not wait for the registry's.
const PROMPT: Duration = Duration::from_secs(1);
/// Looks, with these pauses (ms) between them, for what a closing request may have brought, where its
/// answer was lost at once, and where it took its time.
const SHORT: [u64; 1] = [250];
const LONG: [u64; 5] = [250, 500, 1000, 1500, 2000];

/// How far one blob's way is.
struct Way {
    rung: Rung,
    session: Option<Session>,
    /// Tries since something was gained: content in the session, or a smaller chunk.
    tries: u32,
    /// Sessions given up since one held more than any before it: what each of them gains anew is no
    /// progress.
    given_up: u32,
    most_held: u64,
    /// A blob that did not show was waited for.
    waited: bool,
}

impl Registries {
    /// Sends a blob, until it is there or there is no hope.
    pub(crate) fn upload(&self, to: &Repository, descriptor: &Descriptor, content: &mut dyn Content) -> Result<()> {
        let peer = self.transport.peer(to.host())?;
        let (retry, watch) = (self.transport.options.retry, self.transport.watch.as_ref());
        let ladder = &peer.capabilities.ladder;
        // For all of it: between its requests it may be reading from a host, and whoever reads must
        // not have to wait for leave to send.
        let mut leave = self.transport.leave_to_upload(&peer);
        let rung = ladder.now();
        let mut way = Way { rung, session: None, tries: 0, given_up: 0, most_held: 0, waited: false };
        loop {
            let (held, started) = (way.session.as_ref().map_or(0, |s| s.held), Instant::now());
            let broken = match self.attempt(&peer, to, &mut way, descriptor, content) {
                Ok(()) => {
                    leave.answered();
                    ladder.arrived(way.rung, descriptor.size);
                    return Ok(());
                }
                Err(Setback::Broke(broken)) => broken,
                Err(Setback::Failed(error)) => return Err(error),
                Err(Setback::Refused(error)) => {
                    let Some(next) = self.another_rung(&peer, way.rung, &error) else { return Err(error) };
                    (way.rung, way.session, way.tries) = (next, None, 0);
                    continue;
                }
            };
            let took = started.elapsed();
            let excused = broken.is_load && leave.overloaded();
            if excused {
                peer.lacks(Feature::ManyRequests, &broken.error.to_string(), watch);
            }
            if broken.is_load {
                // Others go on meanwhile; and nobody waits for leave who still reads.
                drop(leave);
                content.let_go();
                sleep(retry.delay(way.tries), watch)?;
                leave = self.transport.leave_to_upload(&peer);
            }
            if broken.may_have_closed && self.is_closed(to, descriptor) {
                ladder.arrived(way.rung, descriptor.size);
                return Ok(());
            }
            way.session = way.session.and_then(|lost| self.ask_session(&peer, to, lost, descriptor.size));
            // Refused where the session said to go on, or failed there again: it does not know where it stands.
            way.session = way.session.filter(|s| !matches!(broken.error.status(), Some(416 | 500)) || s.held > held);
            if way.session.is_none() && broken.may_have_closed && !std::mem::replace(&mut way.waited, true) {
                let pauses = if took > PROMPT { &LONG[..] } else { &SHORT };
                for pause in pauses {
                    sleep(Duration::from_millis(*pause), watch)?;
                    if self.is_closed(to, descriptor) {
                        ladder.arrived(way.rung, descriptor.size);
                        return Ok(());
                    }
                }
            }
            if !excused && let Some(error) = self.take_stock(&peer, &mut way, held, broken) {
                return Err(error);
            }
            sleep(retry.delay(way.tries), watch)?;
        }
    }

    /// What is left to try after a break; the error to end with where that is nothing.
    fn take_stock(&self, peer: &Peer, way: &mut Way, held: u64, broken: Broken) -> Option<Error> {
        let (ladder, retry) = (&peer.capabilities.ladder, self.transport.options.retry);
        let now = way.session.as_ref().map_or(0, |s| s.held);
        if way.session.is_none() && broken.sent > 0 {
            ladder.lost(way.rung, broken.sent);
        }
        let before = way.rung;
        // A session that stands is gone on with, whatever becomes of new ones.
        way.rung = match (&way.session, way.rung) {
            (None, _) => ladder.now(),
            (Some(_), Rung::Whole) => Rung::Streamed,
            (Some(_), rung) => rung,
        };
        way.given_up += u32::from(way.session.is_none());
        way.tries = if now > held { 0 } else { way.tries + 1 };
        if now > way.most_held {
            (way.most_held, way.given_up) = (now, 0);
        }
        if way.rung.step() < before.step() {
            (way.tries, way.given_up) = (0, 0);
        }
        // What stands between us may take it in another way.
        if broken.is_of_proxy
            && way.tries == 2
            && let Some(next) = self.another_rung(peer, way.rung, &broken.error)
        {
            (way.rung, way.session) = (next, None);
        }
        (way.tries.max(way.given_up) > retry.times).then(|| for_now(broken.error))
    }

    fn attempt(
        &self,
        peer: &Peer,
        to: &Repository,
        way: &mut Way,
        descriptor: &Descriptor,
        content: &mut dyn Content,
    ) -> Result<(), Setback> {
        let (size, rung) = (descriptor.size, way.rung);
        let standing = match &mut way.session {
            Some(standing) => standing,
            None => {
                let waiting = self.sessions().get_mut(to).and_then(Vec::pop);
                let (url, is_new) = match waiting {
                    Some(url) => (url, false),
                    None => (self.start_upload(to, true).map_err(Self::not_opened)?, true),
                };
                way.session.insert(Session { url, held: 0, is_new })
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
            let mut response = self.transfer(peer, to, standing, request, (len, &|| false))?;
            // Not what the reply says it holds: registries are behind, or count from one.
            (standing.held, standing.is_new) = (standing.held + len, false);
            if let Some(next) = location(peer, &standing.url, &response).map_err(Setback::Failed)? {
                standing.url = next;
            }
            response.drain();
        }
        self.close(peer, to, standing, descriptor, None)
    }

    /// Another way to send to a host that refused this one as such, rather than the content.
    fn another_rung(&self, peer: &Peer, tried: Rung, error: &Error) -> Option<Rung> {
        let too_large = matches!(error.status(), Some(413 | 416));
        let feature = match tried {
            _ if too_large => Feature::LargeBodies,
            Rung::Whole => Feature::BodyOnPut,
            Rung::Streamed | Rung::Chunked { .. } => Feature::Patch,
        };
        peer.lacks(feature, &error.to_string(), self.transport.watch.as_ref());
        peer.capabilities.ladder.refused(tried, too_large)
    }
}
