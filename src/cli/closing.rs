//! `payhookd transactions close` and `reopen`: whether the shop still expects money.

use std::io::{self, Write};

use clap::Args;

use super::{CommandError, one_transaction, printed, said};
use crate::config::options::DatabaseOption;
use crate::domain::records::Transaction;
use crate::store::{CloseTransaction, Database, Reader};
use crate::telemetry::clock::Clock;

/// `transactions close` and `transactions reopen`
#[derive(Args, Debug)]
pub struct Closing {
    #[command(flatten)]
    database: DatabaseOption,
    /// Its number, any id of the provider's that is known for it, or the shop's order id.
    id: String,
}

impl Closing {
    /// The shop expects no money any more.
    pub fn close(&self) -> Result<(), CommandError> {
        let transaction = self.set(true)?;
        let state = &transaction.state;
        let mut said = format!("transaction {} is closed: {}", transaction.id, state.status);
        if state.amount_received > state.amount_refunded {
            said.push_str(
                ". Money for it was received already: see `payhookd orphans list --kind late_money`",
            );
        }
        printed(writeln!(io::stdout().lock(), "{said}"))
    }

    /// It does after all.
    pub fn reopen(&self) -> Result<(), CommandError> {
        let transaction = self.set(false)?;
        let (id, status) = (transaction.id, transaction.state.status);
        printed(writeln!(io::stdout().lock(), "transaction {id} is open: {status}"))
    }

    fn set(&self, closed: bool) -> Result<Transaction, CommandError> {
        let path = self.database.path();
        let id = one_transaction(&Reader::open(&path)?, &self.id)?.id;
        let mut database = Database::open(&path)?;
        let transaction = database.run(&CloseTransaction { id, closed }, Clock::SYSTEM.now())?;
        transaction.ok_or_else(|| said(format!("transaction {id} is gone")))
    }
}
