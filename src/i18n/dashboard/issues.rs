//! Texts of the issues.

use crate::i18n::Text;

texts! {
    /// Problems that a person should know of.
    Issues {
        title: Text = "Issues", "Problèmes";
        intro: Text =
            "What needs attention, the worst first. An issue closes automatically when it is fixed.",
            "Ce qui demande votre attention, le plus grave d’abord. Un problème se ferme \
             automatiquement une fois corrigé.";
        by_status: Text = "By status", "Par statut";
        by_kind: Text = "By kind", "Par type";
        any_kind: Text = "Any kind", "Tous les types";
        all: Text = "All issues", "Tous les problèmes";
        none_open: Text = "No issue is open.", "Aucun problème n’est ouvert.";
        none_open_hint: Text =
            "Payments, webhooks, the shop’s app, the disk and the clock are monitored. A problem \
             is shown here until it is fixed.",
            "Les paiements, les webhooks, l’application de la boutique, le disque et l’horloge \
             sont surveillés. Un problème est affiché ici jusqu’à ce qu’il soit corrigé.";
        none_dismissed: Text = "None is dismissed.", "Aucun n’est écarté.";
        none_dismissed_hint: Text =
            "A dismissed issue stays here until it is fixed, and is open again when it gets worse \
             or happens again.",
            "Un problème écarté reste ici jusqu’à ce qu’il soit corrigé, et se rouvre s’il \
             s’aggrave ou se reproduit.";
        none_closed: Text = "None is closed yet.", "Aucun n’est encore fermé.";
        none_closed_hint: Text = "Fixed issues are kept here, the latest first.",
            "Les problèmes corrigés sont conservés ici, le plus récent d’abord.";
        none_of_kind: Text = "None of this kind.", "Aucun de ce type.";
        since: Text = "since", "depuis";
        times: fn(&str) -> String = |number| format!("{number} times"),
            |number| format!("{number} fois");
        last_seen: Text = "the last one", "la dernière";
        dismissed_at: Text = "dismissed", "écarté le";
        closed_at: Text = "closed", "fermé le";
        remedy: Text = "How to fix", "Que faire";
        dismiss: Text = "Dismiss", "Écarter";
        dismissed: Text = "No more alerts about it until it gets worse or happens again.",
            "Plus d’alerte à ce sujet, sauf s’il s’aggrave ou se reproduit.";
        is_closed: Text = "It is already closed.", "Il est déjà fermé.";
    }
}
