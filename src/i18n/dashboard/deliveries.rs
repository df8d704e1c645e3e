//! Texts of the deliveries.

use crate::i18n::Text;

texts! {
    /// What the shop's app is told of changes.
    Deliveries {
        title: Text = "Deliveries", "Livraisons";
        intro: Text =
            "The shop’s app is told of every change of a transaction, in order, until it says that \
             it has it.",
            "L’application de la boutique est informée de chaque changement d’une transaction, dans \
             l’ordre, jusqu’à ce qu’elle confirme.";
        one: fn(i64) -> String = |id| format!("Delivery {id}"), |id| format!("Livraison {id}");
        of_transaction: Text = "Those of transaction", "Celles de la transaction";
        all: Text = "All deliveries", "Toutes les livraisons";
        by_status: Text = "By status", "Par statut";
        any_status: Text = "All", "Toutes";
        none: Text = "The app was never told of anything.",
            "L’application n’a jamais été informée de rien.";
        none_hint: Text =
            "Run the daemon with `--notify-url` (`PAYHOOKD_NOTIFY_URL`) or `--notify-command`, and every \
             change from then on is told.",
            "Lancez le service avec `--notify-url` (`PAYHOOKD_NOTIFY_URL`) ou `--notify-command`\u{a0}: \
             chaque changement sera alors transmis.";
        none_found: Text = "No delivery is like this.", "Aucune livraison ne correspond.";
        more_than: fn(&str) -> String = |number| format!("more than {number}"),
            |number| format!("plus de {number}");
        given_up: fn(&str) -> String = |number| format!("Given up: {number}."),
            |number| format!("Abandonnées\u{a0}: {number}.");
        given_up_since: Text = "Given up since", "Abandonnées depuis";
        retry_many: Text = "Retry what was given up", "Réessayer ce qui a été abandonné";
        retry_many_hint: Text =
            "Each is tried again now, by the whole schedule, and in the order of the changes of its \
             transaction.",
            "Chacune est réessayée maintenant, selon tout le calendrier, dans l’ordre des \
             changements de sa transaction.";
        retry_all: Text = "Retry all of them", "Tout réessayer";
        back: Text = "Back to the list", "Retour à la liste";
        changed: Text = "Changed", "Modifiée";
        change: Text = "Change", "Changement";
        transaction: Text = "Transaction", "Transaction";
        version: fn(i64) -> String = |version| format!("version {version}"),
            |version| format!("version {version}");
        status: Text = "Status", "Statut";
        attempts: Text = "Attempts", "Tentatives";
        attempts_made: fn(i64) -> String =
            |number| match number {
                1 => "1 attempt".to_owned(),
                number => format!("{number} attempts"),
            },
            |number| match number {
                0 | 1 => format!("{number} tentative"),
                number => format!("{number} tentatives"),
            };
        next: Text = "Next attempt", "Prochaine tentative";
        waits_for_earlier: Text = "after an earlier one of its transaction",
            "après une précédente de sa transaction";
        why: Text = "Why it failed", "Pourquoi l’échec";
        message_id: Text = "Message id", "Identifiant du message";
        no_attempts: Text = "No attempt was made yet, or none is kept any more.",
            "Aucune tentative encore, ou aucune n’est plus conservée.";
        attempt: Text = "Attempt", "Tentative";
        made: Text = "Made", "Faite";
        answer: Text = "Answer", "Réponse";
        latency: Text = "Took", "Durée";
        body: Text = "What was said", "Ce qui a été dit";
        retry: Text = "Retry", "Réessayer";
        retry_hint: Text =
            "The app is told again, whatever became of it, by the whole schedule. It knows the \
             message by its id.",
            "L’application est informée à nouveau, quoi qu’il en soit, selon tout le calendrier. \
             Elle reconnaît le message à son identifiant.";
        done_due: Text = "It is due again now.", "Elle est à nouveau due maintenant.";
        done_after: fn(i64) -> String =
            |earlier| format!("It is due again, after delivery {earlier}, which is due now."),
            |earlier| format!(
                "Elle est à nouveau due, après la livraison {earlier}, due maintenant."
            );
        done_many: fn(&str) -> String = |number| format!("Due again: {number}."),
            |number| format!("À nouveau dues\u{a0}: {number}.");
    }
}
