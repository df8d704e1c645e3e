//! What is said of the issues that are raised and closed in a commit, in words for a person.

use super::Doubt;
use crate::domain::event::Provider;
use crate::domain::issue::Texts;
use crate::domain::language::Language::{self, English, French};
use crate::domain::language::{Spoken, sentence};
use crate::domain::merchant_action::MerchantAction;
use crate::domain::money::{Currency, Money};
use crate::domain::records::{Orphan, Transaction, Verdict};
use crate::domain::time::Timestamp;
use crate::domain::transaction::{AmountCheck, DisputeStatus, State};

/// A payment without a transaction, or one that came too late.
pub(crate) fn orphan(orphan: &Orphan, is_late: bool) -> Spoken<Texts> {
    let id = orphan.id;
    let currency = orphan.currency.as_deref().and_then(|code| Currency::parse(code).ok());
    let payment = Payment {
        provider: orphan.provider,
        money: orphan.amount.zip(currency),
        order_id: orphan.order_id.as_deref(),
        reference: &orphan.reference,
    };
    let (in_english, in_french) = match is_late {
        true => ("Money for a closed transaction", "Argent pour une transaction close"),
        false => ("Payment without a transaction", "Paiement sans transaction"),
    };
    let provider = orphan.provider.name();
    let remedy = match (is_late, orphan.transaction_id) {
        (true, Some(transaction)) => {
            let reopen = format!("`payhookd transactions reopen {transaction}`");
            Spoken {
                english: format!("refund it at {provider}, or {reopen}"),
                french: format!("remboursez-le chez {provider}, ou {reopen}"),
            }
        }
        _ => {
            let resolve = format!("`payhookd orphans resolve {id} --transaction …`");
            let show = format!("`payhookd orphans show {id}`");
            Spoken {
                english: format!("register its transaction, or {resolve}; {show} tells more"),
                french: format!(
                    "enregistrez sa transaction, ou {resolve}\u{a0}; {show} en dit plus"
                ),
            }
        }
    };
    let meaning = orphan.kind.meaning();
    Spoken {
        english: Texts::new(
            format!("{in_english}: {}", payment.text(English)),
            sentence(meaning.english),
            remedy.english,
        ),
        french: Texts::new(
            format!("{in_french}\u{a0}: {}", payment.text(French)),
            sentence(meaning.french),
            remedy.french,
        ),
    }
}

/// Other money came than the shop expects.
pub(crate) fn amount_mismatch(transaction: &Transaction, state: &State) -> Spoken<Texts> {
    let provider = transaction.provider;
    let expected = transaction.expected.amount.zip(transaction.expected.currency);
    let said = |one: Option<(i64, Currency)>, language| {
        one.map(|(minor, currency)| money(provider, minor, currency, language)).unwrap_or_default()
    };
    let received = |language, and: &str| {
        let own = state.currency.map(|currency| (state.amount_received, currency));
        let other = state.other_money.iter().map(|one| (one.received, one.currency));
        // Nothing of the transaction's own currency is not worth a word beside other money.
        let own = own.filter(|(minor, _)| *minor > 0 || state.other_money.is_empty());
        let all: Vec<String> =
            own.into_iter().chain(other).map(|one| said(Some(one), language)).collect();
        all.join(and)
    };
    let (in_english, in_french) = match state.amount_check {
        AmountCheck::Overpaid => ("Too much was paid", "Trop a été payé"),
        AmountCheck::WrongCurrency => ("Paid in another currency", "Payé dans une autre devise"),
        _ => ("Too little was paid", "Trop peu a été payé"),
    };
    let payment = Payment::of(transaction, None);
    let show = format!("`payhookd transactions show {}`", transaction.id);
    let dismiss = "`payhookd issues dismiss`";
    Spoken {
        english: Texts::new(
            format!("{in_english}: {}", payment.text(English)),
            format!(
                "Expected {}, received {}.",
                said(expected, English),
                received(English, " and ")
            ),
            format!(
                "refund or ask for the difference before the goods leave; {show}, then {dismiss} \
                 once it is settled"
            ),
        ),
        french: Texts::new(
            format!("{in_french}\u{a0}: {}", payment.text(French)),
            format!("Attendu {}, reçu {}.", said(expected, French), received(French, " et ")),
            format!(
                "remboursez ou demandez la différence avant d’expédier\u{a0}; {show}, puis \
                 {dismiss} une fois réglé"
            ),
        ),
    }
}

