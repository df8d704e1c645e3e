//! What the lookout says of what it sees, in words for a person.

use std::path::Path;

use crate::domain::event::Provider;
use crate::domain::issue::{IssueKind, Occasion, Raise, Severity, Texts};
use crate::domain::language::{Language, Spoken};
use crate::domain::money::Money;
use crate::domain::records::{Issue, Transaction};
use crate::domain::refusal_pattern::{Likely, Tally};
use crate::domain::retention::ClockDoubt;
use crate::domain::time::Timestamp;
use crate::domain::zone::Zone;

fn raise(kind: IssueKind, subject: &str, severity: Severity, texts: Spoken<Texts>) -> Raise {
    Raise { kind, subject: subject.to_owned(), severity, occasion: Occasion::Lasts, texts }
}

/// Flawed signatures, and what they are likely to mean.
pub(crate) fn refused_signatures(
    provider: Provider,
    likely: Likely,
    tally: &Tally,
    genuine_at: Option<Timestamp>,
    zone: &Zone,
) -> Raise {
    let name = provider.name();
    let (secret, place, endroit) = match provider {
        Provider::Stripe => (
            "STRIPE_WEBHOOK_SECRET",
            "Webhooks, your endpoint, Signing secret",
            "Webhooks, votre adresse, Signing secret",
        ),
        Provider::Paypal => (
            "PAYPAL_WEBHOOK_ID",
            "your app, Webhooks, Webhook ID",
            "votre application, Webhooks, Webhook ID",
        ),
    };
    let count = tally.count();
    let since = tally.first_at().map(|at| zone.show(at)).unwrap_or_default();
    let genuine = genuine_at.map(|at| zone.show(at)).unwrap_or_default();
    let severity = match likely {
        Likely::WrongSecret | Likely::RolledSecret => Severity::Critical,
        Likely::Forger => Severity::Notice,
    };
    let texts = match likely {
        Likely::WrongSecret => Spoken {
            english: Texts::new(
                format!("All webhooks of {name} are refused: the secret is likely wrong"),
                format!("{count} in the last hour had a wrong signature; none was ever genuine."),
                format!("copy {secret} again from {name}'s dashboard ({place}), and restart"),
            ),
            french: Texts::new(
                format!(
                    "Tous les webhooks de {name} sont refusés\u{a0}: le secret est sans doute faux"
                ),
                format!(
                    "{count} de la dernière heure avaient une mauvaise signature\u{a0}; aucun n’a \
                     jamais été authentique."
                ),
                format!(
                    "recopiez {secret} depuis le tableau de bord de {name} ({endroit}), et redémarrez"
                ),
            ),
        },
        Likely::RolledSecret => Spoken {
            english: Texts::new(
                format!("All webhooks of {name} are refused: the secret was likely rolled"),
                format!(
                    "{count} had a wrong signature since {since}; the last genuine one came \
                     {genuine}."
                ),
                format!("add the new one to {secret}, after a comma ({place}), and restart"),
            ),
            french: Texts::new(
                format!(
                    "Tous les webhooks de {name} sont refusés\u{a0}: le secret a sans doute été \
                     renouvelé"
                ),
                format!(
                    "{count} avaient une mauvaise signature depuis {since}\u{a0}; le dernier \
                     authentique est arrivé {genuine}."
                ),
                format!(
                    "ajoutez le nouveau à {secret}, après une virgule ({endroit}), et redémarrez"
                ),
            ),
        },
        Likely::Forger => Spoken {
            english: Texts::new(
                format!("Somebody sends forged webhooks of {name}"),
                format!(
                    "{count} in the last hour had a wrong signature, while genuine ones came. \
                     Nothing of them got through."
                ),
                "nothing is lost; the reverse proxy's log has their addresses",
            ),
            french: Texts::new(
                format!("Quelqu’un envoie de faux webhooks de {name}"),
                format!(
                    "{count} de la dernière heure avaient une mauvaise signature, alors que \
                     d’authentiques arrivaient. Rien n’en est passé."
                ),
                "rien n’est perdu\u{a0}; le journal du proxy inverse a leurs adresses",
            ),
        },
    };
    raise(IssueKind::RefusedSignatures, provider.as_str(), severity, texts)
}

