//! `Credential`: what is shown to a registry, and `Secret`, which is shown to nobody else.

use std::fmt;

use data_encoding::BASE64_NOPAD;
use serde::Deserialize;

use crate::registry::wire::secrets;
use crate::{Error, NextStep, Result};

/// Docker Hub goes by three host names; this is the one of references.
pub(super) const HUB: &str = "docker.io";
pub(super) const HUB_ALIASES: [&str; 2] = ["index.docker.io", "registry-1.docker.io"];
/// The name under which `docker login` stores Docker Hub's credentials.
pub(super) const HUB_SERVER: &str = "https://index.docker.io/v1/";
/// A user of this name says that the password is an identity token.
const TOKEN_USER: &str = "<token>";

/// Text that is shown to registries only: printing it gives `***`, and so does
/// [`redacted`](crate::registry::redacted) wherever it turns up again.
#[derive(Clone, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(from = "String")]
pub struct Secret(String);

impl Secret {
    /// The text itself, for the header or body it goes into.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        secrets::keep(&text);
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What to show a registry, or its token server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Credential {
    /// User name and password.
    Basic {
        /// The account.
        username: String,
        /// Its password.
        password: Secret,
    },
    /// A refresh token, to be exchanged at the token server.
    IdentityToken {
        /// The account; empty where only the token is known.
        username: String,
        /// The refresh token.
        token: Secret,
    },
    /// A bearer token for the registry itself, ready to use.
    RegistryToken(Secret),
}

impl Credential {
    /// User name and password, or the identity token that they stand for.
    pub fn new(username: impl Into<String>, password: impl Into<Secret>) -> Self {
        let (username, password) = (username.into(), password.into());
        if username == TOKEN_USER {
            Self::IdentityToken { username: String::new(), token: password }
        } else {
            Self::Basic { username, password }
        }
    }

    /// The name of the account, as a token server is told it.
    pub(crate) fn username(&self) -> Option<&str> {
        match self {
            Self::Basic { username, .. } => Some(username),
            Self::IdentityToken { username, .. } if username.is_empty() => Some(TOKEN_USER),
            Self::IdentityToken { username, .. } => Some(username),
            Self::RegistryToken(_) => None,
        }
    }

    /// The refresh token, where it is one.
    pub(crate) fn identity_token(&self) -> Option<&Secret> {
        match self {
            Self::IdentityToken { token, .. } => Some(token),
            Self::Basic { .. } | Self::RegistryToken(_) => None,
        }
    }

    /// The credential in the value of an `Authorization` header, `Basic …` or `Bearer …`.
    ///
    /// # Errors
    /// When it is neither. The value is not repeated.
    pub fn from_authorization_value(value: &str) -> Result<Self> {
        let (scheme, rest) = value.trim().split_once(' ').unwrap_or_default();
        // Whatever it is, it is not for others to read.
        let is_scheme = |word: &str| ["basic", "bearer"].contains(&word.to_ascii_lowercase().as_str());
        value.split_whitespace().filter(|word| !is_scheme(word)).for_each(secrets::keep);
        let rest = rest.trim();
        let read = match scheme.to_ascii_lowercase().as_str() {
            "basic" => from_base64(rest),
            "bearer" if !rest.is_empty() => Some(Self::RegistryToken(Secret::from(rest.to_owned()))),
            _ => None,
        };
        read.ok_or_else(|| Error::Usage {
            message: "the authorization value is not `Basic` with base64 of `user:password`".into(),
            next: Some(NextStep::WriteAuthorizationValue),
        })
    }
}

/// `user:password` in base64, with or without padding; the password may hold further colons, and
/// docker has written trailing NULs.
pub(super) fn from_base64(text: &str) -> Option<Credential> {
    let bytes = BASE64_NOPAD.decode(text.trim().trim_end_matches('=').as_bytes()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (username, password) = text.split_once(':')?;
    Some(Credential::new(username, password.trim_end_matches('\0').to_owned()))
}
