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
            "The beginning of an order id or of any provider id, a number, or an amount such as \
             49.99 or 49.99 EUR.",
            "Le début d’une commande ou d’un identifiant du prestataire, un numéro, ou un montant \
             comme 49,99 ou 49,99 EUR.";
        cut: Text =
            "More than 1,000 ids begin like this: only the latest were searched. Type more of it.",
            "Plus de 1\u{202f}000 identifiants commencent ainsi\u{a0}: seuls les plus récents ont \
             été cherchés. Précisez.";
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
        any_mode: Text = "Live and test", "Production et test";
        by_time: Text = "By time", "Par période";
        any_time: Text = "At any time", "À tout moment";
        lately: [Text; 4] = ["Last hour", "Last 24 hours", "Last 7 days", "Last 30 days"],
            ["Dernière heure", "Dernières 24 heures", "7 derniers jours", "30 derniers jours"];
        first_day: Text = "First day", "Premier jour";
        last_day: Text = "Last day", "Dernier jour";
        days_button: Text = "Apply", "Appliquer";
        none: Text = "No transactions yet.", "Aucune transaction pour l’instant.";
        none_hint: Text =
            "The shop registers one for each payment that it starts: `POST /api/v1/transactions`, \
             or `payhookd transactions add`.",
            "La boutique en enregistre une pour chaque paiement qu’elle lance\u{a0}: `POST \
             /api/v1/transactions`, ou `payhookd transactions add`.";
        none_found: Text = "No transactions found.", "Aucune transaction trouvée.";
        none_found_hint: Text =
            "Remove a filter or type less. Payments without a transaction are among the orphans.",
            "Retirez un filtre ou tapez moins. Les paiements sans transaction sont parmi les \
             orphelins.";
        none_so_far: Text = "None so far: continue with older ones.",
            "Rien jusqu’ici\u{a0}: continuez vers les plus anciennes.";
        all: Text = "All transactions", "Toutes les transactions";
        to_orphans: Text = "View orphans", "Voir les orphelins";
        registered: Text = "Registered", "Enregistrée";
        order: Text = "Order", "Commande";
        amount: Text = "Amount", "Montant";
        no_amount: Text = "not set", "non précisé";
        not_checked: Text = "amount not checked", "montant non vérifié";
        partial: Text = "partial payments add up", "paiements partiels additionnés";
        paid: Text = "Paid", "Payé";
        paid_in_full: Text = "the expected amount was received and kept",
            "le montant attendu a été reçu et conservé";
        doubtful: Text = "doubtful", "douteuse";
        not_doubtful: Text = "no longer doubtful", "plus douteuse";
        other_money: Text = "In another currency", "Dans une autre devise";
        status: Text = "Status", "Statut";
        provider: Text = "Provider", "Prestataire";
        reference: Text = "Reference", "Référence";
        closed: Text = "closed", "clôturée";
        since: Text = "since", "depuis";
        expected: Text = "Expected", "Attendu";
        received: Text = "Received", "Reçu";
        refunded: Text = "Refunded", "Remboursé";
        dispute: Text = "Dispute", "Litige";
        disputes: Text = "Disputes", "Litiges";
        refunds: Text = "Refunds", "Remboursements";
        metadata: Text = "Metadata", "Métadonnées";
        when: Text = "Time", "Date";
        what: Text = "What", "Quoi";
        detail: Text = "Detail", "Détail";
        reason: Text = "Reason", "Raison";
        deadline: Text = "Respond by", "Répondre avant le";
        deadline_over: Text = "passed", "dépassé";
        deadline_unsaid: Text = "not given", "non précisé";
        timeline: Text = "Timeline", "Chronologie";
        was_registered: Text = "registered", "enregistrée";
        by_the_shop: Text = "by the shop", "par la boutique";
        event: Text = "Event", "Événement";
        told: Text = "App notified", "Application notifiée";
        more_before: Text = "Earlier entries are not shown.",
            "Les entrées antérieures ne sont pas affichées.";
        all_events: Text = "All its events", "Tous ses événements";
        all_deliveries: Text = "All its notifications", "Toutes ses notifications";
        references: Text = "Known ids", "Identifiants connus";
        no_references: Text = "None but the registered one.", "Aucun autre que celui enregistré.";
        object: Text = "Latest object from the provider", "Dernier objet du prestataire";
        object_of: Text = "Received with", "Reçu avec";
        object_cut: Text = "Only the beginning is shown; the download is complete.",
            "Seul le début est affiché\u{a0}; le téléchargement est complet.";
        no_object: Text = "It was removed, or its event holds none.",
            "Il a été supprimé, ou son événement n’en contient pas.";
        download: Text = "Download the whole event", "Télécharger tout l’événement";
        close: Text = "Close", "Clôturer";
        close_hint: Text =
            "The shop expects no more payment for it. A payment that still comes is shown among \
             the orphans.",
            "La boutique n’attend plus de paiement. Un paiement qui arrive quand même est affiché \
             parmi les orphelins.";
        close_paid: Text =
            "It is paid, and I know: nothing more is to be done for this payment, and no other is expected.",
            "Elle est payée, et je le sais\u{a0}: il n’y a plus rien à faire pour ce paiement, et aucun autre \
             n’est attendu.";
        is_paid: Text =
            "It is paid, so it stays open. Tick the box if nothing more is to be done for the payment.",
            "Elle est payée, donc elle reste ouverte. Cochez la case s’il n’y a plus rien à faire pour le \
             paiement.";
        reopen: Text = "Reopen", "Rouvrir";
        reopen_hint: Text = "The shop expects a payment for it again.",
            "La boutique attend de nouveau un paiement.";
        done_closed: Text = "The transaction is closed.", "La transaction est clôturée.";
        done_reopened: Text = "The transaction is open again.", "La transaction est rouverte.";
    }
}
