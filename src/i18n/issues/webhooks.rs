//! What is said of problems with webhooks: whether they come, are believed and are understood.

use super::{Audience, say};
use crate::domain::issue::{Doubt, Payment, Texts, shortened};
use crate::domain::provider::Provider;
use crate::domain::refusal_pattern::{Evidence, Likely};
use crate::domain::time::Timestamp;

/// A genuine event could not be understood.
pub(super) fn failed_event(
    to: Audience<'_>,
    (provider, event_type): (Provider, &str),
    event_id: &str,
    why: &str,
) -> Texts {
    let (provider, why) = (provider.name(), to.quote(why));
    let (event_type, event_id) = (shortened(event_type), shortened(event_id));
    let show = format!("`payhookd events show {event_id}`");
    let replay = "`payhookd events replay --status failed`";
    Texts {
        title: say!(
            to,
            "Not understood: {provider} event {event_type}",
            "Non compris\u{a0}: événement {event_type} de {provider}",
        ),
        detail: say!(to, "Event {event_id}: {why}.", "Événement {event_id}, {why}."),
        remedy: say!(
            to,
            "{show}; after an upgrade {replay}",
            "{show}\u{a0}; après une mise à jour {replay}",
        ),
    }
}

/// Two bodies came for an event of PayPal's, under a genuine signature.
pub(super) fn doubtful_event(
    to: Audience<'_>,
    event_id: &str,
    doubt: Doubt,
    transactions: &[(i64, Payment)],
) -> Texts {
    let event_id = shortened(event_id);
    let payments: String =
        transactions.iter().map(|(id, one)| format!(": {} ({id})", to.payment(one))).collect();
    let show = format!("`payhookd events show {event_id}`");
    let keys = "PAYPAL_CLIENT_ID, PAYPAL_CLIENT_SECRET";
    let two = say!(
        to,
        "Two bodies came for PayPal event",
        "Deux contenus reçus pour l’événement PayPal",
    );
    let (what, detail, remedy) = match doubt {
        Doubt::Seen => (
            two,
            say!(
                to,
                "Both have a genuine signature, which covers no more than a checksum: one of them is \
                 forged. What came first is kept, and its transactions are doubtful until PayPal is asked.",
                "Les deux portent une signature authentique, qui ne couvre qu’une somme de contrôle\u{a0}: \
                 l’un est falsifié. Le premier reçu est gardé, et ses transactions sont douteuses jusqu’à \
                 ce que PayPal soit interrogé.",
            ),
            say!(
                to,
                "with {keys} PayPal is asked by itself; else compare {show} with PayPal's page",
                "avec {keys}, PayPal est interrogé automatiquement\u{a0}; sinon comparez {show} avec la \
                 page de PayPal",
            ),
        ),
        Doubt::Refused => (
            two,
            say!(
                to,
                "Both have a genuine signature, which covers no more than a checksum, and neither was \
                 believed.",
                "Les deux portent une signature authentique, qui ne couvre qu’une somme de contrôle, et \
                 aucun n’a été cru.",
            ),
            say!(
                to,
                "with {keys} it is fetched from PayPal; else look for it on PayPal's page",
                "avec {keys}, il est obtenu de PayPal\u{a0}; sinon cherchez-le sur la page de PayPal",
            ),
        ),
        Doubt::Unknown => (
            say!(to, "PayPal knows no event", "PayPal ne connaît pas l’événement"),
            say!(
                to,
                "Two bodies came for it, so what is kept is likely forged. (PayPal forgets events after \
                 thirty days.)",
                "Deux contenus ont été reçus, donc celui qui est gardé est sans doute falsifié. (PayPal \
                 oublie les événements après trente jours.)",
            ),
            say!(
                to,
                "look at the payment on PayPal's page; {show} has what is kept",
                "regardez le paiement sur la page de PayPal\u{a0}; {show} montre ce qui est gardé",
            ),
        ),
        Doubt::Replaced => (
            say!(
                to,
                "Forged, and put right: PayPal event",
                "Falsifié, et rectifié\u{a0}: événement PayPal",
            ),
            say!(
                to,
                "What had come first was applied, and PayPal says otherwise. What PayPal says is applied \
                 now.",
                "Le premier contenu reçu avait été appliqué, et PayPal dit autre chose. Ce que dit PayPal \
                 est appliqué maintenant.",
            ),
            say!(
                to,
                "see what the shop did meanwhile ({show}), then dismiss this",
                "voyez ce que la boutique a fait entre-temps ({show}), puis écartez ceci",
            ),
        ),
    };
    Texts { title: format!("{what} {event_id}{payments}"), detail, remedy }
}

