//! What can't be a secret: a placeholder that was never replaced, and one too short to be whole.
//!
//! Whoever guesses a secret can forge what it proves, so such a one is worse than none.

/// What a provider, or the shop, makes of one kind of secret.
struct Kind {
    /// What it may begin with; tells nothing, so it counts for nothing.
    prefixes: &'static [&'static str],
    /// The fewest characters behind that, less than any that was ever issued.
    fewest: usize,
    /// How many there are, and where to get it.
    remedy: &'static str,
}

/// Stripe issues 32 characters behind `whsec_` (its CLI 64) and 24 or more behind a key's prefix;
/// PayPal 17 for a webhook's id, and 80 for each of an app's credentials.
fn kind(name: &str) -> Option<Kind> {
    Some(match name {
        "STRIPE_WEBHOOK_SECRET" => Kind {
            prefixes: &["whsec_"],
            fewest: 24,
            remedy: "Stripe's have 32 characters or more behind whsec_: copy it whole from Stripe's \
                     dashboard, Webhooks, your endpoint, Signing secret",
        },
        "STRIPE_SECRET_KEY" | "STRIPE_PUBLISHABLE_KEY" => Kind {
            prefixes: &["sk_live_", "sk_test_", "rk_live_", "rk_test_", "pk_live_", "pk_test_"],
            fewest: 24,
            remedy: "Stripe's have 24 characters or more behind live_ or test_: copy it whole from \
                     Stripe's dashboard, Developers, API keys",
        },
        "PAYPAL_WEBHOOK_ID" => Kind {
            prefixes: &[],
            fewest: 10,
            remedy: "PayPal's have 17 letters and digits: copy the Webhook ID whole from your app in \
                     PayPal's developer dashboard",
        },
        "PAYPAL_CLIENT_ID" | "PAYPAL_CLIENT_SECRET" => Kind {
            prefixes: &[],
            fewest: 32,
            remedy: "PayPal's have 80 characters: copy it whole from your app in PayPal's developer \
                     dashboard",
        },
        // How long its key must be is said where it is decoded.
        "PAYHOOKD_NOTIFY_SECRET" => Kind {
            prefixes: &["whsec_"],
            fewest: 0,
            remedy: "make one with `echo whsec_$(openssl rand -base64 32)`",
        },
        _ => return None,
    })
}

/// What is wrong with one item of the setting `name`, and what to do, if it can't be what it is
/// meant to be. The text is not repeated.
pub(super) fn secret_mistake(name: &str, text: &str) -> Option<String> {
    let Kind { prefixes, fewest, remedy } = kind(name)?;
    let rest = prefixes.iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(text);
    if is_placeholder(rest) {
        Some(format!("a placeholder, not the real one: {remedy}"))
    } else if rest.chars().count() < fewest {
        Some(format!("too short to be a real one: {remedy}"))
    } else {
        None
    }
}

/// Whether a text stands where a secret should: dots, a word that says so, a variable that nobody
/// filled in, or the same few characters over and over. Nothing made by chance looks so: the likeliest
/// case, one of these words in eighty letters, is one in a million.
pub(super) fn is_placeholder(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let mut characters: Vec<char> = lower.chars().collect();
    characters.sort_unstable();
    characters.dedup();
    characters.len() < FEWEST_DIFFERENT
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
            assert!(is_placeholder(text), "{text}");
        }
    }

    #[test]
    fn a_secret_is_as_long_as_its_issuer_makes_it() {
        let letters = "4eC39HqLyjWDarjtT1zdp7dcTYooMQauvdEDq54NiTphI7jx";
        for (name, prefix, fewest) in [
            ("STRIPE_WEBHOOK_SECRET", "whsec_", 24),
            ("STRIPE_WEBHOOK_SECRET", "", 24),
            ("STRIPE_SECRET_KEY", "rk_live_", 24),
            ("PAYPAL_WEBHOOK_ID", "", 10),
            ("PAYPAL_CLIENT_ID", "", 32),
            ("PAYPAL_CLIENT_SECRET", "", 32),
        ] {
            let of =
                |length: usize| secret_mistake(name, &format!("{prefix}{}", &letters[..length]));
            assert_eq!(of(fewest), None, "{name}");
            let short = of(fewest - 1).expect("a mistake");
            assert!(short.starts_with("too short"), "{name}: {short}");
            assert!(short.contains("copy ") && !short.contains(&letters[..9]), "{name}: {short}");
        }
        assert_eq!(secret_mistake("PAYHOOKD_ALERT_URL", "x"), None);
    }

    proptest! {
        #[test]
        fn what_chance_makes_is_no_placeholder(text in "[A-Za-z0-9]{32,80}") {
            prop_assert!(!is_placeholder(&text));
        }
    }
}
