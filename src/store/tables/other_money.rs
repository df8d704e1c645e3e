//! Money in other currencies than a transaction's own, as it is kept: JSON text in one column, because
//! it is read with its transaction and hardly ever there.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::rows::{Columns, Record};
use crate::domain::money::{Currency, add};
use crate::domain::transaction::OtherMoney;
use crate::store::error::StoreError;

/// What is kept of it; `None` of none.
pub(crate) fn text(money: &[OtherMoney]) -> Option<String> {
    let shown = |one: &OtherMoney| json!({"currency": one.currency.as_str(), "received": one.received, "refunded": one.refunded});
    let all: Vec<Value> = money.iter().map(shown).collect();
    (!all.is_empty()).then(|| Value::from(all).to_string())
}

impl Record for Vec<OtherMoney> {
    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(columns.parsed("other money", parse)?.unwrap_or_default())
    }
}

fn parse(text: &str) -> Option<Vec<OtherMoney>> {
    let all: Vec<Value> = serde_json::from_str(text).ok()?;
    let one = |value: &Value| {
        Some(OtherMoney {
            currency: Currency::parse(value["currency"].as_str()?).ok()?,
            received: value["received"].as_i64()?,
            refunded: value["refunded"].as_i64()?,
        })
    };
    all.iter().map(one).collect()
}

/// What was received and what was refunded of each currency, that of the transaction included.
pub(crate) fn by_currency(
    currency: Option<Currency>,
    received: i64,
    refunded: i64,
    other: &[OtherMoney],
) -> BTreeMap<Option<Currency>, (i64, i64)> {
    let mut all = BTreeMap::from([(currency, (received, refunded))]);
    for one in other {
        let sums = all.entry(Some(one.currency)).or_default();
        add(&mut sums.0, one.received);
        add(&mut sums.1, one.refunded);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_again() {
        let money = |code, received, refunded| OtherMoney {
            currency: Currency::parse(code).expect("a code"),
            received,
            refunded,
        };
        assert_eq!(text(&[]), None);
        let both = [money("CHF", i64::MAX, 1), money("USD", 5400, 0)];
        let kept = text(&both).expect("there is some");
        assert_eq!(parse(&kept).as_deref(), Some(&both[..]));
        assert!(kept.contains(r#"{"currency":"USD","received":5400,"refunded":0}"#), "{kept}");
        for wrong in ["", "{}", "[1]", r#"[{"currency":"USD","received":1}]"#] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn money_is_added_up_for_each_currency() {
        let usd = Currency::parse("USD").expect("a code");
        let other = [OtherMoney { currency: usd, received: 5400, refunded: 400 }];
        let euro = Currency::parse("EUR").ok();
        let sums = by_currency(euro, 4999, 0, &other);
        assert_eq!(sums, BTreeMap::from([(euro, (4999, 0)), (Some(usd), (5400, 400))]));
        assert_eq!(by_currency(None, 0, 0, &[]), BTreeMap::from([(None, (0, 0))]));
    }
}
