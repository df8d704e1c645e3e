//! `payhookd reconcile --object`: one payment, as the provider's API has it now.

use serde_json::json;

use super::arguments::{only, run_or_try};
use super::reconcile::Reconcile;
use super::table::{Shown, maybe};
use super::{CommandError, said, say};
use crate::domain::provider::Provider;
use crate::domain::records::{Applied, Kept, Orphan, Transaction};
use crate::domain::reference::{Reference, ReferenceKind};
use crate::providers::reference_kind;
use crate::reconcile::objects::{Asker, of_payment};
use crate::store::{Database, KeepObjects, Reader};

impl Reconcile {
    /// Asks for it, and applies what the provider says.
    pub(super) fn object(
        &self,
        id: &str,
        reader: &Reader,
        database: &mut Database,
        asker: &Asker<'_>,
    ) -> Result<(), CommandError> {
        let (provider, references) = self.references(id, reader, asker)?;
        let found = asker.ask(provider, &references)?;
        let keep = KeepObjects { found, rules: asker.rules.clone() };
        let kept = run_or_try(database, keep, self.dry.dry_run, asker.clock.now())?;
        let kept: Vec<_> = kept.into_iter().map(|kept| (provider, kept)).collect();
        OBJECTS.print(&kept, self.output.json, "nothing was found")?;
        if self.dry.dry_run && !self.output.json { say("nothing was changed") } else { Ok(()) }
    }

    /// At whom it is, and the ids that are known of it: those of a payment that is here, or the one
    /// that was given.
    fn references(
        &self,
        id: &str,
        reader: &Reader,
        asker: &Asker<'_>,
    ) -> Result<(Provider, Vec<Reference>), CommandError> {
        let is_meant = |provider, livemode| {
            livemode == asker.livemode && self.provider.provider.is_none_or(|one| one == provider)
        };
        let mut payments: Vec<(i64, Provider)> = Vec::new();
        for transaction in reader.find::<Transaction>(id)? {
            if is_meant(transaction.provider, transaction.livemode) {
                payments.push((transaction.id, transaction.provider));
            }
        }
        if payments.is_empty() {
            for orphan in reader.find::<Orphan>(id)? {
                if is_meant(orphan.provider, orphan.livemode) && orphan.resolved_at.is_none() {
                    payments.push((orphan.id, orphan.provider));
                }
            }
        }
        if payments.is_empty() {
            return self.unknown(id, asker);
        }
        let (payment, provider) = only(payments, id, "payments", |(number, _)| *number)?;
        Ok((provider, of_payment(reader, payment)?))
    }

    /// An id of the provider's that is not known here.
    fn unknown(
        &self,
        id: &str,
        asker: &Asker<'_>,
    ) -> Result<(Provider, Vec<Reference>), CommandError> {
        let by_form = Provider::ALL
            .iter()
            .copied()
            .find(|provider| reference_kind(*provider, id) != ReferenceKind::Other);
        let only = || {
            let mut can =
                Provider::ALL.iter().copied().filter(|one| asker.apis.can_ask(*one).is_ok());
            can.next().filter(|_| can.next().is_none())
        };
        let provider = self.provider.provider.or(by_form).or_else(only).ok_or_else(|| {
            said(format!(
                "nothing with the id {:?} is here: say at whom it is, --provider stripe or paypal",
                id
            ))
        })?;
        Ok((provider, vec![Reference::new(reference_kind(provider, id), id)]))
    }
}

const OBJECTS: Shown<(Provider, Kept)> = Shown {
    columns: &[
        ("object", |(_, kept)| kept.object.kind.to_string()),
        ("id", |(_, kept)| kept.object.value.to_string()),
        ("outcome", |(_, kept)| outcome(kept)),
        ("transaction", |(_, kept)| maybe(applied(kept).and_then(|it| it.transaction_id))),
        ("status", |(_, kept)| maybe(applied(kept).and_then(|it| it.status))),
    ],
    json: |(provider, kept)| {
        json!({
            "provider": provider.as_str(),
            "object": kept.object.kind.as_str(),
            "id": kept.object.value,
            "outcome": outcome(kept),
            "event_id": kept.news.as_ref().map(|(id, _)| id),
            "transaction_id": applied(kept).and_then(|it| it.transaction_id),
            "status": applied(kept).and_then(|it| it.status).map(|status| status.as_str()),
        })
    },
};

fn outcome(kept: &Kept) -> String {
    applied(kept).map_or_else(|| "known".to_owned(), |applied| applied.outcome.to_string())
}

fn applied(kept: &Kept) -> Option<&Applied> {
    kept.news.as_ref().map(|(_, applied)| applied)
}
