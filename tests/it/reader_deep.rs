//! `verify --deep`: layers unpack to what the image configurations say of them.

use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

use crate::bundle;
use crate::reader_parts::{Contents, Given, MANIFEST};
use crate::support::registry::digest_like;

/// An image with this layer, as stored, and these DiffIDs.
fn image(layer: &[u8], diff_ids: &[String]) -> Given {
    let mut contents = Contents::default();
    let list: Vec<String> = diff_ids.iter().map(|d| format!("\"{d}\"")).collect();
    let config = format!(r#"{{"rootfs":{{"type":"layers","diff_ids":[{}]}}}}"#, list.join(","));
    let config = contents.put("application/vnd.oci.image.config.v1+json", config);
    let layer = contents.put("application/vnd.oci.image.layer.v1.tar", layer);
    let text = format!(r#"{{"schemaVersion":2,"config":{config},"layers":[{layer}]}}"#);
    let image = contents.put(MANIFEST, text);
    contents.name("gcr.io/org/app:1", &image);
    Given::new(contents.bundle())
}

fn deep(given: &Given) -> crate::support::run::Output {
    bundle().args(["verify", "--deep", given.path.to_str().expect("a path")]).run()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("compressed");
    encoder.finish().expect("compressed")
}

/// A zstd frame of one raw block (RFC 8878, 3.1.1): what a compressor makes of noise.
fn zstd(bytes: &[u8]) -> Vec<u8> {
    let len = u8::try_from(bytes.len()).expect("a short text");
    let block = (u32::from(len) << 3 | 1).to_le_bytes();
    [&[0x28, 0xb5, 0x2f, 0xfd, 0x20, len], &block[..3], bytes].concat()
}

#[test]
fn layers_of_every_compression_unpack_to_their_diff_ids() {
    let (content, diff_id) = (b"a layer's tar", digest_like("sha256:", b"a layer's tar"));
    let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3], &zstd(content)[..]].concat();
    let two_frames = [zstd(&content[..5]), zstd(&content[5..])].concat();
    let two_members = [gzip(&content[..5]), gzip(&content[5..])].concat();
    for layer in [content.to_vec(), gzip(content), two_members, zstd(content), two_frames, skippable] {
        deep(&image(&layer, std::slice::from_ref(&diff_id))).succeeds();
        let said = deep(&image(&layer, &[digest_like("sha256:", b"other")])).exits(3);
        assert!(said.stdout.contains("diffIdMismatch") && said.stdout.contains(&diff_id), "{}", said.stdout);
    }
}

#[test]
fn layers_that_do_not_unpack_or_are_miscounted_are_found() {
    let content = b"a layer's tar";
    let diff_id = digest_like("sha256:", content);
    let cut = &gzip(content)[..15];
    assert!(deep(&image(cut, std::slice::from_ref(&diff_id))).exits(3).stdout.contains("cannot be unpacked"));
    let cut = &zstd(content)[..12];
    assert!(deep(&image(cut, std::slice::from_ref(&diff_id))).exits(3).stdout.contains("diffIdMismatch"));
    assert!(deep(&image(content, &[diff_id.clone(), diff_id])).exits(3).stdout.contains("2 layers"));
    // A configuration that states nothing cannot be wrong.
    let odd = image(content, &["not a digest".into()]);
    deep(&odd).succeeds();
}

#[test]
fn a_damaged_configuration_accuses_no_layer_and_keeps_its_own_finding() {
    let content = b"a layer's tar";
    let (right, other) = (digest_like("sha256:", content), digest_like("sha256:", b"other"));
    let kinds = |given: &Given| {
        let path = given.path.to_str().expect("a path");
        let said = bundle().args(["verify", "--deep", "--format", "json", path]).run().exits(3).json();
        let findings = said["findings"].as_array().expect("findings").clone();
        let text = |finding: &serde_json::Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
        findings.iter().map(|f| (text(f, "kind"), text(f, "digest"))).collect::<Vec<_>>()
    };
    // What it says of the layer changes, and then how many layers it says there are.
    let one_wrong = (right.clone(), other);
    let two_for_one = (format!("{right}\",\"{right}"), format!("{right}\"{}", " ".repeat(right.len() + 2)));
    for (before, after) in [one_wrong, two_for_one] {
        let is_count = after.ends_with(' ');
        let given = image(&gzip(content), std::slice::from_ref(&before));
        let bytes = std::fs::read(&given.path).expect("the bundle");
        let at = bytes.windows(before.len()).position(|w| w == before.as_bytes()).expect("the DiffID");
        let config = bytes[..at].windows(13).rposition(|w| w == b"blobs/sha256/").expect("its header");
        let digest = format!("sha256:{}", String::from_utf8_lossy(&bytes[config + 13..config + 77]));
        let mut damaged = bytes;
        // The closing quote of the list's last text is moved along.
        let after = if is_count { format!("{after}\"").replace("\" ", "\"  ") } else { after };
        let after: String = after.chars().take(before.len() + usize::from(is_count)).collect();
        damaged[at..at + after.len()].copy_from_slice(after.as_bytes());
        std::fs::write(&given.path, damaged).expect("written");
        assert_eq!(kinds(&given), [("digestMismatch".to_owned(), digest)]);
    }
}

#[test]
fn the_fixtures_are_deeply_right() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/images");
    let said = bundle().args(["verify", "--deep", folder.to_str().expect("a path")]).run().succeeds();
    assert!(said.stdout.contains("intact"), "{}", said.stdout);
}
