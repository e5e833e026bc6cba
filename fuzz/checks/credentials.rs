//! Files with credentials: no panic, an end, and no secret in what is printed of them.

use data_encoding::BASE64;
use serde_json::Value;

use super::file;
use crate::registry::Credential;
use crate::registry::fuzzing::Credentials;

const SECRET: &str = "sw0rdf1sh";
const REPOSITORIES: [(&str, &str); 4] =
    [("r.example:5000", "team/app"), ("docker.io", "library/app"), ("R.example", ""), ("[::1]", "a/b/c/d")];

/// All that is printed of a file and of what is looked up in it.
fn printed(bytes: &[u8], is_dockercfg: bool) -> String {
    let (_file, path) = file::file(bytes);
    let file = match Credentials::of_one_file(&path, is_dockercfg) {
        Ok(file) => file,
        Err(error) => return format!("{error} {error:?}"),
    };
    let mut printed = format!("{file:?}");
    for (host, path) in REPOSITORIES {
        match file.lookup(&host.parse().expect("a host"), path) {
            Ok(found) => printed.push_str(&format!("{found:?}")),
            Err(error) => printed.push_str(&format!("{error} {error:?}")),
        }
    }
    printed
}

/// Puts the secret where text stands that could be one: anywhere in an entry but for the name of a user.
fn with_secrets(entries: &mut Value) {
    match entries {
        Value::String(text) => *text = SECRET.into(),
        Value::Array(list) => list.iter_mut().for_each(with_secrets),
        Value::Object(fields) => {
            for (key, value) in fields {
                match (key.as_str(), value) {
                    ("username", _) => {}
                    ("auth", Value::String(text)) => *text = BASE64.encode(format!("user:{SECRET}").as_bytes()),
                    (_, value) => with_secrets(value),
                }
            }
        }
        _ => {}
    }
}

pub fn check(bytes: &[u8]) {
    for is_dockercfg in [false, true] {
        printed(bytes, is_dockercfg);
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(credential) = Credential::from_authorization_value(text)
    {
        let shown = match &credential {
            Credential::Basic { username, .. } => format!("Basic {{ username: {username:?}, password: *** }}"),
            Credential::IdentityToken { username, .. } => {
                format!("IdentityToken {{ username: {username:?}, token: *** }}")
            }
            Credential::RegistryToken(_) => "RegistryToken(***)".into(),
        };
        assert_eq!(format!("{credential:?}"), shown);
    }
    let Ok(mut document) = serde_json::from_slice::<Value>(bytes) else { return };
    if document.to_string().contains(SECRET) {
        return;
    }
    let mut older = document.clone();
    with_secrets(&mut older);
    if let Some(entries) = document.get_mut("auths") {
        with_secrets(entries);
    }
    // Keys of entries are hosts, and shown.
    for (document, is_dockercfg) in [(document, false), (older, true)] {
        let text = document.to_string();
        assert!(!printed(text.as_bytes(), is_dockercfg).contains(SECRET));
        // The same, damaged at its end: what is said of it quotes nothing.
        assert!(!printed(&text.as_bytes()[..text.len() - 1], is_dockercfg).contains(SECRET));
    }
}
