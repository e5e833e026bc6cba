//! What a registry says went wrong (distribution-spec v1.1 "Error Codes"), and what whoever else answers
//! in its place says: read field by field and leniently, at most 64 KiB.
//!
//! Token servers, gateways and storage answer in shapes of their own. What is no JSON may be a page, of
//! which the title tells most, or a line of text.

use serde_json::Value;

use super::secrets::redacted;

/// No error needs more, in bytes.
pub(crate) const MAX_ERROR_BODY: u64 = 64 << 10;
/// As much of a message as fits a line, in characters.
const MAX_MESSAGE: usize = 300;
/// Lists within lists that are looked into.
const MAX_DEPTH: u32 = 4;
/// Where a code stands, the usual place first; keys are compared in lower case.
const CODES: [&str; 3] = ["code", "errorcode", "error_code"];
/// The same for a message. RFC 6749 §5.2, RFC 9457 §3.1, and what products made up.
const MESSAGES: [&str; 11] = [
    "message",
    "error_description",
    "msg",
    "errormessage",
    "error_message",
    "description",
    "detail",
    "details",
    "reason",
    "title",
    "text",
];

/// The first code and the messages of an error body; empty where there is none.
pub(crate) fn code_and_message(body: &[u8]) -> (String, String) {
    let text = text_of(body);
    let text = text.trim();
    let said = match serde_json::from_str::<Value>(text) {
        Ok(document) => of_value(&document, MAX_DEPTH),
        Err(_) if text.starts_with('<') => of_markup(text),
        // JSON that breaks off says nothing that could be relied on.
        Err(_) if text.starts_with(['{', '[']) => Said::default(),
        Err(_) => Said { code: String::new(), message: text.to_owned() },
    };
    (one_line(&said.code), one_line(&said.message))
}

/// The title of a page of HTML, or its first heading; `None` for what is no page.
pub(crate) fn page_title(body: &[u8]) -> Option<String> {
    let text = text_of(body);
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    let is_page = lower.starts_with("<!doctype html") || (lower.starts_with('<') && lower.contains("<html"));
    is_page.then(|| title(text, &lower).unwrap_or_default())
}

/// What one body, or one entry of it, says.
#[derive(Default)]
struct Said {
    code: String,
    message: String,
}

impl Said {
    fn is_empty(&self) -> bool {
        self.code.is_empty() && self.message.is_empty()
    }
}

/// Bytes as text: those that are none say nothing.
fn text_of(body: &[u8]) -> String {
    let body = &body[..body.len().min(usize::try_from(MAX_ERROR_BODY).unwrap_or(usize::MAX))];
    let text = String::from_utf8_lossy(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body));
    let odd = text.chars().filter(|c| *c == char::REPLACEMENT_CHARACTER || *c == '\0').count();
    if odd * 10 > text.len() { String::new() } else { text.into_owned() }
}

fn of_value(value: &Value, depth: u32) -> Said {
    match value {
        Value::String(text) => Said { code: String::new(), message: text.clone() },
        Value::Array(entries) if depth > 0 => of_list(entries, depth - 1),
        Value::Object(fields) if depth > 0 => {
            let field = |name: &str| fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| v);
            let inner = |name: &str| field(name).map(|v| of_value(v, depth - 1)).unwrap_or_default();
            let listed = inner("errors");
            if !listed.is_empty() {
                return listed;
            }
            let error = inner("error");
            let code = CODES.iter().filter_map(|name| field(name).and_then(scalar)).find(|code| !code.is_empty());
            let message = MESSAGES.iter().map(|name| inner(name).message).find(|message| !message.trim().is_empty());
            match (field("error"), code, message) {
                // RFC 6749 §5.2: the error is a word, and its description another field.
                (Some(Value::String(word)), None, Some(message)) => Said { code: word.clone(), message },
                (Some(Value::String(word)), None, None) if is_code(word) => {
                    Said { code: word.clone(), message: String::new() }
                }
                (_, code, message) if error.is_empty() || message.is_some() => {
                    Said { code: code.unwrap_or(error.code), message: message.unwrap_or(error.message) }
                }
                (_, code, _) => Said { code: code.unwrap_or(error.code), message: error.message },
            }
        }
        _ => Said::default(),
    }
}

