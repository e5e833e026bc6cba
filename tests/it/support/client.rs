//! A plain HTTP client, for what a test wants to ask a registry itself.

use std::io::Read;

use serde_json::Value;
use ureq::Agent;
use ureq::http::{Request, Response, StatusCode};

/// An answer, whatever its status.
pub struct Answer {
    /// The status code.
    pub status: u16,
    headers: ureq::http::HeaderMap,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Answer {
    /// A header, empty where it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }
}

/// A client that follows no redirects and takes no proxy.
pub fn agent() -> Agent {
    Agent::config_builder().http_status_as_error(false).max_redirects(0).proxy(None).build().into()
}

/// Sends one request.
///
/// # Errors
/// When no whole answer arrives.
pub fn send(
    agent: &Agent,
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Answer, ureq::Error> {
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut response: Response<ureq::Body> = match method {
        "GET" | "HEAD" | "DELETE" => agent.run(request.body(()).expect("a request"))?,
        _ => agent.run(request.body(body).expect("a request"))?,
    };
    let headers = response.headers().clone();
    let status: StatusCode = response.status();
    let mut body = Vec::new();
    response.body_mut().as_reader().read_to_end(&mut body)?;
    Ok(Answer { status: status.as_u16(), headers, body })
}

/// Sends one request that is answered.
pub fn call(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    send(&agent(), method, url, headers, body).expect("an answer")
}
