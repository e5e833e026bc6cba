//! What a registry says that it has: tags, manifests by reading them, blobs by asking for each where it is needed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::report::Taken;
use crate::archive::{InventoryJson, Whereabouts, Witness};
use crate::error::{Error, Kind, Result};
use crate::oci::{Descriptor, Digest, Host, Reference, Repository, parse_digest_tag};
use crate::plan::{Budget, Mapping, Naming, Platforms, Start, walk_with_referrers};
use crate::registry::{Registries, RegistryOptions};
use crate::store::{Contents, Copies, Event, Node, RootName, Source, Watch, side_by_side};
use crate::verbs::images::Images;

/// Where to look, and for what.
#[derive(Clone, Debug)]
pub(super) struct There {
    pub(super) host: Host,
    /// What is in front of every repository, where somebody says.
    pub(super) namespace: Option<String>,
    pub(super) mappings: Vec<Mapping>,
    /// Repositories below the namespace.
    pub(super) repositories: Vec<String>,
    /// All that the registry lists.
    pub(super) catalog: bool,
    /// Images by their names at the source.
    pub(super) images: Option<Images>,
    pub(super) options: RegistryOptions,
}

/// A name at the registry, and what it is called at the source, where that is another side.
struct Asked {
    name: Reference,
    there: Reference,
}

impl There {
    /// Takes the inventory.
    ///
    /// # Errors
    /// The registry does not say.
    pub(super) fn take(&self, most: u64, watch: &Arc<dyn Watch>) -> Result<Taken> {
        let registries = Registries::new(self.options.clone(), watch.clone())?;
        let mut absent = Vec::new();
        let asked = match &self.images {
            Some(images) => self.by_names(images)?,
            None => self.by_tags(&registries, &mut absent, watch.as_ref())?,
        };
        let jobs = self.options.jobs;
        watch.on(Event::Phase { name: "resolving", items: asked.len() as u64, bytes: 0 });
        let budget = Budget::new(most);
        let answers = side_by_side(asked, jobs, |asked| {
            let found = budget.check().and_then(|()| registries.resolve(&asked.there, None));
            (asked, found.and_then(|(place, manifest)| budget.take(manifest.held()).map(|()| (place, manifest))))
        });
        budget.check()?;
        if let Some(signal) = watch.stopped() {
            return Err(Error::Interrupted { signal });
        }
        let mut starts: Vec<Start> = Vec::new();
        let mut images: BTreeMap<String, Digest> = BTreeMap::new();
        let mut called: HashMap<Repository, BTreeSet<Repository>> = HashMap::new();
        for (Asked { name, there }, answer) in answers {
            match answer {
                Ok((place, manifest)) => {
                    images.insert(name.name(), manifest.digest().clone());
                    called.entry(there.repository.clone()).or_default().insert(name.repository);
                    let digest = there.digest.filter(|_| there.tag.is_none());
                    let name = RootName::Full(Reference { digest, ..there });
                    let descriptor = manifest.descriptor();
                    let platforms = Platforms::default();
                    starts.push(Start { name, descriptor, manifest: Some(manifest), places: vec![place], platforms });
                }
                Err(e) if e.status() == Some(404) => absent.push(name.name()),
                Err(e) => return Err(e),
            }
        }
        let (contents, failures) = walk_with_referrers(&registries, starts, jobs, &budget, watch.as_ref())?;
        watch.on(Event::Phase { name: "", items: 0, bytes: 0 });
        contents.check_shape()?;
        for failure in failures {
            match failure.error.kind() {
                Kind::Act | Kind::Content => absent.push(failure.error.to_string()),
                _ => return Err(Error::Shared(failure.error)),
            }
        }
        let held = self.held(&contents, &called, &registries, &mut absent, watch.as_ref())?;
        let target = self.images.is_none().then(|| self.prefix());
        let inventory = InventoryJson { held, images, source: Witness::Registry, target };
        Ok(Taken { inventory, damaged: Vec::new(), absent })
    }

    /// What is in front of every repository.
    fn prefix(&self) -> String {
        match self.namespace.as_deref().map(|namespace| namespace.trim_matches('/')).filter(|text| !text.is_empty()) {
            Some(namespace) => format!("{}/{namespace}", self.host),
            None => self.host.to_string(),
        }
    }

