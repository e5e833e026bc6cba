//! Bundles that cannot be read by position: standard input and gzip. They are spooled into a file
//! that has no name, and nothing is left of it.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::bundle;
use crate::reader_parts::{Contents, Given, short_of_memory};
use crate::support::registry::Registry;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("compressed");
    encoder.finish().expect("compressed")
}

fn is_empty(directory: &Path) -> bool {
    fs::read_dir(directory).expect("a directory").next().is_none()
}

#[test]
fn a_compressed_bundle_is_read_like_any_other() {
    let bytes = Contents::small().bundle();
    let several: Vec<u8> = bytes.chunks(1000).flat_map(gzip).collect();
    for zipped in [gzip(&bytes), several] {
        let (outputs, registry) = Given::new(zipped).run_all();
        for output in outputs {
            assert!(output.succeeds().stderr.contains("spooling"));
        }
        assert_eq!(registry.missing("library/org/app", "1"), Vec::<String>::new());
    }
}

#[test]
fn standard_input_is_a_bundle_too() {
    for bytes in [Contents::small().bundle(), gzip(&Contents::small().bundle())] {
        let spool = tempfile::tempdir().expect("a directory");
        let tmpdir = spool.path().to_str().expect("a path");
        let registry = Registry::start();
        let said = bundle().args(["verify", "-", "--tmpdir", tmpdir]).stdin(bytes.clone()).run().succeeds();
        assert!(said.stdout.contains("intact") && said.stderr.contains(tmpdir), "{}", said.all());
        bundle().args(["list", "-"]).stdin(bytes.clone()).run().succeeds();
        let host = registry.host();
        bundle().args(["import", "-", "--plain-http", "--registry", &host]).stdin(bytes).run().succeeds();
        assert_eq!(registry.tags("library/org/app"), ["1"]);
        assert!(is_empty(spool.path()));
    }
    let said = bundle().args(["list", "-"]).stdin("").run().exits(3);
    assert!(said.stderr.contains("standard input: the file is empty"), "{}", said.stderr);
}

#[test]
fn a_damaged_stream_is_bad_content() {
    let bytes = Contents::small().bundle();
    let zipped = gzip(&bytes);
    for len in [3, 12, zipped.len() / 2, zipped.len() - 1] {
        Given::new(&zipped[..len]).is_refused("the gzip stream ends early");
    }
    let mut wrong = zipped.clone();
    let crc = wrong.len() - 8;
    wrong[crc] ^= 1;
    Given::new(wrong).is_refused("the gzip stream is damaged");
    Given::new([&zipped[..], b"more"].concat()).is_refused("gzip stream");
    Given::new(gzip(&zipped)).is_refused("gzip-compressed twice");
    Given::new(gzip(&bytes[..bytes.len() - 512])).is_refused("");
}

#[test]
fn a_stream_made_to_fill_the_disk_is_refused_early() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let zeros = vec![0; 1 << 20];
    for _ in 0..256 {
        encoder.write_all(&zeros).expect("compressed");
    }
    let bomb = encoder.finish().expect("compressed");
    assert!(bomb.len() < 1 << 20);
    Given::new(bomb).is_refused("made to fill the disk");
}

