//! `serve` is a registry that is only read: the distribution API, byte for byte what the bundle has.

use serde_json::{Value, json};

use crate::referrer_scene::{SBOM, SIGNATURE, put_referrer};
use crate::scene::{INDEX, MANIFEST, Scene, borrowed, command, names, put_image, put_layer, put_small_image};
use crate::serve_scene::Server;
use crate::support::client::call;
use crate::support::registry::Registry;
use crate::support::run::Run;
use crate::volumes_scene;

/// All fixtures in one file, and a server of it that takes the names as the source has them.
fn served() -> (Scene, Server) {
    let (scene, images) = Scene::seeded();
    scene.export(&borrowed(&names(&images))).run().succeeds();
    let server = Server::of_one(&scene.bundle(), &["--namespace", ""]);
    (scene, server)
}

/// The digests of a document and of everything below it that a registry has.
fn below(registry: &Registry, repo: &str, digest: &str) -> Vec<(bool, String)> {
    let mut found = vec![(true, digest.to_owned())];
    let (_, bytes) = registry.manifest(repo, digest).expect("a manifest");
    let document: Value = serde_json::from_slice(&bytes).expect("JSON");
    for child in document["manifests"].as_array().into_iter().flatten() {
        found.extend(below(registry, repo, child["digest"].as_str().expect("a digest")));
    }
    let blobs = document["layers"].as_array().into_iter().flatten().chain(document.get("config"));
    found.extend(blobs.map(|blob| (false, blob["digest"].as_str().expect("a digest").to_owned())));
    found
}

#[test]
fn every_byte_of_every_image_is_served_as_the_source_had_it() {
    let (scene, server) = served();
    for repo in scene.source.repositories() {
        for tag in scene.source.tags(&repo) {
            let root = scene.source.digest(&repo, &tag).expect("a digest");
            let by_tag = server.get(&format!("/v2/{repo}/manifests/{tag}"));
            assert_eq!((by_tag.status, by_tag.header("docker-content-digest")), (200, root.as_str()));
            for (is_manifest, digest) in below(&scene.source, &repo, &root) {
                let (kind, bytes, path) = if is_manifest {
                    let (kind, bytes) = scene.source.manifest(&repo, &digest).expect("a manifest");
                    (kind, bytes, format!("/v2/{repo}/manifests/{digest}"))
                } else {
                    let bytes = scene.source.blob(&repo, &digest).expect("a blob");
                    ("application/octet-stream".into(), bytes, format!("/v2/{repo}/blobs/{digest}"))
                };
                let answer = server.get(&path);
                assert_eq!(answer.status, 200, "{path}");
                assert_eq!(answer.body, bytes, "{path}");
                let head = server.ask("HEAD", &path, &[]);
                assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
                for answer in [&answer, &head] {
                    assert_eq!(answer.header("content-type"), kind, "{path}");
                    assert_eq!(answer.header("content-length"), bytes.len().to_string(), "{path}");
                    assert_eq!(answer.header("docker-content-digest"), digest, "{path}");
                    assert_eq!(answer.header("etag"), format!("\"{digest}\""), "{path}");
                    assert_eq!(answer.header("docker-distribution-api-version"), "registry/2.0", "{path}");
                }
            }
        }
    }
}

#[test]
fn our_own_client_copies_everything_from_it() {
    let (scene, images) = Scene::seeded();
    scene.export(&borrowed(&names(&images))).run().succeeds();
    let server = Server::of_one(&scene.bundle(), &["--namespace", ""]);
    let names = names(&images).into_iter().map(|name| format!("{}/{name}", server.host));
    let run = command("copy").args(["--src-plain-http", "--plain-http", "--registry", &scene.target.host()]);
    run.args(["--namespace", ""]).args(names).run().succeeds();
    for image in &images {
        let there = scene.target.digest(&image.repository, &image.tag);
        assert_eq!(there, scene.source.digest(&image.repository, &image.tag), "{}", image.repository);
        assert_eq!(scene.target.missing(&image.repository, &image.tag), Vec::<String>::new());
    }
}

