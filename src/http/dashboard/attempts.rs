//! Wrong attempts to log in, counted for each address.
//!
//! Only wrong ones are counted: whoever knows the token gets in, however often others at the same
//! address guessed.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use warp::http::{HeaderMap, HeaderName};

use crate::telemetry::throttle::Throttle;

/// So many wrong ones at once from one address, and one so often later.
const BURST: u32 = 10;
const EVERY: Duration = Duration::from_secs(6);
/// The most addresses that are remembered; the one that guessed longest ago gives way.
const MOST: usize = 1_024;

/// Who guessed how often.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    of: Mutex<HashMap<IpAddr, Guesser>>,
}

#[derive(Debug)]
struct Guesser {
    attempts: Throttle,
    latest: Instant,
}

impl Attempts {
    /// Counts a wrong one. Whether it was one of few.
    pub(super) fn pass(&self, from: IpAddr, now: Instant) -> bool {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let from = network(from);
        if of.len() >= MOST && !of.contains_key(&from) {
            let longest_ago = of.iter().min_by_key(|(_, one)| one.latest).map(|(from, _)| *from);
            longest_ago.map(|from| of.remove(&from));
        }
        let new = || Guesser { attempts: Throttle::new(BURST, EVERY), latest: now };
        let guesser = of.entry(from).or_insert_with(new);
        guesser.latest = now;
        guesser.attempts.pass(now).is_some()
    }
}

/// Whoever has one IPv6 address has the whole network of it.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)))
        }
        address => address,
    }
}

/// Where a request is from: a reverse proxy on this machine says it last in `X-Forwarded-For`, and
/// nobody else is believed.
pub(super) fn sender(peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    if !peer.to_canonical().is_loopback() {
        return peer;
    }
    let name = HeaderName::from_static("x-forwarded-for");
    let last = headers.get_all(name).iter().next_back().and_then(|value| value.to_str().ok());
    let said = last.and_then(|line| line.rsplit(',').next()).map(str::trim).unwrap_or_default();
    let with_port = || said.parse().map(|address: SocketAddr| address.ip());
    said.parse().or_else(|_| with_port()).unwrap_or(peer)
}

#[cfg(test)]
mod tests {
    use warp::http::HeaderValue;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn each_address_has_its_own_attempts_and_a_network_of_ipv6_is_one() {
        let attempts = Attempts::default();
        let now = Instant::now();
        let passed =
            (0..20).filter(|host| attempts.pass(ip(&format!("2001:db8::{host}")), now)).count();
        assert_eq!(passed, 10);
        for (other, passes) in [
            ("2001:db8::ffff:0:0:1", false),
            ("2001:db8:0:1::1", true),
            ("192.0.2.1", true),
            ("::ffff:192.0.2.1", true),
        ] {
            assert_eq!(attempts.pass(ip(other), now), passes, "{other}");
        }
        assert!((0..8).all(|_| attempts.pass(ip("192.0.2.1"), now)));
        assert!(!attempts.pass(ip("192.0.2.1"), now));
        assert!(attempts.pass(ip("192.0.2.1"), now + EVERY));
    }

    #[test]
    fn only_so_many_addresses_are_remembered() {
        let attempts = Attempts::default();
        let start = Instant::now();
        for number in 0..=u32::try_from(MOST).expect("few") {
            let now = start + Duration::from_secs(number.into());
            assert!(attempts.pass(IpAddr::V4(number.into()), now));
        }
        let of = attempts.of.lock().expect("nobody failed");
        assert!(of.len() == MOST && !of.contains_key(&ip("0.0.0.0")));
    }

    #[test]
    fn only_a_proxy_on_this_machine_says_where_a_request_is_from() {
        for (peer, said, from) in [
            ("127.0.0.1", &["192.0.2.1"][..], "192.0.2.1"),
            ("::1", &["10.0.0.1, 192.0.2.1"], "192.0.2.1"),
            ("127.0.0.1", &["10.0.0.1", "2001:db8::1"], "2001:db8::1"),
            ("127.0.0.1", &["192.0.2.1:4711"], "192.0.2.1"),
            ("127.0.0.1", &["[2001:db8::1]:4711"], "2001:db8::1"),
            ("127.0.0.1", &["unknown"], "127.0.0.1"),
            ("127.0.0.1", &[], "127.0.0.1"),
            ("192.0.2.7", &["192.0.2.1"], "192.0.2.7"),
        ] {
            let mut headers = HeaderMap::new();
            for line in said {
                let value = HeaderValue::from_str(line).expect("a value");
                headers.append("x-forwarded-for", value);
            }
            assert_eq!(sender(ip(peer), &headers), ip(from), "{peer} {said:?}");
        }
    }
}
