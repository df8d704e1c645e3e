//! `payhookd send`: sign test events and post them to a running daemon.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::table::visible;
use super::{CommandError, installation, said, say};
use crate::clients::sender::Sender;
use crate::config;
use crate::domain::money::{Currency, Money};
use crate::domain::provider::Provider;
use crate::domain::secret::Secret;
use crate::providers::paypal::Environment;
use crate::simulator::authority::{self, AuthorityError, CertificateServer, TestAuthority};
use crate::simulator::signer::{Signer, endpoint};
use crate::simulator::{paypal, random, stripe};
use crate::telemetry::clock::Clock;

/// Whose events are sent.
#[derive(Debug, Subcommand)]
pub enum Send {
    /// Stripe's, signed with the configured secret.
    #[command(after_help = "Example:\n  STRIPE_WEBHOOK_SECRET=whsec_… payhookd send stripe \
        --template payment_intent.succeeded --reference pi_3S8q2eL --amount 4999 --currency EUR")]
    Stripe(Sent),
    /// PayPal's, signed with a test certificate authority that is made if it is not there.
    #[command(after_help = "Example:\n  payhookd --mode test --paypal-cert-roots ca/root.pem \
        --paypal-cert-host 127.0.0.1:8089 &\n  payhookd send paypal --authority ca \
        --template PAYMENT.CAPTURE.COMPLETED --amount 4999 --currency EUR")]
    Paypal(SendPaypal),
}

/// `send paypal`
#[derive(Args, Debug)]
pub struct SendPaypal {
    #[command(flatten)]
    sent: Sent,
    /// Folder of the test authority: root.pem, leaf.pem, key.pem.
    #[arg(long, value_name = "FOLDER")]
    authority: PathBuf,
    /// Where the authority's certificate is served while events are sent; the daemon's
    /// --paypal-cert-host.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8089")]
    authority_listen: SocketAddr,
}

/// The events that are sent, and how often.
#[derive(Args, Debug)]
pub struct Sent {
    /// Where the daemon's public listener is.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// A file with an event, sent as it is.
    #[arg(long, conflicts_with_all = ["template", "count"])]
    file: Option<PathBuf>,
    /// The type of a sample event; `help` lists them.
    #[arg(long, value_name = "TYPE", required_unless_present = "file")]
    template: Option<String>,
    /// The payment that it is about: pi_…; an order id or PAY-… [default: made up for each event].
    #[arg(long)]
    reference: Option<String>,
    /// The shop's own order id.
    #[arg(long)]
    order_id: Option<String>,
    /// Minor units: 4999 for 49.99 EUR.
    #[arg(long, default_value_t = 4999, value_parser = clap::value_parser!(i64).range(0..))]
    amount: i64,
    /// Three-letter code.
    #[arg(long, default_value = "EUR", value_parser = parse_currency)]
    currency: Currency,
    /// How many events.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    count: u32,
    /// How many times more each is delivered.
    #[arg(long, value_name = "TIMES", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=100))]
    duplicate: u32,
    /// Deliver in any order.
    #[arg(long)]
    shuffle: bool,
}

impl Send {
    /// Sends them; a failure if one was not taken.
    pub fn run(&self) -> Result<(), CommandError> {
        match self {
            Self::Stripe(sent) => sent.send(&Signer::Stripe(secret("STRIPE_WEBHOOK_SECRET")?)),
            Self::Paypal(paypal) => {
                let webhook_id = secret("PAYPAL_WEBHOOK_ID")?.reveal().to_owned();
                let authority = Box::new(paypal.authority()?);
                let _server = paypal.serve(&authority)?;
                paypal.sent.send(&Signer::Paypal { authority, webhook_id })
            }
        }
    }
}

/// The first item of a secret.
fn secret(name: &str) -> Result<Secret, CommandError> {
    let first = config::secrets(name, &installation::variables()?)?.into_iter().next();
    first.ok_or_else(|| said(format!("{name} is not set: set it as for the daemon")))
}

impl SendPaypal {
    /// The authority in the folder, or a new one.
    fn authority(&self) -> Result<TestAuthority, CommandError> {
        match TestAuthority::load(&self.authority) {
            Err(AuthorityError::Read { source, .. })
                if source.kind() == io::ErrorKind::NotFound => {}
            loaded => return Ok(loaded?),
        }
        let now = Clock::SYSTEM.now();
        let authority = TestAuthority::make(Environment::Sandbox, now, now.plus(TWO_YEARS))?;
        authority.save(&self.authority)?;
        eprintln!(
            "made a test authority in {folder}; start the daemon with\n  --mode test \
             --paypal-cert-roots {folder}/root.pem --paypal-cert-host {address}",
            folder = self.authority.display(),
            address = self.authority_listen,
        );
        Ok(authority)
    }

