//! What is said of problems with payments.

use super::{Audience, say};
use crate::domain::issue::{Payment, Texts, shortened};
use crate::domain::language::sentence;
use crate::domain::merchant_action::MerchantAction;
use crate::domain::money::Money;
use crate::domain::orphan::{OrphanAbout, OrphanKind};
use crate::domain::provider::Provider;
use crate::domain::time::Timestamp;
use crate::domain::transaction::{AmountCheck, DisputeStatus};
use crate::i18n::Words;

pub(super) fn orphan(
    to: Audience<'_>,
    id: i64,
    (why, about): (OrphanKind, OrphanAbout),
    payment: &Payment,
    answer_by: Option<Timestamp>,
) -> Texts {
    let (provider, payment) = (payment.provider.name(), to.payment(payment));
    let words = Words::of(to.language);
    let what = words.orphan_title(about);
    let meaning = sentence(words.orphan_meaning(why));
    let (detail, remedy) = match about {
        OrphanAbout::Payment => (meaning, register(to, id)),
        OrphanAbout::Attempt => (
            say!(
                to,
                "No money came of it. It is nothing to worry about, unless the shop waits for it.",
                "Aucun argent n’en est venu. Rien d’inquiétant, sauf si la boutique l’attend.",
            ),
            register(to, id),
        ),
        OrphanAbout::Invoice => (
            say!(
                to,
                "The invoice is open: it is a payment once it is paid.",
                "La facture est ouverte\u{a0}: ce sera un paiement une fois payée.",
            ),
            say!(
                to,
                "nothing, until it is paid; see it in {provider}'s dashboard",
                "rien tant qu’elle n’est pas payée\u{a0}; voyez-la dans le tableau de bord de {provider}",
            ),
        ),
        OrphanAbout::Refund | OrphanAbout::Reversal => (
            say!(
                to,
                "Money went back to a buyer for a payment of which no transaction is known.",
                "De l’argent est retourné à un acheteur pour un paiement sans transaction connue.",
            ),
            say!(
                to,
                "see in {provider}'s dashboard which payment it was, and attach it to its transaction",
                "voyez dans le tableau de bord de {provider} de quel paiement il s’agit, et rattachez-le à sa \
                 transaction",
            ),
        ),
        OrphanAbout::Dispute => (
            match answer_by.map(|at| to.time(at)) {
                Some(due) => say!(
                    to,
                    "A buyer or their bank wants money back. Respond by {due}.",
                    "Un acheteur ou sa banque réclame de l’argent. Réponse attendue avant le {due}.",
                ),
                None => say!(
                    to,
                    "A buyer or their bank wants money back.",
                    "Un acheteur ou sa banque réclame de l’argent.",
                ),
            },
            say!(
                to,
                "respond in {provider}'s dashboard, with evidence; then attach it to its transaction",
                "répondez dans le tableau de bord de {provider}, preuves à l’appui\u{a0}; puis rattachez-le à sa \
                 transaction",
            ),
        ),
    };
    Texts { title: say!(to, "{what}: {payment}", "{what}\u{a0}: {payment}"), detail, remedy }
}

/// What to do about an orphan whose transaction is not known.
fn register(to: Audience<'_>, id: i64) -> String {
    let resolve = format!("`payhookd orphans resolve {id} --transaction …`");
    let show = format!("`payhookd orphans show {id}`");
    say!(
        to,
        "register its transaction, or {resolve}; {show} tells more",
        "enregistrez sa transaction, ou {resolve}\u{a0}; {show} en dit plus",
    )
}

pub(super) fn late_money(
    to: Audience<'_>,
    id: i64,
    transaction_id: Option<i64>,
    payment: &Payment,
) -> Texts {
    let (provider, payment) = (payment.provider.name(), to.payment(payment));
    let remedy = match transaction_id {
        Some(transaction) => {
            let reopen = format!("`payhookd transactions reopen {transaction}`");
            say!(
                to,
                "refund it at {provider}, or {reopen}",
                "remboursez-le chez {provider}, ou {reopen}",
            )
        }
        None => register(to, id),
    };
    Texts {
        title: say!(
            to,
            "Money for a closed transaction: {payment}",
            "Argent pour une transaction close\u{a0}: {payment}",
        ),
        detail: sentence(Words::of(to.language).orphan_meaning(OrphanKind::LateMoney)),
        remedy,
    }
}

