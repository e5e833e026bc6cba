//! Environment variables, looked up through this so that tests need not change the process's own.

/// Looks up a variable.
pub(crate) type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A variable of this process, if it is set and text.
pub(crate) fn of_process(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
