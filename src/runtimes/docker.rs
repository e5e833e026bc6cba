//! Docker Engine. Its containerd image store reads `hosts.toml`; its classic store knows mirrors of Docker Hub alone,
//! whose images lie at the root of the registry.

use serde_json::json;

use super::hosts_toml::{folder, hosts_toml};
use super::mirror::Mirror;
use super::setup::Setup;
use crate::error::{Error, Result};

const CERTS_D: &str = "/etc/docker/certs.d";

pub(super) fn setup(mirror: &Mirror) -> Result<Setup> {
    let mut setup = Setup::new(mirror.fallback);
    let ca = format!("{CERTS_D}/{}/ca.crt", mirror.location(""));
    for source in &mirror.sources {
        let path = format!("{CERTS_D}/{}/hosts.toml", folder(&source.host));
        let place =
            format!("each machine with the containerd image store (Docker 28.5 or later; usual since 29): {path}");
        let text = hosts_toml(mirror, source, Some(&ca), mirror.username.is_some())?;
        setup.add(path.trim_start_matches('/'), place, text);
    }
    if let Some(pem) = mirror.ca() {
        setup.add(ca.trim_start_matches('/'), format!("each machine: {ca}"), pem);
    }
    setup.note(
        "which store a machine has: docker info -f '{{.DriverStatus}}'; containerd's says io.containerd.snapshotter.v1",
    );
    setup.note("the classic store mirrors docker.io alone, and only images at the root of the registry");
    let hub = mirror.sources.iter().find(|source| source.host.is_docker_hub());
    match hub {
        Some(hub) if hub.namespace.is_empty() => {
            let mut settings = json!({ "registry-mirrors": [mirror.origin()] });
            if mirror.plain_http {
                settings["insecure-registries"] = json!([mirror.location("")]);
            }
            let mut text = serde_json::to_string_pretty(&settings).map_err(|e| Error::content(e.to_string()))?;
            text.push('\n');
            let place = "each machine with the classic store: merge it into /etc/docker/daemon.json";
            setup.add("etc/docker/daemon.json", place, text);
            setup.falls_back = true;
            setup.note(
                "with daemon.json Docker falls back to docker.io whatever it says: a pull that works proves nothing",
            );
            setup.note("with daemon.json the mirror gets the credentials of docker.io, and no others");
        }
        Some(_) => setup.note(
            "no daemon.json: docker.io lies below a namespace here, where the classic store does not look; import it \
             without any for that",
        ),
        None => setup.note("no daemon.json: none of these images is of docker.io"),
    }
    setup.step(match setup.files.iter().any(|file| file.path.ends_with(".json")) {
        true => "systemctl restart docker, for daemon.json; hosts.toml is read at each pull",
        false => "nothing to restart: hosts.toml is read at each pull",
    });
    if mirror.username.is_some() {
        setup.step("put the output of `printf %s USER:PASSWORD | base64 -w0` behind Basic in each hosts.toml");
    }
    Ok(setup)
}
