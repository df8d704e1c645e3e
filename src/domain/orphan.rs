//! Why a payment belongs to no transaction, and when a person is to hear of it.

use std::time::Duration;

use super::event::Ownership;
use super::fact::{Fact, FactState};
use super::issue::Severity;
use super::reference::{Reference, ReferenceKind};
use super::time::Timestamp;
use super::transaction::refunds::REVERSAL;
use super::transaction::{State, Status};

string_enum! {
    /// Why a payment stands among the orphans: the `kind` column of `orphan_transactions`.
    OrphanKind {
        /// No transaction is registered for it. Mostly the webhook was faster than the shop, and it
        /// is adopted within a second.
        Early = "early",
        /// A refund, a dispute or an invoice whose payment has not been seen yet: the event that ties
        /// them together is still to come.
        LateLink = "late_link",
        /// It carries no id by which a shop could know it.
        Unlinkable = "unlinkable",
        /// By the shop's rule it is another's who uses the same account.
        Foreign = "foreign",
        /// Test money at a daemon for live money, or the reverse.
        WrongEnvironment = "wrong_environment",
        /// Money for a transaction that the shop had closed.
        LateMoney = "late_money",
        /// Its ids lead to several transactions.
        Ambiguous = "ambiguous",
        /// Its order id alone leads to a transaction that expects more, or another currency.
        Mismatch = "mismatch",
    }
}

string_enum! {
    /// What an orphan is about: the `about` column of `orphan_transactions`. Only the first is a payment that the
    /// shop has and knows nothing of.
    OrphanAbout {
        /// Money that came, is held, or is on its way.
        Payment = "payment",
        /// An attempt to pay that came to nothing, or to nothing yet.
        Attempt = "attempt",
        /// An invoice that is not paid.
        Invoice = "invoice",
        /// Money that the shop sent back.
        Refund = "refund",
        /// Money that the provider took back.
        Reversal = "reversal",
        /// A dispute.
        Dispute = "dispute",
    }
}

impl OrphanAbout {
    /// What `facts`, which fold to `state`, are about.
    pub fn of(facts: &[&Fact], state: &State) -> Self {
        let speaks_of = |kind| facts.iter().any(|fact| fact.object == kind);
        let is_paid_invoice = facts.iter().any(|fact| {
            matches!(fact.state, FactState::InvoicePaid | FactState::InvoicePaymentPaid)
        });
        if facts.iter().any(|fact| PAYMENTS.contains(&fact.object)) {
            let is_unpaid = matches!(
                state.status,
                Status::Pending | Status::RequiresAction | Status::Failed | Status::Canceled
            );
            let is_approved = facts.iter().any(|fact| fact.state == FactState::Approved);
            return if is_unpaid && !is_approved { Self::Attempt } else { Self::Payment };
        }
        if speaks_of(ReferenceKind::Dispute) {
            return Self::Dispute;
        }
        if speaks_of(ReferenceKind::Refund) {
            let is_forced = facts.iter().any(|fact| fact.reason.as_deref() == Some(REVERSAL));
            return if is_forced { Self::Reversal } else { Self::Refund };
        }
        let is_invoice =
            speaks_of(ReferenceKind::Invoice) || speaks_of(ReferenceKind::InvoicePayment);
        if is_invoice && !is_paid_invoice { Self::Invoice } else { Self::Payment }
    }

    /// How much it matters that the shop knows nothing of it.
    pub fn severity(self) -> Severity {
        match self {
            Self::Payment | Self::Reversal | Self::Dispute => Severity::Warning,
            Self::Attempt | Self::Invoice | Self::Refund => Severity::Notice,
        }
    }
}

/// All that is known of an orphan.
#[derive(Clone, Copy, Debug)]
pub struct Unmatched<'a> {
    /// What its events say.
    pub facts: &'a [&'a Fact],
    /// Every id that they carry.
    pub references: &'a [Reference],
    /// The greatest that any of them says.
    pub ownership: Ownership,
    /// Real money.
    pub livemode: bool,
}

/// Which money the daemon is about, and how long it leaves the shop to register a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Real money.
    pub livemode: bool,
    /// How long after its first event an orphan is nobody's business yet.
    pub grace: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self { livemode: true, grace: Duration::from_secs(120) }
    }
}

