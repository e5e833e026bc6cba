//! The images of `fixtures/`. What each is for stands in `fixtures/README.md`.
//!
//! The documents are written as text, in the different shapes that real tools give them (compact,
//! indented by three, without `mediaType`, with keys nobody knows): whoever parses and re-serialises
//! one of them changes its digest.

use std::fs;
use std::path::Path;

use super::layout::{Blob, Layer, Layout};

const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

#[derive(Clone, Copy)]
struct On {
    os: &'static str,
    arch: &'static str,
    variant: Option<&'static str>,
    version: Option<&'static str>,
}

const AMD64: On = On { os: "linux", arch: "amd64", variant: None, version: None };
const ARM64: On = On { arch: "arm64", ..AMD64 };
const ARM: On = On { arch: "arm", variant: Some("v7"), ..AMD64 };
const S390X: On = On { arch: "s390x", ..AMD64 };
const PPC64LE: On = On { arch: "ppc64le", ..AMD64 };
const WINDOWS: On = On { os: "windows", version: Some("10.0.17763.6893"), ..AMD64 };
const UNKNOWN: On = On { os: "unknown", arch: "unknown", ..AMD64 };

impl On {
    /// The keys that a platform and a config have in common.
    fn keys(self) -> String {
        let mut keys = format!(r#""architecture":"{}","os":"{}""#, self.arch, self.os);
        if let Some(version) = self.version {
            keys.push_str(&format!(r#","os.version":"{version}""#));
        }
        if let Some(variant) = self.variant {
            keys.push_str(&format!(r#","variant":"{variant}""#));
        }
        keys
    }

    fn platform(self) -> String {
        format!(r#","platform":{{{}}}"#, self.keys())
    }

    fn name(self) -> String {
        format!("{}/{}", self.os, self.arch)
    }
}

/// Writes `images/` and `schema1.json` into this directory. What is not of it is taken out.
pub fn write(dir: &Path) {
    let images = dir.join("images");
    if images.exists() {
        fs::remove_dir_all(&images).expect("the old images taken out");
    }
    let mut layout = Layout::new(&images);
    pause(&mut layout);
    app(&mut layout);
    web(&mut layout);
    tool(&mut layout);
    legacy(&mut layout);
    chart(&mut layout);
    layout.finish();
    fs::write(dir.join("schema1.json"), SCHEMA1).expect("schema1.json");
}

fn pause(layout: &mut Layout) {
    let mut children = Vec::new();
    for on in [AMD64, ARM64, ARM, S390X] {
        let layer = layout.layer(&[("pause", &format!("pause for {}\n", on.name()))]);
        let config = config(layout, on, "/pause", &[&layer]);
        let manifest = format!(
            r#"{{
   "schemaVersion": 2,
   "mediaType": "{DOCKER_MANIFEST}",
   "config": {},
   "layers": [
      {}
   ]
}}"#,
            config.descriptor(DOCKER_CONFIG, ""),
            layer.blob.descriptor(DOCKER_LAYER, ""),
        );
        children.push(layout.put(manifest).descriptor(DOCKER_MANIFEST, &on.platform()));
    }
    let list = format!(
        "{{\n   \"schemaVersion\": 2,\n   \"mediaType\": \"{DOCKER_LIST}\",\n   \"manifests\": [\n      {}\n   ]\n}}",
        children.join(",\n      ")
    );
    let list = layout.put(list);
    layout.name("gcr.io/google-containers/pause:latest", DOCKER_LIST, &list);
}

fn app(layout: &mut Layout) {
    let image = |on: On| {
        let own = layout.layer(&[("app/", ""), ("app/app.conf", &format!("listen 8080\nbuilt-for {}\n", on.name()))]);
        oci(layout, on, "/app/run", &[&base(layout, on), &own])
    };
    let amd64 = image(AMD64);
    let nested = [amd64.descriptor(MANIFEST, &AMD64.platform()), image(ARM64).descriptor(MANIFEST, &ARM64.platform())];
    let nested = layout.put(index(&nested, ""));
    let statement = format!(
        r#"{{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"https://slsa.dev/provenance/v0.2","subject":[{{"name":"app","digest":{{"sha256":"{}"}}}}],"predicate":{{}}}}"#,
        &amd64.digest["sha256:".len()..]
    );
    let statement = layout.put(statement);
    let diff = format!(
        r#"{{{},"config":{{}},"rootfs":{{"type":"layers","diff_ids":["{}"]}}}}"#,
        UNKNOWN.keys(),
        statement.digest
    );
    let layer = statement
        .descriptor("application/vnd.in-toto+json", r#","annotations":{"in-toto.io/predicate-type":"provenance"}"#);
    let attestation = layout.put(manifest(&layout.put(diff).descriptor(CONFIG, ""), &[layer], ""));
    let about = format!(
        r#","annotations":{{"vnd.docker.reference.digest":"{}","vnd.docker.reference.type":"attestation-manifest"}}{}"#,
        amd64.digest,
        UNKNOWN.platform()
    );
    let children = [
        nested.descriptor(INDEX, ""),
        image(ARM).descriptor(MANIFEST, &ARM.platform()),
        image(PPC64LE).descriptor(MANIFEST, &PPC64LE.platform()),
        image(WINDOWS).descriptor(MANIFEST, &WINDOWS.platform()),
        attestation.descriptor(MANIFEST, &about),
    ];
    let root = layout.put(index(&children, r#","annotations":{"org.opencontainers.image.version":"1.4"}"#));
    layout.name("quay.io/org/app:1.4", INDEX, &root);
}

fn web(layout: &mut Layout) {
    let mut children = Vec::new();
    for on in [AMD64, ARM64, ARM, PPC64LE] {
        // Without a word on the platform: the same blob for all four.
        let own = layout.layer(&[("srv/", ""), ("srv/index.html", "<!doctype html><title>web</title>\n")]);
        let image = oci(layout, on, "/srv/run", &[&base(layout, on), &own]);
        children.push(image.descriptor(MANIFEST, &on.platform()));
    }
    // A key that no specification knows has to travel too.
    let root = layout.put(index(&children, r#","x-build":{"id":42,"flags":["a","b"]}"#));
    layout.name("quay.io/org/web:2", INDEX, &root);
}

fn tool(layout: &mut Layout) {
    let (base, own) = (base(layout, AMD64), layout.layer(&[("tool.txt", "tool 2.0\n")]));
    let config = config(layout, AMD64, "/tool", &[&base, &own]).descriptor(CONFIG, "");
    let layers = [base.blob.descriptor(LAYER, ""), own.blob.descriptor(LAYER, "")].join(",");
    // OCI allows a manifest that does not state its own type.
    let manifest = layout.put(format!(r#"{{"schemaVersion":2,"config":{config},"layers":[{layers}]}}"#));
    layout.name("gcr.io/org/tool:2.0", MANIFEST, &manifest);
}

fn legacy(layout: &mut Layout) {
    let (base, own) = (base(layout, AMD64), layout.layer(&[("legacy.txt", "from before OCI\n")]));
    let config = config(layout, AMD64, "/legacy", &[&base, &own]).descriptor(DOCKER_CONFIG, "");
    let layers = [base.blob.descriptor(DOCKER_LAYER, ""), own.blob.descriptor(DOCKER_LAYER, "")].join(",\n      ");
    let manifest = layout.put(format!(
        "{{\n   \"schemaVersion\": 2,\n   \"mediaType\": \"{DOCKER_MANIFEST}\",\n   \"config\": {config},\n   \"layers\": [\n      {layers}\n   ]\n}}\n"
    ));
    layout.name("docker.io/library/legacy:1", DOCKER_MANIFEST, &manifest);
}

fn chart(layout: &mut Layout) {
    let config = layout.put(r#"{"name":"chart","version":"0.1","apiVersion":"v2","description":"a chart"}"#);
    let content = layout.layer(&[("chart/", ""), ("chart/Chart.yaml", "apiVersion: v2\nname: chart\nversion: 0.1\n")]);
    let layers = [
        content.blob.descriptor("application/vnd.cncf.helm.chart.content.v1.tar+gzip", ""),
        layout.put("provenance of the chart\n").descriptor("application/vnd.cncf.helm.chart.provenance.v1.prov", ""),
        layout.put(b"\x00\x01\x02\xff").descriptor("application/x.example.unheard-of", ""),
    ];
    let config = config.descriptor("application/vnd.cncf.helm.config.v1+json", "");
    let manifest =
        layout.put(manifest(&config, &layers, r#","annotations":{"org.opencontainers.image.title":"chart"}"#));
    layout.name("quay.io/org/chart:0.1", MANIFEST, &manifest);
}

/// The layer that the images of one platform have in common.
fn base(layout: &Layout, on: On) -> Layer {
    let release = format!("ID=fixture\nPRETTY_NAME=\"Fixture for {}\"\n", on.name());
    if on.os == "windows" {
        return layout.layer(&[("Files/", ""), ("Files/License.txt", &release)]);
    }
    let words: String = (1..=150).map(|n| format!("{n} bottles of {} on the wall\n", on.arch)).collect();
    layout.layer(&[
        ("etc/", ""),
        ("etc/os-release", &release),
        ("etc/passwd", "root:x:0:0:root:/root:/bin/false\n"),
        ("usr/", ""),
        ("usr/share/", ""),
        ("usr/share/words", &words),
    ])
}

fn oci(layout: &Layout, on: On, entry: &str, layers: &[&Layer]) -> Blob {
    let config = config(layout, on, entry, layers).descriptor(CONFIG, "");
    let layers: Vec<String> = layers.iter().map(|layer| layer.blob.descriptor(LAYER, "")).collect();
    layout.put(manifest(&config, &layers, ""))
}

fn config(layout: &Layout, on: On, entry: &str, layers: &[&Layer]) -> Blob {
    let diff_ids: Vec<String> = layers.iter().map(|layer| format!(r#""{}""#, layer.diff_id)).collect();
    let history = vec![r#"{"created":"1970-01-01T00:00:00Z","created_by":"fixtures"}"#; layers.len()].join(",");
    layout.put(format!(
        r#"{{{},"created":"1970-01-01T00:00:00Z","config":{{"Entrypoint":["{entry}"]}},"rootfs":{{"type":"layers","diff_ids":[{}]}},"history":[{history}]}}"#,
        on.keys(),
        diff_ids.join(",")
    ))
}

fn manifest(config: &str, layers: &[String], more: &str) -> String {
    let layers = layers.join(",");
    format!(r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{config},"layers":[{layers}]{more}}}"#)
}

fn index(children: &[String], more: &str) -> String {
    let children = children.join(",");
    format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{children}]{more}}}"#)
}

const SCHEMA1: &str = r#"{
   "schemaVersion": 1,
   "name": "library/ancient",
   "tag": "latest",
   "architecture": "amd64",
   "fsLayers": [
      {
         "blobSum": "sha256:a3ed95caeb02ffe68cdd9fd84406680ae93d633cb16422d00e8a7c22955b46d4"
      }
   ],
   "history": [
      {
         "v1Compatibility": "{\"id\":\"1f2a\",\"created\":\"1970-01-01T00:00:00Z\",\"os\":\"linux\",\"architecture\":\"amd64\"}"
      }
   ],
   "signatures": [
      {
         "header": {
            "jwk": {
               "crv": "P-256",
               "kid": "AAAA:BBBB",
               "kty": "EC",
               "x": "AA",
               "y": "AA"
            },
            "alg": "ES256"
         },
         "signature": "AA",
         "protected": "eyJmb3JtYXRMZW5ndGgiOjB9"
      }
   ]
}
"#;
