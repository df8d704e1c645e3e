//! What is said of problems with this machine, and with the shop's app.

use super::{Audience, say};
use crate::domain::issue::{Rescue, Texts};
use crate::domain::records::Loss;
use crate::domain::retention::ClockDoubt;
use crate::domain::time::Timestamp;

/// The shop's app refuses notifications, or is out of reach.
pub(super) fn app(
    to: Audience<'_>,
    since: Timestamp,
    (transactions, pending): (i64, i64),
    failure: Option<&str>,
) -> Texts {
    let since = to.time(since);
    let failure = match failure {
        Some(failure) => to.quote(failure),
        None => say!(to, "no answer", "aucune réponse"),
    };
    Texts {
        title: say!(
            to,
            "The shop's app takes no notifications since {since}",
            "L’application de la boutique n’accepte aucune notification depuis le {since}",
        ),
        detail: say!(
            to,
            "The last attempt: {failure}. Transactions of which it was not notified: {transactions}; \
             notifications that wait: {pending}. They are sent again by themselves.",
            "Dernier essai\u{a0}: {failure}. Transactions non notifiées\u{a0}: {transactions}\u{a0}; \
             notifications en attente\u{a0}: {pending}. Elles sont renvoyées automatiquement.",
        ),
        remedy: say!(
            to,
            "see the app's log and whether it answers 2xx; the page Notifications shows what it answered",
            "voyez le journal de l’application et si elle répond 2xx\u{a0}; la page Notifications montre ses \
             réponses",
        ),
    }
}

/// The app was not told of changes.
pub(super) fn dead_letter(
    to: Audience<'_>,
    number: i64,
    delivery_id: i64,
    failure: Option<&str>,
) -> Texts {
    let (retry, list) =
        ("`payhookd deliveries retry --dead`", "`payhookd deliveries list --status dead`");
    let (comes, why) = match failure {
        Some(failure) => (say!(to, ":", ","), to.quote(failure)),
        None => (say!(to, ":", "\u{a0}:"), say!(to, "no answer", "pas de réponse")),
    };
    Texts {
        title: say!(
            to,
            "The shop's app does not know of changes",
            "L’application de la boutique ignore des changements",
        ),
        detail: say!(
            to,
            "Notifications given up: {number}. The last is delivery {delivery_id}{comes} {why}.",
            "Notifications abandonnées\u{a0}: {number}. La dernière est la livraison {delivery_id}{comes} \
             {why}.",
        ),
        remedy: say!(
            to,
            "mend the app, then {retry}; {list} lists them",
            "réparez l’application, puis {retry}\u{a0}; {list} les énumère",
        ),
    }
}

/// The clock and the latest event do not fit together.
pub(super) fn clock(to: Audience<'_>, doubt: ClockDoubt, latest_at: Timestamp) -> Texts {
    let latest = to.time(latest_at);
    match doubt {
        ClockDoubt::Ahead => Texts {
            title: say!(
                to,
                "This machine's clock is far ahead of the last event",
                "L’horloge de cette machine est très en avance sur le dernier événement",
            ),
            detail: say!(
                to,
                "The last event came at {latest}, more than sixty days before. Until one comes, nothing is \
                 removed for being old.",
                "Le dernier événement est arrivé le {latest}, plus de soixante jours avant. Jusqu’au \
                 prochain, rien n’est supprimé pour son âge.",
            ),
            remedy: say!(
                to,
                "look what `date` says, and set the clock if it is wrong; if it is right, see why nothing \
                 comes: `payhookd doctor`",
                "voyez ce que dit `date`, et réglez l’horloge si elle est fausse\u{a0}; si elle est juste, \
                 voyez pourquoi rien n’arrive\u{a0}: `payhookd doctor`",
            ),
        },
        ClockDoubt::Behind => Texts {
            title: say!(
                to,
                "This machine's clock is behind the last event",
                "L’horloge de cette machine retarde sur le dernier événement",
            ),
            detail: say!(
                to,
                "The last event came at {latest}, which is still to come. Times and deadlines are wrong as \
                 long as the clock is.",
                "Le dernier événement est arrivé le {latest}, qui est encore à venir. Les heures et les \
                 échéances sont fausses tant que l’horloge l’est.",
            ),
            remedy: say!(
                to,
                "look what `date` says, and set the clock: `timedatectl set-ntp true`",
                "voyez ce que dit `date`, et réglez l’horloge\u{a0}: `timedatectl set-ntp true`",
            ),
        },
    }
}

