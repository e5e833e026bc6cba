//! Bearer tokens: asked for once per set of scopes, used until shortly before they end.
//!
//! distribution `docs/content/spec/auth/{token,oauth}.md`. Times count from when a token arrived
//! here, since clocks of sites without a network are wrong.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;
use url::Url;

use super::credentials::{Credential, Secret};
use crate::error::{Error, Result};

/// What a token lives when nobody says (token.md: 60 seconds, and never less).
const SHORTEST_LIFE: Duration = Duration::from_secs(60);
/// What a token is taken to live at most: it is refused soon enough, and the sum with the present stays a time.
const LONGEST_LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// Token answers are small, in bytes.
pub(crate) const MAX_TOKEN_BODY: u64 = 64 << 10;
const CLIENT: &str = "bundle";

/// What a request may do: read or write one repository, and read another to mount from it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Scope {
    pub(crate) repository: String,
    pub(crate) push: bool,
    pub(crate) mount_from: Option<String>,
}

impl Scope {
    /// Nothing but to be known.
    pub(crate) fn none() -> Self {
        Self { repository: String::new(), push: false, mount_from: None }
    }

    pub(crate) fn pull(repository: &str) -> Self {
        Self { repository: repository.into(), push: false, mount_from: None }
    }

    pub(crate) fn push(repository: &str) -> Self {
        Self { repository: repository.into(), push: true, mount_from: None }
    }

    pub(crate) fn mount(repository: &str, from: &str) -> Self {
        Self { repository: repository.into(), push: true, mount_from: Some(from.into()) }
    }

    /// The scopes as a token server knows them. The one to push comes first: some servers read only
    /// the first.
    fn texts(&self) -> Vec<String> {
        if self.repository.is_empty() {
            return Vec::new();
        }
        let actions = if self.push { "pull,push" } else { "pull" };
        let mut texts = vec![format!("repository:{}:{actions}", self.repository)];
        texts.extend(self.mount_from.iter().map(|from| format!("repository:{from}:pull")));
        texts
    }
}

/// The parts of a Bearer challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Realm {
    pub(crate) url: Url,
    pub(crate) service: Option<String>,
}

struct Token {
    value: Secret,
    renew_at: Instant,
}

/// A request to a token server.
pub(crate) enum TokenRequest {
    /// GET, with Basic credentials where there are any.
    Get { url: Url, basic: Option<Credential> },
    /// POST of a form, for identity tokens.
    Post { url: Url, form: Secret },
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    token: Option<String>,
    #[serde(default)]
    access_token: Option<String>,
    #[serde(default)]
    expires_in: Option<u64>,
}

type Slot = Arc<Mutex<Option<Token>>>;

/// The tokens of one registry.
#[derive(Default)]
pub(crate) struct Tokens {
    slots: Mutex<HashMap<Vec<String>, Slot>>,
}

impl Tokens {
    /// A token for these scopes, from `ask` where there is no fresh one. `stale` is one that was
    /// just refused. Others who want the same wait instead of asking too.
    pub(crate) fn get(
        &self,
        scopes: &[String],
        stale: Option<&str>,
        ask: impl FnOnce() -> Result<Vec<u8>>,
    ) -> Result<String> {
        let slot =
            self.slots.lock().unwrap_or_else(PoisonError::into_inner).entry(scopes.to_vec()).or_default().clone();
        let mut held = slot.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = |t: &&Token| t.renew_at > Instant::now() && stale != Some(t.value.expose());
        if let Some(token) = held.as_ref().filter(fresh) {
            return Ok(token.value.expose().into());
        }
        let arrived = Instant::now();
        let answer: Answer = serde_json::from_slice(&ask()?).map_err(|_| {
            Error::refused("the token server's answer is not a token", "check the realm that the registry names")
        })?;
        let value = answer.token.filter(|t| !t.is_empty()).or(answer.access_token).filter(|t| !t.is_empty());
        let value =
            value.ok_or_else(|| Error::refused("the token server's answer holds no token", "check the credentials"))?;
        let life = answer.expires_in.map_or(SHORTEST_LIFE, Duration::from_secs).min(LONGEST_LIFE);
        // Early enough that a request sent now still arrives in time.
        let renew_at = arrived + life.saturating_sub(Duration::from_secs(5).min(life / 4));
        *held = Some(Token { value: Secret::from(value.clone()), renew_at });
        Ok(value)
    }
}

