//! The one error type, what an error means, and what to do about it.

mod cause;
mod failure;
mod file;
mod kind;
mod next_step;
mod shell_word;
mod size;
mod status;

pub use failure::{Error, Result};
pub use kind::Kind;
pub use next_step::NextStep;
pub use shell_word::shell_word;
pub use size::size;
