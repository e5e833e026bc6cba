//! `Bundle`: a bundle opened in place, whatever form it comes in. Opening reads names and lengths,
//! `index.json` and `bundle.json`; content is read where it lies.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use super::layout_directory::LayoutDirectory;
use super::old_dump::OldDump;
use super::recognised;
use super::slice::{Slice, broken_off};
use super::spool::{self, Spooling};
use super::tarball::Tarball;
use crate::archive::format::bundle_json::{BundleJson, MAX_BUNDLE_JSON};
use crate::archive::format::index_json::{BadEntry, IndexJson, MAX_INDEX};
use crate::archive::format::paths::{BUNDLE_JSON, HAULER_INDEX, INDEX_JSON, MANIFEST_JSON, OCI_LAYOUT};
use crate::error::{Error, NextStep, Result, VolumeStep};
use crate::oci::{Descriptor, Digest, Manifest, MediaType, Said, VerifyReader, has_mark, parse_json};
use crate::store::Reason;

/// Larger manifests are accepted by no registry that we know of.
const MAX_MANIFEST: u64 = 32 << 20;
/// Far more than the marker file of a layout needs.
const MAX_MARKER: u64 = 4 << 10;
/// A manifest that nobody names is looked for up to this size, in bytes: that of the distribution-spec.
const MAX_UNLISTED: u64 = 4 << 20;
/// Stands for standard input.
const STANDARD_INPUT: &str = "-";

/// A bundle, open for reading from many threads.
#[derive(Debug)]
pub(crate) struct Bundle {
    path: PathBuf,
    body: Body,
    index: IndexJson,
    bundle_json: Option<BundleJson>,
    /// It is what is good of a damaged one.
    is_salvaged: bool,
    /// Of a damaged bundle, its `index.json` as it stands, where that is beyond doubt.
    salvaged_index: Option<Vec<u8>>,
}

/// What it comes in: unpacked, as a dump of crane, or packed.
#[derive(Debug)]
pub(crate) enum Body {
    Directory(LayoutDirectory),
    Dump(OldDump),
    Tar(Tarball),
}

impl Bundle {
    /// Opens a tar, a gzip of one, or a layout directory; `-` is standard input. Checks its
    /// structure: every header, the end marker, `oci-layout`, `index.json` and `bundle.json`.
    ///
    /// # Errors
    /// Not readable, not a layout, truncated, ambiguous, or too large to be spooled.
    pub(crate) fn open(path: &Path, spooling: Spooling<'_>) -> Result<Self> {
        if path.as_os_str() == STANDARD_INPUT {
            let shown = Path::new("standard input");
            let opened = spool::standard_input(spooling).and_then(|(file, len)| Tarball::open(shown, file, len));
            return opened.and_then(|tar| Self::read(shown, Body::Tar(tar))).map_err(|e| placed(e, shown));
        }
        let open = || -> Result<Self> {
            let kind = path.metadata().map_err(Error::typed("open", path))?;
            if kind.is_dir() {
                return Self::open_directory(path);
            }
            if !kind.is_file() {
                let message = format!("{}: neither a file nor a directory", path.display());
                return Err(Error::Usage { message, next: Some(NextStep::ReadPipeAsStandardInput) });
            }
            let file = File::open(path).map_err(Error::disk("open", path))?;
            let len = file.metadata().map_err(Error::disk("open", path))?.len();
            let mut start = [0; 6];
            let got = file.read_at(&mut start, 0).map_err(|e| broken_off(path, 0, e))?;
            recognised::by_first_bytes(path, &start[..got])?;
            let is_packed = spool::is_packed(&file).map_err(|e| broken_off(path, 0, e))?;
            let (file, len) = if is_packed { spool::unpack(path, file, len, spooling)? } else { (file, len) };
            Self::read(path, Body::Tar(Tarball::open(path, file, len)?))
        };
        open().map_err(|e| placed(e, path))
    }

    fn open_directory(path: &Path) -> Result<Self> {
        let directory = LayoutDirectory::open(path)?;
        if directory.root_file(OCI_LAYOUT.0)?.is_some() || directory.root_file(INDEX_JSON)?.is_some() {
            return Self::read(path, Body::Directory(directory));
        }
        match OldDump::open(path)? {
            Some(mut dump) => {
                let bad = dump.take_bad();
                let mut bundle = Self::read(path, Body::Dump(dump))?;
                bundle.index.bad.extend(bad);
                Ok(bundle)
            }
            None => Err(directory.without_marker()?),
        }
    }