#[test]
fn nothing_can_be_written_and_it_is_said_in_the_form_of_the_specification() {
    let (_scene, server) = served();
    for (method, path) in [
        ("POST", "/v2/org/app/blobs/uploads/"),
        ("PUT", "/v2/org/app/manifests/1.4"),
        ("DELETE", "/v2/org/app/manifests/1.4"),
        ("PATCH", "/v2/org/app/blobs/uploads/x"),
        ("PUT", "/"),
    ] {
        let answer = server.ask(method, path, &[]);
        assert_eq!((answer.status, answer.header("allow")), (405, "GET, HEAD"), "{method} {path}");
        assert_eq!(answer.json()["errors"][0]["code"], "UNSUPPORTED");
    }
    assert_eq!(server.get("/v2/org/app/blobs/uploads/x").status, 405);
}

#[test]
fn what_is_not_there_is_said_with_the_codes_of_the_specification() {
    let (_scene, server) = served();
    let none = format!("sha256:{}", "0".repeat(64));
    for (path, status, code) in [
        ("/v2/org/none/manifests/1".to_owned(), 404, "NAME_UNKNOWN"),
        ("/v2/org/none/tags/list".into(), 404, "NAME_UNKNOWN"),
        ("/v2/org/app/manifests/none".into(), 404, "MANIFEST_UNKNOWN"),
        ("/v2/org/app/manifests/.INVALID_MANIFEST_NAME".into(), 404, "MANIFEST_UNKNOWN"),
        (format!("/v2/org/app/manifests/{none}"), 404, "MANIFEST_UNKNOWN"),
        ("/v2/org/app/manifests/sha256:12".into(), 400, "DIGEST_INVALID"),
        (format!("/v2/org/app/blobs/{none}"), 404, "BLOB_UNKNOWN"),
        ("/v2/org/app/blobs/sha256:12".into(), 400, "DIGEST_INVALID"),
        ("/v2/org/app/referrers/sha256:12".into(), 400, "DIGEST_INVALID"),
        ("/v2/org/app/tags/list?n=x".into(), 400, "PAGINATION_NUMBER_INVALID"),
        ("/nothing".into(), 404, "UNSUPPORTED"),
    ] {
        let answer = server.get(&path);
        assert_eq!((answer.status, answer.json()["errors"][0]["code"].as_str()), (status, Some(code)), "{path}");
    }
}

#[test]
fn a_blob_of_another_repository_is_none_of_this_one() {
    let (scene, server) = served();
    let root = scene.source.digest("google-containers/pause", "latest").expect("a digest");
    let blobs = below(&scene.source, "google-containers/pause", &root);
    let blob = &blobs.iter().find(|(is_manifest, _)| !is_manifest).expect("a blob").1;
    assert_eq!(server.get(&format!("/v2/google-containers/pause/blobs/{blob}")).status, 200);
    assert_eq!(server.get(&format!("/v2/org/app/blobs/{blob}")).status, 404);
}

