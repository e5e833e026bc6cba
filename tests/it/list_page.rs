//! `list --format html`: one page about a bundle, for people. What a browser makes of it is looked at in `tests/page`.

use std::fs;
use std::path::Path;

use data_encoding::BASE64;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::deltas::delta;
use crate::referrers::source;
use crate::scene::{CONFIG, INDEX, LAYER, MANIFEST, Scene, borrowed, command, names, put_image, put_made_layer};
use crate::support::layout::{Blob, Layout};
use crate::volumes_scene::{exported, with};

/// What somebody names and types things who wants to be more than text.
const HOSTILE: [&str; 6] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "</style></script><h1>free</h1>",
    "=HYPERLINK(\"http://evil.example\")",
    "\u{202e}gnp.exe\u{2066}\u{200b}",
];

/// The elements of the page and their attributes: none that loads, runs or leads elsewhere.
const OURS: [&str; 72] = [
    "!DOCTYPE",
    "html",
    "lang=",
    "head",
    "meta",
    "charset=",
    "http-equiv=",
    "content=",
    "name=",
    "title",
    "style",
    "body",
    "a",
    "class=",
    "href=",
    "header",
    "p",
    "h1",
    "h2",
    "h3",
    "h4",
    "bdi",
    "main",
    "div",
    "section",
    "aria-labelledby=",
    "id=",
    "dl",
    "dt",
    "dd",
    "code",
    "data",
    "value=",
    "data-what=",
    "ol",
    "li",
    "pre",
    "tabindex=",
    "role=",
    "aria-label=",
    "table",
    "caption",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "scope=",
    "svg",
    "viewBox=",
    "preserveAspectRatio=",
    "aria-hidden=",
    "focusable=",
    "rect",
    "width=",
    "height=",
    "article",
    "details",
    "summary",
    "span",
    "label",
    "for=",
    "input",
    "type=",
    "autocomplete=",
    "spellcheck=",
    "output",
    "hidden",
    "footer",
    "script",
    "ul",
    "br",
];

/// A layout whose platforms, tags and artifact types are hostile.
pub(crate) fn hostile(dir: &Path) {
    let layout = Layout::new(dir);
    let descriptor = |blob: &Blob, media_type: &str, more: Value| {
        let mut descriptor = json!({"mediaType": media_type, "digest": blob.digest, "size": blob.size});
        descriptor.as_object_mut().expect("an object").extend(more.as_object().expect("more").clone());
        descriptor
    };
    let image = |label: &str, more: Value| {
        let config = layout.put(json!({"os": "linux", "architecture": "amd64", "of": label}).to_string());
        let layer = layout.put(format!("layer of {label}"));
        let mut manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor(&config, CONFIG, json!({})),
            "layers": [descriptor(&layer, LAYER, json!({}))],
        });
        manifest.as_object_mut().expect("an object").extend(more.as_object().expect("more").clone());
        layout.put(manifest.to_string())
    };
    let children = HOSTILE.map(|text| {
        let platform = json!({"platform": {"os": text, "architecture": text}});
        descriptor(&image(text, json!({})), MANIFEST, platform)
    });
    let index = layout.put(json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": children}).to_string());
    let mut entries = vec![descriptor(
        &index,
        INDEX,
        json!({"annotations": {
            "org.opencontainers.image.ref.name": "registry.example/hostile:1", "io.containerd.image.name": "registry.example/hostile:1",
        }}),
    )];
    for text in HOSTILE {
        let tagged = image(&format!("tagged {text}"), json!({}));
        entries.push(descriptor(
            &tagged,
            MANIFEST,
            json!({"annotations": {"org.opencontainers.image.ref.name": text}}),
        ));
        let subject = descriptor(&index, INDEX, json!({}));
        let referrer = image(&format!("of {text}"), json!({"artifactType": text, "subject": subject}));
        entries.push(descriptor(&referrer, MANIFEST, json!({"artifactType": text, "annotations": {text: text}})));
    }
    let index =
        json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries, "annotations": {HOSTILE[0]: HOSTILE[1]}});
    fs::write(dir.join("index.json"), index.to_string()).expect("index.json");
}

fn page(bundles: &[&Path]) -> String {
    // Damage of a layout is said in the page; the status says it too.
    let out = command("list").args(bundles).args(["--format", "html"]).run();
    assert!(
        out.stdout.starts_with("<!DOCTYPE html><html lang=\"en\">") && out.stdout.ends_with("</html>"),
        "{}",
        out.all()
    );
    out.stdout
}

fn report(bundle: &Path) -> Value {
    command("list").args([bundle]).args(["--format", "json"]).run().json()
}

/// Everything between these, as often as it stands there.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    text.split(start).skip(1).filter_map(|rest| rest.split(end).next()).collect()
}

/// The numbers of bytes in a part of the page.
fn bytes(part: &str) -> Vec<u64> {
    between(part, "<data value=\"", "\"").iter().map(|number| number.parse().expect("a number")).collect()
}

fn seeded() -> Scene {
    let (scene, images) = Scene::seeded();
    scene.export(&borrowed(&names(&images))).run().succeeds();
    scene
}

