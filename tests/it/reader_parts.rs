//! Tars and layouts made by hand for the reader's tests: every byte is the test's own.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::registry::{Registry, digest_like};
use crate::support::run::Output;

pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
pub(crate) const MARKER: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

/// With this in the environment, files that must be refused are left in the directory it names instead of being tried:
/// the lane looks at what the release program opens, and takes, on each of them.
const REFUSED: &str = "BUNDLE_TEST_REFUSED";

/// A tar header of an entry type. The checksum is right.
pub(crate) fn header(kind: u8, path: &str, size: u64) -> [u8; 512] {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(tar::EntryType::new(kind));
    header.set_mode(if kind == b'5' { 0o755 } else { 0o644 });
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
    header.set_cksum();
    *header.as_bytes()
}

/// The same header with other bytes at a place, and a checksum that fits.
pub(crate) fn changed(header: [u8; 512], at: usize, bytes: &[u8]) -> [u8; 512] {
    let mut header = tar::Header::from_byte_slice(&header).clone();
    header.as_mut_bytes()[at..at + bytes.len()].copy_from_slice(bytes);
    header.set_cksum();
    *header.as_bytes()
}

/// A pax record, which begins with its own length.
pub(crate) fn record(key: &str, value: &str) -> Vec<u8> {
    let bare = key.len() + value.len() + 3;
    let len = (1..6).map(|digits| bare + digits).find(|n| n.to_string().len() + bare == *n).expect("a length");
    format!("{len} {key}={value}\n").into_bytes()
}

/// A tar in the making.
#[derive(Clone, Default)]
pub(crate) struct Tar(pub(crate) Vec<u8>);

impl Tar {
    pub(crate) fn raw(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.0.extend_from_slice(bytes.as_ref());
        self
    }

    /// Data, padded with zeros.
    pub(crate) fn data(self, bytes: impl AsRef<[u8]>) -> Self {
        let mut tar = self.raw(bytes);
        tar.0.resize(tar.0.len().next_multiple_of(512), 0);
        tar
    }

    /// An entry of any type.
    pub(crate) fn entry(self, kind: u8, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        let size = bytes.as_ref().len() as u64;
        self.raw(header(kind, path, size)).data(bytes)
    }

    pub(crate) fn file(self, path: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.entry(b'0', path, bytes)
    }

    /// Every blob of these contents, at the place its digest gives.
    pub(crate) fn blobs(mut self, contents: &Contents) -> Self {
        for (digest, bytes) in &contents.blobs {
            self = self.file(&blob_path(digest), bytes);
        }
        self
    }

    pub(crate) fn end(self) -> Vec<u8> {
        self.raw([0; 1024]).0
    }
}

pub(crate) fn blob_path(digest: &str) -> String {
    format!("blobs/{}", digest.replace(':', "/"))
}

/// Blobs, and lines of an index.
#[derive(Clone, Default)]
pub(crate) struct Contents {
    pub(crate) blobs: Vec<(String, Vec<u8>)>,
    pub(crate) lines: Vec<String>,
}