#[test]
fn a_part_of_a_blob_is_served_and_what_is_known_is_not_served_again() {
    let (scene, server) = served();
    let root = scene.source.digest("org/tool", "2.0").expect("a digest");
    let all = below(&scene.source, "org/tool", &root);
    let blob = &all.iter().rev().find(|(is_manifest, _)| !is_manifest).expect("a blob").1;
    let bytes = scene.source.blob("org/tool", blob).expect("a blob");
    let path = format!("/v2/org/tool/blobs/{blob}");
    let (size, etag) = (bytes.len(), format!("\"{blob}\""));
    for (range, part) in [("bytes=2-5", 2..6), ("bytes=3-", 3..size), ("bytes=-4", size - 4..size)] {
        let answer = server.ask("GET", &path, &[("range", range)]);
        assert_eq!(answer.status, 206, "{range}");
        assert_eq!(answer.body, bytes[part.clone()], "{range}");
        let stands = format!("bytes {}-{}/{size}", part.start, part.end - 1);
        assert_eq!(answer.header("content-range"), stands);
    }
    let answer = server.ask("GET", &path, &[("range", &format!("bytes={size}-"))]);
    assert_eq!((answer.status, answer.header("content-range")), (416, format!("bytes */{size}").as_str()));
    let answer = server.ask("GET", &path, &[("range", "bytes=0-1"), ("if-range", "\"other\"")]);
    assert_eq!((answer.status, answer.body.len()), (200, size));
    for (path, etag) in [(path.clone(), etag), ("/v2/org/tool/manifests/2.0".into(), format!("\"{root}\""))] {
        let answer = server.ask("GET", &path, &[("if-none-match", &etag)]);
        assert_eq!((answer.status, answer.body.len(), answer.header("etag")), (304, 0, etag.as_str()));
    }
}

#[test]
fn lists_come_in_pages_of_the_length_that_is_asked_for() {
    let scene = Scene::new();
    let images: Vec<String> = ["a", "b", "c", "d", "e"].map(|tag| format!("org/app:{tag}")).into();
    for tag in ["a", "b", "c", "d", "e"] {
        put_small_image(&scene.source, "org/app", tag);
    }
    put_small_image(&scene.source, "org/other", "1");
    scene.export(&borrowed(&images)).args([scene.name("org/other:1")]).run().succeeds();
    let server = Server::of_one(&scene.bundle(), &["--namespace", ""]);
    let mut path = "/v2/org/app/tags/list?n=2".to_owned();
    let mut pages = Vec::new();
    loop {
        let answer = server.get(&path);
        pages.push(answer.json()["tags"].clone());
        let link = answer.header("link");
        match link.strip_prefix('<').and_then(|rest| rest.split_once(">; rel=\"next\"")) {
            Some((next, "")) => path = next.to_owned(),
            _ => break,
        }
    }
    assert_eq!(pages, [json!(["a", "b"]), json!(["c", "d"]), json!(["e"])]);
    let answer = server.get("/v2/org/app/tags/list?n=0");
    assert_eq!((answer.json()["tags"].clone(), answer.header("link")), (json!([]), ""));
    assert_eq!(server.get("/v2/org/app/tags/list?last=c").json()["tags"], json!(["d", "e"]));
    let answer = server.get("/v2/_catalog?n=1");
    assert_eq!(answer.json(), json!({"repositories": ["org/app"]}));
    assert_eq!(answer.header("link"), "</v2/_catalog?n=1&last=org%2Fapp>; rel=\"next\"");
    assert_eq!(server.get("/v2/_catalog?last=org/app").json(), json!({"repositories": ["org/other"]}));
}

#[test]
fn what_refers_to_an_image_is_listed_by_its_kind() {
    let scene = Scene::new();
    let layer = put_layer(&scene.source, "org/app", "a layer");
    let image = put_image(&scene.source, "org/app", "1", &[layer]);
    let sbom = put_referrer(&scene.source, "org/app", &image, SBOM);
    let signature = put_referrer(&scene.source, "org/app", &image, SIGNATURE);
    scene.export(&["org/app:1"]).run().succeeds();
    let server = Server::of_one(&scene.bundle(), &["--namespace", ""]);
    let all = server.get(&format!("/v2/org/app/referrers/{image}"));
    assert_eq!((all.status, all.header("content-type"), all.header("oci-filters-applied")), (200, INDEX, ""));
    let list = all.json();
    assert_eq!((&list["schemaVersion"], &list["mediaType"]), (&json!(2), &json!(INDEX)));
    let mut digests: Vec<&str> =
        list["manifests"].as_array().expect("a list").iter().map(|one| one["digest"].as_str().expect("one")).collect();
    let mut expected = [sbom.as_str(), signature.as_str()];
    expected.sort_unstable();
    digests.sort_unstable();
    assert_eq!(digests, expected);
    let some = server.get(&format!("/v2/org/app/referrers/{image}?artifactType=application%2Fspdx%2Bjson"));
    assert_eq!(some.header("oci-filters-applied"), "artifactType");
    let (_, bytes) = scene.source.manifest("org/app", &sbom).expect("it");
    let line = json!({"mediaType": MANIFEST, "digest": sbom, "size": bytes.len(), "artifactType": SBOM});
    assert_eq!(some.json()["manifests"], json!([line]));
    let none = server.get(&format!("/v2/org/app/referrers/sha256:{}", "0".repeat(64)));
    assert_eq!((none.status, none.json()["manifests"].clone()), (200, json!([])));
    assert_eq!(server.get(&format!("/v2/org/app/manifests/{sbom}")).body, bytes);
}

