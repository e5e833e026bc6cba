//! Registries that an export meets.

use serde_json::json;

use super::bundle;
use super::told::Told;
use crate::referrer_scene::{SIGNATURE, put_index, put_referrer};
use crate::scene::{CONFIG, LAYER, MANIFEST, Scene, descriptor, put_image, put_made_layer, put_small_image};
use crate::support::gateway::Gateway;
use crate::support::registry::{Fault, Match, Registry};
use crate::support::run::Run;

const IMAGE: &str = "org/app:1";
const MANIFESTS: &str = "/manifests/";
const BLOBS: &str = "/blobs/";

pub(super) fn scenes(told: &mut Told) {
    of_answers(told);
    of_contents(told);
    of_proxies(told);
    let run = bundle().args(["export", "127.0.0.1:1/org/app:1", "--plain-http", "--retries", "0", "-o", "a.tar"]);
    told.add("export where nobody listens", &run.run().exits(1));
    let scene = Scene::new();
    told.know_all(&scene);
    put_small_image(&scene.source, "org/app", "1");
    put_small_image(&scene.source, "org/other", "1");
    let run = scene.export(&[IMAGE, "org/other:1"]).args(["--ref-name", "tag"]);
    told.add("export of two repositories with tags alone", &run.run().exits(2));
    let docker_load = |more: &[&str]| scene.export(&[IMAGE]).args(["--docker-load"]).args(more).run();
    told.add("export with a list for Docker of what has not that platform", &docker_load(&["linux/s390x"]).exits(4));
    let run = docker_load(&["linux/amd64", "--volume-size", "1MiB"]);
    told.add("export with a list for Docker into volumes", &run.exits(2));
    told.add("export with a list for Docker of two platforms", &docker_load(&["linux/amd64,linux/arm64"]).exits(2));
}

/// What registries, and what stands in front of them, answer.
fn of_answers(told: &mut Told) {
    let scene = Scene::new();
    told.know_all(&scene);
    put_small_image(&scene.source, "org/app", "1");
    let export = || scene.export(&[IMAGE]).args(["--retries", "0", "--force"]);
    told.add("export of what is not there", &scene.export(&["org/nothing:1"]).run().exits(4));
    let html = |title: &str| Fault::Status {
        code: 200,
        headers: vec![("Content-Type".into(), "text/html".into())],
        body: format!("<html><title>{title}</title></html>").into_bytes(),
    };
    let text = |code: u16, body: &str| Fault::Status { code, headers: Vec::new(), body: body.into() };
    let denied = "requested access to the resource is denied";
    let cases = [
        ("export of too much", MANIFESTS, Fault::status(429), 1),
        ("export without the right", MANIFESTS, Fault::error(403, "DENIED", denied), 4),
        ("export of no repository", MANIFESTS, Fault::error(404, "NAME_UNKNOWN", "repository not known"), 4),
        ("export behind a login page", "", html("Guest Wi-Fi: log in"), 4),
        ("export from a port that speaks TLS", "", text(400, "Client sent an HTTP request to an HTTPS server.\n"), 4),
        ("export from what is no registry", "", text(400, "what?\n"), 4),
        ("export of blobs in a circle", BLOBS, Fault::Redirect(302, "{path}".into()), 4),
        ("export of blobs elsewhere", BLOBS, Fault::Redirect(302, "ftp://elsewhere.example/x".into()), 4),
    ];
    for (label, part, fault, status) in cases {
        scene.source.fault(Match::on("GET", part), fault);
        told.add(label, &export().run().exits(status));
        scene.source.clear_faults();
    }
    scene.source.fault(Match::on("GET", MANIFESTS), Fault::status_with(429, "Retry-After", "86400"));
    told.add("export of far too much", &scene.export(&[IMAGE]).run().exits(1));
    scene.source.clear_faults();
    scene.source.fault(Match::on("GET", MANIFESTS), Fault::status(502));
    told.add("export behind a gateway", &scene.export(&[IMAGE]).args(["--retries", "1"]).run().exits(1));
}

/// Images that are not as they are wanted.
fn of_contents(told: &mut Told) {
    let scene = Scene::new();
    told.know_all(&scene);
    put_small_image(&scene.source, "org/app", "1");
    let required = scene.export(&[IMAGE]).args(["--referrers", "require"]);
    told.add("export that requires signatures", &required.run().exits(4));

    let layer = put_made_layer(&scene.source, "org/lost", 1, 5_000);
    put_image(&scene.source, "org/lost", "1", std::slice::from_ref(&layer));
    scene.source.remove_blob("org/lost", layer["digest"].as_str().expect("a digest"));
    told.add("export of an image that lost a layer", &scene.export(&["org/lost:1"]).run().exits(4));

    let signed = put_index(&scene.source, "org/signed", "1", 1);
    put_referrer(&scene.source, "org/signed", &signed[0], SIGNATURE);
    scene.source.fault(Match::on("GET", "/referrers/"), Fault::error(403, "DENIED", "not for you"));
    told.add("export of signatures that are kept back", &scene.export(&["org/signed:1"]).run().exits(4));
    scene.source.clear_faults();

    let many = scene.export(&["org/signed:1"]).args(["--max-manifests", "1KiB", "--referrers", "none"]);
    put_index(&scene.source, "org/signed", "1", 40);
    told.add("export of more manifests than there is memory for", &many.run().exits(3));

    let put = |name: &str, mut layer: serde_json::Value, urls: serde_json::Value| {
        layer["urls"] = urls;
        let document =
            json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor(CONFIG, b"{}"), "layers": [layer]});
        scene.source.put_blob(name, "{}");
        scene.source.put_manifest(name, Some("1"), MANIFEST, document.to_string());
    };
    let gone = Registry::start();
    told.know(gone.host(), "layers.example");
    put("org/foreign", descriptor(LAYER, b"elsewhere"), json!([format!("{}/v2/layers/blobs/x", gone.url())]));
    let foreign = scene.export(&["org/foreign:1"]).args(["--include-non-distributable-layers"]);
    told.add("export of a layer that no address has", &foreign.run().exits(4));

    let vast = json!({"mediaType": LAYER, "digest": format!("sha256:{}", "7".repeat(64)), "size": 1_u64 << 52});
    put_image(&scene.source, "org/vast", "1", &[vast]);
    told.add("export of more than there is room for", &scene.export(&["org/vast:1"]).run().exits(1));
}

/// Proxies on the way.
fn of_proxies(told: &mut Told) {
    let export = |proxy: &str| -> Run {
        let run = bundle().args(["export", "registry.test:5000/org/app:1", "--plain-http=registry.test:5000"]);
        run.args(["-o", "a.tar", "--retries", "0"]).env("HTTP_PROXY", proxy)
    };
    for (label, status) in
        [("export through a proxy that forbids it", 403), ("export through a proxy that wants a password", 407)]
    {
        let gateway = Gateway::refusing(status);
        told.know(gateway.host(), "proxy.example:3128");
        told.add(label, &export(&format!("http://{}", gateway.host())).run().exits(4));
    }
    told.add("export through what is no proxy", &export("no proxy").run().exits(2));
}
