//! Who may come in by the admin listener: whoever knows the token.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use warp::http::{HeaderMap, header};

/// The token, as much of it as is needed to know it again.
pub struct Token {
    expected: [u8; 32],
}

impl Token {
    /// For this text.
    pub fn new(text: &str) -> Self {
        Self { expected: digest(text.as_bytes()).finalize().into_bytes().into() }
    }

    /// Whether a request says the token: `Authorization: Bearer …`, once.
    pub fn is_in(&self, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return false };
        let value = value.as_bytes();
        let (scheme, rest) = value.split_at(value.len().min(SCHEME.len()));
        scheme.eq_ignore_ascii_case(SCHEME) && self.is(rest.trim_ascii())
    }

    /// How long it takes tells nothing: digests are compared, and all of them.
    pub(super) fn is(&self, said: &[u8]) -> bool {
        digest(said).verify_slice(&self.expected).is_ok()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(hidden)")
    }
}

const SCHEME: &[u8] = b"Bearer ";

fn digest(text: &[u8]) -> Hmac<Sha256> {
    let key = Hmac::new_from_slice(b"payhookd API token");
    key.expect("HMAC takes a key of any length").chain_update(text)
}

#[cfg(test)]
mod tests {
    use warp::http::HeaderValue;

    use super::*;

    #[test]
    fn only_the_token_itself_is_let_in() {
        let token = Token::new("abcdefghijklmnop");
        let says = |values: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            for value in values {
                let value = HeaderValue::from_bytes(value).expect("a header");
                headers.append(header::AUTHORIZATION, value);
            }
            token.is_in(&headers)
        };
        let right: &[u8] = b"Bearer abcdefghijklmnop";
        assert!(says(&[right]) && says(&[b"bearer  abcdefghijklmnop"]));
        for wrong in [
            &b""[..],
            b"Bearer",
            b"Bearer ",
            b"Bearer abcdefghijklmno",
            b"Bearer abcdefghijklmnopq",
            b"Bearer ABCDEFGHIJKLMNOP",
            b"Bearer\tabcdefghijklmnop",
            b"Basic abcdefghijklmnop",
            b"abcdefghijklmnop",
            b"Bearer \xff\xfe",
        ] {
            assert!(!says(&[wrong]), "{wrong:?}");
        }
        assert!(!says(&[]));
        assert!(!says(&[right, right]));
    }
}
