//! How the nodes of a site are told to use a registry as a mirror: from hosts and names to the files of each runtime.
//!
//! Pure: nothing is read, written or asked. `docs/mirrors.md` says for each runtime what these files do, where they
//! go, and what the runtime cannot do. The files are written by serialisers, so a name is quoted where it must be.

mod containerd;
mod containers_image;
mod docker;
mod eks_anywhere;
mod gdc;
mod hosts_toml;
mod kind;
mod mirror;
mod openshift;
mod rancher;
mod runtime;
mod setup;
mod talos;
#[cfg(test)]
mod tests;

pub(crate) use mirror::{Mirror, Mirrored};
pub use runtime::Runtime;
pub(crate) use setup::{NodeFile, Setup};

use crate::error::Result;

/// What a runtime needs.
///
/// # Errors
/// It cannot use this mirror at all.
pub(crate) fn setup(runtime: Runtime, mirror: &Mirror) -> Result<Setup> {
    match runtime {
        Runtime::Containerd => containerd::setup(mirror),
        Runtime::CriO => containers_image::cri_o(mirror),
        Runtime::Docker => docker::setup(mirror),
        Runtime::EksAnywhere => eks_anywhere::setup(mirror),
        Runtime::Gdc => gdc::setup(mirror),
        Runtime::K3s => rancher::k3s(mirror),
        Runtime::Kind => kind::setup(mirror),
        Runtime::Nerdctl => containerd::nerdctl(mirror),
        Runtime::OpenShift => openshift::setup(mirror),
        Runtime::Podman => containers_image::podman(mirror),
        Runtime::Rancher => rancher::rancher(mirror),
        Runtime::Rke2 => rancher::rke2(mirror),
        Runtime::Talos => talos::setup(mirror),
    }
}
