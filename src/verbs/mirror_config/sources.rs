//! The hosts that images are named after, and where the repositories of each lie at the registry: a mirror has one
//! place for a host.

use std::collections::BTreeMap;

use crate::error::{Error, NextStep, Result};
use crate::oci::{Digest, Host, Reference, Repository};
use crate::plan::Naming;
use crate::runtimes::Mirrored;
use crate::store::{Contents, Root};

/// Any repository of a host, for one that none is known of.
const SOME: &str = "x";

/// One host.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) mirrored: Mirrored,
    /// Its images, by name.
    pub(super) images: Vec<(Reference, Digest)>,
}

/// All of them, in order.
#[derive(Debug)]
pub(super) struct Sources(pub(super) Vec<Source>);

impl Sources {
    /// The hosts of what is in the bundles, and these hosts.
    ///
    /// # Errors
    /// There are none, or the repositories of one lie in several places.
    pub(super) fn of(contents: Option<&Contents>, hosts: &[Host], naming: &Naming) -> Result<Self> {
        let named = |root: &Root| Some((root.name.full()?.clone(), root.digest.clone()));
        let mut images: Vec<(Reference, Digest)> =
            contents.into_iter().flat_map(Contents::images).filter_map(named).collect();
        images.sort_by_key(|(name, _)| name.name());
        naming.check(images.iter().map(|(name, _)| &name.repository))?;
        let mut sources: BTreeMap<Host, Source> = BTreeMap::new();
        for (name, digest) in images {
            let namespace = place(naming, &name.repository)?;
            let host = name.repository.host().clone();
            let mirrored = Mirrored { host: host.clone(), namespace: namespace.clone() };
            let source = sources.entry(host).or_insert_with(|| Source { mirrored, images: Vec::new() });
            if source.mirrored.namespace != namespace {
                let first = source.images.first().map(|(name, _)| name.repository.to_string()).unwrap_or_default();
                return Err(parted(&first, &name.repository.to_string()));
            }
            source.images.push((name, digest));
        }
        for host in hosts {
            if !sources.contains_key(host) {
                let repository = Repository::new(host.clone(), SOME)?;
                let mirrored = Mirrored { host: host.clone(), namespace: place(naming, &repository)? };
                sources.insert(host.clone(), Source { mirrored, images: Vec::new() });
            }
        }
        match sources.is_empty() {
            true => Err(Error::Usage {
                message: "no image of these bundles has a name with a host".into(),
                next: Some(NextStep::NameBundlesOrHosts),
            }),
            false => Ok(Self(sources.into_values().collect())),
        }
    }

    pub(super) fn mirrored(&self) -> Vec<Mirrored> {
        self.0.iter().map(|source| source.mirrored.clone()).collect()
    }
}

/// What stands in front of a repository at the target, which is called the same otherwise.
fn place(naming: &Naming, repository: &Repository) -> Result<String> {
    let target = naming.repository(repository).map_err(|e| Error::usage(format!("{repository}: {e}")))?;
    let (path, own) = (target.path(), repository.path());
    if path == own {
        return Ok(String::new());
    }
    let before = path.strip_suffix(own).and_then(|before| before.strip_suffix('/'));
    before.map(str::to_owned).ok_or_else(|| parted(&repository.to_string(), &target.to_string()))
}

fn parted(one: &str, other: &str) -> Error {
    let message =
        format!("`{one}` and `{other}`: a mirror needs all images of a host in one place, under their own names");
    Error::Usage { message, next: Some(NextStep::MapWholeHost) }
}
