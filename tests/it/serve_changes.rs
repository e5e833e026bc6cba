//! What `serve` gives while its files are damaged, cut, replaced and restored: right bytes, or an error.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::scene::{Scene, put_image, put_layer, put_small_image};
use crate::serve_scene::{Server, eventually};

/// Longer than two pieces as they are read.
const SIZE: u64 = 700_000;

/// A bundle with one layer of many pieces, a server of it, and the layer: its path and its content.
struct Served {
    scene: Scene,
    server: Server,
    path: String,
    content: Vec<u8>,
}

/// So many bytes of which no stretch is like another.
fn made(size: u64) -> Vec<u8> {
    let mut state = size;
    let mut byte = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..size).map(|_| byte()).collect()
}

fn served() -> Served {
    let scene = Scene::new();
    let content = made(SIZE);
    let layer = put_layer(&scene.source, "org/app", content.clone());
    put_image(&scene.source, "org/app", "1", std::slice::from_ref(&layer));
    scene.export(&["org/app:1"]).run().succeeds();
    let digest = layer["digest"].as_str().expect("a digest");
    let server = Server::of_one(&scene.bundle(), &["--namespace", ""]);
    Served { scene, server, path: format!("/v2/org/app/blobs/{digest}"), content }
}

/// Where some content stands in a file.
fn place_of(file: &Path, content: &[u8]) -> u64 {
    let bytes = fs::read(file).expect("the file");
    bytes.windows(64).position(|window| window == &content[..64]).expect("it is there") as u64
}

/// Turns one byte of the content over, or back.
fn flip(file: &Path, at: u64) {
    let file = OpenOptions::new().read(true).write(true).open(file).expect("the file");
    let mut byte = [0; 1];
    file.read_exact_at(&mut byte, at).expect("a byte");
    file.write_all_at(&[!byte[0]], at).expect("written");
}

impl Served {
    fn is_right(&self) -> bool {
        let (head, body) = self.server.raw_get(&self.path);
        // Never the whole of anything else.
        assert!(body == self.content || body.len() < self.content.len() || head.contains(" 500 "), "wrong bytes");
        head.starts_with("HTTP/1.1 200 ") && body == self.content
    }

    /// Until nothing is hashed any more.
    fn wait_until_known(&self) {
        eventually("what was hashed is not hashed again", || {
            let before = self.server.counted("hashed_bytes_total");
            assert!(self.is_right());
            self.server.counted("hashed_bytes_total") == before
        });
    }
}

#[test]
fn content_is_hashed_once_and_again_when_the_file_changes() {
    let served = served();
    assert!(served.is_right());
    assert!(served.server.counted("hashed_bytes_total") >= SIZE);
    served.wait_until_known();
    let before = served.server.counted("hashed_bytes_total");
    // Nothing but its time of change is another.
    let bundle = served.scene.bundle();
    fs::set_permissions(&bundle, fs::metadata(&bundle).expect("it").permissions()).expect("touched");
    assert!(served.is_right());
    assert_eq!(served.server.counted("hashed_bytes_total"), before + SIZE);
}

#[test]
fn the_end_of_damaged_content_never_arrives_and_what_is_known_to_be_damaged_is_an_error_at_once() {
    let served = served();
    let bundle = served.scene.bundle();
    let at = place_of(&bundle, &served.content) + 10;
    served.wait_until_known();
    flip(&bundle, at);
    let (head, body) = served.server.raw_get(&served.path);
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert!(body.len() < served.content.len(), "the connection is cut before the end");
    served.server.running().wait_for_stderr("cut off: ");
    assert!(served.server.counted("bad_content_total") > 0);
    // Of a part nothing comes: it could not be told to be wrong.
    let answer = served.server.ask("GET", &served.path, &[("range", "bytes=0-9")]);
    assert_eq!((answer.status, answer.json()["errors"][0]["code"].as_str()), (500, Some("UNKNOWN")));
    eventually("what is damaged is known", || served.server.raw_get(&served.path).0.starts_with("HTTP/1.1 500 "));
    assert_eq!(served.server.ask("HEAD", &served.path, &[]).status, 500);
    flip(&bundle, at);
    assert!(served.is_right(), "and it is served again once it is what it was");
}

#[test]
fn a_small_blob_that_is_damaged_is_an_error_and_not_the_beginning_of_an_answer() {
    let scene = Scene::new();
    let content = made(5_000);
    let layer = put_layer(&scene.source, "org/app", content.clone());
    put_image(&scene.source, "org/app", "1", std::slice::from_ref(&layer));
    scene.export(&["org/app:1"]).run().succeeds();
    let digest = layer["digest"].as_str().expect("a digest");
    let server = Server::of_one(&scene.bundle(), &["--namespace", ""]);
    flip(&scene.bundle(), place_of(&scene.bundle(), &content));
    let answer = server.get(&format!("/v2/org/app/blobs/{digest}"));
    assert_eq!(answer.status, 500);
    let said = answer.json()["errors"][0]["message"].to_string();
    assert!(said.contains(digest) && !said.contains("images.tar"), "who asks learns no paths: {said}");
    server.running().wait_for_stderr("hashes to");
}

#[test]
fn what_one_bundle_has_damaged_comes_from_the_next_that_has_it_whole() {
    let served = served();
    let copy = served.scene.path("copy.tar");
    fs::copy(served.scene.bundle(), &copy).expect("a copy");
    flip(&copy, place_of(&copy, &served.content));
    let bundles: [PathBuf; 2] = [copy, served.scene.bundle()];
    let server = Server::start(&bundles, &["--namespace", ""]);
    eventually("the other one is taken", || {
        let (head, body) = server.raw_get(&served.path);
        head.starts_with("HTTP/1.1 200 ") && body == served.content
    });
}