pub(super) fn amount_mismatch(
    to: Audience<'_>,
    (transaction, payment): (i64, &Payment),
    check: AmountCheck,
    expected: Option<Money>,
    received: &[Money],
) -> Texts {
    let said = |money: &Money| to.money(payment.provider, *money);
    let expected = expected.as_ref().map(said).unwrap_or_default();
    let received: Vec<String> = received.iter().map(said).collect();
    let received = received.join(&say!(to, " and ", " et "));
    let what = match check {
        AmountCheck::Overpaid => say!(to, "Too much was paid", "Trop a été payé"),
        AmountCheck::WrongCurrency => {
            say!(to, "Paid in another currency", "Payé dans une autre devise")
        }
        _ => say!(to, "Too little was paid", "Trop peu a été payé"),
    };
    let payment = to.payment(payment);
    let show = format!("`payhookd transactions show {transaction}`");
    Texts {
        title: say!(to, "{what}: {payment}", "{what}\u{a0}: {payment}"),
        detail: say!(
            to,
            "Expected {expected}, received {received}.",
            "Attendu {expected}, reçu {received}.",
        ),
        remedy: say!(
            to,
            "refund or ask for the difference before the goods leave; {show}, then `payhookd issues \
             dismiss` once it is settled",
            "remboursez ou demandez la différence avant d’expédier\u{a0}; {show}, puis `payhookd issues \
             dismiss` une fois réglé",
        ),
    }
}

pub(super) fn dispute(
    to: Audience<'_>,
    (transaction, payment): (i64, &Payment),
    status: DisputeStatus,
    answer_by: Option<Timestamp>,
    is_urgent: bool,
) -> Texts {
    let (provider, payment) = (payment.provider.name(), to.payment(payment));
    let is_inquiry = status == DisputeStatus::Inquiry;
    let stands = match is_inquiry {
        true => say!(
            to,
            "No money was taken yet; an answer may prevent that.",
            "Rien n’a encore été repris\u{a0}; une réponse peut l’éviter.",
        ),
        false => say!(
            to,
            "The money is withheld until it is decided.",
            "L’argent est retenu jusqu’à la décision.",
        ),
    };
    let detail = match answer_by.map(|at| to.time(at)) {
        Some(due) if is_urgent => say!(
            to,
            "It can be answered until {due}, and is lost after that.",
            "On peut y répondre jusqu’au {due}\u{a0}; ensuite il est perdu.",
        ),
        Some(due) => say!(
            to,
            "{stands} It can be answered until {due}.",
            "{stands} On peut y répondre jusqu’au {due}.",
        ),
        None => stands,
    };
    let show = format!("`payhookd transactions show {transaction}`");
    Texts {
        title: match is_inquiry {
            true => say!(
                to,
                "A bank asks about a payment: {payment}",
                "Une banque s’interroge sur un paiement\u{a0}: {payment}",
            ),
            false => say!(to, "Dispute: {payment}", "Litige\u{a0}: {payment}"),
        },
        detail,
        remedy: say!(
            to,
            "answer it in {provider}'s dashboard, with evidence; {show} has the history",
            "répondez dans le tableau de bord de {provider}, preuves à l’appui\u{a0}; {show} en donne \
             l’historique",
        ),
    }
}

pub(super) fn uncaptured_order(
    to: Audience<'_>,
    payment: &Payment,
    approved_at: Timestamp,
) -> Texts {
    let (payment, since) = (to.payment(payment), to.time(approved_at));
    Texts {
        title: say!(
            to,
            "Approved and not captured: {payment}",
            "Approuvé et non capturé\u{a0}: {payment}",
        ),
        detail: say!(
            to,
            "The buyer approved it at {since}. PayPal lets that lapse after three hours, unless it agreed \
             to more; until it is captured no money comes.",
            "L’acheteur l’a approuvé le {since}. PayPal laisse cela expirer après trois heures, sauf accord \
             pour plus\u{a0}; sans capture, aucun argent n’arrive.",
        ),
        remedy: say!(
            to,
            "capture the order in the shop, or tell the buyer",
            "capturez la commande dans la boutique, ou prévenez l’acheteur",
        ),
    }
}

