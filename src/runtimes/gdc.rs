//! Google Distributed Cloud on bare metal (Anthos before): `registryMirrors` of the cluster file.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::mirror::Mirror;
use super::setup::{Setup, yaml};
use crate::error::Result;
use crate::oci::Host;

const CA: &str = "/root/mirror-ca.crt";
const CREDENTIALS: &str = "/root/.docker/config.json";

pub(super) fn setup(mirror: &Mirror) -> Result<Setup> {
    // It has no setting for that.
    let mut setup = Setup::new(true);
    // One entry for each place: without its hosts, an entry is for gcr.io alone.
    let mut places: BTreeMap<String, Vec<&Host>> = BTreeMap::new();
    for source in &mirror.sources {
        places.entry(mirror.url(&source.namespace)).or_default().push(&source.host);
    }
    let entry = |(endpoint, hosts): (String, Vec<&Host>)| {
        let mut entry = json!({ "endpoint": endpoint, "hosts": hosts });
        if mirror.ca().is_some() {
            entry["caCertPath"] = CA.into();
        }
        if mirror.username.is_some() {
            entry["pullCredentialConfigPath"] = CREDENTIALS.into();
        }
        entry
    };
    let mirrors: Vec<Value> = places.into_iter().map(entry).collect();
    let place = "admin workstation: at the top of the cluster file, among the keys before its first ---";
    setup.add("registry-mirrors.yaml", place, yaml(&json!({ "registryMirrors": mirrors }))?);
    if let Some(ca) = mirror.ca() {
        setup.add("root/mirror-ca.crt", format!("admin workstation: {CA}"), ca);
    }
    if mirror.username.is_some() {
        setup
            .step(format!("bundle login {} on the admin workstation, which writes {CREDENTIALS}", mirror.location("")));
    }
    setup.step("bmctl update cluster -c CLUSTER --kubeconfig KUBECONFIG");
    setup.note(
        "the nodes fall back to the hosts themselves, and nothing here can stop that: a pull that works proves nothing",
    );
    Ok(setup)
}
