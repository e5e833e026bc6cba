//! The program itself, put beside the bundle: the other side may have no way to get it but the drive.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use oci_bundle::{Error, NextStep};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::errors::Failure;
use super::progress::Progress;

/// The program that runs, to be written beside a bundle.
pub(crate) struct Itself {
    program: File,
    to: PathBuf,
}

impl Itself {
    /// Looks before anything is exported whether it can be read, and whether its name beside this bundle is free: a file
    /// of other bytes stays, unless `force` says otherwise.
    pub(crate) fn beside(bundle: &Path, force: bool) -> Result<Self, Failure> {
        // By what runs, and not by its name: that may be another program's by now. Only Linux has this; others have the name.
        let program = match File::open("/proc/self/exe") {
            Ok(program) => program,
            Err(_) => {
                std::env::current_exe().and_then(File::open).map_err(Error::disk("read", "the program itself"))?
            }
        };
        let to = bundle.with_file_name(name());
        let this = Self { program, to };
        if !force && this.to.exists() && !this.is_there().map_err(Error::disk("read", &this.to))? {
            let message = format!("{}: another file has the name that --with-self writes to", this.to.display());
            return Err(Error::Usage { message, next: Some(NextStep::AllowReplacing) }.into());
        }
        Ok(this)
    }

    fn is_there(&self) -> io::Result<bool> {
        let (mut here, mut there) = (self.program.try_clone()?, File::open(&self.to)?);
        if here.metadata()?.len() != there.metadata()?.len() {
            return Ok(false);
        }
        io::Seek::rewind(&mut here)?;
        Ok(hash(&mut here)? == hash(&mut there)?)
    }

    /// Writes it, and beside it a file of its checksum, as `sha256sum --check` reads it.
    pub(crate) fn write(mut self, progress: &Progress) -> Result<(), Failure> {
        let directory = self.to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        io::Seek::rewind(&mut self.program).map_err(Error::disk("write", &self.to))?;
        let hex = place(directory, &self.to, &mut self.program, true).map_err(Error::disk("write", &self.to))?;
        let mut sums = self.to.clone().into_os_string();
        sums.push(".sha256");
        let sums = PathBuf::from(sums);
        let line = format!("{hex}  {}\n", name());
        place(directory, &sums, &mut line.as_bytes(), false).map_err(Error::disk("write", &sums))?;
        progress.say("program", &format!("{}  sha256:{hex}", self.to.display()));
        Ok(())
    }
}

/// Under which the program lies there: several of them, for other machines, may lie side by side.
fn name() -> String {
    format!("bundle-{}-{}-{}", env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH)
}

/// Writes a file whole or not at all, and returns the hash of its bytes.
fn place(directory: &Path, to: &Path, from: &mut dyn Read, executable: bool) -> io::Result<String> {
    let mut file = NamedTempFile::new_in(directory)?;
    let hex = copy(from, file.as_file_mut())?;
    // A drive with FAT has no modes, and keeps what it has.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = if executable { 0o755 } else { 0o644 };
        let _ = fs::set_permissions(file.path(), fs::Permissions::from_mode(mode));
    }
    file.as_file().sync_all()?;
    file.persist(to)?;
    Ok(hex)
}

fn hash(from: &mut dyn Read) -> io::Result<String> {
    copy(from, &mut io::sink())
}

fn copy(from: &mut dyn Read, to: &mut dyn Write) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        hash.update(&buffer[..read]);
        to.write_all(&buffer[..read])?;
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
