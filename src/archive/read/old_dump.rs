//! `OldDump`: a directory as the old script filled it. `HEX.json` is what `crane manifest` printed of an
//! index or manifest, `HEX.tar` what `crane pull` wrote: a docker archive with the compressed layers as
//! they were pulled. `auto.sh` has the tags.
//!
//! So everything is there with its digest, and is read as a layout: the names are only what each piece
//! claims to be, and all of it is hashed when it moves. `auto.sh` is text here: nothing of it is run.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use oci_spec::image::ANNOTATION_REF_NAME;
use rustix::fs::{CWD, Mode, OFlags, openat};
use serde_json::{Value, json};

use super::layout_directory::open_plain;
use super::scan::{Fault, ScanError, scan};
use super::slice::{Slice, broken_off};
use crate::archive::format::index_json::BadEntry;
use crate::archive::format::layout::Extent;
use crate::archive::format::paths::{INDEX_JSON, OCI_LAYOUT};
use crate::error::{Error, NextStep, Result};
use crate::oci::{Digest, MediaType, Reference};

/// The script that the dump was to be pushed with.
const SCRIPT: &str = "auto.sh";
/// Far longer than a script of thousands of tags, in bytes.
const MAX_SCRIPT: u64 = 4 << 20;
/// A manifest that no registry takes is none.
const MAX_MANIFEST: u64 = 32 << 20;

/// An open dump.
#[derive(Debug)]
pub(crate) struct OldDump {
    path: PathBuf,
    root: OwnedFd,
    /// Where each piece is: in which file, and where in it.
    blobs: HashMap<Digest, (Arc<str>, Extent)>,
    order: Vec<Digest>,
    /// What stands in for `index.json`.
    index: Vec<u8>,
    bad: Vec<BadEntry>,
}

impl OldDump {
    /// Opens a directory if it is such a dump: if there is a `HEX.json` in it that hashes to its name.
    ///
    /// # Errors
    /// A failing drive.
    pub(crate) fn open(path: &Path) -> Result<Option<Self>> {
        let root = openat(CWD, path, OFlags::CLOEXEC | OFlags::DIRECTORY, Mode::empty());
        let root = root.map_err(|e| Error::disk("open", path)(e.into()))?;
        let mut dump = Self {
            path: path.into(),
            root,
            blobs: HashMap::new(),
            order: Vec::new(),
            index: Vec::new(),
            bad: Vec::new(),
        };
        let names = names(path)?;
        let mut manifests: BTreeMap<Digest, Value> = BTreeMap::new();
        for name in &names {
            if let Some(digest) = claimed(name, &[".json"]) {
                dump.add_manifest(name, &digest, &mut manifests)?;
            }
        }
        if manifests.is_empty() {
            return Ok(None);
        }
        for name in names.iter().filter(|name| claimed(name, &[".tar"]).is_some()) {
            if let Err(error) = dump.add_archive(name) {
                match error {
                    own @ Error::Disk { .. } => return Err(own),
                    error => dump.bad.push(BadEntry { label: (*name).clone(), error }),
                }
            }
        }
        dump.write_index(&manifests)?;
        Ok(Some(dump))
    }

    /// What `crane manifest` printed; a shell may have put a line feed after it.
    fn add_manifest(&mut self, name: &str, digest: &Digest, manifests: &mut BTreeMap<Digest, Value>) -> Result<()> {
        let Some((file, len)) = open_plain(&self.root, &self.path, name)? else { return Ok(()) };
        if len > MAX_MANIFEST {
            return Ok(());
        }
        let mut bytes = Slice::new(Arc::new(file), &self.path, 0, len).read_whole()?;
        while Digest::sha256(&bytes) != *digest {
            match bytes.last() {
                Some(b'\n' | b'\r') => bytes.truncate(bytes.len() - 1),
                _ => {
                    let error = Error::content(format!("it hashes to {}", Digest::sha256(&bytes)));
                    self.bad.push(BadEntry { label: name.to_owned(), error });
                    return Ok(());
                }
            }
        }
        if let Ok(document) = serde_json::from_slice(&bytes) {
            self.put(digest.clone(), name, Extent { offset: 0, size: bytes.len() as u64 });
            manifests.insert(digest.clone(), document);
        }
        Ok(())
    }

