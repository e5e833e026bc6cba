//! Why a request got no answer, or not the whole of it.

use std::io;

use super::tls::explain;
use crate::error::{Error, Kind};
use crate::oci::BadContent;

/// An I/O error of a connection in our terms; what our own readers put in comes out as it was.
pub(super) fn answered(error: io::Error, shown: &str) -> Error {
    if let Some(bad) = BadContent::of(&error) {
        return bad.clone().into();
    }
    if let Some(ours) = error.get_ref().and_then(|e| e.downcast_ref::<Error>())
        && ours.kind() != Kind::Transient
    {
        return Error::from_read(error);
    }
    let reason = match error.get_ref().and_then(|e| e.downcast_ref::<ureq::Error>()) {
        Some(ureq::Error::Timeout(which)) => unanswered(*which),
        _ => error.to_string(),
    };
    Error::Network { request: shown.into(), reason }
}

/// An error of ureq in our terms.
pub(super) fn failed(error: ureq::Error, host: &str, shown: &str) -> Error {
    if let Some(explained) = explain(&error, host) {
        return explained;
    }
    match error {
        ureq::Error::Io(e) => answered(e, shown),
        ureq::Error::Timeout(which) => Error::Network { request: shown.into(), reason: unanswered(which) },
        ureq::Error::HostNotFound => Error::Network { request: shown.into(), reason: format!("host {host} not found") },
        other => Error::Network { request: shown.into(), reason: other.to_string() },
    }
}

/// What a timeout of ureq means.
fn unanswered(which: ureq::Timeout) -> String {
    match which {
        ureq::Timeout::Connect | ureq::Timeout::Resolve => "no connection in time".into(),
        ureq::Timeout::PerCall => "no progress within the idle timeout, or too little".into(),
        _ => "no progress within the idle timeout".into(),
    }
}
