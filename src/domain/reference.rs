//! The ids of a payment, and what each names.

string_enum! {
    /// What an id names. The words are the `kind` column of `transaction_references`.
    ReferenceKind {
        /// Stripe PaymentIntent, `pi_…`.
        PaymentIntent = "payment_intent",
        /// Stripe Charge, `ch_…` or `py_…`.
        Charge = "charge",
        /// Stripe Checkout Session, `cs_…`.
        CheckoutSession = "checkout_session",
        /// Stripe Invoice, `in_…`.
        Invoice = "invoice",
        /// Stripe InvoicePayment, `inpay_…`.
        InvoicePayment = "invoice_payment",
        /// Stripe's change of a customer's cash balance, `ccsbtxn_…`.
        CashBalance = "cash_balance_transaction",
        /// PayPal v2 order.
        Order = "order",
        /// PayPal authorization.
        Authorization = "authorization",
        /// PayPal v2 capture.
        Capture = "capture",
        /// PayPal v1 sale.
        Sale = "sale",
        /// PayPal v1 payment, `PAY-…` or `PAYID-…`.
        Payment = "payment",
        /// A refund of either provider.
        Refund = "refund",
        /// A dispute of either provider.
        Dispute = "dispute",
        /// Stripe early fraud warning, `issfr_…`.
        FraudWarning = "early_fraud_warning",
        /// Stripe review, `prv_…`.
        Review = "review",
        /// A subscription (`sub_…`, `I-…`, `B-…`): one id, many payments.
        Subscription = "subscription",
        /// The shop's own order id, where the shop said it: `metadata`, `invoice_id`, `custom_id`.
        OrderId = "order_id",
        /// Stripe's `client_reference_id`: a customer, a cart or an order, so that it counts as an order
        /// id only where no event of the payment carries one.
        ClientReference = "client_reference_id",
        /// A provider's id that the shop registered and whose form does not tell what it names.
        Other = "other",
    }
}

impl ReferenceKind {
    /// Whether two events that carry this same id speak of one payment.
    ///
    /// The shop's order id and a subscription do not: an order may be tried twice, a subscription
    /// is paid every month. They lead from an event to a registered transaction and nowhere else.
    /// Nor does a dispute, which may be about several payments.
    pub fn identifies_payment(self) -> bool {
        !matches!(self, Self::OrderId | Self::ClientReference | Self::Subscription | Self::Dispute)
    }
}

/// An id by which a payment can be recognised.
///
/// Ids that [identify a payment](ReferenceKind::identifies_payment) are compared by value alone,
/// because a provider never gives one value to two objects, and PayPal's disputes do not say
/// whether the id they name is a sale or a capture.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// What `value` names.
    pub kind: ReferenceKind,
    /// The id, exactly as the provider or the shop writes it.
    pub value: Box<str>,
}

impl Reference {
    /// An id of the given kind.
    pub fn new(kind: ReferenceKind, value: impl Into<Box<str>>) -> Self {
        Self { kind, value: value.into() }
    }
}

/// Whether a text can be an id, of a provider's or of the shop's.
pub fn is_id(text: &str) -> bool {
    (1..=LONGEST_ID).contains(&text.chars().take(LONGEST_ID + 1).count())
        && !text.contains(char::is_control)
}

/// No id has more characters: the providers' are far shorter, and a shop's own should be.
pub const LONGEST_ID: usize = 255;
