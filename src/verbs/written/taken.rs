//! Whoever takes finished volumes.

use std::fmt;
use std::sync::Arc;

use super::report::ExportedVolume;
use crate::error::Result;

type Takes = dyn Fn(&ExportedVolume) -> Result<()> + Send + Sync;

/// Whoever takes finished volumes.
#[derive(Clone)]
pub(in crate::verbs) struct Taker(pub(in crate::verbs) Arc<Takes>);

impl fmt::Debug for Taker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Taker")
    }
}
