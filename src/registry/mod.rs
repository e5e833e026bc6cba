//! x
#![allow(dead_code, unused_imports)]

pub(crate) mod challenge;
pub(crate) mod credentials;
pub(crate) mod tls;

pub use credentials::{Credential, Credentials, Secret};
pub use tls::TlsOptions;