/// Genuine signatures whose time is off.
pub(crate) fn clock(provider: Provider, tally: &Tally, now: Timestamp, zone: &Zone) -> Raise {
    let (name, count, now) = (provider.name(), tally.count(), zone.show(now));
    let texts = Spoken {
        english: Texts::new(
            format!("This machine's clock is off: webhooks of {name} are refused"),
            format!(
                "{count} in the last hour had a genuine signature from another time than this \
                 machine's, which is {now}."
            ),
            "`timedatectl`, and see that it synchronises",
        ),
        french: Texts::new(
            format!(
                "L’horloge de cette machine est fausse\u{a0}: les webhooks de {name} sont refusés"
            ),
            format!(
                "{count} de la dernière heure avaient une signature authentique d’une autre heure \
                 que celle de cette machine, qui est {now}."
            ),
            "`timedatectl`, et veillez à ce qu’elle se synchronise",
        ),
    };
    raise(IssueKind::Clock, provider.as_str(), Severity::Critical, texts)
}

/// PayPal's webhooks can't be proved, here or by asking its API.
pub(crate) fn no_proof(tally: &Tally, is_offline: bool) -> Raise {
    let count = tally.count();
    let (in_english, in_french) = match is_offline {
        true => (
            "its signing certificate is not to be had, or not trusted",
            "son certificat de signature est introuvable, ou n’est pas fiable",
        ),
        false => (
            "its API does not say whether they are genuine",
            "son API ne dit pas s’ils sont authentiques",
        ),
    };
    let texts = Spoken {
        english: Texts::new(
            format!("PayPal's webhooks can't be proved: {in_english}"),
            format!(
                "{count} in the last hour were turned away; PayPal sends them again for three days."
            ),
            "see that this machine reaches api.paypal.com over https; the log says why not",
        ),
        french: Texts::new(
            format!("Les webhooks de PayPal ne peuvent être prouvés\u{a0}: {in_french}"),
            format!(
                "{count} de la dernière heure ont été renvoyés\u{a0}; PayPal les renvoie pendant \
                 trois jours."
            ),
            "vérifiez que cette machine atteint api.paypal.com en https\u{a0}; le journal dit \
             pourquoi non",
        ),
    };
    raise(IssueKind::Certificate, Provider::Paypal.as_str(), Severity::Critical, texts)
}

/// PayPal's newest certificate ends soon.
pub(crate) fn certificate_ends(ends: Timestamp, zone: &Zone) -> Raise {
    let ends = zone.show(ends);
    let texts = Spoken {
        english: Texts::new(
            format!("PayPal's signing certificate is trusted until {ends}"),
            "It, or one on its path, ends then. PayPal signs with a new one before, which is \
             fetched by itself.",
            "upgrade payhookd, or renew `--paypal-cert-roots`, if PayPal's webhooks are refused then",
        ),
        french: Texts::new(
            format!("Le certificat de signature de PayPal est fiable jusqu’au {ends}"),
            "Lui, ou un autre de sa chaîne, expire alors. PayPal signe avant avec un nouveau, qui \
             est obtenu automatiquement.",
            "mettez payhookd à jour, ou renouvelez `--paypal-cert-roots`, si les webhooks de PayPal \
             sont alors refusés",
        ),
    };
    raise(IssueKind::Certificate, Provider::Paypal.as_str(), Severity::Warning, texts)
}

/// Nothing comes.
pub(crate) fn silence(provider: Provider, last: Timestamp, zone: &Zone) -> Raise {
    let (name, last) = (provider.name(), zone.show(last));
    let texts = Spoken {
        english: Texts::new(
            format!("Nothing has come from {name} since {last}"),
            "By this shop's own rhythm that happens once in ten thousand times by chance.",
            format!(
                "see in {name}'s dashboard whether webhooks are sent and what they are answered, \
                 and whether the reverse proxy forwards them: `payhookd doctor`"
            ),
        ),
        french: Texts::new(
            format!("Rien n’est arrivé de {name} depuis {last}"),
            "Au rythme de cette boutique, cela n’arrive par hasard qu’une fois sur dix mille.",
            format!(
                "voyez dans le tableau de bord de {name} si des webhooks sont envoyés et ce qui \
                 leur est répondu, et si le proxy inverse les transmet\u{a0}: `payhookd doctor`"
            ),
        ),
    };
    raise(IssueKind::Silence, provider.as_str(), Severity::Warning, texts)
}

