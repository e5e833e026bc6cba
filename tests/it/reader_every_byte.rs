//! A small bundle cut at every byte, and with one bit wrong in every byte: no damage goes unseen, and
//! none of it reaches a registry.

use std::fs::{File, OpenOptions};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use oci_bundle::import::{ImageStatus, Import, Imported};
use oci_bundle::registry::{PlainHttp, RegistryOptions, Retry};
use oci_bundle::verify::Verify;
use oci_bundle::{Kind, Quiet, Result};

use crate::reader_parts::{Contents, Given};
use crate::support::registry::{Registry, digest_like};

const LAYERS: [&[u8]; 2] = [b"the first layer", b"the layer of another image"];

/// Two images with one config and a layer each.
fn two_images() -> Vec<u8> {
    let mut contents = Contents::default();
    for (n, layer) in LAYERS.iter().enumerate() {
        let image = contents.image(&[layer]);
        contents.name(&format!("gcr.io/org/app{n}:1"), &image);
    }
    contents.bundle()
}

fn verified(path: &Path) -> Result<(), Kind> {
    let verified = Verify::new([path.into()]).jobs(1).run(&Quiet).remove(0).map_err(|e| e.kind())?;
    verified.kind().map_or(Ok(()), Err)
}

fn imported_from(path: &Path, registry: &Registry) -> Result<Imported> {
    let retry = Retry { times: 0, delay: std::time::Duration::ZERO };
    let mut options = RegistryOptions::default();
    (options.jobs, options.plain_http, options.retry) = (2, PlainHttp::All, retry);
    let host = registry.host().parse().expect("a host");
    let import = Import::new([path.into()], host).registry(options);
    import.run(Arc::new(Quiet))
}

/// Calls `look` with one bit of every byte wrong, one byte after the other.
fn flip_every_byte(given: &Given, bytes: &[u8], mut look: impl FnMut(usize)) {
    let file = OpenOptions::new().write(true).open(&given.path).expect("the bundle");
    for (at, byte) in bytes.iter().enumerate() {
        file.write_all_at(&[byte ^ (1 << (at % 8))], at as u64).expect("written");
        look(at);
        file.write_all_at(&[*byte], at as u64).expect("written");
    }
}

fn find(bytes: &[u8], part: &[u8]) -> Range<usize> {
    let start = bytes.windows(part.len()).position(|w| w == part).expect("it is in the bundle");
    start..start + part.len()
}

#[test]
fn verify_sees_a_cut_at_every_byte() {
    let bytes = two_images();
    let given = Given::new(&bytes);
    assert_eq!(verified(&given.path), Ok(()));
    let file = OpenOptions::new().write(true).open(&given.path).expect("the bundle");
    for len in (0..bytes.len()).rev() {
        file.set_len(len as u64).expect("cut");
        assert_eq!(verified(&given.path), Err(Kind::Content), "cut to {len} bytes");
    }
}

#[test]
fn verify_sees_a_wrong_bit_in_every_byte() {
    let bytes = two_images();
    let given = Given::new(&bytes);
    flip_every_byte(&given, &bytes, |at| {
        assert_eq!(verified(&given.path), Err(Kind::Content), "byte {at}");
    });
    assert_eq!(verified(&given.path), Ok(()));
}

#[test]
fn import_asks_nothing_of_a_registry_when_the_bundle_was_cut() {
    let bytes = two_images();
    let given = Given::new(&bytes);
    let registry = Registry::start();
    let file = OpenOptions::new().write(true).open(&given.path).expect("the bundle");
    for len in (0..bytes.len()).rev() {
        file.set_len(len as u64).expect("cut");
        let error = imported_from(&given.path, &registry).expect_err("a cut bundle");
        assert_eq!((error.kind(), registry.connections()), (Kind::Content, 0), "cut to {len} bytes: {error}");
    }
}

