//! `Runtime`: what pulls images on the nodes of a site.

use std::fmt;
use std::str::FromStr;

use crate::oci::Invalid;

/// What pulls images on nodes, or what sets up the nodes that do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Runtime {
    /// containerd 1.6, 1.7 and 2.x, through its CRI plugin.
    Containerd,
    /// CRI-O.
    CriO,
    /// Docker Engine.
    Docker,
    /// Amazon EKS Anywhere.
    EksAnywhere,
    /// Google Distributed Cloud on bare metal, Anthos before.
    Gdc,
    /// k3s.
    K3s,
    /// kind: clusters in containers.
    Kind,
    /// nerdctl.
    Nerdctl,
    /// OpenShift 4.13 or later.
    OpenShift,
    /// podman, buildah and skopeo.
    Podman,
    /// Clusters of RKE2 and k3s that Rancher makes.
    Rancher,
    /// RKE2.
    Rke2,
    /// Talos Linux.
    Talos,
}

impl Runtime {
    /// All of them, by name.
    pub const ALL: [Self; 13] = [
        Self::Containerd,
        Self::CriO,
        Self::Docker,
        Self::EksAnywhere,
        Self::Gdc,
        Self::K3s,
        Self::Kind,
        Self::Nerdctl,
        Self::OpenShift,
        Self::Podman,
        Self::Rancher,
        Self::Rke2,
        Self::Talos,
    ];

    /// As it is typed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Containerd => "containerd",
            Self::CriO => "cri-o",
            Self::Docker => "docker",
            Self::EksAnywhere => "eks-anywhere",
            Self::Gdc => "gdc",
            Self::K3s => "k3s",
            Self::Kind => "kind",
            Self::Nerdctl => "nerdctl",
            Self::OpenShift => "openshift",
            Self::Podman => "podman",
            Self::Rancher => "rancher",
            Self::Rke2 => "rke2",
            Self::Talos => "talos",
        }
    }

    /// It asks as containerd does: HEAD for a tag, `?ns=HOST` on every request, one Accept for all types. The others
    /// leave the host of the image away.
    pub(crate) fn asks_like_containerd(self) -> bool {
        !matches!(self, Self::CriO | Self::Docker | Self::OpenShift | Self::Podman)
    }

    /// It asks for a manifest by HEAD first, which says the digest.
    pub(crate) fn asks_by_head(self) -> bool {
        !matches!(self, Self::CriO | Self::OpenShift | Self::Podman)
    }
}

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Runtime {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let name = if text == "anthos" { "gdc" } else { text };
        let found = Self::ALL.into_iter().find(|runtime| runtime.as_str() == name);
        found.ok_or_else(|| Invalid::new(format!("`{}` is no runtime that is known", text.escape_debug())))
    }
}