/// What the issue of this machine's own clock is about; those that signatures showed are about a provider.
pub(crate) const MACHINE: &str = "machine";

/// The clock and the latest event do not fit together.
pub(crate) fn machine_clock(doubt: ClockDoubt, latest: Timestamp, zone: &Zone) -> Raise {
    let latest = zone.show(latest);
    let texts = match doubt {
        ClockDoubt::Ahead => Spoken {
            english: Texts::new(
                "This machine's clock is far ahead of the last event",
                format!(
                    "The last event came at {latest}, more than sixty days before. Until one comes, \
                     nothing is removed for being old."
                ),
                "look what `date` says, and set the clock if it is wrong; if it is right, see why \
                 nothing comes: `payhookd doctor`",
            ),
            french: Texts::new(
                "L’horloge de cette machine est très en avance sur le dernier événement",
                format!(
                    "Le dernier événement est arrivé le {latest}, plus de soixante jours avant. \
                     Jusqu’au prochain, rien n’est supprimé pour son âge."
                ),
                "voyez ce que dit `date`, et réglez l’horloge si elle est fausse\u{a0}; si elle est \
                 juste, voyez pourquoi rien n’arrive\u{a0}: `payhookd doctor`",
            ),
        },
        ClockDoubt::Behind => Spoken {
            english: Texts::new(
                "This machine's clock is behind the last event",
                format!(
                    "The last event came at {latest}, which is still to come. Times and deadlines \
                     are wrong as long as the clock is."
                ),
                "look what `date` says, and set the clock: `timedatectl set-ntp true`",
            ),
            french: Texts::new(
                "L’horloge de cette machine retarde sur le dernier événement",
                format!(
                    "Le dernier événement est arrivé le {latest}, qui est encore à venir. Les heures \
                     et les échéances sont fausses tant que l’horloge l’est."
                ),
                "voyez ce que dit `date`, et réglez l’horloge\u{a0}: `timedatectl set-ntp true`",
            ),
        },
    };
    raise(IssueKind::Clock, MACHINE, Severity::Warning, texts)
}

/// There is little room.
pub(crate) fn disk(free: u64, total: u64, severity: Severity) -> Raise {
    let mebibytes = |bytes: u64| bytes / (1024 * 1024);
    let (free, total) = (mebibytes(free), mebibytes(total));
    let texts = Spoken {
        english: Texts::new(
            "The disk of the database is nearly full",
            format!(
                "{free} MiB of {total} MiB are free. When there is no room, webhooks are turned \
                 away; the providers send them again for three days."
            ),
            "make room, or keep bodies for a shorter time (`--keep-payloads`)",
        ),
        french: Texts::new(
            "Le disque de la base de données est presque plein",
            format!(
                "{free} Mio sur {total} Mio sont libres. Sans place, les webhooks sont \
                 renvoyés\u{a0}; les prestataires les renvoient pendant trois jours."
            ),
            "faites de la place, ou conservez les contenus moins longtemps (`--keep-payloads`)",
        ),
    };
    raise(IssueKind::Disk, "database", severity, texts)
}

/// Somebody reads of one moment without an end.
pub(crate) fn held_wal(bytes: u64) -> Raise {
    let mebibytes = bytes / (1024 * 1024);
    let texts = Spoken {
        english: Texts::new(
            "Another program keeps the database's log from being emptied",
            format!(
                "It has read the database in one transaction for minutes; until it ends, the log \
                 beside the database grows with each webhook ({mebibytes} MiB now) and slows \
                 reading down, until the disk is full."
            ),
            "find it with `fuser -v` and the file that ends in `-wal`: mostly a forgotten `sqlite3` \
             or a report; end it, or have it read in shorter transactions",
        ),
        french: Texts::new(
            "Un autre programme empêche de vider le journal de la base de données",
            format!(
                "Il lit la base dans une même transaction depuis des minutes\u{a0}; tant qu’elle \
                 dure, le journal à côté de la base grossit à chaque webhook ({mebibytes} Mio \
                 maintenant) et ralentit la lecture, jusqu’à remplir le disque."
            ),
            "trouvez-le avec `fuser -v` et le fichier qui finit par `-wal`\u{a0}: souvent un \
             `sqlite3` oublié ou un rapport\u{a0}; arrêtez-le, ou faites-le lire en transactions \
             plus courtes",
        ),
    };
    raise(IssueKind::HeldWal, "database", Severity::Warning, texts)
}

