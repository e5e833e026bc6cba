//! What each fuzz target checks. Compiled into the library, where cargo-fuzz builds it: what is to be
//! fuzzed lies inside, and needs no door for anybody else.

#![allow(missing_docs)]

pub mod answers;
pub mod challenge;
pub mod credentials;
pub mod layer_delta;
pub mod layer_join;
pub mod layer_split;
pub mod lists;
pub mod location;
pub mod manifest;
pub mod numbers;
pub mod reference;
pub mod tar;
pub mod verify;

mod checksums;
mod file;
