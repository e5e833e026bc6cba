//! What went wrong with a connection, in our terms, and whose fault it is: the registry's or that of the
//! proxy on the way to it.

use std::io;

use url::Url;

use super::proxied::ProxyFailed;
use super::proxy::Via;
use super::tls::{SpeaksTls, explain};
use crate::error::{Error, Kind};
use crate::oci::BadContent;

/// An error of ureq, for a request to `host`; `via` is the proxy on the way to this URL.
pub(super) fn failed(error: ureq::Error, host: &str, via: Option<(&Via, &Url)>, shown: &str) -> Error {
    let error = match (error, via) {
        // Without TLS, it is the proxy that is spoken to.
        (error, Some((via, _))) if SpeaksTls::is(&error) => {
            return Error::Proxy { proxy: via.name.to_string(), reason: SpeaksTls.to_string(), status: None };
        }
        (ureq::Error::Other(other), Some((via, url))) => match other.downcast::<ProxyFailed>() {
            Ok(proxy) => return by_proxy(*proxy, via, url),
            Err(other) => ureq::Error::Other(other),
        },
        (error, _) => error,
    };
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

/// What the proxy, or the way to it, is at fault for.
fn by_proxy(failed: ProxyFailed, via: &Via, url: &Url) -> Error {
    let (host, proxy) = (via.proxy.host(), via.name.to_string());
    let port = url.port_or_known_default().unwrap_or_default();
    let tunnel = format!("CONNECT {}:{port}", url.host_str().unwrap_or_default());
    if let Some(status) = failed.status() {
        return Error::Proxy { proxy, reason: format!("{tunnel}: {status}"), status: Some(status) };
    }
    if let Some(explained) = explain(&failed.0, host) {
        return explained.at(format!("through the proxy {proxy}"));
    }
    let reason = match failed.0 {
        ureq::Error::HostNotFound => format!("host {host} not found"),
        ureq::Error::Io(e) => e.to_string(),
        ureq::Error::Timeout(which) => unanswered(which),
        ureq::Error::ConnectProxyFailed(words) => format!("{tunnel}: {words}"),
        other => other.to_string(),
    };
    Error::Proxy { proxy, reason, status: None }
}

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

/// What a timeout of ureq means.
fn unanswered(which: ureq::Timeout) -> String {
    match which {
        ureq::Timeout::Connect | ureq::Timeout::Resolve => "no connection in time".into(),
        ureq::Timeout::PerCall => "no progress within the idle timeout, or too little".into(),
        _ => "no progress within the idle timeout".into(),
    }
}
