//! Whether the provider still sends webhooks here, by its own list of endpoints.

use crate::clients::api::ApiError;
use crate::clients::apis::Apis;
use crate::domain::endpoint::Fault;
use crate::domain::issue::{Finding, IssueData, IssueKind, NewIssue, Severity, Trigger};
use crate::domain::provider::Provider;
use crate::providers::endpoints::{self, Endpoint, Wanted};
use crate::providers::retrieval::NotUnderstood;

/// Why endpoints can't be seen.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EndpointError {
    /// The provider did not answer as it should.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// What it answered can't be understood.
    #[error(transparent)]
    NotUnderstood(#[from] NotUnderstood),
}

/// The endpoints that a provider has. Blocks.
pub fn list(apis: &Apis, provider: Provider) -> Result<Vec<Endpoint>, EndpointError> {
    let looked = apis.look(provider, &endpoints::list(provider))?;
    Ok(endpoints::read(provider, &looked.body)?)
}

/// What is wrong with the one that is this daemon's. Blocks.
pub fn check(
    apis: &Apis,
    provider: Provider,
    wanted: &Wanted,
) -> Result<Vec<Fault>, EndpointError> {
    Ok(endpoints::judge(provider, &list(apis, provider)?, wanted))
}

/// The issue of what is wrong, or that nothing is.
pub fn finding(provider: Provider, faults: &[Fault]) -> Finding {
    let losing = faults.iter().filter(|fault| fault.flaw.loses_events()).cloned();
    let mut faults: Vec<Fault> = losing.collect();
    faults.sort_by_key(|fault| !fault.flaw.loses_all());
    let Some(worst) = faults.first() else {
        return Finding::Good(IssueKind::Endpoint, provider.to_string(), None);
    };
    let severity = if worst.flaw.loses_all() { Severity::Critical } else { Severity::Warning };
    let data = IssueData::Endpoint { provider, faults };
    Finding::Bad(NewIssue { data, severity, trigger: Trigger::Lasts })
}
