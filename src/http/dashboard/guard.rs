//! Which requests may reach the dashboard, and what a browser may do with its answers.
//!
//! The dashboard is read by browsers that other sites' pages run in too. The `Host` is checked
//! because a name of an attacker's may be made to lead here (DNS rebinding); every form says which
//! site it stood on and the session's own secret, so that no other site can send one.

use std::net::IpAddr;

use warp::http::{HeaderMap, HeaderName, HeaderValue, header};
use warp::reply::Response;

/// Scripts and styles of ours alone, from files of their own; nothing else, from nowhere else.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
                      connect-src 'self'; form-action 'self'; frame-ancestors 'none'; \
                      base-uri 'none'";

/// Adds what every answer of the dashboard says to the browser.
pub(super) fn protect(response: &mut Response) {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // With `no-referrer` browsers would not say any more which site a form stood on.
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=()"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // It is about money, and may be another in a moment.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// The name that the browser believes to speak to, if it is none of ours. An IP address can't be
/// made to lead elsewhere, nor can `localhost`.
pub(super) fn stranger<'h>(headers: &'h HeaderMap, ours: &[String]) -> Option<&'h str> {
    let host = text(headers, header::HOST).unwrap_or("");
    let name = name_of(host);
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    let is_ours = bare.parse::<IpAddr>().is_ok()
        || name.eq_ignore_ascii_case("localhost")
        || ours.iter().any(|one| name.eq_ignore_ascii_case(one));
    (!is_ours).then_some(host)
}

/// Whether a form stood on a page of ours, by what the browser says of it. A program that says
/// neither is no browser, and carries nobody's cookie unknowingly.
pub(super) fn is_of_ours(headers: &HeaderMap) -> bool {
    if let Some(site) = text(headers, HeaderName::from_static("sec-fetch-site")) {
        return site == "same-origin";
    }
    let Some(origin) = text(headers, header::ORIGIN) else {
        return !headers.contains_key(header::ORIGIN);
    };
    let host = origin.split_once("://").map(|(_, host)| host);
    host.is_some_and(|host| text(headers, header::HOST) == Some(host))
}

/// Whether the browser speaks TLS, with a proxy that says so.
pub(super) fn is_secure(headers: &HeaderMap) -> bool {
    text(headers, HeaderName::from_static("x-forwarded-proto")) == Some("https")
}

/// The value of the session's cookie.
pub(super) fn cookie(headers: &HeaderMap) -> Option<&str> {
    let wanted = cookie_name(is_secure(headers));
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.find_map(|(name, value)| (name.trim() == wanted).then_some(value.trim()))
}

/// `Set-Cookie` for a session, or for none any more.
pub(super) fn set_cookie(headers: &HeaderMap, id: Option<&str>) -> Option<HeaderValue> {
    let secure = is_secure(headers);
    let name = cookie_name(secure);
    let id_and_end = id.unwrap_or("; Max-Age=0");
    let secure = if secure { "; Secure" } else { "" };
    let line = format!("{name}={id_and_end}; Path=/; HttpOnly; SameSite=Strict{secure}");
    HeaderValue::from_str(&line).ok()
}

/// With TLS a name that no page without it, and none of another subdomain, can set.
fn cookie_name(secure: bool) -> &'static str {
    if secure { "__Host-payhookd" } else { "payhookd" }
}

fn name_of(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

fn text(headers: &HeaderMap, name: impl header::AsHeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).expect("a value"))
        });
        pairs.collect()
    }

    #[test]
    fn only_names_of_ours_are_answered() {
        let ours = ["pay.example.com".to_owned()];
        for (host, known) in [
            ("127.0.0.1:8081", true),
            ("10.1.2.3", true),
            ("[::1]:8081", true),
            ("[::1]", true),
            ("localhost", true),
            ("LOCALHOST:8081", true),
            ("pay.example.com", true),
            ("Pay.Example.com:443", true),
            ("evil.example.com", false),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example:8081", false),
            ("", false),
        ] {
            assert_eq!(stranger(&headers(&[("host", host)]), &ours).is_none(), known, "{host}");
        }
        assert!(stranger(&HeaderMap::new(), &ours).is_some());
    }

    #[test]
    fn only_forms_of_our_pages_are_taken() {
        let host = ("host", "127.0.0.1:8081");
        for (said, taken) in [
            (vec![host], true),
            (vec![host, ("origin", "http://127.0.0.1:8081")], true),
            (vec![host, ("origin", "http://127.0.0.1:9999")], false),
            (vec![host, ("origin", "https://evil.example")], false),
            (vec![host, ("origin", "null")], false),
            (vec![host, ("sec-fetch-site", "same-origin"), ("origin", "https://a.example")], true),
            (vec![host, ("sec-fetch-site", "same-site")], false),
            (vec![host, ("sec-fetch-site", "cross-site")], false),
            (vec![host, ("sec-fetch-site", "none")], false),
        ] {
            assert_eq!(is_of_ours(&headers(&said)), taken, "{said:?}");
        }
        let mut garbled = headers(&[host]);
        garbled.insert(header::ORIGIN, HeaderValue::from_bytes(b"\xff").expect("a value"));
        assert!(!is_of_ours(&garbled));
    }

    #[test]
    fn the_cookie_has_the_name_of_its_way() {
        let plain = headers(&[("cookie", "a=b; payhookd=abc ; __Host-payhookd=def")]);
        assert_eq!(cookie(&plain), Some("abc"));
        let mut secure = plain.clone();
        secure.insert("x-forwarded-proto", HeaderValue::from_static("https"));
        assert_eq!(cookie(&secure), Some("def"));
        let set = set_cookie(&secure, Some("def")).expect("a value");
        assert_eq!(set, "__Host-payhookd=def; Path=/; HttpOnly; SameSite=Strict; Secure");
        let unset = set_cookie(&plain, None).expect("a value");
        assert_eq!(unset, "payhookd=; Max-Age=0; Path=/; HttpOnly; SameSite=Strict");
    }
}