impl Unmatched<'_> {
    /// Why it is an orphan. Never [`OrphanKind::LateMoney`], which is no question of ids.
    pub fn kind(&self, policy: Policy) -> OrphanKind {
        if self.livemode != policy.livemode {
            return OrphanKind::WrongEnvironment;
        }
        if self.ownership == Ownership::Foreign {
            return OrphanKind::Foreign;
        }
        let leads = self.references.iter().any(|reference| match reference.kind {
            ReferenceKind::PaymentIntent
            | ReferenceKind::Order
            | ReferenceKind::Payment
            | ReferenceKind::Subscription
            | ReferenceKind::OrderId => true,
            // What the event only names, another will tell of.
            _ => !self.facts.iter().any(|fact| fact.object_id == reference.value),
        });
        let is_about =
            |kinds: &[ReferenceKind]| self.facts.iter().any(|fact| kinds.contains(&fact.object));
        let is_invoice = is_about(&[ReferenceKind::Invoice]);
        match (is_about(PAYMENTS), leads) {
            (true, true) => OrphanKind::Early,
            (false, true) => OrphanKind::LateLink,
            (false, false) if is_invoice => OrphanKind::LateLink,
            (_, false) => OrphanKind::Unlinkable,
        }
    }
}

impl Unmatched<'_> {
    /// Whether it is an invoice of a subscription, and all that belongs to it, over nothing: as that of a
    /// trial.
    pub fn is_nothing_due(&self) -> bool {
        let of_subscription =
            self.references.iter().any(|one| one.kind == ReferenceKind::Subscription);
        let mut said = self.facts.iter().filter_map(|fact| fact.amount).peekable();
        of_subscription
            && said.peek().is_some()
            && said.all(|amount| amount.minor == 0)
            && self.facts.iter().all(|fact| fact.captured.is_none_or(|minor| minor == 0))
    }
}

/// The objects that a shop starts a payment with, or that take its money.
const PAYMENTS: &[ReferenceKind] = &[
    ReferenceKind::PaymentIntent,
    ReferenceKind::Charge,
    ReferenceKind::CheckoutSession,
    ReferenceKind::Order,
    ReferenceKind::Authorization,
    ReferenceKind::Capture,
    ReferenceKind::Sale,
    ReferenceKind::Payment,
];

