//! Who is logged in: a session begins with the token and ends by itself, by logging out, or with the
//! daemon.
//!
//! The cookie's value is kept as a digest, so nothing that is read out of this process's memory or
//! of a dump lets anybody in. Sessions are not stored: after a restart everyone logs in again.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use getrandom::SysRng;
use getrandom::rand_core::TryRng;
use sha2::{Digest, Sha256};

/// A session that nobody used for this long is over. Pages that update themselves do not count.
const LONGEST_IDLE: Duration = Duration::from_secs(4 * 3_600);
/// No session is longer.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);
/// The most at once; the one that was used longest ago gives way.
const MOST: usize = 64;

/// The sessions of one daemon.
#[derive(Default)]
pub(super) struct Sessions {
    open: Mutex<HashMap<Key, Open>>,
}

type Key = [u8; 32];

struct Open {
    csrf: String,
    began: Instant,
    used: Instant,
    notice: Option<Notice>,
}

/// Whoever is logged in.
#[derive(Clone)]
pub(super) struct Session {
    key: Key,
    /// What every form says, so that no other site's can.
    csrf: String,
}

/// What came of a form, told on the page after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// It is done.
    Done(String),
    /// It is not.
    Failed(String),
}

impl Sessions {
    /// Begins one and returns what its cookie says; `None` if the system has no randomness to give.
    pub(super) fn begin(&self, now: Instant) -> Option<String> {
        let (id, csrf) = (chance()?, chance()?);
        let mut open = self.lock();
        open.retain(|_, one| one.is_good(now));
        if open.len() >= MOST
            && let Some(oldest) = open.iter().min_by_key(|(_, one)| one.used).map(|(key, _)| *key)
        {
            open.remove(&oldest);
        }
        open.insert(key(&id), Open { csrf, began: now, used: now, notice: None });
        Some(id)
    }

    /// The session whose cookie says this, if it is not over. To use it prolongs it.
    pub(super) fn find(&self, id: &str, now: Instant, uses: bool) -> Option<Session> {
        let key = key(id);
        let mut open = self.lock();
        let one = open.get_mut(&key)?;
        if !one.is_good(now) {
            open.remove(&key);
            return None;
        }
        if uses {
            one.used = now;
        }
        Some(Session { key, csrf: one.csrf.clone() })
    }

    /// Ends one.
    pub(super) fn end(&self, session: &Session) {
        self.lock().remove(&session.key);
    }

    /// Keeps what is to be told on the next page.
    pub(super) fn tell(&self, session: &Session, notice: Notice) {
        if let Some(one) = self.lock().get_mut(&session.key) {
            one.notice = Some(notice);
        }
    }

    /// What is to be told; once.
    pub(super) fn take_notice(&self, session: &Session) -> Option<Notice> {
        self.lock().get_mut(&session.key)?.notice.take()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sessions({} open)", self.lock().len())
    }
}

impl Open {
    fn is_good(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.used) < LONGEST_IDLE
            && now.saturating_duration_since(self.began) < LONGEST
    }
}

impl Session {
    /// What a form of this session says.
    pub(super) fn csrf(&self) -> &str {
        &self.csrf
    }

    /// Whether a form is of this session. How long it takes tells nothing: digests are compared.
    pub(super) fn wrote(&self, csrf: &str) -> bool {
        key(csrf) == key(&self.csrf)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Session(hidden)")
    }
}

fn key(id: &str) -> Key {
    Sha256::digest(id.as_bytes()).into()
}

/// 256 bits of chance, in hexadecimal digits.
fn chance() -> Option<String> {
    let mut bytes = [0; 32];
    SysRng.try_fill_bytes(&mut bytes).ok()?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The field of every form that only a page of the same session can fill.
pub(super) const CSRF: &str = "csrf";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_known_by_its_cookie_until_it_ends() {
        let sessions = Sessions::default();
        let now = Instant::now();
        let id = sessions.begin(now).expect("randomness");
        let other = sessions.begin(now).expect("randomness");
        let session = sessions.find(&id, now, true).expect("a session");
        assert!(session.wrote(session.csrf()) && !session.wrote(""));
        assert!(!session.wrote(sessions.find(&other, now, true).expect("a session").csrf()));
        assert!(sessions.find("", now, true).is_none() && sessions.find("a", now, true).is_none());
        sessions.end(&session);
        assert!(sessions.find(&id, now, true).is_none());
        assert!(sessions.find(&other, now, true).is_some());
    }

    #[test]
    fn a_session_ends_by_itself() {
        let sessions = Sessions::default();
        let start = Instant::now();
        let [idle, used] = [(); 2].map(|()| sessions.begin(start).expect("randomness"));
        let mut now = start;
        while now < start + LONGEST - Duration::from_secs(3_600) {
            now += Duration::from_secs(3_600);
            assert!(sessions.find(&used, now, true).is_some());
            // A page that updates itself does not keep it.
            let idles = now.saturating_duration_since(start) < LONGEST_IDLE;
            assert_eq!(sessions.find(&idle, now, false).is_some(), idles);
        }
        assert!(sessions.find(&used, start + LONGEST, true).is_none());
    }

    #[test]
    fn only_so_many_are_open() {
        let sessions = Sessions::default();
        let start = Instant::now();
        let ids: Vec<_> = (0..=MOST as u64)
            .map(|second| sessions.begin(start + Duration::from_secs(second)).expect("randomness"))
            .collect();
        assert_eq!(sessions.lock().len(), MOST);
        let now = start + Duration::from_secs(100);
        assert!(sessions.find(&ids[0], now, true).is_none());
        assert!(sessions.find(&ids[1], now, true).is_some());
    }

    #[test]
    fn a_notice_is_told_once() {
        let sessions = Sessions::default();
        let id = sessions.begin(Instant::now()).expect("randomness");
        let session = sessions.find(&id, Instant::now(), true).expect("a session");
        sessions.tell(&session, Notice::Done("done".to_owned()));
        assert_eq!(sessions.take_notice(&session), Some(Notice::Done("done".to_owned())));
        assert_eq!(sessions.take_notice(&session), None);
    }
}
