//! Each file, read back by a parser of its language, against what the runtime's documentation asks for.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;

const PEM: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
const PEM_BASE64: &str = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCkFBQUEKLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo=";

fn mirror(host: &str, sources: &[(&str, &str)]) -> Mirror {
    let one = |(host, namespace): &(&str, &str)| Mirrored {
        host: host.parse().expect("a host"),
        namespace: (*namespace).to_owned(),
    };
    Mirror {
        host: host.parse().expect("a host"),
        plain_http: false,
        sources: sources.iter().map(one).collect(),
        fallback: false,
        ca: None,
        username: None,
    }
}

/// The one of the field's script: `https://172.18.0.20/v2/library`.
fn usual() -> Mirror {
    mirror("172.18.0.20", &[("docker.io", "library"), ("gcr.io", "library"), ("r.example:5000", "library")])
}

/// All that a file may have to hold.
fn full() -> Mirror {
    Mirror { ca: Some(PEM.into()), username: Some("node".into()), ..usual() }
}

/// The files by path, as values.
fn parsed(runtime: Runtime, mirror: &Mirror) -> BTreeMap<String, Value> {
    let files = setup(runtime, mirror).expect("files").files;
    files.into_iter().map(|file| (file.path.clone(), value(&file))).collect()
}

fn value(file: &NodeFile) -> Value {
    let is_yaml = file.path.ends_with(".yaml");
    if is_yaml {
        let documents: Vec<Value> =
            file.text.split("\n---\n").map(|text| serde_saphyr::from_str(text).expect("YAML")).collect();
        return if documents.len() == 1 { documents[0].clone() } else { Value::Array(documents) };
    }
    if file.path.ends_with(".toml") || file.path.ends_with(".conf") {
        return ::toml::from_str(&file.text).expect("TOML");
    }
    if file.path.ends_with(".json") {
        return serde_json::from_str(&file.text).expect("JSON");
    }
    Value::String(file.text.clone())
}

fn closed(ca: Option<&str>) -> Value {
    let mut hosts = json!({
        "server": "https://172.18.0.20/v2/library",
        "capabilities": ["pull", "resolve"],
        "override_path": true,
        "host": {},
    });
    if let Some(ca) = ca {
        hosts["ca"] = ca.into();
    }
    hosts
}

#[test]
fn containerd_has_a_file_for_each_host_and_a_setting_for_each_line_of_versions() {
    let files = parsed(Runtime::Containerd, &usual());
    let paths: Vec<&str> = files.keys().map(String::as_str).collect();
    let hosts =
        ["docker.io", "gcr.io", "r.example_5000_"].map(|host| format!("etc/containerd/certs.d/{host}/hosts.toml"));
    let configs = ["etc/containerd/config-1.x.toml", "etc/containerd/config-2.x.toml"];
    assert_eq!(paths, hosts.iter().map(String::as_str).chain(configs).collect::<Vec<_>>());
    for host in &hosts {
        assert_eq!(files[host], closed(None), "{host}");
    }
    let registry = json!({ "registry": { "config_path": "/etc/containerd/certs.d" } });
    let one = json!({ "version": 2, "plugins": { "io.containerd.grpc.v1.cri": registry } });
    let two = json!({ "version": 3, "plugins": { "io.containerd.cri.v1.images": registry } });
    assert_eq!([&files[configs[0]], &files[configs[1]]], [&one, &two]);
}

#[test]
fn hosts_toml_ends_in_the_empty_table_that_old_containerd_asks_for() {
    let files = setup(Runtime::Containerd, &full()).expect("files").files;
    let text = &files[0].text;
    let want = "server = \"https://172.18.0.20/v2/library\"\ncapabilities = [\"pull\", \"resolve\"]\n\
        ca = \"/etc/containerd/mirror-ca.crt\"\noverride_path = true\n\n[host]\n";
    assert_eq!(text, want);
}

#[test]
fn with_fallback_the_host_itself_is_the_server() {
    let files = parsed(Runtime::Containerd, &Mirror { fallback: true, ..full() });
    for (folder, server) in [
        ("gcr.io", "https://gcr.io"),
        ("docker.io", "https://registry-1.docker.io"),
        ("r.example_5000_", "https://r.example:5000"),
    ] {
        let keys = json!({
            "capabilities": ["pull", "resolve"],
            "ca": "/etc/containerd/mirror-ca.crt",
            "override_path": true,
        });
        let want = json!({ "server": server, "host": { "https://172.18.0.20/v2/library": keys } });
        assert_eq!(files[&format!("etc/containerd/certs.d/{folder}/hosts.toml")], want);
    }
    let auth = json!({ "172.18.0.20": { "auth": { "username": "node", "password": "PASSWORD" } } });
    let registry = &files["etc/containerd/config-2.x.toml"]["plugins"]["io.containerd.cri.v1.images"]["registry"];
    assert_eq!(registry["configs"], auth);
    assert_eq!(files["etc/containerd/mirror-ca.crt"], PEM);
}

