//! Credentials: found where docker and podman keep them, and never shown.

mod credential;
mod file;
mod helper;
mod keep;
mod lookup;
mod opened;
mod places;
#[cfg(test)]
mod tests;

pub use credential::{Credential, Secret};
pub(crate) use keep::{Forgotten, Keeper, Kept};
pub(crate) use lookup::Credentials;
