//! TLS: whom we trust, and as whom we show ourselves.
//!
//! Trusted are the system's roots (or `SSL_CERT_FILE`/`SSL_CERT_DIR` in their place), every
//! `--ca-file`, and what certs.d holds for a registry. Client certificates and certs.d serve the
//! registry alone: storage it redirects to and proxies on the way get neither.

mod certs;
mod connector;
mod der;
mod explain;
mod issuer;
mod plain;
#[cfg(test)]
mod tests;
mod trust;
mod verifier;
mod weak;

#[cfg(test)]
use connector::agent;
pub(crate) use connector::agent_for;
pub(crate) use explain::explain;
pub(crate) use plain::SpeaksTls;
pub use trust::TlsOptions;
pub(crate) use trust::{HostTls, Tls};
