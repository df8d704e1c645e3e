//! `payhookd transactions close` and `reopen`: whether the shop still expects money.

use std::io::{self, Write};

use clap::Args;

use super::{CommandError, one_transaction, printed, said};
use crate::config::options::DatabaseOption;
use crate::domain::records::Closed;
use crate::store::{CloseTransaction, Database, Reader, ReopenTransaction};
use crate::telemetry::clock::Clock;

/// `transactions close`
#[derive(Args, Debug)]
pub struct Closing {
    #[command(flatten)]
    which: Reopening,
    /// Also if it is paid: the shop has nothing more to do for the payment, and expects no other.
    #[arg(long)]
    even_if_paid: bool,
}

/// `transactions reopen`
#[derive(Args, Debug)]
pub struct Reopening {
    #[command(flatten)]
    database: DatabaseOption,
    /// Its number, any id of the provider's that is known for it, or the shop's order id.
    id: String,
}

impl Closing {
    /// The shop expects no money any more.
    pub fn close(&self) -> Result<(), CommandError> {
        let (mut database, id) = self.which.open()?;
        let job = CloseTransaction { id, even_if_paid: self.even_if_paid };
        match database.run(&job, Clock::SYSTEM.now())? {
            Closed::Done(closed) => {
                let status = closed.state.status;
                printed(writeln!(io::stdout().lock(), "transaction {id} is closed: {status}"))
            }
            Closed::IsPaid(_) => Err(said(format!(
                "transaction {id} is paid, and stays open. To close it means that the shop has nothing more to \
                 do for this payment and expects no other: deliver or refund first, then add --even-if-paid"
            ))),
            Closed::NoTransaction => Err(said(format!("transaction {id} is gone"))),
        }
    }
}

impl Reopening {
    /// The shop expects money after all.
    pub fn reopen(&self) -> Result<(), CommandError> {
        let (mut database, id) = self.open()?;
        let reopened = database.run(&ReopenTransaction { id }, Clock::SYSTEM.now())?;
        let reopened = reopened.ok_or_else(|| said(format!("transaction {id} is gone")))?;
        let status = reopened.state.status;
        printed(writeln!(io::stdout().lock(), "transaction {id} is open: {status}"))
    }

    fn open(&self) -> Result<(Database, i64), CommandError> {
        let path = self.database.path();
        let id = one_transaction(&Reader::open(&path)?, &self.id)?.id;
        Ok((Database::open(&path)?, id))
    }
}
