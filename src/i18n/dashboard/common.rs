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
        test_mode: Text = "Test money", "Argent de test";
        test_mode_hint: Text = "This daemon is about test money: nothing here is real.",
            "Ce service traite de l’argent de test\u{a0}: rien ici n’est réel.";
        live_mode: Text = "Live", "Réel";
        live: Text = "live", "réel";
        test: Text = "test", "test";
        zone: fn(&str) -> String = |zone| format!("Times of {zone}"),
            |zone| format!("Heures de {zone}");
        colon: Text = ": ", "\u{a0}: ";
        thousands: char = ',', '\u{202f}';
        point: char = '.', ',';
        sum: fn(&str, Currency) -> String = |decimal, currency| format!("{decimal} {currency}"),
            |decimal, currency| format!("{}\u{a0}{currency}", decimal.replace('.', ","));
        done: Text = "Done", "Fait";
        failed: Text = "Not done", "Non effectué";
        back: Text = "To the overview", "À la vue d’ensemble";
        newest: Text = "Newest", "Les plus récents";
        older: Text = "Older", "Plus anciens";
        pagination: Text = "More of the list", "Suite de la liste";
        opens_provider: fn(&str) -> String = |name| format!("Open at {name}"),
            |name| format!("Ouvrir chez {name}");
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
