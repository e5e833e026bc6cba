//! Secrets on the command line and in the environment, noted before anything is said.

use std::io::Write;

use oci_bundle::registry::{Credential, Secret, keep_from_authority, redacted};

/// Takes note of them. Not all are used, and none is for others to read.
pub(crate) fn take_note() {
    // A secret is known for one from when it is made.
    drop(std::env::var("BUNDLE_PASSWORD").map(Secret::from));
    drop(std::env::var("AUTHCRED").map(|value| Credential::from_authorization_value(&value)));
    let told = std::env::vars_os().filter(|(name, _)| {
        let name = name.to_string_lossy();
        name.starts_with("BUNDLE_") || name == "TARGETHOST"
    });
    for text in std::env::args_os().chain(told.map(|(_, value)| value)) {
        // `user:password@host`, where a name was asked for.
        let text = text.to_string_lossy();
        keep_from_authority(&text);
        text.split([',', '=']).for_each(keep_from_authority);
    }
}

/// Prints what clap has to say. Its colours go where there is something to hide.
pub(crate) fn print(error: &clap::Error) {
    let text = error.render().to_string();
    let shown = redacted(&text);
    // A closed pipe is nobody's fault.
    let _ = match *shown == *text {
        true => error.print(),
        false if error.use_stderr() => write!(std::io::stderr(), "{shown}"),
        false => write!(std::io::stdout(), "{shown}"),
    };
}
