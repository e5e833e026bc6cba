//! An inventory: what is somewhere, as a small file to carry back (`docs/format.md`, "Inventories").

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::oci::{Digest, Object, Reference, Repository, parse_json};

/// A reader need not take longer ones, in bytes.
pub(crate) const MAX_INVENTORY: u64 = 256 << 20;

const VERSION: u32 = 1;
const MAX_ELEMENTS: usize = 1_000_000;
/// 2^53: what every reader of JSON takes for the number that it is.
const MAX_SIZE: u64 = 1 << 53;

/// On whose word it says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Witness {
    /// Every byte was read, and hashed right.
    Files,
    /// A registry said so.
    Registry,
}

impl Witness {
    /// The word for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Registry => "registry",
        }
    }
}

/// Where some content is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Whereabouts {
    /// Nobody knows any more: it counts for every repository.
    Anywhere,
    /// In these. Much of what is somewhere is in the same ones, so they are held once.
    In(Arc<BTreeSet<Repository>>),
}

/// What is somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct InventoryJson {
    /// Content that is there whole, with its length in bytes.
    pub(crate) held: BTreeMap<Digest, (u64, Whereabouts)>,
    /// Images by name, and what each name stands for.
    pub(crate) images: BTreeMap<String, Digest>,
    /// On whose word.
    pub(crate) source: Witness,
    /// What is in front of every repository, where the names are those at a registry.
    pub(crate) target: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    held: Vec<HeldLine<'a>>,
    images: Vec<ImageLine<'a>>,
    inventory_version: u32,
    source: Witness,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a str>,
}

#[derive(Serialize)]
struct HeldLine<'a> {
    digest: &'a Digest,
    #[serde(skip_serializing_if = "Option::is_none")]
    repositories: Option<Vec<String>>,
    size: u64,
}

#[derive(Serialize)]
struct ImageLine<'a> {
    digest: &'a Digest,
    name: &'a str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Read {
    held: Vec<Object<ReadHeld>>,
    images: Vec<Object<ReadImage>>,
    #[serde(rename = "inventoryVersion")]
    _version: u32,
    source: Witness,
    target: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadHeld {
    digest: Digest,
    repositories: Option<Vec<String>>,
    size: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadImage {
    digest: Digest,
    name: String,
}

impl InventoryJson {
    /// The one way to write it.
    ///
    /// # Errors
    /// When it cannot be written, which does not happen.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>> {
        let held = |(digest, (size, whereabouts)): (_, &(u64, Whereabouts))| HeldLine {
            digest,
            repositories: match whereabouts {
                Whereabouts::Anywhere => None,
                Whereabouts::In(repositories) => {
                    let mut texts: Vec<String> = repositories.iter().map(ToString::to_string).collect();
                    texts.sort_unstable();
                    Some(texts)
                }
            },
            size: *size,
        };
        let lines = self.held.iter().map(held).collect();
        let images = self.images.iter().map(|(name, digest)| ImageLine { digest, name }).collect();
        let (source, target) = (self.source, self.target.as_deref());
        let written = Written { held: lines, images, inventory_version: VERSION, source, target };
        serde_json::to_vec(&written).map_err(|e| Error::content(format!("inventory: {e}")))
    }

    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Version {
            inventory_version: Option<u32>,
        }
        if bytes.len() as u64 > MAX_INVENTORY {
            return Err(Error::content(format!("longer than {} MiB: too long for an inventory", MAX_INVENTORY >> 20)));
        }
        match parse_json(bytes)? {
            Version { inventory_version: Some(VERSION) } => {}
            Version { inventory_version: Some(other) } => {
                let reason = format!("inventory version {other} is not known to this release, which reads version 1");
                return Err(Error::content(reason));
            }
            Version { inventory_version: None } => {
                return Err(Error::content("it is neither a bundle nor an inventory: it has no `inventoryVersion`"));
            }
        }
        let Read { held, images, source, target, .. } = parse_json(bytes)?;
        if held.len().max(images.len()) > MAX_ELEMENTS {
            return Err(Error::content(format!("it lists more than {MAX_ELEMENTS} digests or images")));
        }
        let target = target.map(|text| prefix(text, source)).transpose()?;
        let mut known = BTreeMap::new();
        let mut repositories = BTreeMap::new();
        let mut sets: HashMap<Vec<String>, Arc<BTreeSet<Repository>>> = HashMap::new();
        for Object(ReadHeld { digest, repositories: inside, size }) in held {
            if size > MAX_SIZE {
                return Err(Error::content(format!("{digest} is said to be {size} bytes long, an absurd size")));
            }
            let whereabouts = match inside {
                None => Whereabouts::Anywhere,
                Some(texts) => Whereabouts::In(match sets.get(&texts) {
                    Some(known) => known.clone(),
                    None => {
                        let new = Arc::new(each(&texts, &digest, &mut repositories)?);
                        sets.entry(texts).or_insert(new).clone()
                    }
                }),
            };
            if known.insert(digest.clone(), (size, whereabouts)).is_some() {
                return Err(Error::content(format!("it lists {digest} twice")));
            }
        }
        let mut named = BTreeMap::new();
        for Object(ReadImage { digest, name }) in images {
            let reference: Reference = name.parse()?;
            if reference.name() != name || reference.digest.as_ref().is_some_and(|other| *other != digest) {
                let name = name.escape_debug();
                return Err(Error::content(format!("`{name}` is not the full name of an image with {digest}")));
            }
            if named.insert(name.clone(), digest).is_some() {
                return Err(Error::content(format!("it lists `{name}` twice")));
            }
        }
        Ok(Self { held: known, images: named, source, target })
    }
}