/// Wrong signatures, and what they are likely to mean.
pub(super) fn refused_signatures(
    to: Audience<'_>,
    (provider, likely): (Provider, Likely),
    count: u64,
    (since, genuine_at): (Option<Timestamp>, Option<Timestamp>),
    evidence: Option<&Evidence>,
) -> Texts {
    let why = because(to, provider, evidence);
    let name = provider.name();
    let (secret, place) = match provider {
        Provider::Stripe => (
            "STRIPE_WEBHOOK_SECRET",
            say!(
                to,
                "Webhooks, your endpoint, Signing secret",
                "Webhooks, votre adresse, Signing secret",
            ),
        ),
        Provider::Paypal => (
            "PAYPAL_WEBHOOK_ID",
            say!(to, "your app, Webhooks, Webhook ID", "votre application, Webhooks, Webhook ID",),
        ),
    };
    let time = |at: Option<Timestamp>| at.map(|at| to.time(at)).unwrap_or_default();
    let (since, genuine) = (time(since), time(genuine_at));
    match likely {
        Likely::WrongSecret => Texts {
            title: say!(
                to,
                "All webhooks of {name} are refused: the secret is likely wrong",
                "Tous les webhooks de {name} sont refusés\u{a0}: le secret est sans doute faux",
            ),
            detail: say!(
                to,
                "{count} had a wrong signature, and none was ever genuine.{why}",
                "{count} avaient une mauvaise signature, et aucun n’a jamais été authentique.{why}",
            ),
            remedy: say!(
                to,
                "copy {secret} again from {name}'s dashboard ({place}), and restart",
                "recopiez {secret} depuis le tableau de bord de {name} ({place}), et redémarrez",
            ),
        },
        Likely::RolledSecret => Texts {
            title: say!(
                to,
                "All webhooks of {name} are refused: the secret was likely rolled",
                "Tous les webhooks de {name} sont refusés\u{a0}: le secret a sans doute été renouvelé",
            ),
            detail: say!(
                to,
                "{count} had a wrong signature since {since}; the last genuine one came {genuine}.{why}",
                "{count} avaient une mauvaise signature depuis le {since}\u{a0}; le dernier authentique est \
                 arrivé le {genuine}.{why}",
            ),
            remedy: say!(
                to,
                "add the new one to {secret}, after a comma ({place}), and restart",
                "ajoutez le nouveau à {secret}, après une virgule ({place}), et redémarrez",
            ),
        },
        Likely::Unclear => Texts {
            title: say!(
                to,
                "No webhook of {name} was genuine yet: the secret may be wrong",
                "Aucun webhook de {name} n’a encore été authentique\u{a0}: le secret est peut-être faux",
            ),
            detail: say!(
                to,
                "{count} in the last hour had a wrong signature. Anybody can send such requests; if you have \
                 just set it up, they are likely {name}'s.",
                "{count} de la dernière heure avaient une mauvaise signature. N’importe qui peut envoyer de \
                 telles requêtes\u{a0}; si vous venez de l’installer, elles sont sans doute de {name}.",
            ),
            remedy: say!(
                to,
                "compare {secret} with {name}'s dashboard ({place})",
                "comparez {secret} avec le tableau de bord de {name} ({place})",
            ),
        },
        Likely::Forger => Texts {
            title: say!(
                to,
                "Somebody sends forged webhooks of {name}",
                "Quelqu’un envoie de faux webhooks de {name}",
            ),
            detail: say!(
                to,
                "{count} in the last hour had a wrong signature, while genuine ones came. Nothing of them \
                 got through.",
                "{count} de la dernière heure avaient une mauvaise signature, alors que d’authentiques \
                 arrivaient. Rien n’en est passé.",
            ),
            remedy: say!(
                to,
                "nothing is lost; the reverse proxy's log has their addresses",
                "rien n’est perdu\u{a0}; le journal du proxy inverse a leurs adresses",
            ),
        },
    }
}

/// Why refused requests are believed to be the provider's; a sentence that follows another.
fn because(to: Audience<'_>, provider: Provider, evidence: Option<&Evidence>) -> String {
    let name = provider.name();
    match evidence {
        None => String::new(),
        Some(Evidence::Retried { event_id, attempts, first_at, last_at }) => {
            let (id, first, last) = (shortened(event_id), to.time(*first_at), to.time(*last_at));
            say!(
                to,
                " They are {name}'s: {id} came {attempts} times from {first} to {last}, as {name} repeats what \
                 is refused, and nothing genuine came.",
                " Ils sont de {name}\u{a0}: {id} est arrivé {attempts} fois du {first} au {last}, comme {name} \
                 répète ce qui est refusé, et rien d’authentique n’est arrivé.",
            )
        }
        Some(Evidence::Listed { event_id }) => {
            let id = shortened(event_id);
            say!(
                to,
                " They are {name}'s: {id}, which was refused here, is in {name}'s own list of events.",
                " Ils sont de {name}\u{a0}: {id}, refusé ici, est dans la liste des événements de {name}.",
            )
        }
        Some(Evidence::Silence { last_at }) => {
            let last = to.time(*last_at);
            say!(
                to,
                " They are likely {name}'s: nothing genuine has come since {last}, which is longer than usual.",
                " Ils sont sans doute de {name}\u{a0}: rien d’authentique n’est arrivé depuis le {last}, ce qui \
                 est plus long que d’habitude.",
            )
        }
        Some(Evidence::Offset { seconds }) => {
            let minutes = seconds.unsigned_abs() / 60;
            match *seconds < 0 {
                false => say!(
                    to,
                    " This machine is {minutes} minutes ahead of all of them.",
                    " Cette machine avance de {minutes} minutes sur toutes.",
                ),
                true => say!(
                    to,
                    " This machine is {minutes} minutes behind all of them.",
                    " Cette machine retarde de {minutes} minutes sur toutes.",
                ),
            }
        }
    }
}