#[test]
fn what_is_unpacked_takes_no_more_room_than_it_may() {
    let mut contents = Contents::default();
    let layer: Vec<u8> = (0..3 << 20).map(|n: u32| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let image = contents.image(&[&layer]);
    contents.name("gcr.io/org/app:1", &image);
    let plain = contents.bundle();
    // How long the last member is says nothing about the others.
    let (front, rest) = plain.split_at(plain.len() - 1024);
    let zipped = [gzip(front), gzip(rest)].concat();
    for (input, flag) in [(&zipped, true), (&plain, true), (&zipped, false)] {
        let spool = tempfile::tempdir().expect("a directory");
        let tmpdir = spool.path().to_str().expect("a path");
        let list = |size: &str| {
            let run = bundle().args(["list", "-", "--tmpdir", tmpdir]).stdin(input.clone());
            if flag { run.args(["--max-spool", size]) } else { run.env("BUNDLE_MAX_SPOOL", size) }
        };
        let said = list("2MiB").run().exits(3);
        assert!(said.stderr.contains("standard input takes more than 2097152 bytes"), "{}", said.stderr);
        assert!(
            said.stderr.contains("--max-spool SIZE") && said.stderr.contains("at most 2.00 MiB"),
            "{}",
            said.stderr
        );
        list("4MiB").run().succeeds();
        assert!(is_empty(spool.path()));
    }
    let given = Given::new(&zipped);
    let path = given.path.to_str().expect("a path");
    let registry = Registry::start();
    for command in [&["verify", path][..], &["import", path, "--plain-http", "--registry", &registry.host()]] {
        let said = bundle().args(command).args(["--max-spool", "2MiB"]).run().exits(3);
        assert!(said.stderr.contains("given.tar takes more than 2097152 bytes"), "{}", said.stderr);
    }
    assert_eq!(registry.connections(), 0);
    // What is read where it lies takes no room.
    let given = Given::new(&plain);
    bundle().args(["verify".as_ref(), given.path.as_os_str()]).args(["--max-spool", "1KiB"]).run().succeeds();
}

#[test]
fn a_stream_whose_end_claims_any_length_is_judged_by_what_comes() {
    // The length at the end of a gzip is that of its last member, and whoever wrote it may write anything.
    let mut zipped = gzip(&Contents::small().bundle());
    let len = zipped.len();
    zipped[len - 4..].copy_from_slice(&u32::MAX.to_le_bytes());
    let given = Given::new(&zipped);
    let path = given.path.to_str().expect("a path");
    let said = bundle().args(["list", path, "--max-spool", "10MiB"]).run().exits(3);
    assert!(said.stderr.contains("the gzip stream is damaged"), "{}", said.stderr);
}

#[test]
fn a_place_for_temporary_files_that_cannot_be_used_is_named() {
    let given = Given::new(gzip(&Contents::small().bundle()));
    let path = given.path.to_str().expect("a path");
    let said = bundle().args(["verify", path, "--tmpdir", "/nowhere"]).run().exits(2);
    assert!(said.stderr.contains("/nowhere: make a temporary file"), "{}", said.stderr);
}

#[test]
fn a_stream_larger_than_the_room_ends_with_the_numbers() {
    // A file size limit stands in for a full disk; the program ignores its signal.
    let given = Given::new(gzip(&Contents::small().bundle()));
    let script = r#"ulimit -f 2; exec "$0" "$@""#;
    let run = crate::support::run::Run::new("sh").args(["-c", script, env!("CARGO_BIN_EXE_bundle"), "list"]);
    let said = run.args([&given.path]).run().exits(1);
    assert!(said.stderr.contains("write a temporary file"), "{}", said.stderr);
}

#[test]
fn a_layer_that_is_a_bomb_is_counted_and_nothing_else() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let zeros = vec![0; 1 << 20];
    for _ in 0..100 {
        encoder.write_all(&zeros).expect("compressed");
    }
    let bomb = encoder.finish().expect("compressed");
    let mut contents = Contents::default();
    let layer = contents.put("application/vnd.oci.image.layer.v1.tar+gzip", bomb);
    let diff_id = format!("sha256:{}", "0".repeat(64));
    let config = format!(r#"{{"rootfs":{{"type":"layers","diff_ids":["{diff_id}"]}}}}"#);
    let config = contents.put("application/vnd.oci.image.config.v1+json", config);
    let image = contents
        .put(crate::reader_parts::MANIFEST, format!(r#"{{"schemaVersion":2,"config":{config},"layers":[{layer}]}}"#));
    contents.name("gcr.io/org/app:1", &image);
    let given =
        Given::written(|path| File::create(path).expect("a file").write_all(&contents.bundle()).expect("written"));
    let path = given.path.to_str().expect("a path");
    short_of_memory(&["verify", path]).succeeds();
    let said = short_of_memory(&["verify", "--deep", path]).exits(3);
    assert!(said.stdout.contains("diffIdMismatch") && said.stdout.contains("gcr.io/org/app:1"), "{}", said.stdout);
}
