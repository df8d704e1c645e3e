//! Whether the provider still sends webhooks here, by its own list of endpoints.

use crate::clients::api::{ApiError, Apis};
use crate::domain::event::Provider;
use crate::domain::issue::{Finding, IssueKind, Occasion, Raise, Severity, Texts};
use crate::domain::language::Spoken;
use crate::providers::endpoints::{self, Endpoint, Fault, Wanted};
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
    let bad: Vec<&Fault> = faults.iter().filter(|fault| fault.flaw.loses_events()).collect();
    let Some(worst) = bad.iter().find(|fault| fault.flaw.loses_all()).or_else(|| bad.first())
    else {
        return Finding::Good(IssueKind::Endpoint, provider.as_str().to_owned(), None);
    };
    let others = || bad.iter().filter(|fault| fault != &worst).map(|fault| fault.what());
    let (severity, lost) = match worst.flaw.loses_all() {
        true => (
            Severity::Critical,
            Spoken {
                english: "No event comes by it.",
                french: "Aucun événement n’arrive par lui.",
            },
        ),
        false => (
            Severity::Warning,
            Spoken {
                english: "What these events would tell is not known here.",
                french: "Ce que diraient ces événements n’est pas connu ici.",
            },
        ),
    };
    let in_english: Vec<String> =
        std::iter::once(lost.english.to_owned()).chain(others().map(|what| what.english)).collect();
    let in_french: Vec<String> =
        std::iter::once(lost.french.to_owned()).chain(others().map(|what| what.french)).collect();
    let (what, remedy) = (worst.what(), worst.remedy());
    Finding::Bad(Raise {
        kind: IssueKind::Endpoint,
        subject: provider.as_str().to_owned(),
        severity,
        occasion: Occasion::Lasts,
        texts: Spoken {
            english: Texts::new(what.english, in_english.join(" "), remedy.english),
            french: Texts::new(what.french, in_french.join(" "), remedy.french),
        },
    })
}
