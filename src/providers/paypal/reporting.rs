//! PayPal's list of everything that moved money in an account.
//!
//! Source: PayPal, Transaction Search API v1, "List transactions" and "Transaction event codes". An
//! app needs the permission for it, and what happened in the last three hours may not stand there.

use super::super::retrieval::NotUnderstood;
use super::whole_seconds;
use crate::domain::money::Money;
use crate::domain::time::Timestamp;
use crate::providers::lenient::{List, Loose, Part, objects};

/// A page of the list.
#[derive(Debug)]
pub struct Report {
    /// What is of payments in it.
    pub entries: Vec<Entry>,
    /// How many pages there are.
    pub pages: i64,
    /// How many entries could not be understood.
    pub not_understood: u64,
}

/// Money that came in or went back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The capture's, sale's or refund's id.
    pub id: String,
    /// The order's that it belongs to or, of a refund, the capture's or sale's.
    pub related: Option<String>,
    /// Whether it went back.
    pub is_refund: bool,
    /// How much, without a sign.
    pub amount: Money,
    /// Whether it has been moved; else it is on its way. What was denied is left out.
    pub is_settled: bool,
}

/// Where page `page` (from 1) of what happened in `[from, until]` stands; no more than 31 days.
pub fn path(from: Timestamp, until: Timestamp, page: i64) -> String {
    let (from, until) = (whole_seconds(from), whole_seconds(until));
    format!(
        "/v1/reporting/transactions?start_date={from}&end_date={until}&fields=transaction_info\
         &page_size=500&page={page}"
    )
}

/// Reads a page.
pub fn read(answer: &[u8]) -> Result<Report, NotUnderstood> {
    let list: ReportedTransactions<'_> = serde_json::from_slice(answer)
        .map_err(|_| NotUnderstood("the answer is no list of transactions".to_owned()))?;
    let Some(pages) = list.total_pages.int() else {
        return Err(NotUnderstood("the list of transactions does not say its pages".to_owned()));
    };
    let mut report = Report { entries: Vec::new(), pages, not_understood: 0 };
    for info in list.transaction_details.iter().filter_map(|one| one.transaction_info.get()) {
        match info.entry() {
            Some(Ok(entry)) => report.entries.push(entry),
            Some(Err(())) => report.not_understood += 1,
            None => {}
        }
    }
    Ok(report)
}

objects! {
    struct ReportedTransactions<'a> {
        transaction_details: List<Detail<'a>>,
        total_pages: Loose<'a>,
    }

    struct Detail<'a> {
        transaction_info: Part<Info<'a>>,
    }

    struct Info<'a> {
        transaction_id: Loose<'a>,
        paypal_reference_id: Loose<'a>,
        paypal_reference_id_type: Loose<'a>,
        transaction_event_code: Loose<'a>,
        transaction_status: Loose<'a>,
        transaction_amount: Part<Amount<'a>>,
    }

    struct Amount<'a> {
        value: Loose<'a>,
        currency_code: Loose<'a>,
    }
}

impl Info<'_> {
    /// `None` if it is no payment of a buyer's and nothing that went back to one.
    fn entry(&self) -> Option<Result<Entry, ()>> {
        let code = self.transaction_event_code.text()?;
        let is_refund = code.starts_with("T11");
        let is_settled = match self.transaction_status.text() {
            // V: all of it went back later, which stands there too.
            Some("S" | "V") => true,
            Some("P") => false,
            _ => return None,
        };
        if !is_refund && !code.starts_with("T00") {
            return None;
        }
        let Some(amount) = self.amount() else { return Some(Err(())) };
        // What the shop itself paid, or got back, has the other sign.
        if (amount.minor < 0) != is_refund {
            return None;
        }
        let Some(id) = self.transaction_id.text() else { return Some(Err(())) };
        let leads = matches!(self.paypal_reference_id_type.text(), Some("ODR" | "TXN"));
        let related = self.paypal_reference_id.text().filter(|_| leads);
        Some(Ok(Entry {
            id: id.to_owned(),
            related: related.map(str::to_owned),
            is_refund,
            amount: amount.abs(),
            is_settled,
        }))
    }

    fn amount(&self) -> Option<Money> {
        let amount = self.transaction_amount.get()?;
        Money::parse_paypal(&amount.value.label()?, amount.currency_code.text()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn page(entries: &[(&str, &str, &str)]) -> Report {
        let details: Vec<Value> = entries
            .iter()
            .map(|(code, status, value)| {
                json!({ "transaction_info": {
                    "transaction_id": "CAP1", "paypal_reference_id": "ORDER1",
                    "paypal_reference_id_type": "ODR", "transaction_event_code": code,
                    "transaction_status": status,
                    "transaction_amount": { "value": value, "currency_code": "EUR" },
                } })
            })
            .collect();
        let page = json!({ "transaction_details": details, "total_pages": 1 });
        read(page.to_string().as_bytes()).expect("a page")
    }

    #[test]
    fn payments_and_refunds_are_told_from_all_else() {
        let report = page(&[
            ("T0006", "S", "49.99"),
            ("T0006", "P", "1.00"),
            ("T0006", "D", "2.00"),
            ("T0006", "S", "-3.00"),
            ("T1107", "S", "-10.00"),
            ("T1107", "S", "4.00"),
            ("T0400", "S", "-500.00"),
            ("T0006", "S", "much"),
        ]);
        let read: Vec<_> = report
            .entries
            .iter()
            .map(|entry| (entry.is_refund, entry.is_settled, entry.amount.minor))
            .collect();
        assert_eq!(read, [(false, true, 4999), (false, false, 100), (true, true, 1000)]);
        assert_eq!(report.not_understood, 1);
        assert_eq!(report.entries[0].related.as_deref(), Some("ORDER1"));
        assert!(super::read(b"{}").is_err());
    }
}
