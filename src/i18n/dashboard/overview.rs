//! Texts of the overview.

use crate::i18n::Text;

texts! {
    /// How things stand.
    Overview {
        title: Text = "Overview", "Vue d’ensemble";
        all_well: Text = "Nothing needs attention.", "Rien à signaler.";
        no_match: fn(i64, &str) -> String =
            |number, sums| match number {
                1 => format!("1 unmatched payment: {sums}"),
                _ => format!("{number} unmatched payments: {sums}"),
            },
            |number, sums| match number {
                1 => format!("1 paiement sans transaction\u{a0}: {sums}"),
                _ => format!("{number} paiements sans transaction\u{a0}: {sums}"),
            };
        no_amount: Text = "no amount known", "montant inconnu";
        and: Text = " and ", " et ";
        oldest: Text = "the oldest came", "le plus ancien est arrivé";
        issues: fn(i64) -> String =
            |number| match number {
                1 => "1 open issue".to_owned(),
                _ => format!("{number} open issues"),
            },
            |number| match number {
                1 => "1 problème ouvert".to_owned(),
                _ => format!("{number} problèmes ouverts"),
            };
        open_issues: Text = "Open issues", "Problèmes ouverts";
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
        no_money: Text = "No payments, refunds or disputes.",
            "Aucun paiement, remboursement ni litige.";
        last_events: Text = "Last verified event", "Dernier événement vérifié";
        outcomes: Text = "Events of the last 30 days, by outcome",
            "Événements des 30 derniers jours, par résultat";
        payments_a_day: Text = "Payments per day", "Paiements par jour";
        processing: Text = "Processing time per day", "Temps de traitement par jour";
        deliveries: Text = "Notifications per day", "Notifications par jour";
        no_deliveries: Text = "The shop’s app is not notified: set `PAYHOOKD_NOTIFY_URL`.",
            "L’application de la boutique n’est pas notifiée\u{a0}: définissez \
             `PAYHOOKD_NOTIFY_URL`.";
        percentile: fn(u8) -> String = |percent| format!("{percent} % within"),
            |percent| format!("{percent}\u{a0}% en moins de");
        day: Text = "Day", "Jour";
        in_numbers: Text = "In numbers", "En chiffres";
    }
}
