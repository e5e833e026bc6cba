//! One request and its answer: where it may go, connections, TLS, proxies, and how fast bytes move. When
//! a request is sent and repeated is decided elsewhere.

pub(crate) mod address;
mod answer;
pub(crate) mod clock;
mod coding;
pub(crate) mod env;
pub(crate) mod error_body;
mod exact;
pub(crate) mod exchange;
mod failed;
pub(crate) mod gate;
pub(crate) mod origin;
pub(crate) mod pace;
pub(crate) mod proxied;
pub(crate) mod proxy;
pub(crate) mod reach;
pub(crate) mod secrets;
pub(crate) mod silence;
pub(crate) mod tls;
pub(crate) mod whose;
