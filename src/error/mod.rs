//! The one error type, what an error means, and what to do about it.

mod base_step;
mod cause;
mod failure;
mod file;
mod kind;
mod next_step;
mod shell_word;
mod signing_step;
mod size;
mod status;
mod volume_step;

pub use base_step::BaseStep;
pub use failure::{Error, Result};
pub use kind::Kind;
pub use next_step::NextStep;
pub use shell_word::shell_word;
pub use signing_step::SigningStep;
pub use size::size;
pub use volume_step::VolumeStep;

impl From<BaseStep> for NextStep {
    fn from(step: BaseStep) -> Self {
        Self::Base(step)
    }
}

impl From<SigningStep> for NextStep {
    fn from(step: SigningStep) -> Self {
        Self::Signing(step)
    }
}

impl From<VolumeStep> for NextStep {
    fn from(step: VolumeStep) -> Self {
        Self::Volumes(step)
    }
}
