//! What is said about the configuration of nodes.

use super::told::Told;
use crate::scene::{Scene, command, put_small_image};
use crate::support::registry::{Auth, Registry};
use crate::support::run::Run;

pub(super) fn scenes(told: &mut Told) {
    let scene = Scene::with(Registry::builder(), Registry::builder().auth(Auth::basic("user", "secret")));
    told.know_all(&scene);
    put_small_image(&scene.source, "org/a", "1");
    put_small_image(&scene.source, "org/b", "1");
    scene.export(&["org/a:1", "org/b:1"]).run().succeeds();
    let target = scene.target.host();
    let config = |args: &[&str]| -> Run { command("mirror-config").args(["--registry"]).args(args) };
    told.add("mirror-config of nothing", &config(&["h.example", "--for", "k3s"]).run().exits(2));
    let six = config(&["[fd00::20]", "--for", "podman", "--host", "gcr.io"]);
    told.add("mirror-config for podman with IPv6", &six.run().exits(2));
    let plain = config(&["h.example", "--for", "eks-anywhere", "--host", "gcr.io", "--plain-http"]);
    told.add("mirror-config for EKS Anywhere over http", &plain.run().exits(2));
    let asked = config(&["h.example", "--for", "k3s", "--host", "gcr.io", "--check"]);
    told.add("mirror-config that asks for nothing", &asked.run().exits(2));
    let part = format!("{}/org/a=elsewhere", scene.source.host());
    let mapped = config(&["h.example", "--for", "k3s", "--map", &part]).args([scene.bundle()]);
    told.add("mirror-config of a host in two places", &mapped.run().exits(2));
    let folder = scene.path("nodes").display().to_string();
    let written = || config(&["h.example", "--for", "k3s", "-o", &folder]).args([scene.bundle()]);
    written().run().succeeds();
    told.add("mirror-config over files", &written().run().exits(2));
    let refused = config(&[&target, "--for", "k3s", "--plain-http", "--check"]).args([scene.bundle()]);
    told.add("mirror-config as nodes without a login", &refused.run().exits(4));
}
