//! From a source name to a name at the target.
//!
//! By default the source's host is dropped and a namespace put in front, as a registry mirror is
//! asked: with the mirror `https://172.18.0.20/library`, `gcr.io/google-containers/pause` is looked
//! up as `172.18.0.20/library/google-containers/pause`.

use std::collections::{BTreeSet, HashMap};

use super::source_prefix::SourcePrefix;
use crate::error::{Error, NextStep, Result};
use crate::oci::{Digest, Host, Invalid, Reference, Repository};

/// `FROM=TO`: repositories below `from` go to `to`, without the namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    from: SourcePrefix,
    to: String,
}

impl std::str::FromStr for Mapping {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (from, to) = text.split_once('=').ok_or_else(|| Invalid::new("a mapping is FROM=TO"))?;
        if from.trim_end_matches('/').is_empty() {
            return Err(Invalid::new("a mapping needs a source prefix before the `=`"));
        }
        Ok(Self { from: from.parse()?, to: to.trim_matches('/').into() })
    }
}

impl std::fmt::Display for Mapping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}={}", self.from, self.to)
    }
}

/// The rules for names at one target.
#[derive(Clone, Debug)]
pub(crate) struct Naming {
    host: Host,
    namespace: String,
    mappings: Vec<Mapping>,
    /// Each mapping was given for these very images.
    all_count: bool,
}

impl Naming {
    /// Rules for this target host; an empty namespace puts nothing in front.
    pub(crate) fn new(host: Host, namespace: &str, mappings: Vec<Mapping>) -> Self {
        Self { host, namespace: namespace.trim_matches('/').into(), mappings, all_count: false }
    }

    /// Every mapping has to be for something.
    pub(crate) fn with_all_counting(self, all_count: bool) -> Self {
        Self { all_count, ..self }
    }

    /// That each mapping is for something that is there, and that no two are for the same.
    ///
    /// # Errors
    /// One that is not, with what there is.
    pub(crate) fn check<'a>(&self, images: impl Iterator<Item = &'a Repository> + Clone) -> Result<()> {
        for (at, mapping) in self.mappings.iter().enumerate() {
            let from = &mapping.from;
            if self.mappings[..at].iter().any(|other| other.from == *from) {
                return Err(Error::usage(format!("--map: `{from}` stands for two places: give one of them")));
            }
            if self.all_count && !images.clone().any(|repository| from.covers(repository)) {
                let hosts: BTreeSet<String> = images.clone().map(|r| r.host().to_string()).collect();
                let hosts = hosts.into_iter().collect::<Vec<_>>().join(", ");
                let message = format!("--map {from}={}: nothing here comes from {from}, but from {hosts}", mapping.to);
                return Err(Error::Usage { message, next: Some(NextStep::PrefixFromBundle) });
            }
        }
        Ok(())
    }

    /// The repository at the target for one at a source.
    ///
    /// # Errors
    /// When what comes out is no repository name.
    pub(crate) fn repository(&self, source: &Repository) -> Result<Repository, Invalid> {
        let fitting = self.mappings.iter().filter_map(|m| Some((m, m.from.rest(source)?)));
        let path = match fitting.max_by_key(|(m, _)| m.from.len()) {
            Some((mapping, rest)) => format!("{}/{rest}", mapping.to),
            None => format!("{}/{}", self.namespace, source.path()),
        };
        Repository::new(self.host.clone(), path.trim_matches('/'))
    }
}

impl Naming {
    /// The name at the target for one at a source: with a tag, unless it has none.
    ///
    /// # Errors
    /// When what comes out is no name.
    pub(crate) fn target(&self, name: &Reference) -> Result<Reference> {
        let repository = self.repository(&name.repository);
        let repository = repository.map_err(|e| Error::usage(format!("{}: {e}", name.name())))?;
        let digest = name.digest.clone().filter(|_| name.tag.is_none());
        Ok(Reference { repository, tag: name.tag.clone(), digest })
    }
}

/// One image and where it goes.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    /// Its name in the bundle.
    pub(crate) name: Reference,
    /// What it is.
    pub(crate) digest: Digest,
    /// Its place at the target: with a tag, unless it has none.
    pub(crate) target: Reference,
}

