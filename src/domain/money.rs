//! Money: integer minor units with a currency. Decimal text is parsed here and only here.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::provider::Provider;

/// An ISO 4217 code in upper case, such as `EUR`.
///
/// Any three letters are a currency: providers add codes, and an amount in a new one is kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Currency([u8; 3]);

/// An amount in the smallest unit that the provider uses for its currency.
///
/// The number of decimals belongs to the provider *and* the currency ([`decimals`]): 1,500
/// forints are `1500` at PayPal and `150000` at Stripe. Amounts of two providers are therefore
/// never compared or added before both are [counted as Stripe does](Money::as_stripe).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Money {
    /// Minor units; negative only where a provider reports money going back.
    pub minor: i64,
    /// The currency of `minor`.
    pub currency: Currency,
}

/// Why text or a number is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not three ASCII letters.
    #[error("not a three-letter currency code")]
    Currency,
    /// The provider does not support the currency, so its number of decimals is unknown.
    #[error("a currency that the provider does not support")]
    UnsupportedCurrency,
    /// An amount below zero where none can be.
    #[error("a negative amount")]
    Negative,
    /// Not digits, optionally with one leading `-` and one decimal point.
    #[error("not a decimal number")]
    NotDecimal,
    /// A digit that the currency has no unit for; amounts are never rounded.
    #[error("more decimals than the currency has")]
    TooManyDecimals,
    /// Does not fit 64 bits.
    #[error("too large")]
    TooLarge,
}

impl Currency {
    /// Three ASCII letters in either case.
    pub fn parse(code: &str) -> Result<Self, MoneyError> {
        match *code.as_bytes() {
            [a, b, c] if [a, b, c].iter().all(u8::is_ascii_alphabetic) => {
                Ok(Self([a, b, c].map(|byte| byte.to_ascii_uppercase())))
            }
            _ => Err(MoneyError::Currency),
        }
    }

    /// The upper-case code.
    pub fn as_str(&self) -> &str {
        // `parse` lets nothing but ASCII letters in, so the fallback is never seen.
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.as_str().to_owned()
    }
}

impl TryFrom<String> for Currency {
    type Error = MoneyError;

    fn try_from(code: String) -> Result<Self, MoneyError> {
        Self::parse(&code)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Money {
    /// An amount as Stripe states it: a non-negative integer of its smallest unit.
    pub fn from_stripe(minor: i64, currency: &str) -> Result<Self, MoneyError> {
        let currency = Currency::parse(currency)?;
        if minor < 0 {
            return Err(MoneyError::Negative);
        }
        Ok(Self { minor, currency })
    }

    /// An amount as PayPal states it: decimal text, negative for v1 refunds and reversals.
    ///
    /// Fewer decimals than the currency has are fine, more are accepted only as zeros. Signs
    /// other than a leading `-`, exponents and white space are refused.
    ///
    /// ```
    /// use payhookd::domain::money::{Money, MoneyError};
    ///
    /// assert_eq!(Money::parse_paypal("-17.47", "EUR")?.minor, -1747);
    /// assert_eq!(Money::parse_paypal("1500", "HUF")?.minor, 1500);
    /// assert_eq!(Money::parse_paypal("20.005", "USD"), Err(MoneyError::TooManyDecimals));
    /// # Ok::<(), MoneyError>(())
    /// ```
    pub fn parse_paypal(value: &str, currency: &str) -> Result<Self, MoneyError> {
        let currency = Currency::parse(currency)?;
        let decimals = paypal_decimals(currency).ok_or(MoneyError::UnsupportedCurrency)?;
        Ok(Self { minor: parse_decimal(value, decimals)?, currency })
    }

    /// The amount as decimal text with all the decimals of its currency: `-17.47`, `4900`.
    pub fn to_decimal(self, provider: Provider) -> String {
        let decimals = usize::from(decimals(provider, self.currency));
        let digits = format!("{:0>width$}", self.minor.unsigned_abs(), width = decimals + 1);
        let (whole, fraction) = digits.split_at(digits.len() - decimals);
        let sign = if self.minor < 0 { "-" } else { "" };
        let point = if decimals == 0 { "" } else { "." };
        format!("{sign}{whole}{point}{fraction}")
    }

    /// The amount of `provider`, counted as Stripe counts its currency: of every currency that PayPal
    /// has, Stripe has as many decimals or more.
    #[must_use]
    pub fn as_stripe(self, provider: Provider) -> Self {
        let more = decimals(Provider::Stripe, self.currency)
            .saturating_sub(decimals(provider, self.currency));
        Self { minor: self.minor.saturating_mul(10_i64.pow(more.into())), ..self }
    }

    /// The amount without its sign.
    #[must_use]
    pub fn abs(self) -> Self {
        Self { minor: self.minor.saturating_abs(), ..self }
    }
}

/// Minor units that are added up. What providers say may be any number, so nothing is lost on the way, in
/// whichever order; what is more than any amount can be is told as the largest amount, with a
/// [mark](Total::mark).
#[derive(Clone, Copy, Debug, Default)]
pub struct Total(i128);

impl Total {
    /// Adds an amount, which may be negative.
    pub fn add(&mut self, minor: i64) {
        *self = self.and(minor.into());
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// What is left of it without the other.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The sum, or the largest or least amount that there is.
    pub fn minor(self) -> i64 {
        let (least, largest) = (i128::from(i64::MIN), i128::from(i64::MAX));
        i64::try_from(self.0.clamp(least, largest)).unwrap_or(i64::MAX)
    }

    /// What a person is to read before [`minor`](Self::minor), if it may be more or less than that: `≥ `.
    pub fn mark(self) -> &'static str {
        match self.minor() {
            i64::MAX => "≥ ",
            i64::MIN => "≤ ",
            _ => "",
        }
    }

    /// A sum of `provider`'s amounts, counted as [`Money::as_stripe`] counts them.
    #[must_use]
    pub fn as_stripe(self, provider: Provider, currency: Currency) -> Self {
        let more =
            decimals(Provider::Stripe, currency).saturating_sub(decimals(provider, currency));
        Self(self.0.saturating_mul(10_i128.pow(more.into())))
    }
}

/// By what can be told of them.
impl PartialEq for Total {
    fn eq(&self, other: &Self) -> bool {
        self.minor() == other.minor()
    }
}

impl Eq for Total {}

impl From<i64> for Total {
    fn from(minor: i64) -> Self {
        Self(minor.into())
    }
}

impl FromIterator<i64> for Total {
    fn from_iter<I: IntoIterator<Item = i64>>(amounts: I) -> Self {
        amounts.into_iter().fold(Self::default(), |sum, minor| sum.and(minor.into()))
    }
}

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.mark(), self.minor())
    }
}

