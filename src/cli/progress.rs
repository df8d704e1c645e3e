//! How far something has come, for a person who waits at a terminal.

use std::io::{self, IsTerminal, Write};

/// A bar on a terminal; nothing anywhere else.
pub(super) struct Bar {
    is_shown: bool,
    is_begun: bool,
}

impl Bar {
    /// Nothing is shown yet.
    pub(super) fn new() -> Self {
        Self { is_shown: io::stderr().is_terminal(), is_begun: false }
    }

    /// So much of all is done; `words` stand behind it.
    pub(super) fn show(&mut self, done: usize, all: usize, words: &str) {
        if self.is_shown {
            self.is_begun = true;
            // Who can't see it misses nothing that is said again at the end.
            let _ = write!(io::stderr(), "\r{} {words}", line(done, all));
        }
    }

    /// The next line stands below it.
    pub(super) fn end(self) {
        if self.is_begun {
            let _ = writeln!(io::stderr());
        }
    }
}

fn line(done: usize, all: usize) -> String {
    let filled = (done.saturating_mul(CELLS) / all.max(1)).min(CELLS);
    format!("[{}{}]", "#".repeat(filled), ".".repeat(CELLS - filled))
}

const CELLS: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_it_is() {
        for (done, all, filled) in [(0, 0, 0), (0, 9, 0), (1, 2, 20), (9, 9, 40), (10, 9, 40)] {
            let line = line(done, all);
            assert_eq!(line.len(), CELLS + 2, "{done} of {all}");
            assert_eq!(line.matches('#').count(), filled, "{done} of {all}");
        }
    }
}
