//! Who sends the events.

string_enum! {
    /// Who sends the events.
    Provider {
        /// Stripe.
        Stripe = "stripe",
        /// PayPal.
        Paypal = "paypal",
    }
}

impl Provider {
    /// Its name, for a person.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stripe => "Stripe",
            Self::Paypal => "PayPal",
        }
    }
}
