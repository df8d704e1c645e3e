//! The languages in which people are spoken to.

words! {
    /// A language; the words are those of BCP 47.
    Language {
        /// English.
        English = "en",
        /// French.
        French = "fr",
    }
}

/// What is said, in every language: one that is missing does not compile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spoken<T> {
    /// In English.
    pub english: T,
    /// In French.
    pub french: T,
}

impl<T> Spoken<T> {
    /// In this language.
    pub fn of(&self, language: Language) -> &T {
        match language {
            Language::English => &self.english,
            Language::French => &self.french,
        }
    }
}

/// A phrase as a sentence.
pub fn sentence(phrase: &str) -> String {
    let mut characters = phrase.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), characters.as_str())
}
