//! The plan: which images are asked for, everything they consist of, and what they will be called
//! at the target. Complete before the first layer moves.

mod attached;
mod graph;
mod naming;
mod walk;
mod wanted;

pub use naming::{Assignment, Mapping, Naming, assign};
pub use walk::{Failure, Found, walk, walk_with_referrers};
pub use wanted::{ReferrerPolicy, wanted};
