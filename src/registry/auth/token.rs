//! Bearer tokens: asked for once per set of scopes, used until shortly before they end.
//!
//! distribution `docs/content/spec/auth/{token,oauth}.md`. Times count from when a token arrived
//! here, since clocks of sites without a network are wrong.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::credentials::{Credential, Secret};
use crate::error::{Error, NextStep, Result};

/// What a token lives when nobody says (token.md: 60 seconds, and never less).
const SHORTEST_LIFE: Duration = Duration::from_secs(60);
/// What a token is taken to live at most: it is refused soon enough, and the sum with the present stays a time.
const LONGEST_LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// Token answers are small, in bytes.
pub(super) const MAX_TOKEN_BODY: u64 = 64 << 10;
const CLIENT: &str = "bundle";

/// The parts of a Bearer challenge.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Realm {
    pub(super) url: Url,
    pub(super) service: Option<String>,
}

struct Token {
    value: Secret,
    renew_at: Instant,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    token: Option<Secret>,
    #[serde(default)]
    access_token: Option<Secret>,
    /// Not used, and no less a secret.
    #[serde(default, rename = "refresh_token")]
    _refresh_token: Option<Secret>,
    /// A number as a rule; some write it as text, with a fraction, or -1.
    #[serde(default)]
    expires_in: Value,
}

impl Answer {
    fn life(&self) -> Duration {
        let seconds = match &self.expires_in {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        let known = seconds.filter(|s: &f64| *s > 0.0).map(|s| s.min(LONGEST_LIFE.as_secs_f64()));
        known.map_or(SHORTEST_LIFE, Duration::from_secs_f64)
    }
}

/// Who gives a token out, and to whom.
pub(super) type Between = (Realm, Option<Credential>);
type Slot = Arc<Mutex<Option<Token>>>;

/// The tokens for one host.
#[derive(Default)]
pub(super) struct Tokens {
    slots: Mutex<HashMap<(Between, Vec<String>), Slot>>,
}

impl Tokens {
    /// A token for these scopes, from `ask` where there is no fresh one. `stale` is one that was
    /// just refused. Others who want the same wait instead of asking too.
    pub(super) fn get(
        &self,
        between: Between,
        scopes: &[String],
        stale: Option<&str>,
        ask: impl FnOnce() -> Result<Vec<u8>>,
    ) -> Result<String> {
        let key = (between, scopes.to_vec());
        let slot = self.slots.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default().clone();
        let mut held = slot.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = |t: &&Token| t.renew_at > Instant::now() && stale != Some(t.value.expose());
        if let Some(token) = held.as_ref().filter(fresh) {
            return Ok(token.value.expose().into());
        }
        let arrived = Instant::now();
        let (value, life) = read(&ask()?)?;
        // Early enough that a request sent now still arrives in time.
        let renew_at = arrived + life.saturating_sub(Duration::from_secs(5).min(life / 4));
        *held = Some(Token { value: Secret::from(value.clone()), renew_at });
        Ok(value)
    }
}

/// The token in an answer, and how long it lives.
pub(crate) fn read(answer: &[u8]) -> Result<(String, Duration)> {
    let answer: Answer = serde_json::from_slice(answer)
        .map_err(|_| Error::refused("the token server's answer is not a token", NextStep::CheckRealm))?;
    let life = answer.life();
    let is_filled = |token: &Secret| !token.expose().is_empty();
    let value = answer.token.filter(is_filled).or(answer.access_token).filter(is_filled);
    let value =
        value.ok_or_else(|| Error::refused("the token server's answer holds no token", NextStep::CheckCredentials))?;
    Ok((value.expose().to_owned(), life))
}

/// Where to ask a realm for a token by GET.
pub(super) fn url(realm: &Realm, scopes: &[String], username: Option<&str>) -> Url {
    let mut url = realm.url.clone();
    {
        let mut query = url.query_pairs_mut();
        if let Some(service) = &realm.service {
            query.append_pair("service", service);
        }
        for scope in scopes {
            query.append_pair("scope", scope);
        }
        if let Some(username) = username {
            query.append_pair("account", username);
        }
        query.append_pair("client_id", CLIENT);
    }
    url
}

/// What to POST to a realm for a token in exchange for an identity token.
pub(super) fn form(realm: &Realm, scopes: &[String], token: &Secret) -> Secret {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "refresh_token").append_pair("refresh_token", token.expose());
    form.append_pair("client_id", CLIENT).append_pair("scope", &scopes.join(" "));
    if let Some(service) = &realm.service {
        form.append_pair("service", service);
    }
    Secret::from(form.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between() -> Between {
        (Realm { url: "https://auth.example/token".parse().expect("a URL"), service: None }, None)
    }

    #[test]
    fn a_token_that_says_to_live_for_ever_is_a_token() {
        let answer = |life: u64| format!(r#"{{"token":"t","expires_in":{life}}}"#).into_bytes();
        for life in [0, 1, u64::from(u32::MAX), u64::MAX] {
            assert_eq!(read(&answer(life)).expect("token").0, "t");
        }
    }

    #[test]
    fn the_life_of_a_token_is_read_however_it_is_written() {
        let life = |text: &str| read(format!(r#"{{"token":"t","expires_in":{text}}}"#).as_bytes()).expect("token").1;
        for (text, seconds) in [("3600", 3600), ("\"3600\"", 3600), ("3600.0", 3600), ("90.9e0", 90), ("\" 75 \"", 75)]
        {
            assert_eq!(life(text).as_secs(), seconds, "{text}");
        }
        for unknown in ["-1", "0", "null", "\"\"", "\"soon\"", "\"NaN\"", "[]", "{}", "-0.5", "true"] {
            assert_eq!(life(unknown), SHORTEST_LIFE, "{unknown}");
        }
        for long in ["1e300", "\"inf\"", "18446744073709551615"] {
            assert_eq!(life(long), LONGEST_LIFE, "{long}");
        }
    }

    #[test]
    fn a_token_is_asked_for_once_until_it_is_refused() {
        let tokens = Tokens::default();
        let scopes = ["repository:a:pull".to_owned()];
        let give = |value: &str| Ok(format!(r#"{{"access_token":"{value}","expires_in":300}}"#).into_bytes());
        assert_eq!(tokens.get(between(), &scopes, None, || give("one")).expect("token"), "one");
        assert_eq!(tokens.get(between(), &scopes, None, || give("two")).expect("token"), "one");
        assert_eq!(tokens.get(between(), &scopes, Some("one"), || give("two")).expect("token"), "two");
        let other = (between().0, Some(Credential::new("user", "password".to_owned())));
        assert_eq!(tokens.get(other, &scopes, None, || give("his")).expect("token"), "his");
        assert!(tokens.get(between(), &["x".into()], None, || Ok(b"{}".to_vec())).is_err());
        assert!(tokens.get(between(), &["x".into()], None, || Ok(b"<html>".to_vec())).is_err());
    }
}
