//! One request and its answer: where it may go, connections, TLS, proxies, and how fast bytes move. When
//! a request is sent and repeated is decided elsewhere.

pub(crate) mod address;
pub(crate) mod clock;
pub(crate) mod env;
pub(crate) mod error_body;
mod exact;
pub(crate) mod exchange;
pub(crate) mod gate;
pub(crate) mod origin;
pub(crate) mod pace;
pub(crate) mod proxy;
pub(crate) mod reach;
pub(crate) mod secrets;
pub(crate) mod silence;
pub(crate) mod tls;
mod unanswered;
pub(crate) mod whose;
