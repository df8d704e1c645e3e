//! `payhookd forget`: what is personal about one payment is taken out of its events.

use clap::Args;

use super::arguments::{DryRunOption, Noun, one_transaction, only, run_or_try};
use super::table::visible;
use super::{CommandError, rules, said, say};
use crate::config::options::DatabaseOption;
use crate::domain::records::{Forgotten, Orphan, Transaction, WebhookLog};
use crate::store::{ForgetEvents, ForgetMetadata, Reader};
use crate::telemetry::clock::Clock;

/// `forget`
#[derive(Args, Debug)]
pub struct Forget {
    #[command(flatten)]
    database: DatabaseOption,
    /// Whose payment: the number of its transaction, any id of the provider's that is known for it, or
    /// the shop's order id. An orphan's id too.
    #[arg(long, value_name = "ID")]
    reference: String,
    /// Also the shop's own words: metadata, descriptions. The order id stays.
    #[arg(long)]
    metadata: bool,
    #[command(flatten)]
    dry: DryRunOption,
}

/// How many events are changed in one commit: few enough that a running daemon never waits long.
const AT_ONCE: usize = 50;

impl Forget {
    /// Removes it, and says from which events what was removed.
    pub fn run(&self) -> Result<(), CommandError> {
        let reader = self.database.reader()?;
        let (payment, is_registered) = self.payment(&reader)?;
        let events: Vec<i64> = reader.of::<WebhookLog>(payment)?.iter().map(|log| log.id).collect();
        let rules = rules(&reader)?;
        let now = Clock::SYSTEM.now();
        let dry_run = self.dry.dry_run;
        let mut database = self.database.writer()?;
        let mut all = Vec::new();
        for some in events.chunks(AT_ONCE) {
            let of_shop = self.metadata.then(|| rules.clone());
            let job = ForgetEvents { ids: some.to_vec(), of_shop };
            all.extend(run_or_try(&mut database, job, dry_run, now)?);
        }
        let metadata = match self.metadata && is_registered {
            true => {
                let job = ForgetMetadata { transaction_id: payment };
                run_or_try(&mut database, job, dry_run, now)?
            }
            false => Vec::new(),
        };
        self.tell(&all, &metadata)?;
        // Until then what was removed stands in the file as it was, and in the log beside it.
        if !dry_run && !database.checkpoint()? {
            return Err(said(
                "what was removed can still be read in the log beside the database (-wal), because \
                 somebody reads for long (a backup?): do the same again in a while",
            ));
        }
        Ok(())
    }

    /// The payment's number, and whether it is a transaction's.
    fn payment(&self, reader: &Reader) -> Result<(i64, bool), CommandError> {
        let id = &self.reference;
        if !reader.find::<Transaction>(id)?.is_empty() {
            return Ok((one_transaction(reader, id)?.id, true));
        }
        let orphans =
            Noun("transaction or orphan has the number, id or order id", Noun::TRANSACTION.1);
        let orphan = only(orphans.find(reader, id)?, id, "orphans", |one: &Orphan| one.id)?;
        Ok((orphan.id, false))
    }

    fn tell(&self, events: &[Forgotten], metadata: &[String]) -> Result<(), CommandError> {
        for event in events {
            let Forgotten { id, event_id, event_type, paths, headers, had_no_body } = event;
            let mut parts = paths.clone();
            parts.extend(headers.then(|| "its headers".to_owned()));
            let parts = match (parts.is_empty(), had_no_body) {
                (false, _) => parts.join(", "),
                (true, true) => "nothing: its body had been removed".to_owned(),
                (true, false) => "nothing".to_owned(),
            };
            say(visible(&format!("{id} {event_type} {event_id}: {parts}")))?;
        }
        if !metadata.is_empty() {
            let metadata = metadata.join(", ");
            say(visible(&format!("the metadata that it was registered with: {metadata}")))?;
        }
        let fields: usize = events.iter().map(|event| event.paths.len()).sum();
        let removed = if self.dry.dry_run { "would be removed" } else { "removed" };
        say(format!("{removed} from {} events: {} values", events.len(), fields + metadata.len()))
    }
}
