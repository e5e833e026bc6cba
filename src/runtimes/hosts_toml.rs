//! `hosts.toml`: where containerd, and all that is built on it, looks for the images of one host
//! (containerd `docs/hosts.md`).

use std::collections::BTreeMap;

use serde::Serialize;

use super::mirror::{Mirror, Mirrored};
use super::setup::{PASSWORD, toml};
use crate::error::Result;
use crate::oci::Host;

/// Anything else than these two drops the whole file in containerd before 2.2.
const CAPABILITIES: [&str; 2] = ["pull", "resolve"];

/// How one server is asked.
#[derive(Serialize)]
struct Server<'a> {
    capabilities: [&'static str; 2],
    #[serde(skip_serializing_if = "Option::is_none")]
    ca: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    override_path: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    header: Option<Header>,
}

#[derive(Serialize)]
struct Header {
    #[serde(rename = "Authorization")]
    authorization: String,
}

/// The mirror is the server itself: nobody else is ever asked.
#[derive(Serialize)]
struct Closed<'a> {
    server: String,
    #[serde(flatten)]
    keys: Server<'a>,
    /// Empty, and needed: without a table of hosts, containerd 1.6 and 1.7 before 1.7.32 drop the file.
    host: BTreeMap<String, String>,
}

/// The mirror is asked before the server.
#[derive(Serialize)]
struct Open<'a> {
    server: String,
    host: BTreeMap<String, Server<'a>>,
}

/// The file for one host. `ca` is the path of the certificate on the node, and `logs_in` writes a header for the login.
pub(super) fn hosts_toml(mirror: &Mirror, source: &Mirrored, ca: Option<&str>, logs_in: bool) -> Result<String> {
    let url = mirror.url(&source.namespace);
    let login = mirror.username.as_ref().filter(|_| logs_in);
    let keys = Server {
        capabilities: CAPABILITIES,
        ca: ca.filter(|_| mirror.ca().is_some()),
        // A path that is not overridden gets another `/v2` behind it.
        override_path: !source.namespace.is_empty(),
        header: login.map(|name| Header { authorization: format!("Basic BASE64 OF {name}:{PASSWORD}") }),
    };
    if mirror.fallback {
        return toml(&Open { server: upstream(&source.host), host: BTreeMap::from([(url, keys)]) });
    }
    toml(&Closed { server: url, keys, host: BTreeMap::new() })
}

/// The registry that a host is by itself.
fn upstream(host: &Host) -> String {
    if host.is_docker_hub() { "https://registry-1.docker.io".into() } else { format!("https://{host}") }
}

/// The folder that containerd looks into for a host: a colon becomes a line, which every drive takes.
pub(super) fn folder(host: &Host) -> String {
    match host.split_port() {
        (name, Some(port)) => format!("{name}_{port}_"),
        (name, None) => name.to_owned(),
    }
}
