//! Texts of the orphan inbox.

use std::time::Duration;

use crate::i18n::Text;

texts! {
    /// Payments that match nothing.
    Orphans {
        title: Text = "Orphans", "Orphelins";
        intro: Text =
            "Payments that belong to no transaction. Registering a transaction adopts its payment by \
             itself; what is left here needs somebody.",
            "Paiements qui n’appartiennent à aucune transaction. Enregistrer une transaction adopte \
             son paiement automatiquement\u{a0}; ce qui reste ici attend quelqu’un.";
        filters: Text = "Which orphans", "Quels orphelins";
        open: Text = "To see to", "À traiter";
        resolved: Text = "Resolved", "Résolus";
        none_open: Text = "Nothing to see to.", "Rien à traiter.";
        none_open_hint: Text =
            "Every payment belongs to a transaction, or somebody has said what it is.",
            "Chaque paiement appartient à une transaction, ou quelqu’un a dit ce qu’il est.";
        none: Text = "There are none.", "Il n’y en a pas.";
        none_hint: Text = "Choose another list above.", "Choisissez une autre liste ci-dessus.";
        one: fn(i64) -> String = |id| format!("Orphan {id}"), |id| format!("Orphelin {id}");
        seen: Text = "Seen", "Vu";
        last_seen: Text = "Last event", "Dernier événement";
        amount: Text = "Amount", "Montant";
        no_amount: Text = "no amount", "sans montant";
        provider: Text = "Provider", "Prestataire";
        payer: Text = "Payer", "Payeur";
        search: Text = "Search the transactions", "Chercher parmi les transactions";
        none_sought: fn(&str) -> String =
            |said| format!("No transaction of this provider has “{said}”."),
            |said| format!("Aucune transaction chez ce prestataire n’a «\u{a0}{said}\u{a0}».");
        offer_likely: Text = "Back to the likely ones", "Revenir aux plus probables";
        no_candidates: Text = "Nothing speaks for any transaction; search for it.",
            "Rien n’indique de transaction\u{a0}; cherchez-la.";
        why: Text = "Why", "Pourquoi";
        order: Text = "Order", "Commande";
        reference: Text = "Reference", "Référence";
        status: Text = "Status", "Statut";
        events: Text = "Events", "Événements";
        why_title: Text = "Why it matches nothing", "Pourquoi il ne correspond à rien";
        candidates: Text = "It may belong to", "Il peut appartenir à";
        candidates_hint: Text =
            "Transactions with its order id, and unpaid ones of its amount that were registered within \
             two weeks of it.",
            "Transactions avec sa commande, et celles non payées de son montant enregistrées à moins \
             de deux semaines.";
        speaks_for_it: Text = "What speaks for it", "Ce qui l’indique";
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
            "All its events are applied to the transaction, and whatever comes with one of its ids.",
            "Tous ses événements sont appliqués à la transaction, ainsi que tout ce qui porte un de \
             ses identifiants.";
        attach_field: Text = "Transaction: its number, order id or any provider id",
            "Transaction\u{a0}: son numéro, sa commande ou un identifiant du prestataire";
        note_field: Text = "Note (optional)", "Note (facultative)";
        attach_button: Text = "Attach", "Rattacher";
        dismiss: Text = "Dismiss", "Écarter";
        dismiss_hint: Text =
            "Nothing is to be done about it. It is adopted all the same should its transaction be \
             registered.",
            "Il n’y a rien à faire. Il est tout de même adopté si sa transaction est enregistrée.";
        reason_field: Text = "Reason", "Raison";
        dismiss_button: Text = "Dismiss", "Écarter";
        disown: Text = "Another shop’s", "D’une autre boutique";
        disown_hint: Text =
            "It was paid to somebody else who uses the same account at the provider. Nobody is told \
             of it again.",
            "Il a été payé à quelqu’un d’autre qui utilise le même compte chez le prestataire. \
             Personne n’en sera plus averti.";
        disown_button: Text = "Mark as another shop’s", "Marquer comme d’une autre boutique";
        resolved_as_foreign: Text = "Another shop’s.", "D’une autre boutique.";
        done_disowned: fn(i64) -> String =
            |id| format!("Orphan {id} is another shop’s."),
            |id| format!("L’orphelin {id} est d’une autre boutique.");
        has_transaction: Text =
            "Its money is late, but it is for a transaction of this shop.",
            "Son argent est tardif, mais il est pour une transaction de cette boutique.";
        resolved_as_matched: fn(i64) -> String =
            |id| format!("Belongs to transaction {id}."),
            |id| format!("Appartient à la transaction {id}.");
        resolved_as_dismissed: Text = "Dismissed.", "Écarté.";
        resolved_at: Text = "Resolved", "Résolu";
        by_person: Text = "by a person", "par une personne";
        by_itself: Text = "by itself", "automatiquement";
        note: Text = "Note", "Note";
        done_attached: fn(i64, i64) -> String =
            |id, to| format!("Orphan {id} belongs to transaction {to} now."),
            |id, to| format!("L’orphelin {id} appartient maintenant à la transaction {to}.");
        done_dismissed: fn(i64) -> String = |id| format!("Orphan {id} is dismissed."),
            |id| format!("L’orphelin {id} est écarté.");
        no_transaction: fn(&str) -> String =
            |said| format!("No transaction has “{said}”."),
            |said| format!("Aucune transaction n’a «\u{a0}{said}\u{a0}».");
        several_transactions: fn(&str) -> String =
            |ids| format!("Several transactions have that: {ids}. Give the number of one."),
            |ids| format!(
                "Plusieurs transactions l’ont\u{a0}: {ids}. Donnez le numéro de l’une d’elles."
            );
        already: Text = "It was resolved before.", "Il a déjà été résolu.";
        of_another_kind: Text =
            "It can’t be part of that transaction: one is live and the other test money, they are of \
             two providers, or its money is late and has its transaction.",
            "Il ne peut faire partie de cette transaction\u{a0}: l’un est réel et l’autre de test, \
             les prestataires diffèrent, ou l’argent est tardif et a sa transaction.";
        say_which: Text = "Say which transaction.", "Indiquez quelle transaction.";
        say_why: fn(usize) -> String =
            |most| format!("Say why, in at most {most} characters."),
            |most| format!("Indiquez pourquoi, en {most} caractères au plus.");
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