/// A buyer or their bank wants money back; until `due` that can be answered, if it is known.
pub(crate) fn dispute(
    transaction: &Transaction,
    state: &State,
    due: Option<Timestamp>,
) -> Spoken<Texts> {
    let (title, detail) = match state.dispute_status {
        DisputeStatus::Inquiry => (
            Spoken {
                english: "A bank asks about a payment",
                french: "Une banque s’interroge sur un paiement",
            },
            Spoken {
                english: "No money was taken yet; an answer may prevent that.",
                french: "Rien n’a encore été repris\u{a0}; une réponse peut l’éviter.",
            },
        ),
        _ => (
            Spoken { english: "Dispute", french: "Litige" },
            Spoken {
                english: "The money is withheld until it is decided.",
                french: "L’argent est retenu jusqu’à la décision.",
            },
        ),
    };
    let due = due.map(|due| due.to_string()[..16].replace('T', " "));
    let until = match due {
        Some(due) => Spoken {
            english: format!(" It can be answered until {due} UTC."),
            french: format!(" On peut y répondre jusqu’au {due} UTC."),
        },
        None => Spoken { english: String::new(), french: String::new() },
    };
    let money = state.currency.map(|currency| (state.amount_received, currency));
    let payment = Payment::of(transaction, money);
    let provider = transaction.provider.name();
    let show = format!("`payhookd transactions show {}`", transaction.id);
    Spoken {
        english: Texts::new(
            format!("{}: {}", title.english, payment.text(English)),
            format!("{}{}", detail.english, until.english),
            format!("answer it in {provider}'s dashboard, with evidence; {show} has the history"),
        ),
        french: Texts::new(
            format!("{}\u{a0}: {}", title.french, payment.text(French)),
            format!("{}{}", detail.french, until.french),
            format!(
                "répondez dans le tableau de bord de {provider}, preuves à l’appui\u{a0}; {show} en \
                 donne l’historique"
            ),
        ),
    }
}

/// How a dispute ended.
pub(crate) fn how_it_ended(status: DisputeStatus) -> Spoken<String> {
    let (english, french) = match status {
        DisputeStatus::Won => ("It was won.", "Il a été gagné."),
        DisputeStatus::Lost => {
            ("It was lost: the money is gone.", "Il a été perdu\u{a0}: l’argent est parti.")
        }
        DisputeStatus::Prevented => (
            "It was resolved before it became a chargeback.",
            "Il a été réglé avant de devenir une rétrofacturation.",
        ),
        DisputeStatus::InquiryClosed => (
            "The question ended without a chargeback.",
            "La question s’est terminée sans rétrofacturation.",
        ),
        _ => (
            "It is closed; the provider does not say how.",
            "Il est clos\u{a0}; le prestataire ne dit pas comment.",
        ),
    };
    Spoken { english: english.to_owned(), french: french.to_owned() }
}

/// PayPal holds a payment until the shop does something there.
pub(crate) fn merchant_action(transaction: &Transaction, action: MerchantAction) -> Spoken<Texts> {
    let (why, remedy) = match action {
        MerchantAction::Accept => (
            Spoken {
                english: "The account's receiving preferences ask for a decision by hand.",
                french: "Les préférences de réception du compte demandent une décision manuelle.",
            },
            Spoken {
                english: "accept the payment at PayPal, and set the receiving preferences to accept \
                          such payments",
                french: "acceptez le paiement chez PayPal, et réglez les préférences de réception \
                         pour accepter de tels paiements",
            },
        ),
        MerchantAction::ConfirmEmail => (
            Spoken {
                english: "The e-mail address that was paid to is not confirmed at PayPal.",
                french: "L’adresse e-mail payée n’est pas confirmée chez PayPal.",
            },
            Spoken {
                english: "confirm the e-mail address at PayPal, or add it to the account",
                french: "confirmez l’adresse e-mail chez PayPal, ou ajoutez-la au compte",
            },
        ),
        MerchantAction::AcceptFromAbroad => (
            Spoken {
                english: "It comes from abroad, and the account can't take such money by itself.",
                french: "Il vient de l’étranger, et le compte ne peut l’accepter de lui-même.",
            },
            Spoken {
                english: "accept the payment at PayPal, and link a bank account to withdraw to",
                french: "acceptez le paiement chez PayPal, et associez un compte bancaire pour les \
                         retraits",
            },
        ),
        MerchantAction::VerifyAccount => (
            Spoken {
                english: "The account is not verified.",
                french: "Le compte n’est pas vérifié.",
            },
            Spoken {
                english: "verify the account at PayPal, then accept the payment",
                french: "faites vérifier le compte chez PayPal, puis acceptez le paiement",
            },
        ),
        MerchantAction::AcceptCurrency => (
            Spoken {
                english: "The account has no balance in its currency and does not convert it.",
                french: "Le compte n’a pas de solde dans sa devise et ne la convertit pas.",
            },
            Spoken {
                english: "accept the payment at PayPal, and set the currency preference",
                french: "acceptez le paiement chez PayPal, et réglez la préférence de devise",
            },
        ),
        MerchantAction::AcceptAddress => (
            Spoken {
                english: "The buyer's shipping address is not confirmed.",
                french: "L’adresse de livraison de l’acheteur n’est pas confirmée.",
            },
            Spoken {
                english: "accept or refuse the payment at PayPal",
                french: "acceptez ou refusez le paiement chez PayPal",
            },
        ),
    };
    let payment = Payment::of(transaction, None);
    let show = format!("`payhookd transactions show {}`", transaction.id);
    Spoken {
        english: Texts::new(
            format!("PayPal waits for you: {}", payment.text(English)),
            format!("{} After 30 days the money goes back to the buyer.", why.english),
            format!("{}; {show} has the history", remedy.english),
        ),
        french: Texts::new(
            format!("PayPal vous attend\u{a0}: {}", payment.text(French)),
            format!("{} Après 30 jours, l’argent retourne à l’acheteur.", why.french),
            format!("{}\u{a0}; {show} en donne l’historique", remedy.french),
        ),
    }
}