#[test]
fn a_file_that_is_cut_gives_errors_until_it_is_restored() {
    let served = served();
    let bundle = served.scene.bundle();
    let whole = fs::read(&bundle).expect("the file");
    served.wait_until_known();
    let file = OpenOptions::new().write(true).open(&bundle).expect("the file");
    file.set_len(place_of(&bundle, &served.content) + 1000).expect("cut");
    assert!(!served.is_right());
    assert_eq!(served.server.get("/healthz").status, 503);
    assert_eq!(served.server.get("/v2/org/app/manifests/1").status, 200, "manifests are in memory");
    file.write_all_at(&whole, 0).expect("restored");
    assert!(served.is_right());
    assert_eq!(served.server.get("/healthz").status, 200);
}

#[test]
fn a_file_that_vanishes_is_served_as_it_was_and_a_new_one_is_taken_in_after_a_hangup() {
    let served = served();
    let bundle = served.scene.bundle();
    fs::remove_file(&bundle).expect("gone");
    assert!(served.is_right(), "it is held open");
    served.server.running().hang_up();
    served.server.running().wait_for_stderr("all goes on as before");
    assert!(served.is_right());
    put_small_image(&served.scene.source, "org/new", "1");
    served.scene.export(&["org/app:1", "org/new:1"]).run().succeeds();
    assert_eq!(served.server.get("/v2/org/new/manifests/1").status, 404);
    served.server.running().hang_up();
    served.server.running().wait_for_stderr("reloaded   2 images");
    assert_eq!(served.server.get("/v2/org/new/manifests/1").status, 200);
    assert!(served.is_right());
}

#[test]
fn a_blob_in_a_directory_is_looked_at_each_time() {
    let served = served();
    let (directory, name) = (served.scene.path("layout"), served.path.rsplit(':').next().expect("hex"));
    tar::Archive::new(fs::File::open(served.scene.bundle()).expect("it")).unpack(&directory).expect("unpacked");
    let blob = directory.join("blobs/sha256").join(name);
    let server = Server::of_one(&directory, &["--namespace", ""]);
    let served = Served { server, ..served };
    served.wait_until_known();
    let mut other = served.content.clone();
    other[5] ^= 1;
    fs::write(directory.join("new"), &other).expect("written");
    fs::rename(directory.join("new"), &blob).expect("replaced");
    assert!(!served.is_right());
    fs::remove_file(&blob).expect("gone");
    assert_eq!(served.server.get(&served.path).status, 500);
    fs::write(&blob, &served.content).expect("restored");
    assert!(served.is_right());
}

/// Parts, heads, manifests and tags beside whole blobs, as clients ask for them.
fn ask_for_something_else(served: &Served, round: u64) {
    let first = round.wrapping_mul(7919) % (SIZE - 1000);
    let range = format!("bytes={first}-{}", first + 999);
    let part = served.server.ask("GET", &served.path, &[("range", &range)]);
    let at = usize::try_from(first).expect("small");
    match part.status {
        // It may be cut in the middle, too.
        206 => assert!(served.content[at..at + 1000].starts_with(&part.body), "wrong bytes of a part"),
        status => assert!(matches!(status, 404 | 500), "{status}"),
    }
    let manifest = served.server.get("/v2/org/app/manifests/1");
    let (_, right) = served.scene.source.manifest("org/app", "1").expect("a manifest");
    assert!(manifest.status == 404 || (manifest.status, manifest.body) == (200, right), "another manifest");
}

#[test]
fn while_a_file_is_cut_and_changed_and_replaced_and_restored_nobody_gets_a_wrong_byte() {
    let served = served();
    put_small_image(&served.scene.source, "org/new", "1");
    let (other, new) = (served.scene.path("other.tar"), served.scene.path("new.tar"));
    served.scene.export_to(&other, &["org/new:1"]).run().succeeds();
    let bundle = served.scene.bundle();
    let (whole, at) = (fs::read(&bundle).expect("the file"), place_of(&bundle, &served.content));
    let put = |bytes: &[u8]| {
        fs::write(&new, bytes).expect("written");
        fs::rename(&new, &bundle).expect("in its place");
        served.server.running().hang_up();
    };
    let stop = std::sync::atomic::AtomicBool::new(false);
    let right = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..3)
            .map(|client| {
                let (served, stop) = (&served, &stop);
                scope.spawn(move || {
                    let mut right = 0;
                    for round in (client..).step_by(3) {
                        if stop.load(std::sync::atomic::Ordering::Relaxed) {
                            break;
                        }
                        right += usize::from(served.is_right());
                        ask_for_something_else(served, round);
                    }
                    right
                })
            })
            .collect();
        let pause = || std::thread::sleep(std::time::Duration::from_millis(20));
        for round in 0..24 {
            let open = || OpenOptions::new().write(true).open(&bundle).expect("the file");
            match round % 4 {
                0 => flip(&bundle, at + round * 25_000),
                1 => open().set_len(at + round * 25_000).expect("cut"),
                2 => put(&fs::read(&other).expect("another bundle")),
                _ => fs::remove_file(&bundle).expect("gone"),
            }
            pause();
            match round % 4 {
                0 | 1 => open().write_all_at(&whole, 0).expect("restored"),
                _ => put(&whole),
            }
            pause();
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        clients.into_iter().map(|client| client.join().expect("a client")).sum::<usize>()
    });
    // Of several signals at once, the last is heard.
    eventually("in the end all is well", || served.is_right());
    assert!(right > 0, "some came whole meanwhile");
}
