//! What a failed request says: whether it passes, and whether it was only one too many at once.

use super::capabilities::Feature;
use super::peer::Peer;
use super::wire::exchange::Request;
use super::wire::gate::Permit;
use crate::error::{Error, Kind};
use crate::store::Watch;

/// Whether the same request may fare better.
pub(super) fn passes(failure: &Error, request: &Request<'_>) -> bool {
    match failure.status() {
        // Only those that were found worth repeating come here.
        Some(401 | 403) => true,
        Some(400 | 409) if request.writes => true,
        _ => failure.kind() == Kind::Transient,
    }
}

/// A server, or what stands in front of it, that takes so many connections and no more answers 503 or
/// 429, or ends the connection before anything moved.
pub(super) fn is_sign_of_load(failure: &Error, request: &Request<'_>) -> bool {
    match failure.status() {
        Some(status) => matches!(status, 429 | 503),
        None => failure.kind() == Kind::Transient && !request.has_moved(),
    }
}

/// Lets in fewer at once where that may be the reason. Whether it is one: then the failure does not
/// count against the request.
pub(super) fn is_load(
    peer: &Peer,
    permit: Option<&Permit>,
    failure: &Error,
    request: &Request<'_>,
    watch: &dyn Watch,
) -> bool {
    let excused = is_sign_of_load(failure, request) && permit.is_some_and(Permit::overloaded);
    if excused {
        peer.lacks(Feature::ManyRequests, &failure.to_string(), watch);
    }
    excused
}
