//! Sets of row ids, most of which follow one another.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value, json};

/// A set of row ids. It takes as much room as it has gaps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Numbers(BTreeMap<i64, i64>);

impl Numbers {
    /// Adds one.
    pub fn insert(&mut self, number: i64) {
        self.insert_range(number, number);
    }

    /// Adds all from `first` to `last`.
    pub fn insert_range(&mut self, mut first: i64, mut last: i64) {
        if first > last {
            return;
        }
        // Whatever touches it becomes part of it.
        while let Some((from, to)) = self.touching(first, last) {
            self.0.remove(&from);
            first = first.min(from);
            last = last.max(to);
        }
        self.0.insert(first, last);
    }

    /// Adds all of the other's.
    pub fn extend(&mut self, other: &Self) {
        other.0.iter().for_each(|(first, last)| self.insert_range(*first, *last));
    }

    fn touching(&self, first: i64, last: i64) -> Option<(i64, i64)> {
        let (from, to) = self.0.range(..=last.saturating_add(1)).next_back()?;
        (*to >= first.saturating_sub(1)).then_some((*from, *to))
    }

    /// Whether it is there.
    pub fn contains(&self, number: i64) -> bool {
        self.0.range(..=number).next_back().is_some_and(|(_, last)| *last >= number)
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        self.0.iter().fold(0, |sum: u64, (first, last)| {
            sum.saturating_add(last.abs_diff(*first)).saturating_add(1)
        })
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each, in order.
    pub fn iter(&self) -> impl Iterator<Item = i64> {
        self.0.iter().flat_map(|(first, last)| *first..=*last)
    }

    /// `[[first, last], …]`
    pub fn to_json(&self) -> Value {
        self.0.iter().map(|(first, last)| json!([first, last])).collect()
    }

    /// What [`Numbers::to_json`] made; `None` of anything else.
    pub fn from_json(value: &Value) -> Option<Self> {
        let mut numbers = Self::default();
        for range in value.as_array()? {
            let [first, last] = range.as_array()?.as_slice() else { return None };
            numbers.insert_range(first.as_i64()?, last.as_i64()?);
        }
        Some(numbers)
    }
}

/// `1–4, 7`
impl fmt::Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (first, last)) in self.0.iter().enumerate() {
            let separator = if place == 0 { "" } else { ", " };
            match first == last {
                true => write!(f, "{separator}{first}")?,
                false => write!(f, "{separator}{first}–{last}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_ends_of_all_numbers_are_numbers() {
        let mut numbers = Numbers::default();
        for number in [i64::MAX, i64::MIN, i64::MAX - 1, 0] {
            numbers.insert(number);
        }
        assert_eq!(numbers.len(), 4);
        assert!(numbers.contains(i64::MAX) && !numbers.contains(1));
        numbers.insert_range(i64::MIN, i64::MAX);
        assert_eq!(numbers.len(), u64::MAX);
    }

    proptest! {
        #[test]
        fn it_is_a_set(ranges in prop::collection::vec((0_i64..60, 0_i64..6), 0..20)) {
            let (mut numbers, mut set) = (Numbers::default(), BTreeSet::new());
            for (first, more) in ranges {
                numbers.insert_range(first, first + more);
                set.extend(first..=first + more);
            }
            prop_assert!(numbers.iter().eq(set.iter().copied()));
            prop_assert_eq!(numbers.len(), set.len() as u64);
            for number in -1..70 {
                prop_assert_eq!(numbers.contains(number), set.contains(&number));
            }
            let gaps = numbers.0.iter().zip(numbers.0.iter().skip(1));
            for ((_, last), (first, _)) in gaps {
                prop_assert!(last + 1 < *first, "{}", numbers);
            }
            prop_assert_eq!(Numbers::from_json(&numbers.to_json()), Some(numbers));
        }
    }
}
