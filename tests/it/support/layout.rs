//! Making an OCI image layout directory: the same calls give the same bytes, anywhere.

use std::fs;
use std::path::{Path, PathBuf};

use flate2::{Compression, GzBuilder};

use super::registry::digest_like;

/// A layout in the making.
pub struct Layout {
    dir: PathBuf,
    roots: Vec<String>,
}

/// A piece of content that is in the layout.
#[derive(Clone, Debug)]
pub struct Blob {
    /// Its digest.
    pub digest: String,
    /// Its length in bytes.
    pub size: usize,
}

impl Blob {
    /// A descriptor of it. `more` is what follows the three common keys, such as `,"platform":{…}`.
    pub fn descriptor(&self, media_type: &str, more: &str) -> String {
        format!(r#"{{"mediaType":"{media_type}","digest":"{}","size":{}{more}}}"#, self.digest, self.size)
    }
}

/// A layer that is in the layout.
#[derive(Clone, Debug)]
pub struct Layer {
    /// As it is stored.
    pub blob: Blob,
    /// The digest of the tar inside.
    pub diff_id: String,
}

impl Layout {
    /// An empty layout in this directory, which is made.
    pub fn new(dir: &Path) -> Self {
        fs::create_dir_all(dir.join("blobs/sha256")).expect("a directory for blobs");
        fs::write(dir.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).expect("oci-layout");
        Self { dir: dir.into(), roots: Vec::new() }
    }

    /// Puts content in.
    pub fn put(&self, bytes: impl AsRef<[u8]>) -> Blob {
        let bytes = bytes.as_ref();
        let digest = digest_like("sha256:", bytes);
        fs::write(self.dir.join("blobs").join(digest.replace(':', "/")), bytes).expect("a blob");
        Blob { digest, size: bytes.len() }
    }

    /// Puts a layer of these files in, each a path and a text. A path that ends in `/` is a directory.
    pub fn layer(&self, files: &[(&str, &str)]) -> Layer {
        let mut archive = tar::Builder::new(Vec::new());
        for (path, text) in files {
            let mut header = tar::Header::new_ustar();
            let directory = path.ends_with('/');
            header.set_entry_type(if directory { tar::EntryType::Directory } else { tar::EntryType::Regular });
            header.set_mode(if directory { 0o755 } else { 0o644 });
            header.set_uid(0);
            header.set_gid(0);
            header.set_mtime(0);
            header.set_size(text.len() as u64);
            archive.append_data(&mut header, path, text.as_bytes()).expect("a file of the layer");
        }
        let tar = archive.into_inner().expect("the layer's tar");
        // Stored, not deflated: no version of a compressor can change these bytes.
        let mut gzip = GzBuilder::new().mtime(0).write(Vec::new(), Compression::none());
        std::io::Write::write_all(&mut gzip, &tar).expect("the layer");
        let blob = self.put(gzip.finish().expect("the layer"));
        Layer { blob, diff_id: digest_like("sha256:", &tar) }
    }

    /// Lists a manifest in index.json under its full name.
    pub fn name(&mut self, name: &str, media_type: &str, manifest: &Blob) {
        let names = format!(
            r#","annotations":{{"io.containerd.image.name":"{name}","org.opencontainers.image.ref.name":"{name}"}}"#
        );
        self.roots.push(manifest.descriptor(media_type, &names));
    }

    /// Writes index.json.
    pub fn finish(self) {
        let media_type = "application/vnd.oci.image.index.v1+json";
        let roots = self.roots.join(",");
        let index = format!(r#"{{"schemaVersion":2,"mediaType":"{media_type}","manifests":[{roots}]}}"#);
        fs::write(self.dir.join("index.json"), index).expect("index.json");
    }
}
