//! Who may ask: Basic credentials, and Bearer tokens with the endpoint that issues them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use data_encoding::BASE64;
use serde_json::json;

use super::http::Response;
use super::log::Request;

/// One way in. A registry with several offers them all.
#[derive(Clone)]
pub enum Auth {
    /// A user name and a password.
    Basic {
        /// The user name.
        user: String,
        /// The password.
        password: String,
    },
    /// Tokens, from `/token` of this registry or from elsewhere.
    Bearer {
        /// Who issues them.
        tokens: Tokens,
        /// The address named in the challenge; `/token` of this registry where absent.
        realm: Option<String>,
    },
}

impl Auth {
    /// A user name and a password.
    pub fn basic(user: &str, password: &str) -> Self {
        Self::Basic { user: user.into(), password: password.into() }
    }

    /// Tokens from `/token` of the same registry.
    pub fn bearer(tokens: &Tokens) -> Self {
        Self::Bearer { tokens: tokens.clone(), realm: None }
    }

    /// Tokens from another address, such as a second registry built with the same `tokens`.
    pub fn bearer_from(tokens: &Tokens, realm: impl Into<String>) -> Self {
        Self::Bearer { tokens: tokens.clone(), realm: Some(realm.into()) }
    }

    fn accepts(&self, credentials: &str, scopes: &[Scope]) -> bool {
        let (kind, value) = credentials.split_once(' ').unwrap_or((credentials, ""));
        match self {
            Self::Basic { user, password } => {
                kind.eq_ignore_ascii_case("basic") && basic(value) == Some((user.clone(), password.clone()))
            }
            Self::Bearer { tokens, .. } => kind.eq_ignore_ascii_case("bearer") && tokens.cover(value, scopes),
        }
    }