/// The first code of a list, and all that its entries say: the second may hold the reason.
fn of_list(entries: &[Value], depth: u32) -> Said {
    let mut said = Said::default();
    let mut messages: Vec<String> = Vec::new();
    for entry in entries.iter().map(|entry| of_value(entry, depth)).filter(|entry| !entry.is_empty()) {
        let Said { code, message } = entry;
        let is_another = !said.code.is_empty() && !code.is_empty() && code != said.code;
        if said.code.is_empty() && messages.is_empty() {
            said.code.clone_from(&code);
        }
        let message = match (is_another, message.is_empty()) {
            (true, true) => code,
            (true, false) => format!("{code}: {message}"),
            (false, _) => message,
        };
        if !message.is_empty() && !messages.contains(&message) && messages.len() < MAX_MESSAGE {
            messages.push(message);
        }
    }
    said.message = messages.join("; ");
    said
}

/// A code as text; some write numbers.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A word that programs compare, as opposed to one for people.
fn is_code(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-' || b == b'.')
}

/// XML as storage writes it (`<Code>`, `<Message>`), or a page, of which the title counts.
fn of_markup(text: &str) -> Said {
    let lower = text.to_ascii_lowercase();
    let of = |name: &str| element(text, &lower, name).unwrap_or_default();
    let (code, message) = (of("code"), of("message"));
    if !code.is_empty() || !message.is_empty() {
        return Said { code, message };
    }
    match title(text, &lower) {
        Some(title) => Said { code: String::new(), message: format!("HTML: «{}»", one_line(&title)) },
        None => Said { code: String::new(), message: without_tags(text) },
    }
}

fn title(text: &str, lower: &str) -> Option<String> {
    ["title", "h1", "h2"].iter().find_map(|name| element(text, lower, name))
}

/// The text of the first element of this name that has any; `lower` is the same text in lower case.
fn element(text: &str, lower: &str, name: &str) -> Option<String> {
    let open = format!("<{name}");
    let mut from = 0;
    while let Some(at) = lower.get(from..)?.find(&open).map(|at| from + at + open.len()) {
        from = at;
        if !lower[at..].starts_with(|c: char| c == '>' || c.is_whitespace()) {
            continue;
        }
        let start = at + lower[at..].find('>')? + 1;
        let end = lower[start..].find("</").map_or(lower.len(), |end| start + end);
        let found = one_line(&unescaped(&text[start..end]));
        if !found.is_empty() {
            return Some(found);
        }
    }
    None
}

/// What stands between the tags.
fn without_tags(text: &str) -> String {
    let mut inside = false;
    let bare = text.chars().filter_map(|c| {
        match c {
            '<' => inside = true,
            '>' => {
                inside = false;
                return Some(' ');
            }
            _ => {}
        }
        (!inside).then_some(c)
    });
    unescaped(&bare.collect::<String>())
}

