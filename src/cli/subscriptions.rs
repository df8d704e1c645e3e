//! `payhookd subscriptions`: those that the shop registered, whose payments become transactions by themselves.

use clap::{Args, Subcommand};

use super::arguments::{JsonOption, Listing, ModeOption, Noun, Whose, only};
use super::table::{Shown, maybe, mode, money};
use super::{CommandError, said, say};
use crate::config::options::DatabaseOption;
use crate::domain::money::Currency;
use crate::domain::provider::Provider;
use crate::domain::records::{NewSubscription, Subscribed, Subscription, SubscriptionFilter};
use crate::json::{registration, rows, subscription};
use crate::store::{Database, EndSubscription, Subscribe};
use crate::telemetry::clock::Clock;

/// What can be done with subscriptions.
#[derive(Debug, Subcommand)]
pub enum Subscriptions {
    /// Register a subscription, so that each payment of it becomes a transaction by itself.
    ///
    /// Payments that came before become transactions at once.
    #[command(after_help = "Example:\n  payhookd subscriptions add --provider stripe --reference \
        sub_1SSample --own-id club-17 --amount 999 --currency EUR")]
    Add(Add),
    /// The newest subscriptions.
    List(List),
    /// Say that no more is to be paid of a subscription.
    ///
    /// Should a payment come after all, it becomes a transaction, and a person is told.
    End(Ending),
    /// Take an end back.
    Reopen(Ending),
}

/// `subscriptions add`
#[derive(Args, Debug)]
pub struct Add {
    #[command(flatten)]
    database: DatabaseOption,
    /// stripe or paypal.
    #[arg(long, value_parser = registration::provider)]
    provider: Provider,
    /// The provider's id for the subscription: sub_…, I-….
    #[arg(long, value_parser = registration::reference)]
    reference: String,
    /// The shop's own id for it.
    #[arg(long, value_parser = registration::id)]
    own_id: Option<String>,
    /// What each payment comes to, if that is fixed, in minor units: 999 for 9.99 EUR.
    #[arg(long, requires = "currency", value_parser = registration::amount)]
    amount: Option<i64>,
    /// Three-letter code.
    #[arg(long, value_parser = registration::currency)]
    currency: Option<Currency>,
    #[command(flatten)]
    mode: ModeOption,
    #[command(flatten)]
    output: JsonOption,
}

/// `subscriptions list`
#[derive(Args, Debug)]
pub struct List {
    #[command(flatten)]
    listing: Listing,
    #[command(flatten)]
    whose: Whose,
    /// Only the one with this id, the provider's or the shop's own.
    #[arg(long, value_parser = registration::id)]
    id: Option<String>,
    /// Only those that have ended (true), or have not (false).
    #[arg(long)]
    ended: Option<bool>,
}

/// `subscriptions end` and `subscriptions reopen`
#[derive(Args, Debug)]
pub struct Ending {
    #[command(flatten)]
    database: DatabaseOption,
    /// Its number, the provider's id or the shop's own.
    id: String,
    #[command(flatten)]
    output: JsonOption,
}

impl Subscriptions {
    /// Does what was said.
    pub fn run(&self) -> Result<(), CommandError> {
        match self {
            Self::Add(add) => add.run(),
            Self::List(list) => list.run(),
            Self::End(ending) => ending.run(true),
            Self::Reopen(ending) => ending.run(false),
        }
    }
}

impl Add {
    fn run(&self) -> Result<(), CommandError> {
        let reference = subscription::reference(self.provider, &self.reference);
        let new = NewSubscription {
            provider: self.provider,
            livemode: self.mode.is_live(&self.database)?,
            reference: reference.map_err(|detail| said(format!("--reference: {detail}")))?,
            own_id: self.own_id.clone(),
            amount: self.amount,
            currency: self.currency,
        };
        let mut database = Database::open(&self.database.path())?;
        let (subscription, what) = match database.run(&Subscribe { new }, Clock::SYSTEM.now())? {
            Subscribed::Created(subscription) => (subscription, "registered"),
            Subscribed::Existing(subscription) => (subscription, "already registered"),
            Subscribed::Conflict(subscription) => {
                return Err(said(format!(
                    "{} is registered already, with other facts: look at `payhookd subscriptions \
                     list --id {}`",
                    subscription.reference, subscription.reference
                )));
            }
        };
        tell(&subscription, self.output, what)
    }
}

impl Ending {
    fn run(&self, ended: bool) -> Result<(), CommandError> {
        let found = SUBSCRIPTION.find(&self.database.reader()?, &self.id)?;
        let id = only(found, &self.id, "subscriptions", |one: &Subscription| one.id)?.id;
        let subscription = self.database.run(&EndSubscription { id, ended })?;
        let subscription =
            subscription.ok_or_else(|| said(format!("subscription {id} is gone")))?;
        tell(&subscription, self.output, if ended { "has ended" } else { "goes on" })
    }
}

const SUBSCRIPTION: Noun =
    Noun("subscription has the number or id", "`payhookd subscriptions list`");

fn tell(subscription: &Subscription, output: JsonOption, what: &str) -> Result<(), CommandError> {
    if output.json {
        return say(rows::subscription(subscription));
    }
    let Subscription { id, payments, .. } = subscription;
    let plural = if *payments == 1 { "" } else { "s" };
    say(format!("subscription {id} {what}, {payments} payment{plural}"))
}

impl List {
    fn run(&self) -> Result<(), CommandError> {
        let filter = SubscriptionFilter {
            provider: self.whose.provider,
            livemode: self.whose.livemode(),
            id: self.id.clone(),
            ended: self.ended,
        };
        let nothing = match filter == SubscriptionFilter::default() {
            true => "no subscriptions yet: register one with `payhookd subscriptions add`",
            false => "no such subscriptions",
        };
        self.listing.print(&filter, &SUBSCRIPTIONS, nothing)
    }
}

const SUBSCRIPTIONS: Shown<Subscription> = Shown {
    columns: &[
        (">id", |one| one.id.to_string()),
        ("provider", |one| one.provider.to_string()),
        ("reference", |one| one.reference.clone()),
        ("own id", |one| maybe(one.own_id.as_ref())),
        (">amount", |one| money(one.provider, one.amount, one.currency)),
        (">payments", |one| one.payments.to_string()),
        ("mode", |one| mode(one.livemode)),
        ("registered", |one| one.created_at.to_string()),
        ("ended", |one| maybe(one.ended_at)),
    ],
    json: rows::subscription,
};
