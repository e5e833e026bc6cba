//! Which platforms of an image are wanted, and which entries of an index are of those.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use super::wanted_platform::WantedPlatform;
use crate::oci::{Descriptor, Digest, Invalid, Manifest, Platform, Role};
use crate::store::Contents;

/// Which platforms of images are wanted: all of them, where nobody says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Platforms(Option<Vec<WantedPlatform>>);

/// What is known of the platform of an entry of an index.
pub(super) enum Known<'a> {
    /// Where it runs.
    Is(&'a Platform),
    /// It is about another entry: an attestation.
    Of(&'a Digest),
    /// It runs nowhere, or says nothing: it belongs to all.
    Any,
}

impl FromStr for Platforms {
    type Err = Invalid;

    /// `all`, or platforms with commas between them.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        text.split(',').map(|one| if one.trim() == "all" { Ok(Self(None)) } else { Self::one(one.trim()) }).collect()
    }
}

/// All platforms that any of these want.
impl FromIterator<Platforms> for Platforms {
    fn from_iter<I: IntoIterator<Item = Platforms>>(several: I) -> Self {
        let mut several = several.into_iter();
        let Some(mut all) = several.next() else { return Self::default() };
        several.for_each(|other| {
            all.join(&other);
        });
        all
    }
}

impl Platforms {
    fn one(text: &str) -> Result<Self, Invalid> {
        text.parse().map(|one| Self(Some(vec![one])))
    }

    /// Whether some platforms are not wanted.
    pub(crate) fn are_chosen(&self) -> bool {
        self.0.is_some()
    }

    /// Those that are wanted; none where all are.
    pub(crate) fn wanted(&self) -> &[WantedPlatform] {
        self.0.as_deref().unwrap_or_default()
    }

    /// Wants what the other wants too; true if that is more.
    pub(super) fn join(&mut self, other: &Self) -> bool {
        let before = self.wanted().len();
        match (&mut self.0, &other.0) {
            (None, _) => false,
            (_, None) => {
                self.0 = None;
                true
            }
            (Some(own), Some(others)) => {
                let new: Vec<_> = others.iter().filter(|one| !own.contains(one)).cloned().collect();
                own.extend(new);
                own.len() > before
            }
        }
    }

    /// Of the entries of an index, which are wanted. `known` is what was found out about those that do not say.
    pub(crate) fn choose(&self, entries: &[&Descriptor], known: &HashMap<Digest, Option<Platform>>) -> Vec<bool> {
        let of: Vec<Known<'_>> = entries.iter().map(|entry| known_of(entry, known)).collect();
        let there: Vec<&Platform> = of
            .iter()
            .filter_map(|known| if let Known::Is(platform) = known { Some(*platform) } else { None })
            .collect();
        let own = |known: &Known<'_>| match known {
            Known::Is(platform) => self.wanted().iter().any(|wanted| wanted.takes(platform, &there)),
            Known::Of(_) | Known::Any => true,
        };
        let digests: HashMap<&Digest, bool> =
            entries.iter().zip(&of).fold(HashMap::new(), |mut digests, (entry, of)| {
                *digests.entry(&entry.digest).or_default() |= own(of);
                digests
            });
        let wants = |known: &Known<'_>| match known {
            Known::Of(subject) => digests.get(subject).copied().unwrap_or(true),
            own_word => own(own_word),
        };
        of.iter().map(wants).collect()
    }
}

impl fmt::Display for Platforms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => f.write_str("all"),
            Some(wanted) => f.write_str(&wanted.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")),
        }
    }
}

fn known_of<'a>(entry: &'a Descriptor, known: &'a HashMap<Digest, Option<Platform>>) -> Known<'a> {
    match &entry.platform {
        Some(platform) if platform.is_known() => Known::Is(platform),
        Some(_) => entry.describes.as_ref().map_or(Known::Any, Known::Of),
        None => match known.get(&entry.digest) {
            Some(Some(platform)) => Known::Is(platform),
            _ => entry.describes.as_ref().map_or(Known::Any, Known::Of),
        },
    }
}

