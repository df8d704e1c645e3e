//! Charts as SVG, drawn here: a chart is a picture with a name, and every number of it stands in the
//! table behind it.

use maud::{Markup, html};

/// What one bar or one point of a line stands for.
#[derive(Clone, Debug)]
pub(super) struct Column {
    /// What it is of: a day.
    pub(super) label: String,
    /// What lies on each other, the first at the bottom.
    pub(super) parts: Vec<u64>,
    /// What is said of it on hover.
    pub(super) said: String,
}

/// Bars that stand beside each other; the colours of their parts are `s1`, `s2`, … of the style.
pub(super) fn bars(name: &str, columns: &[Column]) -> Markup {
    let most = columns.iter().map(|one| one.parts.iter().sum()).max().unwrap_or(0);
    html! {
        svg.chart viewBox=(view_box()) role="img" aria-label=(name) {
            (grid(columns, &most.to_string()))
            @for (place, column) in columns.iter().enumerate() {
                g {
                    title { (column.said) }
                    // All of its height says what it is, also where there is nothing.
                    rect.hover x=(left(place, columns.len())) y="0" width=(width(columns.len())) height=(HEIGHT) {}
                    @for (part, (from, height)) in stacked(&column.parts, most).into_iter().enumerate() {
                        @if height > 0 {
                            rect class=(format!("s{}", part + 1)) x=(left(place, columns.len())) y=(HEIGHT - from - height)
                                width=(width(columns.len())) height=(height) {}
                        }
                    }
                }
            }
        }
    }
}

/// Lines from column to column, one for each part, broken where a column has none; `unit` writes the
/// largest value.
pub(super) fn lines(name: &str, columns: &[Column], unit: impl Fn(u64) -> String) -> Markup {
    let most = columns.iter().flat_map(|one| &one.parts).copied().max().unwrap_or(0);
    let parts = columns.iter().map(|one| one.parts.len()).max().unwrap_or(0);
    html! {
        svg.chart viewBox=(view_box()) role="img" aria-label=(name) {
            (grid(columns, &unit(most)))
            @for part in 0..parts {
                @for line in unbroken(columns, part, most) {
                    polyline class=(format!("l{}", part + 1)) points=(line) {}
                }
            }
            @for (place, column) in columns.iter().enumerate() {
                g {
                    title { (column.said) }
                    rect.hover x=(left(place, columns.len())) y="0" width=(width(columns.len())) height=(HEIGHT) {}
                }
            }
        }
    }
}

/// One bar that lies; what is there at all is seen.
pub(super) fn share(name: &str, parts: &[u64]) -> Markup {
    let all: u64 = parts.iter().sum();
    let there = parts.iter().filter(|part| **part > 0).count() as u64;
    // Each part that is there has two units, and of the others what is its share.
    let free = WIDTH.saturating_sub(2 * there);
    let mut end = 0;
    let mut place = |number: u64| {
        let width = if number > 0 { 2 + scaled(number, all, free) } else { 0 };
        end += width;
        (end - width, width)
    };
    let places: Vec<_> = parts.iter().map(|number| place(*number)).collect();
    html! {
        svg.share viewBox=(format!("0 0 {WIDTH} 14")) preserveAspectRatio="none" role="img" aria-label=(name) {
            rect.none x="0" y="0" width=(WIDTH) height="14" {}
            @for (part, (from, width)) in places.into_iter().enumerate() {
                @if width > 0 {
                    rect class=(format!("s{}", part + 1)) x=(from) y="0" width=(width) height="14" {}
                }
            }
        }
    }
}

/// The square of a colour in a legend.
pub(super) fn swatch(part: usize) -> Markup {
    html! {
        svg viewBox="0 0 10 10" aria-hidden="true" {
            rect class=(format!("s{}", part + 1)) width="10" height="10" rx="2" {}
        }
    }
}

fn view_box() -> String {
    format!("0 0 {} {}", WIDTH + SIDE, HEIGHT + FOOT)
}

/// The ground, the largest value and the first and last label.
fn grid(columns: &[Column], most: &str) -> Markup {
    let label = |column: Option<&Column>| column.map(|one| one.label.clone()).unwrap_or_default();
    html! {
        line.grid x1="0" y1=(HEIGHT) x2=(WIDTH) y2=(HEIGHT) {}
        line.grid x1="0" y1="0" x2=(WIDTH) y2="0" {}
        text x=(WIDTH + 4) y="10" { (most) }
        text x=(WIDTH + 4) y=(HEIGHT) { "0" }
        text x="0" y=(HEIGHT + FOOT - 3) { (label(columns.first())) }
        text x=(WIDTH) y=(HEIGHT + FOOT - 3) text-anchor="end" { (label(columns.last())) }
    }
}

