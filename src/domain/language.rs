//! The languages in which people are spoken to.

string_enum! {
    /// A language; the words are those of BCP 47.
    Language {
        /// English.
        English = "en",
        /// French.
        French = "fr",
    }
}

/// A phrase as a sentence.
pub fn sentence(phrase: &str) -> String {
    let mut characters = phrase.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), characters.as_str())
}
