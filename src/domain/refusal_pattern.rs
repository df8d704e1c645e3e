//! What requests that are not believed are likely to mean.
//!
//! Anybody can send a request that is refused, for nothing and as often as they like: that alone is no sign of a
//! wrong secret or clock, and nobody is called for it. The provider betrays itself by what a stranger has not:
//! it repeats one event for hours, it has the event in its own list, it falls silent otherwise, and its
//! signatures keep in step with the time.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::refusal::Refusal;
use super::time::Timestamp;

string_enum! {
    /// Refusals that are mended in the same way.
    RefusalClass {
        /// The signature does not belong to this payload and these secrets.
        Signature = "signature",
        /// The signature is right and its time is not.
        Time = "time",
        /// The certificate is not to be trusted, or there is none to be had.
        Certificate = "certificate",
    }
}

impl RefusalClass {
    /// The class of a refusal; `None` for what says nothing of secret, clock or certificate.
    pub fn of(refusal: Refusal) -> Option<Self> {
        match refusal {
            Refusal::NoSignatures
            | Refusal::MalformedSignature
            | Refusal::BadSignature
            | Refusal::UnsupportedAlgorithm
            | Refusal::CertUrlRefused
            | Refusal::WrongEnvironment => Some(Self::Signature),
            Refusal::TimestampTooOld | Refusal::TimestampTooNew => Some(Self::Time),
            Refusal::CertExpired | Refusal::CertNotYetValid | Refusal::CertUntrusted => {
                Some(Self::Certificate)
            }
            Refusal::MissingHeader
            | Refusal::MalformedHeader
            | Refusal::EmptyPayload
            | Refusal::InvalidJson
            | Refusal::NotAnEvent
            | Refusal::TransmissionTooOld
            | Refusal::ReplayedTransmissionId
            | Refusal::ReusedEventId => None,
        }
    }
}

/// Why refused requests are believed to be the provider's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Evidence {
    /// One event came again and again, as a provider repeats what is refused, and nothing genuine did.
    Retried {
        /// The event's id, as the requests say.
        event_id: String,
        /// How often it came.
        attempts: u64,
        /// When it came first.
        first_at: Timestamp,
        /// When it came last.
        last_at: Timestamp,
    },
    /// The provider's own list has an event that was refused here.
    Listed {
        /// The event's id.
        event_id: String,
    },
    /// Nothing genuine has come for longer than this shop is used to.
    Silence {
        /// When the last genuine one came.
        last_at: Timestamp,
    },
    /// Genuine signatures of different times were all refused for the same distance from this machine's time.
    Offset {
        /// By how many seconds this machine is ahead of them.
        seconds: i64,
    },
}

/// The refused requests of one provider and class, within bounds that no sender can stretch.
#[derive(Clone, Debug, Default)]
pub struct RefusalTally {
    last_at: Option<Timestamp>,
    /// How many came in each minute of the last day, by the first of the minute.
    minutes: VecDeque<(Timestamp, u64)>,
    /// The events that they claimed to be.
    claimed: Vec<Claimed>,
    /// When genuine signatures were made and came, for those that were refused for their time.
    signed: VecDeque<(Timestamp, Timestamp)>,
}

/// One event, as refused requests claimed it.
#[derive(Clone, Debug)]
struct Claimed {
    event_id: Box<str>,
    attempts: u64,
    first_at: Timestamp,
    last_at: Timestamp,
}

impl RefusalTally {
    /// Counts one that came now. `event_id` is what it claims to be, and `signed_at` when it was signed, if that
    /// is proved.
    pub fn count(&mut self, event_id: Option<&str>, signed_at: Option<Timestamp>, now: Timestamp) {
        self.last_at = Some(now);
        match self.minutes.back_mut() {
            Some((minute, number)) if now.since(*minute) < MINUTE => *number += 1,
            _ => self.minutes.push_back((now, 1)),
        }
        self.forget(now);
        if let Some(event_id) = event_id {
            self.claim(event_id, now);
        }
        if let Some(signed_at) = signed_at.filter(|at| self.signed.iter().all(|one| one.0 != *at)) {
            self.signed.push_back((signed_at, now));
            if self.signed.len() > SIGNED_KEPT {
                self.signed.pop_front();
            }
        }
    }

