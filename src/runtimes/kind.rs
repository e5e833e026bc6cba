//! kind: containerd's files, mounted into the containers that are its nodes.

use serde_json::json;

use super::containerd::tell_of_ipv6;
use super::hosts_toml::{folder, hosts_toml};
use super::mirror::Mirror;
use super::setup::{Setup, yaml};
use crate::error::Result;

const CERTS_D: &str = "/etc/containerd/certs.d";
/// kind before 0.27 does not set it.
const PATCH: &str = "[plugins.\"io.containerd.grpc.v1.cri\".registry]\n  config_path = \"/etc/containerd/certs.d\"\n";

pub(super) fn setup(mirror: &Mirror) -> Result<Setup> {
    let mut setup = Setup::new(mirror.fallback);
    for source in &mirror.sources {
        let path = format!("certs.d/{}/hosts.toml", folder(&source.host));
        let place = format!("beside kind.yaml; in each node {CERTS_D}/{}/hosts.toml", folder(&source.host));
        setup.add(path, place, hosts_toml(mirror, source, Some("../mirror-ca.crt"), mirror.username.is_some())?);
    }
    if let Some(ca) = mirror.ca() {
        setup.add("certs.d/mirror-ca.crt", format!("beside kind.yaml; in each node {CERTS_D}/mirror-ca.crt"), ca);
    }
    let mount = json!({ "hostPath": "./certs.d", "containerPath": CERTS_D, "readOnly": true });
    let mut cluster = json!({
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "kind": "Cluster",
        "nodes": [{ "role": "control-plane", "extraMounts": [mount] }],
    });
    setup.add("kind.yaml", "kind 0.27 or later: the configuration of the cluster", yaml(&cluster)?);
    cluster["containerdConfigPatches"] = json!([PATCH]);
    setup.add("kind-before-0.27.yaml", "kind before 0.27: in place of kind.yaml", yaml(&cluster)?);
    setup.step(
        "in the folder of kind.yaml: kind create cluster --config kind.yaml; every further node needs the mount too",
    );
    if mirror.username.is_some() {
        setup.step("put the output of `printf %s USER:PASSWORD | base64 -w0` behind Basic in each hosts.toml");
    }
    tell_of_ipv6(mirror, &mut setup);
    Ok(setup)
}
