//! `payhookd forget`: what is personal about one payment is taken out of its events.

use std::io::{self, Write};

use clap::Args;

use super::table::visible;
use super::{CommandError, one_transaction, printed, rules, said};
use crate::config::options::DatabaseOption;
use crate::domain::records::{Forgotten, Orphan, Transaction, WebhookLog};
use crate::domain::time::Timestamp;
use crate::store::{Database, DryRun, ForgetEvents, ForgetMetadata, Job, Reader, StoreError};
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
    /// Change nothing; say what would be removed.
    #[arg(long)]
    dry_run: bool,
}

/// How many events are changed in one commit: few enough that a running daemon never waits long.
const AT_ONCE: usize = 50;

impl Forget {
    /// Does it.
    pub fn run(&self) -> Result<(), CommandError> {
        let path = self.database.path();
        let reader = Reader::open(&path)?;
        let (payment, is_registered) = self.payment(&reader)?;
        let events: Vec<i64> = reader.of::<WebhookLog>(payment)?.iter().map(|log| log.id).collect();
        let rules = rules(&reader)?;
        let now = Clock::SYSTEM.now();
        let mut database = Database::open(&path)?;
        let mut all = Vec::new();
        for some in events.chunks(AT_ONCE) {
            let of_shop = self.metadata.then(|| rules.clone());
            let job = ForgetEvents { ids: some.to_vec(), of_shop };
            all.extend(self.job(&mut database, job, now)?);
        }
        let metadata = match self.metadata && is_registered {
            true => self.job(&mut database, ForgetMetadata { transaction_id: payment }, now)?,
            false => Vec::new(),
        };
        printed(self.tell(&mut io::stdout().lock(), &all, &metadata))?;
        // Until then what was removed stands in the file as it was, and in the log beside it.
        if !self.dry_run && !database.checkpoint()? {
            return Err(said(
                "what was removed can still be read in the log beside the database (-wal), because \
                 somebody reads for long (a backup?): do the same again in a while",
            ));
        }
        Ok(())
    }

    fn job<J: Job>(
        &self,
        database: &mut Database,
        job: J,
        now: Timestamp,
    ) -> Result<J::Done, StoreError> {
        match self.dry_run {
            true => database.run(&DryRun(job), now),
            false => database.run(&job, now),
        }
    }

    /// The payment's number, and whether it is a transaction's.
    fn payment(&self, reader: &Reader) -> Result<(i64, bool), CommandError> {
        if !reader.find::<Transaction>(&self.reference)?.is_empty() {
            return Ok((one_transaction(reader, &self.reference)?.id, true));
        }
        match &reader.find::<Orphan>(&self.reference)?[..] {
            [orphan] => Ok((orphan.id, false)),
            [] => Err(said(format!(
                "no transaction or orphan has the number, id or order id {:?}: see `payhookd \
                 transactions list` and `payhookd orphans list --all`",
                self.reference
            ))),
            several => {
                let numbers: Vec<String> = several.iter().map(|one| one.id.to_string()).collect();
                Err(said(format!(
                    "{:?} means several orphans: give the number of one of them, {}",
                    self.reference,
                    numbers.join(", ")
                )))
            }
        }
    }

    fn tell(
        &self,
        output: &mut impl Write,
        events: &[Forgotten],
        metadata: &[String],
    ) -> io::Result<()> {
        for event in events {
            let Forgotten { id, event_id, event_type, paths, headers, had_no_body } = event;
            let mut parts = paths.clone();
            parts.extend(headers.then(|| "its headers".to_owned()));
            let parts = match (parts.is_empty(), had_no_body) {
                (false, _) => parts.join(", "),
                (true, true) => "nothing: its body had been removed".to_owned(),
                (true, false) => "nothing".to_owned(),
            };
            writeln!(output, "{}", visible(&format!("{id} {event_type} {event_id}: {parts}")))?;
        }
        if !metadata.is_empty() {
            let line = format!("the metadata that it was registered with: {}", metadata.join(", "));
            writeln!(output, "{}", visible(&line))?;
        }
        let fields: usize = events.iter().map(|event| event.paths.len()).sum();
        let removed = if self.dry_run { "would be removed" } else { "removed" };
        writeln!(
            output,
            "{removed} from {} events: {} values",
            events.len(),
            fields + metadata.len()
        )
    }
}