    fn read(path: &Path, body: Body) -> Result<Self> {
        let missing = |name: &str| Error::content(format!("no {name}: this is not an image layout"));
        let marker = body.root_file(OCI_LAYOUT.0, MAX_MARKER)?.ok_or_else(|| missing(OCI_LAYOUT.0))?;
        check_marker(&marker).map_err(|e| e.at(OCI_LAYOUT.0))?;
        let index = body.root_file(INDEX_JSON, MAX_INDEX)?.ok_or_else(|| missing(INDEX_JSON))?;
        let has_mark = has_mark(&index);
        let about = body.root_file(BUNDLE_JSON, MAX_BUNDLE_JSON)?;
        let parsed = if about.is_some() {
            IndexJson::strict(&index)
        } else {
            IndexJson::lenient(&index, body.root_file(HAULER_INDEX, MAX_INDEX)?.as_deref())
        };
        let mut index = parsed.map_err(|e| {
            let e = e.at(INDEX_JSON);
            if has_mark { e.or_else_do(NextStep::SaveWithoutMark) } else { e }
        })?;
        let here = |BadEntry { label, error }| BadEntry { label, error: error.at(INDEX_JSON) };
        index.bad = index.bad.into_iter().map(here).collect();
        let about = about.map(|bytes| BundleJson::parse(&bytes)).transpose().map_err(|e| e.at(BUNDLE_JSON))?;
        if let (Some(BundleJson { volume, .. }), Body::Directory(_)) = (&about, &body)
            && volume.count > 1
        {
            let reason = format!("volume {} of {}, unpacked into a directory", volume.number, volume.count);
            return Err(Error::content(reason).or_else_do(VolumeStep::GiveAsFile.into()));
        }
        if let Some(about) = &about
            && about.index != index.digest
        {
            return Err(Error::content(format!(
                "index.json hashes to {}, but the bundle was made with {}",
                index.digest, about.index
            )));
        }
        Ok(Self { path: path.into(), body, index, bundle_json: about, is_salvaged: false, salvaged_index: None })
    }

    /// What is good of a damaged one; without an index, it is content alone.
    pub(super) fn salvaged(path: &Path, tar: Tarball, index: Option<IndexJson>, bytes: Option<Vec<u8>>) -> Self {
        let nothing = || IndexJson { entries: Vec::new(), bad: Vec::new(), digest: Digest::sha256(b"") };
        let index = index.unwrap_or_else(nothing);
        let (path, body) = (path.into(), Body::Tar(tar));
        Self { path, body, index, bundle_json: None, is_salvaged: true, salvaged_index: bytes }
    }

    /// It is what is good of a damaged one: content that was hashed, and what it names where that is beyond doubt.
    pub(crate) fn is_salvaged(&self) -> bool {
        self.is_salvaged
    }

    /// Of a damaged bundle, its `index.json` as it stands.
    pub(super) fn salvaged_index(&self) -> Option<&[u8]> {
        self.salvaged_index.as_deref()
    }

    /// Where the bundle is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The length in bytes: of the file, or of all blobs in a directory.
    pub(crate) fn bytes(&self) -> u64 {
        match &self.body {
            Body::Directory(directory) => directory.bytes(),
            Body::Dump(dump) => dump.bytes(),
            Body::Tar(tar) => tar.bytes(),
        }
    }

    /// The names and what they stand for.
    pub(crate) fn index(&self) -> &IndexJson {
        &self.index
    }

    /// There is an entry, good or bad.
    pub(crate) fn names_something(&self) -> bool {
        !self.index.entries.is_empty() || !self.index.bad.is_empty()
    }

    /// docker wrote a list of its own beside.
    ///
    /// # Errors
    /// A failing drive.
    pub(crate) fn has_docker_list(&self) -> Result<bool> {
        match &self.body {
            Body::Tar(tar) => Ok(tar.root_file(MANIFEST_JSON).is_some()),
            Body::Directory(directory) => Ok(directory.root_file(MANIFEST_JSON)?.is_some()),
            Body::Dump(_) => Ok(false),
        }
    }

