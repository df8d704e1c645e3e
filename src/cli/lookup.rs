//! `payhookd reconcile --object`: one payment, as the provider's API tells of it now.

use std::io;

use serde_json::{Value, json};

use super::table::Table;
use super::{CommandError, print_json, printed, said};
use crate::domain::provider::Provider;
use crate::domain::records::{Kept, Orphan, Transaction};
use crate::domain::reference::{Reference, ReferenceKind};
use crate::providers::reference_kind;
use crate::reconcile::objects::{Asker, of_payment};
use crate::store::{Database, DryRun, KeepObjects, Reader};

/// What is asked for, and how what comes of it is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    /// A transaction's number, any id of the provider's, or the shop's order id.
    pub(super) id: &'a str,
    /// At whom, if the id does not tell.
    pub(super) provider: Option<Provider>,
    /// Change nothing.
    pub(super) dry_run: bool,
    /// JSON lines.
    pub(super) json: bool,
}

impl Wanted<'_> {
    /// Asks for it, and applies what the provider says.
    pub(super) fn run(
        &self,
        reader: &Reader,
        database: &mut Database,
        asker: &Asker<'_>,
    ) -> Result<(), CommandError> {
        let (provider, references) = self.references(reader, asker)?;
        let found = asker.ask(provider, &references).map_err(|error| said(error.to_string()))?;
        let keep = KeepObjects { found, rules: asker.rules.clone() };
        let now = asker.clock.now();
        let kept = match self.dry_run {
            true => database.run(&DryRun(keep), now)?,
            false => database.run(&keep, now)?,
        };
        if self.json {
            return print_json(kept.iter().map(|one| shape(provider, one)));
        }
        let mut table = Table::new(&["object", "id", "outcome", "transaction", "status"]);
        for one in &kept {
            table.row(row(one));
        }
        let mut output = io::stdout().lock();
        printed(table.print(&mut output, "nothing was found"))?;
        if self.dry_run {
            printed(io::Write::write_all(&mut output, b"nothing was changed\n"))?;
        }
        Ok(())
    }

    /// At whom it is, and the ids that are known of it: those of a payment that is here, or the one
    /// that was given.
    fn references(
        &self,
        reader: &Reader,
        asker: &Asker<'_>,
    ) -> Result<(Provider, Vec<Reference>), CommandError> {
        let is_meant = |provider, livemode| {
            livemode == asker.livemode && self.provider.is_none_or(|one| one == provider)
        };
        let mut payments: Vec<(i64, Provider)> = Vec::new();
        for transaction in reader.find::<Transaction>(self.id)? {
            if is_meant(transaction.provider, transaction.livemode) {
                payments.push((transaction.id, transaction.provider));
            }
        }
        if payments.is_empty() {
            for orphan in reader.find::<Orphan>(self.id)? {
                if is_meant(orphan.provider, orphan.livemode) && orphan.resolved_at.is_none() {
                    payments.push((orphan.id, orphan.provider));
                }
            }
        }
        match payments.as_slice() {
            [] => self.unknown(asker),
            [(payment, provider)] => Ok((*provider, of_payment(reader, *payment)?)),
            several => {
                let numbers: Vec<String> = several.iter().map(|(id, _)| id.to_string()).collect();
                Err(said(format!(
                    "{:?} means several payments: give the number of one of them, {}",
                    self.id,
                    numbers.join(", ")
                )))
            }
        }
    }

    /// An id of the provider's that is not known here.
    fn unknown(&self, asker: &Asker<'_>) -> Result<(Provider, Vec<Reference>), CommandError> {
        let by_form = Provider::ALL
            .iter()
            .copied()
            .find(|provider| reference_kind(*provider, self.id) != ReferenceKind::Other);
        let only = || {
            let mut can =
                Provider::ALL.iter().copied().filter(|one| asker.apis.can_ask(*one).is_ok());
            can.next().filter(|_| can.next().is_none())
        };
        let provider = self.provider.or(by_form).or_else(only).ok_or_else(|| {
            said(format!(
                "nothing with the id {:?} is here: say at whom it is, --provider stripe or paypal",
                self.id
            ))
        })?;
        Ok((provider, vec![Reference::new(reference_kind(provider, self.id), self.id)]))
    }
}

fn outcome(kept: &Kept) -> String {
    match &kept.news {
        None => "known".to_owned(),
        Some((_, applied)) => applied.outcome.to_string(),
    }
}

fn shape(provider: Provider, kept: &Kept) -> Value {
    let applied = kept.news.as_ref().map(|(_, applied)| applied);
    json!({
        "provider": provider.as_str(),
        "object": kept.object.kind.as_str(),
        "id": kept.object.value,
        "outcome": outcome(kept),
        "event_id": kept.news.as_ref().map(|(id, _)| id),
        "transaction_id": applied.and_then(|applied| applied.transaction_id),
        "status": applied.and_then(|applied| applied.status).map(|status| status.as_str()),
    })
}

fn row(kept: &Kept) -> Vec<String> {
    let applied = kept.news.as_ref().map(|(_, applied)| applied);
    let id = applied.and_then(|applied| applied.transaction_id);
    let status = applied.and_then(|applied| applied.status);
    vec![
        kept.object.kind.to_string(),
        kept.object.value.to_string(),
        outcome(kept),
        id.map(|id| id.to_string()).unwrap_or_default(),
        status.map(|status| status.to_string()).unwrap_or_default(),
    ]
}
