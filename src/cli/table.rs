//! Tables for a person: columns as wide as what stands in them.

use std::io::{self, IsTerminal, Write};

use crate::telemetry::line::is_obeyed;

/// A table under construction.
#[derive(Debug)]
pub struct Table {
    headings: &'static [&'static str],
    rows: Vec<Vec<String>>,
    /// Characters of a line, if standard output is a terminal.
    terminal: Option<usize>,
}

impl Table {
    /// A table with these headings. One that begins with `>` is set to the right, without it.
    pub fn new(headings: &'static [&'static str]) -> Self {
        Self { headings, rows: Vec::new(), terminal: terminal() }
    }

    /// Adds a row, a cell for each heading. What a terminal would obey is shown instead.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells.into_iter().map(|cell| visible(&cell)).collect());
    }

    /// Prints it; `nothing` in place of a table without rows.
    pub fn print(&self, output: &mut impl Write, nothing: &str) -> io::Result<()> {
        if self.rows.is_empty() {
            return writeln!(output, "{nothing}");
        }
        let headings: Vec<String> = self
            .headings
            .iter()
            .map(|heading| heading.trim_start_matches('>').to_owned())
            .collect();
        let width = |column: usize| {
            let cells =
                self.rows.iter().filter_map(|row| row.get(column)).chain(headings.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let mut widths: Vec<usize> = (0..headings.len()).map(width).collect();
        if let Some(terminal) = self.terminal {
            narrow(&mut widths, terminal);
        }
        for row in std::iter::once(&headings).chain(&self.rows) {
            let mut line = String::new();
            for ((cell, width), heading) in row.iter().zip(&widths).zip(self.headings) {
                if !line.is_empty() {
                    line.push_str("  ");
                }
                let cell = shortened(cell, *width);
                let padding = " ".repeat(width - cell.chars().count());
                let to_the_right = heading.starts_with('>');
                line.extend(if to_the_right { [&*padding, &cell] } else { [&*cell, &padding] });
            }
            writeln!(output, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// How wide the terminal is; `None` if standard output is none, so that a program gets everything.
fn terminal() -> Option<usize> {
    let output = io::stdout();
    if !output.is_terminal() {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(&output).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// A column is not made narrower than this.
const NARROWEST: usize = 8;

/// Takes from the widest columns until the line fits, as far as that goes.
fn narrow(widths: &mut [usize], terminal: usize) {
    let separators = 2 * widths.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + separators > terminal {
        let Some(widest) = widths.iter_mut().max().filter(|widest| **widest > NARROWEST) else {
            return;
        };
        *widest -= 1;
    }
}

/// The beginning of a text that is too long for its column.
fn shortened(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut beginning: String = text.chars().take(width.saturating_sub(1)).collect();
    beginning.push('…');
    beginning
}

/// Text of a sender, for a terminal.
pub fn visible(text: &str) -> String {
    text.chars()
        .flat_map(|character| {
            let escaped = is_obeyed(character).then(|| character.escape_unicode());
            let plain = escaped.is_none().then_some(character);
            escaped.into_iter().flatten().chain(plain)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_fits_its_terminal_by_its_widest_columns() {
        let mut table = Table::new(&["id", ">amount", "reference"]);
        table.terminal = Some(32);
        table.row(vec!["1".into(), "12.00".into(), "pi_3SW1aKExampleOfALongId".into()]);
        table.row(vec!["2".into(), "3.00".into(), "cs_1".into()]);
        let mut printed = Vec::new();
        table.print(&mut printed, "").expect("written to memory");
        assert_eq!(
            String::from_utf8(printed).expect("text"),
            "id  amount  reference\n\
             1    12.00  pi_3SW1aKExampleOfA…\n\
             2     3.00  cs_1\n"
        );
        table.terminal = Some(5);
        table.print(&mut Vec::new(), "").expect("as narrow as it goes");
    }

    #[test]
    fn columns_line_up_and_nothing_is_obeyed() {
        let mut table = Table::new(&["name", ">amount", "note"]);
        table.row(vec!["a".into(), "5.00".into(), String::new()]);
        table.row(vec!["bcdef".into(), "12,345.00".into(), "\u{1b}[2J\u{202e}".into()]);
        let mut printed = Vec::new();
        table.print(&mut printed, "").expect("written to memory");
        assert_eq!(
            String::from_utf8(printed).expect("text"),
            "name      amount  note\n\
             a           5.00\n\
             bcdef  12,345.00  \\u{1b}[2J\\u{202e}\n"
        );
    }
}
