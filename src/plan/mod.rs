//! The plan: which images are asked for, everything they consist of, and what they will be called
//! at the target. Complete before the first layer moves.

mod naming;
mod walk;
mod wanted;

pub use naming::{Assignment, Mapping, Naming, assign};
pub use walk::{Failure, Found, walk};
pub use wanted::wanted;
