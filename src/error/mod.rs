//! The one error type, what an error means, and what to do about it.

mod cause;
mod failure;
mod file;
mod kind;
mod next_step;
mod shell_word;
mod signing_step;
mod size;
mod status;

pub use failure::{Error, Result};
pub use kind::Kind;
pub use next_step::NextStep;
pub use shell_word::shell_word;
pub use signing_step::SigningStep;
pub use size::size;

impl From<SigningStep> for NextStep {
    fn from(step: SigningStep) -> Self {
        Self::Signing(step)
    }
}
