//! One host at both ends: a blob is read from where it is sent to.
#![allow(clippy::unwrap_used)]

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::*;
use crate::error::Result;
use crate::oci::{Descriptor, Digest, Repository};
use crate::store::{Content, Quiet, Source};

/// Far longer than four small blobs take on any machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Gives the same blob to whoever asks, and takes any.
fn serve(blob: Arc<Vec<u8>>, taken: Arc<Mutex<Vec<Vec<u8>>>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (blob, taken) = (blob.clone(), taken.clone());
            thread::spawn(move || answer(&stream, &blob, &taken));
        }
    });
    host
}

fn answer(stream: &TcpStream, blob: &[u8], taken: &Mutex<Vec<Vec<u8>>>) -> io::Result<()> {
    let (mut reader, mut writer) = (BufReader::new(stream), stream);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let mut length = 0;
        loop {
            let mut header = String::new();
            reader.read_line(&mut header)?;
            if header == "\r\n" {
                break;
            }
            if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let (status, location, body) = match line.split_once(' ').unwrap() {
            ("GET", rest) if rest.contains("/blobs/") => ("200 OK", "", blob),
            ("POST", _) => ("202 Accepted", "Location: /v2/to/blobs/uploads/1\r\n", &[][..]),
            ("PUT", _) => {
                taken.lock().unwrap().push(body);
                ("201 Created", "", &[][..])
            }
            _ => ("200 OK", "", &[][..]),
        };
        write!(writer, "HTTP/1.1 {status}\r\n{location}Content-Length: {}\r\n\r\n", body.len())?;
        writer.write_all(body)?;
    }
}

/// Opened at the registry by the first read, as content on its way is.
struct Through<'a> {
    registries: &'a Registries,
    from: Repository,
    descriptor: &'a Descriptor,
    body: Option<Box<dyn Read + Send + 'a>>,
}

impl Read for Through<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.body.is_none() {
            let place = self.registries.place(&self.from);
            self.body = Some(self.registries.open(place, self.descriptor, 0)?);
        }
        self.body.as_mut().unwrap().read(buffer)
    }
}

impl Content for Through<'_> {
    fn seek_to(&mut self, _: u64) -> Result<()> {
        self.body = None;
        Ok(())
    }
}

#[test]
fn content_goes_from_a_host_to_the_same_host_with_as_many_jobs_as_there_are() {
    for jobs in [1, 2] {
        let blob = Arc::new(vec![7; 300_000]);
        let taken = Arc::new(Mutex::new(Vec::new()));
        let host = serve(blob.clone(), taken.clone());
        let (done, finished) = mpsc::channel();
        thread::spawn(move || {
            let options = RegistryOptions { jobs, plain_http: PlainHttp::All, ..RegistryOptions::default() };
            let registries = Registries::new(options, Arc::new(Quiet)).unwrap();
            let repository = |path: &str| Repository::new(host.parse().unwrap(), path).unwrap();
            let descriptor = Descriptor::new("x/y".into(), Digest::sha256(&blob), blob.len() as u64);
            thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        let (registries, descriptor) = (&registries, &descriptor);
                        let mut content = Through { registries, from: repository("from"), descriptor, body: None };
                        registries.upload(&repository("to"), descriptor, &mut content).unwrap();
                    });
                }
            });
            done.send(()).unwrap();
        });
        assert_eq!(finished.recv_timeout(PATIENCE), Ok(()), "with {jobs} at once they wait for each other");
        let taken = taken.lock().unwrap();
        assert!(taken.len() == 4 && taken.iter().all(|body| body.len() == 300_000), "{}", taken.len());
    }
}