pub(super) fn merchant_action(
    to: Audience<'_>,
    (transaction, payment): (i64, &Payment),
    action: MerchantAction,
) -> Texts {
    let (why, what) = match action {
        MerchantAction::Accept => (
            say!(
                to,
                "The account's receiving preferences ask for a decision by hand.",
                "Les préférences de réception du compte demandent une décision manuelle.",
            ),
            say!(
                to,
                "accept the payment at PayPal, and set the receiving preferences to accept such payments",
                "acceptez le paiement chez PayPal, et réglez les préférences de réception pour accepter de \
                 tels paiements",
            ),
        ),
        MerchantAction::ConfirmEmail => (
            say!(
                to,
                "The e-mail address that was paid to is not confirmed at PayPal.",
                "L’adresse e-mail payée n’est pas confirmée chez PayPal.",
            ),
            say!(
                to,
                "confirm the e-mail address at PayPal, or add it to the account",
                "confirmez l’adresse e-mail chez PayPal, ou ajoutez-la au compte",
            ),
        ),
        MerchantAction::AcceptFromAbroad => (
            say!(
                to,
                "It comes from abroad, and the account can't take such money by itself.",
                "Il vient de l’étranger, et le compte ne peut l’accepter de lui-même.",
            ),
            say!(
                to,
                "accept the payment at PayPal, and link a bank account to withdraw to",
                "acceptez le paiement chez PayPal, et associez un compte bancaire pour les retraits",
            ),
        ),
        MerchantAction::VerifyAccount => (
            say!(to, "The account is not verified.", "Le compte n’est pas vérifié."),
            say!(
                to,
                "verify the account at PayPal, then accept the payment",
                "faites vérifier le compte chez PayPal, puis acceptez le paiement",
            ),
        ),
        MerchantAction::AcceptCurrency => (
            say!(
                to,
                "The account has no balance in its currency and does not convert it.",
                "Le compte n’a pas de solde dans sa devise et ne la convertit pas.",
            ),
            say!(
                to,
                "accept the payment at PayPal, and set the currency preference",
                "acceptez le paiement chez PayPal, et réglez la préférence de devise",
            ),
        ),
        MerchantAction::AcceptAddress => (
            say!(
                to,
                "The buyer's shipping address is not confirmed.",
                "L’adresse de livraison de l’acheteur n’est pas confirmée.",
            ),
            say!(
                to,
                "accept or refuse the payment at PayPal",
                "acceptez ou refusez le paiement chez PayPal",
            ),
        ),
    };
    let payment = to.payment(payment);
    let show = format!("`payhookd transactions show {transaction}`");
    Texts {
        title: say!(to, "PayPal waits for you: {payment}", "PayPal vous attend\u{a0}: {payment}"),
        detail: say!(
            to,
            "{why} After 30 days the money goes back to the buyer.",
            "{why} Après 30 jours, l’argent retourne à l’acheteur.",
        ),
        remedy: say!(
            to,
            "{what}; {show} has the history",
            "{what}\u{a0}; {show} en donne l’historique",
        ),
    }
}

pub(super) fn discrepancy(
    to: Audience<'_>,
    transaction: i64,
    provider: Provider,
    reference: &str,
) -> Texts {
    let (provider, reference) = (provider.name(), shortened(reference));
    Texts {
        title: say!(
            to,
            "{provider} knows nothing of {reference}",
            "{provider} ne sait rien de {reference}",
        ),
        detail: say!(
            to,
            "Transaction {transaction} is registered with it. Either it is mistyped, or it is of another \
             account or mode than the API keys are.",
            "La transaction {transaction} est enregistrée avec cet identifiant. Soit il est mal écrit, soit \
             il est d’un autre compte ou d’un autre mode que les clés de l’API.",
        ),
        remedy: format!("`payhookd transactions close {transaction}`"),
    }
}