/// Whether an entry of an index says nothing of where it runs, so that its config has to.
pub(crate) fn is_silent(entry: &Descriptor, role: Role) -> bool {
    let says = entry.platform.is_some() || entry.describes.is_some();
    role == Role::Manifest && !says && !entry.media_type.is_index()
}

/// What an image has, and which of the wanted platforms it lacks. What says nothing of where it runs lacks none.
pub(crate) fn lacking<'a>(
    contents: &Contents,
    image: &Digest,
    platforms: &'a Platforms,
) -> (Vec<Platform>, Vec<&'a WantedPlatform>) {
    let mut has: Vec<Platform> = Vec::new();
    for node in contents.closure(image) {
        let named = node.manifest.iter().flat_map(Manifest::successors);
        let named = named.filter(|s| s.role == Role::Manifest).filter_map(|s| s.descriptor.platform.as_ref());
        for platform in named.chain(&node.platform).filter(|platform| platform.is_known()) {
            if !has.contains(platform) {
                has.push(platform.clone());
            }
        }
    }
    let lacks = |wanted: &&WantedPlatform| !has.is_empty() && !has.iter().any(|platform| wanted.accepts(platform));
    let lacks = platforms.wanted().iter().filter(lacks).collect();
    (has, lacks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform(text: &str) -> Platform {
        let (text, version) = text.split_once(' ').map_or((text, None), |(text, version)| (text, Some(version)));
        let parts: Vec<&str> = text.split('/').collect();
        Platform {
            os: parts[0].into(),
            architecture: parts[1].into(),
            variant: parts.get(2).map(|v| (*v).into()),
            os_version: version.map(Into::into),
        }
    }

    /// Which of these platforms are taken.
    fn taken<'a>(wanted: &str, there: &[&'a str]) -> Vec<&'a str> {
        let wanted: Platforms = wanted.parse().expect("platforms");
        let entry = |text: &&str| {
            let digest = Digest::sha256(text.as_bytes());
            let platform = Some(platform(text));
            Descriptor { platform, ..Descriptor::new("application/vnd.oci.image.manifest.v1+json".into(), digest, 1) }
        };
        let entries: Vec<Descriptor> = there.iter().map(entry).collect();
        let chosen = wanted.choose(&entries.iter().collect::<Vec<_>>(), &HashMap::new());
        there.iter().zip(chosen).filter_map(|(text, chosen)| chosen.then_some(*text)).collect()
    }

    #[test]
    fn platforms_are_taken_as_a_node_would_take_them() {
        let table: &[(&str, &[&str], &[&str])] = &[
            ("linux/amd64", &["linux/amd64", "linux/arm64", "windows/amd64"], &["linux/amd64"]),
            ("linux/amd64", &["linux/amd64/v1", "linux/amd64/v3"], &["linux/amd64/v1"]),
            ("linux/amd64", &["linux/amd64/v2"], &[]),
            ("linux/amd64/v3", &["linux/amd64", "linux/amd64/v2", "linux/amd64/v4"], &["linux/amd64/v2"]),
            ("linux/amd64/v3", &["linux/amd64"], &["linux/amd64"]),
            ("LINUX/x86_64", &["linux/amd64"], &["linux/amd64"]),
            ("linux/arm64", &["linux/arm64/v8", "linux/arm/v7"], &["linux/arm64/v8"]),
            ("linux/arm64/v8", &["linux/arm64"], &["linux/arm64"]),
            ("linux/aarch64", &["linux/arm64"], &["linux/arm64"]),
            (
                "linux/arm",
                &["linux/arm/v5", "linux/arm", "linux/arm/v7", "linux/arm64"],
                &["linux/arm/v5", "linux/arm", "linux/arm/v7"],
            ),
            ("linux/arm/v7", &["linux/arm/v5", "linux/arm"], &["linux/arm"]),
            ("linux/arm/v7", &["linux/arm/v5", "linux/arm/v6"], &["linux/arm/v6"]),
            ("linux/arm/6", &["linux/arm/v7", "linux/arm/v6"], &["linux/arm/v6"]),
            ("linux/armhf", &["linux/arm/v6", "linux/arm/v7"], &["linux/arm/v7"]),
            ("linux/i386", &["linux/386"], &["linux/386"]),
            ("linux/ppc64le", &["linux/ppc64le", "linux/s390x"], &["linux/ppc64le"]),
            (
                "linux/amd64,linux/s390x",
                &["linux/amd64", "linux/s390x", "linux/arm64"],
                &["linux/amd64", "linux/s390x"],
            ),
            ("linux/amd64, all", &["linux/amd64", "linux/s390x"], &["linux/amd64", "linux/s390x"]),
            ("macos/arm64", &["darwin/arm64"], &["darwin/arm64"]),
            (
                "windows/amd64",
                &["windows/amd64 10.0.17763.1", "windows/amd64 10.0.20348.2"],
                &["windows/amd64 10.0.17763.1", "windows/amd64 10.0.20348.2"],
            ),
            (
                "windows(10.0.17763)/amd64",
                &["windows/amd64 10.0.17763.1", "windows/amd64 10.0.17763.99", "windows/amd64 10.0.177630.1"],
                &["windows/amd64 10.0.17763.1", "windows/amd64 10.0.17763.99"],
            ),
            (
                "windows/amd64:10.0.17763.5",
                &["windows/amd64 10.0.17763.1", "windows/amd64 10.0.20348.1"],
                &["windows/amd64 10.0.17763.1"],
            ),
        ];
        for (wanted, there, want) in table {
            let all = wanted.parse::<Platforms>().is_ok_and(|platforms| !platforms.are_chosen());
            let found = if all { there.to_vec() } else { taken(wanted, there) };
            assert_eq!(found, *want, "{wanted} of {there:?}");
        }
    }

    #[test]
    fn what_is_no_platform_is_refused_with_what_one_looks_like() {
        for bad in [
            "",
            "amd64",
            "linux",
            "linux/",
            "/amd64",
            "linux/arm/",
            "linux/arm/v7/x",
            "linux amd64",
            "linux/amd64,",
            "windows(10/amd64",
            "windows(1)/amd64:2",
        ] {
            let error = bad.parse::<Platforms>().expect_err(bad).to_string();
            assert!(error.contains("linux/amd64"), "{bad}: {error}");
        }
    }

    #[test]
    fn an_attestation_goes_where_its_platform_goes() {
        let manifest = || "application/vnd.oci.image.manifest.v1+json".into();
        let image = |text: &str| Descriptor {
            platform: Some(platform(text)),
            ..Descriptor::new(manifest(), Digest::sha256(text.as_bytes()), 1)
        };
        let (amd64, arm64) = (image("linux/amd64"), image("linux/arm64"));
        let about = |subject: Option<&Descriptor>, name: &[u8]| Descriptor {
            platform: Some(platform("unknown/unknown")),
            describes: subject.map(|subject| subject.digest.clone()),
            ..Descriptor::new(manifest(), Digest::sha256(name), 1)
        };
        let (of_amd64, of_arm64, of_none) = (about(Some(&amd64), b"1"), about(Some(&arm64), b"2"), about(None, b"3"));
        let of_other = about(Some(&of_none), b"4");
        let wanted: Platforms = "linux/amd64".parse().expect("a platform");
        let chosen = wanted.choose(&[&of_amd64, &of_arm64, &of_none, &of_other, &amd64, &arm64], &HashMap::new());
        assert_eq!(chosen, [true, false, true, true, true, false]);
    }
}