    /// Images under the names that an import gives them.
    fn by_names(&self, images: &Images) -> Result<Vec<Asked>> {
        let namespace = self.namespace.as_deref().unwrap_or("library");
        let naming = Naming::new(self.host.clone(), namespace, self.mappings.clone());
        let wanted = images.named().map_err(Error::all)?;
        let asked = wanted.into_iter().map(|one| {
            let repository = naming.repository(&one.reference.repository);
            let repository = repository.map_err(|e| Error::usage(format!("{}: {e}", one.reference.name())))?;
            Ok(Asked { there: Reference { repository, ..one.reference.clone() }, name: one.reference })
        });
        asked.collect()
    }

    /// All tags of the repositories. What is attached to an image by a tag comes along with that.
    fn by_tags(&self, registries: &Registries, absent: &mut Vec<String>, watch: &dyn Watch) -> Result<Vec<Asked>> {
        let prefix = self.prefix();
        let mut repositories = BTreeSet::new();
        for text in &self.repositories {
            let path = format!("{prefix}/{}", text.trim_matches('/'));
            let path = path.split_once('/').map(|(_, path)| path).unwrap_or_default();
            let repository = Repository::new(self.host.clone(), path);
            repositories
                .insert(repository.map_err(|e| Error::usage(format!("repository `{}`: {e}", text.escape_debug())))?);
        }
        if self.catalog {
            let below = format!("{prefix}/");
            let listed = registries.repositories(&self.host)?;
            repositories.extend(listed.into_iter().filter(|repository| repository.to_string().starts_with(&below)));
        }
        watch.on(Event::Phase { name: "listing", items: repositories.len() as u64, bytes: 0 });
        let listed = side_by_side(repositories.into_iter().collect(), self.options.jobs, |repository| {
            let tags = registries.tags(&repository);
            (repository, tags)
        });
        watch.on(Event::Phase { name: "", items: 0, bytes: 0 });
        let mut asked = Vec::new();
        for (repository, tags) in listed {
            match tags {
                Ok(tags) => {
                    asked.extend(tags.into_iter().filter(|tag| parse_digest_tag(tag.as_str()).is_none()).map(|tag| {
                        let there = Reference { repository: repository.clone(), tag: Some(tag), digest: None };
                        Asked { name: there.clone(), there }
                    }))
                }
                Err(e) if e.status() == Some(404) => absent.push(repository.to_string()),
                Err(e) => return Err(e.at(&repository)),
            }
        }
        Ok(asked)
    }

    /// Asks for every blob in every repository that needs it.
    fn held(
        &self,
        contents: &Contents,
        called: &HashMap<Repository, BTreeSet<Repository>>,
        registries: &Registries,
        absent: &mut Vec<String>,
        watch: &dyn Watch,
    ) -> Result<BTreeMap<Digest, (u64, Whereabouts)>> {
        let mut questions: Vec<(&Repository, &Node)> = Vec::new();
        for (repository, inside) in contents.by_repository() {
            let mut nodes: Vec<&Node> = inside.into_iter().filter_map(|digest| contents.node(digest)).collect();
            nodes.sort_by_key(|node| &node.descriptor.digest);
            questions.extend(nodes.into_iter().map(|node| (repository, node)));
        }
        watch.on(Event::Phase { name: "checking", items: questions.len() as u64, bytes: 0 });
        let answers = side_by_side(questions, self.options.jobs, |(repository, node)| {
            let is_there = match (&node.manifest, watch.stopped()) {
                (_, Some(_)) => Ok(false),
                (Some(_), _) => Ok(true),
                (None, _) if node.is_manifest() => Ok(false),
                (None, _) => registries.has_blob(registries.place_of(repository), &node.descriptor),
            };
            (repository, node, is_there)
        });
        watch.on(Event::Phase { name: "", items: 0, bytes: 0 });
        if let Some(signal) = watch.stopped() {
            return Err(Error::Interrupted { signal });
        }
        let mut held: BTreeMap<Digest, (u64, Whereabouts)> = BTreeMap::new();
        for (repository, node, is_there) in answers {
            let Descriptor { digest, size, .. } = &node.descriptor;
            if !is_there.map_err(|e| e.at(format!("{repository}@{digest}")))? {
                // What may be left out of a bundle may be left out of a registry.
                if node.descriptor.urls.is_empty() {
                    absent.push(format!("{repository}@{digest}"));
                }
                continue;
            }
            let own = BTreeSet::from([repository.clone()]);
            let names = called.get(repository).unwrap_or(&own).iter().cloned();
            let (_, whereabouts) =
                held.entry(digest.clone()).or_insert_with(|| (*size, Whereabouts::In(Arc::default())));
            if let Whereabouts::In(known) = whereabouts {
                Arc::make_mut(known).extend(names);
            }
        }
        Ok(held)
    }
}
