//! Tags that are made from a digest: the referrers of a manifest where a registry does not keep track of
//! them, and what cosign attaches to one.
//!
//! distribution-spec v1.1 "Referrers Tag Schema"; cosign `SIGNATURE_SPEC.md`, "Tag-based Discovery".

use super::Digest;

/// What stands under such a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Attached {
    /// `.att`: attestations.
    Attestations,
    /// Without an ending: an index of referrers.
    Referrers,
    /// `.sbom`: a list of ingredients.
    Sbom,
    /// `.sig`: signatures.
    Signatures,
}

impl Attached {
    /// What cosign attaches.
    pub(crate) const BY_COSIGN: [Self; 3] = [Self::Attestations, Self::Sbom, Self::Signatures];

    /// The end of the tag.
    pub(crate) fn ending(self) -> &'static str {
        match self {
            Self::Attestations => ".att",
            Self::Referrers => "",
            Self::Sbom => ".sbom",
            Self::Signatures => ".sig",
        }
    }

    /// What it is, for a person.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Attestations => "cosign attestation",
            Self::Referrers => "list of referrers",
            Self::Sbom => "cosign SBOM",
            Self::Signatures => "cosign signature",
        }
    }
}

/// `sha256-…`: at most 32 characters of the algorithm and 64 of the rest.
pub(crate) fn digest_tag(digest: &Digest) -> String {
    let hex = digest.hex();
    format!("{}-{}", digest.algorithm().as_str(), &hex[..hex.len().min(64)])
}

/// The beginning of such a tag, which [`digest_tag`] makes of the subject, and what stands under it.
pub(crate) fn parse_digest_tag(tag: &str) -> Option<(&str, Attached)> {
    let (start, ending) = tag.split_at(tag.find('.').unwrap_or(tag.len()));
    let (algorithm, hex) = start.split_once('-')?;
    let is_hex = hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if !is_hex || !matches!(algorithm, "sha256" | "sha512") {
        return None;
    }
    let all = [Attached::Attestations, Attached::Referrers, Attached::Sbom, Attached::Signatures];
    all.into_iter().find(|attached| attached.ending() == ending).map(|attached| (start, attached))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_of_a_digest_is_told_from_others() {
        let digest = Digest::sha256(b"");
        let start = digest_tag(&digest);
        assert_eq!(parse_digest_tag(&start), Some((start.as_str(), Attached::Referrers)));
        for attached in Attached::BY_COSIGN {
            let tag = format!("{start}{}", attached.ending());
            assert_eq!(parse_digest_tag(&tag), Some((start.as_str(), attached)));
        }
        let short = &start[..70];
        for other in ["latest", "sha256-", short, &format!("{start}0"), &format!("{start}.txt"), &start.to_uppercase()]
        {
            assert_eq!(parse_digest_tag(other), None, "{other}");
        }
    }
}
