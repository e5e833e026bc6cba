//! One question for a manifest, as the runtime of a node puts it to a mirror: the same path, query and headers.

use super::auth::scope::Scope;
use super::registries::Registries;
use super::wire::exchange::{Method, Request};
use crate::error::{Error, Result};
use crate::oci::{Algorithm, Digest, Host, MediaType, Repository};

/// More of a manifest is not read, in bytes.
const MAX_MANIFEST: u64 = 32 << 20;

/// What a node asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NodeQuestion<'a> {
    /// Where it looks.
    pub(crate) repository: &'a Repository,
    /// A tag, or the text of a digest.
    pub(crate) reference: &'a str,
    /// The host in the name of the image, where the runtime sends it along (containerd: `?ns=`).
    pub(crate) namespace: Option<&'a Host>,
    /// Asks for the digest alone.
    pub(crate) by_head: bool,
    /// Names all types in one header, and takes any other (containerd); otherwise one header each.
    pub(crate) in_one_header: bool,
}

/// What it is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NodeAnswer {
    /// A manifest of this digest; content that was read hashes to it.
    Served(Digest),
    /// It is not there.
    Missing,
}

impl NodeQuestion<'_> {
    /// The path and query that it asks for.
    pub(crate) fn path(&self) -> String {
        let namespace = self.namespace.map(|host| format!("?ns={host}")).unwrap_or_default();
        format!("/v2/{}/manifests/{}{namespace}", self.repository.path(), self.reference)
    }
}

impl Registries {
    /// Asks.
    ///
    /// # Errors
    /// No answer that a node could use: credentials, certificate, network, or content that hashes to something else.
    pub(crate) fn ask_as_node(&self, question: NodeQuestion<'_>) -> Result<NodeAnswer> {
        let expected = question.reference.parse::<Digest>().ok();
        if question.by_head {
            match self.put(question, Method::HEAD)? {
                Some((Some(named), _)) => return Ok(NodeAnswer::Served(named)),
                // A HEAD that names no digest is followed by a GET (containerd `resolver.go`).
                Some((None, _)) => {}
                None => return Ok(NodeAnswer::Missing),
            }
        }
        let Some((_, bytes)) = self.put(question, Method::GET)? else { return Ok(NodeAnswer::Missing) };
        let algorithm = expected.as_ref().map_or(Algorithm::Sha256, Digest::algorithm);
        let digest = Digest::of(algorithm, &bytes);
        match expected {
            Some(expected) if expected != digest => {
                Err(Error::content(format!("GET {}: content of {expected} hashes to {digest}", question.path())))
            }
            _ => Ok(NodeAnswer::Served(digest)),
        }
    }

    /// The digest that the answer names, and its body; `None` if it is not there.
    fn put(&self, question: NodeQuestion<'_>, method: Method) -> Result<Option<(Option<Digest>, Vec<u8>)>> {
        let repository = question.repository;
        let peer = self.transport.peer(repository.host())?;
        let path = format!("v2/{}/manifests/{}", repository.path(), question.reference);
        let mut url = self.transport.url(&peer, &path);
        if let Some(host) = question.namespace {
            url.query_pairs_mut().append_pair("ns", host.as_str());
        }
        let is_head = method == Method::HEAD;
        let mut request = Request::new(method, url);
        if question.in_one_header {
            request = request.header("accept", format!("{}, */*", MediaType::MANIFESTS.join(", ")));
        } else {
            for accepted in MediaType::MANIFESTS {
                request = request.header("accept", accepted);
            }
        }
        let shown = request.shown.clone();
        let mut response = self.transport.send(&peer, &Scope::pull(repository.path()), request)?;
        match response.status {
            200 if is_head => {
                response.is_no_page()?;
                let named = response.header("docker-content-digest").and_then(|text| text.parse().ok());
                response.drain();
                Ok(Some((named, Vec::new())))
            }
            200 => Ok(Some((None, response.body(MAX_MANIFEST)?))),
            404 => {
                response.drain();
                Ok(None)
            }
            _ => Err(response.failure(&shown)),
        }
    }
}
