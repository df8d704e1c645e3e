//! An amount as a person types it who looks for a payment.

use super::money::{Currency, Money, decimals};
use super::provider::Provider;

/// `49.99`, `49,99 EUR`, `EUR 4999`: digits, at most one decimal point or comma, and perhaps a
/// currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoughtAmount {
    /// The digits without the point.
    digits: i64,
    /// How many of them stand after it; `None` without one.
    fraction: Option<u8>,
    currency: Option<Currency>,
}

impl SoughtAmount {
    /// `None` if the text is no amount.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let is_of_number = |one: char| one.is_ascii_digit() || one == '.' || one == ',';
        let first = text.find(is_of_number)?;
        let end =
            first + text[first..].find(|one| !is_of_number(one)).unwrap_or(text.len() - first);
        let number = &text[first..end];
        let beside: Vec<&str> = [&text[..first], &text[end..]]
            .into_iter()
            .map(str::trim)
            .filter(|it| !it.is_empty())
            .collect();
        let currency = match *beside {
            [] | ["€" | "$" | "£"] => None,
            [code] => Some(Currency::parse(code).ok()?),
            _ => return None,
        };
        let (whole, fraction) = match number.rsplit_once(['.', ',']) {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (number, None),
        };
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let digits = format!("{whole}{}", fraction.unwrap_or_default());
        if whole.is_empty() || fraction == Some("") || !all_digits(&digits) {
            return None;
        }
        Some(Self {
            digits: digits.parse().ok()?,
            fraction: fraction.map(|fraction| u8::try_from(fraction.len()).unwrap_or(u8::MAX)),
            currency,
        })
    }

    /// Every number of minor units that it may be, in one currency or another.
    pub fn minors(self) -> Vec<i64> {
        let mut minors: Vec<i64> =
            [0, 2, 3].into_iter().filter_map(|one| self.minor(one)).collect();
        if self.fraction.is_none() {
            minors.push(self.digits);
        }
        minors.sort_unstable();
        minors.dedup();
        minors
    }

    /// Whether it is this amount: without a point also if it is as many minor units.
    pub fn is(self, money: Money, provider: Provider) -> bool {
        self.currency.is_none_or(|currency| currency == money.currency)
            && (self.minor(decimals(provider, money.currency)) == Some(money.minor)
                || (self.fraction.is_none() && self.digits == money.minor))
    }

    /// The minor units of a currency with so many decimals.
    fn minor(self, decimals: u8) -> Option<i64> {
        let more = decimals.checked_sub(self.fraction.unwrap_or(0))?;
        self.digits.checked_mul(10_i64.pow(more.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(minor: i64, code: &str) -> Money {
        Money { minor, currency: Currency::parse(code).expect("a code") }
    }

    #[test]
    fn an_amount_is_found_however_it_is_typed() {
        for (text, minor, code, found) in [
            ("49.99", 4999, "EUR", true),
            ("49,99", 4999, "EUR", true),
            ("4999", 4999, "EUR", true),
            ("49", 4900, "EUR", true),
            ("49.9", 4990, "EUR", true),
            (" 49.99 eur ", 4999, "EUR", true),
            ("EUR 49.99", 4999, "EUR", true),
            ("€49.99", 4999, "EUR", true),
            ("49.99 USD", 4999, "EUR", false),
            ("49.99", 49990, "EUR", false),
            ("49.99", 49990, "KWD", true),
            ("4999", 4999, "JPY", true),
            ("49.99", 4999, "JPY", false),
            ("4999", 499_900, "EUR", true),
        ] {
            let sought = SoughtAmount::parse(text).expect(text);
            let money = money(minor, code);
            assert_eq!(sought.is(money, Provider::Stripe), found, "{text} {money:?}");
            assert!(!found || sought.minors().contains(&minor), "{text} is looked for");
        }
    }

    #[test]
    fn other_text_is_no_amount() {
        for text in [
            "",
            "A-1001",
            "pi_3S12",
            "4,999.00",
            "1.",
            ".5",
            "-5",
            "5 EUR USD",
            "12:30",
            "99999999999999999999",
        ] {
            assert_eq!(SoughtAmount::parse(text), None, "{text}");
        }
    }
}
