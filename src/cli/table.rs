//! Tables for a person: columns as wide as what stands in them.

use std::io::{self, Write};

use crate::logfmt::is_obeyed;

/// A table under construction.
#[derive(Debug)]
pub struct Table {
    headings: &'static [&'static str],
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings. One that begins with `>` is set to the right, without it.
    pub fn new(headings: &'static [&'static str]) -> Self {
        Self { headings, rows: Vec::new() }
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
        let widths: Vec<usize> = (0..headings.len()).map(width).collect();
        for row in std::iter::once(&headings).chain(&self.rows) {
            let mut line = String::new();
            for ((cell, width), heading) in row.iter().zip(&widths).zip(self.headings) {
                if !line.is_empty() {
                    line.push_str("  ");
                }
                let padding = " ".repeat(width - cell.chars().count());
                let to_the_right = heading.starts_with('>');
                line.extend(if to_the_right { [&*padding, cell] } else { [&**cell, &padding] });
            }
            writeln!(output, "{}", line.trim_end())?;
        }
        Ok(())
    }
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
