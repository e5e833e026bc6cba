//! What the tests of the round trip have in common: two registries, a directory for bundles, the
//! commands between them, and small images made on the spot.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::registry::{Builder, Registry, Seeded, digest_like};
use crate::support::run::Run;

pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub(crate) const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// The images that are committed beside the tests.
pub(crate) fn fixtures() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures"))
}

/// A connected side, a far side, and the drive that goes between them.
pub(crate) struct Scene {
    pub(crate) source: Registry,
    pub(crate) target: Registry,
    drive: TempDir,
}

impl Scene {
    /// Two registries that behave.
    pub(crate) fn new() -> Self {
        Self::with(Registry::builder(), Registry::builder())
    }

    /// Two registries as described.
    pub(crate) fn with(source: Builder, target: Builder) -> Self {
        Self::between(source.start(), target.start())
    }

    /// Two registries that run already.
    pub(crate) fn between(source: Registry, target: Registry) -> Self {
        Self { source, target, drive: tempfile::tempdir().expect("a directory") }
    }

    /// Two registries, of which the first holds the fixtures.
    pub(crate) fn seeded() -> (Self, Vec<Seeded>) {
        let scene = Self::new();
        let images = scene.source.seed_layout(&fixtures().join("images"));
        (scene, images)
    }

    /// A path on the drive.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.drive.path().join(name)
    }

    /// The bundle that [`Scene::export`] writes and [`Scene::import`] reads.
    pub(crate) fn bundle(&self) -> PathBuf {
        self.path("images.tar")
    }

    /// Everything that lies on the drive.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.drive.path()).expect("a directory");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// What to call an image of the source, such as `org/app:1`, on the command line.
    pub(crate) fn name(&self, image: &str) -> String {
        format!("{}/{image}", self.source.host())
    }

    /// `bundle export IMAGE… -o images.tar`, over http and without long waits.
    pub(crate) fn export(&self, images: &[&str]) -> Run {
        self.export_to(&self.bundle(), images)
    }

    /// The same into another file.
    pub(crate) fn export_to(&self, output: &Path, images: &[&str]) -> Run {
        let names = images.iter().map(|image| self.name(image));
        command("export").args(["--plain-http", "-o"]).args([output]).args(names)
    }

    /// `bundle import images.tar --registry TARGET`, over http and without long waits.
    pub(crate) fn import(&self) -> Run {
        self.import_into(&self.target.host())
    }

    /// The same into another registry or namespace.
    pub(crate) fn import_into(&self, registry: &str) -> Run {
        command("import").args([self.bundle()]).args(["--plain-http", "--registry", registry])
    }

    /// `bundle copy IMAGE… --registry TARGET`, over http and without long waits.
    pub(crate) fn copy(&self, images: &[&str]) -> Run {
        let names = images.iter().map(|image| self.name(image));
        command("copy").args(["--src-plain-http", "--plain-http", "--registry", &self.target.host()]).args(names)
    }

    /// `bundle list images.tar`
    pub(crate) fn list(&self) -> Run {
        command("list").args([self.bundle()])
    }

    /// `bundle verify images.tar`
    pub(crate) fn verify(&self) -> Run {
        command("verify").args([self.bundle()])
    }
}

/// The program with a command, whose first repetitions of a request come at once.
pub(crate) fn command(name: &str) -> Run {
    crate::bundle().args([name]).env("BUNDLE_RETRY_DELAY", "1")
}

/// `REPOSITORY:TAG` of every seeded image.
pub(crate) fn names(images: &[Seeded]) -> Vec<String> {
    images.iter().map(|image| format!("{}:{}", image.repository, image.tag)).collect()
}

/// Borrowed, as the commands take them.
pub(crate) fn borrowed(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

/// A descriptor of these bytes.
pub(crate) fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": digest_like("sha256:", bytes), "size": bytes.len()})
}

/// Puts a layer in; its descriptor.
pub(crate) fn put_layer(registry: &Registry, repo: &str, bytes: impl Into<Vec<u8>>) -> Value {
    let bytes = bytes.into();
    let layer = descriptor(LAYER, &bytes);
    registry.put_blob(repo, bytes);
    layer
}

/// Puts a layer of any size in; its descriptor.
pub(crate) fn put_made_layer(registry: &Registry, repo: &str, seed: u64, size: u64) -> Value {
    json!({"mediaType": LAYER, "digest": registry.put_made_blob(repo, seed, size), "size": size})
}

/// Puts a single image of these layers in, with a config of its own; its digest.
pub(crate) fn put_image(registry: &Registry, repo: &str, tag: &str, layers: &[Value]) -> String {
    let config = json!({"os": "linux", "architecture": "amd64", "config": {"Labels": {"of": format!("{repo}:{tag}")}}});
    let config = config.to_string().into_bytes();
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor(CONFIG, &config), "layers": layers,
    });
    registry.put_blob(repo, config);
    registry.put_manifest(repo, Some(tag), MANIFEST, manifest.to_string())
}

/// Puts an image of one small layer of its own in; its digest.
pub(crate) fn put_small_image(registry: &Registry, repo: &str, tag: &str) -> String {
    let layer = put_layer(registry, repo, format!("the layer of {repo}:{tag}"));
    put_image(registry, repo, tag, &[layer])
}

/// Everything that is not a manifest below an image.
pub(crate) fn blobs_of(registry: &Registry, repo: &str, reference: &str) -> Vec<String> {
    let mut found = Vec::new();
    for digest in registry.manifests_of(repo, reference) {
        let (_, bytes) = registry.manifest(repo, &digest).expect("a manifest");
        let document: Value = serde_json::from_slice(&bytes).expect("JSON");
        for (key, descriptor) in crate::support::registry::descriptors(&document) {
            let digest = descriptor["digest"].as_str().expect("a digest").to_owned();
            if key != "manifests" && !found.contains(&digest) {
                found.push(digest);
            }
        }
    }
    found
}

/// Requests that would change a registry.
pub(crate) fn writes(registry: &Registry) -> Vec<String> {
    let requests = registry.requests();
    let changing = requests.iter().filter(|r| !matches!(r.method.as_str(), "GET" | "HEAD"));
    changing.map(ToString::to_string).collect()
}

/// Bytes of content, apart from manifests, that the registry received.
pub(crate) fn body_bytes(registry: &Registry) -> u64 {
    registry.requests().iter().filter(|r| !r.path.contains("/manifests/")).map(|r| r.body_bytes).sum()
}

/// The keys of a JSON object, in the order of the alphabet.
pub(crate) fn keys(object: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = object.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}
