//! `list --format csv`: a row for each platform of each image, as RFC 4180 has it.

use csv::{Terminator, WriterBuilder};
use oci_bundle::list::{Listed, ListedImage};
use oci_bundle::report::ReferrerKind;

use crate::text::escaped;

const HEADER: [&str; 15] = [
    "bundle",
    "image",
    "digest",
    "media_type",
    "platform",
    "platform_digest",
    "platform_bytes",
    "state",
    "image_bytes",
    "own_bytes",
    "shared_bytes",
    "signatures",
    "sboms",
    "attestations",
    "other_referrers",
];

/// All of it, with a header.
pub(super) fn rows(listed: &[Listed]) -> String {
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    // Writing to memory does not fail, and all rows are of one length.
    let _ = writer.write_record(HEADER);
    for bundle in listed {
        for image in &bundle.images {
            for [platform, digest, bytes, state] in platforms(image) {
                let [name, media_type, path] = [
                    image.name.as_ref().or(image.tag.as_ref()).cloned().unwrap_or_default(),
                    image.media_type.to_string(),
                    bundle.bundle.display().to_string(),
                ]
                .map(|text| cell(&text));
                let (platform, state) = (cell(&platform), cell(&state));
                let numbers = [image.bytes, image.own_bytes, image.shared_bytes].map(|number| number.to_string());
                let front = [path, name, image.digest.to_string(), media_type, platform, digest, bytes, state];
                let _ = writer.write_record(front.into_iter().chain(numbers).chain(referrers(image)));
            }
        }
    }
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

/// Platform, digest, bytes and state: of an image that has none, one row all the same.
fn platforms(image: &ListedImage) -> Vec<[String; 4]> {
    let reasons: Vec<&str> = image.absent.iter().map(|absent| absent.reason.as_str()).collect();
    let state = if reasons.is_empty() { "whole".to_owned() } else { format!("lacks {}", reasons.join(", ")) };
    let carried = image.platforms.iter().map(|one| {
        let platform = one.platform.clone().unwrap_or_default();
        [platform, one.digest.to_string(), one.bytes.to_string(), state.clone()]
    });
    let others = image.other_platforms.iter().map(|one| {
        let platform = one.platform.clone().unwrap_or_default();
        [platform, one.digest.to_string(), String::new(), "left out".to_owned()]
    });
    let mut rows: Vec<[String; 4]> = carried.chain(others).collect();
    if rows.is_empty() {
        rows.push([String::new(), String::new(), String::new(), state]);
    }
    rows
}

/// How many of each kind; nothing where the report leaves them to an image before this one.
fn referrers(image: &ListedImage) -> [String; 4] {
    let count = |kinds: &[ReferrerKind]| match &image.referrers {
        Some(all) => all.iter().filter(|one| kinds.contains(&one.kind)).count().to_string(),
        None => String::new(),
    };
    [
        count(&[ReferrerKind::Signature]),
        count(&[ReferrerKind::Sbom]),
        count(&[ReferrerKind::Attestation]),
        count(&[ReferrerKind::SignatureOrAttestation, ReferrerKind::Other]),
    ]
}

/// Text from outside, as a cell that no spreadsheet takes for a formula: one that begins like one gets an apostrophe
/// before it, also where blanks or a quotation mark stand first (OWASP, "CSV Injection").
fn cell(text: &str) -> String {
    let text = escaped(text);
    let begins = text.trim_start_matches([' ', '"', '\'']).chars().next();
    match begins {
        Some('=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠' | '|' | '%') => format!("'{text}"),
        _ => text,
    }
}
