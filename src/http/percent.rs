//! Percent-encoding, as URLs have it (RFC 3986).

/// The text that is percent-encoded; `None` if it is encoded wrongly or is not UTF-8.
pub(crate) fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let ([high, low], after) = rest.split_first_chunk()?;
        let digit = |byte: u8| char::from(byte).to_digit(16);
        bytes.push(u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()?);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_is_decoded_strictly() {
        for (given, text) in [
            ("", Some("")),
            ("a%20b%2F%c3%A4", Some("a b/ä")),
            ("ä", Some("ä")),
            ("%", None),
            ("%2", None),
            ("%zz", None),
            ("%+1", None),
            ("%ff", None),
            ("%00", Some("\0")),
        ] {
            assert_eq!(decode(given).as_deref(), text, "{given}");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(text in ".*") {
            let encoded: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
            prop_assert_eq!(decode(&encoded), Some(text));
        }
    }
}