/// All of these together; at most the largest amount that there is.
pub fn sum(amounts: impl IntoIterator<Item = i64>) -> i64 {
    amounts.into_iter().collect::<Total>().minor()
}

/// Adds an amount to a sum of amounts, none of which is negative; at most the largest that there is.
pub fn add(sum: &mut i64, minor: i64) {
    *sum = sum.saturating_add(minor);
}

/// How many decimals `provider` uses for `currency`.
///
/// Stripe: its lists of zero- and three-decimal currencies; ISK and UGX count as two-decimal, as
/// in its charges. PayPal: none for HUF, JPY and TWD. Two for everything else.
pub fn decimals(provider: Provider, currency: Currency) -> u8 {
    match provider {
        Provider::Stripe => match currency.as_str() {
            "BIF" | "CLP" | "DJF" | "GNF" | "JPY" | "KMF" | "KRW" | "MGA" | "PYG" | "RWF"
            | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
            "BHD" | "JOD" | "KWD" | "OMR" | "TND" => 3,
            _ => 2,
        },
        Provider::Paypal => paypal_decimals(currency).unwrap_or(2),
    }
}

/// The currencies of PayPal's "Currency codes" page; of any other the decimals are unknown.
fn paypal_decimals(currency: Currency) -> Option<u8> {
    match currency.as_str() {
        "HUF" | "JPY" | "TWD" => Some(0),
        "AUD" | "BRL" | "CAD" | "CHF" | "CNY" | "CZK" | "DKK" | "EUR" | "GBP" | "HKD" | "ILS"
        | "INR" | "MXN" | "MYR" | "NOK" | "NZD" | "PHP" | "PLN" | "RUB" | "SEK" | "SGD" | "THB"
        | "USD" => Some(2),
        _ => None,
    }
}

