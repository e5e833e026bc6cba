//! OpenShift: an ImageDigestMirrorSet for what is pinned, an ImageTagMirrorSet for what is not, and a ConfigMap for the
//! authority (`openshift/api` config/v1).

use serde_json::{Value, json};

use super::mirror::Mirror;
use super::setup::{Setup, yaml};
use crate::error::Result;

const NAME: &str = "bundle-mirror";
const CA: &str = "bundle-mirror-ca";

pub(super) fn setup(mirror: &Mirror) -> Result<Setup> {
    mirror.refuse_ipv6("OpenShift")?;
    let mut setup = Setup::new(mirror.fallback);
    let policy = if mirror.fallback { "AllowContactingSource" } else { "NeverContactSource" };
    let mut sources: Vec<Value> = Vec::new();
    for source in &mirror.sources {
        if source.host.is_ipv6() {
            setup.note(format!("{}: left out: OpenShift takes no IPv6 address here", source.host));
            continue;
        }
        let place = mirror.location(&source.namespace);
        sources.push(json!({ "source": source.host, "mirrors": [place], "mirrorSourcePolicy": policy }));
    }
    for (kind, list, file) in [
        ("ImageDigestMirrorSet", "imageDigestMirrors", "idms.yaml"),
        ("ImageTagMirrorSet", "imageTagMirrors", "itms.yaml"),
    ] {
        let set = json!({
            "apiVersion": "config.openshift.io/v1",
            "kind": kind,
            "metadata": { "name": NAME },
            "spec": { list: sources },
        });
        setup.add(file, "the cluster: oc apply -f", yaml(&set)?);
    }
    if let Some(ca) = mirror.ca() {
        // A key of a ConfigMap has no colon.
        let key = mirror.location("").replace(':', "..");
        let map = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": { "name": CA, "namespace": "openshift-config" },
            "data": { key: ca },
        });
        setup.add("ca.yaml", "the cluster: oc apply -f", yaml(&map)?);
        setup.step("oc apply -f ca.yaml");
        setup.step(patch(&json!({ "spec": { "additionalTrustedCA": { "name": CA } } })));
    }
    if mirror.plain_http {
        let insecure = json!({ "spec": { "registrySources": { "insecureRegistries": [mirror.location("")] } } });
        setup.step(patch(&insecure));
    }
    if mirror.username.is_some() {
        setup.step(format!(
            "add {} to the secret openshift-config/pull-secret, and keep what is in it: oc extract, then oc set data",
            mirror.location("")
        ));
    }
    setup.step("oc apply -f idms.yaml: no node restarts when it is new");
    setup
        .step("oc apply -f itms.yaml: every node is drained and restarted, as it is when either is changed or deleted");
    Ok(setup)
}

fn patch(change: &Value) -> String {
    format!("oc patch image.config.openshift.io/cluster --type merge -p '{change}'")
}
