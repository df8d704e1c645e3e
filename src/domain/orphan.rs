//! Why a payment belongs to no transaction, and when a person is to hear of it.

use std::time::Duration;

use super::event::Ownership;
use super::fact::Fact;
use super::reference::{Reference, ReferenceKind};
use super::time::Timestamp;

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
    use super::super::fact::FactState;
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
