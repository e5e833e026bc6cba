//! The certificates that nodes have to trust, out of the files that were named for this machine.

use std::fs;
use std::path::PathBuf;

use crate::error::{Error, Result};

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// All certificates of these files as one PEM text; nothing else that is in them, which may be a key.
///
/// # Errors
/// A file that cannot be read, or has none.
pub(super) fn pem(files: &[PathBuf]) -> Result<Option<String>> {
    let mut all = String::new();
    for file in files {
        let bytes = fs::read(file).map_err(Error::typed("read", file))?;
        let text = String::from_utf8_lossy(&bytes);
        let mut found = 0;
        for block in text.split(BEGIN).skip(1) {
            if let Some((inside, _)) = block.split_once(END) {
                let lines: Vec<&str> = inside.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
                all.push_str(&format!("{BEGIN}\n{}\n{END}\n", lines.join("\n")));
                found += 1;
            }
        }
        if found == 0 {
            return Err(Error::usage(format!("--ca-file {}: no certificate (PEM) in it", file.display())));
        }
    }
    Ok(Some(all).filter(|all| !all.is_empty()))
}
