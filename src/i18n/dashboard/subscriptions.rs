//! Texts of the subscriptions.

use crate::i18n::Text;

texts! {
    /// Subscriptions that the shop registered, and their payments.
    Subscriptions {
        title: Text = "Subscriptions", "Abonnements";
        one: fn(i64) -> String = |id| format!("Subscription {id}"), |id| format!("Abonnement {id}");
        intro: Text =
            "Each payment of a registered subscription becomes a transaction by itself.",
            "Chaque paiement d’un abonnement enregistré devient une transaction de lui-même.";
        filters: Text = "Subscriptions by state", "Abonnements par état";
        all: Text = "All", "Tous";
        running: Text = "Active", "Actifs";
        ended: Text = "Ended", "Terminés";
        none: Text = "No subscriptions here.", "Aucun abonnement ici.";
        none_hint: Text =
            "The shop registers one when it begins: `POST /api/v1/subscriptions`, or `payhookd \
             subscriptions add`.",
            "La boutique en enregistre un quand il commence\u{a0}: `POST /api/v1/subscriptions`, ou \
             `payhookd subscriptions add`.";
        registered: Text = "Registered", "Enregistré";
        own_id: Text = "Own id", "Identifiant de la boutique";
        amount: Text = "Amount", "Montant";
        not_fixed: Text = "not fixed", "non fixe";
        number: Text = "Payments", "Paiements";
        provider: Text = "Provider", "Prestataire";
        reference: Text = "Reference", "Référence";
        state: Text = "State", "État";
        is_running: Text = "active", "actif";
        has_ended: Text = "ended", "terminé";
        ended_at: Text = "Ended", "Terminé";
        payments: Text = "Its payments", "Ses paiements";
        no_payments: Text = "None has come yet.", "Aucun n’est encore arrivé.";
        subscription: Text = "Subscription", "Abonnement";
        period: Text = "Period", "Période";
        after_end: Text = "after the end", "après la fin";
        merged: Text = "Merged into", "Fusionnée dans";
        end: Text = "End", "Terminer";
        end_hint: Text =
            "No more is to be paid of it. A payment that still comes becomes a transaction, and opens \
             an issue. It is not canceled at the provider.",
            "Plus rien n’est à payer. Un paiement qui arrive quand même devient une transaction et ouvre \
             un problème. L’abonnement n’est pas résilié chez le prestataire.";
        reopen: Text = "Reopen", "Rouvrir";
        reopen_hint: Text = "It goes on: its payments are expected again.",
            "Il continue\u{a0}: ses paiements sont de nouveau attendus.";
        done_ended: Text = "The subscription has ended.", "L’abonnement est terminé.";
        done_reopened: Text = "The subscription goes on.", "L’abonnement continue.";
    }
}
