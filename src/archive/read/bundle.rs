//! `Bundle`: a bundle opened in place, whatever form it comes in. Opening reads names and lengths,
//! `index.json` and `bundle.json`; content is read where it lies.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::archive::format::bundle_json::{BundleJson, MAX_BUNDLE_JSON};
use super::layout_directory::LayoutDirectory;
use crate::archive::format::index_json::{IndexJson, MAX_INDEX};
use super::slice::{Slice, broken_off};
use super::spool::{self, Spooling};
use super::tarball::Tarball;
use crate::archive::format::paths::{BUNDLE_JSON, INDEX_JSON, OCI_LAYOUT};
use crate::error::{Error, Result};
use crate::oci::{Descriptor, Digest, Manifest, MediaType, Reference, Repository, VerifyReader};
use crate::store::Source;

/// Larger manifests are accepted by no registry that we know of.
const MAX_MANIFEST: u64 = 32 << 20;
/// Far more than the marker file of a layout needs.
const MAX_MARKER: u64 = 4 << 10;
/// Stands for standard input.
const STANDARD_INPUT: &str = "-";

/// A bundle, open for reading from many threads.
#[derive(Debug)]
pub struct Bundle {
    path: PathBuf,
    body: Body,
    index: IndexJson,
    about: Option<BundleJson>,
}

#[derive(Debug)]
enum Body {
    Directory(LayoutDirectory),
    Tar(Tarball),
}

impl Bundle {
    /// Opens a tar, a gzip of one, or a layout directory; `-` is standard input. Checks its
    /// structure: every header, the end marker, `oci-layout`, `index.json` and `bundle.json`.
    ///
    /// # Errors
    /// Not readable, not a layout, truncated, ambiguous, or too large to be spooled.
    pub fn open(path: &Path, spooling: Spooling<'_>) -> Result<Self> {
        if path.as_os_str() == STANDARD_INPUT {
            let shown = Path::new("standard input");
            let opened = spool::standard_input(spooling).and_then(|(file, len)| Tarball::open(shown, file, len));
            return opened.and_then(|tar| Self::read(shown, Body::Tar(tar))).map_err(|e| placed(e, shown));
        }
        let open = || -> Result<Self> {
            let kind = path.metadata().map_err(Error::typed("open", path))?;
            if kind.is_dir() {
                return Self::read(path, Body::Directory(LayoutDirectory::open(path)?));
            }
            if !kind.is_file() {
                let message = format!("{}: neither a file nor a directory", path.display());
                return Err(Error::Usage { message, hint: Some("a pipe can be read as `-`, standard input".into()) });
            }
            let file = File::open(path).map_err(Error::disk("open", path))?;
            let len = file.metadata().map_err(Error::disk("open", path))?.len();
            let is_gzip = spool::is_gzip(&file).map_err(|e| broken_off(path, 0, e))?;
            let (file, len) = if is_gzip { spool::unzip(path, file, len, spooling)? } else { (file, len) };
            Self::read(path, Body::Tar(Tarball::open(path, file, len)?))
        };
        open().map_err(|e| placed(e, path))
    }

    fn read(path: &Path, body: Body) -> Result<Self> {
        let missing = |name: &str| Error::content(format!("no {name}: this is not an image layout"));
        let marker = body.root_file(OCI_LAYOUT.0, MAX_MARKER)?.ok_or_else(|| missing(OCI_LAYOUT.0))?;
        check_marker(&marker).map_err(|e| e.at(OCI_LAYOUT.0))?;
        let index = body.root_file(INDEX_JSON, MAX_INDEX)?.ok_or_else(|| missing(INDEX_JSON))?;
        let index = IndexJson::parse(&index).map_err(|e| e.at(INDEX_JSON))?;
        let about = body.root_file(BUNDLE_JSON, MAX_BUNDLE_JSON)?;
        let about = about.map(|bytes| BundleJson::parse(&bytes)).transpose().map_err(|e| e.at(BUNDLE_JSON))?;
        if let Some(about) = &about {
            if about.index != index.digest {
                return Err(Error::content(format!(
                    "index.json hashes to {}, but the bundle was made with {}",
                    index.digest, about.index
                )));
            }
            if !body.is_canonical() || marker != OCI_LAYOUT.1 {
                return Err(Error::content("a header was changed or damaged, or the file was packed anew"));
            }
        }
        Ok(Self { path: path.into(), body, index, about })
    }

    /// Where the bundle is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The length in bytes: of the file, or of all blobs in a directory.
    pub fn len(&self) -> u64 {
        match &self.body {
            Body::Directory(directory) => directory.len(),
            Body::Tar(tar) => tar.len(),
        }
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
        match &self.body {
            Body::Directory(directory) => directory.order(),
            Body::Tar(tar) => tar.order(),
        }
    }

