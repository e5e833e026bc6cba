//! What stands where in a bundle, as a pure function of its contents.

pub(crate) mod bundle_json;
pub(crate) mod docker_list;
pub(crate) mod entries;
pub(crate) mod header;
pub(crate) mod index_json;
pub(crate) mod inventory;
pub(crate) mod layout;
pub(crate) mod left_out;
pub(crate) mod paths;
pub(crate) mod rooms;
pub(crate) mod table;
pub(crate) mod volume_names;
pub(crate) mod volumes;
