//! Talos Linux: documents of their own since 1.12, `machine.registries` before.

use serde_json::{Map, Value, json};

use super::mirror::Mirror;
use super::setup::{PASSWORD, Setup, yaml};
use crate::error::Result;

pub(super) fn setup(mirror: &Mirror) -> Result<Setup> {
    let mut setup = Setup::new(mirror.fallback);
    let documents: Vec<String> = documents(mirror).iter().map(yaml).collect::<Result<_>>()?;
    setup.add("talos.yaml", "Talos 1.12 or later: a patch of the machine configuration", documents.join("---\n"));
    let place = "Talos before 1.12: in place of talos.yaml";
    setup.add("talos-before-1.12.yaml", place, yaml(&before(mirror))?);
    if mirror.username.is_some() {
        setup.step(format!("put the password of the nodes in place of {PASSWORD}"));
    }
    setup.step("talosctl patch machineconfig --nodes NODES --patch @talos.yaml");
    if mirror.username.is_some() {
        setup.step("before 1.12, another login needs a reboot of each node");
    }
    Ok(setup)
}

fn documents(mirror: &Mirror) -> Vec<Value> {
    let document = |kind: &str, name: &str| json!({ "apiVersion": "v1alpha1", "kind": kind, "name": name });
    let mut documents = Vec::new();
    for source in &mirror.sources {
        let mut one = document("RegistryMirrorConfig", source.host.as_str());
        one["endpoints"] = json!([endpoint(mirror, &source.namespace)]);
        one["skipFallback"] = Value::Bool(!mirror.fallback);
        documents.push(one);
    }
    let name = mirror.location("");
    if let Some(ca) = mirror.ca() {
        let mut one = document("RegistryTLSConfig", &name);
        one["ca"] = ca.into();
        documents.push(one);
    }
    if let Some(username) = &mirror.username {
        let mut one = document("RegistryAuthConfig", &name);
        one["username"] = username.as_str().into();
        one["password"] = PASSWORD.into();
        documents.push(one);
    }
    documents
}

fn endpoint(mirror: &Mirror, namespace: &str) -> Value {
    let mut endpoint = json!({ "url": mirror.url(namespace) });
    if !namespace.is_empty() {
        endpoint["overridePath"] = Value::Bool(true);
    }
    endpoint
}

fn before(mirror: &Mirror) -> Value {
    let mut mirrors = Map::new();
    for source in &mirror.sources {
        let mut one = json!({ "endpoints": [mirror.url(&source.namespace)], "skipFallback": !mirror.fallback });
        if !source.namespace.is_empty() {
            one["overridePath"] = Value::Bool(true);
        }
        mirrors.insert(source.host.to_string(), one);
    }
    let mut registries = json!({ "mirrors": mirrors });
    let mut config = Map::new();
    if let Some(ca) = mirror.ca() {
        config.insert("tls".into(), json!({ "ca": data_encoding::BASE64.encode(ca.as_bytes()) }));
    }
    if let Some(username) = &mirror.username {
        config.insert("auth".into(), json!({ "username": username, "password": PASSWORD }));
    }
    if !config.is_empty() {
        registries["config"] = json!({ mirror.location(""): config });
    }
    json!({ "machine": { "registries": registries } })
}
