//! What messages say around what is said of issues, in each language: a text that is missing in one does
//! not compile.

use crate::domain::language::Language;

/// Everything that is said in one language.
pub(crate) struct Words {
    pub(crate) again: fn(&str) -> String,
    pub(crate) over: fn(&str) -> String,
    pub(crate) to_do: fn(&str) -> String,
    /// The last line of an issue: its number, since when, until when, how often, in which zone.
    pub(crate) issue: fn(i64, &str, Option<&str>, i64, &str) -> String,
    pub(crate) issues: fn(usize) -> String,

    /// What a report is called: by the day, what came in, and the number of open issues.
    pub(crate) headline: fn(&str, &str, usize) -> String,
    pub(crate) labels: Labels,
    pub(crate) nothing: &'static str,
    pub(crate) payments: fn(&str, u64) -> String,
    pub(crate) refunds: fn(&str, u64) -> String,
    pub(crate) disputes: fn(&str, u64) -> String,
    pub(crate) live_money: &'static str,
    pub(crate) test_money: &'static str,
    /// Events that belong to a transaction, and all.
    pub(crate) matched: fn(u64, u64) -> String,
    pub(crate) unmatched: fn(u64) -> String,
    pub(crate) ignored: fn(u64) -> String,
    pub(crate) failed: fn(u64) -> String,
    /// Orphans that came, were matched and were dismissed.
    pub(crate) orphans: fn(i64, i64, i64) -> String,
    pub(crate) no_orphan: &'static str,
    /// Orphans that are open, what they add up to, and since when the oldest is.
    pub(crate) open_orphans: fn(i64, &str, &str) -> String,
    pub(crate) no_amount: &'static str,
    /// Changes that the app was told, is to be told, and will not be.
    pub(crate) told: fn(u64, u64, u64) -> String,
    pub(crate) none: &'static str,
    pub(crate) more: fn(usize) -> String,
    pub(crate) live: &'static str,
    pub(crate) test: &'static str,
    pub(crate) absence: fn(&str) -> String,
}

/// What the lines of a report are about.
pub(crate) struct Labels {
    pub(crate) received: &'static str,
    pub(crate) refunded: &'static str,
    pub(crate) disputed: &'static str,
    pub(crate) matched: &'static str,
    pub(crate) orphaned: &'static str,
    pub(crate) app: &'static str,
    pub(crate) open_issues: &'static str,
    pub(crate) last_events: &'static str,
    pub(crate) log: &'static str,
}

impl Words {
    pub(crate) fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &ENGLISH,
            Language::French => &FRENCH,
        }
    }
}

static ENGLISH: Words = Words {
    again: |title| format!("Again: {title}"),
    over: |title| format!("Over: {title}"),
    to_do: |remedy| format!("To do: {remedy}"),
    issue: |id, since, until, times, zone| {
        let until = until.map(|until| format!(" until {until}")).unwrap_or_default();
        let times = if times == 1 { String::new() } else { format!(", {times} times") };
        format!("Issue {id}, since {since}{until}{times} ({zone})")
    },
    issues: |number| format!("payhookd: {number} issues"),
    headline: |day, received, open| match open {
        0 => format!("{day}: {received} received, no open issue"),
        1 => format!("{day}: {received} received, 1 open issue"),
        _ => format!("{day}: {received} received, {open} open issues"),
    },
    labels: Labels {
        received: "Received",
        refunded: "Refunded",
        disputed: "Disputed",
        matched: "Matched",
        orphaned: "Orphaned",
        app: "The app",
        open_issues: "Open issues",
        last_events: "Last events",
        log: "Log",
    },
    nothing: "nothing",
    payments: |sum, number| format!("{sum} in {number} payment{}", plural(number)),
    refunds: |sum, number| format!("{sum} in {number} refund{}", plural(number)),
    disputes: |sum, number| format!("{sum} in {number} dispute{}", plural(number)),
    live_money: "live money",
    test_money: "test money",
    matched: |matched, all| format!("{matched} of {all} events belong to a transaction"),
    unmatched: |number| format!("{number} to none that is known"),
    ignored: |number| format!("{number} of types that nobody acts on"),
    failed: |number| format!("{number} not understood"),
    orphans: |came, matched, dismissed| {
        format!("{came} came, {matched} matched, {dismissed} dismissed")
    },
    no_orphan: "none is open",
    open_orphans: |number, sums, since| format!("{number} open: {sums}, the oldest since {since}"),
    no_amount: "no amount known",
    told: |told, pending, dead| {
        format!("{told} changes told, {pending} still to be told, {dead} given up")
    },
    none: "none",
    more: |number| format!("and {number} more: `payhookd issues list`"),
    live: "live",
    test: "test",
    absence: |at| {
        format!(
            "This report comes every day at {at}. If it does not come, look at payhookd: it, its \
             machine or the way here is down."
        )
    },
};

