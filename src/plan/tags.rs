//! Which tags of a repository are meant: all, or those that meet conditions.

use globset::{GlobBuilder, GlobMatcher};
use regex::{Regex, RegexBuilder};

use super::platforms::Platforms;
use super::versions::{Range, version};
use super::wanted::Origin;
use crate::oci::{Invalid, Repository, Tag, parse_digest_tag};

/// A compiled pattern is no longer, in bytes: one that somebody means takes some hundreds.
const MOST_COMPILED: usize = 1 << 20;

/// Some or all tags of a repository. Every condition that is there counts.
#[derive(Clone, Debug)]
pub(crate) struct Tags {
    /// Whose.
    pub(crate) repository: Repository,
    /// Who asks for them.
    pub(crate) origin: Origin,
    /// One that the whole tag matches.
    pub(crate) glob: Option<Pattern>,
    /// One of them is found in it.
    pub(crate) allow: Vec<Regex>,
    /// None of them is found in it.
    pub(crate) deny: Vec<Regex>,
    /// It is in one of them.
    pub(crate) ranges: Vec<Range>,
    /// Only so many, from the highest version down.
    pub(crate) newest: Option<usize>,
    /// Which platforms of them.
    pub(crate) platforms: Platforms,
}

/// A glob, as `*-alpine` or `quay.io/org/*`: a `*` stands for any characters, `/` too.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(GlobMatcher);

impl Pattern {
    /// Whether the whole text is as it says.
    pub(crate) fn fits(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    /// As it was written.
    pub(crate) fn as_str(&self) -> &str {
        self.0.glob().glob()
    }
}

impl std::str::FromStr for Pattern {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let bad = |why: String| Invalid::new(format!("`{}` is no glob: {why}", text.escape_debug()));
        if text.is_empty() || text.len() > 1_000 {
            return Err(bad("it is empty, or longer than any name".into()));
        }
        let glob = GlobBuilder::new(text).literal_separator(false).build().map_err(|e| bad(e.kind().to_string()))?;
        Ok(Self(glob.compile_matcher()))
    }
}

/// A regular expression, as lists have them.
///
/// # Errors
/// It is none, or one that takes too much.
pub(crate) fn expression(text: &str) -> Result<Regex, Invalid> {
    RegexBuilder::new(text).size_limit(MOST_COMPILED).build().map_err(|_| {
        let shown: String = text.chars().take(100).collect();
        Invalid::new(format!("`{}` is no regular expression that can be used", shown.escape_debug()))
    })
}

impl Tags {
    /// All of a repository.
    pub(crate) fn all(repository: Repository, origin: Origin) -> Self {
        let (allow, deny, ranges) = (Vec::new(), Vec::new(), Vec::new());
        let platforms = Platforms::default();
        Self { repository, origin, glob: None, allow, deny, ranges, newest: None, platforms }
    }

    /// Those of the tags that are meant, each once, in the order of the alphabet. `narrowed` is what was asked for
    /// besides.
    pub(crate) fn choose(&self, mut tags: Vec<Tag>, narrowed: &Narrowed) -> Vec<Tag> {
        tags.sort();
        tags.dedup();
        tags.retain(|tag| self.is_meant(tag.as_str()));
        let ranges = |tag: &Tag| {
            let version = version(tag.as_str());
            let is_in = |range: &Range| version.as_ref().is_some_and(|version| range.has(version));
            (self.ranges.is_empty() || self.ranges.iter().any(is_in)) && narrowed.range.as_ref().is_none_or(is_in)
        };
        tags.retain(ranges);
        for newest in [self.newest, narrowed.newest].into_iter().flatten() {
            tags = self::newest(tags, newest);
        }
        tags.sort();
        tags
    }

    fn is_meant(&self, tag: &str) -> bool {
        // What is made from a digest comes along with what it belongs to, unless it is asked for by that name.
        let by_name = self.glob.as_ref().is_some_and(|glob| glob.as_str().starts_with("sha"));
        (by_name || parse_digest_tag(tag).is_none())
            && self.glob.as_ref().is_none_or(|glob| glob.fits(tag))
            && (self.allow.is_empty() || self.allow.iter().any(|allow| allow.is_match(tag)))
            && !self.deny.iter().any(|deny| deny.is_match(tag))
    }

    /// What it asks for, for a message.
    pub(crate) fn what(&self, narrowed: &Narrowed) -> String {
        let mut parts = Vec::new();
        parts.extend(self.glob.iter().map(|glob| format!("`{}`", glob.as_str())));
        parts.extend(self.allow.iter().map(|allow| format!("`{allow}`")));
        parts.extend(self.ranges.iter().chain(&narrowed.range).map(|range| format!("`{range}`")));
        if parts.is_empty() { "what is asked for".into() } else { parts.join(" and ") }
    }
}