#[test]
fn the_numbers_of_the_page_are_those_of_the_json() {
    let scene = seeded();
    let (page, report) = (page(&[&scene.bundle()]), report(&scene.bundle()));
    let articles = between(&page, "<article", "</article>");
    let images = report["images"].as_array().expect("images");
    assert_eq!(articles.len(), images.len());
    for (article, image) in articles.iter().zip(images) {
        let facts = between(article, "<dl", "</dl>")[0];
        let wanted = ["bytes", "ownBytes", "sharedBytes"].map(|key| image[key].as_u64().expect("a number"));
        assert_eq!(bytes(facts), wanted);
        assert!(article.contains(image["name"].as_str().expect("a name")));
        for platform in image["platforms"].as_array().expect("platforms") {
            assert!(article.contains(platform["digest"].as_str().expect("a digest")), "{article}");
        }
    }
    // The bars are together all there is.
    let room = between(&page, "<tbody", "</tbody>")[0];
    let content = &report["content"];
    assert_eq!(bytes(room).iter().sum::<u64>(), content["bytes"].as_u64().expect("bytes"));
    let own: u64 = images.iter().map(|image| image["ownBytes"].as_u64().expect("bytes")).sum();
    let (shared, referrers) = (content["sharedBytes"].as_u64(), content["referrerBytes"].as_u64());
    assert_eq!(Some(own + shared.expect("bytes") + referrers.expect("bytes")), content["bytes"].as_u64());
    assert!(shared > Some(0));
}

#[test]
fn what_comes_from_strangers_is_text_and_nothing_in_the_page_leads_elsewhere() {
    let drive = tempfile::tempdir().expect("a directory");
    hostile(&drive.path().join("images"));
    let page = page(&[&drive.path().join("images")]);
    let body = page.replace(between(&page, "<style>", "</style>")[0], "");
    let body = body.replace(between(&page, "<script>", "</script>")[0], "");
    assert_eq!((body.matches("<script").count(), body.matches("<style").count()), (1, 1), "{body}");
    for tag in between(&body, "<", ">") {
        // Texts of attributes stand between quotation marks, in which none is left.
        let bare = tag.split('"').step_by(2).collect::<String>();
        for word in bare.split_whitespace() {
            assert!(OURS.contains(&word.trim_start_matches('/')), "{word} in <{tag}>");
        }
    }
    assert!(!body.contains(" href=\"h") && body.matches(" href=").count() == 1, "one link, within the page");
    // All of it is shown all the same.
    for text in &HOSTILE[..5] {
        let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
        assert!(body.contains(&escaped), "{escaped}");
    }
    assert!(body.contains("\\u{202e}gnp.exe\\u{2066}\\u{200b}"));
    assert!(!page.chars().any(|c| oci_bundle::oci::is_misleading(c) && c != '\n'), "a character that fools");
}

#[test]
fn a_browser_may_run_the_one_script_and_load_nothing() {
    let scene = seeded();
    let page = page(&[&scene.bundle()]);
    let policy = between(&page, "http-equiv=\"Content-Security-Policy\" content=\"", "\"")[0].replace("&#39;", "'");
    let hash = |tag: &str| {
        let inside = between(&page, &format!("<{tag}>"), &format!("</{tag}>"));
        assert_eq!(inside.len(), 1, "{tag}");
        BASE64.encode(&Sha256::digest(inside[0]))
    };
    let (style, script) = (hash("style"), hash("script"));
    let wanted = format!(
        "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; base-uri 'none'; form-action 'none'"
    );
    assert_eq!(policy, wanted);
    assert_eq!(policy, oci_bundle::page::Page::policy(), "a server says the same");
}

#[test]
fn the_page_has_landmarks_headings_in_order_and_tables_with_headers() {
    let scene = seeded();
    let page = page(&[&scene.bundle()]);
    for landmark in ["<header", "<main", "<footer"] {
        assert_eq!(page.matches(landmark).count(), 1, "{landmark}");
    }
    let sections = between(&page, "<section aria-labelledby=\"", "\"");
    assert_eq!(sections, ["what", "how", "room", "images"]);
    let levels: Vec<u32> =
        between(&page, "<h", ">").iter().filter_map(|tag| tag.chars().next()?.to_digit(10)).collect();
    assert_eq!(levels, [1, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3]);
    for table in between(&page, "<table", "</table>") {
        assert!(
            table.contains("<caption") && table.contains("scope=\"col\"") && table.contains("scope=\"row\""),
            "{table}"
        );
    }
    let ids = between(&page, " id=\"", "\"");
    let mut once = ids.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), ids.len(), "{ids:?}");
}

#[test]
fn the_same_bundle_gives_the_same_page_wherever_it_lies() {
    let scene = seeded();
    let other = tempfile::tempdir().expect("a directory");
    let copy = other.path().join("images.tar");
    fs::copy(scene.bundle(), &copy).expect("a copy");
    let page_here = page(&[&scene.bundle()]);
    assert_eq!(page(&[&copy]), page_here);
    assert!(!page_here.contains(other.path().to_str().expect("a path")));
    let digest = report(&copy)["digest"].as_str().expect("a digest").to_owned();
    for line in [
        format!("bundle verify images.tar --expect {digest}"),
        format!("bundle import images.tar --registry HOST --expect {digest}"),
    ] {
        assert!(page_here.contains(&line), "{line}");
    }
}

