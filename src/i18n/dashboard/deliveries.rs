//! Texts of the deliveries.

use crate::i18n::Text;

texts! {
    /// What the shop's app is told of changes.
    Deliveries {
        title: Text = "Notifications", "Notifications";
        intro: Text =
            "The shop’s app is notified of every change of a transaction, in order, until it \
             confirms.",
            "L’application de la boutique est notifiée de chaque changement d’une transaction, \
             dans l’ordre, jusqu’à ce qu’elle confirme.";
        one: fn(i64) -> String = |id| format!("Notification {id}"),
            |id| format!("Notification {id}");
        of_transaction: Text = "Of transaction", "De la transaction";
        all: Text = "All notifications", "Toutes les notifications";
        by_status: Text = "By status", "Par statut";
        any_status: Text = "All", "Toutes";
        none: Text = "The app was never notified.", "L’application n’a jamais été notifiée.";
        none_hint: Text =
            "Start the daemon with `--notify-url` (`PAYHOOKD_NOTIFY_URL`) or `--notify-command`: \
             from then on the app is notified of every change.",
            "Lancez le service avec `--notify-url` (`PAYHOOKD_NOTIFY_URL`) ou \
             `--notify-command`\u{a0}: l’application sera alors notifiée de chaque changement.";
        none_found: Text = "No notifications found.", "Aucune notification trouvée.";
        more_than: fn(&str) -> String = |number| format!("more than {number}"),
            |number| format!("plus de {number}");
        given_up: fn(&str) -> String = |number| format!("Failed: {number}."),
            |number| format!("En échec\u{a0}: {number}.");
        given_up_since: Text = "Failed since", "En échec depuis";
        retry_many: Text = "Retry failed notifications", "Réessayer les notifications en échec";
        retry_many_hint: Text =
            "Each is retried now, with the full schedule, in the order of the changes of its \
             transaction.",
            "Chacune est réessayée maintenant, avec tous les essais prévus, dans l’ordre des \
             changements de sa transaction.";
        retry_all: Text = "Retry all", "Tout réessayer";
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
            "après une autre de la même transaction";
        why: Text = "Why it failed", "Cause de l’échec";
        message_id: Text = "Message id", "Identifiant du message";
        no_attempts: Text = "No attempts yet, or none is kept any more.",
            "Aucune tentative, ou plus aucune conservée.";
        attempt: Text = "Attempt", "Tentative";
        made: Text = "Time", "Date";
        answer: Text = "Response", "Réponse";
        latency: Text = "Duration", "Durée";
        body: Text = "Response body", "Corps de la réponse";
        retry: Text = "Retry", "Réessayer";
        retry_hint: Text =
            "The app is notified again, with the full schedule, even if it was notified before. \
             It knows the message by its id.",
            "L’application est notifiée à nouveau, avec tous les essais prévus, même si elle l’a \
             déjà été. Elle reconnaît le message à son identifiant.";
        done_due: Text = "Queued for retry.", "Nouvel essai programmé.";
        done_after: fn(i64) -> String =
            |earlier| format!("Queued for retry, after notification {earlier}."),
            |earlier| format!("Nouvel essai programmé, après la notification {earlier}.");
        done_many: fn(&str) -> String = |number| format!("Queued for retry: {number}."),
            |number| format!("Nouveaux essais programmés\u{a0}: {number}.");
    }
}
