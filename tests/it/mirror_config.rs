//! `mirror-config`: files for the hosts that a bundle has, and the question that a node puts to the mirror.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::scene::{MANIFEST, Scene, command, keys, put_image, put_layer, put_small_image, writes};
use crate::support::certs::{Authority, LOOPBACK};
use crate::support::registry::{Auth, Builder, Registry};
use crate::support::run::Run;

/// `org/app:1` at the source, and in the bundle.
fn exported(source: Builder, target: Builder) -> Scene {
    let scene = Scene::with(source, target);
    put_small_image(&scene.source, "org/app", "1");
    scene.export(&["org/app:1"]).run().succeeds();
    scene
}

/// The same, and at the target.
fn imported() -> Scene {
    let scene = exported(Registry::builder(), Registry::builder());
    scene.import().run().succeeds();
    scene.target.clear_requests();
    scene
}

/// `bundle mirror-config images.tar --registry TARGET --for RUNTIME`
fn config(scene: &Scene, runtime: &str) -> Run {
    command("mirror-config").args([scene.bundle()]).args(["--registry", &scene.target.host(), "--for", runtime])
}

fn plain(scene: &Scene, runtime: &str) -> Run {
    config(scene, runtime).args(["--plain-http"])
}

fn text(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path.as_ref()).expect("a file")
}

#[test]
fn the_files_are_for_the_hosts_of_the_bundle_and_nobody_else_is_asked() {
    let scene = imported();
    let json = plain(&scene, "containerd").args(["--format", "json"]).run().succeeds().json();
    assert_eq!(keys(&json), ["fallback", "files", "hosts", "notes", "registry", "runtime", "steps"]);
    let hosts = json!([{ "host": scene.source.host(), "namespace": "library", "images": 1 }]);
    assert_eq!((&json["hosts"], &json["fallback"]), (&hosts, &json!(false)));
    let (name, port) = scene.source.host().rsplit_once(':').map(|(n, p)| (n.to_owned(), p.to_owned())).expect("a port");
    let first = &json["files"][0];
    assert_eq!(first["path"], format!("etc/containerd/certs.d/{name}_{port}_/hosts.toml"));
    let file: Value = toml::from_str(first["text"].as_str().expect("a text")).expect("TOML");
    let want = json!({
        "server": format!("http://{}/v2/library", scene.target.host()),
        "capabilities": ["pull", "resolve"],
        "override_path": true,
        "host": {},
    });
    assert_eq!(file, want);
    assert!(scene.target.requests().is_empty(), "nothing is asked without --check");
    // The same on the screen, each under the place that it is for.
    let shown = plain(&scene, "containerd").run().succeeds();
    let heading = format!("# each node: /etc/containerd/certs.d/{name}_{port}_/hosts.toml\nserver = \"http://");
    assert!(shown.stdout.contains(&heading), "{}", shown.all());
    assert!(shown.all().contains("systemctl restart containerd"), "{}", shown.all());
}

#[test]
fn the_check_puts_the_question_of_containerd_and_says_what_a_node_would_get() {
    let scene = imported();
    let digest = scene.target.digest("library/org/app", "1").expect("imported");
    let said = plain(&scene, "containerd").args(["--check"]).run().succeeds().all();
    assert!(said.contains(&format!("by tag: {}/v2/library/org/app/manifests/1?ns=", scene.target.host())), "{said}");
    assert_eq!(said.lines().filter(|line| line.starts_with("served ") && line.ends_with(&digest)).count(), 2, "{said}");
    let asked: Vec<_> = scene.target.requests().into_iter().filter(|r| r.path.contains("/manifests/")).collect();
    let ways: Vec<(&str, &str)> = asked.iter().map(|r| (r.method.as_str(), r.path.as_str())).collect();
    let by_digest = format!("/v2/library/org/app/manifests/{digest}");
    assert_eq!(ways, [("HEAD", "/v2/library/org/app/manifests/1"), ("GET", &by_digest)]);
    for request in &asked {
        assert_eq!(request.query_values("ns"), [scene.source.host()]);
        let accepted = request.header("accept").unwrap_or_default();
        assert!(accepted.contains(MANIFEST) && accepted.ends_with("*/*"), "{accepted}");
    }
    assert_eq!(writes(&scene.target), Vec::<String>::new());
}