static FRENCH: Words = Words {
    again: |title| format!("De nouveau\u{a0}: {title}"),
    over: |title| format!("Terminé\u{a0}: {title}"),
    to_do: |remedy| format!("À faire\u{a0}: {remedy}"),
    issue: |id, since, until, times, zone| {
        let until = until.map(|until| format!(" jusqu’au {until}")).unwrap_or_default();
        let times = if times == 1 { String::new() } else { format!(", {times} fois") };
        format!("Problème {id}, depuis le {since}{until}{times} ({zone})")
    },
    issues: |number| format!("payhookd\u{a0}: {number} problèmes"),
    headline: |day, received, open| match open {
        0 => format!("{day}\u{a0}: {received} reçu, aucun problème ouvert"),
        1 => format!("{day}\u{a0}: {received} reçu, 1 problème ouvert"),
        _ => format!("{day}\u{a0}: {received} reçu, {open} problèmes ouverts"),
    },
    labels: Labels {
        received: "Reçu",
        refunded: "Remboursé",
        disputed: "Contesté",
        matched: "Rattaché",
        orphaned: "Orphelins",
        app: "L’application",
        open_issues: "Problèmes ouverts",
        last_events: "Derniers événements",
        log: "Journal",
    },
    nothing: "rien",
    payments: |sum, number| format!("{sum} en {number} paiement{}", plural(number)),
    refunds: |sum, number| format!("{sum} en {number} remboursement{}", plural(number)),
    disputes: |sum, number| format!("{sum} en {number} litige{}", plural(number)),
    live_money: "argent réel",
    test_money: "argent de test",
    matched: |matched, all| format!("{matched} événements sur {all} rattachés à une transaction"),
    unmatched: |number| format!("{number} à aucune qui soit connue"),
    ignored: |number| format!("{number} de types qui n’appellent rien"),
    failed: |number| format!("{number} non compris"),
    orphans: |came, matched, dismissed| {
        format!("{came} arrivés, {matched} rattachés, {dismissed} écartés")
    },
    no_orphan: "aucun n’est ouvert",
    open_orphans: |number, sums, since| {
        format!("{number} ouverts\u{a0}: {sums}, le plus ancien depuis le {since}")
    },
    no_amount: "montant inconnu",
    told: |told, pending, dead| {
        format!("{told} changements notifiés, {pending} en attente, {dead} abandonnés")
    },
    none: "aucun",
    more: |number| format!("et {number} de plus\u{a0}: `payhookd issues list`"),
    live: "réel",
    test: "test",
    absence: |at| {
        format!(
            "Ce rapport arrive chaque jour à {at}. S’il n’arrive pas, allez voir payhookd\u{a0}: \
             lui, sa machine ou le chemin jusqu’ici est en panne."
        )
    },
};

/// Of both languages' regular nouns.
fn plural(number: u64) -> &'static str {
    if number == 1 { "" } else { "s" }
}