#[test]
fn without_a_namespace_there_is_no_path_to_override() {
    let mirror = Mirror { plain_http: true, ca: Some(PEM.into()), ..mirror("172.18.0.20:5000", &[("gcr.io", "")]) };
    let files = parsed(Runtime::Containerd, &mirror);
    let want = json!({ "server": "http://172.18.0.20:5000", "capabilities": ["pull", "resolve"], "host": {} });
    assert_eq!(files["etc/containerd/certs.d/gcr.io/hosts.toml"], want);
    assert!(!files.contains_key("etc/containerd/mirror-ca.crt"), "http checks no certificate");
}

#[test]
fn an_ipv6_address_is_written_where_it_is_read_and_refused_where_it_is_not() {
    let six = Mirror { username: Some("node".into()), ..mirror("[fd00::20]", &[("gcr.io", "library")]) };
    let files = parsed(Runtime::Containerd, &six);
    assert_eq!(files["etc/containerd/certs.d/gcr.io/hosts.toml"]["server"], "https://[fd00::20]/v2/library");
    let config = &files["etc/containerd/config-1.x.toml"]["plugins"]["io.containerd.grpc.v1.cri"]["registry"];
    assert_eq!(config["configs"], Value::Null, "1.6 and 1.7 would not start");
    for runtime in [Runtime::CriO, Runtime::Podman, Runtime::OpenShift] {
        let error = setup(runtime, &six).expect_err("no IPv6 there").to_string();
        assert!(error.contains("[fd00::20]"), "{error}");
    }
    let named = mirror("m.example", &[("[fd00::1]:5000", "library"), ("gcr.io", "library")]);
    let files = parsed(Runtime::Containerd, &named);
    assert!(files.contains_key("etc/containerd/certs.d/[fd00::1]_5000_/hosts.toml"), "{files:?}");
    let podman = parsed(Runtime::Podman, &named);
    let registries = &podman["etc/containers/registries.conf.d/50-bundle-mirror.conf"]["registry"];
    assert_eq!(registries.as_array().map(Vec::len), Some(1));
}

#[test]
fn podman_and_cri_o_block_the_host_and_name_the_mirror_without_scheme_and_version() {
    let path = "etc/containers/registries.conf.d/50-bundle-mirror.conf";
    let block =
        |host: &str| json!({ "location": host, "blocked": true, "mirror": [{ "location": "172.18.0.20/library" }] });
    let want = json!({ "registry": [block("docker.io"), block("gcr.io"), block("r.example:5000")] });
    for runtime in [Runtime::Podman, Runtime::CriO] {
        let files = parsed(runtime, &full());
        assert_eq!(files[path], want, "{runtime}");
        assert_eq!(files["etc/containers/certs.d/172.18.0.20/ca.crt"], PEM);
        let open = parsed(runtime, &Mirror { fallback: true, plain_http: true, ..usual() });
        let first = &open[path]["registry"][1];
        let mirror = json!([{ "location": "172.18.0.20/library", "insecure": true }]);
        assert_eq!(*first, json!({ "location": "gcr.io", "mirror": mirror }), "{runtime}");
    }
    let crio = parsed(Runtime::CriO, &full());
    let auth = json!({ "crio": { "image": { "global_auth_file": "/etc/crio/mirror-auth.json" } } });
    assert_eq!(crio["etc/crio/crio.conf.d/50-bundle-mirror.conf"], auth);
}

