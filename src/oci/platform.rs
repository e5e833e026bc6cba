//! `Platform`: the operating system and processor an image is for.
//!
//! image-spec v1.1.1 `image-index.md`. Our own type, since `oci-spec` drops `os.version`.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::json::null_as_default;

/// Where an image runs. Compared as text, so unknown systems are as good as known ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Platform {
    /// `linux`, `windows`, …; `unknown` marks an attestation.
    #[serde(default, deserialize_with = "null_as_default")]
    pub(crate) os: String,
    /// `amd64`, `arm64`, …
    #[serde(default, deserialize_with = "null_as_default")]
    pub(crate) architecture: String,
    /// `v7`, `v8`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) variant: Option<String>,
    /// The build of the operating system, used by Windows images.
    #[serde(default, rename = "os.version", skip_serializing_if = "Option::is_none")]
    pub(crate) os_version: Option<String>,
}

impl Platform {
    /// Where an image runs, as its config says, which is read leniently.
    pub(crate) fn of_config(bytes: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Config {
            #[serde(flatten)]
            platform: Platform,
        }
        let config: Config = serde_json::from_slice(bytes).ok()?;
        Some(config.platform).filter(Self::is_known)
    }

    /// False for `unknown/unknown`, which builders put on attestations.
    pub(crate) fn is_known(&self) -> bool {
        !matches!(self.os.as_str(), "" | "unknown")
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        if let Some(variant) = self.variant.as_deref().filter(|v| !v.is_empty()) {
            write!(f, "/{variant}")?;
        }
        if let Some(version) = self.os_version.as_deref().filter(|v| !v.is_empty()) {
            write!(f, " ({version})")?;
        }
        Ok(())
    }
}