/// The scopes to ask for: our own, and whatever else the registry's challenge named.
pub(crate) fn scopes(scope: &Scope, challenged: Option<&str>) -> Vec<String> {
    let mut texts = scope.texts();
    for text in challenged.unwrap_or_default().split_whitespace() {
        let about = |t: &str| t.rsplit_once(':').map(|(about, _)| about.to_owned());
        // What the challenge says about a repository of ours, ours says already.
        if !texts.iter().any(|t| t == text || (about(t).is_some() && about(t) == about(text))) {
            texts.push(text.into());
        }
    }
    texts
}

/// How to ask this realm for a token.
pub(crate) fn request(realm: &Realm, scopes: &[String], credential: Option<&Credential>, oauth: bool) -> TokenRequest {
    let mut url = realm.url.clone();
    if let Some(Credential::IdentityToken { token, .. }) = credential.filter(|_| oauth) {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "refresh_token").append_pair("refresh_token", token.expose());
        form.append_pair("client_id", CLIENT).append_pair("scope", &scopes.join(" "));
        if let Some(service) = &realm.service {
            form.append_pair("service", service);
        }
        return TokenRequest::Post { url, form: Secret::from(form.finish()) };
    }
    {
        let mut query = url.query_pairs_mut();
        if let Some(service) = &realm.service {
            query.append_pair("service", service);
        }
        for scope in scopes {
            query.append_pair("scope", scope);
        }
        if let Some(Credential::Basic { username, .. }) = credential {
            query.append_pair("account", username);
        }
        query.append_pair("client_id", CLIENT);
    }
    TokenRequest::Get { url, basic: credential.cloned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scope_to_push_comes_first_and_unknown_ones_go_along_verbatim() {
        let scope = Scope::mount("a/b", "c");
        assert_eq!(scopes(&scope, None), ["repository:a/b:pull,push", "repository:c:pull"]);
        assert_eq!(scopes(&Scope::pull("a"), Some("repository:a:pull aws")), ["repository:a:pull", "aws"]);
        assert_eq!(scopes(&Scope::push("a"), Some("repository:a:pull,push")), ["repository:a:pull,push"]);
    }

    #[test]
    fn a_token_that_says_to_live_for_ever_is_a_token() {
        let answer = |life: u64| Ok(format!(r#"{{"token":"t","expires_in":{life}}}"#).into_bytes());
        for life in [0, 1, u64::from(u32::MAX), u64::MAX] {
            assert_eq!(Tokens::default().get(&["x".into()], None, || answer(life)).expect("token"), "t");
        }
    }

    #[test]
    fn a_token_is_asked_for_once_until_it_is_refused() {
        let tokens = Tokens::default();
        let scopes = ["repository:a:pull".to_owned()];
        let give = |value: &str| Ok(format!(r#"{{"access_token":"{value}","expires_in":300}}"#).into_bytes());
        assert_eq!(tokens.get(&scopes, None, || give("one")).expect("token"), "one");
        assert_eq!(tokens.get(&scopes, None, || give("two")).expect("token"), "one");
        assert_eq!(tokens.get(&scopes, Some("one"), || give("two")).expect("token"), "two");
        assert!(tokens.get(&["x".into()], None, || Ok(b"{}".to_vec())).is_err());
        assert!(tokens.get(&["x".into()], None, || Ok(b"<html>".to_vec())).is_err());
    }
}