    /// The length in bytes of a blob that is there.
    pub fn size_of(&self, digest: &Digest) -> Option<u64> {
        match &self.body {
            Body::Directory(directory) => directory.size_of(digest),
            Body::Tar(tar) => tar.size_of(digest),
        }
    }

    /// That a blob is there in its full length. Its content is not looked at.
    ///
    /// # Errors
    /// When it is missing or of another length.
    pub fn holds(&self, descriptor: &Descriptor) -> Result<()> {
        let Descriptor { digest, size, .. } = descriptor;
        match self.size_of(digest) {
            None => Err(Error::content(format!("{digest} is not in the bundle"))),
            Some(there) if there != *size => Err(Error::content(format!("{digest} is {there} bytes long, not {size}"))),
            Some(_) => Ok(()),
        }
    }

    /// Reads every copy of a blob and checks it.
    ///
    /// # Errors
    /// A failing drive, or content that does not hash to its name.
    pub fn check(&self, digest: &Digest, progress: &dyn Fn(u64)) -> Result<()> {
        let Some(size) = self.size_of(digest) else { return Ok(()) };
        let copies = match &self.body {
            Body::Directory(directory) => directory.open_blob(digest)?.into_iter().collect(),
            Body::Tar(tar) => tar.copies(digest),
        };
        let mut buffer = vec![0; 256 << 10];
        for copy in copies {
            let mut reader = VerifyReader::new(copy, digest, size);
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

    /// The content of a blob, which must be as long as its descriptor says. Not checked.
    fn content(&self, descriptor: &Descriptor) -> Result<Slice<'_>> {
        self.holds(descriptor)?;
        let digest = &descriptor.digest;
        let slice = match &self.body {
            Body::Directory(directory) => directory.open_blob(digest)?,
            Body::Tar(tar) => tar.open_blob(digest),
        };
        slice.ok_or_else(|| Error::content(format!("{digest} is not in the bundle")))
    }
}

impl Body {
    fn is_canonical(&self) -> bool {
        match self {
            // Files have no headers, and their padding is the file system's.
            Self::Directory(_) => true,
            Self::Tar(tar) => tar.is_canonical(),
        }
    }

    fn root_file(&self, name: &str, most: u64) -> Result<Option<Vec<u8>>> {
        let file = match self {
            Self::Directory(directory) => directory.root_file(name)?,
            Self::Tar(tar) => tar.root_file(name),
        };
        match file {
            Some((_, size)) if size > most => Err(Error::content(format!("{name}: {size} bytes are too many"))),
            Some((slice, _)) => slice.read_whole().map(Some),
            None => Ok(None),
        }
    }
}

impl Source for Bundle {
    fn place(&self, _: &Repository, _: &Digest) -> String {
        self.path.display().to_string()
    }

    fn about(&self, _: &Repository, _: &Digest, error: Error) -> Error {
        error
    }

    fn resolve(&self, reference: &Reference) -> Result<Manifest> {
        let name = reference.name();
        let entry = self.index.entries.iter().find(|e| e.name.as_deref() == Some(&name));
        let entry = entry.ok_or_else(|| Error::usage(format!("{name} is not in the bundle")))?;
        self.manifest(&reference.repository, &entry.descriptor)
    }

    fn manifest(&self, _: &Repository, descriptor: &Descriptor) -> Result<Manifest> {
        let Descriptor { digest, size, media_type, .. } = descriptor;
        let content = self.content(descriptor)?;
        if *size > MAX_MANIFEST {
            return Err(Error::content(format!("{digest}: a manifest of {size} bytes is too large")));
        }
        let bytes = content.read_whole()?;
        let actual = Digest::of(digest.algorithm(), &bytes);
        if actual != *digest {
            return Err(Error::content(format!("content of {digest} hashes to {actual}")));
        }
        let stated: Vec<MediaType> = MediaType::stated(media_type.as_str()).into_iter().collect();
        Manifest::parse(Arc::from(bytes), actual, &stated).map_err(|e| Error::from(e).at(digest))
    }

    fn has_blob(&self, _: &Repository, descriptor: &Descriptor) -> Result<bool> {
        Ok(self.size_of(&descriptor.digest).is_some())
    }

    fn open(&self, _: &Repository, descriptor: &Descriptor, offset: u64) -> Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(self.content(descriptor)?.skip(offset)))
    }
}

/// Errors of a drive name their path themselves.
fn placed(error: Error, path: &Path) -> Error {
    match error {
        own @ (Error::Disk { .. } | Error::NoSpace { .. } | Error::Usage { .. } | Error::Interrupted { .. }) => own,
        other => other.at(path.display()),
    }
}

fn check_marker(bytes: &[u8]) -> Result<()> {
    let layout: oci_spec::image::OciLayout =
        serde_json::from_slice(bytes).map_err(|e| Error::content(e.to_string()))?;
    match layout.image_layout_version().as_str() {
        "1.0.0" => Ok(()),
        other => Err(Error::content(format!("layout version `{}` is not known", other.escape_debug()))),
    }
}
