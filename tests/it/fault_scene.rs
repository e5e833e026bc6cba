//! What the fault tests have in common: one image between two registries, and what has to hold
//! whatever went wrong on its way.

use crate::scene::{Scene, put_image, put_made_layer};
use crate::support::registry::{Builder, Registry, Request};

/// The image of most fault tests, at the source.
pub(crate) const IMAGE: &str = "org/app:1";
/// Its repository at the target.
pub(crate) const AT: &str = "library/org/app";

/// Puts `org/app:1` with layers of these sizes in; the digests of the layers.
pub(crate) fn put_app(registry: &Registry, sizes: &[u64]) -> Vec<String> {
    put_in(registry, "org/app", 100, sizes)
}

/// The same for any repository; layers with the same number and size are the same.
pub(crate) fn put_in(registry: &Registry, repo: &str, number: u64, sizes: &[u64]) -> Vec<String> {
    let layers: Vec<_> =
        (number..).zip(sizes).map(|(number, size)| put_made_layer(registry, repo, number, *size)).collect();
    put_image(registry, repo, "1", &layers);
    layers.iter().map(|layer| layer["digest"].as_str().expect("a digest").to_owned()).collect()
}

/// A source that holds `org/app:1` with layers of these sizes, and their digests.
pub(crate) fn source_of(sizes: &[u64]) -> (Scene, Vec<String>) {
    let scene = Scene::new();
    let layers = put_app(&scene.source, sizes);
    (scene, layers)
}

/// A bundle of `org/app:1` with layers of these sizes, before an empty target.
pub(crate) fn bundle_of(target: Builder, sizes: &[u64]) -> (Scene, Vec<String>) {
    let scene = Scene::with(Registry::builder(), target);
    let layers = put_app(&scene.source, sizes);
    scene.export(&[IMAGE]).run().succeeds();
    (scene, layers)
}

/// A digest as it stands in the query of an upload.
pub(crate) fn in_query(digest: &str) -> String {
    format!("digest={}", digest.replace(':', "%3A"))
}

/// The image is at the target, whole, under its tag and digest, and no upload is left open.
#[track_caller]
pub(crate) fn arrived(scene: &Scene) {
    assert_eq!(scene.target.digest(AT, "1"), scene.source.digest("org/app", "1"), "the tag");
    nothing_false(&scene.target);
}

/// The registry holds no tag and no manifest whose content it lacks.
#[track_caller]
pub(crate) fn nothing_false(registry: &Registry) {
    assert_eq!(registry.violations(), Vec::<String>::new());
    for repo in registry.repositories() {
        for tag in registry.tags(&repo) {
            assert_eq!(registry.missing(&repo, &tag), Vec::<String>::new(), "{repo}:{tag}");
        }
    }
}

/// Requests of this kind, in order.
pub(crate) fn requests(registry: &Registry, method: &str, part: &str) -> Vec<Request> {
    registry.requests().into_iter().filter(|r| r.method == method && r.target().contains(part)).collect()
}
