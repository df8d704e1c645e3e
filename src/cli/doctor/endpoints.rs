//! Whether the providers send webhooks here, by their own lists of endpoints.

use std::path::Path;

use super::installation::Patient;
use super::{Check, Finding};
use crate::cli::serve::wanted_endpoint;
use crate::clients::api::Stop;
use crate::clients::apis::Apis;
use crate::domain::issue::IssueKind;
use crate::domain::provider::Provider;
use crate::domain::records::Issue;
use crate::domain::time::Timestamp;
use crate::i18n::issues::Audience;
use crate::providers::endpoints::Wanted;
use crate::reconcile::endpoints;
use crate::store::{Database, NoteFindings, Reader, StoreError};
use crate::telemetry::clock::Clock;

const CHECK: Check = Check("endpoints");

/// Asks each provider whose webhooks are received and whose API keys are set.
pub(super) fn check(patient: &Patient, public_url: Option<&str>) -> Vec<Finding> {
    let Some(config) = &patient.config else { return Vec::new() };
    let mut wanted = wanted_endpoint(config);
    if let Some(url) = public_url {
        wanted.public_url = Some(url.to_owned());
    }
    let apis = Apis::new(&config.api, &Stop::new(), Clock::SYSTEM);
    let Patient { db, now, .. } = patient;
    let found = |provider| of(&apis, provider, &wanted, (db, *now));
    config.providers().into_iter().flat_map(found).collect()
}

/// Closes the issue that the daemon may have opened before the endpoint was fixed.
fn close_if_fixed(db: &Path, provider: Provider, now: Timestamp) -> Result<(), StoreError> {
    if !db.exists() {
        return Ok(());
    }
    let open = Reader::open(db)?.open_issues(None)?;
    let is_of =
        |issue: &Issue| issue.kind == IssueKind::Endpoint && issue.subject == provider.as_str();
    if open.iter().any(is_of) {
        let findings = vec![endpoints::finding(provider, &[])];
        Database::open(db)?.run(&NoteFindings { findings }, now)?;
    }
    Ok(())
}

fn of(
    apis: &Apis,
    provider: Provider,
    wanted: &Wanted,
    (db, now): (&Path, Timestamp),
) -> Vec<Finding> {
    if let Err(error) = apis.can_ask(provider) {
        let what = format!("where {} sends webhooks is not known: {error}", provider.name());
        return vec![CHECK.warn(what, "set the API keys of this provider")];
    }
    match endpoints::check(apis, provider, wanted) {
        Ok(faults) if faults.is_empty() => {
            if let Err(error) = close_if_fixed(db, provider, now) {
                let what =
                    format!("an issue of {}'s endpoint was not closed: {error}", provider.name());
                return vec![
                    CHECK.warn(what, "see that nothing else writes the database for long"),
                ];
            }
            vec![CHECK.ok(format!("{} sends webhooks here", provider.name()))]
        }
        Ok(faults) => faults
            .into_iter()
            .map(|fault| {
                let (what, remedy) = fault.said(Audience::PLAIN);
                match fault.flaw.loses_all() {
                    true => CHECK.fail(what, remedy),
                    false => CHECK.warn(what, remedy),
                }
            })
            .collect(),
        Err(error) => {
            let remedy = format!("payhookd endpoints show --provider {provider}");
            vec![CHECK.warn(error.to_string(), remedy)]
        }
    }
}