/// Decimal text to minor units, without rounding.
fn parse_decimal(text: &str, decimals: u8) -> Result<i64, MoneyError> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = match digits.split_once('.') {
        Some((_, "")) => return Err(MoneyError::NotDecimal),
        Some(parts) => parts,
        None => (digits, ""),
    };
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return Err(MoneyError::NotDecimal);
    }
    let (kept, beyond) = fraction.split_at(fraction.len().min(usize::from(decimals)));
    if beyond.bytes().any(|digit| digit != b'0') {
        return Err(MoneyError::TooManyDecimals);
    }
    let padding = std::iter::repeat_n(b'0', usize::from(decimals) - kept.len());
    let mut minor: i64 = 0;
    for digit in whole.bytes().chain(kept.bytes()).chain(padding) {
        minor = minor
            .checked_mul(10)
            .and_then(|shifted| shifted.checked_add(i64::from(digit - b'0')))
            .ok_or(MoneyError::TooLarge)?;
    }
    Ok(if negative { -minor } else { minor })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    /// Every case of `money.json`: exact minor units and decimal text, or refused.
    #[test]
    fn amounts_read_exactly_or_are_refused() {
        let vectors: Value =
            serde_json::from_str(include_str!("../../tests/data/vectors/money.json"))
                .expect("money.json is JSON");
        let cases = vectors["cases"].as_array().expect("money.json has cases");
        assert!(cases.len() > 30, "only {} cases", cases.len());
        for case in cases {
            let currency = case["currency"].as_str().expect("a currency");
            let (provider, read) = match case["provider"].as_str().expect("a provider") {
                "stripe" => (
                    Provider::Stripe,
                    case["amount"]
                        .as_i64()
                        .ok_or(MoneyError::NotDecimal)
                        .and_then(|minor| Money::from_stripe(minor, currency)),
                ),
                _ => (
                    Provider::Paypal,
                    Money::parse_paypal(case["amount"].as_str().expect("text"), currency),
                ),
            };
            if case["expect"] == "error" {
                assert!(read.is_err(), "{case} was read as {read:?}");
                continue;
            }
            let money = read.unwrap_or_else(|error| panic!("{case}: {error}"));
            assert_eq!(Some(money.minor), case["minor"].as_i64(), "{case}");
            assert_eq!(
                Some(u64::from(decimals(provider, money.currency))),
                case["exponent"].as_u64(),
                "{case}"
            );
            assert_eq!(
                Some(money.to_decimal(provider).as_str()),
                case["decimal"].as_str(),
                "{case}"
            );
        }
    }

    #[test]
    fn small_amounts_keep_their_leading_zeros() {
        let money = |minor, code| Money { minor, currency: Currency::parse(code).expect("a code") };
        assert_eq!(money(5, "USD").to_decimal(Provider::Stripe), "0.05");
        assert_eq!(money(-5, "KWD").to_decimal(Provider::Stripe), "-0.005");
        assert_eq!(money(0, "JPY").to_decimal(Provider::Paypal), "0");
        assert_eq!(money(i64::MIN, "USD").to_decimal(Provider::Stripe), "-92233720368547758.08");
    }

    #[test]
    fn amounts_of_both_providers_add_up_once_counted_alike() {
        let as_stripe = |minor, code| {
            let money = Money { minor, currency: Currency::parse(code).expect("a code") };
            money.as_stripe(Provider::Paypal).to_decimal(Provider::Stripe)
        };
        assert_eq!(as_stripe(1500, "HUF"), "1500.00");
        assert_eq!(as_stripe(1500, "JPY"), "1500");
        assert_eq!(as_stripe(1500, "EUR"), "15.00");
        assert_eq!(as_stripe(i64::MAX, "TWD"), "92233720368547758.07");
    }

    #[test]
    fn a_sum_that_is_too_large_is_told_as_the_largest_amount_and_loses_nothing() {
        let all: Total = [i64::MAX, i64::MAX, 1].into_iter().collect();
        assert_eq!((all.minor(), all.to_string()), (i64::MAX, format!("≥ {}", i64::MAX)));
        let back = all.less(i64::MAX.into()).less(i64::MAX.into());
        assert_eq!((back.minor(), back.mark()), (1, ""));
        let none: Total = [i64::MIN, -1].into_iter().collect();
        assert_eq!((none.minor(), none.mark()), (i64::MIN, "≤ "));
        assert_eq!(sum([i64::MAX, 1, -1]), i64::MAX);
        assert_eq!(sum([i64::MAX, i64::MIN, 1]), 0);
        let forint = Currency::parse("HUF").expect("a code");
        assert_eq!(Total::from(15).as_stripe(Provider::Paypal, forint).minor(), 1500);
    }

    proptest! {
        #[test]
        fn decimal_text_goes_both_ways(minor in -i64::MAX..=i64::MAX, code in "USD|EUR|JPY|HUF") {
            let money = Money { minor, currency: Currency::parse(&code).expect("a code") };
            prop_assert_eq!(Money::parse_paypal(&money.to_decimal(Provider::Paypal), &code), Ok(money));
        }

        #[test]
        fn any_text_is_read_or_refused(value in ".*", code in ".*") {
            let _ = Money::parse_paypal(&value, &code);
            let _ = Money::parse_paypal(&value, "USD");
        }
    }
}
