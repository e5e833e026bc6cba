//! Answers that say no, in the form of the distribution-spec (v1.1 "Error Codes").

use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};

use super::body::Outgoing;

/// Why something is not given.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Refusal {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    /// Nobody writes here.
    pub(super) fn read_only() -> Self {
        let message = "read-only: this is a bundle, and takes GET and HEAD alone";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED", message)
    }

    pub(super) fn no_such_endpoint() -> Self {
        Self::new(StatusCode::NOT_FOUND, "UNSUPPORTED", "no such endpoint")
    }

    pub(super) fn no_such_repository(name: &str) -> Self {
        let message = format!("no image of `{}` is served", name.escape_debug());
        Self::new(StatusCode::NOT_FOUND, "NAME_UNKNOWN", message)
    }

    pub(super) fn no_such_manifest(reference: &str) -> Self {
        let message = format!("`{}` is not served here", reference.escape_debug());
        Self::new(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN", message)
    }

    /// Some content that no image of the repository has, or that is not in the bundle.
    pub(super) fn no_such_blob(why: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "BLOB_UNKNOWN", why)
    }

    pub(super) fn no_digest(why: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "DIGEST_INVALID", why)
    }

    /// A number of entries that is none.
    pub(super) fn no_number(text: &str) -> Self {
        let message = format!("n=`{}` is no number", text.escape_debug());
        Self::new(StatusCode::BAD_REQUEST, "PAGINATION_NUMBER_INVALID", message)
    }

    /// Content that is there and cannot be given: whoever is asked next may have it.
    pub(super) fn damaged(why: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN", why)
    }

    /// The whole answer.
    pub(super) fn answer(self) -> Response<Outgoing> {
        let error = serde_json::json!({"code": self.code, "message": self.message});
        let body = serde_json::json!({"errors": [error]}).to_string();
        let mut response = Response::new(Outgoing::memory(body));
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.status == StatusCode::METHOD_NOT_ALLOWED {
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        }
        response
    }
}
