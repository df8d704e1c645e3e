//! Texts of the events.

use crate::i18n::Text;

texts! {
    /// What the providers sent.
    Events {
        title: Text = "Events", "Événements";
        one: fn(i64) -> String = |id| format!("Event {id}"), |id| format!("Événement {id}");
        of_transaction: Text = "Those of transaction", "Ceux de la transaction";
        all: Text = "All events", "Tous les événements";
        by_outcome: Text = "By what became of them", "Par résultat";
        any_outcome: Text = "All", "Tous";
        by_type: Text = "Type, as the provider names it", "Type, selon le prestataire";
        type_button: Text = "Only this type", "Ce type seulement";
        none: Text = "No event has come yet.", "Aucun événement n’est encore arrivé.";
        none_hint: Text =
            "Send one to check the way: `payhookd send stripe --template payment_intent.succeeded`",
            "Envoyez-en un pour vérifier le chemin\u{a0}: `payhookd send stripe --template \
             payment_intent.succeeded`";
        none_found: Text = "No event is like this.", "Aucun événement ne correspond.";
        none_so_far: Text = "None so far: go on to the older ones.",
            "Rien jusqu’ici\u{a0}: continuez vers les plus anciens.";
        looked_back_to: Text = "Looked through so far, back to", "Parcouru jusqu’au";
        received: Text = "Received", "Reçu";
        occurred: Text = "Happened", "Survenu";
        event_type: Text = "Type", "Type";
        no_type: Text = "no type", "sans type";
        outcome: Text = "Outcome", "Résultat";
        provider: Text = "Provider", "Prestataire";
        transaction: Text = "Transaction", "Transaction";
        event_id: Text = "Event id", "Identifiant";
        deliveries: Text = "Times delivered", "Nombre de livraisons";
        took: Text = "Time to the disk", "Temps jusqu’au disque";
        milliseconds: fn(i64) -> String =
            |micros| format!("{}.{} ms", micros / 1_000, micros / 100 % 10),
            |micros| format!("{},{}\u{a0}ms", micros / 1_000, micros / 100 % 10);
        api_version: Text = "Version of the format", "Version du format";
        story: Text = "What became of it, and why", "Ce qu’il est devenu, et pourquoi";
        payload: Text = "Payload", "Contenu";
        payload_hint: Text = "As it was received, set out in lines", "Tel que reçu, mis en lignes";
        payload_cut: Text = "This is its beginning: the download has all of it.",
            "En voici le début\u{a0}: le téléchargement contient tout.";
        download: fn(String) -> String =
            |bytes| format!("Download byte for byte ({bytes} bytes)"),
            |bytes| format!("Télécharger octet pour octet ({bytes} octets)");
        headers: Text = "Headers", "En-têtes";
        headers_hint: Text = "Of the request, without signatures", "De la requête, sans signatures";
        removed: Text = "Removed, as the retention says.", "Supprimé, selon la durée de conservation.";
        replay: Text = "Read it again…", "Relire…";
        replay_hint: Text =
            "The stored event is read by today’s program and rules, and what it says is applied in \
             place of what it said. Nothing counts twice.",
            "L’événement conservé est relu par le programme et les règles d’aujourd’hui, et ce qu’il \
             dit remplace ce qu’il disait. Rien n’est compté deux fois.";
        replay_of: fn(i64) -> String = |id| format!("Read event {id} again"),
            |id| format!("Relire l’événement {id}");
        replay_button: Text = "Read it again", "Relire";
        back: Text = "Back to the event", "Retour à l’événement";
        would_change: Text = "What would change", "Ce qui changerait";
        would_be_same: Text = "Nothing: it says what it said.", "Rien\u{a0}: il dit ce qu’il disait.";
        would_be_left: Text = "Nothing: it would be left as it is, because:",
            "Rien\u{a0}: il resterait tel quel, parce que\u{a0}:";
        would_be: Text = "It would be", "Il serait";
        would_leave: Text = "It would not belong to its transaction any more.",
            "Il n’appartiendrait plus à sa transaction.";
        now: Text = "Now", "Maintenant";
        then: Text = "Then", "Ensuite";
        no_transaction: Text = "no transaction", "aucune transaction";
        was_same: Text = "It says what it said: nothing was changed.",
            "Il dit ce qu’il disait\u{a0}: rien n’a été modifié.";
        was_left: Text = "It was left as it was:", "Il est resté tel quel\u{a0}:";
        was_changed: fn(&str) -> String = |outcome| format!("It was read again: {outcome}."),
            |outcome| format!("Il a été relu\u{a0}: {outcome}.");
    }
}
