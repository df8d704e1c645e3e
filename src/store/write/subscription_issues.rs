//! Issues of subscriptions: payments of one that the shop has not registered, and of one that has ended.
//! One for each subscription, with all of its payments summed up.

use rusqlite::{Connection, ToSql, named_params};

use super::issues;
use crate::domain::issue::{
    EndedSubscription, IssueData, IssueKind, NewIssue, Payments, Severity, Trigger,
    UnknownSubscription, subscription_subject,
};
use crate::domain::money::{Currency, Money};
use crate::domain::orphan::{OrphanAbout, OrphanKind};
use crate::domain::provider::Provider;
use crate::domain::records::Orphan;
use crate::domain::time::Timestamp;
use crate::store::error::StoreError;
use crate::store::tables::rows::all;
use crate::store::tables::subscriptions;

/// A subscription that is known by the provider's id alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unknown {
    pub(crate) provider: Provider,
    pub(crate) reference: String,
}

impl Unknown {
    /// The subscription with whose payments an orphan stands: not if there is another question about it.
    pub(crate) fn of(orphan: &Orphan) -> Option<Self> {
        Self::named(orphan.provider, (orphan.kind, orphan.about), orphan.subscription.clone())
    }

    pub(crate) fn named(
        provider: Provider,
        (kind, about): (OrphanKind, OrphanAbout),
        reference: Option<String>,
    ) -> Option<Self> {
        let only_unknown =
            matches!(kind, OrphanKind::Early | OrphanKind::LateLink | OrphanKind::Unlinkable);
        // What is disputed or went back is no renewal, and more urgent.
        let is_renewal =
            matches!(about, OrphanAbout::Payment | OrphanAbout::Attempt | OrphanAbout::Invoice);
        reference
            .filter(|_| only_unknown && is_renewal)
            .map(|reference| Self { provider, reference })
    }

    /// The subscription that an orphan is a payment of, whatever else there is about it.
    pub(crate) fn whose(orphan: Orphan) -> Option<Self> {
        let provider = orphan.provider;
        orphan.subscription.map(|reference| Self { provider, reference })
    }

    /// Raises, updates or closes the issue of its payments that nobody has resolved; `except` is not
    /// among them any more. `happened`: there is one more.
    pub(crate) fn sync(
        &self,
        connection: &Connection,
        except: Option<i64>,
        happened: bool,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "SELECT currency, count(*), money_sum(CASE about WHEN 'payment' THEN amount END),
                    max(last_seen_at)
             FROM orphan_transactions
             WHERE provider = :provider AND subscription = :reference AND resolved_at IS NULL
               AND kind IN ('early', 'late_link', 'unlinkable')
               AND about IN ('payment', 'attempt', 'invoice')
               AND alert_at IS NOT NULL AND alerted_at IS NOT NULL AND id IS NOT :except
             GROUP BY currency ORDER BY currency";
        let parameters = named_params! {
            ":provider": self.provider.as_str(),
            ":reference": self.reference,
            ":except": except,
        };
        let subject = subscription_subject(self.provider, &self.reference);
        let Some(payments) = summed(connection, sql, parameters)? else {
            return issues::close(connection, IssueKind::UnknownSubscription, &subject, None, now);
        };
        let is_paid = !payments.sums.is_empty();
        let data = IssueData::UnknownSubscription(UnknownSubscription {
            provider: self.provider,
            reference: self.reference.clone(),
            payments,
        });
        // Attempts that came to nothing are no money that is missed.
        let severity = if is_paid { Severity::Warning } else { Severity::Notice };
        raise(connection, data, severity, happened, now)
    }
}

/// The payments of a subscription of the shop's that came after its end and were not given back: raises,
/// updates or closes their issue. `happened`: there is one more.
pub(crate) fn after_end(
    connection: &Connection,
    subscription: i64,
    happened: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "SELECT received_currency, count(*), money_sum(amount_received - amount_refunded),
                      max(status_changed_at)
         FROM transactions
         WHERE subscription_id = :id AND after_end = 1 AND amount_received > amount_refunded
           AND status <> 'charged_back'
         GROUP BY received_currency ORDER BY received_currency";
    let payments = summed(connection, sql, named_params! { ":id": subscription })?;
    let of = subscriptions::get(connection, subscription)?;
    let ended = of.and_then(|of| Some((of.ended_at?, of)));
    let (Some(payments), Some((ended_at, of))) = (payments, ended) else {
        let subject = subscription.to_string();
        return issues::close(connection, IssueKind::EndedSubscription, &subject, None, now);
    };
    let data = IssueData::EndedSubscription(EndedSubscription {
        subscription_id: subscription,
        provider: of.provider,
        reference: of.reference,
        own_id: of.own_id,
        ended_at,
        payments,
    });
    raise(connection, data, Severity::Warning, happened, now)
}

fn raise(
    connection: &Connection,
    data: IssueData,
    severity: Severity,
    happened: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    let trigger = if happened { Trigger::Happened } else { Trigger::Lasts };
    issues::raise(connection, &NewIssue { data, severity, trigger }, now)
}

/// Rows of a currency, how many, their sum and the last instant, as one; `None` if there are none.
fn summed(
    connection: &Connection,
    sql: &str,
    parameters: &[(&str, &dyn ToSql)],
) -> Result<Option<Payments>, StoreError> {
    let rows: Vec<(Option<Currency>, i64, i64, Timestamp)> = all(connection, sql, parameters)?;
    let Some(last_at) = rows.iter().map(|(.., at)| *at).max() else { return Ok(None) };
    Ok(Some(Payments {
        number: rows.iter().map(|(_, number, ..)| number).sum(),
        sums: rows.iter().filter_map(|(currency, _, minor, _)| money(*currency, *minor)).collect(),
        last_at,
    }))
}

fn money(currency: Option<Currency>, minor: i64) -> Option<Money> {
    currency.filter(|_| minor != 0).map(|currency| Money { minor, currency })
}
