//! The lines at the bottom of a terminal that change: drawn below what was printed, and taken away
//! before anything else is.
//!
//! What was printed must survive whatever happens to the window. So no line is longer than the window
//! was when it was drawn, and the terminal is told not to wrap while it is: each line then takes one
//! row at least, and going up by as many rows as there were lines never reaches what is above. After a
//! window was made narrower, a piece of an old line may stay; nothing else is lost.

use std::io::Write as _;

use rustix::termios::tcgetwinsize;

/// Where the terminal does not say.
const USUAL: (usize, usize) = (80, 24);
/// Narrower ones are drawn for as if they were this wide.
const NARROWEST: usize = 20;

/// Lines that are there now.
#[derive(Debug, Default)]
pub(crate) struct Live {
    drawn: usize,
}

impl Live {
    /// Columns that a line may take, and rows of the window.
    pub(crate) fn room() -> (usize, usize) {
        let (columns, rows) = match tcgetwinsize(std::io::stderr()) {
            Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (usize::from(size.ws_col), usize::from(size.ws_row)),
            _ => USUAL,
        };
        // The last column stays free: a character there makes some terminals wrap at the next.
        (columns.max(NARROWEST) - 1, rows)
    }

    /// Draws these in place of those that are there.
    pub(crate) fn draw(&mut self, lines: &[String]) {
        let mut text = self.erasing();
        if !lines.is_empty() {
            text.push_str("\x1b[?7l");
            text.push_str(&lines.join("\r\n"));
            text.push_str("\x1b[?7h");
        }
        self.drawn = lines.len();
        put(&text);
    }

    /// Takes the lines away, so that something can be printed.
    pub(crate) fn clear(&mut self) {
        let text = self.erasing();
        self.drawn = 0;
        put(&text);
    }

    fn erasing(&self) -> String {
        // Row by row: some terminals keep a copy of a whole screen that is erased.
        let mut text = String::new();
        for row in 0..self.drawn {
            text.push_str(if row == 0 { "\r\x1b[2K" } else { "\x1b[A\x1b[2K" });
        }
        text
    }
}

/// At once, so that no half of it is seen.
fn put(text: &str) {
    if !text.is_empty() {
        let mut stderr = std::io::stderr().lock();
        // Nobody is left to see it when the terminal is gone.
        let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_rows_are_taken_away_as_lines_were_drawn_and_no_more() {
        assert_eq!(Live { drawn: 0 }.erasing(), "");
        assert_eq!(Live { drawn: 1 }.erasing(), "\r\x1b[2K");
        assert_eq!(Live { drawn: 4 }.erasing(), "\r\x1b[2K\x1b[A\x1b[2K\x1b[A\x1b[2K\x1b[A\x1b[2K");
    }
}