/// A genuine event could not be understood; `why` is in English.
pub(crate) fn failed_event(
    (provider, event_type): (Provider, &str),
    event_id: &str,
    why: &str,
) -> Spoken<Texts> {
    let (event_type, event_id, why) = (shortened(event_type), shortened(event_id), shortened(why));
    let provider = provider.name();
    let show = format!("`payhookd events show {event_id}`");
    let replay = "`payhookd events replay --status failed`";
    Spoken {
        english: Texts::new(
            format!("Not understood: {provider} event {event_type}"),
            format!("Event {event_id}: {why}."),
            format!("{show}; after an upgrade {replay}"),
        ),
        french: Texts::new(
            format!("Non compris\u{a0}: événement {event_type} de {provider}"),
            format!("Événement {event_id}, en anglais\u{a0}: «\u{a0}{why}\u{a0}»."),
            format!("{show}\u{a0}; après une mise à jour {replay}"),
        ),
    }
}

/// Two bodies came for an event of PayPal's, under a genuine signature.
pub(crate) fn doubtful_event(
    event_id: &str,
    transactions: &[Transaction],
    doubt: Doubt,
) -> Spoken<Texts> {
    let event_id = shortened(event_id);
    let payments = |language| -> String {
        transactions
            .iter()
            .map(|one| format!(": {} ({})", Payment::of(one, None).text(language), one.id))
            .collect()
    };
    let (in_english, in_french) = (payments(English), payments(French));
    let show = format!("`payhookd events show {event_id}`");
    let keys = "PAYPAL_CLIENT_ID, PAYPAL_CLIENT_SECRET";
    let (title, detail, remedy) = match doubt {
        Doubt::Seen => (
            ("Two bodies came for PayPal event", "Deux contenus reçus pour l’événement PayPal"),
            (
                "Both have a genuine signature, which covers no more than a checksum: one of them is \
                 forged. What came first is kept, and its transactions are doubtful until PayPal is \
                 asked.",
                "Les deux portent une signature authentique, qui ne couvre qu’une somme de contrôle\u{a0}: \
                 l’un est falsifié. Le premier reçu est gardé, et ses transactions sont douteuses \
                 jusqu’à ce que PayPal soit interrogé.",
            ),
            (
                format!(
                    "with {keys} PayPal is asked by itself; else compare {show} with PayPal's page"
                ),
                format!(
                    "avec {keys}, PayPal est interrogé automatiquement\u{a0}; sinon comparez {show} \
                     avec la page de PayPal"
                ),
            ),
        ),
        Doubt::Refused => (
            ("Two bodies came for PayPal event", "Deux contenus reçus pour l’événement PayPal"),
            (
                "Both have a genuine signature, which covers no more than a checksum, and neither was \
                 believed.",
                "Les deux portent une signature authentique, qui ne couvre qu’une somme de contrôle, et \
                 aucun n’a été cru.",
            ),
            (
                format!("with {keys} it is fetched from PayPal; else look for it on PayPal's page"),
                format!(
                    "avec {keys}, il est obtenu de PayPal\u{a0}; sinon cherchez-le sur la page de PayPal"
                ),
            ),
        ),
        Doubt::Unknown => (
            ("PayPal knows no event", "PayPal ne connaît pas l’événement"),
            (
                "Two bodies came for it, so what is kept is likely forged. (PayPal forgets events after \
                 thirty days.)",
                "Deux contenus ont été reçus, donc celui qui est gardé est sans doute falsifié. (PayPal \
                 oublie les événements après trente jours.)",
            ),
            (
                format!("look at the payment on PayPal's page; {show} has what is kept"),
                format!(
                    "regardez le paiement sur la page de PayPal\u{a0}; {show} montre ce qui est gardé"
                ),
            ),
        ),
        Doubt::Replaced => (
            (
                "Forged, and put right: PayPal event",
                "Falsifié, et rectifié\u{a0}: événement PayPal",
            ),
            (
                "What had come first was applied, and PayPal says otherwise. What PayPal says is applied \
                 now.",
                "Le premier contenu reçu avait été appliqué, et PayPal dit autre chose. Ce que dit PayPal \
                 est appliqué maintenant.",
            ),
            (
                format!("see what the shop did meanwhile ({show}), then dismiss this"),
                format!("voyez ce que la boutique a fait entre-temps ({show}), puis écartez ceci"),
            ),
        ),
    };
    Spoken {
        english: Texts::new(format!("{} {event_id}{in_english}", title.0), detail.0, remedy.0),
        french: Texts::new(format!("{} {event_id}{in_french}", title.1), detail.1, remedy.1),
    }
}

