//! The plan: which images are asked for, everything they consist of, and what they will be called
//! at the target. Complete before the first layer moves.

mod attached;
mod budget;
mod chosen;
mod graph;
mod mirror;
mod naming;
mod platforms;
mod questions;
mod source_prefix;
mod tags;
mod versions;
mod walk;
mod wanted;
mod wanted_platform;

pub(crate) use budget::Budget;
pub(crate) use mirror::Mirror;
pub use naming::Mapping;
pub(crate) use naming::{Assignment, Naming, assign};
pub use platforms::Platforms;
pub(crate) use platforms::{is_silent, lacking};
pub(crate) use questions::platform_of;
pub use source_prefix::SourcePrefix;
pub(crate) use tags::{Narrowed, Pattern, Tags, expression};
pub(crate) use walk::{Failure, Start, walk, walk_with_referrers};
pub(crate) use wanted::each_once;
pub use wanted::{Origin, ReferrerPolicy, Wanted};
pub(crate) use wanted_platform::WantedPlatform;