impl Contents {
    /// Puts a blob in, and gives its descriptor.
    pub(crate) fn put(&mut self, media_type: &str, bytes: impl Into<Vec<u8>>) -> String {
        let bytes = bytes.into();
        let digest = digest_like("sha256:", &bytes);
        let descriptor = format!(r#"{{"mediaType":"{media_type}","digest":"{digest}","size":{}}}"#, bytes.len());
        if !self.blobs.iter().any(|(other, _)| *other == digest) {
            self.blobs.push((digest, bytes));
        }
        descriptor
    }

    /// Puts a manifest of these layers in, and gives its descriptor.
    pub(crate) fn image(&mut self, layers: &[&[u8]]) -> String {
        let config = self.put(CONFIG, r#"{"architecture":"amd64","os":"linux"}"#);
        let layers: Vec<String> = layers.iter().map(|layer| self.put(LAYER, *layer)).collect();
        let layers = layers.join(",");
        let text = format!(r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{config},"layers":[{layers}]}}"#);
        self.put(MANIFEST, text)
    }

    /// Puts an index of these descriptors in, and gives its descriptor.
    pub(crate) fn index(&mut self, children: &[String]) -> String {
        let children = children.join(",");
        self.put(INDEX, format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{children}]}}"#))
    }

    /// Names something.
    pub(crate) fn name(&mut self, name: &str, descriptor: &str) {
        self.line(descriptor, &format!(r#""org.opencontainers.image.ref.name":"{name}""#));
    }

    /// A line of the index with these annotations.
    pub(crate) fn line(&mut self, descriptor: &str, annotations: &str) {
        let open = descriptor.strip_suffix('}').expect("an object");
        self.lines.push(format!(r#"{open},"annotations":{{{annotations}}}}}"#));
    }

    pub(crate) fn index_json(&self) -> String {
        format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{}]}}"#, self.lines.join(","))
    }

    /// One image of one layer, called `gcr.io/org/app:1`.
    pub(crate) fn small() -> Self {
        let mut contents = Self::default();
        let image = contents.image(&[b"a layer"]);
        contents.name("gcr.io/org/app:1", &image);
        contents
    }

    /// The layout as any tool might pack it: without `bundle.json`, so that only what tar and the
    /// image layout say counts.
    pub(crate) fn packed(&self) -> Vec<u8> {
        start(&self.index_json()).blobs(self).end()
    }

    /// The identity of the bundle that these contents are.
    pub(crate) fn identity(&self) -> String {
        digest_like("sha256:", index_of(&self.roots()).as_bytes())
    }

    /// The bundle that these contents are, as `docs/format.md` wants it.
    pub(crate) fn bundle(&self) -> Vec<u8> {
        self.bundle_of(&self.roots())
    }

    /// The same with lines of `index.json` that may be others than those of its form.
    pub(crate) fn bundle_of(&self, lines: &[Value]) -> Vec<u8> {
        let index = index_of(lines);
        let digest = digest_like("sha256:", index.as_bytes());
        let about = format!(r#"{{"formatVersion":1,"index":"{digest}","volume":{{"count":1,"number":1}}}}"#);
        let head = start(&index).file("bundle.json", about);
        let mut tar = head.entry(b'5', "blobs/", "").entry(b'5', "blobs/sha256/", "");
        for digest in self.order(lines) {
            let blob = self.blobs.iter().find(|(other, _)| *other == digest);
            tar = blob.into_iter().fold(tar, |tar, (digest, bytes)| tar.file(&blob_path(digest), bytes));
        }
        tar.end()
    }

    /// The lines of `index.json`: names in both annotations, in their order.
    pub(crate) fn roots(&self) -> Vec<Value> {
        let read = |line: &String| {
            let line: Value = serde_json::from_str(line).expect("a line");
            let name = line["annotations"]["org.opencontainers.image.ref.name"].as_str().expect("a name").to_owned();
            let annotations = json!({"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name});
            let (digest, media_type, size) = (&line["digest"], &line["mediaType"], &line["size"]);
            (name, json!({"annotations": annotations, "digest": digest, "mediaType": media_type, "size": size}))
        };
        let mut lines: Vec<(String, Value)> = self.lines.iter().map(read).collect();
        lines.sort_by(|a, b| a.0.cmp(&b.0));
        lines.into_iter().map(|(_, line)| line).collect()
    }

    /// The digests of all content in the order of the format.
    fn order(&self, lines: &[Value]) -> Vec<String> {
        let mut manifests: Vec<String> = Vec::new();
        let (mut configs, mut others) = (BTreeSet::new(), BTreeSet::new());
        let meet = |descriptor: &Value, manifests: &mut Vec<String>| {
            let digest = descriptor["digest"].as_str().expect("a digest").to_owned();
            if !manifests.contains(&digest) {
                manifests.push(digest);
            }
        };
        lines.iter().for_each(|line| meet(line, &mut manifests));
        let mut next = 0;
        while let Some(digest) = manifests.get(next).cloned() {
            next += 1;
            let Some((_, bytes)) = self.blobs.iter().find(|(other, _)| *other == digest) else { continue };
            let document: Value = serde_json::from_slice(bytes).expect("a manifest");
            document["manifests"].as_array().into_iter().flatten().for_each(|child| meet(child, &mut manifests));
            configs.extend(document["config"]["digest"].as_str().map(str::to_owned));
            for layer in document["layers"].as_array().into_iter().flatten() {
                let digest = layer["digest"].as_str().expect("a digest").to_owned();
                others.insert((Reverse(layer["size"].as_u64()), digest));
            }
        }
        let others = others.into_iter().map(|(_, digest)| digest).filter(|digest| !configs.contains(digest));
        let others: Vec<String> = others.collect();
        manifests.into_iter().chain(configs).chain(others).collect()
    }
}

/// `index.json` of these lines.
fn index_of(lines: &[Value]) -> String {
    json!({"manifests": lines, "mediaType": INDEX, "schemaVersion": 2}).to_string()
}

/// The first two files of every layout.
pub(crate) fn start(index: &str) -> Tar {
    Tar::default().file("oci-layout", MARKER).file("index.json", index)
}

/// A bundle to be refused or taken, in a directory of its own.
pub(crate) struct Given {
    directory: TempDir,
    pub(crate) path: PathBuf,
}

impl Given {
    /// A file of these bytes.
    pub(crate) fn new(bytes: impl AsRef<[u8]>) -> Self {
        Self::written(|path| fs::write(path, bytes).expect("a file"))
    }

    /// A file that the caller writes.
    pub(crate) fn written(write: impl FnOnce(&Path)) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("given.tar");
        write(&path);
        Self { directory, path }
    }

    /// The directory around it, where nothing else may appear.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Runs `verify`, `list` and `import` on it, with little memory. Gives what they said, and the
    /// registry that the import was for.
    pub(crate) fn run_all(&self) -> ([Output; 3], Registry) {
        let registry = Registry::start();
        let path = self.path.to_str().expect("a path");
        let outputs = [
            short_of_memory(&["verify", path]),
            short_of_memory(&["list", path]),
            short_of_memory(&["import", path, "--plain-http", "--registry", &registry.host()]),
        ];
        let left: Vec<_> =
            fs::read_dir(self.directory()).expect("the directory").map(|e| e.expect("one").path()).collect();
        assert_eq!(left, std::slice::from_ref(&self.path), "nothing is left beside a bundle");
        (outputs, registry)
    }

    /// All three end with exit status 3 and these words, before anything is asked of a registry.
    #[track_caller]
    pub(crate) fn is_refused(&self, words: &str) {
        if let Some(directory) = std::env::var_os(REFUSED) {
            return self.leave_in(Path::new(&directory));
        }
        let (outputs, registry) = self.run_all();
        for output in outputs {
            let output = output.exits(3);
            assert!(output.all().contains(words), "`{words}` expected, but: {output:?}");
        }
        assert_eq!(registry.connections(), 0);
    }

    /// Leaves it under the name of the test, holes and all.
    fn leave_in(&self, directory: &Path) {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let thread = std::thread::current();
        let test = thread.name().and_then(|name| name.rsplit("::").next()).expect("the name of a test");
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        fs::hard_link(&self.path, directory.join(format!("{test}-{number}.tar"))).expect("on the same file system");
    }
}

/// Runs the program where memory ends soon: what is claimed in a header must not be believed.
pub(crate) fn short_of_memory(args: &[&str]) -> Output {
    // What threads reserve and hardly use counts here too: their stacks, and an arena for each.
    let script = r#"ulimit -v 400000; exec "$0" "$@""#;
    let run = crate::support::run::Run::new("sh").args(["-c", script, env!("CARGO_BIN_EXE_bundle")]);
    run.args(args).env("MALLOC_ARENA_MAX", "1").limit(std::time::Duration::from_secs(20)).run()
}

/// A bundle of so many images, each with a config and four layers of its own of `layer` bytes. The
/// layers are holes: long to look at, and nothing on the disk.
pub(crate) fn write_vast(path: &Path, images: u64, layer: u64) {
    let mut contents = Contents::default();
    let mut layers = Vec::new();
    for image in 0..images {
        let config = contents.put(CONFIG, format!(r#"{{"architecture":"amd64","os":"linux","n":{image}}}"#));
        let own: Vec<String> = (0..4).map(|n| format!("sha256:{:064x}", image * 4 + n)).collect();
        let descriptor = |digest: &String| format!(r#"{{"mediaType":"{LAYER}","digest":"{digest}","size":{layer}}}"#);
        let list = own.iter().map(descriptor).collect::<Vec<_>>().join(",");
        let text = format!(r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{config},"layers":[{list}]}}"#);
        let manifest = contents.put(MANIFEST, text);
        contents.name(&format!("gcr.io/org/app:{image:04}"), &manifest);
        layers.extend(own);
    }
    layers.sort();
    let mut head = contents.bundle();
    head.truncate(head.len() - 1024);
    let file = fs::File::create(path).expect("a file");
    let mut at = head.len() as u64;
    std::os::unix::fs::FileExt::write_all_at(&file, &head, 0).expect("written");
    for digest in layers {
        let header = header(b'0', &blob_path(&digest), layer);
        std::os::unix::fs::FileExt::write_all_at(&file, &header, at).expect("written");
        at += 512 + layer.next_multiple_of(512);
    }
    file.set_len(at + 1024).expect("the end");
}