#[test]
fn import_stops_before_the_first_request_or_leaves_out_what_is_damaged() {
    let bytes = two_images();
    let given = Given::new(&bytes);
    let registry = Registry::start();
    let layers = LAYERS.map(|layer| find(&bytes, layer));
    let config = find(&bytes, br#"{"architecture":"amd64","os":"linux"}"#);
    flip_every_byte(&given, &bytes, |at| {
        let hurt: Vec<usize> = (0..2).filter(|n| layers[*n].contains(&at) || config.contains(&at)).collect();
        if hurt.is_empty() {
            let error = imported_from(&given.path, &registry).expect_err("a damaged bundle");
            assert_eq!((error.kind(), registry.connections()), (Kind::Content, 0), "byte {at}: {error}");
            return;
        }
        let target = Registry::start();
        let imported = imported_from(&given.path, &target).expect("a report");
        assert_eq!(imported.kind(), Some(Kind::Content), "byte {at}");
        for (n, layer) in LAYERS.iter().enumerate() {
            let (repository, broken) = (format!("library/org/app{n}"), hurt.contains(&n));
            let name = format!("gcr.io/org/app{n}:1");
            let image = imported.images.iter().find(|i| i.name == name).expect("a line");
            assert_eq!(image.status == ImageStatus::Failed, broken, "byte {at}");
            assert_eq!(target.tags(&repository).is_empty(), broken, "byte {at}");
            assert_eq!(target.digest(&repository, "1").is_none(), broken, "byte {at}");
            if layers[n].contains(&at) {
                assert!(!target.has_blob(&repository, &digest_like("sha256:", layer)), "byte {at}");
            }
        }
    });
}

#[test]
fn the_program_says_so_too() {
    let bytes = two_images();
    for at in [0, 700, 1030, 2000, bytes.len() - 600, bytes.len() - 1] {
        let mut flipped = bytes.clone();
        flipped[at] ^= 4;
        Given::new(flipped).is_refused("");
        Given::new(&bytes[..at]).is_refused("");
    }
    let mut flipped = bytes.clone();
    flipped[find(&bytes, LAYERS[1]).start] ^= 1;
    let ([verified, listed, imported], registry) = Given::new(flipped).run_all();
    assert!(verified.exits(3).stdout.contains("gcr.io/org/app1:1"));
    listed.succeeds();
    assert!(imported.exits(3).all().contains(&digest_like("sha256:", LAYERS[1])));
    assert_eq!(registry.tags("library/org/app0"), ["1"]);
    assert!(registry.tags("library/org/app1").is_empty());
}

#[test]
fn what_changes_while_it_is_imported_is_not_tagged() {
    let bytes = two_images();
    let given = Given::new(&bytes);
    let place = find(&bytes, LAYERS[0]).start as u64;
    let registry = Registry::start();
    let file = OpenOptions::new().write(true).open(&given.path).expect("the bundle");
    // The first request for leave to send comes when the whole plan stands.
    registry.intercept(move |request| {
        if request.method == "POST" {
            file.write_all_at(b"T", place).expect("written");
        }
        None
    });
    let imported = imported_from(&given.path, &registry).expect("a report");
    assert_eq!(imported.kind(), Some(Kind::Content));
    assert!(registry.tags("library/org/app0").is_empty());
    assert_eq!(registry.tags("library/org/app1"), ["1"]);

    let given = Given::new(&bytes);
    let registry = Registry::start();
    let file: File = OpenOptions::new().write(true).open(&given.path).expect("the bundle");
    registry.intercept(move |request| {
        if request.method == "POST" {
            file.set_len(600).expect("cut");
        }
        None
    });
    let imported = imported_from(&given.path, &registry).expect("a report");
    assert!(imported.images.iter().all(|i| i.status == ImageStatus::Failed));
    assert!(registry.tags("library/org/app0").is_empty() && registry.tags("library/org/app1").is_empty());
    assert_eq!(imported.kind(), Some(Kind::Content));
}
