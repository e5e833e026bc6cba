//! What of the images comes along: the flags of every command that plans from registries.

use clap::{Args, ValueEnum};
use oci_bundle::export::{Platforms, ReferrerPolicy};

use super::help::FINE;
use super::text::parse_size;

/// What comes along
#[derive(Args)]
#[command(next_help_heading = "What comes along")]
pub(crate) struct PlanArgs {
    /// Fetch layers that a registry does not have from the `urls` in their descriptors
    #[arg(long, help_heading = FINE, env = "BUNDLE_INCLUDE_NON_DISTRIBUTABLE_LAYERS")]
    pub(crate) include_non_distributable_layers: bool,
    /// Also take signatures, SBOMs and other documents about the images; `require` refuses images without any
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto", env = "BUNDLE_REFERRERS")]
    pub(crate) referrers: Referrers,
    /// Take only these platforms, as in linux/amd64 (repeatable); many registries refuse an image if some are missing
    #[arg(long, value_name = "PLATFORM", value_delimiter = ',', env = "BUNDLE_PLATFORM")]
    pub(crate) platform: Vec<Platforms>,
    /// Hold at most this much of manifests in memory, as in 2GiB
    #[arg(long, help_heading = FINE, value_name = "SIZE", value_parser = parse_size, default_value = "1GiB", env = "BUNDLE_MAX_MANIFESTS")]
    pub(crate) max_manifests: u64,
}

impl PlanArgs {
    /// The platforms that are asked for; `None` where nobody says.
    pub(crate) fn platforms(&self) -> Option<Platforms> {
        chosen(&self.platform)
    }
}

/// All platforms that are asked for; `None` where nobody says.
pub(crate) fn chosen(platforms: &[Platforms]) -> Option<Platforms> {
    (!platforms.is_empty()).then(|| platforms.iter().cloned().collect())
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Referrers {
    Auto,
    Require,
    None,
}

impl From<Referrers> for ReferrerPolicy {
    fn from(referrers: Referrers) -> Self {
        match referrers {
            Referrers::Auto => Self::Auto,
            Referrers::Require => Self::Require,
            Referrers::None => Self::None,
        }
    }
}