/// What narrows all choices of tags.
#[derive(Clone, Debug, Default)]
pub(crate) struct Narrowed {
    /// Only so many of each, from the highest version down.
    pub(crate) newest: Option<usize>,
    /// Only these versions.
    pub(crate) range: Option<Range>,
}

/// The tags that are versions, from the highest down, so many of them.
fn newest(tags: Vec<Tag>, most: usize) -> Vec<Tag> {
    let mut versions: Vec<_> = tags.into_iter().filter_map(|tag| Some((version(tag.as_str())?, tag))).collect();
    // Of one version, the tag that says most: `1.2.0` before `1.2`.
    versions.sort_by(|(one, tag), (other, other_tag)| {
        let by_length = || other_tag.as_str().len().cmp(&tag.as_str().len());
        other.cmp(one).then_with(by_length).then_with(|| tag.cmp(other_tag))
    });
    versions.into_iter().take(most).map(|(_, tag)| tag).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(texts: &str) -> Vec<Tag> {
        texts.split(' ').map(|text| text.parse().expect("a tag")).collect()
    }

    fn chosen(given: &str, change: impl FnOnce(&mut Tags, &mut Narrowed)) -> String {
        let repository = "quay.io/a/b".parse::<crate::oci::Reference>().expect("a name").repository;
        let mut all = Tags::all(repository, Origin::Argument);
        let mut narrowed = Narrowed::default();
        change(&mut all, &mut narrowed);
        all.choose(tags(given), &narrowed).iter().map(Tag::as_str).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn globs_choose_what_the_table_says() {
        let all = "latest 1.0 1.25-alpine 1.25.3-alpine 1.25.3 v2 V2 1.25-alpine3.20 a_b";
        for (glob, want) in [
            ("*", "1.0 1.25-alpine 1.25-alpine3.20 1.25.3 1.25.3-alpine V2 a_b latest v2"),
            ("*-alpine", "1.25-alpine 1.25.3-alpine"),
            ("1.25*", "1.25-alpine 1.25-alpine3.20 1.25.3 1.25.3-alpine"),
            ("1.?", "1.0"),
            ("[vV]2", "V2 v2"),
            ("{latest,1.0}", "1.0 latest"),
            ("1.25", ""),
            ("v2", "v2"),
            ("[!0-9]*", "V2 a_b latest v2"),
        ] {
            assert_eq!(chosen(all, |tags, _| tags.glob = Some(glob.parse().expect(glob))), want, "{glob}");
        }
        for glob in ["", "[", "{a", "a\\"] {
            assert!(glob.parse::<Pattern>().is_err(), "{glob}");
        }
    }

    #[test]
    fn the_newest_are_those_of_the_highest_versions() {
        let all = "latest 1.9.0 1.10.0 v1.11.0-rc.1 1.2 1.2.0 nightly";
        for (newest, want) in [
            (1, "v1.11.0-rc.1"),
            (2, "1.10.0 v1.11.0-rc.1"),
            (4, "1.10.0 1.2.0 1.9.0 v1.11.0-rc.1"),
            (0, ""),
            (99, "1.10.0 1.2 1.2.0 1.9.0 v1.11.0-rc.1"),
        ] {
            assert_eq!(chosen(all, |_, narrowed| narrowed.newest = Some(newest)), want, "{newest}");
        }
        let releases = |_: &mut Tags, narrowed: &mut Narrowed| {
            (narrowed.newest, narrowed.range) = (Some(2), Some("*".parse().expect("a range")));
        };
        assert_eq!(chosen(all, releases), "1.10.0 1.9.0");
    }

    #[test]
    fn all_conditions_count_and_what_is_made_from_digests_comes_with_what_it_belongs_to() {
        let made = format!("sha256-{}.sig", "a".repeat(64));
        let all = format!("1 1-debug 2 {made}");
        assert_eq!(chosen(&all, |_, _| ()), "1 1-debug 2");
        assert_eq!(chosen(&all, |tags, _| tags.glob = Some("sha256-*".parse().expect("a glob"))), made);
        let conditions = |tags: &mut Tags, _: &mut Narrowed| {
            tags.allow = vec![expression("^1").expect("one")];
            tags.deny = vec![expression("debug").expect("one")];
        };
        assert_eq!(chosen(&all, conditions), "1");
        assert!(expression("(").is_err() && expression("(a{999}){999}{999}").is_err());
    }
}
