//! A transaction as JSON: the same from the command line and to the shop's app.

use serde_json::{Value, json};

use crate::domain::money::Currency;
use crate::store::Transaction;

/// Every column that means something outside the database.
pub fn transaction(transaction: &Transaction) -> Value {
    let state = &transaction.state;
    json!({
        "id": transaction.id,
        "provider": transaction.provider.as_str(),
        "reference": transaction.reference,
        "order_id": transaction.order_id,
        "amount": transaction.expected.amount,
        "currency": transaction.expected.currency.as_ref().map(Currency::as_str),
        "status": state.status.as_str(),
        "amount_received": state.amount_received,
        "amount_refunded": state.amount_refunded,
        "received_currency": state.currency.as_ref().map(Currency::as_str),
        "dispute_status": state.dispute_status.as_str(),
        "amount_check": state.amount_check.as_str(),
        "livemode": transaction.livemode,
        "closed_at": transaction.closed_at.map(|at| at.to_string()),
        "status_changed_at": state.status_changed_at.map(|at| at.to_string()),
        "created_at": transaction.created_at.to_string(),
        "updated_at": transaction.updated_at.to_string(),
        "version": transaction.version,
        "metadata": serde_json::from_str::<Value>(&transaction.metadata).unwrap_or_default(),
    })
}