impl OrphanKind {
    /// When a person is to be told, if ever: of another's payments never, nor of test money that
    /// strayed to a daemon for live money; of the others once the shop has had time to register
    /// them.
    pub fn alert_at(
        self,
        livemode: bool,
        first_seen_at: Timestamp,
        policy: Policy,
    ) -> Option<Timestamp> {
        match self {
            Self::Foreign => None,
            Self::WrongEnvironment => livemode.then_some(first_seen_at),
            Self::LateMoney => Some(first_seen_at),
            Self::Early | Self::LateLink | Self::Unlinkable | Self::Ambiguous | Self::Mismatch => {
                Some(first_seen_at.plus(policy.grace))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::provider::Provider;
    use super::super::transaction::{Expected, fold};
    use super::*;

    fn fact(object: ReferenceKind, id: &str) -> Fact {
        Fact::new(Timestamp::EPOCH, "evt_1", object, id, FactState::Succeeded)
    }

    fn kind(objects: &[(ReferenceKind, &str)], named: &[(ReferenceKind, &str)]) -> OrphanKind {
        let facts: Vec<Fact> = objects.iter().map(|(kind, id)| fact(*kind, id)).collect();
        let facts: Vec<&Fact> = facts.iter().collect();
        let references: Vec<Reference> =
            objects.iter().chain(named).map(|(kind, id)| Reference::new(*kind, *id)).collect();
        let ownership = Ownership::Unsaid;
        let one = Unmatched { facts: &facts, references: &references, ownership, livemode: true };
        let other = Unmatched { livemode: false, ..one };
        assert_eq!(other.kind(Policy::default()), OrphanKind::WrongEnvironment);
        let foreign = Unmatched { ownership: Ownership::Foreign, ..one };
        assert_eq!(foreign.kind(Policy::default()), OrphanKind::Foreign);
        one.kind(Policy::default())
    }

    #[test]
    fn what_an_orphan_waits_for_follows_from_its_ids() {
        use ReferenceKind::{
            Capture, Charge, CheckoutSession, Dispute, Invoice, InvoicePayment, Order, OrderId,
            PaymentIntent, Refund, Sale,
        };
        assert_eq!(kind(&[(PaymentIntent, "pi_1")], &[]), OrphanKind::Early);
        assert_eq!(kind(&[(Charge, "ch_1")], &[(PaymentIntent, "pi_1")]), OrphanKind::Early);
        assert_eq!(kind(&[(Capture, "C-1")], &[(Order, "O-1")]), OrphanKind::Early);
        assert_eq!(kind(&[(Sale, "S-1")], &[(OrderId, "A-1")]), OrphanKind::Early);
        assert_eq!(kind(&[(Refund, "re_1")], &[(Charge, "ch_1")]), OrphanKind::LateLink);
        assert_eq!(kind(&[(Dispute, "du_1")], &[(Charge, "ch_1")]), OrphanKind::LateLink);
        assert_eq!(kind(&[(Invoice, "in_1")], &[]), OrphanKind::LateLink);
        assert_eq!(kind(&[(InvoicePayment, "x")], &[(Invoice, "in_1")]), OrphanKind::LateLink);
        assert_eq!(kind(&[(Charge, "ch_1")], &[]), OrphanKind::Unlinkable);
        assert_eq!(kind(&[(Refund, "R-1")], &[]), OrphanKind::Unlinkable);
        assert_eq!(kind(&[(CheckoutSession, "cs_1")], &[]), OrphanKind::Unlinkable);
    }

    #[test]
    fn only_money_that_came_is_a_payment() {
        use FactState::{
            AttemptFailed, Authorized, Created, DisputeOpen, InvoiceAttemptFailed, InvoicePaid,
            Processing, RefundSucceeded, Succeeded,
        };
        use ReferenceKind::{Charge, Dispute, Invoice, PaymentIntent, Refund};
        let about = |all: &[(ReferenceKind, FactState)]| {
            let facts: Vec<Fact> = all
                .iter()
                .map(|(kind, state)| Fact { state: *state, ..fact(*kind, kind.as_str()) })
                .collect();
            let facts: Vec<&Fact> = facts.iter().collect();
            let state = fold(Provider::Stripe, Expected::default(), facts.iter().copied());
            OrphanAbout::of(&facts, &state)
        };
        for (facts, expected) in [
            (&[(PaymentIntent, Succeeded)][..], OrphanAbout::Payment),
            (&[(PaymentIntent, Processing)], OrphanAbout::Payment),
            (&[(Charge, Authorized)], OrphanAbout::Payment),
            (&[(PaymentIntent, Created)], OrphanAbout::Attempt),
            (&[(PaymentIntent, AttemptFailed)], OrphanAbout::Attempt),
            (&[(PaymentIntent, Succeeded), (Refund, RefundSucceeded)], OrphanAbout::Payment),
            (&[(Refund, RefundSucceeded)], OrphanAbout::Refund),
            (&[(Dispute, DisputeOpen)], OrphanAbout::Dispute),
            (&[(Invoice, InvoiceAttemptFailed)], OrphanAbout::Invoice),
            (&[(Invoice, InvoiceAttemptFailed), (Invoice, InvoicePaid)], OrphanAbout::Payment),
        ] {
            assert_eq!(about(facts), expected, "{facts:?}");
        }
        let forced = Fact { reason: Some(REVERSAL.into()), ..fact(Refund, "re_1") };
        let state = fold(Provider::Paypal, Expected::default(), [&forced]);
        assert_eq!(OrphanAbout::of(&[&forced], &state), OrphanAbout::Reversal);
    }

    #[test]
    fn a_person_hears_of_it_when_the_shop_has_had_its_time() {
        let policy = Policy { livemode: true, grace: Duration::from_secs(120) };
        let seen = Timestamp::EPOCH;
        let later = Some(seen.plus(policy.grace));
        for (kind, livemode, expected) in [
            (OrphanKind::Early, true, later),
            (OrphanKind::LateLink, true, later),
            (OrphanKind::Unlinkable, true, later),
            (OrphanKind::LateMoney, true, Some(seen)),
            (OrphanKind::Foreign, true, None),
            (OrphanKind::WrongEnvironment, false, None),
            // Real money that comes to a daemon for test money.
            (OrphanKind::WrongEnvironment, true, Some(seen)),
        ] {
            assert_eq!(kind.alert_at(livemode, seen, policy), expected, "{kind}");
        }
    }
}
