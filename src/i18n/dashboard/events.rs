//! Texts of the events.

use crate::i18n::Text;

texts! {
    /// What the providers sent.
    Events {
        title: Text = "Events", "Événements";
        one: fn(i64) -> String = |id| format!("Event {id}"), |id| format!("Événement {id}");
        of_transaction: Text = "Of transaction", "De la transaction";
        all: Text = "All events", "Tous les événements";
        by_outcome: Text = "By outcome", "Par résultat";
        any_outcome: Text = "All", "Tous";
        by_type: Text = "Type, as the provider names it", "Type, selon le prestataire";
        type_button: Text = "Only this type", "Ce type seulement";
        none: Text = "No events yet.", "Aucun événement pour l’instant.";
        none_hint: Text =
            "Send one as a test: `payhookd send stripe --template payment_intent.succeeded`",
            "Envoyez-en un pour essayer\u{a0}: `payhookd send stripe --template \
             payment_intent.succeeded`";
        none_found: Text = "No events found.", "Aucun événement trouvé.";
        none_so_far: Text = "None so far: continue with older ones.",
            "Rien jusqu’ici\u{a0}: continuez vers les plus anciens.";
        looked_back_to: Text = "Searched back to", "Recherche effectuée jusqu’au";
        received: Text = "Received", "Reçu";
        occurred: Text = "Occurred", "Survenu";
        event_type: Text = "Type", "Type";
        no_type: Text = "no type", "sans type";
        outcome: Text = "Outcome", "Résultat";
        provider: Text = "Provider", "Prestataire";
        transaction: Text = "Transaction", "Transaction";
        event_id: Text = "Event id", "Identifiant";
        deliveries: Text = "Times received", "Nombre de réceptions";
        took: Text = "Processing time", "Temps de traitement";
        milliseconds: fn(i64) -> String =
            |micros| format!("{}.{} ms", micros / 1_000, micros / 100 % 10),
            |micros| format!("{},{}\u{a0}ms", micros / 1_000, micros / 100 % 10);
        api_version: Text = "API version", "Version d’API";
        story: Text = "Outcome", "Résultat";
        payload: Text = "Payload", "Contenu";
        payload_hint: Text = "As received, formatted", "Tel que reçu, mis en forme";
        payload_cut: Text = "Only the beginning is shown; the download is complete.",
            "Seul le début est affiché\u{a0}; le téléchargement est complet.";
        download: fn(String) -> String = |bytes| format!("Download as received ({bytes} bytes)"),
            |bytes| format!("Télécharger tel que reçu ({bytes} octets)");
        headers: Text = "Headers", "En-têtes";
        headers_hint: Text = "Of the request, without signatures",
            "De la requête, sans signatures";
        removed: Text = "Removed after the retention period.",
            "Supprimé à la fin de la durée de conservation.";
        replay: Text = "Replay…", "Rejouer…";
        replay_hint: Text =
            "The stored event is read again by the current version and rules, and the result \
             replaces the previous one. Nothing is counted twice.",
            "L’événement conservé est relu par la version et les règles actuelles, et le résultat \
             remplace le précédent. Rien n’est compté deux fois.";
        replay_of: fn(i64) -> String = |id| format!("Replay event {id}"),
            |id| format!("Rejouer l’événement {id}");
        replay_button: Text = "Replay", "Rejouer";
        back: Text = "Back to the event", "Retour à l’événement";
        would_change: Text = "What would change", "Ce qui changerait";
        would_be_same: Text = "Nothing: the result is the same.",
            "Rien\u{a0}: le résultat est le même.";
        would_be_left: Text = "Nothing: it would be left as it is, because:",
            "Rien\u{a0}: il serait laissé tel quel, car\u{a0}:";
        would_be: Text = "It would be", "Il serait";
        would_leave: Text = "It would no longer belong to its transaction.",
            "Il ne serait plus rattaché à sa transaction.";
        now: Text = "Now", "Actuellement";
        then: Text = "After", "Après";
        no_transaction: Text = "no transaction", "aucune transaction";
        was_same: Text = "The result is the same: nothing was changed.",
            "Le résultat est le même\u{a0}: rien n’a été modifié.";
        was_left: Text = "It was left as it was:", "Il a été laissé tel quel\u{a0}:";
        was_changed: fn(&str) -> String = |outcome| format!("Replayed: {outcome}."),
            |outcome| format!("Rejoué\u{a0}: {outcome}.");
    }
}
