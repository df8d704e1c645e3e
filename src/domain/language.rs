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
