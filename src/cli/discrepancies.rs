//! `payhookd discrepancies`: what the providers and the shop believe, compared.

use std::io::{self, Write};
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::api_access::AskOptions;
use super::table::Table;
use super::{CommandError, printed, said};
use crate::config::options::SinceOption;
use crate::domain::provider::Provider;
use crate::reconcile::discrepancies::{Compared, Discrepancy, Period, report};
use crate::store::Reader;

/// `discrepancies`
#[derive(Args, Debug)]
pub struct Discrepancies {
    #[command(flatten)]
    asking: AskOptions,
    /// Only this provider: stripe or paypal [default: each whose API keys are set].
    #[arg(long)]
    provider: Option<Provider>,
    /// Payments made from then on: 2026-11-23, 2026-11-23T11:52:03Z, or 72h, 3d ago.
    #[arg(long, value_name = "TIME", default_value = "7d")]
    from: SinceOption,
    /// And before then [default: ten minutes ago, because events take their time].
    #[arg(long, value_name = "TIME")]
    to: Option<SinceOption>,
    /// Print a JSON line for each.
    #[arg(long)]
    json: bool,
}

impl Discrepancies {
    /// Does it.
    pub fn run(&self) -> Result<(), CommandError> {
        let access = self.asking.open()?;
        let now = access.clock.now();
        let from = self.from.at(now);
        let until = self.to.map_or_else(|| now.minus(ON_THEIR_WAY), |to| to.at(now));
        if from >= until {
            return Err(said(format!("--from {from} is not before --to {until}")));
        }
        let reader = Reader::open(&access.path)?;
        let mut table = Table::new(&[
            "provider",
            "what",
            "reference",
            "order",
            "here",
            "there",
            "to resolve it",
        ]);
        let mut found = 0;
        let mut sentences = Vec::new();
        for provider in access.providers(self.provider)? {
            let period = Period { provider, from, until };
            let mut broken = Ok(());
            let compared = report(&reader, &access.asker(), period, &mut |one| {
                if self.json {
                    // Somebody who has seen enough is told no more.
                    broken = writeln!(io::stdout(), "{}", shape(&one));
                } else {
                    table.row(row(&one));
                }
            });
            printed(broken)?;
            let compared = compared.map_err(|error| said(error.to_string()))?;
            found += compared.discrepancies;
            sentences.push(summary(provider, &compared));
            let not = compared.not_compared.iter();
            sentences.extend(not.map(|what| format!("not compared: {what}")));
        }
        if !self.json {
            let nothing = format!("no discrepancies from {from} to {until}");
            printed(table.print(&mut io::stdout().lock(), &nothing))?;
        }
        for sentence in sentences {
            writeln!(io::stderr(), "{sentence}")?;
        }
        match found {
            0 => Ok(()),
            1 => Err(said("1 discrepancy")),
            found => Err(said(format!("{found} discrepancies"))),
        }
    }
}

fn summary(provider: Provider, compared: &Compared) -> String {
    let Compared { listed, asked, foreign, .. } = compared;
    let name = provider.name();
    let foreign = match foreign {
        0 => String::new(),
        foreign => format!(", {foreign} of them another shop's"),
    };
    format!("{name}: {listed} payments listed{foreign}, {asked} transactions asked for")
}

fn shape(one: &Discrepancy) -> Value {
    json!({
        "provider": one.provider.as_str(),
        "kind": one.kind.as_str(),
        "meaning": one.kind.meaning(),
        "reference": one.reference,
        "transaction_id": one.transaction.as_ref().map(|(id, _)| id),
        "order_id": one.transaction.as_ref().and_then(|(_, order)| order.as_ref()),
        "here": one.here,
        "there": one.there,
        "remedy": one.remedy,
    })
}

fn row(one: &Discrepancy) -> Vec<String> {
    let order = one.transaction.as_ref().and_then(|(_, order)| order.clone());
    vec![
        one.provider.to_string(),
        one.kind.to_string(),
        one.reference.clone(),
        order.unwrap_or_default(),
        one.here.clone(),
        one.there.clone(),
        one.remedy.clone(),
    ]
}

/// A webhook that failed the first time comes again within minutes.
const ON_THEIR_WAY: Duration = Duration::from_secs(10 * 60);
