//! What a failing file operation means, and what to do about it.

use std::io;

use rustix::io::Errno;

use super::kind::Kind;
use super::next_step::NextStep;

/// The errors of a process, and of the machine, that has no more open files to give.
const TOO_MANY_OPEN_FILES: [Errno; 2] = [Errno::MFILE, Errno::NFILE];

/// One rule for every path, whatever names it: what is not there was typed wrong, what may not be used
/// needs somebody to allow it, and the rest is the machine's.
pub(super) fn kind_of_io(kind: io::ErrorKind) -> Kind {
    match kind {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Kind::Usage,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Kind::Act,
        _ => Kind::Failed,
    }
}

pub(super) fn step_for_io(error: &io::Error) -> Option<NextStep> {
    if Errno::from_io_error(error).is_some_and(|number| TOO_MANY_OPEN_FILES.contains(&number)) {
        return Some(NextStep::OpenMoreFiles);
    }
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Some(NextStep::CheckPath),
        io::ErrorKind::PermissionDenied => Some(NextStep::GetAccess),
        io::ErrorKind::ReadOnlyFilesystem => Some(NextStep::WriteElsewhere),
        io::ErrorKind::StorageFull => Some(NextStep::FreeRoom),
        io::ErrorKind::FileTooLarge => Some(NextStep::AllowLongerFiles),
        _ => None,
    }
}
