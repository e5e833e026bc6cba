//! Which proxy a URL goes through, by the environment variables that everybody sets.
//!
//! The rules are Go's (`golang.org/x/net/http/httpproxy`), with addresses, CIDR blocks, suffixes
//! and ports in `NO_PROXY`; loopback never goes through a proxy. Chosen here per URL, since ureq
//! takes the first variable that is set for every scheme.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use ureq::Proxy;
use url::{Host, Url};

use super::address::{Nearness, nearness};
use super::env::Env;
use super::proxied::takes_whole_requests;
use super::secrets::keep_from_authority;
use crate::error::{Error, NextStep, Result};
use crate::store::{Event, Watch};

/// A proxy, and what to call it.
#[derive(Clone, Debug)]
pub(crate) struct Via {
    pub(crate) proxy: Proxy,
    /// `proxy.example:3128 (HTTPS_PROXY)`: never a user name or password.
    pub(crate) name: Arc<str>,
}

impl Via {
    /// Whether it is the proxy that answers a request for this URL, by its own word or the registry's.
    pub(crate) fn answers(&self, url: &Url) -> bool {
        url.scheme() == "http" && takes_whole_requests(&self.proxy)
    }
}

/// The proxies of a run.
#[derive(Debug, Default)]
pub(crate) struct Proxies {
    http: Option<Via>,
    https: Option<Via>,
    exempt: Vec<Exempt>,
    /// What was said to go through one.
    shown: Mutex<HashSet<String>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Exempt {
    All,
    /// An address block: its first bits are these.
    Block(IpAddr, u32),
    /// A name, with or without what is below it, and a port.
    Name {
        name: String,
        only_below: bool,
        port: Option<u16>,
    },
    Address(IpAddr, Option<u16>),
}

impl Proxies {
    /// Reads `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, upper case first.
    ///
    /// # Errors
    /// When a variable holds no proxy URL.
    pub(crate) fn from_env(env: Env<'_>) -> Result<Self> {
        let find = |names: &[&'static str]| {
            let set = |name: &&'static str| env(name).filter(|v| !v.trim().is_empty()).map(|v| (*name, v));
            names.iter().find_map(set).map(|(name, value)| parse(name, value.trim())).transpose()
        };
        let no_proxy = env("NO_PROXY").or_else(|| env("no_proxy")).unwrap_or_default();
        Ok(Self {
            http: find(&["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])?,
            https: find(&["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])?,
            exempt: no_proxy.split([',', ' ']).filter_map(exempt).collect(),
            shown: Mutex::default(),
        })
    }

    /// The proxy for this URL, if it goes through one.
    pub(crate) fn of(&self, url: &Url) -> Option<Via> {
        let proxy = if url.scheme() == "https" { &self.https } else { &self.http };
        proxy.as_ref().filter(|_| !self.is_exempt(url)).cloned()
    }

    /// The same, said to whoever watches the first time for each host.
    pub(crate) fn of_shown(&self, url: &Url, watch: &dyn Watch) -> Option<Via> {
        let via = self.of(url)?;
        let host = url.origin().ascii_serialization();
        if self.shown.lock().unwrap_or_else(PoisonError::into_inner).insert(host.clone()) {
            watch.on(Event::Learned { host: &host, what: &format!("goes through the proxy {}", via.name) });
        }
        Some(via)
    }

    fn is_exempt(&self, url: &Url) -> bool {
        let port = url.port_or_known_default();
        let (name, address) = match url.host() {
            Some(Host::Domain(name)) => (name.trim_end_matches('.').to_ascii_lowercase(), None),
            Some(Host::Ipv4(ip)) => (String::new(), Some(IpAddr::V4(ip))),
            Some(Host::Ipv6(ip)) => (String::new(), Some(ip.to_canonical())),
            None => return true,
        };
        if name == "localhost" || address.is_some_and(|ip| nearness(ip) == Nearness::ThisMachine) {
            return true;
        }
        let same_port = |wanted: &Option<u16>| wanted.is_none() || *wanted == port;
        self.exempt.iter().any(|rule| match rule {
            Exempt::All => true,
            Exempt::Address(ip, wanted) => address == Some(*ip) && same_port(wanted),
            Exempt::Block(block, bits) => address.is_some_and(|ip| is_in(ip, *block, *bits)),
            Exempt::Name { name: rule, only_below, port: wanted } => {
                let below = name.strip_suffix(rule.as_str()).is_some_and(|rest| rest.ends_with('.'));
                (below || (!only_below && name == *rule)) && same_port(wanted)
            }
        })
    }
}

fn parse(name: &str, value: &str) -> Result<Via> {
    keep_from_authority(value);
    let with_scheme = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
    // The value may hold a password, so it is not shown.
    let unusable =
        |_| Error::Usage { message: format!("{name} holds no proxy URL"), next: Some(NextStep::SetProxyUrl) };
    let proxy = Proxy::new(&with_scheme).map_err(unusable)?;
    let name = format!("{}:{} ({name})", proxy.host(), proxy.port()).into();
    Ok(Via { proxy, name })
}

fn exempt(text: &str) -> Option<Exempt> {
    let text = text.trim().to_ascii_lowercase();
    if text.is_empty() {
        return None;
    }
    if text == "*" {
        return Some(Exempt::All);
    }
    if let Some((address, bits)) = text.split_once('/') {
        let address: IpAddr = address.parse().ok()?;
        let bits = bits.parse().ok().filter(|bits| *bits <= if address.is_ipv4() { 32 } else { 128 })?;
        return Some(Exempt::Block(address, bits));
    }
    if let Ok(address) = text.trim_matches(['[', ']']).parse() {
        return Some(Exempt::Address(address, None));
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, Some(port.parse().ok()?)),
        None => (text.as_str(), None),
    };
    if let Ok(address) = host.trim_matches(['[', ']']).parse() {
        return Some(Exempt::Address(address, port));
    }
    let host = host.strip_prefix('*').unwrap_or(host);
    let name = host.strip_prefix('.').unwrap_or(host);
    Some(Exempt::Name { name: name.into(), only_below: host.starts_with('.'), port })
}

fn is_in(address: IpAddr, block: IpAddr, bits: u32) -> bool {
    let (address, block, width) = match (address, block) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (u128::from(a.to_bits()), u128::from(b.to_bits()), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits(), b.to_bits(), 128),
        _ => return false,
    };
    let rest = width - bits;
    address.checked_shr(rest) == block.checked_shr(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goes_through(no_proxy: &str, url: &str) -> bool {
        let env = |name: &str| match name {
            "HTTPS_PROXY" => Some("http://secure.example:3128".to_owned()),
            "http_proxy" => Some("plain.example:8080".to_owned()),
            "NO_PROXY" => Some(no_proxy.to_owned()),
            _ => None,
        };
        Proxies::from_env(&env).expect("proxies").of(&Url::parse(url).expect("url")).is_some()
    }

    #[test]
    fn each_scheme_has_its_proxy_and_loopback_has_none() {
        let env = |name: &str| (name == "HTTPS_PROXY").then(|| "http://p.example:1".to_owned());
        let proxies = Proxies::from_env(&env).expect("proxies");
        assert!(proxies.of(&Url::parse("https://r.example/").expect("url")).is_some());
        assert!(proxies.of(&Url::parse("http://r.example/").expect("url")).is_none());
        for loopback in ["https://localhost/", "https://127.0.0.1:5000/", "https://[::1]/"] {
            assert!(!goes_through("", loopback), "{loopback}");
        }
    }

    #[test]
    fn a_proxy_is_called_by_its_host_and_its_variable() {
        let env = |name: &str| (name == "ALL_PROXY").then(|| "http://me:canary@p.example:3128".to_owned());
        let via = |url: &str| Proxies::from_env(&env).expect("proxies").of(&Url::parse(url).expect("url"));
        let via = [via("https://r.example/"), via("http://r.example/")].map(|via| via.expect("a proxy"));
        assert!(via.iter().all(|via| &*via.name == "p.example:3128 (ALL_PROXY)"), "{via:?}");
    }

    #[test]
    fn no_proxy_knows_names_suffixes_ports_addresses_and_blocks() {
        let cases = [
            ("a.example", "https://a.example/", false),
            ("a.example", "https://x.a.example/", false),
            ("a.example", "https://ba.example/", true),
            (".a.example", "https://a.example/", true),
            (".a.example, b", "https://x.a.example/", false),
            ("*.a.example", "https://x.a.example/", false),
            ("A.Example:5000", "https://a.example:5000/", false),
            ("a.example:5000", "https://a.example/", true),
            ("10.0.0.0/8", "https://10.9.8.7/", false),
            ("10.0.0.0/8", "https://11.0.0.1/", true),
            ("0.0.0.0/0", "https://11.0.0.1/", false),
            ("172.18.0.20", "http://172.18.0.20:5000/", false),
            ("172.18.0.20:443", "http://172.18.0.20:5000/", true),
            ("fd00::/8", "https://[fd12::1]/", false),
            ("fd00::1", "https://[fd00::1]/", false),
            ("*", "https://a.example/", false),
            (",, ,10.0.0.0/40,:", "https://a.example/", true),
        ];
        for (no_proxy, url, through) in cases {
            assert_eq!(goes_through(no_proxy, url), through, "NO_PROXY={no_proxy} {url}");
        }
    }

    #[test]
    fn what_is_no_proxy_is_named_by_its_variable_and_not_shown() {
        let env = |name: &str| (name == "HTTPS_PROXY").then(|| "gopher://user:secret@p".to_owned());
        let error = Proxies::from_env(&env).expect_err("no proxy").to_string();
        assert!(error.contains("HTTPS_PROXY") && !error.contains("secret"), "{error}");
    }
}
