//! Tables for a person: columns as wide as what stands in them.

use std::io::{self, IsTerminal, Write};

use serde_json::Value;

use super::{CommandError, printed};
use crate::domain::money::{Currency, Money};
use crate::domain::provider::Provider;
use crate::telemetry::line::is_obeyed;

/// A column of rows: its heading, and the cell of a row. One whose heading begins with `>` is set to the
/// right, without it.
pub type Column<R> = (&'static str, fn(&R) -> String);

/// Rows as they are shown to a person and to a program.
pub struct Shown<R: 'static> {
    /// For a person.
    pub columns: &'static [Column<R>],
    /// For a program: a line of JSON.
    pub json: fn(&R) -> Value,
}

impl<R> Shown<R> {
    /// Prints the rows, a line of JSON for each or as a table; `nothing` in place of a table without rows.
    pub fn print(&self, rows: &[R], json: bool, nothing: &str) -> Result<(), CommandError> {
        let mut output = io::stdout().lock();
        printed(match json {
            true => rows.iter().try_for_each(|row| writeln!(output, "{}", (self.json)(row))),
            false => write(&mut output, self.columns, rows, nothing),
        })
    }
}

/// Writes a table, as wide as standard output if that is a terminal; `nothing` in place of one without rows.
pub fn write<R>(
    output: &mut dyn Write,
    columns: &[Column<R>],
    rows: &[R],
    nothing: &str,
) -> io::Result<()> {
    write_within(terminal(), output, columns, rows, nothing)
}

fn write_within<R>(
    terminal: Option<usize>,
    output: &mut dyn Write,
    columns: &[Column<R>],
    rows: &[R],
    nothing: &str,
) -> io::Result<()> {
    if rows.is_empty() {
        return writeln!(output, "{nothing}");
    }
    let headings = columns.iter().map(|(heading, _)| heading.trim_start_matches('>').to_owned());
    let mut lines: Vec<Vec<String>> = vec![headings.collect()];
    let cells = |row| columns.iter().map(|(_, cell)| visible(&cell(row))).collect();
    lines.extend(rows.iter().map(cells));
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max();
    let mut widths: Vec<usize> = (0..columns.len()).filter_map(width).collect();
    if let Some(terminal) = terminal {
        narrow(&mut widths, terminal);
    }
    for cells in lines {
        let mut line = String::new();
        for ((cell, width), (heading, _)) in cells.iter().zip(&widths).zip(columns) {
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

/// Writes a line for each field of one record that is not empty.
pub fn write_fields(output: &mut dyn Write, fields: &[(&str, String)]) -> io::Result<()> {
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        writeln!(output, "{name:<13} {}", visible(value))?;
    }
    Ok(())
}

/// The text of a value that may not be there; empty without one.
pub fn maybe(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// The mode of a payment or event.
pub fn mode(livemode: bool) -> String {
    if livemode { "live" } else { "test" }.to_owned()
}

/// An amount with its currency; empty if one of them is not known.
pub fn money(provider: Provider, minor: Option<i64>, currency: Option<Currency>) -> String {
    maybe(minor.zip(currency).map(|(minor, currency)| {
        format!("{} {currency}", Money { minor, currency }.to_decimal(provider))
    }))
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

    const COLUMNS: &[Column<[&'static str; 3]>] = &[
        ("name", |row| row[0].to_owned()),
        (">amount", |row| row[1].to_owned()),
        ("note", |row| row[2].to_owned()),
    ];

    fn printed(terminal: Option<usize>, rows: &[[&'static str; 3]]) -> String {
        let mut printed = Vec::new();
        write_within(terminal, &mut printed, COLUMNS, rows, "").expect("written to memory");
        String::from_utf8(printed).expect("text")
    }

    #[test]
    fn a_table_fits_its_terminal_by_its_widest_columns() {
        let rows = [["1", "12.00", "pi_3SW1aKExampleOfALongId"], ["2", "3.00", "cs_1"]];
        assert_eq!(
            printed(Some(34), &rows),
            "name  amount  note\n\
             1      12.00  pi_3SW1aKExampleOfA…\n\
             2       3.00  cs_1\n"
        );
        printed(Some(5), &rows);
    }

    #[test]
    fn columns_line_up_and_nothing_is_obeyed() {
        assert_eq!(
            printed(None, &[["a", "5.00", ""], ["bcdef", "12,345.00", "\u{1b}[2J\u{202e}"]]),
            "name      amount  note\n\
             a           5.00\n\
             bcdef  12,345.00  \\u{1b}[2J\\u{202e}\n"
        );
    }
}
