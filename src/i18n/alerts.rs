//! What messages say around what is said of issues, and the daily report.

use super::Text;

texts! {
    /// Messages about issues.
    Alerts {
        again: fn(&str) -> String = |title| format!("Again: {title}"),
            |title| format!("De nouveau\u{a0}: {title}");
        over: fn(&str) -> String = |title| format!("Closed: {title}"),
            |title| format!("Fermé\u{a0}: {title}");
        to_do: fn(&str) -> String = |remedy| format!("How to fix: {remedy}"),
            |remedy| format!("Que faire\u{a0}: {remedy}");
        /// The last line of an issue: its number, since when, until when, how often, in which zone.
        issue: fn(i64, &str, Option<&str>, i64, &str) -> String =
            |id, since, until, times, zone| {
                let until = until.map(|until| format!(" until {until}")).unwrap_or_default();
                let times = if times == 1 { String::new() } else { format!(", {times} times") };
                format!("Issue {id}, since {since}{until}{times} ({zone})")
            },
            |id, since, until, times, zone| {
                let until = until.map(|until| format!(" jusqu’au {until}")).unwrap_or_default();
                let times = if times == 1 { String::new() } else { format!(", {times} fois") };
                format!("Problème {id}, depuis le {since}{until}{times} ({zone})")
            };
        /// Links.
        open_here: Text = "Open in payhookd", "Ouvrir dans payhookd";
        open_all: Text = "Open all issues", "Ouvrir tous les problèmes";
        open_at: fn(&str) -> String = |provider| format!("Open at {provider}"),
            |provider| format!("Ouvrir chez {provider}");
        issues: fn(usize) -> String = |number| format!("payhookd: {number} issues"),
            |number| format!("payhookd\u{a0}: {number} problèmes");
    }
}

texts! {
    /// The daily report.
    Report {
        /// What it is called: by the day, what came in, and the number of open issues.
        headline: fn(&str, &str, usize) -> String =
            |day, received, open| match open {
                0 => format!("{day}: {received} received, no open issue"),
                1 => format!("{day}: {received} received, 1 open issue"),
                _ => format!("{day}: {received} received, {open} open issues"),
            },
            |day, received, open| match open {
                0 => format!("{day}\u{a0}: {received} reçu, aucun problème ouvert"),
                1 => format!("{day}\u{a0}: {received} reçu, 1 problème ouvert"),
                _ => format!("{day}\u{a0}: {received} reçu, {open} problèmes ouverts"),
            };
        /// Between sums: in French, a comma is the decimal point.
        and: Text = ", ", "\u{a0}; ";
        received: Text = "Received", "Reçu";
        refunded: Text = "Refunded", "Remboursé";
        disputed: Text = "Disputed", "Contesté";
        nothing: Text = "nothing", "rien";
        payments: fn(&str, u64) -> String =
            |sum, number| format!("{sum} in {number} payment{}", plural(number)),
            |sum, number| format!("{sum} en {number} paiement{}", plural(number));
        refunds: fn(&str, u64) -> String =
            |sum, number| format!("{sum} in {number} refund{}", plural(number)),
            |sum, number| format!("{sum} en {number} remboursement{}", plural(number));
        disputes: fn(&str, u64) -> String =
            |sum, number| format!("{sum} in {number} dispute{}", plural(number)),
            |sum, number| format!("{sum} en {number} litige{}", plural(number));
        events: Text = "Events", "Événements";
        /// Events that belong to a transaction, and all.
        matched: fn(u64, u64) -> String = |matched, all| format!("{matched} of {all} matched"),
            |matched, all| format!("{matched} sur {all} rattachés");
        unmatched: fn(u64) -> String = |number| format!("{number} unmatched"),
            |number| format!("{number} non rattachés");
        ignored: fn(u64) -> String = |number| format!("{number} ignored"),
            |number| format!("{number} ignorés");
        failed: fn(u64) -> String = |number| format!("{number} failed"),
            |number| format!("{number} en échec");
        orphans: Text = "Orphans", "Orphelins";
        /// Orphans that came, were matched and were dismissed, and what is said of the open ones.
        orphans_of_day: fn([i64; 3], &str) -> String =
            |[came, matched, dismissed], open| {
                format!("{came} new, {matched} matched, {dismissed} dismissed; {open}")
            },
            |[came, matched, dismissed], open| {
                format!("{came} nouveaux, {matched} rattachés, {dismissed} écartés\u{a0}; {open}")
            };
        /// Orphans that are no payment.
        other_orphans: Text = "Also without a transaction", "Aussi sans transaction";
        no_orphan: Text = "none open", "aucun ouvert";
        /// Orphans that are open, what they add up to, and since when the oldest is.
        open_orphans: fn(i64, &str, &str) -> String =
            |number, sums, since| format!("{number} open: {sums}, the oldest since {since}"),
            |number, sums, since| {
                format!("{number} ouverts\u{a0}: {sums}, le plus ancien depuis le {since}")
            };
        no_amount: Text = "no amount known", "montant inconnu";
        app: Text = "Notifications", "Notifications";
        /// Changes that the app was told, is to be told, and will not be.
        told: fn(u64, u64, u64) -> String =
            |delivered, pending, failed| {
                format!("{delivered} delivered, {pending} pending, {failed} failed")
            },
            |delivered, pending, failed| {
                format!("{delivered} transmises, {pending} en attente, {failed} en échec")
            };
        open_issues: Text = "Open issues", "Problèmes ouverts";
        none: Text = "none", "aucun";
        more: fn(usize) -> String = |number| format!("and {number} more: `payhookd issues list`"),
            |number| format!("et {number} de plus\u{a0}: `payhookd issues list`");
        last_events: Text = "Last events", "Derniers événements";
        log: Text = "Log", "Journal";
        absence: fn(&str) -> String =
            |at| format!(
                "This report comes every day at {at}. If it does not come, check payhookd: the \
                 daemon, its machine or the connection is down."
            ),
            |at| format!(
                "Ce rapport arrive chaque jour à {at}. S’il n’arrive pas, vérifiez \
                 payhookd\u{a0}: le service, sa machine ou la connexion est en panne."
            );
    }
}

/// Of both languages' regular nouns.
fn plural(number: u64) -> Text {
    if number == 1 { "" } else { "s" }
}
