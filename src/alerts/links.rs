//! Where a person sees to an issue: its page in the dashboard, and the provider's own page of what it is about.

use crate::domain::issue::{IssueData, Payment};
use crate::domain::provider::Provider;
use crate::domain::records::{Details, Issue};
use crate::domain::reference::ReferenceKind;
use crate::i18n::Words;
use crate::providers::pages::{self, page};
use crate::providers::reference_kind;

/// What links begin with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Links<'u> {
    /// Where the dashboard is, without a slash at the end; `None`: links lead only to the providers.
    pub dashboard: Option<&'u str>,
    /// Real money: the providers have pages of their own for test money.
    pub livemode: bool,
}

/// A link with what it says.
pub(super) struct Link {
    pub(super) label: String,
    pub(super) url: String,
}

impl Links<'_> {
    /// Those of an issue, that which needs one click first.
    pub(super) fn of(self, issue: &Issue, words: &Words) -> Vec<Link> {
        let open = |provider: Provider| (words.alerts.open_at)(provider.name());
        let at_provider = self.at_provider(issue);
        let at_provider = at_provider.map(|(provider, url)| Link { label: open(provider), url });
        let here = issue.kind.page(&issue.subject).unwrap_or_else(|| "/issues".to_owned());
        let here = self.dashboard.map(|dashboard| Link {
            label: words.alerts.open_here.to_owned(),
            url: format!("{dashboard}{here}"),
        });
        here.into_iter().chain(at_provider).collect()
    }

    /// That of the list of all.
    pub(super) fn of_all(self, words: &Words) -> Option<Link> {
        let label = words.alerts.open_all.to_owned();
        self.dashboard.map(|dashboard| Link { label, url: format!("{dashboard}/issues") })
    }

    fn at_provider(self, issue: &Issue) -> Option<(Provider, String)> {
        let Details::Data(data) = &issue.details else { return None };
        let of =
            |provider, kind, id: &str| Some((provider, page(provider, self.livemode, kind, id)?));
        let of_payment = |payment: &Payment| {
            let kind = reference_kind(payment.provider, &payment.reference);
            of(payment.provider, kind, &payment.reference)
        };
        match data {
            IssueData::Orphan { payment, .. }
            | IssueData::LateMoney { payment, .. }
            | IssueData::AmountMismatch { payment, .. }
            | IssueData::Dispute { payment, .. }
            | IssueData::UncapturedOrder { payment, .. }
            | IssueData::MerchantAction { payment, .. }
            | IssueData::Authorization { payment, .. }
            | IssueData::FraudWarning { payment, .. } => of_payment(payment),
            IssueData::Refund { payment, refund_id, .. } => {
                of(payment.provider, ReferenceKind::Refund, refund_id)
                    .or_else(|| of_payment(payment))
            }
            IssueData::Discrepancy { provider, reference, .. } => {
                of(*provider, reference_kind(*provider, reference), reference)
            }
            IssueData::Payout { provider, payout_id, .. } => {
                let url = pages::payout_page(*provider, self.livemode, payout_id)?;
                Some((*provider, url))
            }
            IssueData::FailedEvent { provider, event_id, .. } => {
                Some((*provider, pages::event_page(*provider, self.livemode, event_id)?))
            }
            IssueData::RefusedSignatures { provider, .. }
            | IssueData::Silence { provider, .. }
            | IssueData::Endpoint { provider, .. } => {
                Some((*provider, pages::webhooks_page(*provider, self.livemode)))
            }
            _ => None,
        }
    }
}
