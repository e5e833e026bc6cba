//! A file of each kind, read to the exact set.

use super::List;

fn read(text: &str) -> List {
    super::read(text.as_bytes())
}

fn names(list: &List) -> Vec<String> {
    list.images.iter().map(|listed| listed.reference.to_string()).collect()
}

fn good(text: &str) -> List {
    let list = read(text);
    assert_eq!(list.faults, [], "{text}");
    list
}

#[test]
fn lines_with_comments_marks_and_mappings_are_names() {
    let text = "\u{feff}# k3s\r\ndocker.io/rancher/mirrored-pause:3.6\r\n\r\nnginx  # the web\r\nquay.io/a/b@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n";
    let list = good(text);
    assert_eq!(list.images[0].line, 2);
    assert_eq!(names(&list)[..2], ["docker.io/rancher/mirrored-pause:3.6", "docker.io/library/nginx:latest"]);
    let list = good("docker://quay.io/a/b:1=docker://mirror.example/x/b:1\nquay.io/c:2=mirror/c:2\n");
    assert_eq!(names(&list), ["quay.io/a/b:1", "quay.io/c:2"]);
    let utf16: Vec<u8> =
        [0xff, 0xfe].into_iter().chain("nginx\r\n".encode_utf16().flat_map(u16::to_le_bytes)).collect();
    assert_eq!(names(&super::read(&utf16)), ["docker.io/library/nginx:latest"]);
}

#[test]
fn everything_wrong_is_said_at_once_with_its_line() {
    let list = read("nginx\nUPPER/case\n{{ .Values.image }}\nbusybox:${TAG}\nok:1\n");
    assert_eq!(list.faults.iter().map(|fault| fault.line).collect::<Vec<_>>(), [2, 3, 4]);
    assert!(list.faults[1].text.contains("helm template"), "{:?}", list.faults);
    assert!(list.faults[2].text.contains("docker compose config"), "{:?}", list.faults);
    for bytes in [&b"\x00\x01"[..], b"a\n\xff\xfe\n", b"<html><body>log in</body></html>"] {
        assert!(!super::read(bytes).faults.is_empty(), "{bytes:?}");
    }
    let list = read("kind: Pod\nspec:\n  containers:\n  - image: {{ .Values.image }}\n");
    assert_eq!(list.faults[0].line, 4, "{:?}", list.faults);
}

#[test]
fn what_kubernetes_runs_is_found_wherever_it_stands() {
    let list = good(
        r#"
apiVersion: v1
kind: List
items:
- kind: Pod
  spec:
    initContainers: [{name: i, image: "init:1"}]
    containers:
    - name: a
      image: quay.io/a/b:1.30
      args: ["--sidecar=quay.io/a/sidecar:2", "--x"]
      env: [{name: I, value: gcr.io/e/f:3}]
    ephemeralContainers: [{image: debug}]
    volumes:
    - image: {reference: quay.io/vol/data:1}
    - configMap: {name: x}
---
apiVersion: batch/v1
kind: CronJob
metadata: {annotations: {image: "not.taken/x:1"}}
spec: {jobTemplate: {spec: {template: {spec: {containers: [{image: job:1}]}}}}}
---
kind: ConfigMap
data: {x: "use ghcr.io/m/n:4 please"}
---
apiVersion: example.com/v1
kind: Prometheus
spec: {image: "quay.io/prometheus/prometheus:v3"}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
spec: {url: "oci://ghcr.io/org/manifests", ref: {tag: "6.1"}}
"#,
    );
    assert_eq!(
        names(&list),
        [
            "docker.io/library/init:1",
            "quay.io/a/b:1.30",
            "docker.io/library/debug:latest",
            "quay.io/vol/data:1",
            "docker.io/library/job:1",
            "quay.io/prometheus/prometheus:v3",
            "ghcr.io/org/manifests:6.1",
        ]
    );
    let maybe: Vec<&str> = list.maybe.iter().map(|note| note.text.as_str()).collect();
    assert_eq!(maybe, ["quay.io/a/sidecar:2", "gcr.io/e/f:3", "ghcr.io/m/n:4"]);
    assert_eq!(list.images[1].line, 10);
}

#[test]
fn haulers_images_and_charts_in_registries_are_read_and_the_rest_is_named() {
    let list = good(
        "apiVersion: content.hauler.cattle.io/v1\nkind: Images\nmetadata:\n  annotations:\n    hauler.dev/registry: reg.example\n    hauler.dev/platform: linux/amd64\nspec:\n  images:\n  - name: busybox:1\n  - name: ghcr.io/a/b:2\n    platform: linux/arm64\n---\napiVersion: content.hauler.cattle.io/v1\nkind: Charts\nspec:\n  charts:\n  - {name: loki, repoURL: 'oci://ghcr.io/charts', version: 1.0.0+a}\n  - {name: rancher, repoURL: 'https://x.example', version: 2}\n---\napiVersion: content.hauler.cattle.io/v1\nkind: Files\nspec: {}\n",
    );
    assert_eq!(names(&list), ["reg.example/busybox:1", "ghcr.io/a/b:2", "ghcr.io/charts/loki:1.0.0_a"]);
    assert_eq!(list.images[1].platforms, ["linux/arm64"]);
    assert_eq!(list.left.len(), 2, "{:?}", list.left);
}

