//! x
#![allow(dead_code, unused_imports)]

pub(crate) mod challenge;
pub(crate) mod credentials;
mod helper;
pub(crate) mod tls;

pub use tls::TlsOptions;
