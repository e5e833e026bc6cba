//! `Reference`: an image as a person names it, normalised as Docker does.
//!
//! Grammar and defaults after distribution/reference v0.6 (`reference.go`, `normalize.go`): `nginx`
//! is `docker.io/library/nginx:latest`. Own parser: IPv6 hosts, strict ASCII, strict digests.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::{Digest, Host, Invalid};

const DEFAULT_TAG: &str = "latest";
/// distribution/reference v0.6: the longest repository path.
const MAX_PATH: usize = 255;
const MAX_TAG: usize = 128;

/// `host/path`: where an image lives, without tag or digest.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Repository {
    host: Host,
    path: Arc<str>,
}

impl Repository {
    /// A repository on exactly this registry host; no Docker Hub defaults are applied.
    ///
    /// # Errors
    /// When the path breaks the reference grammar.
    pub fn new(host: Host, path: &str) -> Result<Self, Invalid> {
        check_path(path)?;
        Ok(Self { host, path: path.into() })
    }

    /// The registry host.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The path below the host.
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.host, self.path)
    }
}

/// A tag: at most 128 of `[A-Za-z0-9_.-]`, not starting with `.` or `-`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(String);

impl Tag {
    /// The tag's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Tag {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        let fits = text.len() <= MAX_TAG
            && text.bytes().next().is_some_and(word)
            && text.bytes().all(|b| word(b) || b == b'.' || b == b'-');
        if !fits {
            return Err(Invalid::new(format!("invalid tag `{}`", text.escape_debug())));
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A repository with a tag, a digest or both. Parsing normalises it as Docker does.
///
/// ```
/// use oci_bundle::oci::Reference;
///
/// let reference: Reference = "nginx".parse()?;
/// assert_eq!(reference.name(), "docker.io/library/nginx:latest");
/// let reference: Reference = "Registry.Example:443/team/app:1".parse()?;
/// assert_eq!(reference.name(), "registry.example/team/app:1");
/// # Ok::<(), oci_bundle::oci::Invalid>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    /// Where the image lives.
    pub repository: Repository,
    /// The name that may move.
    pub tag: Option<Tag>,
    /// The content; it wins over the tag.
    pub digest: Option<Digest>,
}

impl Reference {
    /// The name an image carries in a bundle: `repository:tag`, or `repository@digest` where there
    /// is no tag.
    pub fn name(&self) -> String {
        match (&self.tag, &self.digest) {
            (Some(tag), _) => format!("{}:{tag}", self.repository),
            (None, Some(digest)) => format!("{}@{digest}", self.repository),
            (None, None) => self.repository.to_string(),
        }
    }
}

impl FromStr for Reference {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let with_place = |e: Invalid| Invalid::new(format!("invalid reference `{}`: {e}", text.escape_debug()));
        parse(text).map_err(with_place)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

fn parse(text: &str) -> Result<Reference, Invalid> {
    if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(Invalid::new("an image id is no reference; name the repository"));
    }
    if let Some((scheme, _)) = text.split_once("://") {
        return Err(Invalid::new(format!("leave out `{scheme}://`")));
    }
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest.parse()?)),
        None => (text, None),
    };
    // A colon after the last slash starts a tag; before it, a port.
    let after_slash = rest.rfind('/').map_or(0, |i| i + 1);
    let (name, tag) = match rest[after_slash..].find(':') {
        Some(i) => (&rest[..after_slash + i], Some(rest[after_slash + i + 1..].parse()?)),
        None => (rest, None),
    };
    let (host, path) = match name.split_once('/') {
        Some((first, path)) if names_a_host(first) => (first.parse()?, path),
        _ => (Host::docker_hub(), name),
    };
    if !host.is_told_from_a_path() {
        return Err(Invalid::new(format!("the host `{host}` needs its port, as in `{host}:443/{path}`")));
    }
    let repository = if host.is_docker_hub() && !path.contains('/') {
        Repository::new(host, &format!("library/{path}"))?
    } else {
        Repository::new(host, path)?
    };
    let tag = match (&tag, &digest) {
        (None, None) => Some(Tag(DEFAULT_TAG.into())),
        _ => tag,
    };
    Ok(Reference { repository, tag, digest })
}

/// Whether the first part of a name is a host: it has a dot, a port or an upper-case letter, or is
/// `localhost` (distribution/reference v0.6 `splitDockerDomain`).
fn names_a_host(first: &str) -> bool {
    first.contains(['.', ':', '[']) || first == "localhost" || first.bytes().any(|b| b.is_ascii_uppercase())
}

