//! What the registry holds: content by digest, and per repository which of it is there.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use data_encoding::HEXLOWER;
use serde_json::Value;
use sha2::{Digest as _, Sha256, Sha512};

const PAGE: usize = 4096;

/// The bytes of a blob, or as much of them as is kept.
#[derive(Clone)]
pub enum Content {
    /// In memory.
    Bytes(Arc<[u8]>),
    /// Computed when read: any size, no memory.
    Made {
        /// Which of all contents of this size.
        seed: u64,
        /// Its length in bytes.
        size: u64,
    },
    /// Hashed and thrown away: its length is all that is left.
    Discarded(u64),
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl Content {
    pub fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Made { size, .. } | Self::Discarded(size) => *size,
        }
    }

    /// Fills `buffer` with the bytes from `offset` on, which must be there.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) {
        match self {
            Self::Bytes(bytes) => {
                let start = usize::try_from(offset).expect("an offset in memory");
                buffer.copy_from_slice(&bytes[start..start + buffer.len()]);
            }
            Self::Made { seed, .. } => make(*seed, offset, buffer),
            Self::Discarded(_) => unreachable!("asked for content that was discarded"),
        }
    }

    pub fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 64 * 1024];
        let mut at = 0;
        while at < self.len() {
            let n = usize::try_from(self.len() - at).unwrap_or(usize::MAX).min(buffer.len());
            self.read_at(at, &mut buffer[..n]);
            hasher.update(&buffer[..n]);
            at += n as u64;
        }
        format!("sha256:{}", HEXLOWER.encode(&hasher.finalize()))
    }
}

