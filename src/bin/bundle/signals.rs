//! Signals. To a command that ends by itself, the first asks to stop, and gets a moment; the second
//! stops at once. A server takes its time, and reads everything anew after a hangup.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;

/// Time for workers to stop and for sessions to be closed; a person waits two seconds at most.
const GRACE: Duration = Duration::from_millis(1500);

/// Listens: the number of the first signal goes into `stop`. `leave` comes before an end in the middle
/// of things.
pub(crate) fn listen(stop: Arc<AtomicUsize>, leave: impl Fn() + Send + Sync + 'static) {
    // Without signals there is nothing to listen to, and the work itself is not concerned.
    let Ok(mut signals) = Signals::new([SIGHUP, SIGINT, SIGTERM, SIGXFSZ]) else { return };
    let leave = Arc::new(leave);
    std::thread::spawn(move || {
        for signal in signals.forever() {
            match signal {
                // A file size limit: the write says so itself, as an error with the path.
                SIGXFSZ => {}
                _ if stop.swap(usize::try_from(signal).unwrap_or(1), Ordering::SeqCst) == 0 => {
                    let leave = leave.clone();
                    std::thread::spawn(move || {
                        std::thread::sleep(GRACE);
                        leave();
                        // Whatever still blocks is a wait for the network; everything on disk and
                        // at the registry is made to be left like this.
                        std::process::exit(128 + signal);
                    });
                }
                _ => {
                    leave();
                    std::process::exit(128 + signal);
                }
            }
        }
    });
}

/// Listens for a server: it stops in order, and nothing of it is lost. A second signal does not wait for that.
pub(crate) fn listen_for_server(stop: Arc<AtomicUsize>, reloads: Arc<AtomicUsize>) {
    let Ok(mut signals) = Signals::new([SIGHUP, SIGINT, SIGTERM, SIGXFSZ]) else { return };
    std::thread::spawn(move || {
        for signal in signals.forever() {
            match signal {
                SIGXFSZ => {}
                SIGHUP => drop(reloads.fetch_add(1, Ordering::SeqCst)),
                _ if stop.swap(usize::try_from(signal).unwrap_or(1), Ordering::SeqCst) == 0 => {}
                _ => std::process::exit(128 + signal),
            }
        }
    });
}