    fn claim(&mut self, event_id: &str, now: Timestamp) {
        if let Some(known) = self.claimed.iter_mut().find(|one| &*one.event_id == event_id) {
            known.attempts += 1;
            known.last_at = now;
            return;
        }
        if self.claimed.len() >= CLAIMED_KEPT {
            // A flood of ids that come once each drives out none that is repeated.
            let least =
                self.claimed.iter().enumerate().min_by_key(|(_, one)| (one.attempts, one.last_at));
            if let Some((place, _)) = least {
                self.claimed.swap_remove(place);
            }
        }
        let event_id = event_id.into();
        self.claimed.push(Claimed { event_id, attempts: 1, first_at: now, last_at: now });
    }

    /// Forgets what is older than a day.
    fn forget(&mut self, now: Timestamp) {
        while self.minutes.front().is_some_and(|(minute, _)| now.since(*minute) >= REMEMBERED) {
            self.minutes.pop_front();
        }
        self.claimed.retain(|one| now.since(one.last_at) < REMEMBERED);
        self.signed.retain(|(_, came_at)| now.since(*came_at) < REMEMBERED);
    }

    /// When the last of them came.
    pub fn last_at(&self) -> Option<Timestamp> {
        self.last_at
    }

    /// How many came within the last hour.
    pub fn in_last_hour(&self, now: Timestamp) -> u64 {
        self.number(|minute| now.since(minute) < HOUR)
    }

    /// How many came in the last day, after the last genuine one.
    pub fn since_genuine(&self, genuine_at: Option<Timestamp>) -> u64 {
        self.number(|minute| genuine_at.is_none_or(|genuine| minute > genuine))
    }

    /// When the first of those came.
    pub fn first_since(&self, genuine_at: Option<Timestamp>) -> Option<Timestamp> {
        let since = |minute: Timestamp| genuine_at.is_none_or(|genuine| minute > genuine);
        self.minutes.iter().map(|(minute, _)| *minute).find(|minute| since(*minute))
    }

    fn number(&self, is_meant: impl Fn(Timestamp) -> bool) -> u64 {
        self.minutes.iter().filter(|(minute, _)| is_meant(*minute)).map(|(_, number)| number).sum()
    }

    /// Why those of this class that came after the last genuine one are the provider's; `None`: they may be
    /// anybody's. `is_silent`: nothing genuine has come for longer than usual. `known_since` says of an event when
    /// it was received and proved, if it is known.
    pub fn evidence<E>(
        &self,
        class: RefusalClass,
        genuine_at: Option<Timestamp>,
        is_silent: bool,
        mut known_since: impl FnMut(&str) -> Result<Option<Timestamp>, E>,
    ) -> Result<Option<Evidence>, E> {
        let claimed = || {
            let since = |one: &&Claimed| genuine_at.is_none_or(|genuine| one.first_at > genuine);
            self.claimed.iter().filter(since)
        };
        let mut unknown = Vec::new();
        for one in claimed() {
            match known_since(&one.event_id)? {
                Some(since) if since >= one.first_at => {
                    return Ok(Some(Evidence::Listed { event_id: one.event_id.to_string() }));
                }
                // The provider does not repeat what was taken: whoever does has caught it once.
                Some(_) => {}
                None => unknown.push(one),
            }
        }
        if class == RefusalClass::Time {
            // A genuine signature can be sent again and again; only those of new times are the provider's.
            return Ok(self.offset(genuine_at).map(|seconds| Evidence::Offset { seconds }));
        }
        let repeated = unknown
            .into_iter()
            .filter(|one| one.attempts >= FEW && one.last_at.since(one.first_at) >= HOUR);
        if let Some(one) = repeated.max_by_key(|one| (one.attempts, one.last_at)) {
            return Ok(Some(Evidence::Retried {
                event_id: one.event_id.to_string(),
                attempts: one.attempts,
                first_at: one.first_at,
                last_at: one.last_at,
            }));
        }
        let silence = genuine_at.filter(|_| is_silent && self.since_genuine(genuine_at) >= FEW);
        Ok(silence.map(|last_at| Evidence::Silence { last_at }))
    }