/// Pages of 4 KiB that all look alike but for a number mixed from the seed and their place.
fn make(seed: u64, mut offset: u64, mut buffer: &mut [u8]) {
    let mut page = [0; PAGE];
    for (byte, n) in page.iter_mut().zip(0_u32..) {
        *byte = n.wrapping_mul(31).to_le_bytes()[0];
    }
    while !buffer.is_empty() {
        let number = (offset / PAGE as u64).wrapping_add(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        page[..8].copy_from_slice(&number.to_le_bytes());
        let start = usize::try_from(offset % PAGE as u64).expect("within a page");
        let n = buffer.len().min(PAGE - start);
        let (now, rest) = buffer.split_at_mut(n);
        now.copy_from_slice(&page[start..start + n]);
        (buffer, offset) = (rest, offset + n as u64);
    }
}

/// The digest of `bytes`, by the algorithm of `like` (sha256 where that names no other).
pub fn digest_like(like: &str, bytes: &[u8]) -> String {
    if like.starts_with("sha512:") {
        format!("sha512:{}", HEXLOWER.encode(&Sha512::digest(bytes)))
    } else {
        format!("sha256:{}", HEXLOWER.encode(&Sha256::digest(bytes)))
    }
}

pub fn is_digest(text: &str) -> bool {
    let hex = |hex: &str, n| hex.len() == n && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    match text.split_once(':') {
        Some(("sha256", digits)) => hex(digits, 64),
        Some(("sha512", digits)) => hex(digits, 128),
        _ => false,
    }
}

/// A manifest as it was pushed.
#[derive(Clone)]
pub struct Stored {
    pub media_type: String,
    pub bytes: Arc<[u8]>,
}

#[derive(Default)]
pub struct Repository {
    pub blobs: BTreeSet<String>,
    pub manifests: BTreeMap<String, Stored>,
    pub tags: BTreeMap<String, String>,
}

/// All repositories, and the content they share.
#[derive(Default)]
pub struct Store {
    pub contents: HashMap<String, Content>,
    pub repositories: BTreeMap<String, Repository>,
    pub violations: Vec<String>,
    /// What was pushed by this name, since when it shows, and what the name led to before.
    late: HashMap<(String, String), (Instant, Option<String>)>,
}

impl Store {
    pub fn put_blob(&mut self, repo: &str, digest: &str, content: Content) {
        self.contents.insert(digest.into(), content);
        self.link_blob(repo, digest);
    }

    pub fn link_blob(&mut self, repo: &str, digest: &str) {
        self.repositories.entry(repo.into()).or_default().blobs.insert(digest.into());
    }

    pub fn blob(&self, repo: &str, digest: &str) -> Option<&Content> {
        self.repositories.get(repo)?.blobs.get(digest)?;
        self.contents.get(digest)
    }

    pub fn put_manifest(&mut self, repo: &str, digest: &str, tag: Option<&str>, stored: Stored) {
        let repository = self.repositories.entry(repo.into()).or_default();
        repository.manifests.insert(digest.into(), stored);
        if let Some(tag) = tag {
            repository.tags.insert(tag.into(), digest.into());
        }
    }

    /// What is pushed under this name (a digest or a tag) shows only after `lag`.
    pub fn delay(&mut self, repo: &str, name: &str, lag: Duration) {
        if lag.is_zero() {
            return;
        }
        let before = self.shown_manifest(repo, name).map(|(digest, _)| digest);
        self.late.insert((repo.into(), name.into()), (Instant::now() + lag, before));
    }

    /// Whether what has this digest shows already.
    pub fn shows(&self, repo: &str, name: &str) -> bool {
        self.late.get(&(repo.into(), name.into())).is_none_or(|(since, _)| *since <= Instant::now())
    }

    /// A manifest as it shows from outside.
    pub fn shown_manifest(&self, repo: &str, reference: &str) -> Option<(String, Stored)> {
        if self.shows(repo, reference) {
            return self.manifest(repo, reference).filter(|(digest, _)| self.shows(repo, digest));
        }
        let before = self.late.get(&(repo.into(), reference.into()))?.1.as_ref()?;
        self.manifest(repo, before)
    }

    /// A manifest by tag or digest, with its digest.
    pub fn manifest(&self, repo: &str, reference: &str) -> Option<(String, Stored)> {
        let repository = self.repositories.get(repo)?;
        let digest = repository.tags.get(reference).map_or(reference, String::as_str);
        Some((digest.into(), repository.manifests.get(digest)?.clone()))
    }

    /// What a manifest names that this repository lacks: directly, or (`deep`) at any depth.
    pub fn missing(&self, repo: &str, bytes: &[u8], deep: bool) -> Vec<String> {
        let Ok(document) = serde_json::from_slice::<Value>(bytes) else { return Vec::new() };
        let mut missing = Vec::new();
        for (key, descriptor) in descriptors(&document) {
            let digest = descriptor["digest"].as_str().unwrap_or_default();
            let kind = descriptor["mediaType"].as_str().unwrap_or_default();
            let child = self.repositories.get(repo).and_then(|r| r.manifests.get(digest));
            let there = match key {
                "manifests" if is_manifest_type(kind) => child.is_some(),
                "manifests" => child.is_some() || self.blob(repo, digest).is_some(),
                _ => self.blob(repo, digest).is_some() || descriptor["urls"].is_array(),
            };
            if !there {
                missing.push(digest.to_owned());
            } else if let (true, "manifests", Some(child)) = (deep, key, child) {
                missing.extend(self.missing(repo, &child.bytes, true));
            }
        }
        missing
    }

    /// Manifests of a repository that name `digest` as their subject, as descriptors.
    pub fn referrers(&self, repo: &str, digest: &str) -> Vec<Value> {
        let Some(repository) = self.repositories.get(repo) else { return Vec::new() };
        let mut found = Vec::new();
        for (own, stored) in &repository.manifests {
            let Ok(document) = serde_json::from_slice::<Value>(&stored.bytes) else { continue };
            if document["subject"]["digest"].as_str() != Some(digest) {
                continue;
            }
            let kind = document["artifactType"].as_str().or(document["config"]["mediaType"].as_str());
            let mut descriptor = serde_json::json!({
                "mediaType": stored.media_type, "digest": own, "size": stored.bytes.len(), "artifactType": kind,
            });
            if document["annotations"].is_object() {
                descriptor["annotations"] = document["annotations"].clone();
            }
            found.push(descriptor);
        }
        found
    }
}

pub fn is_manifest_type(media_type: &str) -> bool {
    matches!(
        media_type,
        "application/vnd.docker.distribution.manifest.list.v2+json"
            | "application/vnd.docker.distribution.manifest.v2+json"
            | "application/vnd.oci.image.index.v1+json"
            | "application/vnd.oci.image.manifest.v1+json"
    )
}

/// Every descriptor that a manifest needs to be whole, with the key it stands under.
pub fn descriptors(document: &Value) -> Vec<(&'static str, &Value)> {
    let mut found = Vec::new();
    if document["config"].is_object() {
        found.push(("config", &document["config"]));
    }
    for key in ["layers", "blobs", "manifests"] {
        for descriptor in document[key].as_array().into_iter().flatten() {
            found.push((key, descriptor));
        }
    }
    found
}
