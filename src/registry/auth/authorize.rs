//! What a request is shown as: the `Authorization` that a host's challenge asks for, with a token
//! fetched first where it has to be one.

use data_encoding::BASE64;
use ureq::http;

use super::challenge::Challenge;
use super::credentials::Credential;
use crate::registry::wire::exchange::{Body, Request, Response};
use crate::registry::host::Host;
use crate::registry::origin::Purpose;
use crate::registry::retry::sleep;
use super::token::{self, MAX_TOKEN_BODY, Realm, Scope, TokenRequest};
use crate::registry::transport::{Transport, origin};
use crate::error::{Kind, Result};

impl Transport {
    /// The `Authorization` for a request, if the registry wants any.
    pub(crate) fn authorization(&self, host: &Host, scope: &Scope, stale: Option<&str>) -> Result<Option<String>> {
        let Some(challenge) = host.challenge() else { return Ok(None) };
        let credential = match &host.login {
            Some(login) => Some(login.clone()),
            None => self.credentials.lookup(&host.name, &scope.repository)?,
        };
        if let Some(Credential::RegistryToken(token)) = &credential {
            return Ok(Some(format!("Bearer {}", token.expose())));
        }
        match challenge {
            Challenge::Basic => Ok(credential.as_ref().and_then(basic)),
            Challenge::Bearer { realm, service, scope: challenged } => {
                let permitted = origin(host).follow(Purpose::TokenRealm, &origin(host).url("v2/"), &realm)?;
                let realm = Realm { url: permitted.url, service };
                let scopes = token::scopes(scope, challenged.as_deref());
                let ask = || self.ask_for_token(host, &realm, &scopes, credential.as_ref());
                Ok(Some(format!("Bearer {}", host.tokens.get(&scopes, stale, ask)?)))
            }
        }
    }

    fn ask_for_token(
        &self,
        host: &Host,
        realm: &Realm,
        scopes: &[String],
        credential: Option<&Credential>,
    ) -> Result<Vec<u8>> {
        let mut oauth = true;
        let mut tries = 0;
        loop {
            let answer = self.token_exchange(host, token::request(realm, scopes, credential, oauth));
            let failure = match answer {
                Ok(mut response) if response.status == 200 => match response.body(MAX_TOKEN_BODY) {
                    Ok(body) => return Ok(body),
                    Err(e) => e,
                },
                // oauth.md: a server without POST answers 404, and may know the older GET.
                Ok(response) if oauth && matches!(response.status, 404 | 405) && is_identity(credential) => {
                    oauth = false;
                    continue;
                }
                Ok(mut response) => response.failure(&format!("GET {}", crate::registry::origin::place(&realm.url))),
                Err(e) => e,
            };
            if failure.kind() != Kind::Transient || tries == self.options.retry.times {
                return Err(failure.at("token server"));
            }
            sleep(self.options.retry.delay(tries), self.watch.as_ref())?;
            tries += 1;
        }
    }

    /// Token servers get credentials, so no redirect of theirs is followed.
    fn token_exchange(&self, host: &Host, ask: TokenRequest) -> Result<Response> {
        match ask {
            TokenRequest::Get { url, basic: credential } => {
                let authorization = credential.as_ref().and_then(basic);
                let mut request = Request::new(http::Method::GET, url.clone());
                let authorization = authorization.as_deref();
                self.exchange(host, &host.agent, &url, authorization).send(&mut request)
            }
            TokenRequest::Post { url, form } => {
                let mut request = Request::new(http::Method::POST, url.clone());
                request.headers.push(("content-type", "application/x-www-form-urlencoded".into()));
                request.body = Body::Bytes(form.expose().as_bytes());
                self.exchange(host, &host.agent, &url, None).send(&mut request)
            }
        }
    }
}

fn is_identity(credential: Option<&Credential>) -> bool {
    matches!(credential, Some(Credential::IdentityToken { .. }))
}

fn basic(credential: &Credential) -> Option<String> {
    match credential {
        Credential::Basic { username, password } => {
            Some(format!("Basic {}", BASE64.encode(format!("{username}:{}", password.expose()).as_bytes())))
        }
        _ => None,
    }
}
