//! `Bundle`: an archive opened in place. Opening reads headers, `index.json` and `bundle.json`;
//! blobs are read where they lie, and nothing is ever extracted.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::bundle_json::{BundleJson, MAX_BUNDLE_JSON};
use super::index_json::{IndexJson, MAX_INDEX};
use super::layout::{Place, blob_path};
use super::scan::{Member, Scan, ScanError, scan};
use super::{BUNDLE_JSON, INDEX_JSON, OCI_LAYOUT};
use crate::error::{Error, Result};
use crate::oci::{Descriptor, Digest, Manifest, MediaType, Reference, Repository, VerifyReader};
use crate::store::Source;

/// Larger manifests are accepted by no registry that we know of.
const MAX_MANIFEST: u64 = 32 << 20;

/// A bundle, open for reading from many threads.
#[derive(Debug)]
pub struct Bundle {
    path: PathBuf,
    file: File,
    len: u64,
    index: IndexJson,
    about: Option<BundleJson>,
    blobs: HashMap<Digest, Vec<Place>>,
    order: Vec<Digest>,
}

impl Bundle {
    /// Opens a bundle and checks its structure: every header, the end marker, `oci-layout`,
    /// `index.json` and `bundle.json`.
    ///
    /// # Errors
    /// Not readable, not a tar, truncated, ambiguous, or not an image layout.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(Error::disk("open", path))?;
        let kind = file.metadata().map_err(Error::disk("open", path))?;
        if !kind.is_file() {
            return Err(Error::usage(format!("{}: not a plain file", path.display())));
        }
        Self::read(path, file, kind.len()).map_err(|e| match e {
            disk @ Error::Disk { .. } => disk,
            other => other.at(path.display()),
        })
    }

    fn read(path: &Path, file: File, len: u64) -> Result<Self> {
        refuse_other_formats(&file, len)?;
        let Scan { members, canonical } = scan(&file, len).map_err(|e| match e {
            ScanError::Bad(reason) => Error::content(reason),
            ScanError::Io(e) => broken_off(path, e),
        })?;
        let mut named: HashMap<&str, &Member> = HashMap::new();
        let mut blobs: HashMap<Digest, Vec<Place>> = HashMap::new();
        let mut order = Vec::new();
        for member in &members {
            let place = Place { offset: member.offset, size: member.size };
            if let Some(digest) = digest_of(&member.path) {
                let places = blobs.entry(digest.clone()).or_default();
                if places.first().is_some_and(|first| first.size != place.size) {
                    return Err(Error::content(format!("{digest} is there twice, in two lengths")));
                }
                places.push(place);
                order.push(digest);
            } else if [OCI_LAYOUT.0, INDEX_JSON, BUNDLE_JSON].contains(&member.path.as_str())
                && named.insert(&member.path, member).is_some()
            {
                return Err(Error::content(format!("{} is there twice", member.path)));
            }
        }
        let load = |name: &str, most: u64| -> Result<Option<Vec<u8>>> {
            let Some(member) = named.get(name) else { return Ok(None) };
            if member.size > most {
                return Err(Error::content(format!("{name}: {} bytes are too many", member.size)));
            }
            read_place(&file, Place { offset: member.offset, size: member.size })
                .map(Some)
                .map_err(|e| broken_off(path, e))
        };
        let missing = |name: &str| Error::content(format!("no {name}: this is not an image layout"));
        let marker = load(OCI_LAYOUT.0, 4 << 10)?.ok_or_else(|| missing(OCI_LAYOUT.0))?;
        check_marker(&marker).map_err(|e| e.at(OCI_LAYOUT.0))?;
        let index = load(INDEX_JSON, MAX_INDEX)?.ok_or_else(|| missing(INDEX_JSON))?;
        let index = IndexJson::parse(&index).map_err(|e| e.at(INDEX_JSON))?;
        let about = load(BUNDLE_JSON, MAX_BUNDLE_JSON)?.map(|bytes| BundleJson::parse(&bytes)).transpose();
        let about = about.map_err(|e| e.at(BUNDLE_JSON))?;
        if let Some(about) = &about {
            if about.index != index.digest {
                return Err(Error::content(format!(
                    "index.json hashes to {}, but the bundle was made with {}",
                    index.digest, about.index
                )));
            }
            if !canonical || marker != OCI_LAYOUT.1 {
                return Err(Error::content("a header was changed or damaged, or the file was packed anew"));
            }
        }
        Ok(Self { path: path.into(), file, len, index, about, blobs, order })
    }

    /// Where the bundle is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The length of the file in bytes.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// True for a bundle without an image.
    pub fn is_empty(&self) -> bool {
        self.index.entries.is_empty()
    }

    /// The names and what they stand for.
    pub fn index(&self) -> &IndexJson {
        &self.index
    }

    /// `bundle.json`, which layouts of other tools do not have.
    pub fn about(&self) -> Option<&BundleJson> {
        self.about.as_ref()
    }

    /// The digests of all blob entries, in file order. One may stand several times.
    pub fn blobs(&self) -> &[Digest] {
        &self.order
    }

    /// The length in bytes of a blob that is there.
    pub fn size_of(&self, digest: &Digest) -> Option<u64> {
        self.blobs.get(digest).and_then(|places| places.first()).map(|p| p.size)
    }

    /// That a blob is there in its full length. Its content is not looked at.
    ///
    /// # Errors
    /// When it is missing or of another length.
    pub fn holds(&self, descriptor: &Descriptor) -> Result<()> {
        self.place(descriptor).map(|_| ())
    }

    /// Reads every copy of a blob and checks it.
    ///
    /// # Errors
    /// A failing drive, or content that does not hash to its name.
    pub fn check(&self, digest: &Digest, progress: &dyn Fn(u64)) -> Result<()> {
        let mut buffer = vec![0; 256 << 10];
        for place in self.blobs.get(digest).into_iter().flatten() {
            let mut reader = VerifyReader::new(self.slice(*place, 0), digest, place.size);
            loop {
                let got = reader.read(&mut buffer).map_err(Error::from_read)?;
                if got == 0 {
                    break;
                }
                progress(got as u64);
            }
        }
        Ok(())
    }

    /// The place of a blob, which must be as long as its descriptor says.
    fn place(&self, descriptor: &Descriptor) -> Result<Place> {
        let Descriptor { digest, size, .. } = descriptor;
        let place = self.blobs.get(digest).and_then(|places| places.first());
        let place = place.ok_or_else(|| Error::content(format!("{digest} is not in the bundle")))?;
        if place.size != *size {
            return Err(Error::content(format!("{digest} is {} bytes long, not {size}", place.size)));
        }
        Ok(*place)
    }

    fn slice(&self, place: Place, offset: u64) -> Slice<'_> {
        Slice { file: &self.file, path: &self.path, at: place.offset + offset, left: place.size.saturating_sub(offset) }
    }
}

