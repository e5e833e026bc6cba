//! `verify --deep` and `list` of any file: no panic, and nothing is intact that `list` cannot show.

use std::path::PathBuf;

use super::{checksums, file};
use crate::Quiet;
use crate::list::List;
use crate::verify::Verify;

pub fn check(bytes: &[u8]) {
    for bytes in [bytes.to_vec(), checksums::with_checksums(bytes)] {
        let (_file, path) = file::file(&bytes);
        let tmpdir = Some(PathBuf::from("/dev/shm"));
        let verify = Verify::new([path.clone()]).deep(true).jobs(1).tmpdir(tmpdir.clone());
        let intact = verify.run(&Quiet).iter().all(|one| one.as_ref().is_ok_and(|verified| verified.kind().is_none()));
        let listed = List::new([path]).tmpdir(tmpdir).run(&Quiet);
        assert!(!intact || listed.iter().all(Result::is_ok), "{listed:?}");
    }
}
