//! Texts of the transactions.

use crate::i18n::Text;

texts! {
    /// What the shop expects, and what became of it.
    Transactions {
        title: Text = "Transactions", "Transactions";
        one: fn(i64) -> String = |id| format!("Transaction {id}"), |id| format!("Transaction {id}");
        search: Text = "Search", "Recherche";
        search_button: Text = "Search", "Rechercher";
        search_hint: Text =
            "The beginning of an order id or of any id at the provider, the number, or an amount such \
             as 49.99 or 49.99 EUR.",
            "Le début d’une commande ou d’un identifiant du prestataire, le numéro, ou un montant \
             comme 49,99 ou 49,99 EUR.";
        cut: Text =
            "More than 1,000 ids begin like this: only the last of them were looked at. Type more of it.",
            "Plus de 1\u{202f}000 identifiants commencent ainsi\u{a0}: seuls les derniers ont été \
             regardés. Précisez.";
        by_status: Text = "By status", "Par statut";
        any_status: Text = "All", "Toutes";
        more_filters: Text = "More filters", "Plus de filtres";
        by_amount: Text = "By amount", "Par montant";
        any_amount: Text = "Any amount", "Tout montant";
        by_dispute: Text = "By dispute", "Par litige";
        any_dispute: Text = "With or without dispute", "Avec ou sans litige";
        by_provider: Text = "By provider", "Par prestataire";
        any_provider: Text = "Both providers", "Les deux prestataires";
        by_mode: Text = "By mode", "Par mode";
        any_mode: Text = "Live and test", "Réel et test";
        by_time: Text = "By time", "Par période";
        any_time: Text = "At any time", "À tout moment";
        lately: [Text; 4] = ["Last hour", "Last 24 hours", "Last 7 days", "Last 30 days"],
            ["Dernière heure", "Dernières 24 heures", "7 derniers jours", "30 derniers jours"];
        first_day: Text = "First day", "Premier jour";
        last_day: Text = "Last day", "Dernier jour";
        days_button: Text = "Only these days", "Ces jours seulement";
        none: Text = "No transaction is registered yet.",
            "Aucune transaction n’est encore enregistrée.";
        none_hint: Text =
            "The shop registers one for each payment that it starts: `POST /api/v1/transactions`, or \
             `payhookd transactions add`.",
            "La boutique en enregistre une pour chaque paiement qu’elle commence\u{a0}: `POST \
             /api/v1/transactions`, ou `payhookd transactions add`.";
        none_found: Text = "No transaction is like this.", "Aucune transaction ne correspond.";
        none_found_hint: Text =
            "Take a filter away or type less. Money that matches no transaction stands among the \
             orphans.",
            "Retirez un filtre ou tapez moins. L’argent sans transaction se trouve parmi les \
             orphelins.";
        none_so_far: Text = "None so far: go on to the older ones.",
            "Rien jusqu’ici\u{a0}: continuez vers les plus anciennes.";
        all: Text = "All transactions", "Toutes les transactions";
        to_orphans: Text = "To the orphans", "Aux orphelins";
        registered: Text = "Registered", "Enregistrée";
        order: Text = "Order", "Commande";
        amount: Text = "Amount", "Montant";
        no_amount: Text = "not said", "non précisé";
        not_checked: Text = "amount not checked", "montant non vérifié";
        partial: Text = "deposits add up", "les acomptes s’additionnent";
        paid: Text = "Paid", "Payé";
        paid_in_full: Text = "all that is expected was received and kept",
            "tout ce qui est attendu a été reçu et gardé";
        doubtful: Text = "doubtful", "douteuse";
        not_doubtful: Text = "no longer doubtful", "plus douteuse";
        other_money: Text = "In another currency", "Dans une autre devise";
        status: Text = "Status", "Statut";
        provider: Text = "Provider", "Prestataire";
        reference: Text = "Reference", "Référence";
        closed: Text = "closed", "close";
        since: Text = "since", "depuis";
        expected: Text = "Expected", "Attendu";
        received: Text = "Received", "Reçu";
        refunded: Text = "Refunded", "Remboursé";
        dispute: Text = "Dispute", "Litige";
        disputes: Text = "Disputes", "Litiges";
        refunds: Text = "Refunds", "Remboursements";
        metadata: Text = "Metadata", "Métadonnées";
        when: Text = "When", "Quand";
        what: Text = "What", "Quoi";
        detail: Text = "Detail", "Détail";
        reason: Text = "Reason", "Raison";
        deadline: Text = "Answer until", "Répondre avant";
        deadline_over: Text = "over", "dépassé";
        deadline_unsaid: Text = "not said", "non précisé";
        timeline: Text = "What happened", "Ce qui s’est passé";
        was_registered: Text = "registered", "enregistrée";
        by_the_shop: Text = "by the shop", "par la boutique";
        event: Text = "Event", "Événement";
        told: Text = "App told", "Application informée";
        more_before: Text = "There is more before that.", "Il y en a plus avant.";
        all_events: Text = "All its events", "Tous ses événements";
        all_deliveries: Text = "All its deliveries", "Toutes ses livraisons";
        references: Text = "Ids by which it is known", "Identifiants connus";
        no_references: Text = "No event has named any other than the registered one.",
            "Aucun événement n’en a nommé d’autre que celui enregistré.";
        object: Text = "The provider’s newest object", "L’objet le plus récent du prestataire";
        object_of: Text = "As it came with", "Tel que reçu avec";
        object_cut: Text = "This is its beginning: the download has all of it.",
            "En voici le début\u{a0}: le téléchargement contient tout.";
        no_object: Text = "It was removed, or its event holds none.",
            "Il a été supprimé, ou son événement n’en contient pas.";
        download: Text = "Download the whole event", "Télécharger tout l’événement";
        close: Text = "Close", "Clore";
        close_hint: Text =
            "The shop expects no money for it any more. Money that comes all the same is shown among \
             the orphans.",
            "La boutique n’attend plus d’argent. L’argent qui arrive quand même est montré parmi les \
             orphelins.";
        reopen: Text = "Reopen", "Rouvrir";
        reopen_hint: Text = "The shop expects money for it after all.",
            "La boutique attend finalement de l’argent.";
        done_closed: Text = "The transaction is closed.", "La transaction est close.";
        done_reopened: Text = "The transaction is open again.", "La transaction est rouverte.";
    }
}