fn left(place: usize, columns: usize) -> u64 {
    place as u64 * WIDTH / (columns.max(1) as u64)
}

fn width(columns: usize) -> u64 {
    (WIDTH / (columns.max(1) as u64)).saturating_sub(3).max(1)
}

/// Where each part begins and how high it is. What is there at all is at least a unit high.
fn stacked(parts: &[u64], most: u64) -> Vec<(u64, u64)> {
    let mut from = 0;
    let height = |part: u64| if part == 0 { 0 } else { scaled(part, most, HEIGHT).max(1) };
    parts
        .iter()
        .map(|part| {
            let height = height(*part).min(HEIGHT - from);
            from += height;
            (from - height, height)
        })
        .collect()
}

/// The points of one part's line, one text for each piece without a gap. A piece of one column is as
/// wide as it is.
fn unbroken(columns: &[Column], part: usize, most: u64) -> Vec<String> {
    let mut pieces = vec![Vec::new()];
    for (place, column) in columns.iter().enumerate() {
        let Some(value) = column.parts.get(part) else {
            pieces.push(Vec::new());
            continue;
        };
        let y = HEIGHT - scaled(*value, most, HEIGHT);
        let (left, width) = (left(place, columns.len()), width(columns.len()));
        if let Some(piece) = pieces.last_mut() {
            piece.push((left, left + width / 2, left + width, y));
        }
    }
    let text = |piece: &Vec<(u64, u64, u64, u64)>| match piece.as_slice() {
        [(left, _, right, y)] => format!("{left},{y} {right},{y}"),
        points => {
            let points = points.iter().map(|(_, middle, _, y)| format!("{middle},{y}"));
            points.collect::<Vec<_>>().join(" ")
        }
    };
    pieces.iter().filter(|piece| !piece.is_empty()).map(text).collect()
}

/// The share of `all` that `part` is, in `of` units.
fn scaled(part: u64, all: u64, of: u64) -> u64 {
    let scaled = u128::from(part) * u128::from(of) / u128::from(all.max(1));
    u64::try_from(scaled).unwrap_or(of).min(of)
}

/// Units of the picture: what is drawn, what is written beside it and below.
const WIDTH: u64 = 300;
const HEIGHT: u64 = 72;
const SIDE: u64 = 48;
const FOOT: u64 = 16;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn columns(parts: &[&[u64]]) -> Vec<Column> {
        let column = |parts: &&[u64]| Column {
            label: String::new(),
            parts: parts.to_vec(),
            said: String::new(),
        };
        parts.iter().map(column).collect()
    }

    #[test]
    fn a_line_is_broken_where_there_is_nothing() {
        let columns = columns(&[&[10, 5], &[5, 5], &[], &[0, 0]]);
        assert_eq!(unbroken(&columns, 0, 10), ["36,0 111,36", "225,72 297,72"]);
        assert_eq!(unbroken(&columns, 2, 10), [""; 0]);
    }

    #[test]
    fn what_is_there_is_seen() {
        assert_eq!(stacked(&[1_000_000, 0, 1], 1_000_001), [(0, 71), (71, 0), (71, 1)]);
        assert_eq!(stacked(&[0, 0], 0), [(0, 0), (0, 0)]);
        let drawn = share("name", &[1_000_000, 0, 1]).into_string();
        assert_eq!(drawn.matches("<rect class=\"s").count(), 2);
        assert!(drawn.contains(r#"class="s3" x="297" y="0" width="2""#), "{drawn}");
    }

    #[test]
    fn names_are_text() {
        let drawn = bars("<b>\"", &columns(&[&[1]])).into_string();
        assert!(drawn.contains("aria-label=\"&lt;b&gt;&quot;\""), "{drawn}");
    }

    proptest! {
        #[test]
        fn nothing_is_drawn_outside_of_the_picture(
            parts in proptest::collection::vec(proptest::collection::vec(0..=u64::MAX / 8, 0..5), 0..40),
        ) {
            let parts: Vec<&[u64]> = parts.iter().map(Vec::as_slice).collect();
            let columns = columns(&parts);
            let most = columns.iter().map(|one| one.parts.iter().sum()).max().unwrap_or(0);
            for (place, column) in columns.iter().enumerate() {
                let top = stacked(&column.parts, most).into_iter().map(|(from, height)| from + height);
                prop_assert!(top.max().unwrap_or(0) <= HEIGHT);
                prop_assert!(left(place, columns.len()) + width(columns.len()) <= WIDTH);
            }
            bars("", &columns);
            lines("", &columns, |most| most.to_string());
        }
    }
}
