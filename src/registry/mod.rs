//! A client of the distribution spec (v1.1): reads from and writes to any number of registries.
//!
//! `Registries` is both ends. Every request goes through `transport`, and every URL that a
//! registry names through `wire::origin`.

mod allowance;
mod as_node;
mod auth;
mod capabilities;
mod contact;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod ladder;
mod layer_urls;
mod link;
mod listing;
mod load;
mod login;
mod mount;
mod options;
mod pages;
mod peer;
mod peers;
mod presence;
mod pull;
mod push;
mod range;
mod referrers;
mod registries;
mod retry;
mod session;
mod tag_list;
#[cfg(test)]
mod tests;
mod transport;
mod upload;
mod wire;

pub(crate) use as_node::{NodeAnswer, NodeQuestion};
pub use auth::credentials::{Credential, Secret};
pub(crate) use auth::credentials::{Forgotten, Keeper, Kept};
pub use options::{PlainHttp, RegistryOptions, Retry};
pub(crate) use registries::Registries;
pub(crate) use wire::env::of_process;
pub use wire::secrets::{keep_from_authority, redacted, redacted_json};
pub use wire::tls::TlsOptions;