    /// A docker archive: its config and its layers, by the names that crane gives them.
    fn add_archive(&mut self, name: &str) -> Result<()> {
        let Some((file, len)) = open_plain(&self.root, &self.path, name)? else { return Ok(()) };
        let mut found = Vec::new();
        scan(&file, len, &mut |member| {
            if let Some(digest) = claimed(member.path, &["", ".tar.gz", ".tar", ".json"]) {
                found.push((digest, Extent { offset: member.offset, size: member.size }));
            }
            Ok(())
        })
        .map_err(|e| match e {
            ScanError::Bad(Fault { reason, next }) => next.into_iter().fold(Error::content(reason), Error::or_else_do),
            ScanError::Io(at, e) => broken_off(&self.path, at, e),
        })?;
        found.into_iter().for_each(|(digest, extent)| self.put(digest, name, extent));
        Ok(())
    }

    fn put(&mut self, digest: Digest, file: &str, extent: Extent) {
        if !self.blobs.contains_key(&digest) {
            self.blobs.insert(digest.clone(), (file.into(), extent));
            self.order.push(digest);
        }
    }

    /// The roots: what `auto.sh` gives a tag, and what no other manifest names.
    fn write_index(&mut self, manifests: &BTreeMap<Digest, Value>) -> Result<()> {
        let tags = self.tags()?;
        let named: HashSet<&Digest> = tags.iter().map(|(digest, _)| digest).collect();
        let children = manifests.values().filter_map(|document| document["manifests"].as_array()).flatten();
        let children: HashSet<&str> = children.filter_map(|child| child["digest"].as_str()).collect();
        let is_root = |digest: &&Digest| !named.contains(digest) && !children.contains(digest.as_str());
        let mut lines = Vec::new();
        for (digest, name) in &tags {
            match manifests.get(digest) {
                Some(document) => {
                    let mut line = self.line(digest, document);
                    line["annotations"] = json!({ ANNOTATION_REF_NAME: name });
                    lines.push(line);
                }
                None => {
                    let error = Error::content(format!("{SCRIPT} gives it to {digest}, which is not there"));
                    let next = NextStep::ExportFromRegistry { name: name.clone() };
                    self.bad.push(BadEntry { label: name.clone(), error: error.or_else_do(next) });
                }
            }
        }
        for digest in manifests.keys().filter(is_root) {
            lines.push(self.line(digest, &manifests[digest]));
        }
        let index = json!({"manifests": lines, "mediaType": MediaType::OCI_INDEX, "schemaVersion": 2});
        self.index = index.to_string().into_bytes();
        Ok(())
    }

    fn line(&self, digest: &Digest, document: &Value) -> Value {
        let looks_like = if document["manifests"].is_array() { MediaType::OCI_INDEX } else { MediaType::OCI_MANIFEST };
        let media_type = document["mediaType"].as_str().unwrap_or(looks_like);
        json!({"mediaType": media_type, "digest": digest, "size": self.size_of(digest)})
    }

    /// What `auto.sh` tags.
    fn tags(&self) -> Result<Vec<(Digest, String)>> {
        let Some((file, len)) = open_plain(&self.root, &self.path, SCRIPT)? else { return Ok(Vec::new()) };
        let text = Slice::new(Arc::new(file), &self.path, 0, len.min(MAX_SCRIPT)).read_whole()?;
        let text = String::from_utf8_lossy(&text);
        let mut tags: Vec<(Digest, String)> = text.lines().filter_map(tagged).collect();
        tags.sort();
        tags.dedup();
        Ok(tags)
    }

    /// What cannot be used of it.
    pub(crate) fn take_bad(&mut self) -> Vec<BadEntry> {
        std::mem::take(&mut self.bad)
    }

