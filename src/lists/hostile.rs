//! Lists that somebody wrote to do harm, or that went wrong on their way: each ends soon, and says why.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::oci::Reference;

use super::{List, MAX_LIST, read};

fn names(text: &str) -> Vec<String> {
    let list = read(text.as_bytes());
    assert_eq!(list.faults, [], "{text}");
    list.images.iter().map(|listed| listed.reference.to_string()).collect()
}

/// What is wrong, with the line.
fn fault(bytes: &[u8]) -> String {
    let List { faults, .. } = read(bytes);
    let first = faults.first().unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&bytes[..bytes.len().min(200)])));
    format!("{}: {}", first.line, first.text)
}

#[test]
fn scalars_that_look_like_something_else_stay_what_was_written() {
    let text = "r.example.com:5000:\n  images:\n    a/b: [1.10, 1.0, 0x10, 1e3, 007, 1_000, on, no, ~x, 2024-10-01, 123456789012345678901234567890, .5e1x, 'y']\n";
    let tags: Vec<String> = read(text.as_bytes()).images.iter().map(|listed| listed.reference.to_string()).collect();
    let want =
        ["1.10", "1.0", "0x10", "1e3", "007", "1_000", "on", "no", "2024-10-01", "123456789012345678901234567890", "y"];
    assert_eq!(tags, want.map(|tag| format!("r.example.com:5000/a/b:{tag}")));
    assert_eq!(read(text.as_bytes()).faults.len(), 2, "what is no tag at all");
    let pod = |image: &str| format!("kind: Pod\nspec: {{containers: [{{image: {image}}}]}}\n");
    assert_eq!(names(&pod("1.10")), ["docker.io/library/1.10:latest"]);
    assert_eq!(names(&pod("on")), ["docker.io/library/on:latest"]);
    assert_eq!(
        names("{\"images\": [\"a:1.10\", \"\\u0062:2\"]}"),
        ["docker.io/library/a:1.10", "docker.io/library/b:2"]
    );
}

#[test]
fn hosts_with_ports_and_addresses_are_hosts() {
    let text = "[::1]:5000/a:1\n[fd00::1]/b/c:2\nlocalhost:5000/d\nr.example:443/e:1\n10.0.0.1:80/f:1\n";
    let want = ["[::1]:5000/a:1", "[fd00::1]/b/c:2", "localhost:5000/d:latest", "r.example/e:1", "10.0.0.1:80/f:1"];
    assert_eq!(names(text), want);
    assert_eq!(names("- '[::1]:5000/a:1'\n"), ["[::1]:5000/a:1"]);
    let upper = format!("a@sha256:{}\n", "A".repeat(64));
    assert!(fault(upper.as_bytes()).starts_with("1: "), "a digest is in lower case");
}

#[test]
fn aliases_stand_for_what_they_name_and_for_no_more_than_can_be_held() {
    assert_eq!(names("x: &x nginx:1\nservices: {a: {image: *x}, b: {image: *x}}\n").len(), 2);
    let mut bomb = String::from("a: &a [x, x, x, x, x, x, x, x, x]\n");
    for (name, before) in ('b'..='i').zip('a'..) {
        let nine = vec![format!("*{before}"); 9].join(", ");
        writeln!(bomb, "{name}: &{name} [{nine}]").expect("a text");
    }
    assert!(!fault(bomb.as_bytes()).is_empty());
    let many = format!("a: &a nginx\nimages: [{}]\n", "*a, ".repeat(200_000));
    assert!(!fault(many.as_bytes()).is_empty());
    for text in ["a: &a [*a]\n", "a: *b\n", "&a a: *a\n"] {
        drop(read(text.as_bytes()));
    }
}

