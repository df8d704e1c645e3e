//! Texts that can't be a secret: a placeholder that was never replaced, and one too short to be whole.
//!
//! Whoever guesses a secret can forge what it verifies, so such a one is worse than none.

/// Fewer characters are guessed. More than that a provider may issue, and whoever tries payhookd with the
/// secrets of published signatures must be able to: what is shorter than Stripe's is doubted by `doctor`.
pub(super) const FEWEST: usize = 10;

/// A kind of secret, as a provider or the shop makes it.
struct Kind {
    /// The prefixes that it may have: they tell nothing, so they count for nothing.
    prefixes: &'static [&'static str],
    /// Whether whoever guesses it is believed. With the others we show who we are, and a wrong one is
    /// refused by the provider.
    verifies: bool,
    /// How to get it.
    remedy: &'static str,
}

fn kind(name: &str) -> Option<Kind> {
    Some(match name {
        "STRIPE_WEBHOOK_SECRET" => Kind {
            prefixes: &["whsec_"],
            verifies: true,
            remedy: "Stripe's have 32 characters or more behind whsec_: copy it whole from Stripe's \
                     dashboard, Webhooks, your endpoint, Signing secret",
        },
        "STRIPE_SECRET_KEY" | "STRIPE_PUBLISHABLE_KEY" => Kind {
            prefixes: &["sk_live_", "sk_test_", "rk_live_", "rk_test_", "pk_live_", "pk_test_"],
            verifies: false,
            remedy: "copy it whole from Stripe's dashboard, Developers, API keys",
        },
        "PAYPAL_WEBHOOK_ID" => Kind {
            prefixes: &[],
            verifies: false,
            remedy: "PayPal's have 17 letters and digits: copy the Webhook ID whole from your app in \
                     PayPal's developer dashboard",
        },
        "PAYPAL_CLIENT_ID" | "PAYPAL_CLIENT_SECRET" => Kind {
            prefixes: &[],
            verifies: false,
            remedy: "copy it whole from your app in PayPal's developer dashboard",
        },
        // How long its key must be is said where it is decoded.
        "PAYHOOKD_NOTIFY_SECRET" => Kind {
            prefixes: &["whsec_"],
            verifies: false,
            remedy: "make one with `echo whsec_$(openssl rand -base64 32)`",
        },
        _ => return None,
    })
}

/// The mistake in one item of the setting `name`, and what to do, if it can't be what it is
/// meant to be. The text is not repeated.
pub(super) fn secret_mistake(name: &str, text: &str) -> Option<String> {
    let Kind { prefixes, verifies, remedy } = kind(name)?;
    let rest = prefixes.iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(text);
    if is_placeholder(rest, verifies) {
        Some(format!("a placeholder, not the real one: {remedy}"))
    } else if verifies && rest.chars().count() < FEWEST {
        Some(format!("so short that it can be guessed: {remedy}"))
    } else {
        None
    }
}

/// Whether a text stands where a secret should: dots, a word that says so, a variable that nobody
/// filled in, or the same few characters over and over. Nothing made by chance looks so: the likeliest
/// case, one of these words in eighty letters, is one in a million.
/// Of what `verifies` something the last is one, too.
pub(super) fn is_placeholder(text: &str, verifies: bool) -> bool {
    let lower = text.to_ascii_lowercase();
    let mut characters: Vec<char> = lower.chars().collect();
    characters.sort_unstable();
    characters.dedup();
    text.is_empty()
        || (verifies && characters.len() < FEWEST_DIFFERENT)
        || lower.starts_with('<')
        || WORDS.iter().any(|word| lower.contains(word))
}

/// Sixteen hexadecimal digits by chance have fewer in one of ten thousand cases, thirty-two never.
const FEWEST_DIFFERENT: usize = 5;

const WORDS: &[&str] = &[
    "…",
    "...",
    "${",
    "$(",
    "xxxxx",
    "*****",
    "your_",
    "your-",
    "_here",
    "-here",
    "secrethere",
    "changeme",
    "change_me",
    "change-me",
    "replaceme",
    "replace_",
    "replace-",
    "placeholder",
    "yourwebhook",
    "insert_",
    "insert-",
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_stands_in_place_of_a_secret_is_known() {
        for text in [
            "",
            "x",
            "…",
            "...",
            "whsec_…",
            "sk_live_...",
            "your_secret_here",
            "YOUR-PAYPAL-CLIENT-SECRET-IS-WRITTEN-HERE",
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "XXXXXXXXXXXXXXXXX",
            "abababababababababababababababab",
            "00000000000000000000000000000000",
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            "<the signing secret of your endpoint>",
            "${STRIPE_WEBHOOK_SECRET}",
            "changeme-changeme-changeme",
        ] {
            assert!(is_placeholder(text, true), "{text}");
        }
    }

    #[test]
    fn what_verifies_something_can_not_be_guessed() {
        let letters = "4eC39HqLyjWDarjtT1zdp7dc";
        for prefix in ["whsec_", ""] {
            let of = |length: usize| {
                secret_mistake("STRIPE_WEBHOOK_SECRET", &format!("{prefix}{}", &letters[..length]))
            };
            assert_eq!(of(FEWEST), None);
            let short = of(FEWEST - 1).expect("a mistake");
            assert!(short.starts_with("so short that it can be guessed"), "{short}");
            assert!(short.contains("copy ") && !short.contains(&letters[..9]), "{short}");
        }
        for name in ["STRIPE_SECRET_KEY", "PAYPAL_WEBHOOK_ID", "PAYPAL_CLIENT_ID"] {
            assert_eq!(secret_mistake(name, "id"), None);
            assert!(secret_mistake(name, "your_key_here").is_some());
        }
        assert_eq!(secret_mistake("PAYHOOKD_ALERT_URL", "x"), None);
    }

    proptest! {
        #[test]
        fn what_chance_makes_is_no_placeholder(text in "[A-Za-z0-9]{32,80}") {
            prop_assert!(!is_placeholder(&text, true));
        }
    }
}
