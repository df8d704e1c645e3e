//! What the shop says of its own payments, so that they are found and told from others'.

use serde::{Deserialize, Serialize};

use super::lenient::Map;
use crate::domain::event::{Content, Ownership};
use crate::domain::reference::ReferenceKind;

string_enum! {
    /// A field of a provider's object in which a shop may keep its own order id.
    OrderIdSource {
        /// Stripe's `metadata`, under [`Rules::order_id_key`].
        Metadata = "metadata",
        /// Stripe's `client_reference_id` of a Checkout Session.
        ClientReferenceId = "client_reference_id",
        /// PayPal's `invoice_id`, in v1 `invoice_number`.
        InvoiceId = "invoice_id",
        /// PayPal's `custom_id`, in v1 `custom`.
        CustomId = "custom_id",
    }
}

/// How a shop marks its payments. Kept in the database as JSON, so that a command that reads stored
/// events again reads them as the daemon does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rules {
    /// The key of Stripe's `metadata` under which the shop keeps its own order id.
    pub order_id_key: String,
    /// The fields that hold the shop's order id at all. What stands in another is a customer's number, a
    /// cart's, a credit note's: it leads to no transaction.
    pub order_id_from: Vec<OrderIdSource>,
    /// Accounts connected to the shop's Stripe account, `acct_…`, that are the shop's own too.
    pub own_accounts: Vec<String>,
    /// Entries of Stripe's `metadata`, key and value, of which each payment of this shop has one;
    /// none: every payment at Stripe may be this shop's.
    pub own_metadata: Vec<(String, String)>,
    /// Beginnings of PayPal's `invoice_id` or `invoice_number`, of which each payment of this shop
    /// has one; none: every payment at PayPal may be this shop's.
    pub own_invoice_prefix: Vec<String>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            order_id_key: "order_id".to_owned(),
            order_id_from: OrderIdSource::ALL.to_vec(),
            own_accounts: Vec::new(),
            own_metadata: Vec::new(),
            own_invoice_prefix: Vec::new(),
        }
    }
}

impl Rules {
    /// The form in which they are kept.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("text and lists of text are always JSON")
    }

    /// What [`to_json`](Self::to_json) made, by this version or another; `None` if it is not that.
    pub fn from_json(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    /// Whether this field holds the shop's order id.
    pub fn takes_order_id_from(&self, source: OrderIdSource) -> bool {
        self.order_id_from.contains(&source)
    }

    /// Whether events of this account are about the shop's own money; without one they are of the account
    /// whose webhook it is.
    pub fn is_own_account(&self, account: Option<&str>) -> bool {
        account.is_none_or(|account| self.own_accounts.iter().any(|own| own == account))
    }

    /// Whose a payment is by the metadata of one of its objects.
    pub(super) fn by_metadata<'m>(
        &self,
        content: &Content,
        metadata: impl Iterator<Item = &'m Map<'m>> + Clone,
    ) -> Ownership {
        let of_key = |key: &str| metadata.clone().find_map(|map| map.get(key)?.label());
        let mut marks = self.own_metadata.iter().map(|(key, value)| (of_key(key), value));
        let marked = self.own_metadata.iter().any(|(key, _)| of_key(key).is_some());
        let own = marks.any(|(found, value)| found.as_deref() == Some(&**value));
        ownership(!self.own_metadata.is_empty(), own, marked, content)
    }

    /// Whose a payment is by the invoice ids that one of its resources carries.
    pub(super) fn by_invoice<'i>(
        &self,
        content: &Content,
        invoices: impl Iterator<Item = std::borrow::Cow<'i, str>>,
    ) -> Ownership {
        let (mut own, mut marked) = (false, false);
        for invoice in invoices {
            marked = true;
            own |= self.own_invoice_prefix.iter().any(|prefix| invoice.starts_with(&**prefix));
        }
        ownership(!self.own_invoice_prefix.is_empty(), own, marked, content)
    }
}

/// A payment's own objects must bear the mark. Refunds and disputes are often without it, so that
/// its absence says nothing there.
fn ownership(is_ruled: bool, own: bool, marked: bool, content: &Content) -> Ownership {
    match content {
        Content::Payments(_) if is_ruled => {
            let must_bear = content.facts().any(|fact| {
                !matches!(
                    fact.object,
                    ReferenceKind::Refund
                        | ReferenceKind::Dispute
                        | ReferenceKind::InvoicePayment
                        | ReferenceKind::CashBalance
                        | ReferenceKind::FraudWarning
                        | ReferenceKind::Review
                )
            });
            match (own, marked || must_bear) {
                (true, _) => Ownership::Own,
                (false, true) => Ownership::Foreign,
                (false, false) => Ownership::Unsaid,
            }
        }
        _ => Ownership::Unsaid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_of_an_earlier_version_take_order_ids_from_every_field() {
        let json = r#"{"order_id_key":"order","own_metadata":[],"own_invoice_prefix":[]}"#;
        let rules = Rules::from_json(json).expect("rules");
        assert!(OrderIdSource::ALL.iter().all(|source| rules.takes_order_id_from(*source)));
        assert!(rules.own_accounts.is_empty());
    }

    #[test]
    fn rules_are_read_as_they_were_kept() {
        let rules = Rules {
            order_id_from: vec![OrderIdSource::Metadata, OrderIdSource::CustomId],
            own_accounts: vec!["acct_1".to_owned()],
            ..Rules::default()
        };
        assert_eq!(Rules::from_json(&rules.to_json()), Some(rules));
    }

    #[test]
    fn only_the_platform_and_named_accounts_are_the_shops_own() {
        let rules = Rules { own_accounts: vec!["acct_1".to_owned()], ..Rules::default() };
        assert!(rules.is_own_account(None));
        assert!(rules.is_own_account(Some("acct_1")));
        assert!(!rules.is_own_account(Some("acct_2")));
    }
}
