//! What the tests of referrers have in common: images of several platforms, and manifests that refer
//! to them, listed by the API or under a tag.

use serde_json::{Value, json};

use crate::scene::{INDEX, MANIFEST, Scene, descriptor, put_image, put_layer};
use crate::support::registry::Registry;

pub(crate) const EMPTY: &str = "application/vnd.oci.empty.v1+json";
pub(crate) const SBOM: &str = "application/spdx+json";
pub(crate) const SIGNATURE: &str = "application/vnd.test.signature";

/// An index of so many small images; its digest, then theirs.
pub(crate) fn put_index(registry: &Registry, repo: &str, tag: &str, platforms: usize) -> Vec<String> {
    let mut digests = vec![String::new()];
    let mut children = Vec::new();
    for number in 0..platforms {
        let layer = put_layer(registry, repo, format!("layer {number} of {repo}:{tag}"));
        let digest = put_image(registry, repo, &format!("{tag}-{number}"), &[layer]);
        let mut child = described(registry, repo, &digest);
        child["platform"] = json!({"os": "linux", "architecture": format!("arch{number}")});
        children.push(child);
        digests.push(digest);
    }
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": children}).to_string();
    digests[0] = registry.put_manifest(repo, Some(tag), INDEX, index);
    digests
}

/// A descriptor of a manifest that is there.
pub(crate) fn described(registry: &Registry, repo: &str, digest: &str) -> Value {
    let (media_type, bytes) = registry.manifest(repo, digest).expect("a manifest");
    json!({"mediaType": media_type, "digest": digest, "size": bytes.len()})
}

/// Puts an artifact of this kind in that refers to a manifest, with a layer of its own; its digest.
pub(crate) fn put_referrer(registry: &Registry, repo: &str, subject: &str, kind: &str) -> String {
    registry.put_blob(repo, "{}");
    let layer = put_layer(registry, repo, format!("{kind} of {subject}"));
    let document = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": kind, "config": descriptor(EMPTY, b"{}"),
        "layers": [layer], "subject": described(registry, repo, subject),
    });
    registry.put_manifest(repo, None, MANIFEST, document.to_string())
}

/// Lists referrers under the tag that is made from their subject's digest.
pub(crate) fn list_by_tag(registry: &Registry, repo: &str, subject: &str, referrers: &[&str]) {
    let lines: Vec<Value> = referrers.iter().map(|digest| described(registry, repo, digest)).collect();
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": lines}).to_string();
    registry.put_manifest(repo, Some(&subject.replace(':', "-")), INDEX, index);
}

/// `org/app:1` of four platforms with a list of ingredients that is signed, and a signature of the
/// first platform. Digests: the index, its children, and the referrers with a subject before what
/// refers to it.
pub(crate) struct Signed {
    pub(crate) image: Vec<String>,
    pub(crate) sbom: String,
    pub(crate) of_sbom: String,
    pub(crate) of_child: String,
}

impl Signed {
    /// Puts it in, listed both ways.
    pub(crate) fn put(registry: &Registry, repo: &str) -> Self {
        let image = put_index(registry, repo, "1", 4);
        let sbom = put_referrer(registry, repo, &image[0], SBOM);
        let of_sbom = put_referrer(registry, repo, &sbom, SIGNATURE);
        let of_child = put_referrer(registry, repo, &image[1], SIGNATURE);
        for (subject, referrer) in [(&image[0], &sbom), (&sbom, &of_sbom), (&image[1], &of_child)] {
            list_by_tag(registry, repo, subject, &[referrer.as_str()]);
        }
        Self { image, sbom, of_sbom, of_child }
    }

    /// The referrers, by digest.
    pub(crate) fn referrers(&self) -> Vec<&str> {
        let mut digests = vec![self.sbom.as_str(), &self.of_sbom, &self.of_child];
        digests.sort_unstable();
        digests
    }
}

/// The entries of a bundle's index that have no name.
pub(crate) fn nameless(scene: &Scene) -> Vec<Value> {
    let bytes = std::fs::read(scene.bundle()).expect("the bundle");
    let mut archive = tar::Archive::new(&bytes[..]);
    let mut entries = archive.entries().expect("a tar").map(|entry| entry.expect("an entry"));
    let index = entries.find(|e| e.path().is_ok_and(|p| p.ends_with("index.json"))).expect("index.json");
    let index: Value = serde_json::from_reader(index).expect("JSON");
    let entries = index["manifests"].as_array().expect("entries").iter();
    entries.filter(|entry| entry.get("annotations").is_none()).cloned().collect()
}

/// What a registry lists about a manifest under the tag made from its digest.
pub(crate) fn listed_by_tag(registry: &Registry, repo: &str, subject: &str) -> Vec<String> {
    let Some((_, bytes)) = registry.manifest(repo, &subject.replace(':', "-")) else { return Vec::new() };
    let index: Value = serde_json::from_slice(&bytes).expect("JSON");
    let lines = index["manifests"].as_array().expect("manifests").iter();
    lines.map(|line| line["digest"].as_str().expect("a digest").to_owned()).collect()
}
