//! Values as the chain hashes them.

use sha2::{Digest, Sha256};

use crate::domain::records::Hash;

/// Values one after another, so that no two lists of values have one text: whether each is there,
/// its length, itself.
pub(crate) struct Encoded(Vec<u8>);

impl Encoded {
    pub(crate) fn new(of: &str) -> Self {
        let mut text = Self(Vec::with_capacity(512));
        text.text(Some(of));
        text
    }

    pub(crate) fn push(&mut self, value: Option<&[u8]>) {
        let Some(value) = value else { return self.0.push(0) };
        self.0.push(1);
        self.0.extend((value.len() as u64).to_be_bytes());
        self.0.extend(value);
    }

    pub(crate) fn text(&mut self, value: Option<&str>) {
        self.push(value.map(str::as_bytes));
    }

    pub(crate) fn number(&mut self, value: Option<i64>) {
        self.push(value.map(i64::to_be_bytes).as_ref().map(|number| &number[..]));
    }

    pub(crate) fn hashed(&mut self, value: Option<&Hash>) {
        self.push(value.map(|hash| &hash[..]));
    }

    pub(crate) fn hash(&self) -> Hash {
        Sha256::digest(&self.0).into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_two_lists_of_values_have_one_text(
            one in prop::collection::vec(prop::option::of(prop::collection::vec(0_u8..3, 0..12)), 0..4),
            other in prop::collection::vec(prop::option::of(prop::collection::vec(0_u8..3, 0..12)), 0..4),
        ) {
            let text = |list: &[Option<Vec<u8>>]| {
                let mut text = Encoded::new("");
                list.iter().for_each(|value| text.push(value.as_deref()));
                text.0
            };
            prop_assert_eq!(one == other, text(&one) == text(&other));
        }
    }
}
