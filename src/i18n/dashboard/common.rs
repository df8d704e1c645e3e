//! Texts of every page, and those that values are written with.

use crate::domain::money::Currency;
use crate::i18n::Text;

texts! {
    /// What stands on every page.
    Common {
        tag: Text = "en", "fr";
        skip: Text = "Skip to the content", "Aller au contenu";
        navigation: Text = "Pages", "Pages";
        overview: Text = "Overview", "Vue d’ensemble";
        log_out: Text = "Log out", "Se déconnecter";
        test_mode: Text = "Test mode", "Mode test";
        test_mode_hint: Text = "payhookd runs in test mode: no payment here is real.",
            "payhookd est en mode test\u{a0}: aucun paiement n’est réel.";
        live_mode: Text = "Live", "Production";
        live: Text = "live", "production";
        test: Text = "test", "test";
        zone: fn(&str) -> String = |zone| format!("Times of {zone}"),
            |zone| format!("Heures de {zone}");
        colon: Text = ": ", "\u{a0}: ";
        thousands: char = ',', '\u{202f}';
        point: char = '.', ',';
        sum: fn(&str, Currency) -> String = |decimal, currency| format!("{decimal} {currency}"),
            |decimal, currency| format!("{}\u{a0}{currency}", decimal.replace('.', ","));
        done: Text = "Done", "C’est fait";
        failed: Text = "Failed", "Échec";
        back: Text = "Back to the overview", "Retour à la vue d’ensemble";
        newest: Text = "Newest", "Les plus récents";
        older: Text = "Older", "Plus anciens";
        pagination: Text = "Pages of the list", "Pagination";
        opens_provider: fn(&str) -> String = |name| format!("View in {name}"),
            |name| format!("Voir dans {name}");
        months: [Text; 12] =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
            ["janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.",
             "nov.", "déc."];
        just_now: Text = "just now", "à l’instant";
        ahead: Text = "in the future", "dans le futur";
        seconds_ago: fn(i64) -> String = |n| ago(n, "second"), |n| il_y_a(n, "seconde");
        minutes_ago: fn(i64) -> String = |n| ago(n, "minute"), |n| il_y_a(n, "minute");
        hours_ago: fn(i64) -> String = |n| ago(n, "hour"), |n| il_y_a(n, "heure");
        days_ago: fn(i64) -> String = |n| ago(n, "day"), |n| il_y_a(n, "jour");
    }
}

fn ago(number: i64, unit: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{plural} ago")
}

fn il_y_a(number: i64, unit: &str) -> String {
    let plural = if number < 2 { "" } else { "s" };
    format!("il y a {number} {unit}{plural}")
}
