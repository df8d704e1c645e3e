//! Amounts, in the words of either version.

use crate::domain::money::{self, Currency, Money};
use crate::providers::lenient::{Loose, objects};

objects! {
    /// v1 says `total` and `currency`, v2 `value` and `currency_code`.
    pub(super) struct Amount<'a> {
        total: Loose<'a>,
        value: Loose<'a>,
        currency: Loose<'a>,
        currency_code: Loose<'a>,
    }
}

impl Amount<'_> {
    fn code(&self) -> Option<&str> {
        self.currency_code.text().or_else(|| self.currency.text())
    }

    /// Whether it says that it is in another currency than this.
    pub(super) fn is_in_another(&self, currency: Currency) -> bool {
        let said = self.code().and_then(|code| Currency::parse(code).ok());
        said.is_some_and(|said| said != currency)
    }
}

/// The amount in this field, with its sign.
pub(super) fn money(field: &str, amount: Option<&Amount<'_>>) -> Result<Money, String> {
    let missing = || format!("resource.{field} is missing");
    let amount = amount.ok_or_else(missing)?;
    let value = amount.value.decimal().or_else(|| amount.total.decimal()).ok_or_else(missing)?;
    let currency = amount.code().ok_or_else(missing)?;
    Money::parse_paypal(&value, currency).map_err(|error| format!("resource.{field}: {error}"))
}

/// An amount that can't be below zero: only what goes back is written with a sign.
pub(super) fn asked(field: &str, amount: Option<&Amount<'_>>) -> Result<Money, String> {
    let money = money(field, amount)?;
    if money.minor < 0 {
        return Err(format!("resource.{field}: a negative amount"));
    }
    Ok(money)
}

/// What the parts of a payment ask for together; nothing if none says, or if they are in several
/// currencies.
pub(super) fn sum<'m>(
    field: &str,
    amounts: impl Iterator<Item = &'m Amount<'m>>,
) -> Result<Option<Money>, String> {
    let mut sum: Option<Money> = None;
    for amount in amounts {
        let part = money(field, Some(amount))?.abs();
        sum = match sum {
            Some(sum) if sum.currency != part.currency => return Ok(None),
            Some(sum) => Some(Money { minor: money::sum([sum.minor, part.minor]), ..sum }),
            None => Some(part),
        };
    }
    Ok(sum)
}
