//! podman, buildah, skopeo and CRI-O: one block for each host in a file of `registries.conf.d`
//! (containers-registries.conf(5)).

use serde_json::{Value, json};

use super::mirror::Mirror;
use super::setup::{Setup, toml};
use crate::error::Result;

const DROP_IN: &str = "/etc/containers/registries.conf.d/50-bundle-mirror.conf";
const CRIO_DROP_IN: &str = "/etc/crio/crio.conf.d/50-bundle-mirror.conf";
const CRIO_AUTH: &str = "/etc/crio/mirror-auth.json";

pub(super) fn podman(mirror: &Mirror) -> Result<Setup> {
    let mut setup = common(mirror, "podman")?;
    setup.step("nothing to restart: podman, buildah and skopeo read it at each call");
    if mirror.username.is_some() {
        setup.step(format!("podman login {}", mirror.location("")));
        setup.note("--creds of podman and skopeo is not sent to a mirror: only the file of credentials is");
    }
    Ok(setup)
}

pub(super) fn cri_o(mirror: &Mirror) -> Result<Setup> {
    let mut setup = common(mirror, "CRI-O")?;
    if mirror.username.is_some() {
        let settings = json!({ "crio": { "image": { "global_auth_file": CRIO_AUTH } } });
        setup.add_on_node(CRIO_DROP_IN, toml(&settings)?);
        setup.step(format!("podman login --authfile {CRIO_AUTH} {}", mirror.location("")));
        setup.step("systemctl restart crio");
    } else {
        setup.step("systemctl reload crio");
    }
    Ok(setup)
}

fn common(mirror: &Mirror, what: &str) -> Result<Setup> {
    mirror.refuse_ipv6(what)?;
    let mut setup = Setup::new(mirror.fallback);
    let mut registries = Vec::new();
    for source in &mirror.sources {
        if source.host.is_ipv6() {
            setup.note(format!("{}: left out: {what} takes no IPv6 address in the name of an image", source.host));
            continue;
        }
        let mut place = json!({ "location": mirror.location(&source.namespace) });
        if mirror.plain_http {
            place["insecure"] = Value::Bool(true);
        }
        let mut registry = json!({ "location": source.host, "mirror": [place] });
        if !mirror.fallback {
            // The host itself is never asked; its mirrors are.
            registry["blocked"] = Value::Bool(true);
        }
        registries.push(registry);
    }
    setup.add_on_node(DROP_IN, toml(&json!({ "registry": registries }))?);
    if let Some(ca) = mirror.ca() {
        setup.add_on_node(&format!("/etc/containers/certs.d/{}/ca.crt", mirror.location("")), ca);
    }
    Ok(setup)
}