#[test]
fn volumes_are_served_together_and_one_alone_says_where_the_rest_is() {
    let (scene, volumes) = volumes_scene::exported();
    let server = Server::start(&volumes, &["--namespace", ""]);
    let root = scene.source.digest("org/large", "1").expect("a digest");
    let blobs = below(&scene.source, "org/large", &root);
    let blobs = || blobs.iter().filter(|(is_manifest, _)| !is_manifest).map(|(_, digest)| digest);
    for digest in blobs() {
        let answer = server.get(&format!("/v2/org/large/blobs/{digest}"));
        let at_source = call("GET", &format!("{}/v2/org/large/blobs/{digest}", scene.source.url()), &[], b"");
        assert_eq!(at_source.status, 200);
        assert!(answer.body == at_source.body, "{digest}");
        let part = server.ask("GET", &format!("/v2/org/large/blobs/{digest}"), &[("range", "bytes=1-2")]);
        assert_eq!((part.status, part.body.as_slice()), (206, &answer.body[1..3]));
    }
    let alone = Server::of_one(&volumes[0], &["--namespace", ""]);
    assert_eq!(alone.get("/v2/org/large/manifests/1").status, 200, "each volume has all manifests");
    let refused: Vec<String> = blobs()
        .map(|digest| alone.get(&format!("/v2/org/large/blobs/{digest}")))
        .filter(|answer| answer.status == 404)
        .map(|answer| answer.json()["errors"][0]["message"].to_string())
        .collect();
    assert!(refused.iter().any(|message| message.contains("is in volume ")), "{refused:?}");
}

#[test]
fn a_delta_is_served_whole_with_its_base_and_says_without_it_what_it_lacks() {
    let scene = Scene::new();
    let shared = put_layer(&scene.source, "org/app", "a layer of both");
    put_image(&scene.source, "org/app", "1", std::slice::from_ref(&shared));
    scene.export(&["org/app:1"]).run().succeeds();
    let own = put_layer(&scene.source, "org/app", "a layer of the second");
    put_image(&scene.source, "org/app", "2", &[shared.clone(), own]);
    let delta = scene.path("delta.tar");
    let run: Run = scene.export_to(&delta, &["org/app:2"]);
    run.args(["--base"]).args([scene.bundle()]).run().succeeds();
    let path = format!("/v2/org/app/blobs/{}", shared["digest"].as_str().expect("a digest"));
    let both = Server::start(&[delta.clone(), scene.bundle()], &["--namespace", ""]);
    assert_eq!(both.get(&path).body, b"a layer of both");
    assert_eq!(both.get("/v2/org/app/tags/list").json()["tags"], json!(["1", "2"]));
    let alone = Server::of_one(&delta, &["--namespace", ""]);
    let answer = alone.get(&path);
    assert_eq!(answer.status, 404);
    assert!(answer.json()["errors"][0]["message"].as_str().is_some_and(|text| text.contains("left to a base")));
}