/// Genuine signatures whose time is off.
pub(super) fn other_time(
    to: Audience<'_>,
    provider: Provider,
    (count, now): (u64, Timestamp),
    evidence: Option<&Evidence>,
) -> Texts {
    let (name, now, why) = (provider.name(), to.time(now), because(to, provider, evidence));
    Texts {
        title: say!(
            to,
            "This machine's clock is off: webhooks of {name} are refused",
            "L’horloge de cette machine est fausse\u{a0}: les webhooks de {name} sont refusés",
        ),
        detail: say!(
            to,
            "{count} had a genuine signature from another time than this machine's, which is {now}.{why}",
            "{count} avaient une signature authentique d’une autre heure que celle de cette machine, qui est \
             {now}.{why}",
        ),
        remedy: say!(
            to,
            "`timedatectl`, and see that it synchronises",
            "`timedatectl`, et veillez à ce qu’elle se synchronise",
        ),
    }
}

/// PayPal's webhooks can't be proved, here or by asking its API.
pub(super) fn no_proof(
    to: Audience<'_>,
    count: u64,
    by_certificate: bool,
    evidence: Option<&Evidence>,
) -> Texts {
    let sure = because(to, Provider::Paypal, evidence);
    let why = match by_certificate {
        true => say!(
            to,
            "its signing certificate is not to be had, or not trusted",
            "son certificat de signature est introuvable, ou n’est pas fiable",
        ),
        false => say!(
            to,
            "its API does not say whether they are genuine",
            "son API ne dit pas s’ils sont authentiques",
        ),
    };
    Texts {
        title: say!(
            to,
            "PayPal's webhooks can't be verified: {why}",
            "Les webhooks de PayPal ne peuvent être vérifiés\u{a0}: {why}",
        ),
        detail: say!(
            to,
            "{count} were not taken; PayPal sends them again for three days.{sure}",
            "{count} n’ont pas été acceptés\u{a0}; PayPal les renvoie pendant trois jours.{sure}",
        ),
        remedy: say!(
            to,
            "see that this machine reaches api.paypal.com over https; the log says why not",
            "vérifiez que cette machine atteint api.paypal.com en https\u{a0}; le journal dit pourquoi non",
        ),
    }
}

/// PayPal's newest certificate ends soon.
pub(super) fn certificate_ends(to: Audience<'_>, at: Timestamp) -> Texts {
    let ends = to.time(at);
    Texts {
        title: say!(
            to,
            "PayPal's signing certificate is trusted until {ends}",
            "Le certificat de signature de PayPal est fiable jusqu’au {ends}",
        ),
        detail: say!(
            to,
            "It, or one on its path, ends then. PayPal signs with a new one before, which is fetched by \
             itself.",
            "Lui, ou un autre de sa chaîne, expire alors. PayPal signe avant avec un nouveau, qui est obtenu \
             automatiquement.",
        ),
        remedy: say!(
            to,
            "upgrade payhookd, or renew `--paypal-cert-roots`, if PayPal's webhooks are refused then",
            "mettez payhookd à jour, ou renouvelez `--paypal-cert-roots`, si les webhooks de PayPal sont \
             alors refusés",
        ),
    }
}

/// Nothing comes.
pub(super) fn silence(to: Audience<'_>, provider: Provider, last_at: Timestamp) -> Texts {
    let (name, last) = (provider.name(), to.time(last_at));
    Texts {
        title: say!(
            to,
            "Nothing has come from {name} since {last}",
            "Rien n’est arrivé de {name} depuis le {last}",
        ),
        detail: say!(
            to,
            "By this shop's own rhythm that happens once in ten thousand times by chance.",
            "Au rythme de cette boutique, cela n’arrive par hasard qu’une fois sur dix mille.",
        ),
        remedy: say!(
            to,
            "see in {name}'s dashboard whether webhooks are sent and what they are answered, and whether the \
             reverse proxy forwards them: `payhookd doctor`",
            "voyez dans le tableau de bord de {name} si des webhooks sont envoyés et ce qui leur est \
             répondu, et si le proxy inverse les transmet\u{a0}: `payhookd doctor`",
        ),
    }
}

/// Missed events can't be fetched.
pub(super) fn reconcile(to: Audience<'_>, provider: Provider, error: &str) -> Texts {
    let name = provider.name();
    Texts {
        title: say!(
            to,
            "{name}'s list of events can't be fetched",
            "La liste des événements de {name} ne peut être obtenue",
        ),
        detail: say!(
            to,
            "{error}. Webhooks are received all the same, but none that is missed is found.",
            "En anglais\u{a0}: «\u{a0}{error}\u{a0}». Les webhooks sont reçus quand même, mais aucun de ceux \
             qui manquent n’est trouvé.",
        ),
        remedy: format!("`payhookd reconcile --provider {provider}`"),
    }
}
