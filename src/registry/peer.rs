//! `Peer`: what is known about one registry host while we talk to it: its connections, how it lets us
//! in, and how fast it may be asked.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::auth::authority::Authority;
use super::capabilities::{Capabilities, Feature};
use super::retry::Pause;
use super::wire::exchange::{Doubt, Response};
use super::wire::gate::Gate;
use super::wire::origin::Origin;
use super::wire::reach::Reach;
use super::wire::tls::HostTls;
use crate::error::Error;
use crate::store::{Event, Watch};

/// One host.
pub(super) struct Peer {
    /// As it stands in references; that of a stranger with its scheme.
    pub(super) name: String,
    pub(super) agent: ureq::Agent,
    /// Keeps no connection for a second request.
    pub(super) fresh: ureq::Agent,
    pub(super) tls: HostTls,
    /// Where it turned out to be.
    pub(super) reach: Arc<Reach>,
    /// How many more manifests may be fetched, if it says.
    pub(super) allowance: Mutex<Option<u64>>,
    /// What it warned of already.
    pub(super) warned: Mutex<HashSet<String>>,
    /// Repositories of which it was said whose credentials are shown.
    pub(super) said_whose: Mutex<HashSet<String>>,
    /// What it turned out not to take.
    pub(super) capabilities: Capabilities,
    /// Why it may be no registry: what the first contact was answered.
    pub(super) doubt: OnceLock<Arc<Doubt>>,
    /// Set by the first contact, which may find out the scheme.
    pub(super) contact: OnceLock<Result<Origin, Arc<Error>>>,
    pub(super) authority: Authority,
    /// For everything but uploads of blobs.
    pub(super) gate: Gate,
    /// For uploads of blobs, each as a whole.
    pub(super) uploads: Gate,
    pub(super) pause: Pause,
}

impl Peer {
    pub(super) fn new(
        name: String,
        (agent, fresh): (ureq::Agent, ureq::Agent),
        (tls, reach): (HostTls, Arc<Reach>),
        jobs: usize,
        authority: Authority,
    ) -> Self {
        let [gate, uploads] = Gate::pair(jobs);
        Self {
            name,
            agent,
            fresh,
            tls,
            reach,
            allowance: Mutex::default(),
            warned: Mutex::default(),
            said_whose: Mutex::default(),
            capabilities: Capabilities::default(),
            doubt: OnceLock::new(),
            contact: OnceLock::new(),
            authority,
            gate,
            uploads,
            pause: Pause::default(),
        }
    }

    /// Scheme, host and port; a peer that is given out is in contact.
    pub(super) fn origin(&self) -> &Origin {
        match self.contact.get() {
            Some(Ok(origin)) => origin,
            // `Transport::peer` gives out no other.
            _ => unreachable!("a host without contact was given out"),
        }
    }

    /// Whether something is worth a try.
    pub(super) fn takes(&self, feature: Feature) -> bool {
        self.capabilities.takes(feature)
    }

    /// It turned out not to take something, for this reason.
    pub(super) fn lacks(&self, feature: Feature, reason: &str, watch: &dyn Watch) {
        self.capabilities.lacks(feature, &self.name, reason, watch);
    }

    /// `Warning: 299 - "text"` (distribution-spec v1.1 "Warnings"): once per text.
    pub(super) fn pass_on_warnings(&self, response: &Response, watch: &dyn Watch) {
        for value in response.headers.get_all("warning").iter().filter_map(|v| v.to_str().ok()) {
            let Some(text) = value.strip_prefix("299 - \"").and_then(|v| v.strip_suffix('"')) else { continue };
            let text = text.replace("\\\"", "\"").replace("\\\\", "\\");
            if self.warned.lock().unwrap_or_else(PoisonError::into_inner).insert(text.clone()) {
                watch.on(Event::Warning { message: &format!("{}: {text}", self.name) });
            }
        }
    }

    /// Fewer requests at once from now on.
    pub(super) fn calm_down(&self) {
        self.gate.calm_down();
    }
}
