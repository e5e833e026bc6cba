//! Whether credentials are good.

use super::auth::scope::Scope;
use super::registries::Registries;
use super::wire::exchange::{Method, Request};
use crate::error::Result;
use crate::oci::Host;

impl Registries {
    /// Shows the credentials for a host to its registry (distribution-spec v1.1 end-1). False if the
    /// registry asks nobody for any.
    ///
    /// # Errors
    /// When the registry refuses them, or cannot be reached.
    pub(crate) fn check_login(&self, host: &Host) -> Result<bool> {
        let peer = self.transport.peer(host)?;
        let request = Request::new(Method::GET, self.transport.url(&peer, "v2/"));
        let shown = request.shown.clone();
        let mut response = self.transport.send(&peer, &Scope::none(), request)?;
        response.is_no_page()?;
        match response.status {
            200 => {
                response.drain();
                Ok(peer.authority.asks_for_credentials())
            }
            _ => Err(response.failure(&shown)),
        }
    }
}