impl Source for Bundle {
    fn place(&self, _: &Repository) -> String {
        self.path.display().to_string()
    }

    fn resolve(&self, reference: &Reference) -> Result<Manifest> {
        let name = reference.name();
        let entry = self.index.entries.iter().find(|e| e.name.as_deref() == Some(&name));
        let entry = entry.ok_or_else(|| Error::usage(format!("{name} is not in the bundle")))?;
        self.manifest(&reference.repository, &entry.descriptor)
    }

    fn manifest(&self, _: &Repository, descriptor: &Descriptor) -> Result<Manifest> {
        let Descriptor { digest, size, media_type, .. } = descriptor;
        let place = self.place(descriptor)?;
        if *size > MAX_MANIFEST {
            return Err(Error::content(format!("{digest}: a manifest of {size} bytes is too large")));
        }
        let bytes = read_place(&self.file, place).map_err(|e| broken_off(&self.path.join(blob_path(digest)), e))?;
        let actual = Digest::of(digest.algorithm(), &bytes);
        if actual != *digest {
            return Err(Error::content(format!("content of {digest} hashes to {actual}")));
        }
        let stated: Vec<MediaType> = MediaType::stated(media_type.as_str()).into_iter().collect();
        Manifest::parse(Arc::from(bytes), actual, &stated).map_err(|e| Error::from(e).at(digest))
    }

    fn has_blob(&self, _: &Repository, descriptor: &Descriptor) -> Result<bool> {
        Ok(self.blobs.contains_key(&descriptor.digest))
    }

    fn open(&self, _: &Repository, descriptor: &Descriptor, offset: u64) -> Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(self.slice(self.place(descriptor)?, offset)))
    }
}

/// A part of the file, read by position so that any number of threads can.
struct Slice<'a> {
    file: &'a File,
    path: &'a Path,
    at: u64,
    left: u64,
}

impl Read for Slice<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let want = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let got = match self.file.read_at(&mut buffer[..want], self.at) {
            Ok(0) if want > 0 => Err(io::ErrorKind::UnexpectedEof.into()),
            // Where the drive failed is what its owner needs to know.
            Err(e) if e.kind() != io::ErrorKind::Interrupted => {
                Err(io::Error::new(e.kind(), format!("byte {}: {e}", self.at)))
            }
            answer => answer,
        };
        let got = match got {
            Err(e) if e.kind() != io::ErrorKind::Interrupted => return Err(broken_off(self.path, e).into()),
            answer => answer?,
        };
        self.at += got as u64;
        self.left -= got as u64;
        Ok(got)
    }
}

fn read_place(file: &File, place: Place) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(place.size).map_err(io::Error::other)?];
    file.read_exact_at(&mut bytes, place.offset)?;
    Ok(bytes)
}

/// A failing drive, unless the file ended where it had more bytes when it was opened.
fn broken_off(path: &Path, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Error::content("the file became shorter while it was read"),
        _ => Error::disk("read", path)(error),
    }
}

/// The digest that a path below `blobs/` names.
fn digest_of(path: &str) -> Option<Digest> {
    let (algorithm, hex) = path.strip_prefix("blobs/")?.split_once('/')?;
    format!("{algorithm}:{hex}").parse().ok()
}

fn check_marker(bytes: &[u8]) -> Result<()> {
    let layout: oci_spec::image::OciLayout =
        serde_json::from_slice(bytes).map_err(|e| Error::content(e.to_string()))?;
    match layout.image_layout_version().as_str() {
        "1.0.0" => Ok(()),
        other => Err(Error::content(format!("layout version `{}` is not known", other.escape_debug()))),
    }
}

/// Says what a file is that is plainly something else.
fn refuse_other_formats(file: &File, len: u64) -> Result<()> {
    let mut start = [0; 6];
    let got = file.read_at(&mut start, 0).unwrap_or(0);
    if len == 0 {
        return Err(Error::content("the file is empty"));
    }
    match &start[..got] {
        [0x1f, 0x8b, ..] => Err(Error::content("gzip-compressed: run gunzip on it first")),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Err(Error::content("zstd-compressed: run unzstd on it first")),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => Err(Error::content("xz-compressed: run unxz on it first")),
        [b'{', ..] => Err(Error::content("a json document, not a bundle")),
        _ => Ok(()),
    }
}