#[test]
fn what_is_too_deep_or_too_much_is_refused() {
    for deep in ["[".repeat(100_000), "{a: ".repeat(100_000), "- ".repeat(100_000), "? ".repeat(50_000)] {
        assert!(!fault(deep.as_bytes()).is_empty());
    }
    let stairs: String = (0..2_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    assert!(!fault(stairs.as_bytes()).is_empty());
    let wide = format!("images: [{}]\n", "a,".repeat(1_500_000));
    assert!(!fault(wide.as_bytes()).is_empty());
    let long = vec![b'a'; usize::try_from(MAX_LIST).expect("a length") + 1];
    assert!(fault(&long).contains("64 MiB"));
    let one_line = vec![b'a'; 10 << 20];
    assert!(fault(&one_line).len() < 1_000, "what is wrong is not shown for ever");
}

#[test]
fn what_is_no_text_is_said_to_be_none() {
    for (bytes, said) in [
        (&b"a\0b\n"[..], "NUL"),
        (b"\x1f\x8b\x08\0", "helm template"),
        (b"\x28\xb5\x2f\xfd\0", "zstd"),
        (b"<!DOCTYPE html>\n<html>", "HTML"),
        (b"a:1\n\xff\n", "line 2"),
        (b"\xff\xfea", ""),
        (b"", "nothing"),
        (b"\xef\xbb\xbf", "nothing"),
        (b"# only\n\n# comments\n", "nothing"),
        (b"---\n---\n", "nothing"),
    ] {
        assert!(fault(bytes).contains(said), "{}: {}", String::from_utf8_lossy(bytes), fault(bytes));
    }
    let mut tar = vec![0; 1024];
    tar[257..262].copy_from_slice(b"ustar");
    assert!(fault(&tar).contains("a tar"));
}

#[test]
fn keys_that_are_there_twice_are_refused_but_where_kubernetes_takes_them() {
    for text in [
        "services: {a: {image: x}}\nservices: {b: {image: y}}\n",
        "{\"bundleLock\": 1, \"images\": [], \"images\": []}",
        "kind: ImagesLock\napiVersion: imgpkg.carvel.dev/v1alpha1\nimages:\n- image: a\n  image: b\n",
    ] {
        assert!(fault(text.as_bytes()).contains("twice"), "{text}");
    }
    let pod = "kind: Pod\nmetadata: {labels: {a: 1, a: 2}}\nspec: {containers: [{image: a, image: b}]}\n";
    assert_eq!(names(pod).len(), 2, "both may run");
}

#[test]
fn formats_in_one_text_are_read_each_by_itself_and_faults_of_all_are_said() {
    let text = "kind: Pod\nspec: {containers: [{image: a:1}]}\n---\nservices: {x: {image: b:2}}\n---\n- c:3\n---\nr.example.com: {images: {d: ['4']}}\n";
    assert_eq!(names(text).len(), 4);
    let list =
        read(b"kind: Pod\nspec: {containers: [{image: A/b:1}]}\n---\nservices: {x: {image: '${B}'}}\n---\nx: y\n");
    assert_eq!(list.faults.iter().map(|fault| fault.line).collect::<Vec<_>>(), [2, 4, 6]);
    for text in ["nginx\n\tbusybox\n", "nginx:1 \r\n\t\r\nbusybox\t# x\r\n"] {
        assert_eq!(names(text).len(), 2, "{text:?}");
    }
    assert_eq!(read(b"nginx latest\nok:1\n").faults[0].line, 1);
}

#[test]
fn files_that_were_put_together_bring_their_marks_and_line_ends_along() {
    let pod = |image: &str| format!("\u{feff}kind: Pod\r\nspec: {{containers: [{{image: {image}}}]}}\r\n");
    assert_eq!(names(&format!("{}---\r\n{}", pod("a:1"), pod("b:2"))).len(), 2);
    assert_eq!(names("\u{feff}a:1\r\n\u{feff}b:2\r\n").len(), 2);
}

#[test]
fn one_line_that_looks_like_a_document_hides_no_other_that_is_wrong() {
    let lines = |text: &str| -> Vec<usize> { read(text.as_bytes()).faults.iter().map(|fault| fault.line).collect() };
    assert_eq!(lines("a:1\nb:1\n nginx : 1\nc:1\nUPPER/d\nd:1\n{{ .x }}\n"), [3, 5, 7]);
    assert_eq!(lines("image: a\nb:1\nc:1\nd:!\ne:1\nf:1\n"), [1, 4]);
    assert_eq!(lines("- a:1\nb:1\nc:1\n"), [1]);
}

#[test]
fn what_a_merge_brings_gives_way_to_what_stands_beside_it() {
    let text = "x-base: &base {image: 'base:1', restart: always}\nservices:\n  a:\n    <<: *base\n  b:\n    <<: *base\n    image: own:2\n  c:\n    image: own:3\n    <<: [*base]\n";
    assert_eq!(names(text), ["base:1", "own:2", "own:3"].map(|name| format!("docker.io/library/{name}")));
}

#[test]
fn what_cannot_be_read_hides_nothing_else_that_is_wrong() {
    let lines = |text: &str| -> Vec<usize> { read(text.as_bytes()).faults.iter().map(|fault| fault.line).collect() };
    let pod = |image: &str| format!("kind: Pod\nspec:\n  containers:\n  - image: {image}\n---\n");
    // Three lines of a document, and one that parts it from the next.
    let text = [pod("A/b:1"), pod("{{ .Values.image }}"), pod("ok:1"), pod("b:!"), pod("[")].concat();
    assert_eq!(lines(&text), [4, 9, 19, 24]);
    let template = "kind: List\nitems:\n- {{- if .Values.a }}\n- kind: Pod\n  spec: {containers: [{image: A/b:1}]}\n  other: {{ .Values.b }}\n  more: {{ .Values.c }}\n- kind: X\n  image: \"{{ .Values.image }}:{{ .Values.tag }}\"\n- kind: Pod\n  spec: {containers: [{image: UPPER/c}]}\n{{- end }}\n";
    assert_eq!(lines(template), [3, 5, 9, 11]);
    let broken = "services:\n  a:\n    image: A/b:1\n  b: ]\n  c:\n    image: b:!\n";
    assert_eq!(lines(broken), [3, 4, 6]);
    assert_eq!(lines("services:\r\n  a: {image: '{{ x }}'\r\n---\r\nservices: {b: {image: A/b}}\r\n"), [2, 4]);
    assert_eq!(read(b"x: {{ .Values.x }}\n").faults.len(), 1, "a template is said once");
    let vast = format!("{}\na: [\n", "---\nservices: {a: {image: A/b:1}}\n".repeat(5_000));
    assert_eq!(lines(&vast).len(), 5_001);
}

#[test]
fn tags_of_yaml_and_strange_values_where_a_name_stands_are_faults_and_no_panic() {
    for value in [
        "!!binary bmdpbng=",
        "!x nginx",
        "[a]",
        "{a: b}",
        "!!int x",
        "!!null",
        "\"\\ud83d\\ude00\"",
        ".nan",
        ".inf",
        "1e999",
        "''",
        "|\n    a\n    b",
    ] {
        drop(read(format!("services:\n  a:\n    image: {value}\n").as_bytes()));
        drop(read(format!("kind: ImagesLock\nimages: {value}\n").as_bytes()));
        drop(read(format!("bundleLock: {value}\nimages: {value}\n").as_bytes()));
    }
    assert!(fault(b"{\"bundleLock\": 2, \"images\": []}").contains("version"));
    let two = format!(
        "bundleLock: 1\nimages: [{{name: 'a@sha256:{}', digest: 'sha256:{}'}}]\n",
        "a".repeat(64),
        "b".repeat(64)
    );
    assert!(fault(two.as_bytes()).contains("two digests"));
}

#[test]
fn a_password_in_a_list_is_not_repeated_wherever_it_stands() {
    for text in [
        "u:canary@h.example/x:1\n",
        "https://u:canary@h.example/x:1\n",
        "docker://u:canary@h.example/x\nok:1\n",
        "a=u:canary@h.example/x\nu:canary@h.example/y=b\n",
        "{{ u:canary@h.example/x }}\n",
        "kind: X\nimage: u:canary@h.example/x\n",
        "kind: X\nimage: https://u:canary@h.example/x\n",
        "kind: OCIRepository\nspec: {url: 'https://u:canary@h.example/x'}\n",
        "kind: X\nargs: [u:canary@h.example/x:1]\n",
        "version: 1\nsync: [{source: 'u:canary@h.example', type: registry}]\n",
        "kind: ZarfPackageConfig\ncomponents: [{images: [{name: a, source: 'u:canary@h.example/a'}]}]\n",
        "services: {a: {image: 'u:canary@h.example/x'}}\n",
        "apiVersion: content.hauler.cattle.io/v1\nkind: Charts\nspec: {charts: [{name: 'u:canary@h.example/x', repoURL: 'https://h'}]}\n",
    ] {
        let list = read(text.as_bytes());
        assert!(!format!("{list:?}").contains("canary"), "{text}: {list:?}");
    }
}

#[test]
fn real_lists_that_are_cut_or_changed_anywhere_end_with_names_or_faults() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/lists");
    let mut random = fastrand::Rng::with_seed(17);
    for entry in fs::read_dir(folder).expect("the lists") {
        let path = entry.expect("an entry").path();
        let whole = fs::read(&path).expect("a list");
        for _ in 0..20 {
            let mut bytes = whole[..random.usize(..=whole.len().min(3_000))].to_vec();
            for _ in 0..random.usize(..6) {
                if let Some(at) = bytes.len().checked_sub(1).map(|last| random.usize(..=last)) {
                    match random.u8(..3) {
                        0 => bytes[at] = random.u8(..),
                        1 => drop(bytes.remove(at)),
                        _ => bytes.insert(at, *random.choice(b":-{}[]&*!|>'\"#\n\t @%,?").expect("a sign")),
                    }
                }
            }
            let list = read(&bytes);
            let lines = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
            let names = list.images.iter().map(|listed| (listed.line, listed.reference.to_string()));
            for (line, name) in names {
                assert!(line <= lines && name.parse::<Reference>().is_ok(), "{}: {name}", path.display());
            }
            assert!(list.faults.iter().chain(&list.left).all(|note| note.text.len() < 10_000), "{}", path.display());
        }
    }
}
