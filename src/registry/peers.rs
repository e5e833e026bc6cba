//! The hosts of a run: each is connected to in one way, found out once.

use std::sync::{Arc, PoisonError};

use url::Url;

use super::auth::authority::Authority;
use super::auth::credentials::Credential;
use super::peer::Peer;
use super::transport::Transport;
use super::wire::clock::CONNECT_TIMEOUT;
use super::wire::origin::Origin;
use super::wire::reach::{Guard, Reach};
use super::wire::tls::{HostTls, agent_for};
use crate::error::{Error, Result};
use crate::oci::Host;

/// One read brings in at most this, one write sends at most this, in bytes.
const WIRE_BUFFER: usize = 128 << 10;

impl Transport {
    /// The registry at this host, in contact.
    pub(super) fn peer(&self, host: &Host) -> Result<Arc<Peer>> {
        let peer = {
            let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
            // Two ports of one name are two registries where both are reached without TLS.
            let name = if self.options.is_plain_http(host) { host.without_tls() } else { host.to_string() };
            match peers.get(&name) {
                Some(peer) => peer.clone(),
                None => peers.entry(name).or_insert(Arc::new(self.new_peer(host)?)).clone(),
            }
        };
        match peer.contact.get_or_init(|| self.contact(&peer, host).map_err(Arc::new)) {
            Ok(_) => Ok(peer),
            Err(e) => Err(Error::Shared(e.clone())),
        }
    }

    /// Whoever serves a layer of this registry at an address that is not the registry's.
    pub(super) fn stranger(&self, registry: &Peer, url: &Url) -> Result<Arc<Peer>> {
        // With its scheme, it cannot be taken for the name of a registry.
        let name = format!("{} for {}", url.origin().ascii_serialization(), registry.name);
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(peer) = peers.get(&name) {
            return Ok(peer.clone());
        }
        let tls = self.tls.for_strangers()?;
        let host: Host = url.authority().parse()?;
        let peer = Arc::new(self.connect(&host, tls, (registry.reach.clone(), true), None));
        Ok(peers.entry(name).or_insert(peer).clone())
    }

    fn new_peer(&self, host: &Host) -> Result<Peer> {
        let api = Origin::new(host, false)?;
        let tls = self.tls.for_registry(api.url("").authority())?;
        let login = self.options.login.as_ref().filter(|(of, _)| of == host).map(|(_, c)| c.clone());
        let reach = Reach::of(Origin::new(host, self.options.is_plain_http(host))?.url(""));
        Ok(self.connect(host, tls, (reach, false), login))
    }

    fn connect(
        &self,
        host: &Host,
        tls: HostTls,
        (reach, is_for_layers): (Arc<Reach>, bool),
        login: Option<Credential>,
    ) -> Peer {
        let jobs = self.options.jobs;
        let authority = Authority::new(host.clone(), login, self.credentials.clone());
        let agent = |idle| agent_for(self.config(idle), tls.clone(), Guard::new(reach.clone(), is_for_layers));
        let agents = (agent(jobs), agent(0));
        Peer::new(host.to_string(), agents, (tls, reach), jobs, authority)
    }

    /// `idle` connections are kept per host.
    fn config(&self, idle: usize) -> ureq::config::Config {
        let timeout = Some(self.options.idle_timeout);
        ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .user_agent(concat!("bundle/", env!("CARGO_PKG_VERSION")))
            .accept("")
            .timeout_resolve(Some(CONNECT_TIMEOUT))
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_recv_response(timeout)
            .timeout_per_read(timeout)
            .timeout_per_write(timeout)
            .max_idle_connections(4 * idle)
            .max_idle_connections_per_host(idle)
            .input_buffer_size(WIRE_BUFFER)
            .output_buffer_size(WIRE_BUFFER)
            .build()
    }
}
