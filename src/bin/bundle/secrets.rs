//! Secrets on the command line and in the environment, noted before anything is said.

use oci_bundle::registry::{Credential, Secret, keep_from_authority};

/// Takes note of them. Not all are used, and none is for others to read.
pub(crate) fn take_note() {
    // A secret is known for one from when it is made.
    for variable in ["BUNDLE_KEY_PASSWORD", "BUNDLE_PASSWORD", "BUNDLE_SRC_PASSWORD"] {
        drop(std::env::var(variable).map(Secret::from));
    }
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
