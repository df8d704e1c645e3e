//! Texts of the overview.

use super::Text;

texts! {
    /// How things stand.
    Overview {
        title: Text = "Overview", "Vue d’ensemble";
        last_events: Text = "Last genuine event", "Dernier événement authentique";
        no_events: Text = "No event has come yet.", "Aucun événement n’est encore arrivé.";
        no_events_hint: Text =
            "Send one to check the way: payhookd send stripe --template payment_intent.succeeded",
            "Envoyez-en un pour vérifier le chemin\u{a0}: payhookd send stripe --template \
             payment_intent.succeeded";
    }
}