/// `HOST[:PORT][/NAMESPACE]`, in its one form.
fn prefix(text: String, source: Witness) -> Result<String> {
    let below = format!("{text}/x");
    let is_one = repository(&below).is_some_and(|repository| repository.to_string() == below);
    if source == Witness::Files || !is_one {
        return Err(Error::content(format!("its `target` cannot be `{}`", text.escape_debug())));
    }
    Ok(text)
}

/// The repositories of one piece of content. Each text is looked at once.
fn each(texts: &[String], digest: &Digest, known: &mut BTreeMap<String, Repository>) -> Result<BTreeSet<Repository>> {
    let mut seen: HashSet<&str> = HashSet::new();
    let mut found = BTreeSet::new();
    for text in texts {
        let repository = match known.get(text) {
            Some(repository) => repository.clone(),
            None => {
                let parsed = repository(text).filter(|repository| repository.to_string() == *text);
                let bad = || Error::content(format!("{digest}: `{}` is no repository", text.escape_debug()));
                let parsed = parsed.ok_or_else(bad)?;
                known.insert(text.clone(), parsed.clone());
                parsed
            }
        };
        found.insert(repository);
        if !seen.insert(text) {
            return Err(Error::content(format!("{digest}: a repository is there twice")));
        }
    }
    Ok(found)
}

fn repository(text: &str) -> Option<Repository> {
    text.parse().ok().map(|reference: Reference| reference.repository)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(digit: char) -> String {
        format!("sha256:{}", digit.to_string().repeat(64))
    }

    fn written() -> String {
        let (one, two) = (hex('1'), hex('2'));
        format!(
            r#"{{"held":[{{"digest":"{one}","repositories":["quay.io/org/app"],"size":7}},{{"digest":"{two}","size":0}}],"images":[{{"digest":"{one}","name":"quay.io/org/app:1"}}],"inventoryVersion":1,"source":"files"}}"#
        )
    }

    #[test]
    fn an_inventory_is_written_as_it_was_read() {
        let text = written();
        let inventory = InventoryJson::parse(text.as_bytes()).expect("an inventory");
        assert_eq!(inventory.to_bytes().expect("written"), text.as_bytes());
    }

    #[test]
    fn what_cannot_be_an_inventory_is_refused() {
        let text = written();
        let one = hex('1');
        for (from, to) in [
            (r#""inventoryVersion":1"#, r#""inventoryVersion":2"#),
            (r#""inventoryVersion":1,"#, ""),
            (r#""source":"files""#, r#""source":"hearsay""#),
            (r#""source":"files""#, r#""source":"files","target":"172.18.0.20""#),
            (r#""source":"files""#, r#""source":"registry","target":"172.18.0.20/""#),
            (r#""source":"files""#, r#""source":"files","more":1"#),
            (r#""size":7"#, r#""size":9007199254740993"#),
            (r#""size":7"#, r#""size":-7"#),
            (r#""size":7"#, r#""size":"7""#),
            (r#""size":7"#, r#""Size":7"#),
            (r#""size":0"#, r#""size":0,"size":1"#),
            (&hex('2'), &one),
            (r#"["quay.io/org/app"]"#, r#"["quay.io/org/app","quay.io/org/app"]"#),
            (r#"["quay.io/org/app"]"#, r#"["quay.io/org/app:1"]"#),
            (r#"["quay.io/org/app"]"#, r#"["app"]"#),
            (r#"["quay.io/org/app"]"#, r#""quay.io/org/app""#),
            ("quay.io/org/app:1", "quay.io/org/app"),
            ("quay.io/org/app:1", "app:1"),
            (r#"app:1"}]"#, &format!(r#"app@{}"}}]"#, hex('3'))),
            (r#"app:1"}]"#, &format!(r#"app:1"}},{{"digest":"{one}","name":"quay.io/org/app:1"}}]"#)),
            (&format!(r#"{{"digest":"{}","size":0}}"#, hex('2')), &format!(r#"["{}",null,0]"#, hex('2'))),
        ] {
            let bad = text.replacen(from, to, 1);
            assert_ne!(bad, text, "{from}");
            assert!(InventoryJson::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
