//! Unpacks layers, to nowhere, and compares what they are with what the image configurations say.
//!
//! image-spec v1.1.1 `config.md`, "Layer DiffID". gzip and zstd are told by their first bytes, as
//! every runtime does. Nothing is kept but a hash, so a layer made to fill memory fills none.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use serde::Deserialize;

use super::findings::Findings;
use super::report::FindingKind;
use crate::archive::{Bundle, ZstdFrames};
use crate::error::{Error, Result};
use crate::oci::{Descriptor, Digest, Hasher, Manifest, Role};
use crate::store::{Contents, Event, Watch, side_by_side};

/// A config larger than this, in bytes, is not looked into.
const MAX_CONFIG: u64 = 4 << 20;
/// Longer than any layer that a registry takes, unpacked, in bytes.
const MAX_UNPACKED: u64 = 256 << 30;

/// Compares every layer that is there with every DiffID that is stated for it.
pub(super) fn compare(
    bundle: &Bundle,
    contents: &Contents,
    jobs: usize,
    watch: &dyn Watch,
    findings: &mut Findings,
) -> Result<()> {
    let mut layers: HashMap<&Digest, (&Descriptor, HashSet<Digest>)> = HashMap::new();
    for (_, manifest) in contents.manifests().filter(|(_, m)| m.is_image() && !m.media_type().is_index()) {
        let Some(config) = manifest.config() else { continue };
        // What a damaged configuration says about its layers is no evidence against them.
        if findings.has(&config.digest) {
            continue;
        }
        let diff_ids = match diff_ids(bundle, config) {
            Ok(Some(diff_ids)) => diff_ids,
            Ok(None) => continue,
            Err(error) => {
                findings.add(FindingKind::DigestMismatch.or_unreadable(&error), &config.digest, &error);
                continue;
            }
        };
        let stated = stated_layers(manifest);
        if stated.len() != diff_ids.len() {
            let text = format!("it states {} layers, the manifest {}", diff_ids.len(), stated.len());
            findings.add(FindingKind::DiffIdMismatch, &config.digest, &Error::content(text));
            continue;
        }
        for (layer, diff_id) in stated.into_iter().zip(diff_ids) {
            let is_legible = !layer.media_type.as_str().ends_with("+encrypted");
            if is_legible && bundle.holds(layer) && !findings.has(&layer.digest) {
                layers.entry(&layer.digest).or_insert_with(|| (layer, HashSet::new())).1.insert(diff_id);
            }
        }
    }
    let mut layers: Vec<_> = layers.into_values().collect();
    layers.sort_by(|a, b| a.0.digest.cmp(&b.0.digest));
    let bytes = layers.iter().map(|(layer, _)| layer.size).sum();
    watch.on(Event::Phase { name: "unpacking", items: layers.len() as u64, bytes });
    let compared = side_by_side(layers, jobs, |(layer, diff_ids)| {
        if watch.stopped().is_some() {
            return None;
        }
        let result = bundle
            .open_blob(layer)
            .and_then(|content| unpacked(content, &layer.digest, diff_ids.iter().next(), watch))
            .and_then(|actual| match diff_ids.iter().find(|stated| **stated != actual) {
                Some(stated) => Err(Error::content(format!("unpacks to {actual}, not to {stated}"))),
                None => Ok(()),
            });
        Some((layer, result.err()?))
    });
    watch.on(Event::Phase { name: "", items: 0, bytes: 0 });
    if let Some(signal) = watch.stopped() {
        return Err(Error::Interrupted { signal });
    }
    for (layer, error) in compared.into_iter().flatten() {
        let error = error.at(&layer.digest);
        findings.add(FindingKind::DiffIdMismatch.or_unreadable(&error), &layer.digest, &error);
    }
    Ok(())
}

fn stated_layers(manifest: &Manifest) -> Vec<&Descriptor> {
    manifest.successors().filter(|s| s.role == Role::Layer).map(|s| s.descriptor).collect()
}

