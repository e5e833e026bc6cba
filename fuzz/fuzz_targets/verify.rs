//! `verify --deep` and `list` of any file: no panic, and nothing is intact that `list` cannot show.
#![no_main]

mod checksums;
mod file;

use std::path::PathBuf;

use libfuzzer_sys::fuzz_target;
use oci_bundle::list::List;
use oci_bundle::store::Quiet;
use oci_bundle::verify::Verify;

fuzz_target!(|bytes: &[u8]| {
    for bytes in [bytes.to_vec(), checksums::with_checksums(bytes)] {
        let (_file, path) = file::file(&bytes);
        let tmpdir = Some(PathBuf::from("/dev/shm"));
        let verify = Verify { deep: true, jobs: 1, tmpdir: tmpdir.clone(), ..Verify::new(&path) };
        let intact = verify.run(&Quiet).is_ok_and(|verified| verified.kind().is_none());
        let listed = List { bundle: path, expect: Vec::new(), tmpdir }.run(&Quiet);
        assert!(!intact || listed.is_ok(), "{listed:?}");
    }
});