/// The few references that titles hold.
fn unescaped(text: &str) -> String {
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&")]
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// One line without what moves a cursor, cut where it is long. Part of a secret would not be known for one.
fn one_line(text: &str) -> String {
    let text = &*redacted(text);
    let mut line = String::new();
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    for (at, word) in words.enumerate() {
        if line.len() > 4 * MAX_MESSAGE {
            break;
        }
        line.push_str(if at > 0 { " " } else { "" });
        line.push_str(word);
    }
    match line.char_indices().nth(MAX_MESSAGE) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_of_error_gives_what_it_has() {
        let cases: &[(&str, &str, &str)] = &[
            (r#"{"errors":[{"code":"DENIED","message":"no","detail":[1]}]}"#, "DENIED", "no"),
            (r#"{"errors":[{"code":"X-OWN"}],"other":1}"#, "X-OWN", ""),
            (r#"{"error":"invalid_grant","error_description":"old"}"#, "invalid_grant", "old"),
            (r#"{"message":"nope"}"#, "", "nope"),
            (
                "Your authorization token has expired.\r\nLog in again.",
                "",
                "Your authorization token has expired. Log in again.",
            ),
            (r#"{"details":"the robot is unknown"}"#, "", "the robot is unknown"),
            (r#"{"detail":"too many requests"}"#, "", "too many requests"),
            (r#"{"error":{"code":403,"message":"denied","status":"PERMISSION_DENIED"}}"#, "403", "denied"),
            (r#"{"errors":[{"code":40301,"message":"denied"}]}"#, "40301", "denied"),
            (r#"{"errors":[{"status":401,"message":"Bad props auth token"}]}"#, "", "Bad props auth token"),
            (r#"{"errors":null,"message":"gone"}"#, "", "gone"),
            (r#"{"errors":"not today"}"#, "", "not today"),
            (r#"{"errors":["not","today"]}"#, "", "not; today"),
            (r#"{"errors":{"code":"X","message":"y"}}"#, "X", "y"),
            (r#"[{"code":"DENIED","message":"no"}]"#, "DENIED", "no"),
            ("\u{feff}{\"errors\":[{\"code\":\"DENIED\",\"message\":\"no\"}]}", "DENIED", "no"),
            (
                r#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"},{"code":"DENIED","message":"quota"}]}"#,
                "UNAUTHORIZED",
                "authentication required; DENIED: quota",
            ),
            (r#"{"errors":[{},{"code":"DENIED","message":"no"}]}"#, "DENIED", "no"),
            (
                r#"{"errors":[{"code":"DENIED","message":null,"detail":"the quota is used up"}]}"#,
                "DENIED",
                "the quota is used up",
            ),
            (r#"{"errors":[{"code":"DENIED","message":"","detail":{"message":"deep"}}]}"#, "DENIED", "deep"),
            (r#"{"error":"the disk is full"}"#, "", "the disk is full"),
            (r#"{"error":"denied"}"#, "denied", ""),
            (r#"{"error":["a","b"]}"#, "", "a; b"),
            (r#"{"type":"about:blank","title":"Forbidden","detail":"not from here"}"#, "", "not from here"),
            (r#"{"Message":"User is not authorized"}"#, "", "User is not authorized"),
            (r#"{"error":{"errors":[{"reason":"rateLimitExceeded"}],"code":429}}"#, "", "rateLimitExceeded"),
            (r#""just a string""#, "", "just a string"),
            (
                "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>",
                "AccessDenied",
                "Request has expired",
            ),
            (
                "<html>\r\n<head><TITLE>413 Request\n Entity Too Large</title></head><body><h1>x</h1></body></html>",
                "",
                "HTML: «413 Request Entity Too Large»",
            ),
            ("<html><body><h1>503 Service&nbsp;Unavailable</h1>", "", "HTML: «503 Service Unavailable»"),
            ("<p>no <b>way</b></p>", "", "no way"),
            ("line one\u{1b}[2J", "", "line one [2J"),
        ];
        for (body, code, message) in cases {
            assert_eq!(code_and_message(body.as_bytes()), ((*code).into(), (*message).into()), "{body}");
        }
        for nothing in ["", " \r\n", "[]", "{}", "null", "17", "{\"errors\":", r#"{"errors":[]}"#, r#"{"errors":[1]}"#]
        {
            assert_eq!(code_and_message(nothing.as_bytes()), Default::default(), "{nothing}");
        }
        assert_eq!(code_and_message(&[0x1f, 0x8b, 8, 0, 0xff, 0xfe, 0, 0]), Default::default());
    }

    #[test]
    fn what_is_said_is_cut_to_a_line() {
        let (_, message) = code_and_message("é".repeat(100_000).as_bytes());
        assert_eq!(message.chars().count(), MAX_MESSAGE + 1);
        let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
        assert_eq!(code_and_message(deep.as_bytes()), Default::default());
    }

    #[test]
    fn a_page_is_told_apart_by_how_it_begins() {
        let title = |body: &str| page_title(body.as_bytes());
        assert_eq!(title("<!DOCTYPE html><title>Log in</title>"), Some("Log in".into()));
        assert_eq!(title(" \n<html><head></head></html>"), Some(String::new()));
        for none in ["", "{}", "<Error><Code>x</Code></Error>", "text with <html> in it"] {
            assert_eq!(title(none), None, "{none}");
        }
    }
}
