//! k3s and RKE2: `registries.yaml`, from which they write containerd's files; and the same in a cluster that Rancher
//! makes.

use serde_json::{Map, Value, json};

use super::mirror::Mirror;
use super::setup::{PASSWORD, Setup, quoted, yaml};
use crate::error::Result;

const CA: &str = "/etc/rancher/mirror-ca.crt";
const LOGIN: &str = "mirror-login";
/// Without it, the host itself is asked where the mirror does not do.
const NO_FALLBACK: &str = "disable-default-registry-endpoint";

pub(super) fn k3s(mirror: &Mirror) -> Result<Setup> {
    on_nodes(mirror, "k3s", "systemctl restart k3s on servers, k3s-agent on agents")
}

pub(super) fn rke2(mirror: &Mirror) -> Result<Setup> {
    on_nodes(mirror, "rke2", "systemctl restart rke2-server on servers, rke2-agent on agents")
}

fn on_nodes(mirror: &Mirror, name: &str, restart: &str) -> Result<Setup> {
    let mut setup = Setup::new(mirror.fallback);
    let mut registries = json!({ "mirrors": mirrors(mirror) });
    let mut config = Map::new();
    if let Some(username) = &mirror.username {
        config.insert("auth".into(), json!({ "username": username, "password": PASSWORD }));
    }
    if mirror.ca().is_some() {
        config.insert("tls".into(), json!({ "ca_file": CA }));
    }
    if !config.is_empty() {
        registries["configs"] = json!({ mirror.location(""): config });
    }
    setup.add_on_node(&format!("/etc/rancher/{name}/registries.yaml"), yaml(&registries)?);
    if !mirror.fallback {
        let path = format!("/etc/rancher/{name}/config.yaml.d/50-bundle-mirror.yaml");
        setup.add_on_node(&path, yaml(&json!({ NO_FALLBACK: true }))?);
        setup.note(format!("{NO_FALLBACK} is for the hosts that are listed here; others are asked as before"));
    }
    if let Some(ca) = mirror.ca() {
        setup.add_on_node(CA, ca);
    }
    if mirror.username.is_some() {
        setup.step(format!("put the password of the nodes in place of {PASSWORD} in registries.yaml"));
    }
    setup.step(restart);
    setup.note("where the mirror fails and others may be asked, the error that is shown is theirs");
    Ok(setup)
}

pub(super) fn rancher(mirror: &Mirror) -> Result<Setup> {
    let mut setup = Setup::new(mirror.fallback);
    let mut registries = json!({ "mirrors": mirrors(mirror) });
    let mut config = Map::new();
    if mirror.username.is_some() {
        config.insert("authConfigSecretName".into(), LOGIN.into());
    }
    if let Some(ca) = mirror.ca() {
        config.insert("caBundle".into(), data_encoding::BASE64.encode(ca.as_bytes()).into());
    }
    if !config.is_empty() {
        registries["configs"] = json!({ mirror.location(""): config });
    }
    let mut rke = json!({ "registries": registries });
    if !mirror.fallback {
        rke["machineGlobalConfig"] = json!({ NO_FALLBACK: true });
    }
    let place = "Rancher: merge it into the cluster (provisioning.cattle.io/v1 Cluster)";
    setup.add("cluster.yaml", place, yaml(&json!({ "spec": { "rkeConfig": rke } }))?);
    if let Some(username) = &mirror.username {
        setup.step(format!(
            "kubectl -n fleet-default create secret generic {LOGIN} --type=kubernetes.io/basic-auth \
             --from-literal=username={} --from-literal=password={PASSWORD}",
            quoted(username)
        ));
    }
    setup.step("Rancher restarts RKE2 or k3s on each node once the cluster is changed");
    Ok(setup)
}

/// An endpoint with a path of its own gets `override_path` from k3s and RKE2; a rewrite besides would double the path.
fn mirrors(mirror: &Mirror) -> Value {
    let one =
        |source: &super::Mirrored| (source.host.to_string(), json!({ "endpoint": [mirror.url(&source.namespace)] }));
    Value::Object(mirror.sources.iter().map(one).collect())
}