#[test]
fn what_skopeo_syncs_is_tags_digests_and_conditions() {
    let list = good(
        "registry.example.com:\n  images:\n    busybox: []\n    redis: [\"1.0\", 2.0, 1.30]\n    r/d: [sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855]\n  images-by-tag-regex:\n    nginx: ^1\\.13\\.[12]-alpine$\n  credentials: {username: u, password: canary}\nquay.io:\n  tls-verify: false\n  images-by-semver: {a/b: '>= 3.12'}\n",
    );
    assert_eq!(
        names(&list)[..3],
        ["redis:1.0", "redis:2.0", "redis:1.30"].map(|n| format!("registry.example.com/{n}"))
    );
    assert_eq!(list.repositories.len(), 3);
    assert_eq!(list.repositories[1].allow, ["^1\\.13\\.[12]-alpine$"]);
    assert_eq!(list.repositories[2].versions, [">= 3.12"]);
    assert!(!format!("{list:?}").contains("canary"), "no credentials are read from a list");
}

#[test]
fn packages_sets_locks_and_steps_are_read() {
    let list = good(
        "kind: ZarfPackageConfig\ncomponents:\n- name: a\n  images: [nginx:1, {name: 'ghcr.io/x/y:2', source: 'm.example/y:2'}]\n  repos: [x]\n",
    );
    assert_eq!(names(&list), ["docker.io/library/nginx:1", "ghcr.io/x/y:2"]);
    assert_eq!(list.images[1].source.as_ref().map(ToString::to_string).as_deref(), Some("m.example/y:2"));
    let list = good(
        "kind: ImageSetConfiguration\napiVersion: mirror.openshift.io/v2alpha1\nmirror:\n  operators: []\n  additionalImages:\n  - name: registry.redhat.io/ubi9/ubi:latest\n    targetRepo: x\n  blockedImages: [{name: '.*x.*'}]\n",
    );
    assert_eq!((list.images.len(), list.blocked.len(), list.left.len()), (1, 1, 2));
    let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let list = good(&format!(
        "apiVersion: imgpkg.carvel.dev/v1alpha1\nkind: ImagesLock\nimages:\n- image: index.docker.io/library/nginx@sha256:{hex}\n  annotations: {{kbld.carvel.dev/id: 'nginx:1.14'}}\n"
    ));
    assert_eq!(names(&list), [format!("docker.io/library/nginx:1.14@sha256:{hex}")]);
    let list = good(&format!(
        "apiVersion: v0\nkind: ImagesLock\nimages:\n- name: a\n  image: docker.io/bitnami/a:1\n  digests: [{{digest: 'sha256:{hex}', arch: linux/amd64}}]\n"
    ));
    assert_eq!(list.images[0].platforms, ["linux/amd64"]);
    let list = good(
        "version: 1\ncreds: []\nsync:\n- {source: 'busybox:1', target: x, type: image}\n- source: alpine\n  type: repository\n  tags: {allow: ['3.*'], deny: ['.*-rc'], semverRange: ['>=3']}\n",
    );
    assert_eq!((list.images.len(), list.repositories.len()), (1, 1));
    assert_eq!(list.repositories[0].versions, [">=3"]);
    let list = good(
        "version: 1\nsync:\n- {source: a, type: repository, platform: linux/arm64, tags: {allow: '1.*', semverRange: '>=3'}}\n- {source: 'b:1', type: image, platforms: [linux/amd64, linux/arm64]}\n",
    );
    let tags = &list.repositories[0];
    assert_eq!((tags.allow.len(), tags.versions.len()), (1, 1), "one alone need not be in a list");
    assert_eq!((&tags.platforms[..], list.images[0].platforms.len()), (&["linux/arm64".to_owned()][..], 2));
    assert_eq!(read("version: 1\nsync: [{source: '{{ .x }}', type: image}]\n").faults.len(), 1);
}

#[test]
fn a_chart_and_a_compose_file_name_their_images() {
    let list = good(
        "apiVersion: v2\nname: c\nversion: 1.0.0\nannotations:\n  helm.sh/images: |\n    - name: a\n      image: docker.io/a/b:1\n    - image: quay.io/c:2\n",
    );
    assert_eq!(names(&list), ["docker.io/a/b:1", "quay.io/c:2"]);
    assert_eq!(list.images[0].line, 6, "the line of the item");
    assert_eq!(good("apiVersion: v2\nname: c\nversion: 1.0.0\n").left.len(), 1);
    let list = good("services:\n  web:\n    image: nginx:1\n  own:\n    build: .\n");
    assert_eq!((names(&list), list.left.len()), (vec!["docker.io/library/nginx:1".to_owned()], 1));
    assert_eq!(read("services:\n  web:\n    image: nginx:${TAG}\n").faults[0].line, 3);
}
