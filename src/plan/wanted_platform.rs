//! One platform as somebody asks for it, and which images do for it.
//!
//! Compared as containerd and docker do (containerd/platforms v1.0 `database.go`, `compare.go`), but across no two
//! processors: what an image has for arm is not taken for arm64.

use std::fmt;
use std::str::FromStr;

use crate::oci::{Invalid, Platform};

/// One platform as somebody asks for it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WantedPlatform {
    os: String,
    architecture: String,
    variant: String,
    /// The first parts of the version, up to the build.
    build: Vec<String>,
    /// As it is shown.
    text: String,
}

impl WantedPlatform {
    /// Whether an image for this platform is taken, where an index has these.
    pub(crate) fn takes(&self, platform: &Platform, there: &[&Platform]) -> bool {
        let Some(rank) = self.rank(platform) else { return false };
        // Of a variant that is not there the next lower one is: whoever has it runs that too.
        !there.iter().filter_map(|other| self.rank(other)).any(|other| other > rank)
    }

    /// Whether an image for this platform would do, if there is nothing nearer.
    pub(crate) fn accepts(&self, platform: &Platform) -> bool {
        self.rank(platform).is_some()
    }

    /// How near a platform is to this one; `None` for another one.
    fn rank(&self, platform: &Platform) -> Option<u32> {
        let (os, architecture, variant) =
            normalised(&platform.os, &platform.architecture, platform.variant.as_deref().unwrap_or_default());
        let version = platform.os_version.as_deref().unwrap_or_default();
        let is_build = version.is_empty() || version.split('.').zip(&self.build).all(|(part, own)| part == own);
        if os != self.os || architecture != self.architecture || !is_build {
            return None;
        }
        if architecture == "arm" && self.variant.is_empty() {
            return Some(u32::MAX);
        }
        if variant == self.variant {
            return Some(u32::MAX);
        }
        let least = match architecture.as_str() {
            "amd64" => 1,
            "arm" => 5,
            "arm64" => 8,
            _ => return None,
        };
        let number = |variant: &str| match variant {
            "" => Some(least),
            numbered => numbered.strip_prefix('v')?.parse::<u32>().ok(),
        };
        let (own, other) = (number(&self.variant)?, number(&variant)?);
        (other < own).then_some(other)
    }
}

impl fmt::Display for WantedPlatform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for WantedPlatform {
    type Err = Invalid;

    /// `OS/ARCH`, `OS/ARCH/VARIANT`; with a version of the system as in `windows(10.0.17763)/amd64`, or as crane
    /// has it, `windows/amd64:10.0.17763`.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let bad = || {
            let shown = text.escape_debug();
            Invalid::new(format!("`{shown}` is no platform: it is OS/ARCH or OS/ARCH/VARIANT, as in linux/amd64"))
        };
        let is_word =
            |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        let (rest, after) = text.split_once(':').map_or((text, None), |(rest, version)| (rest, Some(version)));
        let (system, rest) = rest.split_once('/').ok_or_else(bad)?;
        let (system, within) = match system.split_once('(') {
            Some((system, version)) => (system, Some(version.strip_suffix(')').ok_or_else(bad)?)),
            None => (system, None),
        };
        let (processor, variant) = rest.split_once('/').map_or((rest, None), |(one, two)| (one, Some(two)));
        let version = match (within, after) {
            (Some(_), Some(_)) => return Err(bad()),
            (within, after) => within.or(after),
        };
        let words = [Some(system), Some(processor), variant, version];
        if !words.iter().flatten().all(|word| is_word(word)) {
            return Err(bad());
        }
        let named = matches!(processor.to_ascii_lowercase().as_str(), "armhf" | "armel");
        let (os, architecture, mut own) = normalised(system, processor, variant.unwrap_or_default());
        if architecture == "arm" && variant.is_none() && !named {
            own = String::new();
        }
        let mut text = format!("{os}/{architecture}");
        if !own.is_empty() {
            text.push_str(&format!("/{own}"));
        }
        let build: Vec<String> = version.into_iter().flat_map(|v| v.split('.')).take(3).map(str::to_owned).collect();
        if !build.is_empty() {
            text.push_str(&format!(" ({})", build.join(".")));
        }
        Ok(Self { os, architecture, variant: own, build, text })
    }
}

/// One spelling for each platform. arm is v7 where nothing is said, and amd64/v1 and arm64/v8 are said by nothing.
fn normalised(os: &str, architecture: &str, variant: &str) -> (String, String, String) {
    let (os, architecture, variant) =
        (os.to_ascii_lowercase(), architecture.to_ascii_lowercase(), variant.to_ascii_lowercase());
    let os = if os == "macos" { "darwin".to_owned() } else { os };
    let (architecture, variant) = match (architecture.as_str(), variant.as_str()) {
        ("i386", _) => ("386", ""),
        ("x86_64" | "x86-64" | "amd64", "v1" | "1") => ("amd64", ""),
        ("x86_64" | "x86-64" | "amd64", other) => ("amd64", other),
        ("aarch64" | "arm64", "8" | "v8") => ("arm64", ""),
        ("aarch64" | "arm64", other) => ("arm64", other),
        ("armhf", _) => ("arm", "v7"),
        ("armel", _) => ("arm", "v6"),
        ("arm", "" | "7") => ("arm", "v7"),
        ("arm", "5") => ("arm", "v5"),
        ("arm", "6") => ("arm", "v6"),
        ("arm", "8") => ("arm", "v8"),
        (architecture, variant) => (architecture, variant),
    };
    (os, architecture.to_owned(), variant.to_owned())
}
