//! Amazon EKS Anywhere: `registryMirrorConfiguration` of the cluster.

use serde_json::{Value, json};

use super::mirror::Mirror;
use super::setup::{PASSWORD, Setup, quoted, yaml};
use crate::error::{Error, NextStep, Result};

/// An entry for it is mandatory: the parts of the cluster itself come from there.
const OWN: &str = "public.ecr.aws";

pub(super) fn setup(mirror: &Mirror) -> Result<Setup> {
    if mirror.plain_http {
        let message = format!("{}: EKS Anywhere speaks to no mirror over http", mirror.host);
        return Err(Error::Usage { message, next: Some(NextStep::GiveMirrorTls) });
    }
    // Nothing says that it stops there.
    let mut setup = Setup::new(true);
    let (endpoint, port) = mirror.host.split_port();
    let entry = |host: &str, namespace: &str| json!({ "registry": host, "namespace": namespace });
    let mut namespaces: Vec<Value> =
        mirror.sources.iter().map(|source| entry(source.host.as_str(), &source.namespace)).collect();
    if !mirror.sources.iter().any(|source| source.host.as_str() == OWN) {
        let usual = mirror.sources.first().map_or("", |source| &source.namespace);
        namespaces.push(entry(OWN, usual));
        setup.note(format!(
            "EKS Anywhere refuses a mirror without {OWN}: no image of it is among these; bring its own first"
        ));
    }
    let mut settings = json!({
        "endpoint": endpoint,
        "port": port.unwrap_or(443).to_string(),
        "ociNamespaces": namespaces,
    });
    if let Some(ca) = mirror.ca() {
        settings["caCertContent"] = ca.into();
    }
    if mirror.username.is_some() {
        settings["authenticate"] = Value::Bool(true);
    }
    let place = "admin machine: merge it into the Cluster of the cluster file (anywhere.eks.amazonaws.com/v1alpha1)";
    setup.add("cluster.yaml", place, yaml(&json!({ "spec": { "registryMirrorConfiguration": settings } }))?);
    if let Some(username) = &mirror.username {
        setup.step(format!("export REGISTRY_USERNAME={} REGISTRY_PASSWORD={PASSWORD}", quoted(username)));
    }
    setup.step("eksctl anywhere create cluster -f FILE, or upgrade cluster -f FILE");
    setup.note("whether nodes fall back to the hosts themselves is not settled here: a pull that works proves nothing");
    Ok(setup)
}
