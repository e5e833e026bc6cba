//! Tags as versions, and ranges of versions (semver.org 2.0.0), written as the tools around images write them: `>=1.2 <2`,
//! `~1.4`, `^2`, `1.x`, `1.2 - 1.4`, `<1 || >=3`.
//!
//! A version without an operator is that version, and one that is cut short all that begin with it. A pre-release
//! is in a range only if every condition of it names a pre-release: `>=1.2.0-0`.

use std::fmt;
use std::str::FromStr;

use semver::{BuildMetadata, Comparator, Op, Prerelease, Version};

use crate::oci::Invalid;

/// What a tag says as a version: `v1.2.3`, `1.2`, `1.2.3-rc.1`, `1.2.3_build`; `None` if it is none.
pub(super) fn version(tag: &str) -> Option<Version> {
    let Written { parts, pre, build } = written(tag.strip_prefix(['v', 'V']).unwrap_or(tag))?;
    let part = |at: usize| parts.get(at).map_or(Some(0), |part| *part);
    let pre = Prerelease::new(&pre).ok()?;
    let build = BuildMetadata::new(&build).ok()?;
    Some(Version { major: part(0)?, minor: part(1)?, patch: part(2)?, pre, build })
}

/// A version as it is written: up to three numbers, `None` for any.
struct Written {
    parts: Vec<Option<u64>>,
    pre: String,
    build: String,
}

fn written(text: &str) -> Option<Written> {
    let end = text.find(['-', '_', '+']).unwrap_or(text.len());
    let (core, rest) = text.split_at(end);
    let number = |part: &str| match part {
        "x" | "X" | "*" => Some(None),
        digits if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok().map(Some),
        _ => None,
    };
    let parts: Vec<Option<u64>> = core.split('.').map(number).collect::<Option<_>>()?;
    // A tag has no `+`: `_` stands for it.
    let (pre, build) = match rest.strip_prefix('-') {
        Some(pre) => pre.split_once(['_', '+']).unwrap_or((pre, "")),
        None => ("", rest.get(1..).unwrap_or_default()),
    };
    let build = build.replace(['_', '+'], "-");
    (parts.len() <= 3 && rest != "-").then(|| Written { parts, pre: without_zeros(pre), build })
}

/// Numbers within a pre-release without zeros in front: `20240101.07` is one that many have.
fn without_zeros(pre: &str) -> String {
    let plain = |part: &str| match part.trim_start_matches('0') {
        _ if !part.bytes().all(|b| b.is_ascii_digit()) || part.is_empty() => part.to_owned(),
        "" => "0".to_owned(),
        digits => digits.to_owned(),
    };
    pre.split('.').map(plain).collect::<Vec<_>>().join(".")
}

/// Versions: all that meet every condition of one of the groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    text: String,
    groups: Vec<Vec<Condition>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Condition {
    Any,
    Is(Comparator),
    IsNot(Comparator),
}