#[test]
fn docker_has_daemon_json_only_for_images_of_docker_hub_at_the_root() {
    let path = "etc/docker/daemon.json";
    let below = setup(Runtime::Docker, &full()).expect("files");
    assert!(below.files.iter().all(|file| file.path != path) && !below.falls_back, "{below:?}");
    let mut hosts = closed(Some("/etc/docker/certs.d/172.18.0.20/ca.crt"));
    hosts["header"] = json!({ "Authorization": "Basic BASE64 OF node:PASSWORD" });
    assert_eq!(parsed(Runtime::Docker, &full())["etc/docker/certs.d/gcr.io/hosts.toml"], hosts);
    let root = mirror("172.18.0.20", &[("docker.io", ""), ("gcr.io", "")]);
    assert_eq!(parsed(Runtime::Docker, &root)[path], json!({ "registry-mirrors": ["https://172.18.0.20"] }));
    assert!(setup(Runtime::Docker, &root).expect("files").falls_back, "and it says so");
    let plain = Mirror { plain_http: true, ..mirror("172.18.0.20:5000", &[("docker.io", "")]) };
    let want = json!({
        "registry-mirrors": ["http://172.18.0.20:5000"],
        "insecure-registries": ["172.18.0.20:5000"],
    });
    assert_eq!(parsed(Runtime::Docker, &plain)[path], want);
    let others = mirror("172.18.0.20", &[("gcr.io", "")]);
    assert!(!parsed(Runtime::Docker, &others).contains_key(path));
}

#[test]
fn k3s_rke2_and_rancher_name_the_endpoint_with_its_version() {
    let endpoint = json!({ "endpoint": ["https://172.18.0.20/v2/library"] });
    let mirrors = json!({ "docker.io": endpoint, "gcr.io": endpoint, "r.example:5000": endpoint });
    let off = json!({ "disable-default-registry-endpoint": true });
    for (runtime, name) in [(Runtime::K3s, "k3s"), (Runtime::Rke2, "rke2")] {
        let (registries, config) = (
            format!("etc/rancher/{name}/registries.yaml"),
            format!("etc/rancher/{name}/config.yaml.d/50-bundle-mirror.yaml"),
        );
        let usual = parsed(runtime, &usual());
        assert_eq!((&usual[&registries], &usual[&config]), (&json!({ "mirrors": mirrors }), &off));
        let full = parsed(runtime, &Mirror { fallback: true, ..full() });
        let login = json!({ "username": "node", "password": "PASSWORD" });
        let of_mirror = json!({ "auth": login, "tls": { "ca_file": "/etc/rancher/mirror-ca.crt" } });
        let want = json!({ "mirrors": mirrors, "configs": { "172.18.0.20": of_mirror } });
        assert_eq!(full[&registries], want);
        assert_eq!(full["etc/rancher/mirror-ca.crt"], PEM);
        assert!(!full.contains_key(&config), "with fallback nothing is switched off");
    }
    let rancher = &parsed(Runtime::Rancher, &full())["cluster.yaml"]["spec"]["rkeConfig"];
    let of_mirror = json!({ "authConfigSecretName": "mirror-login", "caBundle": PEM_BASE64 });
    let registries = json!({ "mirrors": mirrors, "configs": { "172.18.0.20": of_mirror } });
    assert_eq!(*rancher, json!({ "machineGlobalConfig": off, "registries": registries }));
}

#[test]
fn gdc_has_one_entry_for_each_place_with_the_hosts_that_lie_there() {
    let apart = mirror("172.18.0.20", &[("gcr.io", "library"), ("k8s.gcr.io", "library"), ("quay.io", "q")]);
    let mirrors = parsed(Runtime::Gdc, &Mirror { ca: Some(PEM.into()), username: Some("node".into()), ..apart });
    let entry = |endpoint: &str, hosts: &[&str]| {
        json!({
            "endpoint": endpoint,
            "hosts": hosts,
            "caCertPath": "/root/mirror-ca.crt",
            "pullCredentialConfigPath": "/root/.docker/config.json",
        })
    };
    let want = [
        entry("https://172.18.0.20/v2/library", &["gcr.io", "k8s.gcr.io"]),
        entry("https://172.18.0.20/v2/q", &["quay.io"]),
    ];
    assert_eq!(mirrors["registry-mirrors.yaml"], json!({ "registryMirrors": want }));
    assert!(setup(Runtime::Gdc, &usual()).expect("files").falls_back, "it cannot be told otherwise");
}

#[test]
fn eks_anywhere_has_host_port_and_bare_namespaces_and_the_entry_that_it_insists_on() {
    let settings = parsed(Runtime::EksAnywhere, &full());
    let namespaces: Vec<Value> = ["docker.io", "gcr.io", "r.example:5000", "public.ecr.aws"]
        .iter()
        .map(|host| json!({ "registry": host, "namespace": "library" }))
        .collect();
    let want = json!({
        "endpoint": "172.18.0.20",
        "port": "443",
        "ociNamespaces": namespaces,
        "caCertContent": PEM,
        "authenticate": true,
    });
    assert_eq!(settings["cluster.yaml"]["spec"]["registryMirrorConfiguration"], want);
    assert!(setup(Runtime::EksAnywhere, &Mirror { plain_http: true, ..usual() }).is_err());
}