fn check_path(path: &str) -> Result<(), Invalid> {
    let bad = |why: &str| Err(Invalid::new(format!("invalid repository `{}`: {why}", path.escape_debug())));
    if path.is_empty() {
        return bad("it is empty");
    }
    if path.len() > MAX_PATH {
        return bad("longer than 255 characters");
    }
    if path.bytes().any(|b| b.is_ascii_uppercase()) {
        return bad("must be lower case");
    }
    if !path.split('/').all(is_component) {
        return bad("each part is [a-z0-9]+ joined by `.`, `_`, `__` or dashes");
    }
    Ok(())
}

/// `[a-z0-9]+` joined by one of `.`, `_`, `__` or any number of `-`.
fn is_component(part: &str) -> bool {
    let alnum = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let mut separator = String::new();
    let mut started = false;
    for byte in part.bytes() {
        if alnum(byte) {
            let dashes = !separator.is_empty() && separator.bytes().all(|b| b == b'-');
            if !(matches!(separator.as_str(), "" | "." | "_" | "__") || dashes) || (!started && !separator.is_empty()) {
                return false;
            }
            separator.clear();
            started = true;
        } else if byte.is_ascii() {
            separator.push(char::from(byte));
        } else {
            return false;
        }
    }
    started && separator.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(text: &str) -> String {
        text.parse::<Reference>().map_or_else(|e| format!("error: {e}"), |r| r.to_string())
    }

    #[test]
    fn references_are_normalised_as_docker_does() {
        let hex = "b".repeat(64);
        let cases = [
            ("nginx", "docker.io/library/nginx:latest".to_owned()),
            ("nginx:1.27", "docker.io/library/nginx:1.27".into()),
            ("org/app", "docker.io/org/app:latest".into()),
            ("index.docker.io/nginx", "docker.io/library/nginx:latest".into()),
            ("docker.io/org/app:1", "docker.io/org/app:1".into()),
            ("localhost/app", "localhost/app:latest".into()),
            ("localhost:5000", "docker.io/library/localhost:5000".into()),
            ("localhost:5000/app", "localhost:5000/app:latest".into()),
            ("myhost/x", "docker.io/myhost/x:latest".into()),
            ("myhost:443/x", "myhost:443/x:latest".into()),
            ("Evil.IO:443/x", "evil.io/x:latest".into()),
            ("[::1]:5000/x:1", "[::1]:5000/x:1".into()),
            ("[fd00::1]/a/b", "[fd00::1]/a/b:latest".into()),
            ("172.18.0.20:443/library/a__b/c--d.e", "172.18.0.20/library/a__b/c--d.e:latest".into()),
        ];
        for (text, want) in &cases {
            assert_eq!(normal(text), *want, "{text}");
        }
        assert_eq!(normal(&format!("gcr.io/p@sha256:{hex}")), format!("gcr.io/p@sha256:{hex}"));
        let both: Reference = format!("gcr.io/p:1@sha256:{hex}").parse().expect("tag and digest");
        assert_eq!(both.to_string(), format!("gcr.io/p:1@sha256:{hex}"));
        assert_eq!(both.name(), "gcr.io/p:1");
        // What was normalised once is read the same the next time.
        for (text, _) in cases {
            let once = normal(text);
            assert_eq!(normal(&once), once);
        }
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        let long = "a/".repeat(128) + "a";
        for text in [
            "",
            "Nginx",
            "gcr.io/Pause",
            "MYHOST/x",
            "gcr.io/",
            "gcr.io//a",
            "/a",
            "a:",
            "a@",
            "a@sha256:12",
            "a b",
            "https://gcr.io/a",
            "gcr.io/a:t\u{e1}g",
            "gcr.io/a:-x",
            "gcr.io/a___b",
            "gcr.io/a..b",
            "gcr.io/-a",
            "gcr.io/a-",
            "gcr.io/../a",
            "gcr.io:0/a",
            "gcr.io:99999/a",
            "gcr.io:5x/a",
            "[::g]/a",
            "[::1/a",
            "user@gcr.io/a",
            "gcr.io/a\u{1b}[0m",
            "-x.io/a",
            &long,
            &"c".repeat(64),
            &format!("a:{}", "t".repeat(129)),
        ] {
            assert!(text.parse::<Reference>().is_err(), "{text:?} gave {}", normal(text));
        }
    }
}
