//! Where docker and podman keep credentials, in the order in which they are looked for.

use std::path::{Path, PathBuf};

use crate::registry::wire::env::Env;

/// podman's two files and docker's, as far as their directories are known.
pub(super) fn current_files(env: Env<'_>) -> Vec<PathBuf> {
    let runtime = set(env, "XDG_RUNTIME_DIR").map(|runtime| Path::new(&runtime).join("containers"));
    let runtime =
        runtime.or_else(|| Some(Path::new("/run/containers").join(rustix::process::geteuid().as_raw().to_string())));
    let config = set(env, "XDG_CONFIG_HOME").map(PathBuf::from).or_else(|| below_home(env, ".config"));
    let files = [
        runtime.map(|directory| directory.join("auth.json")),
        config.map(|directory| directory.join("containers/auth.json")),
        docker_config(env),
    ];
    files.into_iter().flatten().collect()
}

/// docker's configuration.
pub(super) fn docker_config(env: Env<'_>) -> Option<PathBuf> {
    let folder = set(env, "DOCKER_CONFIG").map(PathBuf::from).or_else(|| below_home(env, ".docker"));
    folder.map(|folder| folder.join("config.json"))
}

/// What docker wrote before it had one.
pub(super) fn dockercfg(env: Env<'_>) -> Option<PathBuf> {
    below_home(env, ".dockercfg")
}

fn set(env: Env<'_>, name: &str) -> Option<String> {
    env(name).filter(|value| !value.is_empty())
}

fn below_home(env: Env<'_>, below: &str) -> Option<PathBuf> {
    set(env, "HOME").map(|home| Path::new(&home).join(below))
}
