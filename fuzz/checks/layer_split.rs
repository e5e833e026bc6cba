//! Any bytes as a layer: what is split can be joined and is the same then; its lengths keep the limits of the format.

use crate::delta::{Refusal, join, split};

pub fn check(bytes: &[u8]) {
    let (mut tokens, mut framing) = (Vec::new(), Vec::new());
    match split(bytes, &mut tokens, &mut framing) {
        Ok(lengths) => {
            assert!(lengths.tokens <= 32 * bytes.len() as u64 + 1024, "{lengths:?}");
            assert!(lengths.framing <= 2 * bytes.len() as u64 + 1024, "{lengths:?}");
            assert_eq!(join(&tokens[..], &framing[..], Vec::new()).expect("what was split can be joined"), bytes);
        }
        Err(Refusal::Unusual(_)) => {}
        Err(other) => panic!("{other}"),
    }
}