#[test]
fn the_page_says_what_a_delta_rests_on_and_which_volumes_are_not_there() {
    let scene = Scene::new();
    let shared = put_made_layer(&scene.source, "org/app", 1, 50_000);
    put_image(&scene.source, "org/app", "1", std::slice::from_ref(&shared));
    let own = put_made_layer(&scene.source, "org/app", 2, 3_000);
    put_image(&scene.source, "org/app", "2", &[shared, own]);
    let (base, small) = (scene.path("base.tar"), scene.path("delta.tar"));
    scene.export_to(&base, &["org/app:1"]).run().succeeds();
    delta(&scene, &small, std::slice::from_ref(&base), &["org/app:2".to_owned()]).run().succeeds();
    let (page_of_delta, listed) = (page(&[&small]), report(&small));
    assert_eq!(listed["images"][0]["absent"], json!([{"reason": "base", "count": 1, "bytes": 50_000}]));
    assert!(
        page_of_delta.contains("A delta: it carries") && page_of_delta.contains("Rests on a base: 1 piece, 48.83 KiB")
    );
    assert!(page_of_delta.contains("Left out, and why"), "{page_of_delta}");
    let text = command("list").args([&small]).run().succeeds().stdout;
    assert!(text.contains("  rests on a base: 1 piece, 48.83 KiB\n"), "{text}");

    let (_scene, volumes) = exported();
    let page_of_volumes = page(&[&volumes[0], &volumes[2]]);
    assert!(page_of_volumes.contains("<strong>not here</strong>"), "{page_of_volumes}");
    assert_eq!(between(&page_of_volumes, "<section", "</section>").len(), 4, "one bundle");
}

#[test]
fn several_volumes_are_listed_as_the_one_bundle_that_they_are() {
    let (scene, volumes) = exported();
    let listed = with("list", &volumes).args(["--format", "json"]).run().succeeds().json();
    assert_eq!(listed["volumes"]["here"].as_array().map(Vec::len), Some(volumes.len()));
    assert_eq!((&listed["volumes"]["missing"], listed.get("volume")), (&json!([]), None));
    assert!(listed["images"].as_array().expect("images").iter().all(|image| image.get("absent").is_none()), "{listed}");
    let lengths: u64 = volumes.iter().map(|path| fs::metadata(path).expect("a file").len()).sum();
    assert_eq!(listed["bytes"], lengths);

    let some = [volumes[2].clone(), volumes[0].clone()];
    let listed = with("list", &some).args(["--format", "json"]).run().succeeds().json();
    let here: Vec<&Value> =
        listed["volumes"]["here"].as_array().expect("volumes").iter().map(|v| &v["number"]).collect();
    assert_eq!(here, [1, 3]);
    assert_eq!(listed["volumes"]["missing"][0]["number"], 2);
    let path = listed["volumes"]["missing"][0]["bundle"].as_str().expect("a name");
    assert_eq!(Path::new(path), volumes[1], "as the others are named");
    let text = with("list", &some).run().succeeds().stdout;
    assert_eq!(text.matches("org/large:1").count(), 1, "{text}");
    assert!(text.contains("\nmissing   2 of ") && text.contains("volumes 1 and 3 of "), "{text}");

    // Another bundle beside them stays another.
    scene.export_to(&scene.path("other.tar"), &["org/a:1"]).run().succeeds();
    let both = with("list", &[some[0].clone(), scene.path("other.tar"), some[1].clone()]);
    let both = both.args(["--format", "json"]).run().succeeds().json();
    assert_eq!(both["bundles"].as_array().map(Vec::len), Some(2));
    assert_eq!(both["bundles"][0]["volumes"]["here"].as_array().map(Vec::len), Some(2));
}

#[test]
fn what_refers_to_an_image_is_called_what_it_is() {
    let (scene, signed) = source(true);
    scene.export(&["org/app:1"]).run().succeeds();
    let page = page(&[&scene.bundle()]);
    assert!(page.contains("<span class=\"badge sbom\">1 SBOM</span>"), "{page}");
    for digest in signed.referrers() {
        assert!(page.contains(digest));
    }
    let tree = scene.list().args(["--tree", "--digests"]).run().succeeds().stdout;
    let lines: Vec<&str> = tree.lines().collect();
    let depth = |digest: &str| {
        let line = lines.iter().find(|line| line.contains(&format!("  {digest}  "))).expect("a line");
        line.chars().take_while(|c| " │├└─".contains(*c)).count()
    };
    assert_eq!(depth(&signed.of_sbom), depth(&signed.sbom) + 3, "below what it refers to: {tree}");
    assert_eq!(depth(&signed.of_child), depth(&signed.image[1]) + 3, "{tree}");
}
