//! A registry, or a token server, that sends back what it was shown, in every field that it has, as it is
//! and in every way to write it.

use data_encoding::{BASE64, BASE64URL};
use serde_json::json;

use super::fault::Fault;
use super::http::Response;
use super::log::Request;

/// A field of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Code, message and detail of an error of this status.
    Error(u16),
    /// What a token server says is wrong (RFC 6749 §5.2).
    TokenError,
    /// A body in a form of its own.
    Message,
    /// `Warning` (RFC 9111 §5.5).
    Warning,
    /// The path, the query, the fragment and the user of where to go on, with this status.
    Location(u16),
    /// The same, in one that cannot be read.
    BrokenLocation(u16),
    /// Realm, service and scope of a challenge.
    Challenge,
    /// `Docker-Content-Digest`.
    Digest,
    /// `Content-Type`.
    ContentType,
    /// `Content-Range` and `Range`.
    Range,
    /// Where a list goes on.
    Link,
    /// `Retry-After`.
    RetryAfter,
    /// The media type in a document.
    Document,
}

/// All of them.
pub const FIELDS: [Field; 22] = [
    Field::Error(400),
    Field::Error(401),
    Field::Error(403),
    Field::Error(404),
    Field::Error(413),
    Field::Error(429),
    Field::Error(500),
    Field::Error(503),
    Field::TokenError,
    Field::Message,
    Field::Warning,
    Field::Location(202),
    Field::Location(307),
    Field::BrokenLocation(202),
    Field::BrokenLocation(307),
    Field::Challenge,
    Field::Digest,
    Field::ContentType,
    Field::Range,
    Field::Link,
    Field::RetryAfter,
    Field::Document,
];

/// A secret in every way to write it.
pub fn forms(secret: &str) -> Vec<String> {
    let percent = |upper: bool| -> String {
        secret.bytes().map(|b| if upper { format!("%{b:02X}") } else { format!("%{b:02x}") }).collect()
    };
    let pair = format!("user:{secret}");
    let mut forms = vec![
        secret.to_owned(),
        percent(false),
        percent(true),
        url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        serde_json::to_string(secret).expect("JSON").trim_matches('"').to_owned(),
    ];
    for text in [secret, &pair] {
        forms.extend([&BASE64, &BASE64URL].map(|base64| base64.encode(text.as_bytes())));
        forms.push(percent_of(&BASE64.encode(text.as_bytes())));
    }
    forms.sort();
    forms.dedup();
    forms
}

fn percent_of(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// What a request shows, besides what is known already.
fn shown(request: &Request) -> Vec<String> {
    let mut all: Vec<String> = request.header("Authorization").into_iter().map(str::to_owned).collect();
    all.extend(request.header("Authorization").and_then(|value| value.split_once(' ')).map(|(_, value)| value.into()));
    all
}

/// Sends back all of these, and what the request shows, in one field.
pub fn echo(field: Field, secrets: &[String], request: &Request) -> Fault {
    let mut all = secrets.to_vec();
    all.extend(shown(request));
    let text = all.iter().flat_map(|secret| forms(secret)).collect::<Vec<_>>().join(" ");
    let host = request.header("Host").unwrap_or_default().to_owned();
    Fault::change(move |response| fill(response, field, &all, &text, &host))
}

fn fill(response: &mut Response, field: Field, all: &[String], text: &str, host: &str) {
    let query = || {
        let pairs = all.iter().enumerate().map(|(n, secret)| (format!("sig{n}"), secret));
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    };
    let path = || all.iter().map(|secret| percent_of(secret)).collect::<Vec<_>>().join("/");
    match field {
        Field::Error(status) => {
            let errors = json!({"errors": [{"code": text, "message": text, "detail": text}]});
            *response = Response::json(status, &errors);
        }
        Field::TokenError => *response = Response::json(403, &json!({"error": text, "error_description": text})),
        Field::Message => *response = Response::json(500, &json!({"message": text})),
        Field::Warning => {
            response.set("Warning", format!("299 - \"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
        }
        Field::Location(202) if response.status != 202 => {}
        Field::Location(status) => {
            response.status = status;
            response.set("Location", format!("http://127.0.0.1:1/{}?{}#{}", path(), query(), query()));
        }
        Field::BrokenLocation(202) if response.status != 202 => {}
        Field::BrokenLocation(status) => {
            response.status = status;
            response.set("Location", format!("http://[::bad/{}?{}", path(), query()));
        }
        Field::Challenge => {
            let realm = format!("http://{host}/token/{}?{}", path(), query());
            let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
            *response = Response::error(401, "UNAUTHORIZED", text);
            response
                .set("WWW-Authenticate", format!("Bearer realm=\"{realm}\",service=\"{quoted}\",scope=\"{quoted}\""));
        }
        Field::Digest => response.set("Docker-Content-Digest", text),
        Field::ContentType => response.set("Content-Type", text),
        Field::Range => {
            response.set("Content-Range", format!("bytes {text}"));
            response.set("Range", text);
        }
        Field::Link => response.set("Link", format!("<http://127.0.0.1:1/{}?{}>; rel=\"next\"", path(), query())),
        Field::RetryAfter => {
            response.status = 503;
            response.set("Retry-After", text);
        }
        Field::Document => {
            let body = json!({"schemaVersion": 2, "mediaType": text, "config": {"mediaType": text, "digest": text, "size": 1}});
            let status = response.status;
            *response = Response::json(status, &body);
        }
    }
}