/// There is little room: so many mebibytes.
pub(super) fn disk(to: Audience<'_>, free: u64, total: u64) -> Texts {
    Texts {
        title: say!(
            to,
            "The disk of the database is nearly full",
            "Le disque de la base de données est presque plein",
        ),
        detail: say!(
            to,
            "{free} MiB of {total} MiB are free. When there is no room, webhooks are turned away; the \
             providers send them again for three days.",
            "{free} Mio sur {total} Mio sont libres. Sans place, les webhooks sont renvoyés\u{a0}; les \
             prestataires les renvoient pendant trois jours.",
        ),
        remedy: say!(
            to,
            "make room, or keep bodies for a shorter time (`--keep-payloads`)",
            "faites de la place, ou conservez les contenus moins longtemps (`--keep-payloads`)",
        ),
    }
}

/// Somebody reads of one moment without an end; the log has so many mebibytes.
pub(super) fn held_wal(to: Audience<'_>, size: u64) -> Texts {
    Texts {
        title: say!(
            to,
            "Another program keeps the database's log from being emptied",
            "Un autre programme empêche de vider le journal de la base de données",
        ),
        detail: say!(
            to,
            "It has read the database in one transaction for minutes; until it ends, the log beside the \
             database grows with each webhook ({size} MiB now) and slows reading down, until the disk is \
             full.",
            "Il lit la base dans une même transaction depuis des minutes\u{a0}; tant qu’elle dure, le \
             journal à côté de la base grossit à chaque webhook ({size} Mio maintenant) et ralentit la \
             lecture, jusqu’à remplir le disque.",
        ),
        remedy: say!(
            to,
            "find it with `fuser -v` and the file that ends in `-wal`: mostly a forgotten `sqlite3` or a \
             report; end it, or have it read in shorter transactions",
            "trouvez-le avec `fuser -v` et le fichier qui finit par `-wal`\u{a0}: souvent un `sqlite3` \
             oublié ou un rapport\u{a0}; arrêtez-le, ou faites-le lire en transactions plus courtes",
        ),
    }
}

/// A background task of the daemon broke off.
pub(super) fn task(to: Audience<'_>, task: &str) -> Texts {
    Texts {
        title: say!(
            to,
            "A background task of payhookd broke off: {task}",
            "Une tâche de fond de payhookd s’est interrompue\u{a0}: {task}",
        ),
        detail: say!(
            to,
            "It was begun again. Webhooks are received and kept all the while; what the task does comes \
             late. If it breaks off again and again, the daemon is started anew.",
            "Elle a été relancée. Les webhooks sont reçus et conservés pendant ce temps\u{a0}; ce que fait \
             cette tâche prend du retard. Si elle s’interrompt sans cesse, le service redémarre.",
        ),
        remedy: say!(
            to,
            "see the log around `background task`, and report it with these lines",
            "voyez le journal autour de `background task`, et signalez-le avec ces lignes",
        ),
    }
}