    /// It is a bundle of the format, and no layout of another tool.
    pub(crate) fn is_ours(&self) -> bool {
        self.bundle_json.is_some()
    }

    /// What nobody names, if it is a manifest. What is none, or bad, is no concern of anybody.
    pub(crate) fn manifest_if_one(&self, digest: &Digest) -> Option<Manifest> {
        let size = self.size_of(digest).filter(|size| *size <= MAX_UNLISTED)?;
        let descriptor = Descriptor::new(MediaType::OCI_MANIFEST.into(), digest.clone(), size);
        let mut start = [0; 1];
        self.content(&descriptor).ok()?.read_exact(&mut start).ok()?;
        let bytes = if start == *b"{" { self.read_whole(&descriptor).ok()? } else { return None };
        Manifest::parse(Arc::from(bytes), digest.clone(), Said::default()).ok()
    }

    /// `bundle.json`, which layouts of other tools do not have.
    pub(crate) fn bundle_json(&self) -> Option<&BundleJson> {
        self.bundle_json.as_ref()
    }

    /// The content that it leaves out because a base has it.
    pub(crate) fn rests_on(&self) -> impl Iterator<Item = &Digest> {
        let absent = self.bundle_json.iter().flat_map(|about| &about.absent);
        absent.filter(|absent| absent.reason == Reason::Base.as_str()).map(|absent| &absent.digest)
    }

    /// The content of others that it cannot do without: what it leaves to a base, and old layers.
    pub(crate) fn rests_on_others(&self) -> impl Iterator<Item = Digest> {
        self.rests_on().cloned().chain(self.layer_deltas().map(|(_, delta)| delta.from))
    }

    pub(super) fn body(&self) -> &Body {
        &self.body
    }