    fn challenge(&self, here: &str, scopes: &[Scope], had_token: bool) -> String {
        match self {
            Self::Basic { .. } => r#"Basic realm="registry""#.into(),
            Self::Bearer { tokens, realm } => {
                let realm = realm.clone().unwrap_or_else(|| format!("{here}/token"));
                let mut text = format!(r#"Bearer realm="{realm}",service="{}""#, tokens.service);
                if !scopes.is_empty() {
                    let scopes: Vec<String> = scopes.iter().map(Scope::text).collect();
                    text.push_str(&format!(r#",scope="{}""#, scopes.join(" ")));
                }
                if had_token {
                    text.push_str(r#",error="invalid_token""#);
                }
                text
            }
        }
    }
}

/// Nothing when the request may pass, otherwise the 401 it gets. `here` is the registry's address.
pub fn check(auths: &[Auth], request: &Request, here: &str, scopes: &[Scope]) -> Option<Response> {
    let given = request.header("Authorization");
    if auths.is_empty() || given.is_some_and(|given| auths.iter().any(|auth| auth.accepts(given, scopes))) {
        return None;
    }
    let mut response = Response::error(401, "UNAUTHORIZED", "authentication required");
    for auth in auths {
        response.headers.push(("WWW-Authenticate".into(), auth.challenge(here, scopes, given.is_some())));
    }
    Some(response)
}

/// Something that one may be allowed to do with a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// What it applies to, such as `repository:library/app`.
    pub resource: String,
    /// `pull`, `push` …
    pub actions: Vec<String>,
}

impl Scope {
    pub fn repository(name: &str, actions: &[&str]) -> Self {
        Self { resource: format!("repository:{name}"), actions: actions.iter().map(|&a| a.into()).collect() }
    }

    fn parse(text: &str) -> Option<Self> {
        let (resource, actions) = text.rsplit_once(':')?;
        Some(Self { resource: resource.into(), actions: actions.split(',').map(Into::into).collect() })
    }

    fn text(&self) -> String {
        format!("{}:{}", self.resource, self.actions.join(","))
    }
}

struct Issued {
    scopes: Vec<Scope>,
    until: Instant,
}

#[derive(Default)]
struct State {
    issued: HashMap<String, Issued>,
    count: usize,
}

/// An issuer of tokens. Clones share what was issued.
#[derive(Clone)]
pub struct Tokens {
    user: String,
    password: String,
    service: String,
    refresh_token: Option<String>,
    life: Duration,
    states_life: bool,
    field: &'static str,
    anonymous: Vec<String>,
    refused: Vec<String>,
    post: bool,
    state: Arc<Mutex<State>>,
}

impl Tokens {
    /// Tokens for this user, for all that is asked, good for five minutes.
    pub fn new(user: &str, password: &str) -> Self {
        Self {
            user: user.into(),
            password: password.into(),
            service: "registry.test".into(),
            refresh_token: None,
            life: Duration::from_secs(300),
            states_life: true,
            field: "token",
            anonymous: Vec::new(),
            refused: Vec::new(),
            post: true,
            state: Arc::default(),
        }
    }

    /// How long a token is good. Stated in whole seconds, enforced exactly.
    pub fn expires_in(self, life: Duration) -> Self {
        Self { life, ..self }
    }

    /// Does not say how long a token is good.
    pub fn no_expires_in(self) -> Self {
        Self { states_life: false, ..self }
    }

    /// The key of the token in the answer: `token` or `access_token`.
    pub fn field(self, field: &'static str) -> Self {
        Self { field, ..self }
    }

    /// What one may do without credentials, such as `pull`.
    pub fn anonymous(mut self, action: &str) -> Self {
        self.anonymous.push(action.into());
        self
    }

    /// An action that is never granted, such as `push`.
    pub fn refuse(mut self, action: &str) -> Self {
        self.refused.push(action.into());
        self
    }

    /// An identity token that the OAuth2 POST takes in place of a password.
    pub fn refresh_token(self, token: &str) -> Self {
        Self { refresh_token: Some(token.into()), ..self }
    }

    /// Answers the OAuth2 POST with 404, as old servers do.
    pub fn no_post(self) -> Self {
        Self { post: false, ..self }
    }

    /// How many tokens were issued.
    pub fn count(&self) -> usize {
        self.state.lock().expect("tokens").count
    }

    /// Makes every token issued so far invalid.
    pub fn revoke_all(&self) {
        self.state.lock().expect("tokens").issued.clear();
    }

    fn cover(&self, token: &str, scopes: &[Scope]) -> bool {
        let state = self.state.lock().expect("tokens");
        let Some(issued) = state.issued.get(token).filter(|issued| issued.until > Instant::now()) else {
            return false;
        };
        scopes.iter().all(|wanted| {
            wanted
                .actions
                .iter()
                .all(|action| issued.scopes.iter().any(|s| s.resource == wanted.resource && s.actions.contains(action)))
        })
    }

    /// Answers a request to the token endpoint.
    pub(super) fn endpoint(&self, request: &Request, body: &[u8]) -> Response {
        let form: Vec<(String, String)> = if request.method == "POST" {
            url::form_urlencoded::parse(body).into_owned().collect()
        } else {
            url::form_urlencoded::parse(request.query.as_bytes()).into_owned().collect()
        };
        let value = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        let known = match request.method.as_str() {
            "POST" if !self.post => return Response::error(404, "UNSUPPORTED", "not found"),
            "POST" if value("grant_type").as_deref() == Some("refresh_token") => {
                self.refresh_token.is_some() && value("refresh_token") == self.refresh_token
            }
            "POST" => value("username").zip(value("password")) == Some(self.pair()),
            _ => {
                let given = request.header("Authorization").and_then(|v| v.split_once(' '));
                let given = given.map(|(_, value)| basic(value));
                match given {
                    None if !self.anonymous.is_empty() => false,
                    given => {
                        if given.flatten() != Some(self.pair()) {
                            return Response::error(401, "UNAUTHORIZED", "incorrect username or password");
                        }
                        true
                    }
                }
            }
        };
        if !known && request.method == "POST" {
            return Response::error(401, "UNAUTHORIZED", "invalid grant");
        }
        let asked = form.iter().filter(|(key, _)| key == "scope").flat_map(|(_, value)| value.split(' '));
        let scopes = asked.filter_map(Scope::parse).map(|scope| self.grant(scope, known)).collect();
        let mut state = self.state.lock().expect("tokens");
        state.count += 1;
        let token = format!("token-{}-{:016x}", state.count, fastrand::u64(..));
        state.issued.insert(token.clone(), Issued { scopes, until: Instant::now() + self.life });
        let mut answer = json!({ self.field: token });
        if self.states_life {
            answer["expires_in"] = self.life.as_secs().into();
        }
        Response::json(200, &answer)
    }

    fn grant(&self, mut scope: Scope, known: bool) -> Scope {
        scope.actions.retain(|a| (known || self.anonymous.contains(a)) && !self.refused.contains(a));
        scope
    }

    fn pair(&self) -> (String, String) {
        (self.user.clone(), self.password.clone())
    }
}

fn basic(value: &str) -> Option<(String, String)> {
    let text = String::from_utf8(BASE64.decode(value.trim().as_bytes()).ok()?).ok()?;
    text.split_once(':').map(|(user, password)| (user.into(), password.into()))
}