    /// By how many seconds this machine is ahead of a few different genuine signatures, if it is by the same for
    /// all of them. One old request, sent again and again, has one time; several have several distances.
    fn offset(&self, genuine_at: Option<Timestamp>) -> Option<i64> {
        let since = |came: Timestamp| genuine_at.is_none_or(|genuine| came > genuine);
        let ahead = |(signed, came): &(Timestamp, Timestamp)| {
            (came.unix_millis() - signed.unix_millis()) / 1_000
        };
        let signed = self.signed.iter().filter(|(_, came)| since(*came));
        let mut offsets: Vec<i64> = signed.map(ahead).collect();
        offsets.sort_unstable();
        let few = usize::try_from(FEW).unwrap_or(usize::MAX);
        let agree = offsets.windows(few).find(|some| some[some.len() - 1] - some[0] <= IN_STEP);
        agree.map(|some| some[0])
    }
}

string_enum! {
    /// The likely reason of wrong signatures.
    Likely {
        /// The secret is another endpoint's: no request was ever genuine.
        WrongSecret = "wrong_secret",
        /// The secret was changed at the provider: there were genuine ones, and there are none now.
        RolledSecret = "rolled_secret",
        /// No request was ever genuine, and these may be anybody's.
        Unclear = "unclear",
        /// Somebody tries: they are many.
        Forger = "forger",
    }
}

