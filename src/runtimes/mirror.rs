//! `Mirror`: the registry that nodes are sent to, and for which hosts.

use crate::error::{Error, NextStep, Result};
use crate::oci::Host;

/// One host that images are named after, and where its repositories lie in the mirror.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mirrored {
    pub(crate) host: Host,
    /// What stands in front of the repository there; empty for nothing.
    pub(crate) namespace: String,
}

/// The mirror, as the nodes are to see it.
#[derive(Clone, Debug)]
pub(crate) struct Mirror {
    pub(crate) host: Host,
    /// It speaks http.
    pub(crate) plain_http: bool,
    /// In order, each once.
    pub(crate) sources: Vec<Mirrored>,
    /// Nodes may ask the hosts themselves where the mirror does not do.
    pub(crate) fallback: bool,
    /// The certificates that vouch for it, as PEM.
    pub(crate) ca: Option<String>,
    /// As whom nodes log in.
    pub(crate) username: Option<String>,
}

impl Mirror {
    /// Host and port as a connection needs them.
    fn authority(&self) -> String {
        if self.plain_http { self.host.without_tls() } else { self.host.to_string() }
    }

    fn scheme(&self) -> &'static str {
        if self.plain_http { "http" } else { "https" }
    }

    /// `https://HOST`, without any path.
    pub(super) fn origin(&self) -> String {
        format!("{}://{}", self.scheme(), self.authority())
    }

    /// `https://HOST/v2/NAMESPACE`; without a namespace there is no path.
    pub(super) fn url(&self, namespace: &str) -> String {
        if namespace.is_empty() { self.origin() } else { format!("{}/v2/{namespace}", self.origin()) }
    }

    /// `HOST/NAMESPACE`, without scheme and version.
    pub(super) fn location(&self, namespace: &str) -> String {
        let separator = if namespace.is_empty() { "" } else { "/" };
        format!("{}{separator}{namespace}", self.authority())
    }

    /// The authority's certificate, where nodes check any.
    pub(super) fn ca(&self) -> Option<&str> {
        self.ca.as_deref().filter(|_| !self.plain_http)
    }

    /// That it has a name which this runtime reads.
    ///
    /// # Errors
    /// It is the address of an interface, as IPv6.
    pub(super) fn refuse_ipv6(&self, what: &str) -> Result<()> {
        if !self.host.is_ipv6() {
            return Ok(());
        }
        let message = format!("{}: {what} takes no IPv6 address for a mirror", self.host);
        Err(Error::Usage { message, next: Some(NextStep::NameRegistryByName) })
    }
}
