//! What a request to one host is shown as: the `Authorization` that its challenge asks for, with a
//! token fetched first where it has to be one.
//!
//! A challenge counts for the repository and the credential that it came to: one repository of a host
//! says nothing about where the password of another may go.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use data_encoding::BASE64;
use url::Url;

use super::challenge::{Challenge, choose};
use super::credentials::{Credential, Credentials, Secret};
use super::scope::Scope;
use super::token::{self, MAX_TOKEN_BODY, Realm, Tokens};
use crate::error::{Error, NextStep, Result};
use crate::oci::Host;
use crate::registry::wire::exchange::{Body, Method, Request, Response};
use crate::registry::wire::origin::{Origin, Purpose, shown};
use crate::registry::wire::whose::Whose;

/// The repository that a challenge came to, and the credential for it.
type Whom = (String, Option<Credential>);

/// Sends a request to a token server, as often as it takes.
pub(crate) type Send<'a> = &'a dyn Fn(Request<'_>) -> Result<Response>;

/// All that is known about how to be let in by one host.
pub(crate) struct Authority {
    host: Host,
    /// Given for this host on the command line; goes before any file.
    login: Option<Credential>,
    credentials: Arc<Credentials>,
    /// What the first contact brought; for whoever has not been challenged himself.
    general: Mutex<Option<Challenge>>,
    challenges: Mutex<HashMap<Whom, Challenge>>,
    tokens: Tokens,
}

impl Authority {
    pub(crate) fn new(host: Host, login: Option<Credential>, credentials: Arc<Credentials>) -> Self {
        Self {
            host,
            login,
            credentials,
            general: Mutex::default(),
            challenges: Mutex::default(),
            tokens: Tokens::default(),
        }
    }

    /// Takes note of what the first contact was answered.
    pub(crate) fn challenged_in_general(&self, challenge: Challenge) {
        *self.general.lock().unwrap_or_else(PoisonError::into_inner) = Some(challenge);
    }

    /// Takes note of what a request of this scope was answered.
    ///
    /// # Errors
    /// When the credential for the repository cannot be had, or was asked for by one token server before
    /// and is by another now.
    pub(crate) fn challenged(&self, origin: &Origin, scope: &Scope, challenge: Challenge) -> Result<()> {
        let whom = (scope.repository.clone(), self.credential(scope)?);
        let mut challenges = self.challenges.lock().unwrap_or_else(PoisonError::into_inner);
        let realms = [challenges.get(&whom), Some(&challenge)].map(|c| c.and_then(|c| c.realm(origin)));
        if let [Some(before), Some(now)] = &realms
            && before.origin() != now.origin()
        {
            let [before, now] = [before, now].map(|url| url.origin().ascii_serialization());
            let reason = format!(
                "{}: named {before} as its token server, and now names {now}, which gets no credentials",
                scope.repository
            );
            return Err(Error::refused(reason, NextStep::CheckRealm).at(&self.host));
        }
        challenges.insert(whom, challenge);
        Ok(())
    }

    /// Takes note that what was shown for this scope was taken: it answered the challenge of this repository,
    /// even where only the first contact had named it.
    ///
    /// # Errors
    /// When the credential for the repository cannot be had.
    pub(crate) fn accepted(&self, scope: &Scope) -> Result<()> {
        let whom = (scope.repository.clone(), self.credential(scope)?);
        if let Some(general) = self.general.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            self.challenges.lock().unwrap_or_else(PoisonError::into_inner).entry(whom).or_insert(general);
        }
        Ok(())
    }

    /// Whether nothing is known of what this repository wants but what the first contact brought.
    ///
    /// # Errors
    /// When the credential for the repository cannot be had.
    pub(crate) fn goes_by_the_first_contact(&self, scope: &Scope) -> Result<bool> {
        let whom = (scope.repository.clone(), self.credential(scope)?);
        Ok(!self.challenges.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&whom))
    }

    /// Whether a request without credentials helped no more than the token server that was asked for some.
    pub(crate) fn is_refused_too(&self, response: &Response) -> bool {
        match response.status {
            401 => {
                let challenge = choose(response.challenges().iter().map(String::as_str));
                challenge.is_none_or(|challenge| self.is_of_the_first_contact(&challenge))
            }
            status => matches!(status, 403 | 404),
        }
    }

    /// Whether a challenge leads to where that of the first contact does.
    fn is_of_the_first_contact(&self, challenge: &Challenge) -> bool {
        let general = self.general.lock().unwrap_or_else(PoisonError::into_inner);
        match (&*general, challenge) {
            (
                Some(Challenge::Bearer { realm, service, .. }),
                Challenge::Bearer { realm: other, service: of_other, .. },
            ) => realm == other && service == of_other,
            (general, challenge) => general.as_ref() == Some(challenge),
        }
    }

    /// Whether anybody was asked for anything.
    pub(crate) fn asks_for_credentials(&self) -> bool {
        self.general.lock().unwrap_or_else(PoisonError::into_inner).is_some()
            || !self.challenges.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// The `Authorization` for a request, if the registry wants any. `stale` is a token that was just
    /// refused.
    ///
    /// # Errors
    /// When the credential or the token cannot be had.
    pub(crate) fn authorization(
        &self,
        origin: &Origin,
        scope: &Scope,
        stale: Option<&str>,
        send: Send<'_>,
    ) -> Result<Option<String>> {
        if !self.asks_for_credentials() {
            return Ok(None);
        }
        let credential = self.credential(scope)?;
        if credential.is_some() && origin.is_fallback() {
            let reason = format!(
                "{}: speaks no TLS and asks for credentials, which are shown without TLS only where that was asked for",
                self.host
            );
            return Err(Error::refused(reason, NextStep::UsePlainHttp { host: self.host.to_string() }));
        }
        if let Some(Credential::RegistryToken(token)) = &credential {
            return Ok(Some(format!("Bearer {}", token.expose())));
        }
        match self.challenge(scope, credential.as_ref()) {
            None => Ok(None),
            Some(Challenge::Basic) => Ok(credential.as_ref().and_then(basic)),
            Some(Challenge::Bearer { realm, service, scope: challenged }) => {
                let realm = Realm { url: follow(origin, &realm)?, service };
                let scopes = scope.texts(challenged.as_deref());
                let refused = |e| self.whose(scope).explain(e);
                let ask = || ask(&realm, &scopes, credential.as_ref(), send).map_err(refused);
                let whom = (realm.clone(), credential.clone());
                Ok(Some(format!("Bearer {}", self.tokens.get(whom, &scopes, stale, ask)?)))
            }
        }
    }

    fn challenge(&self, scope: &Scope, credential: Option<&Credential>) -> Option<Challenge> {
        let whom = (scope.repository.clone(), credential.cloned());
        let own = self.challenges.lock().unwrap_or_else(PoisonError::into_inner).get(&whom).cloned();
        own.or_else(|| self.general.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// Whose credentials a request of this scope is sent with, and where they come from.
    pub(crate) fn whose(&self, scope: &Scope) -> Whose {
        let of = |credential: &Credential| match credential.username() {
            Some(name) => format!("the credentials of {name}"),
            None => "the token".into(),
        };
        let host = self.host.to_string();
        if let Some(login) = &self.login {
            return Whose { host, any: true, words: format!("{} that were given with the command", of(login)) };
        }
        let found = self.credential(scope).ok().flatten();
        if let (Some(found), Some(file)) = (found, self.credentials.file_with(&self.host, &scope.repository)) {
            return Whose { host, any: true, words: format!("{} in {}", of(&found), file.display()) };
        }
        let places: Vec<String> = self.credentials.looked_in().iter().map(|path| path.display().to_string()).collect();
        let places = if places.is_empty() { "nowhere".into() } else { places.join(", ") };
        Whose { any: false, words: format!("no credentials for {host}: looked in {places}"), host }
    }

    fn credential(&self, scope: &Scope) -> Result<Option<Credential>> {
        match &self.login {
            Some(login) => Ok(Some(login.clone())),
            None => self.credentials.lookup(&self.host, &scope.repository),
        }
    }
}

/// Where tokens are given out.
fn follow(origin: &Origin, realm: &str) -> Result<Url> {
    Ok(origin.follow(Purpose::TokenRealm, &origin.url("v2/"), realm)?.url)
}

impl Challenge {
    /// The token server that it names, if we would go there.
    fn realm(&self, origin: &Origin) -> Option<Url> {
        match self {
            Self::Bearer { realm, .. } => follow(origin, realm).ok(),
            Self::Basic => None,
        }
    }
}

/// The body of a token server's answer.
fn ask(realm: &Realm, scopes: &[String], credential: Option<&Credential>, send: Send<'_>) -> Result<Vec<u8>> {
    if let Some(token) = credential.and_then(Credential::identity_token) {
        let form = token::form(realm, scopes, token);
        let request = Request::new(Method::POST, realm.url.clone())
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::Bytes(form.expose().as_bytes()));
        let response = send(request).map_err(|e| e.at("token server"))?;
        // oauth.md: a server without POST answers 404, and may know the older GET.
        if !matches!(response.status, 404 | 405) {
            return answer(response, Method::POST, realm);
        }
    }
    let username = credential.and_then(Credential::username);
    let mut request = Request::new(Method::GET, token::url(realm, scopes, username));
    if let Some(authorization) = credential.and_then(basic) {
        request = request.header("authorization", authorization);
    }
    let response = send(request).map_err(|e| e.at("token server"))?;
    answer(response, Method::GET, realm)
}

fn answer(mut response: Response, method: Method, realm: &Realm) -> Result<Vec<u8>> {
    let body = match response.status {
        200 => response.body(MAX_TOKEN_BODY),
        // Not the image is what is not there.
        404 | 405 => {
            let failure = response.failure(&format!("{method} {}", shown(&realm.url)));
            Err(Error::refused(failure.to_string(), NextStep::CheckRealm))
        }
        _ => Err(response.failure(&format!("{method} {}", shown(&realm.url)))),
    };
    body.map_err(|e| e.at("token server"))
}

/// User name and password; an identity token stands in for the password where nothing else is taken.
fn basic(credential: &Credential) -> Option<String> {
    let (username, secret) = match credential {
        Credential::Basic { username, password } => (username.as_str(), password),
        Credential::IdentityToken { token, .. } => (credential.username().unwrap_or_default(), token),
        Credential::RegistryToken(_) => return None,
    };
    let pair = Secret::from(BASE64.encode(format!("{username}:{}", secret.expose()).as_bytes()));
    Some(format!("Basic {}", pair.expose()))
}
