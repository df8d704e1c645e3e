//! Why PayPal holds a payment, where only the merchant can end that.
//!
//! Source: PayPal, Payments v2 "status_details.reason" and v1 "reason_code", "pending_reason".

use crate::domain::merchant_action::MerchantAction;

/// What the merchant must do about a payment that is pending for this reason; `None`: wait.
pub fn merchant_action(reason: &str) -> Option<MerchantAction> {
    let word = reason.to_ascii_uppercase().replace('-', "_");
    Some(match &*word {
        "RECEIVING_PREFERENCE_MANDATES_MANUAL_ACTION" => MerchantAction::Accept,
        "UNILATERAL" => MerchantAction::ConfirmEmail,
        "INTERNATIONAL_WITHDRAWAL" | "INTL" => MerchantAction::AcceptFromAbroad,
        "VERIFICATION_REQUIRED" | "VERIFY" => MerchantAction::VerifyAccount,
        "MULTI_CURRENCY" => MerchantAction::AcceptCurrency,
        "UNCONFIRMED_SHIPPING_ADDRESS" | "PAYER_SHIPPING_UNCONFIRMED" | "ADDRESS" => {
            MerchantAction::AcceptAddress
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_merchant_can_end_is_told() {
        for (reason, action) in [
            ("UNILATERAL", Some(MerchantAction::ConfirmEmail)),
            ("multi-currency", Some(MerchantAction::AcceptCurrency)),
            ("intl", Some(MerchantAction::AcceptFromAbroad)),
            ("ECHECK", None),
            ("PENDING_REVIEW", None),
            ("", None),
        ] {
            assert_eq!(merchant_action(reason), action, "{reason}");
        }
    }
}