/// PayPal confirmed what was kept.
pub(crate) fn doubt_is_over(verdict: Verdict) -> Spoken<String> {
    let (english, french) = match verdict {
        Verdict::Confirmed => (
            "PayPal confirmed what is kept: the other body was forged.",
            "PayPal a confirmé ce qui est gardé\u{a0}: l’autre contenu était falsifié.",
        ),
        Verdict::Replaced | Verdict::Accepted => (
            "A person has looked: what is kept stands.",
            "Une personne a vérifié\u{a0}: ce qui est gardé reste.",
        ),
    };
    Spoken { english: english.to_owned(), french: french.to_owned() }
}

/// The app was not told of `dead` changes, the last time for a reason that is in English.
pub(crate) fn dead_letter(dead: i64, delivery_id: i64, failure: Option<&str>) -> Spoken<Texts> {
    let (retry, list) =
        ("`payhookd deliveries retry --dead`", "`payhookd deliveries list --status dead`");
    let why = failure.map(shortened);
    Spoken {
        english: Texts::new(
            "The shop's app does not know of changes",
            format!(
                "Notifications given up: {dead}. The last is delivery {delivery_id}: {}.",
                why.as_deref().unwrap_or("no answer")
            ),
            format!("mend the app, then {retry}; {list} lists them"),
        ),
        french: Texts::new(
            "L’application de la boutique ignore des changements",
            match why {
                Some(why) => format!(
                    "Notifications abandonnées\u{a0}: {dead}. La dernière est la livraison \
                     {delivery_id}, en anglais\u{a0}: «\u{a0}{why}\u{a0}»."
                ),
                None => format!(
                    "Notifications abandonnées\u{a0}: {dead}. La dernière est la livraison \
                     {delivery_id}\u{a0}: pas de réponse."
                ),
            },
            format!("réparez l’application, puis {retry}\u{a0}; {list} les énumère"),
        ),
    }
}

/// What a person knows a payment by.
struct Payment<'p> {
    provider: Provider,
    money: Option<(i64, Currency)>,
    order_id: Option<&'p str>,
    reference: &'p str,
}

impl<'p> Payment<'p> {
    fn of(transaction: &'p Transaction, money: Option<(i64, Currency)>) -> Self {
        let expected = transaction.expected.amount.zip(transaction.expected.currency);
        Self {
            provider: transaction.provider,
            money: money.or(expected),
            order_id: transaction.order_id.as_deref(),
            reference: &transaction.reference,
        }
    }

    fn text(&self, language: Language) -> String {
        let order = match language {
            English => "order",
            French => "commande",
        };
        let mut parts = Vec::new();
        let money =
            self.money.map(|(minor, currency)| money(self.provider, minor, currency, language));
        parts.extend(money);
        parts.extend(self.order_id.map(|order_id| format!("{order} {}", shortened(order_id))));
        parts.push(format!("{} {}", self.provider.name(), shortened(self.reference)));
        parts.join(", ")
    }
}

fn money(provider: Provider, minor: i64, currency: Currency, language: Language) -> String {
    let decimal = Money { minor, currency }.to_decimal(provider);
    match language {
        English => format!("{decimal} {currency}"),
        French => format!("{}\u{a0}{currency}", decimal.replace('.', ",")),
    }
}

/// A sender's text, no longer than a line of a message bears.
pub(crate) fn shortened(text: &str) -> String {
    let mut characters = text.chars();
    let mut beginning: String = characters.by_ref().take(LONGEST).collect();
    if characters.next().is_some() {
        beginning.push('…');
    }
    beginning
}

const LONGEST: usize = 100;
