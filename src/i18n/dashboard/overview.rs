//! Texts of the overview.

use crate::i18n::Text;

texts! {
    /// How things stand.
    Overview {
        title: Text = "Overview", "Vue d’ensemble";
        all_well: Text = "Nothing needs you.", "Rien ne vous attend.";
        no_match: fn(i64, &str) -> String =
            |number, sums| match number {
                1 => format!("1 payment matches nothing: {sums}"),
                _ => format!("{number} payments match nothing: {sums}"),
            },
            |number, sums| match number {
                1 => format!("1 paiement ne correspond à rien\u{a0}: {sums}"),
                _ => format!("{number} paiements ne correspondent à rien\u{a0}: {sums}"),
            };
        no_amount: Text = "no amount known", "montant inconnu";
        and: Text = " and ", " et ";
        oldest: Text = "the oldest came", "le plus ancien est arrivé";
        issues: fn(i64) -> String =
            |number| match number {
                1 => "1 issue is open".to_owned(),
                _ => format!("{number} issues are open"),
            },
            |number| match number {
                1 => "1 problème est ouvert".to_owned(),
                _ => format!("{number} problèmes sont ouverts"),
            };
        open_issues: Text = "Issues open now", "Problèmes ouverts";
        no_issues: Text = "None.", "Aucun.";
        more_issues: fn(&str) -> String = |number| format!("and {number} more"),
            |number| format!("et {number} de plus");
        today: Text = "Today", "Aujourd’hui";
        month: Text = "Last 30 days", "30 derniers jours";
        currency: Text = "Currency", "Devise";
        received: Text = "Received", "Reçu";
        refunded: Text = "Refunded", "Remboursé";
        disputed: Text = "Disputed", "Contesté";
        payments: Text = "Payments", "Paiements";
        no_money: Text = "No money has moved.", "Aucun mouvement d’argent.";
        last_events: Text = "Last genuine event", "Dernier événement authentique";
        outcomes: Text = "What became of the events of the last 30 days",
            "Ce que sont devenus les événements des 30 derniers jours";
        payments_a_day: Text = "Payments a day", "Paiements par jour";
        processing: Text = "Time to the disk, by day", "Temps jusqu’au disque, par jour";
        deliveries: Text = "Told to the shop’s app, by day", "Notifications à l’application, par jour";
        no_deliveries: Text =
            "No app is told of changes: set `PAYHOOKD_NOTIFY_URL` to tell the shop’s.",
            "Aucune application n’est notifiée\u{a0}: définissez `PAYHOOKD_NOTIFY_URL`.";
        percentile: fn(u8) -> String = |percent| format!("{percent} % within"),
            |percent| format!("{percent}\u{a0}% en moins de");
        day: Text = "Day", "Jour";
        in_numbers: Text = "In numbers", "En chiffres";
    }
}
