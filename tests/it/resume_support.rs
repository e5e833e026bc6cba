//! Images of content that nobody has to keep, and exports of them, for the tests of what an export
//! that did not end well leaves behind.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::support::registry::Registry;
use crate::support::run::{Output, Run};

/// An image of one platform whose layers are made from seeds, in a registry.
pub(crate) fn put_image(registry: &Registry, repo: &str, tag: &str, layers: &[(u64, u64)]) {
    let config = format!(r#"{{"architecture":"amd64","os":"linux","made":"{repo}:{tag}"}}"#);
    let size = config.len();
    let config = registry.put_blob(repo, config);
    let layer = |(seed, size): &(u64, u64)| {
        let digest = registry.put_made_blob(repo, *seed, *size);
        format!(r#"{{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"{digest}","size":{size}}}"#)
    };
    let layers: Vec<String> = layers.iter().map(layer).collect();
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    let manifest = format!(
        r#"{{"schemaVersion":2,"mediaType":"{media_type}","config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{config}","size":{size}}},"layers":[{}]}}"#,
        layers.join(",")
    );
    registry.put_manifest(repo, Some(tag), media_type, manifest);
}

/// A directory to export into.
pub(crate) struct Place {
    dir: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a directory") }
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.dir().join("out.tar")
    }

    pub(crate) fn partial(&self) -> PathBuf {
        self.dir().join(".out.tar.partial")
    }

    /// Everything in the directory, by name.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.dir()).expect("a directory");
        let mut names: Vec<String> =
            entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// An export of these images (`repo:tag`) into this directory.
    pub(crate) fn export(&self, registry: &Registry, images: &[&str]) -> Run {
        let names = images.iter().map(|image| format!("{}/{image}", registry.host()));
        let run = crate::bundle().args(["export", "--plain-http", "--retries", "0", "--retry-delay", "1"]);
        run.args(names).arg_output(&self.file())
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        fs::read(self.file()).expect("a bundle")
    }
}

trait OutputArgument {
    fn arg_output(self, file: &Path) -> Self;
}

impl OutputArgument for Run {
    fn arg_output(self, file: &Path) -> Self {
        self.args(["-o".as_ref(), file.as_os_str()])
    }
}

/// What an export that nothing disturbs writes.
pub(crate) fn undisturbed(registry: &Registry, images: &[&str]) -> Vec<u8> {
    let place = Place::new();
    place.export(registry, images).run().succeeds();
    registry.clear_requests();
    place.bytes()
}

/// Bytes of each blob that the registry has sent.
pub(crate) fn sent(registry: &Registry) -> BTreeMap<String, u64> {
    let mut sent = BTreeMap::new();
    for request in registry.requests().iter().filter(|r| r.method == "GET" && r.path.contains("/blobs/")) {
        let digest = request.path.rsplit('/').next().expect("a digest");
        *sent.entry(digest.to_owned()).or_default() += request.sent_bytes;
    }
    sent
}

/// Where the configs and layers of a bundle stand: digest, first byte of the data, length. Read with
/// another reader than the one under test.
pub(crate) fn blobs(bundle: &[u8]) -> Vec<(String, usize, usize)> {
    let mut archive = tar::Archive::new(bundle);
    let mut blobs = Vec::new();
    for entry in archive.entries().expect("a tar") {
        let entry = entry.expect("an entry");
        let path = String::from_utf8(entry.path_bytes().into_owned()).expect("text");
        let at = usize::try_from(entry.raw_file_position()).expect("small");
        let size = usize::try_from(entry.size()).expect("small");
        if let Some(hex) = path.strip_prefix("blobs/sha256/").filter(|hex| !hex.is_empty()) {
            let is_manifest = bundle[at..at + size].starts_with(br#"{"schemaVersion""#);
            blobs.extend((!is_manifest).then(|| (format!("sha256:{hex}"), at, size)));
        }
    }
    blobs
}

/// The counts of blobs that an export states in JSON.
pub(crate) fn counts(output: &Output) -> (u64, u64) {
    let blobs = &output.json()["blobs"];
    (blobs["fetched"].as_u64().expect("a number"), blobs["resumed"].as_u64().expect("a number"))
}
