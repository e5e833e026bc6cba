//! From a source name to a name at the target.
//!
//! By default the source's host is dropped and a namespace put in front, as a registry mirror is
//! asked: with the mirror `https://172.18.0.20/library`, `gcr.io/google-containers/pause` is looked
//! up as `172.18.0.20/library/google-containers/pause`.

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::oci::{Digest, Invalid, Reference, Repository};

/// `FROM=TO`: repositories below `from` go to `to`, without the namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    from: String,
    to: String,
}

impl std::str::FromStr for Mapping {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (from, to) = text.split_once('=').ok_or_else(|| Invalid::new("a mapping is FROM=TO"))?;
        let (from, to) = (from.trim_end_matches('/'), to.trim_matches('/'));
        if from.is_empty() {
            return Err(Invalid::new("a mapping needs a source prefix before the `=`"));
        }
        Ok(Self { from: from.into(), to: to.into() })
    }
}

/// The rules for names at one target.
#[derive(Clone, Debug)]
pub struct Naming {
    host: String,
    namespace: String,
    mappings: Vec<Mapping>,
}

impl Naming {
    /// Rules for this target host; an empty namespace puts nothing in front.
    pub fn new(host: impl Into<String>, namespace: &str, mappings: Vec<Mapping>) -> Self {
        Self { host: host.into(), namespace: namespace.trim_matches('/').into(), mappings }
    }

    /// The repository at the target for one at a source.
    ///
    /// # Errors
    /// When what comes out is no repository name.
    pub fn repository(&self, source: &Repository) -> Result<Repository, Invalid> {
        let whole = source.to_string();
        let below = |m: &&Mapping| {
            whole.strip_prefix(m.from.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let path = match self.mappings.iter().filter(below).max_by_key(|m| m.from.len()) {
            Some(Mapping { from, to }) => format!("{to}{}", &whole[from.len()..]),
            None => format!("{}/{}", self.namespace, source.path()),
        };
        Repository::new(&self.host, path.trim_start_matches('/'))
    }
}

/// One image and where it goes.
#[derive(Clone, Debug)]
pub struct Assignment {
    /// Its name in the bundle.
    pub name: String,
    /// What it is.
    pub digest: Digest,
    /// Its place at the target: with a tag, unless it has none.
    pub target: Reference,
}

/// Gives every image its place.
///
/// # Errors
/// A name that is no reference or makes no name at the target, or two images that would land on
/// one tag with different contents; both are named.
pub fn assign(images: impl IntoIterator<Item = (String, Digest)>, naming: &Naming) -> Result<Vec<Assignment>> {
    let usage = |name: &str, e: Invalid| Error::usage(format!("{}: {e}", name.escape_debug()));
    let mut taken: HashMap<Reference, Assignment> = HashMap::new();
    let mut assignments = Vec::new();
    for (name, digest) in images {
        let source: Reference = name.parse().map_err(|e| usage(&name, e))?;
        let repository = naming.repository(&source.repository).map_err(|e| usage(&name, e))?;
        let target = Reference { repository, tag: source.tag, digest: source.digest };
        let assignment = Assignment { name, digest, target };
        match taken.get(&assignment.target) {
            Some(other) if other.digest != assignment.digest => {
                return Err(Error::Usage {
                    message: format!(
                        "`{}` and `{}` would both become `{}`, and they are different images",
                        other.name, assignment.name, assignment.target
                    ),
                    hint: Some("give one of them another place with --map FROM=TO".into()),
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
        let naming = Naming::new("172.18.0.20", namespace, mappings);
        let images = [(name.to_owned(), Digest::sha256(b""))];
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
    fn two_images_on_one_tag_are_refused_with_both_names() {
        let naming = Naming::new("h.example", "library", vec![]);
        let images =
            [("gcr.io/a:1".to_owned(), Digest::sha256(b"a")), ("quay.io/a:1".to_owned(), Digest::sha256(b"b"))];
        let error = assign(images.clone(), &naming).expect_err("a collision").to_string();
        assert!(error.contains("gcr.io/a:1") && error.contains("quay.io/a:1"), "{error}");
        let same = images.map(|(name, _)| (name, Digest::sha256(b"a")));
        assert_eq!(assign(same, &naming).expect("one content").len(), 1);
    }
}
