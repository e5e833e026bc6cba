//! `Mirror`: content of one place that is fetched from another, under its own name.

use std::fmt;
use std::str::FromStr;

use super::source_prefix::SourcePrefix;
use crate::oci::{Invalid, Reference, Repository};

/// `PREFIX=MIRROR`: what is named PREFIX is fetched from MIRROR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mirror {
    pub(crate) from: SourcePrefix,
    to: SourcePrefix,
}

impl Mirror {
    /// Where a repository is fetched from: what the longest of the prefixes that fit says; `None` if none does.
    ///
    /// # Errors
    /// What comes out is no name of a repository.
    pub(crate) fn of(mirrors: &[Self], repository: &Repository) -> Result<Option<Repository>, Invalid> {
        let fitting = mirrors.iter().filter_map(|mirror| Some((mirror, mirror.from.rest(repository)?)));
        let Some((mirror, rest)) = fitting.max_by_key(|(mirror, _)| mirror.from.len()) else { return Ok(None) };
        mirror.to.join(rest).map(Some)
    }

    /// The same of an image.
    ///
    /// # Errors
    /// As [`Mirror::of`].
    pub(crate) fn of_image(mirrors: &[Self], image: &Reference) -> Result<Option<Reference>, Invalid> {
        let repository = Self::of(mirrors, &image.repository)?;
        Ok(repository.map(|repository| Reference { repository, ..image.clone() }))
    }
}

impl FromStr for Mirror {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (from, to) = text.split_once('=').ok_or_else(|| Invalid::new("it is PREFIX=MIRROR"))?;
        Ok(Self { from: from.parse()?, to: to.parse()? })
    }
}

impl fmt::Display for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.from, self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fetched(name: &str, mirrors: &[&str]) -> String {
        let mirrors: Vec<Mirror> = mirrors.iter().map(|text| text.parse().expect("a mirror")).collect();
        let image = Mirror::of_image(&mirrors, &name.parse().expect("a name")).expect("a name");
        image.map_or_else(|| "itself".into(), |image| image.to_string())
    }

    #[test]
    fn the_longest_prefix_says_where_from_and_it_ends_at_a_slash() {
        let all = [
            "gcr.io=m.example/gcr",
            "gcr.io/team=other.example",
            "docker.io=m.example:5000/hub/",
            "quay.io/a/b=m.example/c",
        ];
        for (name, want) in [
            ("gcr.io/x/y:1", "m.example/gcr/x/y:1"),
            ("gcr.io/team/a:1", "other.example/a:1"),
            ("gcr.io/teams/a:1", "m.example/gcr/teams/a:1"),
            ("nginx", "m.example:5000/hub/library/nginx:latest"),
            ("quay.io/a/b:1", "m.example/c:1"),
            ("quay.io/a/bc:1", "itself"),
            ("gcr.io.evil.example/a:1", "itself"),
            ("GCR.io:443/x:1", "m.example/gcr/x:1"),
        ] {
            assert_eq!(fetched(name, &all), want, "{name}");
        }
    }

    #[test]
    fn what_is_no_mirror_is_refused() {
        for text in
            ["", "a", "=", "gcr.io=", "=m.example", "gcr.io=https://m.example", "gcr.io=m.example/a:1", "gcr=m.example"]
        {
            assert!(text.parse::<Mirror>().is_err(), "{text}");
        }
        let whole: Mirror = "gcr.io/a=m.example".parse().expect("a mirror");
        let name: Reference = "gcr.io/a:1".parse().expect("a name");
        assert!(Mirror::of_image(&[whole], &name).is_err(), "nothing is left of the path");
    }
}
