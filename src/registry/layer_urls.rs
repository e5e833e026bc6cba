//! Layers that a registry does not have, from the addresses in their descriptors (image-spec v1.1.1
//! `descriptor.md` `urls`): only where that was asked for, and without any credentials
//! (CVE-2020-15157).

use std::sync::{Mutex, PoisonError};

use url::Url;

use super::peer::Peer;
use super::registries::{Registries, UrlTurns};
use super::wire::exchange::{Request, Response};
use super::wire::origin::{Purpose, shown};
use crate::error::{Error, Kind, NextStep, Result};
use crate::oci::{Descriptor, Digest, Repository};

impl Registries {
    /// Takes layers that a registry does not have from the addresses in their descriptors.
    #[must_use]
    pub(crate) fn with_layer_urls(mut self) -> Self {
        self.layer_urls = Some(Mutex::new(UrlTurns::default()));
        self
    }

    /// The addresses of this layer that have been read from, if there are any.
    pub(crate) fn layer_urls_read(&self, digest: &Digest) -> Option<String> {
        let read_from = self.layer_urls.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        read_from.get(digest).map(|(_, places)| places.clone())
    }

    /// Opens a layer that `from` does not have at the first of its addresses that gives it. Whoever
    /// starts again at byte 0 got nothing good there, and is given the next one.
    pub(crate) fn open_layer_urls(&self, from: &Repository, descriptor: &Descriptor, offset: u64) -> Result<Response> {
        let registry = self.transport.peer(from.host())?;
        let urls = &descriptor.urls[..descriptor.urls.len().min(Descriptor::MOST_URLS)];
        let turn = self.turn(&descriptor.digest);
        let first = if offset == 0 { turn } else { turn.saturating_sub(1) };
        let mut failures: Vec<Error> = Vec::new();
        for turn in (first..).take(urls.len()) {
            match self.open_url(&registry, &urls[turn % urls.len()], descriptor, offset) {
                Ok(response) => {
                    self.note_turn(&descriptor.digest, turn + 1, urls);
                    return Ok(response);
                }
                Err(e) if matches!(e.kind(), Kind::Interrupted(_)) => return Err(e),
                Err(e) => failures.push(e),
            }
        }
        let told: Vec<String> = failures.iter().map(ToString::to_string).collect();
        let reason = format!("not in the registry, and at none of its urls: {}", told.join("; "));
        // Each could have done: as long as one may pass, trying again may help.
        if failures.iter().any(|e| e.kind() == Kind::Transient) {
            return Err(Error::Network { request: "non-distributable layer".into(), reason });
        }
        let next = NextStep::ProvideLayer;
        Err(Error::refused(reason, next))
    }

    fn open_url(&self, registry: &Peer, url: &str, descriptor: &Descriptor, offset: u64) -> Result<Response> {
        let (peer, registry) = (registry, registry.origin());
        let url = registry.follow(Purpose::LayerUrl, &registry.url(""), url)?.url;
        let stranger = self.transport.stranger(peer, &url)?;
        let text = format!("GET {}", shown(&url));
        let send = |request: Request<'static>| self.transport.send_to_stranger(&stranger, registry, request);
        self.transport.open_at(&stranger, (&url, &text), descriptor, offset, &send)
    }

    fn turn(&self, digest: &Digest) -> usize {
        let Some(turns) = &self.layer_urls else { return 0 };
        turns.lock().unwrap_or_else(PoisonError::into_inner).get(digest).map_or(0, |(turn, _)| *turn)
    }

    fn note_turn(&self, digest: &Digest, turn: usize, urls: &[String]) {
        let Some(turns) = &self.layer_urls else { return };
        let places: Vec<String> =
            urls.iter().take(turn).filter_map(|url| Url::parse(url).ok()).map(|url| shown(&url)).collect();
        let mut turns = turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.insert(digest.clone(), (turn, places.join(", ")));
    }
}
