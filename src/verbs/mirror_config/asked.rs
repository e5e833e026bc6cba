//! What a node would see: one image of each host, asked for as its runtime asks.

use std::sync::Arc;

use super::report::NodeView;
use super::sources::{Source, Sources};
use crate::error::{Error, NextStep, Result};
use crate::oci::{Digest, Reference};
use crate::plan::Naming;
use crate::registry::{NodeQuestion, PlainHttp, Registries, RegistryOptions};
use crate::runtimes::Runtime;
use crate::store::{Event, Watch};

/// Asks for one image of each host: by its tag, and by its digest.
///
/// # Errors
/// There is no image to ask for, or a file that says how to ask cannot be used.
pub(super) fn ask(
    sources: &Sources,
    runtime: Runtime,
    naming: &Naming,
    options: RegistryOptions,
    watch: Arc<dyn Watch>,
) -> Result<Vec<NodeView>> {
    let images: Vec<&(Reference, Digest)> = sources.0.iter().filter_map(example).collect();
    if images.is_empty() {
        return Err(Error::Usage {
            message: "no image to ask for: --check takes one from a bundle".into(),
            next: Some(NextStep::NameBundle),
        });
    }
    let registries = Registries::new(as_stranger(options), watch.clone())?;
    let mut views = Vec::new();
    watch.on(Event::Phase { name: "asking", items: images.len() as u64, bytes: 0 });
    for (name, digest) in images {
        let repository = naming.target(name)?.repository;
        let tag = name.tag.as_ref().map(ToString::to_string);
        for (reference, is_tag) in tag.map(|tag| (tag, true)).into_iter().chain([(digest.to_string(), false)]) {
            let question = NodeQuestion {
                repository: &repository,
                reference: &reference,
                namespace: runtime.asks_like_containerd().then(|| name.repository.host()),
                by_head: is_tag && runtime.asks_by_head(),
                in_one_header: runtime.asks_like_containerd(),
            };
            let answer = registries.ask_as_node(question).map_err(|e| explained(e).at(&repository));
            if let (Err(_), Some(signal)) = (&answer, watch.stopped()) {
                return Err(Error::Interrupted { signal });
            }
            let asked = format!("{}{}", repository.host(), question.path());
            views.push(NodeView::new(name, digest, is_tag, asked, answer));
        }
    }
    watch.on(Event::Phase { name: "", items: 0, bytes: 0 });
    Ok(views)
}

/// One of the images of a host: with a tag, where there is one.
fn example(source: &Source) -> Option<&(Reference, Digest)> {
    source.images.iter().find(|(name, _)| name.tag.is_some()).or(source.images.first())
}

/// A node has what is in its files: no credentials of this machine's user, no certs.d, and no way out without TLS.
fn as_stranger(options: RegistryOptions) -> RegistryOptions {
    let plain_http = match options.plain_http {
        PlainHttp::None => PlainHttp::Only(Vec::new()),
        PlainHttp::Hosts(hosts) => PlainHttp::Only(hosts),
        other => other,
    };
    RegistryOptions { only_named: true, plain_http, ..options }
}

/// Who is not let in as a node needs the login of one.
fn explained(error: Error) -> Error {
    match error.status() {
        Some(401 | 403) => Error::Advised { cause: Box::new(error), next: vec![NextStep::GiveNodeLogin] },
        _ => error,
    }
}
