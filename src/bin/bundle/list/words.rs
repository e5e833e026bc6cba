//! What every form of the list says in the same words.

use std::collections::BTreeMap;

use oci_bundle::list::{Absent, Listed, ListedImage, ListedPlatform, VolumesReport};
use oci_bundle::report::{DeltaReport, ReferrerKind, ReferrerReport};

use crate::left_out::{OTHER_PLATFORM, left_out_platforms};
use crate::text::{count, numbers, size};

/// As many files that are missing are named one by one.
const FEW: usize = 6;

/// What to call an image.
pub(super) fn name(image: &ListedImage) -> String {
    match (&image.name, &image.tag) {
        (Some(name), _) => name.clone(),
        (None, Some(tag)) => format!("{tag}  (a tag; import it with --name REPO)"),
        (None, None) => "(no name)".into(),
    }
}

/// Where something runs.
pub(super) fn platform(platform: &ListedPlatform) -> &str {
    platform.platform.as_deref().unwrap_or("-")
}

/// What of an image is not in these files, and where it is.
pub(super) fn lacks(image: &ListedImage) -> Vec<String> {
    let mut lines = Vec::new();
    for Absent { reason, count: pieces, bytes, .. } in image.absent.iter().filter(|one| one.volume().is_none()) {
        let (pieces, bytes) = (count(*pieces, "piece"), size(*bytes));
        lines.push(match reason.as_str() {
            "base" => format!("  rests on a base: {pieces}, {bytes}"),
            "delta" => format!("  as what changed since an older layer: {pieces}, {bytes}"),
            "missing" => format!("  incomplete: {pieces} missing, {bytes}"),
            other => format!("  left out: {pieces}, {bytes}, {other}"),
        });
    }
    let elsewhere: Vec<u32> = image.absent.iter().filter_map(Absent::volume).collect();
    let which = |all: &[u32]| if all.len() == 1 { "volume" } else { "volumes" };
    if !image.volumes.is_empty() {
        let mut line = format!("  in {} {}", which(&image.volumes), numbers(&image.volumes));
        if !elsewhere.is_empty() {
            let absent = image.absent.iter().filter(|one| one.volume().is_some());
            let (pieces, bytes) = absent.fold((0, 0), |sum, one| (sum.0 + one.count, sum.1 + one.bytes));
            let (pieces, bytes, numbers) = (count(pieces, "piece"), size(bytes), numbers(&elsewhere));
            line.push_str(&format!("; not here: {pieces}, {bytes}, of {} {numbers}", which(&elsewhere)));
        }
        lines.push(line);
    }
    lines
}

/// `2 signatures, 1 SBOM`.
pub(super) fn referrers(referrers: &[ReferrerReport]) -> String {
    let mut kinds: BTreeMap<ReferrerKind, u64> = BTreeMap::new();
    for referrer in referrers {
        *kinds.entry(referrer.kind).or_default() += 1;
    }
    let one = |(kind, number): (ReferrerKind, u64)| match (kind, number) {
        (ReferrerKind::SignatureOrAttestation, 2..) => format!("{number} signatures or attestations"),
        (kind, number) => count(number, kind.as_str()),
    };
    kinds.into_iter().map(one).collect::<Vec<_>>().join(", ")
}

/// What there is to say of the bundle as a whole, the sum at the end.
pub(super) fn below(listed: &Listed, digests: bool) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(DeltaReport { carried, bytes_carried, in_base, bytes_in_base, .. }) = listed.delta {
        let (carried, in_base) = (count(carried, "blob"), count(in_base, "blob"));
        let (bytes, rest) = (size(bytes_carried), size(bytes_in_base));
        lines.push(format!("delta     carries {carried}, {bytes}; leaves out {in_base}, {rest}, that a base has"));
    }
    if let Some(DeltaReport { deltas: deltas @ 1.., bytes_in_deltas, bytes_of_deltas, .. }) = listed.delta {
        let (carried, whole) = (size(bytes_in_deltas), size(bytes_of_deltas));
        lines.push(format!(
            "layers    {} as what changed since older ones: {carried} instead of {whole}",
            count(deltas, "layer")
        ));
    }
    let not_platforms = listed.left_out.iter().filter(|one| one.reason != OTHER_PLATFORM);
    for left_out in not_platforms.filter(|one| digests || one.is_for_good()) {
        lines.push(format!("left out  {}  {}, {}", left_out.digest, size(left_out.bytes), left_out.reason));
    }
    lines.extend(left_out_platforms(&listed.left_out).map(|platforms| format!("left out  {platforms}")));
    for damaged in &listed.damaged {
        lines.push(format!("damaged   {}", damaged.error.message));
        lines.extend(damaged.error.hint.iter().map(|hint| format!("          hint: {hint}")));
    }
    let several = listed.volumes.as_ref().filter(|volumes| volumes.here.len() > 1);
    if let Some(VolumesReport { count, here, missing, .. }) = several {
        for volume in here {
            let (number, path, bytes) = (volume.number, volume.bundle.display(), size(volume.bytes));
            lines.push(format!("volume    {number} of {count}  {path}  {bytes}"));
        }
        if missing.len() <= FEW {
            lines.extend(missing.iter().map(|one| format!("missing   {} of {count}  {}", one.number, one.bundle)));
        } else {
            let absent: Vec<u32> = missing.iter().map(|one| one.number).collect();
            lines.push(format!("missing   {} of {count}", numbers(&absent)));
        }
    }
    lines.push(sum(listed));
    lines
}

fn sum(listed: &Listed) -> String {
    let images = count(listed.images.len() as u64, "image");
    let (path, bytes) = (listed.bundle.display(), size(listed.bytes));
    let shared = match listed.content.shared_bytes {
        0 => String::new(),
        shared => format!(" ({} shared, carried once)", size(shared)),
    };
    let place = match (&listed.volume, &listed.volumes) {
        (Some(volume), _) => format!("{path}  {bytes}  volume {} of {}", volume.number, volume.count),
        (None, Some(volumes)) => {
            let here: Vec<u32> = volumes.here.iter().map(|volume| volume.number).collect();
            let which = if here.len() == 1 { "volume" } else { "volumes" };
            format!("{which} {} of {}  {bytes}{shared}", numbers(&here), volumes.count)
        }
        (None, None) => format!("{path}  {bytes}{shared}"),
    };
    format!("{images}  {place}  bundle {}", listed.digest)
}
