//! containerd and nerdctl: a `hosts.toml` for each host, and the setting that makes CRI read them.

use serde_json::{Value, json};

use super::hosts_toml::{folder, hosts_toml};
use super::mirror::Mirror;
use super::setup::{PASSWORD, Setup, toml};
use crate::error::Result;

const CERTS_D: &str = "/etc/containerd/certs.d";
const CA: &str = "/etc/containerd/mirror-ca.crt";

pub(super) fn setup(mirror: &Mirror) -> Result<Setup> {
    let mut setup = Setup::new(mirror.fallback);
    for source in &mirror.sources {
        let path = format!("{CERTS_D}/{}/hosts.toml", folder(&source.host));
        setup.add_on_node(&path, hosts_toml(mirror, source, Some(CA), false)?);
    }
    if let Some(ca) = mirror.ca() {
        setup.add_on_node(CA, ca);
    }
    for (line, version, table) in [("1.x", 2, "io.containerd.grpc.v1.cri"), ("2.x", 3, "io.containerd.cri.v1.images")] {
        let place = format!("each node with containerd {line}: merge it into /etc/containerd/config.toml");
        setup.add(format!("etc/containerd/config-{line}.toml"), place, toml(&config(mirror, version, table))?);
    }
    setup.step("systemctl restart containerd, once, for config.toml; hosts.toml is read at each pull");
    setup.note(
        "config_path is one folder, and stands beside no `registry.mirrors` and no `configs.….tls`: CRI does not start \
         with both",
    );
    tell_of_login(mirror, &mut setup);
    tell_of_ipv6(mirror, &mut setup);
    Ok(setup)
}

pub(super) fn nerdctl(mirror: &Mirror) -> Result<Setup> {
    let mut setup = Setup::new(mirror.fallback);
    let rootless = "~/.config/containerd/certs.d without root";
    // From its own folder, so that it holds for both places.
    let ca = "../mirror-ca.crt";
    for source in &mirror.sources {
        let path = format!("certs.d/{}/hosts.toml", folder(&source.host));
        let place = format!("each machine: /etc/containerd/{path}; {rootless}");
        setup.add(path, place, hosts_toml(mirror, source, Some(ca), false)?);
    }
    if let Some(pem) = mirror.ca() {
        let path = "certs.d/mirror-ca.crt";
        setup.add(path, format!("each machine: /etc/containerd/{path}; {rootless}"), pem);
    }
    setup.step("nothing to restart: hosts.toml is read at each pull");
    if mirror.username.is_some() {
        setup.step(format!("nerdctl login {}", mirror.location("")));
    }
    tell_of_ipv6(mirror, &mut setup);
    Ok(setup)
}

/// What is merged into `config.toml`: a setting in the wrong table is ignored, so each version has its own.
fn config(mirror: &Mirror, version: u8, table: &str) -> Value {
    let mut registry = json!({ "config_path": CERTS_D });
    // With the address of an IPv6 interface as a key, containerd 1.6 and 1.7 do not start.
    if let Some(username) = mirror.username.as_ref().filter(|_| !mirror.host.is_ipv6()) {
        let auth = json!({ "auth": { "username": username, "password": PASSWORD } });
        registry["configs"] = json!({ mirror.location(""): auth });
    }
    json!({ "version": version, "plugins": { table: { "registry": registry } } })
}

fn tell_of_login(mirror: &Mirror, setup: &mut Setup) {
    if mirror.username.is_none() {
        return;
    }
    if mirror.host.is_ipv6() {
        setup.note(
            "no login is written: containerd 1.6 and 1.7 do not start with an IPv6 address there; use pull secrets",
        );
        return;
    }
    setup.step(format!("put the password of the nodes in place of {PASSWORD} in config.toml"));
    setup.note("a pull secret goes before this login, so one for a mirrored host must hold the mirror's password");
}

/// What an address of IPv6 leads to, which the versions read differently.
pub(super) fn tell_of_ipv6(mirror: &Mirror, setup: &mut Setup) {
    if mirror.host.is_ipv6() && mirror.fallback {
        setup.note(
            "containerd before 2.0 does not read an IPv6 address there, and asks the hosts themselves: use a name",
        );
    }
    if mirror.sources.iter().any(|source| source.host.is_ipv6()) {
        setup.note("containerd 1.6 takes no IPv6 address in the name of an image");
    }
}
