//! What is said of problems with subscriptions.

use super::{Audience, say};
use crate::domain::issue::{EndedSubscription, Payments, Texts, UnknownSubscription, shortened};
use crate::domain::provider::Provider;

impl Audience<'_> {
    /// `3 payments, 29.97 EUR`
    fn payments(self, provider: Provider, payments: &Payments) -> String {
        let Payments { number, sums, .. } = payments;
        let mut parts = vec![match number {
            1 => say!(self, "1 payment", "1 paiement"),
            _ => say!(self, "{number} payments", "{number} paiements"),
        }];
        parts.extend(sums.iter().map(|sum| self.money(provider, *sum)));
        parts.join(", ")
    }
}

pub(super) fn unknown(to: Audience<'_>, of: &UnknownSubscription) -> Texts {
    let UnknownSubscription { provider, reference, payments } = of;
    let (name, said) = (provider.name(), to.payments(*provider, payments));
    let last = to.time(payments.last_at);
    let add = format!(
        "`payhookd subscriptions add --provider {provider} --reference {reference} --own-id …`"
    );
    let reference = shortened(reference);
    Texts {
        title: say!(
            to,
            "Payments of an unknown subscription: {name} {reference}, {said}",
            "Paiements d’un abonnement inconnu\u{a0}: {name} {reference}, {said}",
        ),
        detail: say!(
            to,
            "The shop has not registered this subscription, so its payments are unmatched. The last came \
             at {last}.",
            "La boutique n’a pas enregistré cet abonnement\u{a0}: ses paiements sont sans correspondance. \
             Le dernier est arrivé le {last}.",
        ),
        remedy: say!(
            to,
            "register it, {add}: its payments become transactions, these and all to come",
            "enregistrez-le, {add}\u{a0}: ses paiements deviennent des transactions, ceux-ci et tous les \
             suivants",
        ),
    }
}

pub(super) fn ended(to: Audience<'_>, of: &EndedSubscription) -> Texts {
    let EndedSubscription { subscription_id, provider, reference, own_id, ended_at, payments } = of;
    let (name, said) = (provider.name(), to.payments(*provider, payments));
    let (ended, last) = (to.time(*ended_at), to.time(payments.last_at));
    let reopen = format!("`payhookd subscriptions reopen {subscription_id}`");
    let named = shortened(own_id.as_deref().unwrap_or(reference));
    let reference = shortened(reference);
    Texts {
        title: say!(
            to,
            "Money after the end of subscription {named}: {said}",
            "Argent après la fin de l’abonnement {named}\u{a0}: {said}",
        ),
        detail: say!(
            to,
            "The shop ended {name} {reference} at {ended}, and the provider goes on to charge the buyer. \
             The last payment was at {last}.",
            "La boutique a terminé {name} {reference} le {ended}, et le prestataire continue de prélever \
             l’acheteur. Le dernier paiement date du {last}.",
        ),
        remedy: say!(
            to,
            "cancel the subscription at {name} and refund what came, or {reopen}",
            "résiliez l’abonnement chez {name} et remboursez ce qui est arrivé, ou {reopen}",
        ),
    }
}
