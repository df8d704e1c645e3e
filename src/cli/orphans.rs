//! `payhookd orphans`: payments that no transaction is registered for.

use std::io;

use clap::{Args, Subcommand};

use super::table::Table;
use super::{CommandError, Listing, print_json, printed};
use crate::domain::money::{Currency, Money};
use crate::shapes;
use crate::store::{Orphan, Resolved};

/// What can be done with orphans.
#[derive(Debug, Subcommand)]
pub enum Orphans {
    /// The newest orphans.
    List(List),
}

/// `orphans list`
#[derive(Args, Debug)]
pub struct List {
    #[command(flatten)]
    listing: Listing,
    /// Those that were matched or dismissed too.
    #[arg(long)]
    all: bool,
}

/// Does it.
pub fn run(command: &Orphans) -> Result<(), CommandError> {
    match command {
        Orphans::List(list) => list.run(),
    }
}

impl List {
    fn run(&self) -> Result<(), CommandError> {
        let resolved = if self.all { Resolved::Include } else { Resolved::Exclude };
        let listing = &self.listing;
        let orphans = listing.reader()?.orphans(resolved, listing.limit)?;
        if listing.json {
            return print_json(orphans.iter().map(shapes::orphan));
        }
        let mut table = Table::new(&[
            ">id",
            "provider",
            "reference",
            "order id",
            "status",
            ">amount",
            "mode",
            "first seen",
            "last event",
            "resolution",
        ]);
        for one in &orphans {
            table.row(vec![
                one.id.to_string(),
                one.provider.to_string(),
                one.reference.clone(),
                one.order_id.clone().unwrap_or_default(),
                one.status.to_string(),
                amount(one),
                if one.livemode { "live" } else { "test" }.to_owned(),
                one.first_seen_at.to_string(),
                one.event_type.clone(),
                resolution(one),
            ]);
        }
        printed(
            table.print(&mut io::stdout().lock(), "no orphans: every payment has its transaction"),
        )
    }
}

fn amount(orphan: &Orphan) -> String {
    let currency = orphan.currency.as_deref().and_then(|code| Currency::parse(code).ok());
    match (orphan.amount, currency) {
        (Some(minor), Some(currency)) => {
            let money = Money { minor, currency };
            format!("{} {currency}", money.to_decimal(orphan.provider))
        }
        _ => String::new(),
    }
}

fn resolution(orphan: &Orphan) -> String {
    match (&orphan.resolution, orphan.transaction_id) {
        (Some(resolution), Some(transaction)) => format!("{resolution} with {transaction}"),
        (Some(resolution), None) => resolution.clone(),
        (None, _) => String::new(),
    }
}
