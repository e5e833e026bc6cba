//! `Scope`: what a request may do, as registries and token servers name it
//! (distribution `docs/content/spec/auth/scope.md`).

/// What a request may do: read or write one repository, and read another to mount from it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Scope {
    pub(crate) repository: String,
    push: bool,
    mount_from: Option<String>,
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

    /// The scopes to ask a token server for: our own, and whatever else the registry's challenge
    /// named. The one to push comes first: some servers read only the first.
    pub(super) fn texts(&self, challenged: Option<&str>) -> Vec<String> {
        let mut texts = Vec::new();
        if !self.repository.is_empty() {
            let actions = if self.push { "pull,push" } else { "pull" };
            texts.push(format!("repository:{}:{actions}", self.repository));
            texts.extend(self.mount_from.iter().map(|from| format!("repository:{from}:pull")));
        }
        for text in challenged.unwrap_or_default().split_whitespace() {
            let about = |t: &str| t.rsplit_once(':').map(|(about, _)| about.to_owned());
            // What the challenge says about a repository of ours, ours says already.
            if !texts.iter().any(|t| t == text || (about(t).is_some() && about(t) == about(text))) {
                texts.push(text.into());
            }
        }
        texts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scope_to_push_comes_first_and_unknown_ones_go_along_verbatim() {
        let scope = Scope::mount("a/b", "c");
        assert_eq!(scope.texts(None), ["repository:a/b:pull,push", "repository:c:pull"]);
        assert_eq!(Scope::pull("a").texts(Some("repository:a:pull aws")), ["repository:a:pull", "aws"]);
        assert_eq!(Scope::push("a").texts(Some("repository:a:pull,push")), ["repository:a:pull,push"]);
    }
}
