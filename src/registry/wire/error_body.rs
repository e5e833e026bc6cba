//! What a registry says went wrong (distribution-spec v1.1 "Error Codes"), read leniently: any
//! code, any shape, at most 64 KiB.

use serde::Deserialize;

use super::secrets::redacted;

/// No error needs more, in bytes.
pub(crate) const MAX_ERROR_BODY: u64 = 64 << 10;
/// As much of a message as fits a line, in characters.
const MAX_MESSAGE: usize = 300;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    errors: Vec<Line>,
    /// Token servers after RFC 6749 §5.2.
    error: Option<String>,
    error_description: Option<String>,
    /// Some products answer in a shape of their own.
    message: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Line {
    code: String,
    message: String,
}

/// The first code and message of an error body; empty where there is none.
pub(crate) fn code_and_message(body: &[u8]) -> (String, String) {
    let Ok(parsed) = serde_json::from_slice::<Body>(body) else { return Default::default() };
    let (code, message) = match parsed.errors.into_iter().next() {
        Some(Line { code, message }) => (code, message),
        None => (parsed.error.unwrap_or_default(), parsed.error_description.or(parsed.message).unwrap_or_default()),
    };
    (cut(&code), cut(&message))
}

/// Part of a secret would not be known for one.
fn cut(text: &str) -> String {
    let text = &*redacted(text);
    match text.char_indices().nth(MAX_MESSAGE) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_of_error_gives_what_it_has() {
        let read = |body: &str| code_and_message(body.as_bytes());
        assert_eq!(
            read(r#"{"errors":[{"code":"DENIED","message":"no","detail":[1]}]}"#),
            ("DENIED".into(), "no".into())
        );
        assert_eq!(read(r#"{"errors":[{"code":"X-OWN"}],"other":1}"#), ("X-OWN".into(), String::new()));
        assert_eq!(
            read(r#"{"error":"invalid_grant","error_description":"old"}"#),
            ("invalid_grant".into(), "old".into())
        );
        assert_eq!(read(r#"{"message":"nope"}"#), (String::new(), "nope".into()));
        for nothing in ["", "<html>", "[]", r#"{"errors":"x"}"#, r#"{"errors":[]}"#] {
            assert_eq!(read(nothing), Default::default(), "{nothing}");
        }
    }
}
