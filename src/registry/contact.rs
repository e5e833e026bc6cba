//! The first contact with a registry: whether it speaks TLS, and what it wants to be shown.
//!
//! Plain http is for registries that a person named for it. One on this very machine may be spoken to
//! without: it is shown no credentials then, and what counts is the address it was connected to.

use std::sync::Arc;

use super::auth::challenge::choose;
use super::peer::Peer;
use super::transport::{Terms, Transport};
use super::wire::exchange::{Doubt, Method, Request};
use super::wire::origin::Origin;
use crate::error::{Error, NextStep, Result};
use crate::oci::Host;

impl Transport {
    /// The first contact: finds the scheme, and what the registry wants to be shown.
    pub(super) fn contact(&self, peer: &Peer, host: &Host) -> Result<Origin> {
        let plain = self.options.is_plain_http(host);
        let origin = Origin::new(host, plain)?.reached(peer.reach.clone());
        match self.ping(peer, &origin) {
            Ok(()) => Ok(origin),
            // A registry on this very machine may well speak plain http; any other must be named.
            Err(e) if !plain && self.options.may_fall_back() => self.fall_back(peer, host).ok_or(e),
            Err(e) => Err(e),
        }
    }

    /// The same registry without TLS, if it is on this very machine, nobody counts on TLS and it speaks
    /// none.
    fn fall_back(&self, peer: &Peer, host: &Host) -> Option<Origin> {
        let origins = [false, true].map(|plain| Origin::new(host, plain).ok());
        let is_proxied = origins.iter().flatten().any(|origin| self.proxies.of(&origin.url("")).is_some());
        if is_proxied || !peer.reach.is_this_machine() || peer.tls.is_expected() {
            return None;
        }
        peer.reach.stay_here();
        let [_, plain] = origins;
        let origin = plain?.reached(peer.reach.clone()).fallen_back();
        self.ping(peer, &origin).ok().map(|()| origin)
    }

    /// distribution-spec v1.1 end-1. It finds out what the registry wants to be shown, and nothing else: what
    /// serves images need not serve this (files on a web server, a gateway that guards it).
    fn ping(&self, peer: &Peer, origin: &Origin) -> Result<()> {
        let mut request = Request::new(Method::GET, origin.url("v2/"));
        request.optional = true;
        let shown = request.shown.clone();
        let doubt = |answer: &str, title: String| {
            let answer = format!("{shown} is answered {answer}: perhaps not a registry");
            // Whoever came first has said it.
            let _ = peer.doubt.set(Arc::new(Doubt { answer, title }));
        };
        let mut response = match self.send_on(peer, Terms::Contact(origin), request) {
            Err(e) if matches!(e.status(), Some(500 | 501 | 505..)) => {
                doubt(&e.status().unwrap_or_default().to_string(), String::new());
                return Ok(());
            }
            answer => answer.map_err(|e| if e.to_string().contains(&peer.name) { e } else { e.at(&peer.name) })?,
        };
        let page = response.page();
        match response.status {
            // So does a server that speaks TLS on this port, or no HTTP.
            400 if response.is_registry => {
                let failure = response.failure(&shown);
                if response.wants_tls {
                    let reason = format!("{} speaks TLS on this port: {failure}", peer.name);
                    return Err(Error::refused(reason, NextStep::UseTls));
                }
                return Err(Error::refused(format!("{}: not a registry: {failure}", peer.name), NextStep::CheckHost));
            }
            200 | 401 if response.is_registry && page.is_none() => {
                let challenge = choose(response.challenges().iter().map(String::as_str));
                challenge.into_iter().for_each(|c| peer.authority.challenged_in_general(c));
            }
            status => doubt(&status.to_string(), page.unwrap_or_default()),
        }
        response.drain();
        Ok(())
    }
}