#[test]
fn podman_and_docker_do_not_send_the_host_along() {
    let scene = imported();
    for (runtime, first) in [("podman", "GET"), ("cri-o", "GET"), ("openshift", "GET"), ("docker", "HEAD")] {
        scene.target.clear_requests();
        plain(&scene, runtime).args(["--check", "-q"]).run().succeeds();
        let asked: Vec<_> = scene.target.requests().into_iter().filter(|r| r.path.contains("/manifests/")).collect();
        let methods: Vec<&str> = asked.iter().map(|r| r.method.as_str()).collect();
        assert_eq!(methods, [first, "GET"], "{runtime}");
        let accepts = asked[0].headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("accept")).count();
        assert_eq!((asked[0].query.as_str(), accepts), ("", 4), "{runtime}");
    }
}

#[test]
fn an_image_that_is_missing_or_another_is_said_and_ends_with_4() {
    let scene = exported(Registry::builder(), Registry::builder());
    let said = plain(&scene, "k3s").args(["--check"]).run().exits(4);
    assert_eq!(said.stdout.matches("missing ").count(), 2, "{}", said.all());
    assert!(said.stdout.contains("a node fails"), "{}", said.all());
    let said = plain(&scene, "k3s").args(["--check", "--fallback"]).run().exits(4).all();
    assert!(said.contains("a node asks its own host then"), "{said}");
    // Somebody pushed another one under the tag.
    scene.import().run().succeeds();
    let layer = put_layer(&scene.target, "library/org/app", "another layer");
    let other = put_image(&scene.target, "library/org/app", "1", &[layer]);
    let json = plain(&scene, "k3s").args(["--check", "--format", "json"]).run().exits(4).json();
    let statuses: Vec<&Value> = json["check"].as_array().expect("answers").iter().map(|one| &one["status"]).collect();
    assert_eq!(statuses, ["different", "served"]);
    assert_eq!(json["check"][0]["digest"], other);
}

#[test]
fn the_check_has_the_login_that_is_given_and_none_of_this_machine() {
    let scene = exported(Registry::builder(), Registry::builder().auth(Auth::basic("node", "secret-word")));
    let host = scene.target.host();
    let login = json!({"auths": {host.clone(): {"auth": data_encoding::BASE64.encode(b"node:secret-word")}}});
    let with_config = |run: Run| {
        fs::write(run.home().join("config.json"), login.to_string()).expect("a file of credentials");
        run
    };
    with_config(scene.import()).run().succeeds();
    let said = with_config(plain(&scene, "containerd").args(["--check"])).run().exits(4).all();
    assert!(said.contains("401") && said.contains("hint: give the login that the nodes have"), "{said}");
    let folder = scene.path("nodes");
    let run =
        plain(&scene, "containerd").args(["--username", "node", "--password-stdin", "--check", "-o"]).args([&folder]);
    let said = run.stdin("secret-word").run().succeeds().all();
    assert!(said.contains("2 of 2 questions answered"), "{said}");
    let file = text(folder.join("etc/containerd/config-2.x.toml"));
    assert!(file.contains("password = \"PASSWORD\"") && file.contains("username = \"node\""), "{file}");
    let written: String = walkdir::WalkDir::new(&folder)
        .into_iter()
        .map(|entry| entry.expect("an entry").into_path())
        .filter(|path| path.is_file())
        .map(text)
        .collect();
    assert!(!said.contains("secret-word") && !written.contains("secret-word"), "{said}{written}");
}

#[test]
fn the_certificate_of_the_authority_goes_along_and_its_key_does_not() {
    let authority = Authority::new();
    let target = Registry::builder().tls(&authority.server(&LOOPBACK));
    let scene = exported(Registry::builder(), target);
    let ca = scene.path("ca.pem");
    let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    fs::write(&ca, format!("{key}{}", authority.pem())).expect("a file");
    let import = command("import").args([scene.bundle()]).args(["--registry", &scene.target.host(), "--ca-file"]);
    import.args([&ca]).run().succeeds();
    // A node without it sees what we see without it.
    config(&scene, "containerd").args(["--check"]).run().exits(4);
    let folder = scene.path("nodes");
    config(&scene, "containerd")
        .args(["--check", "--ca-file"])
        .args([&ca])
        .args(["-o"])
        .args([&folder])
        .run()
        .succeeds();
    let written = text(folder.join("etc/containerd/mirror-ca.crt"));
    assert!(written.contains("BEGIN CERTIFICATE") && !written.contains("PRIVATE KEY"), "{written}");
    assert_eq!(written.replace(char::is_whitespace, ""), authority.pem().replace(char::is_whitespace, ""));
}

