//! Layers that a registry does not have, from the addresses in their descriptors (image-spec v1.1.1
//! `descriptor.md` `urls`): only where that was asked for, and without any credentials
//! (CVE-2020-15157).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use ureq::http::Method;
use url::Url;

use super::Registries;
use super::wire::exchange::Response;
use super::origin::{Origin, Purpose, place};
use super::pull::{blob_request, checked};
use super::transport::origin;
use crate::error::{Error, Kind, Result};
use crate::oci::{Descriptor, Digest, Repository};

/// By layer, how many of its addresses were read from, and which those are.
pub(crate) type Elsewhere = Mutex<HashMap<Digest, (usize, String)>>;

impl Registries {
    /// Takes layers that a registry does not have from the addresses in their descriptors.
    #[must_use]
    pub fn with_layer_urls(mut self) -> Self {
        self.elsewhere = Some(Elsewhere::default());
        self
    }

    /// The addresses of this layer that have been read from, if there are any.
    pub(crate) fn places_elsewhere(&self, digest: &Digest) -> Option<String> {
        let read_from = self.elsewhere.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        read_from.get(digest).map(|(_, places)| places.clone())
    }

    /// Opens a layer that `from` does not have at the first of its addresses that gives it. Whoever
    /// starts again at byte 0 got nothing good there, and is given the next one.
    pub(crate) fn open_elsewhere(&self, from: &Repository, descriptor: &Descriptor, offset: u64) -> Result<Response> {
        let registry = self.transport.host(from.host())?;
        let urls = &descriptor.urls[..descriptor.urls.len().min(Descriptor::MOST_URLS)];
        let turn = self.turn(&descriptor.digest);
        let first = if offset == 0 { turn } else { turn.saturating_sub(1) };
        let mut failures: Vec<Error> = Vec::new();
        for turn in (first..).take(urls.len()) {
            match self.open_url(origin(&registry), &urls[turn % urls.len()], descriptor, offset) {
                Ok(response) => {
                    self.note_turn(&descriptor.digest, turn + 1, urls);
                    return Ok(response);
                }
                Err(e) if matches!(e.kind(), Kind::Interrupted(_)) => return Err(e),
                Err(e) => failures.push(e),
            }
        }
        let told: Vec<String> = failures.iter().map(ToString::to_string).collect();
        let reason = format!("not in the registry, and none of its urls gives it: {}", told.join("; "));
        // Each could have done: as long as one may pass, trying again may help.
        if failures.iter().any(|e| e.kind() == Kind::Transient) {
            return Err(Error::Network { request: "non-distributable layer".into(), reason });
        }
        let hint = "put the layer into the registry, or export without --include-non-distributable-layers";
        Err(Error::refused(reason, hint))
    }

    fn open_url(&self, registry: &Origin, url: &str, descriptor: &Descriptor, offset: u64) -> Result<Response> {
        let url = registry.follow(Purpose::LayerUrl, &registry.url(""), url)?.url;
        let host = self.transport.stranger(&url)?;
        let mut request = blob_request(Method::GET, url, Some(offset).filter(|o| *o > 0));
        request.shown = format!("GET {}", place(&request.url));
        let shown = request.shown.clone();
        checked(self.transport.send_to_stranger(&host, registry, request)?, &shown, descriptor, offset)
    }

    fn turn(&self, digest: &Digest) -> usize {
        let Some(elsewhere) = &self.elsewhere else { return 0 };
        elsewhere.lock().unwrap_or_else(PoisonError::into_inner).get(digest).map_or(0, |(turn, _)| *turn)
    }

    fn note_turn(&self, digest: &Digest, turn: usize, urls: &[String]) {
        let Some(elsewhere) = &self.elsewhere else { return };
        let places: Vec<String> =
            urls.iter().take(turn).filter_map(|url| Url::parse(url).ok()).map(|url| place(&url)).collect();
        let mut elsewhere = elsewhere.lock().unwrap_or_else(PoisonError::into_inner);
        elsewhere.insert(digest.clone(), (turn, places.join(", ")));
    }
}
