//! Whether this machine's clock is right: signatures are only believed for minutes.

use std::time::Duration;

use super::installation::Patient;
use super::{Check, Finding, roughly};
use crate::clients::probe::Probe;
use crate::config::options::ServeOptions;
use crate::domain::event::Source;
use crate::domain::records::{EventFilter, Page, WebhookLog};
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::store::{Reader, StoreError};
use crate::telemetry::clock::Clock;

const CHECK: Check = Check("clock");
const REMEDY: &str = "let the machine's clock be set from the network: timedatectl set-ntp true";
/// Providers' clocks and ours may differ by this much.
const SLACK_MS: i64 = 5_000;
/// So many events that all took long say something.
const ENOUGH: usize = 5;
/// No more are looked at, so that a clock that was set right is right soon.
const LOOKED_AT: u32 = 50;
/// The age that Stripe's libraries tolerate, and payhookd by default: beyond it genuine webhooks are refused.
const TOLERATED_MS: i64 = 300_000;
const A_DAY: Duration = Duration::from_secs(86_400);

/// Looks at what the events tell, and if `online` at the providers' clocks.
pub(super) fn check(patient: &Patient, reader: Option<&Reader>, online: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(reader) = reader {
        match from_events(patient, reader) {
            Ok(found) => findings.extend(found),
            Err(error) => {
                findings.push(CHECK.fail(error.to_string(), "payhookd doctor --full"));
            }
        }
    }
    if online {
        findings.extend(from_providers(patient));
    }
    findings
}

/// The providers sign no time that is kept with an event, but say when it happened: one that came
/// before it happened, or many that all came late, show a clock that is off. So do webhooks that
/// were refused for their time alone.
fn from_events(patient: &Patient, reader: &Reader) -> Result<Vec<Finding>, StoreError> {
    let mut findings = Vec::new();
    let rejected = reader.rejected(Some(patient.now.minus(A_DAY)))?;
    for (refusal, fault) in [
        (Refusal::TimestampTooOld, "fast, or they were held up on the way"),
        (Refusal::TimestampTooNew, "slow"),
    ] {
        let of_it = rejected.iter().filter(|(_, reason, _)| reason == refusal.as_str());
        let refused: i64 = of_it.map(|(.., number)| number).sum();
        if refused > 0 {
            findings.push(CHECK.fail(
                format!(
                    "{refused} genuine webhooks of the last day were refused for their time \
                     ({refusal}): this machine's clock is {fault}"
                ),
                REMEDY,
            ));
        }
    }
    let sent = EventFilter { source: Some(Source::Webhook), ..EventFilter::default() };
    let newest = reader.list(&sent, Page { before: None, limit: LOOKED_AT })?.rows;
    let delay =
        |log: &WebhookLog| Some(log.received_at.unix_millis() - log.occurred_at?.unix_millis());
    let delays: Vec<i64> = newest.iter().filter_map(delay).collect();
    let Some(least_ms) = delays.iter().min().copied() else { return Ok(findings) };
    let least = Duration::from_millis(least_ms.unsigned_abs());
    findings.push(if least_ms < -SLACK_MS {
        let what = format!(
            "an event came {} before it happened: this machine's clock is slow by that or more",
            roughly(least)
        );
        match least_ms < -TOLERATED_MS {
            true => CHECK.fail(what, REMEDY),
            false => CHECK.warn(what, REMEDY),
        }
    } else if delays.len() >= ENOUGH && least_ms > TOLERATED_MS {
        CHECK.warn(
            format!(
                "each of the newest {} events came {} or more after it happened: this machine's \
                 clock is fast, or they were held up",
                delays.len(),
                roughly(least)
            ),
            format!("{REMEDY}; ask the providers: payhookd doctor --online"),
        )
    } else {
        CHECK.ok("no event came before it happened, and none was refused for its time")
    });
    Ok(findings)
}

fn from_providers(patient: &Patient) -> Vec<Finding> {
    let base = |of: fn(&ServeOptions) -> &Option<String>| of(patient.options.as_ref()?).clone();
    let stripe = base(|options| &options.api.stripe_api_base);
    let paypal = base(|options| &options.api.paypal_api_base);
    let probe = Probe::new();
    [
        stripe.unwrap_or_else(|| "https://api.stripe.com".to_owned()),
        paypal.unwrap_or_else(|| "https://api-m.paypal.com".to_owned()),
    ]
    .map(|base| {
        let asked = Clock::SYSTEM.now();
        let answer = probe.get(&format!("{}/", base.trim_end_matches('/')));
        match answer.map(|answer| answer.date) {
            Ok(Some(theirs)) => compare(&base, asked, theirs, Clock::SYSTEM.now()),
            Ok(None) => {
                CHECK.warn(format!("{base} does not say what time it is"), "ask again later")
            }
            Err(error) => CHECK.warn(
                format!("{base} can't be asked: {error}"),
                format!("see whether this machine reaches it: curl -sSI {base}/"),
            ),
        }
    })
    .into()
}

/// Their time is from between the two of ours, in whole seconds.
fn compare(base: &str, asked: Timestamp, theirs: Timestamp, answered: Timestamp) -> Finding {
    let second = Duration::from_secs(1);
    let (off, side) = match theirs.plus(second) < asked {
        true => (asked.since(theirs.plus(second)), "fast"),
        false => (theirs.since(answered), "slow"),
    };
    let what = format!("by the clock of {base} this machine's is {side} by {}", roughly(off));
    match i64::try_from(off.as_millis()).unwrap_or(i64::MAX) {
        ..=SLACK_MS => CHECK.ok(format!("the same as that of {base}")),
        off if off < TOLERATED_MS / 2 => CHECK.warn(what, REMEDY),
        _ => CHECK.fail(what, REMEDY),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Verdict;
    use super::*;

    #[test]
    fn two_clocks_are_compared_within_what_the_answer_took() {
        let at = |millis| Timestamp::from_unix_millis(millis).expect("in range");
        for (asked, theirs, answered, verdict, word) in [
            (10_900, 10_000, 12_000, Verdict::Ok, "the same"),
            (10_000, 15_000, 11_000, Verdict::Ok, "the same"),
            (100_000, 160_000, 100_500, Verdict::Warn, "slow by 59 s"),
            (200_000, 100_000, 200_500, Verdict::Warn, "fast by 99 s"),
            (900_000, 100_000, 900_500, Verdict::Fail, "fast by 13 min"),
        ] {
            let finding = compare("https://api.example", at(asked), at(theirs), at(answered));
            assert_eq!(finding.verdict, verdict, "{finding:?}");
            assert!(finding.what.contains(word), "{finding:?}");
        }
    }
}