#[test]
fn a_registry_that_speaks_http_alone_is_no_https_mirror() {
    let scene = imported();
    let said = config(&scene, "containerd").args(["--check"]).run();
    assert_ne!(said.code, Some(0), "the files say https: {}", said.all());
    assert_eq!(scene.target.count(|request| request.path.contains("/manifests/")), 0);
}

#[test]
fn files_are_written_with_what_is_to_be_done_and_over_nobodys_without_force() {
    let scene = imported();
    let folder = scene.path("nodes");
    let write = || plain(&scene, "k3s").args(["-o"]).args([&folder]);
    let said = write().run().succeeds().all();
    let registries = folder.join("etc/rancher/k3s/registries.yaml");
    assert!(said.contains(&format!("wrote      {}", registries.display())), "{said}");
    let read_me = text(folder.join("README"));
    assert!(read_me.contains("each node: /etc/rancher/k3s/registries.yaml"), "{read_me}");
    assert!(read_me.contains("systemctl restart k3s"), "{read_me}");
    let right = text(&registries);
    fs::write(&registries, "mine").expect("a file");
    fs::remove_file(folder.join("README")).expect("removed");
    write().run().exits(2);
    assert_eq!(text(&registries), "mine");
    assert!(!folder.join("README").exists(), "nothing is written where one may not be");
    write().args(["--force"]).run().succeeds();
    assert_eq!(text(&registries), right);
    let left = walkdir::WalkDir::new(&folder)
        .into_iter()
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().ends_with(".partial"));
    assert_eq!(left.count(), 0);
}

#[test]
fn the_last_line_of_an_import_is_the_command_that_makes_its_files() {
    let scene = exported(Registry::builder(), Registry::builder());
    let at = format!("{}/team", scene.target.host());
    let said = scene.import_into(&at).run().succeeds().all();
    let next = said.lines().find_map(|line| line.strip_prefix("next       bundle ")).expect("a next line").to_owned();
    let want = format!("mirror-config {} --registry {at} --plain-http --for containerd", scene.bundle().display());
    assert_eq!(next, want);
    let run = crate::bundle().args(next.split(' ')).args(["--check"]);
    assert!(run.run().succeeds().all().contains("2 of 2 questions answered"));
    let said = scene.import_into(&at).args(["--dry-run"]).run().succeeds().all();
    assert!(!said.contains("mirror-config"), "{said}");
}

#[test]
fn a_host_that_was_mapped_is_looked_for_in_its_place() {
    let scene = exported(Registry::builder(), Registry::builder());
    let source = scene.source.host();
    let map = format!("{source}=kept/apart");
    scene.import().args(["--map", &map]).run().succeeds();
    let said = plain(&scene, "containerd").args(["--map", &map, "--check"]).run().succeeds().all();
    assert!(said.contains("/v2/kept/apart/org/app/manifests/1?ns="), "{said}");
    plain(&scene, "containerd").args(["--map", &format!("{source}/org=elsewhere")]).run().exits(2);
}

#[test]
fn hosts_can_be_named_without_a_bundle() {
    let run =
        command("mirror-config").args(["--registry", "172.18.0.20", "--for", "anthos", "--host", "gcr.io,quay.io"]);
    let said = run.run().succeeds();
    let document: Value = serde_saphyr::from_str(&said.stdout).expect("YAML");
    let want = json!([{ "endpoint": "https://172.18.0.20/v2/library", "hosts": ["gcr.io", "quay.io"] }]);
    assert_eq!(document["registryMirrors"], want, "{}", said.all());
    command("mirror-config").args(["--registry", "172.18.0.20", "--for", "k3s"]).run().exits(2);
}