impl Range {
    /// Whether a version is in it.
    pub(super) fn has(&self, version: &Version) -> bool {
        self.groups.iter().any(|group| group.iter().all(|condition| condition.fits(version)))
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Condition {
    fn fits(&self, version: &Version) -> bool {
        match self {
            Self::Any => version.pre.is_empty(),
            Self::Is(comparator) => fits(comparator, version),
            Self::IsNot(comparator) => {
                (version.pre.is_empty() || !comparator.pre.is_empty()) && !fits(comparator, version)
            }
        }
    }
}

/// As `Comparator::matches`, which takes a pre-release only of the very version that it names.
fn fits(comparator: &Comparator, version: &Version) -> bool {
    if version.pre.is_empty() || comparator.pre.is_empty() {
        return comparator.matches(version);
    }
    let (major, minor, patch) =
        (comparator.major, comparator.minor.unwrap_or_default(), comparator.patch.unwrap_or_default());
    let named = Version { major, minor, patch, pre: comparator.pre.clone(), build: BuildMetadata::EMPTY };
    let order = version.cmp_precedence(&named);
    let same = |parts: usize| {
        [version.major == major, version.minor == minor, version.patch == patch].iter().take(parts).all(|same| *same)
    };
    match comparator.op {
        Op::Greater => order.is_gt(),
        Op::GreaterEq => order.is_ge(),
        Op::Less => order.is_lt(),
        Op::LessEq => order.is_le(),
        Op::Tilde => order.is_ge() && same(2),
        Op::Caret => {
            order.is_ge()
                && same(if major > 0 {
                    1
                } else if minor > 0 {
                    2
                } else {
                    3
                })
        }
        _ => order.is_eq(),
    }
}

impl FromStr for Range {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let groups: Option<Vec<_>> = text.split("||").map(group).collect();
        let groups = groups.ok_or_else(|| {
            let shown: String = text.chars().take(100).collect();
            Invalid::new(format!("`{}` is no range of versions, as in `>=1.2 <2`", shown.escape_debug()))
        })?;
        Ok(Self { text: text.trim().into(), groups })
    }
}

fn group(text: &str) -> Option<Vec<Condition>> {
    let is_blank = |c: char| c.is_whitespace() || c == ',';
    let mut rest = text.trim_matches(is_blank);
    let mut conditions = Vec::new();
    while !rest.is_empty() {
        let operator = &rest[..rest.find(|c: char| !"=<>!~^".contains(c)).unwrap_or(rest.len())];
        rest = rest[operator.len()..].trim_start();
        let (word, after) =
            rest.split_at(rest.find(|c: char| is_blank(c) || "=<>!~^".contains(c)).unwrap_or(rest.len()));
        rest = after.trim_start_matches(is_blank);
        match after.trim_start().strip_prefix("- ").filter(|_| operator.is_empty()) {
            Some(upper) => {
                let upper = upper.trim_start();
                let (end, after) = upper.split_at(upper.find(is_blank).unwrap_or(upper.len()));
                conditions.push(condition(">=", word)?);
                conditions.push(condition("<=", end)?);
                rest = after.trim_start_matches(is_blank);
            }
            None => conditions.push(condition(operator, word)?),
        }
    }
    if conditions.is_empty() { None } else { Some(conditions) }
}

fn condition(operator: &str, word: &str) -> Option<Condition> {
    let Written { parts, pre, build: _ } = written(word.strip_prefix(['v', 'V']).unwrap_or(word))?;
    let op = match operator {
        "" | "=" | "==" | "!=" => Op::Exact,
        ">" => Op::Greater,
        ">=" | "=>" => Op::GreaterEq,
        "<" => Op::Less,
        "<=" | "=<" => Op::LessEq,
        "~" | "~>" => Op::Tilde,
        "^" => Op::Caret,
        _ => return None,
    };
    // What comes after a part that is any is any too.
    let mut known = parts.into_iter().map_while(|part| part);
    let Some(major) = known.next() else {
        return matches!(op, Op::Exact | Op::GreaterEq | Op::LessEq | Op::Tilde | Op::Caret)
            .then_some(Condition::Any)
            .filter(|_| operator != "!=" && pre.is_empty());
    };
    let (minor, patch) = (known.next(), known.next());
    let pre = Prerelease::new(&pre).ok()?;
    let (minor, patch) = if pre.is_empty() { (minor, patch) } else { (minor.or(Some(0)), patch.or(Some(0))) };
    let comparator = Comparator { op, major, minor, patch, pre };
    Some(if operator == "!=" { Condition::IsNot(comparator) } else { Condition::Is(comparator) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_as_versions_however_they_are_written() {
        for (tag, want) in [
            ("v1.2.3", "1.2.3"),
            ("V1.2.3", "1.2.3"),
            ("1.2", "1.2.0"),
            ("7", "7.0.0"),
            ("24.04", "24.4.0"),
            ("1.2.3-rc.1", "1.2.3-rc.1"),
            ("v1.30.4-k3s1", "1.30.4-k3s1"),
            ("1.25-alpine", "1.25.0-alpine"),
            ("1.0.0_build.5", "1.0.0+build.5"),
            ("1.0.0-rc1_b", "1.0.0-rc1+b"),
            ("1.0-20240101.07", "1.0.0-20240101.7"),
            ("20240923", "20240923.0.0"),
        ] {
            assert_eq!(version(tag).map(|version| version.to_string()).as_deref(), Some(want), "{tag}");
        }
        for tag in
            ["latest", "v", "", "1.2.3.4", "1.x", "x", "1..2", "1.2.3rc1", "1e3", "99999999999999999999", "1-", "-1"]
        {
            assert_eq!(version(tag), None, "{tag}");
        }
    }

    #[test]
    fn ranges_hold_what_the_table_says() {
        let all = ["0.9.0", "1.0.0", "v1.2.0", "1.2.9", "1.3.0-rc.1", "1.3", "2.0.0-rc1", "2.0.0", "3.1.4"];
        for (range, want) in [
            (">=1.2 <2", vec!["v1.2.0", "1.2.9", "1.3"]),
            (">= 1.2, < 2", vec!["v1.2.0", "1.2.9", "1.3"]),
            (">=1.2,<2", vec!["v1.2.0", "1.2.9", "1.3"]),
            ("1.2", vec!["v1.2.0", "1.2.9"]),
            ("1.2.x", vec!["v1.2.0", "1.2.9"]),
            ("=1.2.9", vec!["1.2.9"]),
            ("v1.2.9", vec!["1.2.9"]),
            ("1", vec!["1.0.0", "v1.2.0", "1.2.9", "1.3"]),
            ("~1.2", vec!["v1.2.0", "1.2.9"]),
            ("~1.2.5", vec!["1.2.9"]),
            ("^1.2", vec!["v1.2.0", "1.2.9", "1.3"]),
            ("^0.9", vec!["0.9.0"]),
            (">1.2", vec!["1.3", "2.0.0", "3.1.4"]),
            ("<=1.2", vec!["0.9.0", "1.0.0", "v1.2.0", "1.2.9"]),
            ("<1 || >=3", vec!["0.9.0", "3.1.4"]),
            ("1.0 - 1.2", vec!["1.0.0", "v1.2.0", "1.2.9"]),
            (">=1 !=1.2.9 <2", vec!["1.0.0", "v1.2.0", "1.3"]),
            (">=1.2.0-0 <2.0.0-0", vec!["v1.2.0", "1.2.9", "1.3.0-rc.1", "1.3"]),
            ("^1.3.0-0", vec!["1.3.0-rc.1", "1.3"]),
            ("2.0.0-rc1", vec!["2.0.0-rc1"]),
            ("*", vec!["0.9.0", "1.0.0", "v1.2.0", "1.2.9", "1.3", "2.0.0", "3.1.4"]),
            (">5", vec![]),
        ] {
            let parsed: Range = range.parse().expect(range);
            let found: Vec<&str> =
                all.into_iter().filter(|tag| version(tag).is_some_and(|version| parsed.has(&version))).collect();
            assert_eq!(found, want, "{range}");
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in [
            "",
            " ",
            "||",
            ">=",
            "latest",
            ">=1.2.3.4",
            "1 ||",
            "><1",
            ">*",
            "!=x",
            "1 -",
            ">=1 - 2 x",
            "ä",
            ">= ",
            "=\u{0}",
        ] {
            assert!(text.parse::<Range>().is_err(), "{text:?}");
        }
    }
}