impl Likely {
    /// The reason of wrong signatures, with `evidence` that they are the provider's, or without; `None`: they
    /// are not worth a word.
    pub fn of(
        tally: &RefusalTally,
        evidence: Option<&Evidence>,
        genuine_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Option<Self> {
        let count = tally.in_last_hour(now);
        match (evidence, genuine_at) {
            (Some(_), None) => Some(Self::WrongSecret),
            (Some(_), Some(_)) => Some(Self::RolledSecret),
            (None, None) if count >= FEW => Some(Self::Unclear),
            (None, Some(_)) if count >= MANY => Some(Self::Forger),
            (None, _) => None,
        }
    }
}

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);
/// So long refused requests are remembered: Stripe's and PayPal's repetitions are hours apart after a day.
const REMEMBERED: Duration = Duration::from_secs(24 * 3_600);
/// So many are no accident.
const FEW: u64 = 3;
/// So many in an hour are somebody's doing.
const MANY: u64 = 20;
/// Events and signatures that are remembered of one provider and class.
const CLAIMED_KEPT: usize = 128;
const SIGNED_KEPT: usize = 32;
/// Seconds within which distances from this machine's time are the same.
const IN_STEP: i64 = 60;

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn at(minute: u64) -> Timestamp {
        Timestamp::EPOCH.plus(Duration::from_secs(60 * minute))
    }

    fn evidence(
        tally: &RefusalTally,
        genuine: Option<u64>,
        is_silent: bool,
        listed: &str,
    ) -> Option<Evidence> {
        let known = |id: &str| {
            Ok::<_, Infallible>(match id {
                "old" => Some(Timestamp::EPOCH),
                id => (id == listed).then(|| at(1_000)),
            })
        };
        let of = |class| tally.evidence(class, genuine.map(at), is_silent, known);
        let Ok(evidence) = of(RefusalClass::Signature);
        evidence
    }

    fn tally(requests: &[(u64, &str)]) -> RefusalTally {
        let mut tally = RefusalTally::default();
        requests.iter().for_each(|(minute, id)| tally.count(Some(id), None, at(*minute)));
        tally
    }

    #[test]
    fn what_a_stranger_sends_for_nothing_is_no_evidence() {
        let scan: Vec<(u64, String)> = (0..400).map(|one| (one, format!("evt_{one}"))).collect();
        let scan: Vec<(u64, &str)> = scan.iter().map(|(minute, id)| (*minute, &**id)).collect();
        let caught = [(1, "old"), (50, "old"), (100, "old"), (150, "old")];
        for requests in
            [&[(0, "a"), (0, "a"), (0, "a"), (59, "a")][..], &[(0, "a"), (70, "a")], &scan, &caught]
        {
            for genuine in [None, Some(0)] {
                assert_eq!(evidence(&tally(requests), genuine, false, ""), None, "{genuine:?}");
            }
        }
        let mut old = RefusalTally::default();
        for minute in 1_000..1_100 {
            // One request that was caught once, and some of many different times.
            old.count(Some("a"), Some(at(5)), at(minute));
        }
        (0..10).for_each(|one| old.count(None, Some(at(one * 2)), at(1_100 + one)));
        assert_eq!(old.offset(None), None);
        let unknown = |_: &str| Ok::<_, Infallible>(None);
        let Ok(of_time) = old.evidence(RefusalClass::Time, Some(at(0)), true, unknown);
        assert_eq!(of_time, None, "however long it is repeated, and whatever else does not come");
    }

    #[test]
    fn the_provider_betrays_itself() {
        let retried = tally(&[(0, "other"), (10, "a"), (15, "a"), (45, "a"), (165, "a")]);
        let said = evidence(&retried, Some(9), false, "");
        let (first_at, last_at) = (at(10), at(165));
        assert_eq!(
            said,
            Some(Evidence::Retried { event_id: "a".to_owned(), attempts: 4, first_at, last_at })
        );
        assert_eq!(evidence(&retried, Some(50), false, ""), None, "a genuine one came after");
        assert_eq!(
            evidence(&tally(&[(1, "a")]), None, false, "a"),
            Some(Evidence::Listed { event_id: "a".to_owned() })
        );
        let silent = tally(&[(1, "a"), (2, "b"), (3, "c")]);
        assert_eq!(
            evidence(&silent, Some(0), true, ""),
            Some(Evidence::Silence { last_at: at(0) })
        );
        assert_eq!(evidence(&silent, Some(1), true, ""), None, "there are two since then");
        let mut behind = RefusalTally::default();
        (0..3).for_each(|one| behind.count(None, Some(at(one * 7)), at(one * 7 + 20)));
        assert_eq!(behind.offset(None), Some(1_200));
    }

    #[test]
    fn signatures_are_likely_wrong_for_a_reason() {
        let said = |number: u64, evidence: Option<&Evidence>, genuine: Option<u64>| {
            let mut tally = RefusalTally::default();
            (0..number).for_each(|_| tally.count(None, None, at(100)));
            Likely::of(&tally, evidence, genuine.map(at), at(110))
        };
        let sure = Evidence::Listed { event_id: "a".to_owned() };
        assert_eq!(said(2, None, None), None);
        assert_eq!(said(3, None, None), Some(Likely::Unclear));
        assert_eq!(said(19, None, Some(99)), None);
        assert_eq!(said(20, None, Some(99)), Some(Likely::Forger));
        assert_eq!(said(1, Some(&sure), None), Some(Likely::WrongSecret));
        assert_eq!(said(1, Some(&sure), Some(99)), Some(Likely::RolledSecret));
    }

    #[test]
    fn a_flood_drives_out_nothing_that_is_repeated_and_takes_no_room() {
        let mut tally = tally(&[(0, "a"), (5, "a")]);
        for one in 0..10_000 {
            tally.count(Some(&format!("evt_{one}")), Some(at(one)), at(one / 100));
        }
        tally.count(Some("a"), None, at(120));
        assert!(matches!(
            evidence(&tally, None, false, ""),
            Some(Evidence::Retried { event_id, attempts: 3, .. }) if event_id == "a"
        ));
        assert!(tally.claimed.len() <= CLAIMED_KEPT && tally.signed.len() <= SIGNED_KEPT);
        assert!(tally.minutes.len() <= 1_440);
        tally.count(None, None, at(120 + 1_440));
        assert_eq!((tally.minutes.len(), tally.claimed.len()), (1, 0));
    }

    #[test]
    fn what_any_passer_by_sends_is_no_sign() {
        assert_eq!(RefusalClass::of(Refusal::MissingHeader), None);
        assert_eq!(RefusalClass::of(Refusal::BadSignature), Some(RefusalClass::Signature));
        assert_eq!(RefusalClass::of(Refusal::TimestampTooNew), Some(RefusalClass::Time));
        assert_eq!(RefusalClass::of(Refusal::CertExpired), Some(RefusalClass::Certificate));
    }
}
