//! Texts of the orphan inbox.

use std::time::Duration;

use crate::i18n::Text;

texts! {
    /// Unmatched payments.
    Orphans {
        title: Text = "Orphans", "Orphelins";
        intro: Text =
            "Payments that match no transaction. Registering a transaction adopts its payment \
             automatically; what is left here needs attention.",
            "Paiements sans transaction. Enregistrer une transaction lui rattache son paiement \
             automatiquement\u{a0}; ce qui reste ici demande votre attention.";
        filters: Text = "By status", "Par statut";
        open: Text = "Open", "Ouverts";
        resolved: Text = "Resolved", "Résolus";
        none_open: Text = "No open orphans.", "Aucun orphelin ouvert.";
        none_open_hint: Text = "Every payment matches a transaction or was resolved.",
            "Chaque paiement a une transaction ou a été résolu.";
        none: Text = "None.", "Aucun.";
        none_hint: Text = "Choose another list above.", "Choisissez une autre liste ci-dessus.";
        one: fn(i64) -> String = |id| format!("Orphan {id}"), |id| format!("Orphelin {id}");
        seen: Text = "First seen", "Premier événement";
        last_seen: Text = "Last event", "Dernier événement";
        amount: Text = "Amount", "Montant";
        no_amount: Text = "no amount", "sans montant";
        provider: Text = "Provider", "Prestataire";
        payer: Text = "Payer", "Payeur";
        search: Text = "Search the transactions", "Chercher parmi les transactions";
        none_sought: fn(&str) -> String =
            |said| format!("No transaction of this provider has “{said}”."),
            |said| format!("Aucune transaction chez ce prestataire n’a «\u{a0}{said}\u{a0}».");
        offer_likely: Text = "Back to likely transactions", "Revenir aux transactions probables";
        no_candidates: Text = "No likely transaction: search for it.",
            "Aucune transaction probable\u{a0}: cherchez-la.";
        why: Text = "Why", "Pourquoi";
        order: Text = "Order", "Commande";
        reference: Text = "Reference", "Référence";
        status: Text = "Status", "Statut";
        events: Text = "Events", "Événements";
        why_title: Text = "Why it is unmatched", "Pourquoi il n’est pas rattaché";
        candidates: Text = "Likely transactions", "Transactions probables";
        candidates_hint: Text =
            "Transactions with its order id, and unpaid ones of its amount registered within two \
             weeks of it.",
            "Transactions de la même commande, et transactions impayées du même montant \
             enregistrées à moins de deux semaines.";
        speaks_for_it: Text = "Match", "Correspondance";
        same_order: Text = "same order", "même commande";
        same_amount: Text = "same amount", "même montant";
        apart: fn(Duration) -> String =
            |apart| match apart.as_secs() {
                0..60 => "within a minute".to_owned(),
                _ => format!("{} apart", length(apart, ["minute", "hour", "day"], |number| number == 1)),
            },
            |apart| match apart.as_secs() {
                0..60 => "à moins d’une minute".to_owned(),
                _ => format!("à {} d’écart", length(apart, ["minute", "heure", "jour"], |number| number < 2)),
            };
        attach: Text = "Attach to a transaction", "Rattacher à une transaction";
        attach_hint: Text =
            "All its events are applied to the transaction, as is any later event with one of its \
             ids.",
            "Tous ses événements sont appliqués à la transaction, ainsi que tout événement \
             ultérieur portant un de ses identifiants.";
        attach_field: Text = "Transaction: number, order id or any provider id",
            "Transaction\u{a0}: numéro, commande ou identifiant du prestataire";
        note_field: Text = "Note (optional)", "Note (facultative)";
        attach_button: Text = "Attach", "Rattacher";
        dismiss: Text = "Dismiss", "Écarter";
        dismiss_hint: Text =
            "No action is needed. It is still adopted if its transaction is registered.",
            "Aucune action n’est nécessaire. Il est tout de même rattaché si sa transaction est \
             enregistrée.";
        reason_field: Text = "Reason", "Raison";
        dismiss_button: Text = "Dismiss", "Écarter";
        disown: Text = "Another shop’s", "D’une autre boutique";
        disown_hint: Text =
            "It was paid to somebody else who uses the same account at the provider. No more \
             alerts about it.",
            "Il a été payé à quelqu’un d’autre qui utilise le même compte chez le prestataire. \
             Plus d’alerte à ce sujet.";
        disown_button: Text = "Mark as another shop’s", "Marquer comme d’une autre boutique";
        resolved_as_foreign: Text = "Another shop’s.", "D’une autre boutique.";
        done_disowned: fn(i64) -> String =
            |id| format!("Orphan {id} is another shop’s."),
            |id| format!("L’orphelin {id} est d’une autre boutique.");
        has_transaction: Text = "It came late, but for a transaction of this shop.",
            "Il est tardif, mais concerne une transaction de cette boutique.";
        resolved_as_matched: fn(i64) -> String = |id| format!("Attached to transaction {id}."),
            |id| format!("Rattaché à la transaction {id}.");
        resolved_as_dismissed: Text = "Dismissed.", "Écarté.";
        resolved_at: Text = "Resolved", "Résolu";
        by_person: Text = "by a person", "par une personne";
        by_itself: Text = "automatically", "automatiquement";
        note: Text = "Note", "Note";
        done_attached: fn(i64, i64) -> String =
            |id, to| format!("Orphan {id} now belongs to transaction {to}."),
            |id, to| format!("L’orphelin {id} est rattaché à la transaction {to}.");
        done_dismissed: fn(i64) -> String = |id| format!("Orphan {id} is dismissed."),
            |id| format!("L’orphelin {id} est écarté.");
        no_transaction: fn(&str) -> String =
            |said| format!("No transaction has “{said}”."),
            |said| format!("Aucune transaction n’a «\u{a0}{said}\u{a0}».");
        several_transactions: fn(&str) -> String =
            |ids| format!("Several transactions match: {ids}. Enter the number of one."),
            |ids| format!(
                "Plusieurs transactions correspondent\u{a0}: {ids}. Saisissez le numéro de l’une \
                 d’elles."
            );
        already: Text = "It is already resolved.", "Il est déjà résolu.";
        of_another_kind: Text =
            "It can’t be attached to that transaction: their modes (live, test) or providers \
             differ, or it came late and already has its transaction.",
            "Il ne peut être rattaché à cette transaction\u{a0}: les modes (production, test) ou \
             les prestataires diffèrent, ou il est tardif et a déjà sa transaction.";
        say_which: Text = "Enter a transaction.", "Saisissez une transaction.";
        say_why: fn(usize) -> String =
            |most| format!("Enter a reason of at most {most} characters."),
            |most| format!("Saisissez une raison de {most} caractères au plus.");
        too_long: fn(usize) -> String =
            |most| format!("The note has more than {most} characters."),
            |most| format!("La note a plus de {most} caractères.");
    }
}

/// A length of time in its greatest unit: minutes, hours or days.
fn length(duration: Duration, units: [&str; 3], is_one: fn(u64) -> bool) -> String {
    let minutes = duration.as_secs() / 60;
    let (number, unit) = match minutes {
        0..120 => (minutes, units[0]),
        120..2_880 => (minutes / 60, units[1]),
        2_880.. => (minutes / 1_440, units[2]),
    };
    format!("{number} {unit}{}", if is_one(number) { "" } else { "s" })
}
