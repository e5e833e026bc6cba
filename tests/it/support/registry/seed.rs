//! Filling a registry from an OCI image layout directory.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::Registry;
use super::store::{Content, Stored, descriptors, digest_like};

/// An image that was put into the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seeded {
    /// The full name in the layout, such as `quay.io/org/app:1.4`.
    pub name: String,
    /// Where it is here, such as `org/app`.
    pub repository: String,
    /// Its tag.
    pub tag: String,
    /// Its digest.
    pub digest: String,
}

impl Registry {
    /// Puts every named image of a layout directory in, under the path part of its name.
    ///
    /// # Panics
    /// When the directory is not a layout whose content hashes right.
    pub fn seed_layout(&self, dir: &Path) -> Vec<Seeded> {
        let index = fs::read(dir.join("index.json")).expect("index.json of the layout");
        let index: Value = serde_json::from_slice(&index).expect("index.json is JSON");
        let mut seeded = Vec::new();
        for root in index["manifests"].as_array().into_iter().flatten() {
            let annotations = &root["annotations"];
            let name = annotations["io.containerd.image.name"]
                .as_str()
                .or(annotations["org.opencontainers.image.ref.name"].as_str())
                .expect("every image of the layout has a name");
            let (repository, tag) = name.rsplit_once(':').expect("every name has a tag");
            let repository = match repository.split_once('/') {
                Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => path,
                _ => repository,
            };
            let digest = root["digest"].as_str().expect("a digest").to_owned();
            self.seed(dir, repository, root, Some(tag));
            seeded.push(Seeded { name: name.into(), repository: repository.into(), tag: tag.into(), digest });
        }
        seeded
    }

    fn seed(&self, dir: &Path, repo: &str, descriptor: &Value, tag: Option<&str>) {
        let digest = descriptor["digest"].as_str().expect("a digest");
        let bytes = content(dir, digest);
        let document: Value = serde_json::from_slice(&bytes).expect("a manifest is JSON");
        for (key, child) in descriptors(&document) {
            let child_digest = child["digest"].as_str().expect("a digest");
            if key == "manifests" {
                self.seed(dir, repo, child, None);
            } else {
                self.store().put_blob(repo, child_digest, Content::from(content(dir, child_digest)));
            }
        }
        let media_type = descriptor["mediaType"].as_str().expect("a media type").into();
        self.store().put_manifest(repo, digest, tag, Stored { media_type, bytes: bytes.into() });
    }

    /// The digests of a manifest and of all manifests below it, parents first.
    pub fn manifests_of(&self, repo: &str, reference: &str) -> Vec<String> {
        let mut found: Vec<String> = self.digest(repo, reference).into_iter().collect();
        let mut at = 0;
        while let Some(digest) = found.get(at).cloned() {
            at += 1;
            let Some((_, bytes)) = self.manifest(repo, &digest) else { continue };
            let document: Value = serde_json::from_slice(&bytes).unwrap_or_default();
            for child in document["manifests"].as_array().into_iter().flatten() {
                let child = child["digest"].as_str().unwrap_or_default().to_owned();
                if !found.contains(&child) {
                    found.push(child);
                }
            }
        }
        found
    }
}

fn content(dir: &Path, digest: &str) -> Vec<u8> {
    let path = dir.join("blobs").join(digest.replace(':', "/"));
    let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(digest_like(digest, &bytes), digest, "content of the layout");
    bytes
}
