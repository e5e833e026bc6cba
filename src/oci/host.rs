//! `Host`: a registry host as it is compared everywhere, however it was typed.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::Ipv6Addr;
use std::str::FromStr;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::Invalid;

/// The registry of names without a host.
const DOCKER_HUB: &str = "docker.io";
/// The longest DNS name, in characters.
const MAX_NAME: usize = 253;
/// The port of https, which says nothing.
const DEFAULT_PORT: u16 = 443;

/// `NAME[:PORT]` or `[IPV6][:PORT]`: in lower case, without the port that https has anyway. Copies
/// share the text, and two hosts of one text are the same.
#[derive(Clone, JsonSchema)]
#[schemars(with = "String")]
pub struct Host {
    text: Arc<str>,
    /// The port of https was typed, and is not in the text. Without TLS it is another than the usual one.
    had_port: bool,
}

impl Host {
    fn new(text: impl Into<Arc<str>>) -> Self {
        Self { text: text.into(), had_port: false }
    }

    /// Docker Hub, which names without a host mean.
    pub(crate) fn docker_hub() -> Self {
        Self::new(DOCKER_HUB)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Where it is connected to without TLS: port 80, unless another one was typed.
    pub(crate) fn without_tls(&self) -> String {
        if self.had_port { format!("{self}:{DEFAULT_PORT}") } else { self.to_string() }
    }

    /// The name or address, and the port where it is in the text.
    pub(crate) fn split_port(&self) -> (&str, Option<u16>) {
        let parted = self.text.rsplit_once(':').filter(|(name, _)| !name.starts_with('[') || name.ends_with(']'));
        match parted.map(|(name, port)| (name, port.parse())) {
            Some((name, Ok(port))) => (name, Some(port)),
            _ => (&self.text, None),
        }
    }

    /// It is the address of an IPv6 interface.
    pub(crate) fn is_ipv6(&self) -> bool {
        self.text.starts_with('[')
    }

    /// Docker Hub by its usual name.
    pub(crate) fn is_docker_hub(&self) -> bool {
        &*self.text == DOCKER_HUB
    }

    /// Whether a name that begins with this is read as one with a host
    /// (distribution/reference v0.6 `splitDockerDomain`, leaving out upper-case letters).
    pub(crate) fn is_told_from_a_path(&self) -> bool {
        self.text.contains(['.', ':', '[']) || &*self.text == "localhost"
    }
}

impl PartialEq for Host {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Host {}

impl Hash for Host {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl PartialOrd for Host {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Host {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl FromStr for Host {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let bad = || Invalid::new(format!("invalid registry host `{}`", text.escape_debug()));
        let (name, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, port) = rest.split_once(']').ok_or_else(bad)?;
                let address: Ipv6Addr = address.parse().map_err(|_| bad())?;
                (format!("[{address}]"), port)
            }
            None => {
                let (name, port) = text.split_at(text.find(':').unwrap_or(text.len()));
                if !is_name(name) {
                    return Err(bad());
                }
                (name.to_ascii_lowercase(), port)
            }
        };
        let port = match port.strip_prefix(':') {
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                Some(digits.parse::<u16>().ok().filter(|port| *port > 0).ok_or_else(bad)?)
            }
            None if port.is_empty() => None,
            _ => return Err(bad()),
        };
        let bare = Self::new(name);
        Ok(match port {
            // Without its port, a name of one part would be read as the beginning of a path.
            Some(port) if port != DEFAULT_PORT || !bare.is_told_from_a_path() => Self::new(format!("{bare}:{port}")),
            _ if bare.as_str() == "index.docker.io" => Self::docker_hub(),
            port => Self { had_port: port.is_some(), ..bare },
        })
    }
}

fn is_name(text: &str) -> bool {
    let label = |l: &str| {
        let is_inner = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        !l.is_empty() && !l.starts_with('-') && !l.ends_with('-') && l.bytes().all(is_inner)
    };
    text.len() <= MAX_NAME && text.split('.').all(label)
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Host {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_host_has_one_text_however_it_is_typed() {
        for (typed, text) in [
            ("Registry.Example", "registry.example"),
            ("registry.example:443", "registry.example"),
            ("registry.example:5000", "registry.example:5000"),
            ("registry.example:0443", "registry.example"),
            ("registry.example:80", "registry.example:80"),
            ("172.18.0.20:443", "172.18.0.20"),
            ("[FD00:0::1]:443", "[fd00::1]"),
            ("[::1]:5000", "[::1]:5000"),
            ("LOCALHOST:443", "localhost"),
            ("MyHost", "myhost"),
            ("myhost:443", "myhost:443"),
            ("Index.Docker.io", "docker.io"),
            ("index.docker.io:443", "docker.io"),
            ("index.docker.io:5000", "index.docker.io:5000"),
        ] {
            assert_eq!(typed.parse::<Host>().map(|host| host.to_string()), Ok(text.to_owned()), "{typed}");
        }
    }

    #[test]
    fn the_port_is_told_from_an_address() {
        for (typed, name, port) in [
            ("r.example", "r.example", None),
            ("r.example:5000", "r.example", Some(5000)),
            ("[fd00::20]", "[fd00::20]", None),
            ("[fd00::20]:5000", "[fd00::20]", Some(5000)),
        ] {
            let host: Host = typed.parse().expect("a host");
            assert_eq!((host.split_port(), host.is_ipv6()), ((name, port), typed.starts_with('[')), "{typed}");
        }
    }

    #[test]
    fn without_tls_the_port_that_was_typed_counts() {
        for (typed, connected) in
            [("r.example", "r.example"), ("r.example:443", "r.example:443"), ("R.example:80", "r.example:80")]
        {
            assert_eq!(typed.parse::<Host>().map(|host| host.without_tls()), Ok(connected.to_owned()), "{typed}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in [
            "",
            ".",
            "a..b",
            "-a.io",
            "a-.io",
            "a_b.io",
            "a.io:",
            "a.io:0",
            "a.io:65536",
            "a.io:+1",
            "[::1",
            "[::g]",
            "a/b",
            "user@a.io",
            "ä.io",
            "a.io.",
            " a.io",
        ] {
            assert!(text.parse::<Host>().is_err(), "{text:?}");
        }
    }
}
