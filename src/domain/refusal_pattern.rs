//! What requests that are not believed are likely to mean.
//!
//! One that is refused says little: anybody can send one. Many of them, seen beside the genuine ones
//! that come or don't, say a lot.

use std::collections::VecDeque;
use std::time::Duration;

use super::refusal::Refusal;
use super::time::Timestamp;

string_enum! {
    /// What is wrong with requests, as far as it can be mended in different ways.
    Flaw {
        /// The signature does not belong to this payload and these secrets.
        Signature = "signature",
        /// The signature is right and its time is not.
        Time = "time",
        /// The certificate is not to be trusted, or there is none to be had.
        Certificate = "certificate",
    }
}

impl Flaw {
    /// What a refusal is about; `None` for what any passer-by sends, and for what is genuine and no
    /// event.
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

/// The flawed requests of the last hour.
#[derive(Clone, Debug, Default)]
pub struct Tally(VecDeque<(Timestamp, u64)>);

impl Tally {
    /// Counts some more that came by now, and forgets what is older than an hour.
    pub fn add(&mut self, number: u64, now: Timestamp) {
        if number > 0 {
            self.0.push_back((now, number));
        }
        self.0.retain(|(at, _)| now.since(*at) < WINDOW);
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|(_, number)| number).sum()
    }

    /// When the first of them was counted.
    pub fn first_at(&self) -> Option<Timestamp> {
        self.0.front().map(|(at, _)| *at)
    }

    /// How many there were since a genuine request came, or ever, if none did since the first.
    fn since_genuine(&self, genuine_at: Option<Timestamp>) -> u64 {
        match (genuine_at, self.first_at()) {
            (Some(genuine), Some(first)) if genuine >= first => 0,
            _ => self.count(),
        }
    }

    /// What flawed signatures mean. `genuine_at` is when the last genuine request came, if one ever
    /// did.
    pub fn signatures(&self, genuine_at: Option<Timestamp>) -> Option<Likely> {
        let alone = self.since_genuine(genuine_at);
        match genuine_at {
            None if alone >= FEW => Some(Likely::WrongSecret),
            Some(_) if alone >= FEW => Some(Likely::RolledSecret),
            _ if self.count() >= MANY => Some(Likely::Forger),
            _ => None,
        }
    }

    /// Whether flaws of another kind are ours: there are a few, and nothing genuine came since.
    pub fn is_ours(&self, genuine_at: Option<Timestamp>) -> bool {
        self.since_genuine(genuine_at) >= FEW
    }
}

string_enum! {
    /// What flawed signatures are likely to mean.
    Likely {
        /// The secret is another endpoint's: no request was ever genuine.
        WrongSecret = "wrong_secret",
        /// The secret was changed at the provider: there were genuine ones, and there are none now.
        RolledSecret = "rolled_secret",
        /// Somebody tries: genuine ones come all the same.
        Forger = "forger",
    }
}

/// So long flaws are remembered.
const WINDOW: Duration = Duration::from_secs(3_600);
/// So many, with nothing genuine beside them, are no accident: a provider repeats what is refused.
const FEW: u64 = 3;
/// So many in an hour beside genuine ones are somebody's doing.
const MANY: u64 = 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: u64) -> Timestamp {
        Timestamp::EPOCH.plus(Duration::from_secs(60 * minute))
    }

    #[test]
    fn what_is_likely_follows_from_the_genuine_ones_beside() {
        for (refused, genuine, expected) in [
            (&[(100, 2)][..], None, None),
            (&[(100, 1), (110, 2)], None, Some(Likely::WrongSecret)),
            (&[(100, 3)], Some(99), Some(Likely::RolledSecret)),
            (&[(100, 3)], Some(100), None),
            (&[(100, 3)], Some(105), None),
            (&[(100, 10), (109, 10)], Some(105), Some(Likely::Forger)),
            (&[(100, 19)], Some(105), None),
            // An hour is looked back on.
            (&[(10, 100), (100, 1)], Some(5), None),
            (&[], None, None),
            (&[], Some(1), None),
        ] {
            let mut tally = Tally::default();
            for (minute, number) in refused {
                tally.add(*number, at(*minute));
            }
            tally.add(0, at(110));
            let genuine = genuine.map(at);
            assert_eq!(tally.signatures(genuine), expected, "{refused:?} {genuine:?}");
            let ours = matches!(expected, Some(Likely::WrongSecret | Likely::RolledSecret));
            assert_eq!(tally.is_ours(genuine), ours, "{refused:?} {genuine:?}");
        }
    }

    #[test]
    fn what_any_passer_by_sends_is_no_sign() {
        assert_eq!(Flaw::of(Refusal::MissingHeader), None);
        assert_eq!(Flaw::of(Refusal::BadSignature), Some(Flaw::Signature));
        assert_eq!(Flaw::of(Refusal::TimestampTooNew), Some(Flaw::Time));
        assert_eq!(Flaw::of(Refusal::CertExpired), Some(Flaw::Certificate));
    }
}
