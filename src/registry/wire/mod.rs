//! One request and its answer: connections, TLS, proxies, and how fast bytes move. No policy.

pub(crate) mod error_body;
pub(crate) mod exchange;
pub(crate) mod pace;
pub(crate) mod proxy;
pub(crate) mod tls;