    fn serve(&self, authority: &TestAuthority) -> Result<CertificateServer, CommandError> {
        let address = self.authority_listen;
        let served = authority::serve_certificate(authority.leaf_pem().to_owned(), address);
        served.map_err(|error| {
            said(format!(
                "the certificate can't be served on {address} ({error}): choose another address \
                 with --authority-listen, and give it to the daemon as --paypal-cert-host"
            ))
        })
    }
}

impl Sent {
    fn send(&self, signer: &Signer) -> Result<(), CommandError> {
        let events = self.events(signer.provider())?;
        let mut deliveries: Vec<&str> = events
            .iter()
            .flat_map(|event| std::iter::repeat_n(&**event, 1 + self.duplicate as usize))
            .collect();
        if self.shuffle {
            random::shuffle(&mut deliveries)?;
        }
        let url = endpoint(&self.url, signer.provider());
        let sender = Sender::new();
        let mut answers: BTreeMap<String, u32> = BTreeMap::new();
        let mut all_taken = true;
        for event in &deliveries {
            let headers = signer.sign(event.as_bytes(), Clock::SYSTEM.now())?;
            let answer = sender.post(&url, &headers, event.as_bytes())?;
            all_taken &= (200..300).contains(&answer.status);
            *answers.entry(format!("{} {}", answer.status, answer.body.trim())).or_default() += 1;
        }
        for (answer, times) in &answers {
            say(format!("{times} × {}", visible(answer)))?;
        }
        match all_taken {
            true => Ok(()),
            false => Err(said("not everything was taken: see the daemon's log")),
        }
    }

    fn events(&self, provider: Provider) -> Result<Vec<String>, CommandError> {
        if let Some(file) = &self.file {
            let unreadable = |error| said(format!("{} can't be read: {error}", file.display()));
            return Ok(vec![fs::read_to_string(file).map_err(unreadable)?]);
        }
        (0..self.count).map(|_| self.event(provider)).collect()
    }

    fn event(&self, provider: Provider) -> Result<String, CommandError> {
        let template = self.template.as_deref().unwrap_or_default();
        let ids = Ids::new(provider)?;
        let reference = self.reference.as_deref().unwrap_or(&ids.reference);
        let amount = Money { minor: self.amount, currency: self.currency };
        let order_id = self.order_id.as_deref();
        let occurred_at = Clock::SYSTEM.now();
        let (event, types) = match provider {
            Provider::Stripe => (
                stripe::event(&stripe::Sample {
                    event_id: &ids.event,
                    event_type: template,
                    occurred_at,
                    reference,
                    object_id: &ids.object,
                    parent_id: None,
                    amount,
                    order_id,
                    livemode: false,
                }),
                stripe::TYPES,
            ),
            Provider::Paypal => (
                paypal::event(&paypal::Sample {
                    event_id: &ids.event,
                    event_type: template,
                    occurred_at,
                    reference,
                    object_id: &ids.object,
                    parent_id: None,
                    amount,
                    order_id,
                    livemode: false,
                }),
                paypal::TYPES,
            ),
        };
        event.ok_or_else(|| said(format!("--template takes one of\n  {}", types.join("\n  "))))
    }
}

/// Ids of one event, as the provider makes them.
struct Ids {
    event: String,
    reference: String,
    object: String,
}

impl Ids {
    fn new(provider: Provider) -> Result<Self, CommandError> {
        let (one, two, three) = (random::letters(24)?, random::letters(24)?, random::letters(24)?);
        Ok(match provider {
            Provider::Stripe => Self {
                event: format!("evt_{one}"),
                reference: format!("pi_{two}"),
                object: format!("ch_{three}"),
            },
            Provider::Paypal => {
                let upper = |id: &str| id[..17].to_ascii_uppercase();
                Self {
                    event: format!("WH-{}-{}", upper(&one), upper(&two)),
                    reference: upper(&two),
                    object: upper(&three),
                }
            }
        })
    }
}

fn parse_currency(text: &str) -> Result<Currency, String> {
    Currency::parse(text).map_err(|error| error.to_string())
}

const TWO_YEARS: Duration = Duration::from_secs(2 * 365 * 24 * 60 * 60);
