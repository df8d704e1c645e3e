//! `payhookd discrepancies`: what the providers and the shop believe, compared.

use std::io::{self, Write};
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::api_access::{AskOptions, ProviderOption};
use super::arguments::JsonOption;
use super::table::{Shown, maybe};
use super::{CommandError, said, say};
use crate::config::options::SinceOption;
use crate::domain::provider::Provider;
use crate::reconcile::discrepancies::{Compared, Discrepancy, Period, report};
use crate::store::Reader;

/// `discrepancies`
#[derive(Args, Debug)]
pub struct Discrepancies {
    #[command(flatten)]
    asking: AskOptions,
    #[command(flatten)]
    provider: ProviderOption,
    /// Payments made from then on: 2026-11-23, 2026-11-23T11:52:03Z, or 72h, 3d ago.
    #[arg(long, value_name = "TIME", default_value = "7d")]
    from: SinceOption,
    /// And before then [default: ten minutes ago, because events take their time].
    #[arg(long, value_name = "TIME")]
    to: Option<SinceOption>,
    #[command(flatten)]
    output: JsonOption,
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
        let (mut number, mut rows, mut sentences) = (0, Vec::new(), Vec::new());
        for provider in self.provider.of(&access)? {
            let period = Period { provider, from, until };
            let mut told = Ok(());
            let compared = report(&reader, &access.asker(), period, &mut |one| {
                if self.output.json {
                    told = say((DISCREPANCIES.json)(&one));
                } else {
                    rows.push(one);
                }
            });
            told?;
            let compared = compared?;
            number += compared.discrepancies;
            sentences.push(summary(provider, &compared));
            let not = compared.not_compared.iter();
            sentences.extend(not.map(|what| format!("not compared: {what}")));
        }
        if !self.output.json {
            DISCREPANCIES.print(
                &rows,
                false,
                &format!("no discrepancies from {from} to {until}"),
            )?;
        }
        for sentence in sentences {
            writeln!(io::stderr(), "{sentence}")?;
        }
        match number {
            0 => Ok(()),
            1 => Err(said("1 discrepancy")),
            number => Err(said(format!("{number} discrepancies"))),
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

const DISCREPANCIES: Shown<Discrepancy> = Shown {
    columns: &[
        ("provider", |one| one.provider.to_string()),
        ("what", |one| one.kind.to_string()),
        ("reference", |one| one.reference.clone()),
        ("order", |one| maybe(one.transaction.as_ref().and_then(|(_, order)| order.as_ref()))),
        ("here", |one| one.here.clone()),
        ("there", |one| one.there.clone()),
        ("to resolve it", |one| one.remedy.clone()),
    ],
    json: |one| {
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
    },
};

/// A webhook that failed the first time comes again within minutes.
const ON_THEIR_WAY: Duration = Duration::from_secs(10 * 60);
