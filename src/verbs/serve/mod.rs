//! `serve`: bundles as a registry that is only read (distribution-spec v1.1), straight from the files.
//!
//! Manifests are in memory, and were hashed when the bundles were opened. Other content is read piece by piece, and
//! hashed on the way to the first who asks for it; what is wrong never gets to its end.

mod answer;
mod blob;
mod body;
mod catalogue;
mod checked;
mod conditions;
mod listener;
mod listing;
mod metrics;
mod pace;
mod page;
mod pieces;
mod refusal;
mod route;
mod stock;
mod tls;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use rustix::process::{Resource, getrlimit, setrlimit};
use schemars::JsonSchema;
use serde::Serialize;

use super::opened::{Input, reads_bundles};
use crate::archive::Expectation;
use crate::error::{Error, NextStep, Result};
use crate::oci::{Digest, Host, Reference};
use crate::plan::{Mapping, Naming};
use crate::store::{Event, Watch};
use catalogue::Names;
use listener::{Limits, Server};
use stock::{Lasting, Sources};

pub use tls::Tls;

/// Threads that may wait for a drive.
const READERS: usize = 16;
/// Files that are open besides connections: the bundles, and pieces that are being read.
const OTHER_FILES: u64 = 128;

/// What to serve, where and how.
#[derive(Clone, Debug)]
pub struct Serve {
    input: Input,
    name: Option<Reference>,
    listen: SocketAddr,
    namespace: Option<String>,
    mappings: Vec<Mapping>,
    source_names: bool,
    tls: Tls,
    limits: Limits,
}

/// One image as it is served.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ServedImage {
    /// Its name in the bundle.
    pub name: String,
    /// What it is.
    pub digest: Digest,
    /// The repositories that it is served in.
    pub repositories: Vec<String>,
}

/// A server that has begun.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Serving {
    /// Where it is reached, as in `http://127.0.0.1:5000`.
    pub url: String,
    /// The certificate that clients have to trust, where the server signed its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// The images.
    pub images: Vec<ServedImage>,
}

impl Serve {
    /// These bundles (tars, gzips of them, layout directories, or `-` for standard input), which complete each other;
    /// at this address, or at a free port of it.
    pub fn new(bundles: impl IntoIterator<Item = PathBuf>, listen: SocketAddr) -> Self {
        let seconds = Duration::from_secs;
        Self {
            input: Input::new(bundles),
            name: None,
            listen,
            namespace: None,
            mappings: Vec::new(),
            source_names: true,
            tls: Tls::Off,
            limits: Limits { connections: 4096, head: seconds(30), idle: seconds(60), grace: seconds(20) },
        }
    }

    reads_bundles!();

    /// The source repository of what has only a tag, or no name at all; with a tag it is the name of the only image.
    #[must_use]
    pub fn name(self, name: Option<Reference>) -> Self {
        Self { name, ..self }
    }

    /// Serve under the names that an import into this namespace and with these mappings gives.
    #[must_use]
    pub fn import_names(self, namespace: impl Into<String>, mappings: Vec<Mapping>) -> Self {
        Self { namespace: Some(namespace.into()), mappings, ..self }
    }

    /// Whether to serve under the names of the sources, with their hosts in front.
    #[must_use]
    pub fn source_names(self, source_names: bool) -> Self {
        Self { source_names, ..self }
    }

    /// Whether and how to speak TLS.
    #[must_use]
    pub fn tls(self, tls: Tls) -> Self {
        Self { tls, ..self }
    }

    /// Connections at a time.
    #[must_use]
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.limits.connections = connections;
        self
    }

    /// How long the head of a request may take, and how long a connection may wait for the next one.
    #[must_use]
    pub fn header_timeout(mut self, timeout: Duration) -> Self {
        self.limits.head = timeout;
        self
    }

    /// How long a client may take next to nothing of an answer.
    #[must_use]
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.limits.idle = timeout;
        self
    }

    /// Serves until somebody asks to stop. `started` is told once it is ready. When [`Watch::reloads`] moves on, the
    /// bundles are opened anew.
    ///
    /// # Errors
    /// When the bundles cannot be served, the address cannot be had, or the certificate cannot be used.
    pub fn run(self, watch: Arc<dyn Watch>, started: impl FnOnce(&Serving)) -> Result<()> {
        // Nobody is at this host but those who ask: of a name, the path alone is used.
        let here: Host = "localhost".parse()?;
        let import = self.namespace.map(|namespace| Naming::new(here, &namespace, self.mappings));
        let names = Names { source: self.source_names || import.is_none(), import };
        let sources = Sources { input: self.input, name: self.name, names };
        let lasting = Lasting::default();
        let stock = sources.open(lasting.clone(), watch.as_ref())?;
        let secure = self.tls.config(self.listen.ip())?;
        let limits = Limits { connections: within_files(self.limits.connections, watch.as_ref()), ..self.limits };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .max_blocking_threads(READERS)
            .enable_io()
            .enable_time()
            .build()
            .map_err(|e| Error::refused(format!("no threads: {e}"), NextStep::OpenMoreFiles))?;
        let bound = runtime.block_on(tokio::net::TcpListener::bind(self.listen));
        let bound = bound.and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (address, listener) = bound.map_err(|e| {
            Error::refused(format!("{}: cannot listen there: {e}", self.listen), NextStep::ListenElsewhere)
        })?;
        if !address.ip().is_loopback() {
            let message = format!("anyone who reaches {address} can pull every image: there is no authentication");
            watch.on(Event::Warning { message: &message });
        }
        let images = stock.catalogue.images().iter().map(|(name, digest, repositories)| ServedImage {
            name: name.name(),
            digest: digest.clone(),
            repositories: repositories.clone(),
        });
        let scheme = if secure.is_some() { "https" } else { "http" };
        let serving =
            Serving { url: format!("{scheme}://{address}"), ca: self.tls.authority(), images: images.collect() };
        let server = Server {
            sources,
            tls: self.tls,
            address,
            limits,
            lasting,
            watch,
            stock: RwLock::new(Arc::new(stock)),
            secure: RwLock::new(secure),
            reloading: Mutex::new(()),
        };
        started(&serving);
        let served = runtime.block_on(Arc::new(server).run(listener));
        // Whoever still reads is not waited for.
        runtime.shutdown_background();
        served
    }
}

/// As many connections as files may be open for them: as many as the system gives.
fn within_files(connections: usize, watch: &dyn Watch) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let wanted = connections as u64 + OTHER_FILES;
    let current = limit.current.unwrap_or(u64::MAX);
    let allowed = limit.maximum.unwrap_or(u64::MAX).min(wanted);
    if current < allowed {
        let raised = rustix::process::Rlimit { current: Some(allowed), ..limit };
        // Where it is refused, the limit is what it was, which is looked at next.
        let _ = setrlimit(Resource::Nofile, raised);
    }
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    if files >= wanted {
        return connections;
    }
    let fewer = usize::try_from(files.saturating_sub(OTHER_FILES)).unwrap_or(usize::MAX).max(1);
    let message = format!("{fewer} connections at a time instead of {connections}: {files} files may be open");
    watch.on(Event::Warning { message: &message });
    fewer
}
