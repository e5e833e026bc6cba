//! The access log of `serve`: one line for each request, on standard error or in a file of its own.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use oci_bundle::{Error, Event, Result, Watch};

use super::progress::Progress;
use super::text::escaped;

/// Watches a server: what it answers goes to the log, everything else to the person who started it.
pub(crate) struct Logging {
    progress: Arc<Progress>,
    file: Option<LogFile>,
}

/// A file that may be moved away by whoever keeps logs short, and is begun anew after a hangup.
struct LogFile {
    path: PathBuf,
    /// The file, and how often it was to be begun anew when it was opened.
    open: Mutex<(File, usize)>,
    /// That it cannot be written was said.
    is_broken: AtomicBool,
}

impl Logging {
    /// With this file, or without one.
    ///
    /// # Errors
    /// It cannot be opened.
    pub(crate) fn new(progress: Arc<Progress>, path: Option<PathBuf>) -> Result<Self> {
        let open = |path: PathBuf| -> Result<LogFile> {
            let file = opened(&path)?;
            Ok(LogFile { path, open: Mutex::new((file, 0)), is_broken: AtomicBool::new(false) })
        };
        Ok(Self { progress, file: path.map(open).transpose()? })
    }
}

fn opened(path: &PathBuf) -> Result<File> {
    OpenOptions::new().append(true).create(true).open(path).map_err(Error::disk("open", path))
}

impl LogFile {
    fn write(&self, line: &str, reloads: usize) -> Result<()> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.1 != reloads {
            *open = (opened(&self.path)?, reloads);
        }
        open.0.write_all(format!("{line}\n").as_bytes()).map_err(Error::disk("write", &self.path))
    }
}

impl Watch for Logging {
    fn on(&self, event: Event<'_>) {
        let Event::Served { client, method, target, status, bytes, took, agent } = event else {
            return self.progress.on(event);
        };
        let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ");
        let took = took.as_secs_f64();
        let line = format!("{now} {client} \"{method} {target}\" {status} {bytes} {took:.3} \"{agent}\"");
        let line = escaped(&line);
        match &self.file {
            None => self.progress.note("request", &line),
            Some(file) => match file.write(&line, self.progress.reloads().load(Ordering::Relaxed)) {
                Ok(()) => file.is_broken.store(false, Ordering::Relaxed),
                // Once, until it works again: the images are served all the same.
                Err(error) if !file.is_broken.swap(true, Ordering::Relaxed) => {
                    self.progress.on(Event::Warning { message: &error.to_string() });
                }
                Err(_) => {}
            },
        }
    }

    fn reloads(&self) -> usize {
        self.progress.as_ref().reloads().load(Ordering::Relaxed)
    }

    fn stopped(&self) -> Option<i32> {
        self.progress.stopped()
    }
}