/// The log of events does not go on from the head that was known of it.
pub(crate) fn log_broken(known: &str, file: &Path) -> Raise {
    let file = file.display();
    let check = format!("`payhookd doctor --verify-log --expect-head {known}`");
    let texts = Spoken {
        english: Texts::new(
            "The log of events was tampered with, or another database is in its place",
            format!(
                "Its chain ended with {known} when it was last seen, and has no such link now."
            ),
            format!(
                "{check} says more; if you went back to a copy yourself without `payhookd restore`, \
                 remove {file}"
            ),
        ),
        french: Texts::new(
            "Le journal des événements a été altéré, ou une autre base est à sa place",
            format!(
                "Sa chaîne finissait par {known} quand elle a été vue pour la dernière fois, et n’a \
                 plus ce maillon."
            ),
            format!(
                "{check} en dit plus\u{a0}; si vous êtes vous-même revenu à une copie sans `payhookd \
                 restore`, supprimez {file}"
            ),
        ),
    };
    raise(IssueKind::EventLog, "database", Severity::Critical, texts)
}

/// A PayPal order that was approved waits to be captured.
pub(crate) fn uncaptured(order: &Transaction, severity: Severity, zone: &Zone) -> Raise {
    let expected = order.expected;
    let money = expected.amount.zip(expected.currency).map(|(minor, currency)| {
        format!("{} {currency}, ", Money { minor, currency }.to_decimal(order.provider))
    });
    let money = money.unwrap_or_default();
    let order_id = |word: &str| {
        order.order_id.as_deref().map(|id| format!("{word} {id}, ")).unwrap_or_default()
    };
    let reference = &order.reference;
    let since = order.state.status_changed_at.map(|at| zone.show(at)).unwrap_or_default();
    let texts = Spoken {
        english: Texts::new(
            format!("Approved and not captured: {money}{}PayPal {reference}", order_id("order")),
            format!(
                "The buyer approved it at {since}. PayPal lets that lapse after three hours, unless \
                 it agreed to more; until it is captured no money comes."
            ),
            "capture the order in the shop, or tell the buyer",
        ),
        french: Texts::new(
            format!(
                "Approuvé et non capturé\u{a0}: {}{}PayPal {reference}",
                money.replace('.', ","),
                order_id("commande")
            ),
            format!(
                "L’acheteur l’a approuvé le {since}. PayPal laisse cela expirer après trois heures, \
                 sauf accord pour plus\u{a0}; sans capture, aucun argent n’arrive."
            ),
            "capturez la commande dans la boutique, ou prévenez l’acheteur",
        ),
    };
    raise(IssueKind::UncapturedOrder, &order.id.to_string(), severity, texts)
}

/// How that ends, as far as can be told.
pub(crate) fn captured_or_lapsed() -> Spoken<String> {
    Spoken {
        english: "It was captured, canceled, or has lapsed.".to_owned(),
        french: "Elle a été capturée ou annulée, ou a expiré.".to_owned(),
    }
}

/// A dispute can be answered for not much longer.
pub(crate) fn deadline(dispute: &Issue, due: Timestamp, zone: &Zone) -> Raise {
    let due = zone.show(due);
    let (in_english, in_french) =
        (dispute.texts(Language::English).0, dispute.texts(Language::French).0);
    let texts = Spoken {
        english: Texts {
            detail: format!("It can be answered until {due}, and is lost after that."),
            ..in_english
        },
        french: Texts {
            detail: format!("On peut y répondre jusqu’au {due}\u{a0}; ensuite il est perdu."),
            ..in_french
        },
    };
    raise(IssueKind::Dispute, &dispute.subject, Severity::Critical, texts)
}
