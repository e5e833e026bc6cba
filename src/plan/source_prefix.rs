//! `SourcePrefix`: a host, or repositories on it, by the first parts of their path.

use std::fmt;
use std::str::FromStr;

use crate::oci::{Host, Invalid, Repository};

/// `HOST[:PORT][/PATH]`: all repositories on a host, or those at and below a path on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourcePrefix {
    host: Host,
    /// The first parts of a path; empty for all.
    path: String,
}

impl SourcePrefix {
    /// What of the path of a repository is left below this; `None` if it lies elsewhere.
    pub(super) fn rest<'a>(&self, repository: &'a Repository) -> Option<&'a str> {
        let rest = repository.path().strip_prefix(self.path.as_str()).filter(|_| *repository.host() == self.host)?;
        match rest.strip_prefix('/') {
            None if rest.is_empty() || self.path.is_empty() => Some(rest),
            below => below,
        }
    }

    /// Whether a repository lies there.
    pub(crate) fn covers(&self, repository: &Repository) -> bool {
        self.rest(repository).is_some()
    }

    /// The repository below this with such a rest of a path.
    ///
    /// # Errors
    /// It is no name of one.
    pub(super) fn join(&self, rest: &str) -> Result<Repository, Invalid> {
        let separator = if self.path.is_empty() || rest.is_empty() { "" } else { "/" };
        Repository::new(self.host.clone(), &format!("{}{separator}{rest}", self.path))
    }

    /// How specific it is, for comparison.
    pub(super) fn len(&self) -> usize {
        self.path.len()
    }
}

impl FromStr for SourcePrefix {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let text = text.trim_end_matches('/');
        if text.contains("://") {
            return Err(Invalid::new(format!("`{text}`: leave out the scheme: names begin with the host")));
        }
        let (host, path) = text.split_once('/').unwrap_or((text, ""));
        let host: Host = host.parse()?;
        if !host.is_told_from_a_path() {
            let whole = format!("docker.io/{text}");
            return Err(Invalid::new(format!("`{text}` begins with no registry host: write it like {whole}")));
        }
        if let Some((name, _)) = path.split_once([':', '@']) {
            return Err(Invalid::new(format!("`{text}`: no tag and no digest here: end it as in {host}/{name}")));
        }
        Ok(Self { host, path: path.into() })
    }
}

impl fmt::Display for SourcePrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = if self.path.is_empty() { "" } else { "/" };
        write!(f, "{}{separator}{}", self.host, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::Reference;

    #[test]
    fn a_prefix_ends_between_two_parts_of_a_path() {
        let covers = |prefix: &str, name: &str| {
            let prefix: SourcePrefix = prefix.parse().expect("a prefix");
            prefix.covers(&name.parse::<Reference>().expect("a name").repository)
        };
        assert!(covers("gcr.io", "gcr.io/a/b:1") && covers("gcr.io/", "gcr.io/a:1"));
        assert!(
            covers("gcr.io/a", "gcr.io/a/b:1")
                && covers("gcr.io/a/b", "gcr.io/a/b:1")
                && covers("GCR.io/a", "gcr.io/a")
        );
        assert!(covers("docker.io", "nginx") && covers("docker.io/library", "nginx"));
        for (prefix, name) in [
            ("gcr.io/a", "gcr.io/ab:1"),
            ("gcr.io/a/b", "gcr.io/a:1"),
            ("gcr.io", "gcr.io.evil.example/a:1"),
            ("gcr.io", "evil.example/gcr.io/a:1"),
            ("gcr.io", "gcr.io:5000/a:1"),
            ("gcr.io:5000", "gcr.io/a:1"),
            ("docker.io/nginx", "nginx"),
        ] {
            assert!(!covers(prefix, name), "{prefix} {name}");
        }
        assert!("".parse::<SourcePrefix>().is_err() && "https://gcr.io".parse::<SourcePrefix>().is_err());
    }
}
