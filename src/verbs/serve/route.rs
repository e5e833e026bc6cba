//! What a request asks for (distribution-spec v1.1 "Endpoints").

use percent_encoding::percent_decode_str;
use url::form_urlencoded;

/// What a path stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// That the API is there.
    Base,
    Blob {
        repository: String,
        digest: String,
    },
    Catalog,
    Health,
    Manifest {
        repository: String,
        reference: String,
    },
    Metrics,
    /// Something of the API that is for writing.
    Upload,
    /// For people.
    Page,
    Referrers {
        repository: String,
        subject: String,
    },
    Tags {
        repository: String,
    },
    Unknown,
}

impl Route {
    /// Of a path as it was sent.
    pub(super) fn of(path: &str) -> Self {
        let Ok(path) = percent_decode_str(path).decode_utf8() else { return Self::Unknown };
        let is_api = |below: &&str| below.is_empty() || below.starts_with('/');
        let Some(below) = path.strip_prefix("/v2").filter(is_api) else {
            return match &*path {
                "/" => Self::Page,
                "/healthz" => Self::Health,
                "/metrics" => Self::Metrics,
                _ => Self::Unknown,
            };
        };
        match below {
            "" | "/" => return Self::Base,
            "/_catalog" => return Self::Catalog,
            _ => {}
        }
        let parts: Vec<&str> = below.split('/').skip(1).collect();
        // A repository may be called like an endpoint: the last of them counts.
        let (repository, end) = match parts.as_slice() {
            [name @ .., "tags", "list"] => (name, ("tags", "")),
            [name @ .., "blobs", "uploads"] | [name @ .., "blobs", "uploads", _] => (name, ("uploads", "")),
            [name @ .., kind @ ("blobs" | "manifests" | "referrers"), last] => (name, (*kind, *last)),
            _ => return Self::Unknown,
        };
        let repository = repository.join("/");
        if repository.is_empty() || end.0 != "uploads" && end.0 != "tags" && end.1.is_empty() {
            return Self::Unknown;
        }
        match end {
            ("blobs", digest) => Self::Blob { repository, digest: digest.into() },
            ("manifests", reference) => Self::Manifest { repository, reference: reference.into() },
            ("referrers", subject) => Self::Referrers { repository, subject: subject.into() },
            ("tags", _) => Self::Tags { repository },
            _ => Self::Upload,
        }
    }

    /// What it is called where requests are counted.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Blob { .. } => "blob",
            Self::Catalog => "catalog",
            Self::Health => "health",
            Self::Manifest { .. } => "manifest",
            Self::Metrics => "metrics",
            Self::Page => "page",
            Self::Referrers { .. } => "referrers",
            Self::Tags { .. } => "tags",
            Self::Unknown => "unknown",
            Self::Upload => "upload",
        }
    }
}

/// What stands after the question mark.
#[derive(Clone, Debug, Default)]
pub(super) struct Query {
    /// As many entries as are wanted at most.
    pub(super) n: Option<String>,
    /// The entry that the page before ended with.
    pub(super) last: Option<String>,
    /// The registry that a mirror is asked for.
    pub(super) ns: Option<String>,
    /// What kind of referrers is wanted.
    pub(super) artifact_type: Option<String>,
}

impl Query {
    pub(super) fn of(text: Option<&str>) -> Self {
        let mut query = Self::default();
        for (key, value) in form_urlencoded::parse(text.unwrap_or_default().as_bytes()) {
            let place = match &*key {
                "artifactType" => &mut query.artifact_type,
                "last" => &mut query.last,
                "n" => &mut query.n,
                "ns" => &mut query.ns,
                _ => continue,
            };
            place.get_or_insert(value.into_owned());
        }
        query
    }

    /// The same question for what comes after this entry, as it stands in a URL.
    pub(super) fn after(&self, last: &str) -> String {
        let mut text = form_urlencoded::Serializer::new(String::new());
        let kept = [("artifactType", &self.artifact_type), ("n", &self.n), ("ns", &self.ns)];
        for (key, value) in kept {
            if let Some(value) = value {
                text.append_pair(key, value);
            }
        }
        text.append_pair("last", last).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_read_from_its_end() {
        let manifest = |repository: &str, reference: &str| Route::Manifest {
            repository: repository.into(),
            reference: reference.into(),
        };
        for (path, route) in [
            ("/v2", Route::Base),
            ("/v2/", Route::Base),
            ("/v2/a/manifests/1", manifest("a", "1")),
            ("/v2/manifests/blobs/manifests/1", manifest("manifests/blobs", "1")),
            ("/v2/quay.io/a/b/manifests/sha256%3Aab", manifest("quay.io/a/b", "sha256:ab")),
            ("/v2/tags/list/tags/list", Route::Tags { repository: "tags/list".into() }),
            ("/v2/a/blobs/uploads/", Route::Upload),
            ("/v2/a/blobs/uploads", Route::Upload),
            ("/v2/a/blobs/uploads/1234", Route::Upload),
            ("/v2/blobs/uploads", Route::Unknown),
            ("/v2/manifests/1", Route::Unknown),
            ("/v2/a/manifests/", Route::Unknown),
            ("/v2/a%ff/manifests/1", Route::Unknown),
            ("/v2x/a/manifests/1", Route::Unknown),
            ("/", Route::Page),
        ] {
            assert_eq!(Route::of(path), route, "{path}");
        }
    }

    #[test]
    fn the_next_page_is_asked_for_like_the_one_before() {
        let query = Query::of(Some("n=2&ns=quay.io&last=a&n=9&artifactType=a%2Fb%2Bc"));
        assert_eq!(query.after("b&c"), "artifactType=a%2Fb%2Bc&n=2&ns=quay.io&last=b%26c");
    }
}
