//! What is said of money that goes wrong after the sale.

use super::{Audience, say};
use crate::domain::issue::{Payment, Texts, shortened};
use crate::domain::money::Money;
use crate::domain::provider::Provider;
use crate::domain::time::Timestamp;

/// Money that is held lapses.
pub(super) fn authorization(
    to: Audience<'_>,
    payment: &Payment,
    lapses_at: Timestamp,
    for_good: bool,
) -> Texts {
    let (provider, payment, at) =
        (payment.provider.name(), to.payment(payment), to.time(lapses_at));
    Texts {
        title: say!(
            to,
            "Authorized and not captured: {payment}",
            "Autorisé et non capturé\u{a0}: {payment}",
        ),
        detail: match for_good {
            true => say!(
                to,
                "{provider} holds the money until {at}; then the sale is lost.",
                "{provider} retient l’argent jusqu’au {at}\u{a0}; ensuite la vente est perdue.",
            ),
            false => say!(
                to,
                "PayPal honours the authorization until {at}; later a capture may be refused.",
                "PayPal honore l’autorisation jusqu’au {at}\u{a0}; ensuite, la capture peut être refusée.",
            ),
        },
        remedy: say!(
            to,
            "capture it in the shop or in {provider}'s dashboard, or cancel it",
            "capturez-le dans la boutique ou dans le tableau de bord de {provider}, ou annulez-le",
        ),
    }
}

/// A refund that did not arrive.
pub(super) fn refund(
    to: Audience<'_>,
    payment: &Payment,
    (refund_id, money): (&str, Option<Money>),
    since: Timestamp,
    (failed, reason): (bool, Option<&str>),
) -> Texts {
    let provider = payment.provider;
    let sum = money.map(|money| format!(" {}", to.money(provider, money))).unwrap_or_default();
    let (name, payment, since) = (provider.name(), to.payment(payment), to.time(since));
    let id = shortened(refund_id);
    let why = reason.map(|reason| format!(" ({})", to.quote(reason))).unwrap_or_default();
    match failed {
        true => Texts {
            title: say!(
                to,
                "Refund failed:{sum} of {payment}",
                "Remboursement échoué\u{a0}:{sum} de {payment}",
            ),
            detail: say!(
                to,
                "Refund {id} failed at {since}{why}: the money is back in the shop's balance, and the buyer waits \
                 for it.",
                "Le remboursement {id} a échoué le {since}{why}\u{a0}: l’argent est revenu sur le solde de la \
                 boutique, et l’acheteur l’attend.",
            ),
            remedy: say!(
                to,
                "pay the buyer in another way, then dismiss this; or refund again in {name}'s dashboard",
                "remboursez l’acheteur autrement, puis écartez ceci\u{a0}; ou remboursez de nouveau dans le \
                 tableau de bord de {name}",
            ),
        },
        false => Texts {
            title: say!(
                to,
                "Refund still pending:{sum} of {payment}",
                "Remboursement toujours en attente\u{a0}:{sum} de {payment}",
            ),
            detail: say!(
                to,
                "Refund {id} is under way since {since}, longer than {name} promises.",
                "Le remboursement {id} est en cours depuis le {since}, plus longtemps que {name} ne promet.",
            ),
            remedy: say!(
                to,
                "see it in {name}'s dashboard: it may lack balance or the buyer's bank details",
                "voyez-le dans le tableau de bord de {name}\u{a0}: il manque peut-être du solde ou les \
                 coordonnées bancaires de l’acheteur",
            ),
        },
    }
}

/// The issuer of a card warns that a payment is fraud.
pub(super) fn fraud_warning(to: Audience<'_>, payment: &Payment, at: Timestamp) -> Texts {
    let (provider, payment, at) = (payment.provider.name(), to.payment(payment), to.time(at));
    Texts {
        title: say!(to, "Fraud warning: {payment}", "Alerte de fraude\u{a0}: {payment}"),
        detail: say!(
            to,
            "The issuer of the card said at {at} that the payment is likely fraud. Most of these become disputes, \
             which cost a fee.",
            "La banque de la carte a signalé le {at} une fraude probable. La plupart deviennent des litiges, qui \
             coûtent des frais.",
        ),
        remedy: say!(
            to,
            "refund it in {provider}'s dashboard unless you know the buyer, and do not ship",
            "remboursez-le dans le tableau de bord de {provider} sauf si vous connaissez l’acheteur, et n’expédiez \
             pas",
        ),
    }
}

/// The shop's balance did not reach its bank.
pub(super) fn payout(
    to: Audience<'_>,
    (provider, payout_id, money): (Provider, &str, Option<Money>),
    canceled: bool,
    reason: Option<&str>,
) -> Texts {
    let (name, id) = (provider.name(), shortened(payout_id));
    let sum = money.map(|money| format!("{}, ", to.money(provider, money))).unwrap_or_default();
    let why = reason.map(|reason| format!(" ({})", to.quote(reason))).unwrap_or_default();
    Texts {
        title: match canceled {
            true => say!(
                to,
                "Payout canceled: {sum}{name} {id}",
                "Virement annulé\u{a0}: {sum}{name} {id}",
            ),
            false => {
                say!(
                    to,
                    "Payout failed: {sum}{name} {id}",
                    "Virement échoué\u{a0}: {sum}{name} {id}"
                )
            }
        },
        detail: say!(
            to,
            "The money did not reach the bank{why}; it is in the balance at {name}.",
            "L’argent n’est pas arrivé à la banque{why}\u{a0}; il est sur le solde chez {name}.",
        ),
        remedy: say!(
            to,
            "check the bank account in {name}'s dashboard (Settings, Payouts): until it is right nothing is paid \
             out",
            "vérifiez le compte bancaire dans le tableau de bord de {name} (Paramètres, Virements)\u{a0}: d’ici \
             là, rien n’est viré",
        ),
    }
}
