//! Values of flags as people type them.

use oci_bundle::oci::{Host, Invalid};
use oci_bundle::{Error, NextStep, Result};

/// A registry, as it is typed.
///
/// # Errors
/// It is none; with a scheme it says so.
pub(crate) fn registry_host(text: &str) -> Result<Host> {
    if text.contains("://") {
        let authority = text.split("://").nth(1).unwrap_or_default().trim_end_matches('/');
        // What is said to do is not searched for secrets.
        let host = authority.rsplit('@').next().unwrap_or_default().to_owned();
        let message = format!("registry `{text}`: leave out the scheme (http: --plain-http)");
        return Err(Error::Usage { message, next: Some(NextStep::LeaveOutScheme { host }) });
    }
    text.parse().map_err(|e: Invalid| Error::usage(e.to_string()))
}

/// A value that switches something on, as clap reads one.
pub(crate) fn is_yes(text: &str) -> bool {
    matches!(text.to_ascii_lowercase().as_str(), "1" | "true" | "yes" | "on" | "y" | "t")
}

/// A value that asks for nothing.
pub(crate) fn is_no(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "0" | "false" | "no" | "off" | "n" | "f")
}
