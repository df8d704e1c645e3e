//! Texts of the issues.

use crate::i18n::Text;

texts! {
    /// Problems that a person should know of.
    Issues {
        title: Text = "Issues", "Problèmes";
        intro: Text =
            "What needs somebody, the worst first. An issue closes by itself when it is mended.",
            "Ce qui attend quelqu’un, le plus grave d’abord. Un problème se clôt de lui-même une \
             fois réparé.";
        by_status: Text = "Which issues", "Quels problèmes";
        by_kind: Text = "By kind", "Par nature";
        any_kind: Text = "Of any kind", "De toute nature";
        all: Text = "All issues", "Tous les problèmes";
        none_open: Text = "No issue is open.", "Aucun problème n’est ouvert.";
        none_open_hint: Text =
            "Money, webhooks, the shop’s app, the disk and the clock are watched. What goes wrong \
             with them is shown here until it is mended.",
            "L’argent, les webhooks, l’application de la boutique, le disque et l’horloge sont \
             surveillés. Ce qui ne va pas est montré ici jusqu’à ce que ce soit réparé.";
        none_dismissed: Text = "None is dismissed.",
            "Aucun n’est écarté.";
        none_dismissed_hint: Text =
            "An issue that somebody dismisses stands here until it is over, and among the open ones \
             again when it gets worse or happens again.",
            "Un problème que quelqu’un écarte se trouve ici jusqu’à sa fin, et de nouveau parmi les \
             ouverts s’il s’aggrave ou se reproduit.";
        none_closed: Text = "None is closed yet.", "Aucun n’est encore clos.";
        none_closed_hint: Text = "Issues that are over are kept here, the last one first.",
            "Les problèmes terminés sont conservés ici, le dernier d’abord.";
        none_of_kind: Text = "None of this kind.", "Aucun de cette nature.";
        since: Text = "since", "depuis";
        times: fn(&str) -> String = |number| format!("{number} times"),
            |number| format!("{number} fois");
        last_seen: Text = "the last one", "la dernière";
        dismissed_at: Text = "dismissed", "écarté le";
        closed_at: Text = "closed", "clos le";
        remedy: Text = "What mends it", "Ce qui le répare";
        dismiss: Text = "Dismiss", "Écarter";
        dismissed: Text = "No more is told of it until it is worse or happens again.",
            "On n’en dira plus rien avant qu’il s’aggrave ou se reproduise.";
        is_closed: Text = "It is closed already.", "Il est déjà clos.";
    }
}