    /// The digests of all blob entries, in file order. One may stand several times.
    pub(crate) fn blobs(&self) -> Box<dyn Iterator<Item = &Digest> + '_> {
        match &self.body {
            Body::Directory(directory) => Box::new(directory.blobs()),
            Body::Dump(dump) => Box::new(dump.blobs()),
            Body::Tar(tar) => Box::new(tar.blobs()),
        }
    }

    /// The length in bytes of a blob that is there.
    pub(crate) fn size_of(&self, digest: &Digest) -> Option<u64> {
        match &self.body {
            Body::Directory(directory) => directory.size_of(digest),
            Body::Dump(dump) => dump.size_of(digest),
            Body::Tar(tar) => tar.size_of(digest),
        }
    }

    /// That a blob is there in its full length. Its content is not looked at.
    pub(crate) fn holds(&self, descriptor: &Descriptor) -> bool {
        self.size_of(&descriptor.digest) == Some(descriptor.size)
    }

    /// Reads every copy of a blob and checks it.
    ///
    /// # Errors
    /// A failing drive, or content that does not hash to its name.
    pub(crate) fn check(&self, digest: &Digest, progress: &dyn Fn(u64)) -> Result<()> {
        let Some(size) = self.size_of(digest) else { return Ok(()) };
        let copies = match &self.body {
            Body::Directory(directory) => directory.open_blob(digest)?.into_iter().collect(),
            Body::Dump(dump) => dump.open_blob(digest)?.into_iter().collect(),
            Body::Tar(tar) => tar.copies(digest),
        };
        copies.into_iter().try_for_each(|copy| drain(&mut VerifyReader::new(copy, digest, size), progress))
    }

    /// A manifest by its digest, checked against it.
    ///
    /// # Errors
    /// Missing, of another length, not the content that the digest names, or no manifest.
    pub(super) fn manifest(&self, descriptor: &Descriptor) -> Result<Manifest> {
        let Descriptor { digest, size, media_type, .. } = descriptor;
        if !self.holds(descriptor) {
            return Err(self.lack(descriptor));
        }
        if *size > MAX_MANIFEST {
            return Err(Error::content(format!("{digest}: a manifest of {size} bytes is too large")));
        }
        let bytes = self.read_whole(descriptor)?;
        let said = Said { described: Some(media_type), served: None };
        Manifest::parse(Arc::from(bytes), digest.clone(), said).map_err(|e| Error::from(e).at(digest))
    }

    /// The content of a blob, which must be as long as its descriptor says. Not checked.
    ///
    /// # Errors
    /// Missing, of another length, or a failing drive.
    pub(super) fn content(&self, descriptor: &Descriptor) -> Result<Slice<'_>> {
        let digest = &descriptor.digest;
        let slice = match &self.body {
            _ if !self.holds(descriptor) => None,
            Body::Directory(directory) => directory.open_blob(digest)?,
            Body::Dump(dump) => dump.open_blob(digest)?,
            Body::Tar(tar) => tar.open_blob(digest),
        };
        slice.ok_or_else(|| self.lack(descriptor))
    }

    /// The difference that stands for a layer, as it is.
    ///
    /// # Errors
    /// A failing drive.
    pub(super) fn delta_entry(&self, layer: &Digest) -> Result<Option<Slice<'_>>> {
        match &self.body {
            Body::Directory(directory) => Ok(directory.delta(layer)?.map(|(slice, _)| slice)),
            Body::Dump(_) => Ok(None),
            Body::Tar(tar) => Ok(tar.delta(layer).map(|(slice, _)| slice)),
        }
    }

    /// A small blob, checked against its digest.
    ///
    /// # Errors
    /// Missing, not the content that the digest names, or a failing drive.
    pub(crate) fn read_whole(&self, descriptor: &Descriptor) -> Result<Vec<u8>> {
        let bytes = self.content(descriptor)?.read_whole()?;
        let (digest, actual) = (&descriptor.digest, Digest::of(descriptor.digest.algorithm(), &bytes));
        if actual == *digest {
            Ok(bytes)
        } else {
            Err(Error::content(format!("content of {digest} hashes to {actual}")))
        }
    }

    /// A blob, to be read in pieces. Not checked.
    ///
    /// # Errors
    /// Missing, of another length, or a failing drive.
    pub(crate) fn open_blob(&self, descriptor: &Descriptor) -> Result<impl Read + use<'_>> {
        self.content(descriptor)
    }

    /// What is wrong with content that is not held in its full length.
    pub(crate) fn lack(&self, descriptor: &Descriptor) -> Error {
        let Descriptor { digest, size, .. } = descriptor;
        match self.size_of(digest) {
            Some(there) if there == *size => Error::content(format!("{digest} was there, and is not any more")),
            Some(there) => Error::content(format!("{digest} is {there} bytes long, not {size}")),
            None => Error::content(format!("{digest} is not in the bundle")),
        }
    }
}

impl Body {
    /// One of the files at the root, of at most so many bytes.
    pub(super) fn root_file(&self, name: &str, most: u64) -> Result<Option<Vec<u8>>> {
        let file = match self {
            Self::Directory(directory) => directory.root_file(name)?,
            Self::Dump(dump) => return Ok(dump.root_file(name)),
            Self::Tar(tar) => tar.root_file(name),
        };
        match file {
            Some((_, size)) if size > most => Err(Error::content(format!("{name}: {size} bytes are too many"))),
            Some((slice, _)) => slice.read_whole().map(Some),
            None => Ok(None),
        }
    }
}

/// Errors of a drive name their path themselves.
/// Reads to the end, to nowhere.
pub(super) fn drain(reader: &mut impl Read, progress: &dyn Fn(u64)) -> Result<()> {
    let mut buffer = vec![0; 256 << 10];
    loop {
        match reader.read(&mut buffer).map_err(Error::from_read)? {
            0 => return Ok(()),
            got => progress(got as u64),
        }
    }
}

pub(super) fn placed(error: Error, path: &Path) -> Error {
    match error {
        own @ (Error::Disk { .. }
        | Error::NoRoom { .. }
        | Error::NoSpace { .. }
        | Error::Usage { .. }
        | Error::Interrupted { .. }) => own,
        other => other.at(path.display()),
    }
}

fn check_marker(bytes: &[u8]) -> Result<()> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Marker {
        image_layout_version: String,
    }
    let Marker { image_layout_version } = parse_json(bytes)?;
    match image_layout_version.as_str() {
        "1.0.0" => Ok(()),
        other => Err(Error::content(format!("layout version `{}` is not known", other.escape_debug()))),
    }
}