    /// The length of all pieces together, in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.blobs.values().map(|(_, extent)| extent.size).sum()
    }

    /// The digests of all pieces, in order.
    pub(crate) fn blobs(&self) -> impl Iterator<Item = &Digest> {
        self.order.iter()
    }

    pub(crate) fn size_of(&self, digest: &Digest) -> Option<u64> {
        self.blobs.get(digest).map(|(_, extent)| extent.size)
    }

    /// A piece, opened anew: a dump has a file for each image.
    pub(crate) fn open_blob(&self, digest: &Digest) -> Result<Option<Slice<'_>>> {
        let Some((name, extent)) = self.blobs.get(digest) else { return Ok(None) };
        let opened: Option<(File, u64)> = open_plain(&self.root, &self.path, name)?;
        let file = opened.filter(|(_, len)| *len >= extent.offset + extent.size).map(|(file, _)| file);
        Ok(file.map(|file| Slice::new(Arc::new(file), &self.path, extent.offset, extent.size)))
    }

    /// What a layout would have at its root.
    pub(crate) fn root_file(&self, name: &str) -> Option<Vec<u8>> {
        match name {
            INDEX_JSON => Some(self.index.clone()),
            name if name == OCI_LAYOUT.0 => Some(OCI_LAYOUT.1.to_vec()),
            _ => None,
        }
    }
}

/// The names in a directory, sorted.
fn names(path: &Path) -> Result<Vec<String>> {
    let failed = || Error::disk("list", path);
    let mut names = Vec::new();
    for entry in path.read_dir().map_err(failed())? {
        names.extend(entry.map_err(failed())?.file_name().into_string());
    }
    names.sort();
    Ok(names)
}

/// The digest that a name claims to be: 64 hexadecimal digits, with `sha256:` in front or not, and one of
/// these endings.
fn claimed(name: &str, endings: &[&str]) -> Option<Digest> {
    let bare = name.strip_prefix("sha256:").or_else(|| name.strip_prefix("sha256-")).unwrap_or(name);
    let (hex, ending) = bare.split_at_checked(64)?;
    let digest = format!("sha256:{hex}").parse().ok()?;
    endings.contains(&ending).then_some(digest)
}

/// `crane tag $TARGETHOST/NAMESPACE/REPO@sha256:… TAG`: the digest, and the name it stands for. Nothing
/// says from which registry it came, so the host is `localhost`, as podman has it.
fn tagged(line: &str) -> Option<(Digest, String)> {
    let mut words = line.split_whitespace().map(|word| word.trim_matches(['"', '\'', ';', '\\']));
    words.find(|word| word.rsplit('/').next() == Some("crane"))?;
    let mut words = words.filter(|word| !word.starts_with('-')).skip_while(|word| *word != "tag").skip(1);
    let (place, digest) = words.find(|word| word.contains('@'))?.split_once('@')?;
    let tag = words.next()?;
    let digest: Digest = digest.parse().ok()?;
    // The first part is the registry, the second the namespace, where more follows.
    let (_, path) = place.split_once('/')?;
    let path = path.split_once('/').map_or(path, |(_, repository)| repository);
    let path = path.split_once(':').map_or(path, |(path, _)| path);
    let name: Reference = format!("localhost/{path}:{tag}").parse().ok()?;
    Some((digest, name.name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_script_is_a_name_and_a_digest() {
        let digest = Digest::sha256(b"");
        let name = |line: &str| tagged(&line.replace("DIGEST", digest.as_str())).map(|(_, name)| name);
        for line in [
            "crane tag $TARGETHOST/library/org/app@DIGEST 1.4",
            "  crane tag \"${TARGETHOST}/${TARGETNAMESPACE}/org/app@DIGEST\" \"1.4\"",
            "/usr/local/bin/crane --insecure tag $TARGETHOST/library/org/app@DIGEST 1.4 || exit 1",
            "time crane tag --insecure 172.18.0.20:5000/library/org/app@DIGEST 1.4;",
        ] {
            assert_eq!(name(line).as_deref(), Some("localhost/org/app:1.4"), "{line}");
        }
        assert_eq!(name("crane tag $TARGETHOST/app@DIGEST 1").as_deref(), Some("localhost/app:1"));
        for other in [
            "#!/bin/sh",
            "crane push DIGEST.tar $TARGETHOST/library/org/app",
            "crane tag $TARGETHOST/library/org/app:1 2",
            "crane tag $TARGETHOST/library/org/app@DIGEST",
            "crane tag $TARGETHOST/library/Org@DIGEST 1",
            "echo tag $TARGETHOST/library/org/app@DIGEST 1",
        ] {
            assert_eq!(name(other), None, "{other}");
        }
    }
}