#[test]
fn openshift_has_a_set_for_digests_and_one_for_tags_and_never_contacts_the_source() {
    let at_port = Mirror { ca: Some(PEM.into()), ..mirror("m.example:8443", &[("gcr.io", "library")]) };
    for (fallback, policy) in [(false, "NeverContactSource"), (true, "AllowContactingSource")] {
        let files = parsed(Runtime::OpenShift, &Mirror { fallback, ..at_port.clone() });
        let one = json!({ "source": "gcr.io", "mirrors": ["m.example:8443/library"], "mirrorSourcePolicy": policy });
        for (file, kind, list) in [
            ("idms.yaml", "ImageDigestMirrorSet", "imageDigestMirrors"),
            ("itms.yaml", "ImageTagMirrorSet", "imageTagMirrors"),
        ] {
            let want = json!({
                "apiVersion": "config.openshift.io/v1",
                "kind": kind,
                "metadata": { "name": "bundle-mirror" },
                "spec": { list: [one] },
            });
            assert_eq!(files[file], want);
        }
        assert_eq!(files["ca.yaml"]["data"], json!({ "m.example:8443".replace(':', ".."): PEM }));
    }
}

#[test]
fn talos_has_documents_since_1_12_and_a_part_of_the_machine_before() {
    let files = parsed(Runtime::Talos, &Mirror { sources: usual().sources[1..2].to_vec(), ..full() });
    let document = |kind: &str, name: &str, rest: Value| {
        let mut one = json!({ "apiVersion": "v1alpha1", "kind": kind, "name": name });
        for (key, value) in rest.as_object().into_iter().flatten() {
            one[key] = value.clone();
        }
        one
    };
    let endpoint = json!({ "url": "https://172.18.0.20/v2/library", "overridePath": true });
    let want = json!([
        document("RegistryMirrorConfig", "gcr.io", json!({ "endpoints": [endpoint], "skipFallback": true })),
        document("RegistryTLSConfig", "172.18.0.20", json!({ "ca": PEM })),
        document("RegistryAuthConfig", "172.18.0.20", json!({ "username": "node", "password": "PASSWORD" })),
    ]);
    assert_eq!(files["talos.yaml"], want);
    let mirror = json!({ "endpoints": ["https://172.18.0.20/v2/library"], "overridePath": true, "skipFallback": true });
    let config = json!({ "tls": { "ca": PEM_BASE64 }, "auth": { "username": "node", "password": "PASSWORD" } });
    let before = json!({ "mirrors": { "gcr.io": mirror }, "config": { "172.18.0.20": config } });
    assert_eq!(files["talos-before-1.12.yaml"], json!({ "machine": { "registries": before } }));
}

#[test]
fn nerdctl_and_kind_have_containerds_files_in_a_folder_that_can_be_moved() {
    for runtime in [Runtime::Nerdctl, Runtime::Kind] {
        let files = parsed(runtime, &Mirror { ca: Some(PEM.into()), ..usual() });
        assert_eq!(files["certs.d/gcr.io/hosts.toml"], closed(Some("../mirror-ca.crt")), "{runtime}");
        assert_eq!(files["certs.d/mirror-ca.crt"], PEM);
    }
    let files = parsed(Runtime::Kind, &usual());
    let mount = json!({ "hostPath": "./certs.d", "containerPath": "/etc/containerd/certs.d", "readOnly": true });
    assert_eq!(files["kind.yaml"]["nodes"][0]["extraMounts"], json!([mount]));
    let patch = files["kind-before-0.27.yaml"]["containerdConfigPatches"][0].as_str().expect("a patch");
    let patch: Value = ::toml::from_str(patch).expect("TOML");
    let registry = json!({ "registry": { "config_path": "/etc/containerd/certs.d" } });
    assert_eq!(patch, json!({ "plugins": { "io.containerd.grpc.v1.cri": registry } }));
}

#[test]
fn every_runtime_is_found_by_its_name_and_says_what_to_do_with_its_files() {
    for runtime in Runtime::ALL {
        assert_eq!(runtime.as_str().parse(), Ok(runtime));
        let setup = setup(runtime, &full()).expect("files");
        assert!(!setup.files.is_empty() && !setup.steps.is_empty(), "{runtime}");
        assert!(setup.files.iter().all(|file| !file.place.is_empty() && !file.path.starts_with('/')), "{setup:?}");
    }
    assert_eq!("anthos".parse(), Ok(Runtime::Gdc));
    assert!("dockerd".parse::<Runtime>().is_err());
}