/// Gives every image its place.
///
/// # Errors
/// A name that makes no name at the target, or two images that would land on one tag with different
/// contents; both are named.
pub(crate) fn assign(
    images: impl IntoIterator<Item = (Reference, Digest)>,
    naming: &Naming,
) -> Result<Vec<Assignment>> {
    let mut taken: HashMap<Reference, Assignment> = HashMap::new();
    let mut assignments = Vec::new();
    for (name, digest) in images {
        let target = naming.target(&name)?;
        let assignment = Assignment { name, digest, target };
        match taken.get(&assignment.target) {
            Some(other) if other.digest != assignment.digest && other.name == assignment.name => {
                let (name, one, two) = (assignment.name.name(), &other.digest, &assignment.digest);
                let message = format!("`{name}` names both {one} and {two}");
                return Err(Error::Usage { message, next: Some(NextStep::SaveUnderTwoNames) });
            }
            Some(other) if other.digest != assignment.digest => {
                return Err(Error::Usage {
                    message: format!(
                        "`{}` and `{}` would both become `{}`, and they are different images",
                        other.name.name(),
                        assignment.name.name(),
                        assignment.target
                    ),
                    next: Some(NextStep::AddMapping),
                });
            }
            // Two names for one place and one content: done once.
            Some(_) => {}
            None => {
                taken.insert(assignment.target.clone(), assignment.clone());
                assignments.push(assignment);
            }
        }
    }
    Ok(assignments)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(name: &str, namespace: &str, mappings: &[&str]) -> String {
        let mappings = mappings.iter().map(|m| m.parse().expect("mapping")).collect();
        let naming = Naming::new("172.18.0.20".parse().expect("a host"), namespace, mappings);
        let images = [(name.parse().expect("a name"), Digest::sha256(b""))];
        assign(images, &naming).map_or_else(|e| e.to_string(), |a| a[0].target.to_string())
    }

    #[test]
    fn the_host_is_dropped_and_the_namespace_put_in_front() {
        assert_eq!(
            target("gcr.io/google-containers/pause:latest", "library", &[]),
            "172.18.0.20/library/google-containers/pause:latest"
        );
        assert_eq!(target("nginx", "library", &[]), "172.18.0.20/library/library/nginx:latest");
        assert_eq!(target("gcr.io/a:1", "", &[]), "172.18.0.20/a:1");
        assert_eq!(target("gcr.io/a:1", "x/y/", &[]), "172.18.0.20/x/y/a:1");
    }

    #[test]
    fn the_longest_mapping_wins_and_ends_at_a_slash() {
        let rules = ["gcr.io=g", "gcr.io/team=t/u", "docker.io/library="];
        assert_eq!(target("gcr.io/team/a:1", "library", &rules), "172.18.0.20/t/u/a:1");
        assert_eq!(target("gcr.io/teams/a:1", "library", &rules), "172.18.0.20/g/teams/a:1");
        assert_eq!(target("nginx:1", "library", &rules), "172.18.0.20/nginx:1");
        assert_eq!(target("quay.io/a:1", "library", &rules), "172.18.0.20/library/a:1");
    }

    #[test]
    fn a_host_in_another_way_of_writing_it_is_the_same_host() {
        assert_eq!(target("Evil.io:443/a:1", "library", &["EVIL.io=kept/apart"]), "172.18.0.20/kept/apart/a:1");
        assert_eq!(target("evil.io/a:1", "library", &["evil.io:443/=kept/apart"]), "172.18.0.20/kept/apart/a:1");
        assert_eq!(target("evil.io:5000/a:1", "library", &["evil.io=x"]), "172.18.0.20/library/a:1");
    }

    #[test]
    fn two_images_on_one_tag_are_refused_with_both_names() {
        let naming = Naming::new("h.example".parse().expect("a host"), "library", vec![]);
        let images = [("gcr.io/a:1", &b"a"[..]), ("quay.io/a:1", b"b")];
        let images = images.map(|(name, bytes)| (name.parse().expect("a name"), Digest::sha256(bytes)));
        let error = assign(images.clone(), &naming).expect_err("a collision").to_string();
        assert!(error.contains("gcr.io/a:1") && error.contains("quay.io/a:1"), "{error}");
        let same = images.map(|(name, _)| (name, Digest::sha256(b"a")));
        assert_eq!(assign(same, &naming).expect("one content").len(), 1);
    }
}