/// The DiffIDs of an image configuration, read leniently: what is no list of digests states nothing.
fn diff_ids(bundle: &Bundle, config: &Descriptor) -> Result<Option<Vec<Digest>>> {
    #[derive(Deserialize)]
    struct Config {
        rootfs: RootFs,
    }
    #[derive(Deserialize)]
    struct RootFs {
        diff_ids: Vec<Digest>,
    }
    if config.size > MAX_CONFIG || !bundle.holds(config) {
        return Ok(None);
    }
    let bytes = bundle.read_whole(config)?;
    Ok(serde_json::from_slice(&bytes).ok().map(|config: Config| config.rootfs.diff_ids))
}

/// What a layer unpacks to, by the algorithm of `like`.
fn unpacked(inner: impl Read, digest: &Digest, like: Option<&Digest>, watch: &dyn Watch) -> Result<Digest> {
    let failure = RefCell::new(None);
    let content = Watched { inner, digest, watch, failure: &failure };
    let mut content = BufReader::with_capacity(256 << 10, content);
    let start = content.fill_buf().map_err(|e| failure.take().unwrap_or_else(|| Error::from_read(e)))?;
    let mut unpacking: Box<dyn Read + '_> = match start {
        [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(content)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Box::new(ZstdFrames::new(content)),
        _ => Box::new(content),
    };
    let mut hasher = Hasher::new(like.unwrap_or(digest).algorithm());
    let mut buffer = vec![0; 256 << 10];
    let mut len = 0;
    loop {
        match unpacking.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(got) => {
                hasher.update(&buffer[..got]);
                len += got as u64;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            // A decoder wraps the errors of what it reads from in its own.
            Err(e) => return Err(failure.take().unwrap_or_else(|| Error::content(format!("cannot be unpacked: {e}")))),
        }
        if len > MAX_UNPACKED {
            return Err(Error::content(format!("unpacks to more than {MAX_UNPACKED} bytes")));
        }
    }
}

/// Counts what is read, and stops where somebody asked to.
struct Watched<'a, R> {
    inner: R,
    digest: &'a Digest,
    watch: &'a dyn Watch,
    /// Why nothing more can be read.
    failure: &'a RefCell<Option<Error>>,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(signal) = self.watch.stopped() {
            self.failure.replace(Some(Error::Interrupted { signal }));
            return Err(io::ErrorKind::Other.into());
        }
        let got = match self.inner.read(buffer) {
            Err(e) if e.kind() != io::ErrorKind::Interrupted => {
                self.failure.replace(Some(Error::from_read(e)));
                return Err(io::ErrorKind::Other.into());
            }
            answer => answer?,
        };
        self.watch.on(Event::Advanced { digest: self.digest, bytes: got as u64 });
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use crate::store::Quiet;

    /// A drive that gives these bytes and then fails.
    struct Failing(&'static [u8]);

    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buffer)? {
                0 => Err(Error::disk("read", "images.tar")(io::Error::from_raw_os_error(5)).into()),
                got => Ok(got),
            }
        }
    }

    #[test]
    fn a_drive_that_fails_within_a_layer_is_no_damaged_layer() {
        let zstd = b"\x28\xb5\x2f\xfd\x20\x05\x29\x00\x00hello";
        let gzip = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\x01\x05\x00\xfa\xffhello";
        let digest = Digest::sha256(b"hello");
        assert_eq!(unpacked(&zstd[..], &digest, None, &Quiet).expect("whole"), digest);
        for bytes in [&zstd[..], &gzip[..], b"plain"] {
            for len in 0..=bytes.len() {
                let error = unpacked(Failing(&bytes[..len]), &digest, None, &Quiet).expect_err("the drive failed");
                assert_eq!(error.kind(), Kind::Failed, "{len}: {error}");
            }
        }
    }
}