/// The log of events does not go on from the head that was known of it.
pub(super) fn event_log(to: Audience<'_>, known: &str, file: &str) -> Texts {
    let check = format!("`payhookd doctor --verify-log --expect-head {known}`");
    Texts {
        title: say!(
            to,
            "The log of events was tampered with, or another database is in its place",
            "Le journal des événements a été altéré, ou une autre base est à sa place",
        ),
        detail: say!(
            to,
            "Its chain ended with {known} when it was last seen, and has no such link now.",
            "Sa chaîne finissait par {known} quand elle a été vue pour la dernière fois, et n’a plus ce \
             maillon.",
        ),
        remedy: say!(
            to,
            "{check} says more; if you went back to a copy yourself without `payhookd restore`, remove \
             {file}",
            "{check} en dit plus\u{a0}; si vous êtes vous-même revenu à une copie sans `payhookd restore`, \
             supprimez {file}",
        ),
    }
}

/// The database's files were lost under the running daemon.
pub(super) fn database(to: Audience<'_>, loss: Loss, rescue: &Rescue) -> Texts {
    let title = match loss {
        Loss::Removed => say!(
            to,
            "The database's file was removed while payhookd was running",
            "Le fichier de la base de données a été supprimé ou déplacé pendant que payhookd tournait",
        ),
        Loss::Replaced => say!(
            to,
            "Another file was put in the place of the database while payhookd was running",
            "Un autre fichier a pris la place de la base de données pendant que payhookd tournait",
        ),
        Loss::Overwritten => say!(
            to,
            "The database's file was written over while payhookd was running",
            "Le fichier de la base de données a été écrasé pendant que payhookd tournait",
        ),
        Loss::LogRemoved => say!(
            to,
            "The log beside the database (-wal, -shm) was removed while payhookd was running",
            "Le journal à côté de la base de données (-wal, -shm) a été supprimé pendant que payhookd \
             tournait",
        ),
    };
    let find_out = || {
        say!(
            to,
            "find out what did it, so that it does not happen again: only a stopped payhookd lets its files \
             be touched",
            "cherchez ce qui l’a fait, pour que cela ne se reproduise pas\u{a0}: on ne touche à ses fichiers \
             que quand payhookd est arrêté",
        )
    };
    let (detail, remedy) = match rescue {
        Rescue::PutBack => (
            say!(
                to,
                "What was still open was put back: all that was acknowledged is there.",
                "Ce qui était encore ouvert a été remis en place\u{a0}: tout ce qui avait été confirmé s’y \
                 trouve.",
            ),
            find_out(),
        ),
        Rescue::Completed => (
            say!(
                to,
                "What the log held was written into the file: all that was acknowledged is there.",
                "Le contenu du journal a été écrit dans le fichier\u{a0}: tout ce qui avait été confirmé s’y \
                 trouve.",
            ),
            find_out(),
        ),
        Rescue::Beside { copy } => {
            let stop = "`systemctl stop payhookd.socket payhookd`";
            (
                say!(
                    to,
                    "All that was acknowledged until then is in {copy}; payhookd goes on with the file that \
                     stands there now.",
                    "Tout ce qui avait été confirmé jusque-là est dans {copy}\u{a0}; payhookd continue avec \
                     le fichier qui est là maintenant.",
                ),
                say!(
                    to,
                    "if that was a mistake, {stop}, then `payhookd restore {copy}`",
                    "si c’était une erreur, {stop}, puis `payhookd restore {copy}`",
                ),
            )
        }
        Rescue::Failed { error, aside } => {
            let files = aside.join(", ");
            let kept = match aside.is_empty() {
                true => String::new(),
                false => say!(
                    to,
                    " What stood beside it was set aside: {files}.",
                    " Ce qui était à côté a été mis de côté\u{a0}: {files}.",
                ),
            };
            (
                say!(
                    to,
                    "It could not be rescued ({error}).{kept}",
                    "Rien n’a pu être sauvé ({error}).{kept}",
                ),
                say!(
                    to,
                    "go back to a copy with `payhookd restore`; what came since is fetched by `payhookd \
                     reconcile --since 72h`",
                    "revenez à une copie avec `payhookd restore`\u{a0}; ce qui est arrivé depuis se récupère \
                     avec `payhookd reconcile --since 72h`",
                ),
            )
        }
    };
    Texts { title, detail, remedy }
}
