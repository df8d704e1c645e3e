//! The sentences of [`explain`](super) in French.

use crate::domain::event::{Ownership, Provider, Reference, ReferenceKind, Source};
use crate::domain::fact::{Fact, FactState};
use crate::domain::money::Currency;
use crate::domain::records::{
    CausedChange, EventStory, Lead, Matched, Orphan, Outcome, WebhookLog,
};
use crate::domain::transaction::{DisputeStatus, Status};

/// The sentences, in the order in which things happened.
pub(super) fn event(log: &WebhookLog, story: &EventStory) -> Vec<String> {
    let mut sentences = vec![received(log), proved(log)];
    sentences.extend(read(log, story));
    sentences.extend(found(log, story));
    sentences.extend(changed(log, story));
    sentences.push(answered(log));
    if let Some(redacted_at) = story.redacted_at {
        sentences.push(format!(
            "Ce qui y était personnel a été supprimé le {redacted_at} (payhookd forget)\u{a0}; \
             l’empreinte de son contenu est celle de ce qui est arrivé."
        ));
    }
    if log.payload.is_none() {
        sentences.push(REMOVED.to_owned());
    }
    sentences
}

const REMOVED: &str = "Son contenu et ses en-têtes ont été supprimés, car il était ancien et réglé \
                       (--keep-payloads)\u{a0}; ses faits restent et comptent, ainsi que l’empreinte \
                       de son contenu.";

fn received(log: &WebhookLog) -> String {
    let provider = super::name(log.provider);
    let mode = mode(log.livemode);
    let what = match &*log.event_type {
        "" => "événement sans type",
        event_type => event_type,
    };
    let mut sentence = match log.source {
        Source::Webhook => {
            format!("{provider} a envoyé cet événement ({what}, {mode}) le {}", log.received_at)
        }
        Source::CatchUp => format!(
            "payhookd a trouvé cet événement ({what}, {mode}) dans la liste de {provider}, et le \
             connaît depuis {}",
            log.received_at
        ),
        Source::Object => format!(
            "payhookd a interrogé {provider} sur cet objet ({mode}) le {}, et garde la réponse sous \
             le nom {what}",
            log.received_at
        ),
    };
    if log.delivery_count > 1 {
        let how = match log.source {
            Source::Webhook => "et encore",
            Source::CatchUp | Source::Object => "et un webhook l’a apporté ensuite",
        };
        sentence.push_str(&format!(
            ", {how} {} fois, la dernière le {}",
            log.delivery_count - 1,
            log.last_received_at
        ));
    }
    if let Some(occurred_at) = log.occurred_at {
        sentence.push_str(&format!("\u{a0}; il s’est produit le {occurred_at}"));
    }
    sentence + "."
}

fn proved(log: &WebhookLog) -> String {
    let by = &log.proof;
    match log.provider {
        _ if log.source != Source::Webhook => {
            format!("Il a été prouvé par {by}, interrogé avec les clés de la boutique.")
        }
        Provider::Stripe => format!("Il a été prouvé par {by} de STRIPE_WEBHOOK_SECRET."),
        Provider::Paypal => format!("Il a été prouvé par {by} de PAYPAL_WEBHOOK_ID."),
    }
}

fn read(log: &WebhookLog, story: &EventStory) -> Vec<String> {
    let why = log.error.as_deref().unwrap_or("aucune raison notée");
    match log.status {
        Outcome::Ignored => return vec![format!("Il a été conservé sans suite\u{a0}: {why}.")],
        Outcome::Failed => {
            return vec![
                format!("Il a été conservé, mais n’a pas été compris\u{a0}: {why}."),
                format!(
                    "Une fois cela réparé, `payhookd events replay {}` l’applique, de même que la \
                     prochaine livraison.",
                    log.id
                ),
            ];
        }
        Outcome::Processed | Outcome::Orphan => {}
    }
    let facts: Vec<String> = story.facts.iter().map(|one| fact(log.provider, one)).collect();
    let references: Vec<String> = story.references.iter().map(reference).collect();
    vec![
        format!("Il a été lu ainsi\u{a0}: {}.", facts.join("\u{a0}; ")),
        format!("Il porte {}.", references.join(", ")),
    ]
}

fn fact(provider: Provider, fact: &Fact) -> String {
    let mut text =
        format!("{} {}\u{a0}: {}", object(fact.object), fact.object_id, state(fact.state));
    let money = |minor| amount(provider, minor, fact.amount.as_ref().map(|amount| amount.currency));
    if let Some(amount) = fact.amount {
        text.push_str(&format!(", {}", money(amount.minor)));
    }
    if let Some(captured) = fact.captured {
        text.push_str(&format!(", {} encaissé jusqu’ici", money(captured)));
    }
    if let Some(refunded) = fact.refunded {
        text.push_str(&format!(", {} remboursé jusqu’ici", money(refunded)));
    }
    if let Some(reason) = &fact.reason {
        text.push_str(&format!(", raison {reason}"));
    }
    text
}

fn found(log: &WebhookLog, story: &EventStory) -> Vec<String> {
    if let Some((transaction, how)) = &story.matched {
        let order = transaction.order_id.as_deref();
        let order = order.map(|order| format!(" (commande {order})")).unwrap_or_default();
        let how = match how {
            Matched::Registered(id) => {
                format!("par {}, avec quoi la boutique l’a enregistrée", reference(id))
            }
            Matched::Learned(id, event) => {
                format!("par {}, que l’événement {event} lui a rattaché", reference(id))
            }
            Matched::OrderId(id) => {
                format!("par {}, qu’aucune autre transaction n’a", reference(id))
            }
            Matched::Person => "parce qu’une personne a rattaché son paiement".to_owned(),
            Matched::Untold => "par des identifiants qui ne sont plus connus".to_owned(),
        };
        let mut sentences =
            vec![format!("Il appartient à la transaction {}{order}, {how}.", transaction.id)];
        let others = story.transactions.iter().filter(|id| **id != transaction.id);
        let part = |id| format!("Il parle aussi de la transaction {id}, pour sa part.");
        sentences.extend(others.map(part));
        return sentences;
    }
    let Some(orphan) = &story.orphan else { return Vec::new() };
    let mut sentences = vec![stands_as(orphan)];
    if story.ownership == Ownership::Foreign {
        sentences.push(
            "Il n’a pas la marque de cette boutique, donc sa commande ne compte pas.".to_owned(),
        );
    }
    sentences.extend(story.leads.iter().map(|lead| leads(log, lead)));
    sentences
}

fn stands_as(orphan: &Orphan) -> String {
    let dismissed = match (&orphan.resolved_at, &orphan.note) {
        (Some(at), Some(note)) => format!(" Il a été écarté le {at}\u{a0}: {note}."),
        _ => String::new(),
    };
    let (id, meaning) = (orphan.id, orphan.kind.meaning().french);
    format!("Il n’appartient à aucune transaction\u{a0}: orphelin {id}, {meaning}.{dismissed}")
}

fn leads(log: &WebhookLog, lead: &Lead) -> String {
    let id = reference(&lead.reference);
    let (this, other) = (mode(log.livemode), mode(!log.livemode));
    let numbers = |ids: &[i64]| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match (&*lead.transactions, &*lead.other_mode) {
        ([], []) => format!("Aucune transaction n’a {id}."),
        ([], others) => format!(
            "La transaction {} ({other}) a {id}, mais ceci est de l’argent {this}.",
            numbers(others)
        ),
        ([one], _) => format!("La transaction {one} a {id}."),
        (several, _) => format!(
            "Les transactions {} ont toutes {id}, qui ne mène donc à aucune.",
            numbers(several)
        ),
    }
}

fn changed(log: &WebhookLog, story: &EventStory) -> Vec<String> {
    let Some((transaction, _)) = &story.matched else { return Vec::new() };
    if story.changes.is_empty() {
        return vec![if log.received_at <= transaction.created_at {
            format!(
                "Il est arrivé avant que la boutique n’enregistre la transaction, le {}, qui l’a \
                 alors repris.",
                transaction.created_at
            )
        } else {
            "Il n’a rien changé\u{a0}: ce qu’il dit était connu, ou quelque chose de plus récent ou \
             de plus définitif l’était."
                .to_owned()
        }];
    }
    let currency = transaction.state.currency;
    let money = |minor| amount(log.provider, minor, currency);
    story.changes.iter().map(|change| one_change(change, money)).collect()
}

fn one_change(change: &CausedChange, money: impl Fn(i64) -> String) -> String {
    let mut parts = Vec::new();
    let (before, after) = change.status;
    if let Some(before) = before.filter(|before| *before != after) {
        parts.push(format!("statut {} → {}", status(before), status(after)));
    }
    for (name, (before, after)) in [("reçu", change.received), ("remboursé", change.refunded)] {
        if before != after {
            parts.push(format!("{name} {} → {}", money(before), money(after)));
        }
    }
    let (before, after) = change.dispute_status;
    if before != after {
        parts.push(format!("litige {} → {}", dispute(before), dispute(after)));
    }
    match parts.is_empty() {
        true => format!("Il a modifié la transaction\u{a0}: {}.", change.change),
        false => format!("Il a modifié la transaction\u{a0}: {}.", parts.join(", ")),
    }
}

fn answered(log: &WebhookLog) -> String {
    if log.source != Source::Webhook {
        return match log.delivery_count {
            1 => "Personne n’attendait de réponse.".to_owned(),
            _ => {
                r#"Le webhook a reçu la réponse 200 {"received":true,"duplicate":true}."#.to_owned()
            }
        };
    }
    let mut sentence = r#"Le prestataire a reçu la réponse 200 {"received":true}"#.to_owned();
    if log.delivery_count > 1 {
        sentence.push_str(r#", et avec "duplicate":true à chaque répétition"#);
    }
    sentence + "."
}

fn mode(livemode: bool) -> &'static str {
    if livemode { "réel" } else { "de test" }
}

fn amount(provider: Provider, minor: i64, currency: Option<Currency>) -> String {
    super::amount(provider, minor, currency).replace('.', ",")
}

fn reference(reference: &Reference) -> String {
    format!("{} {}", object(reference.kind), reference.value)
}

/// What an id names.
pub(crate) fn object(kind: ReferenceKind) -> &'static str {
    match kind {
        ReferenceKind::PaymentIntent => "PaymentIntent",
        ReferenceKind::CheckoutSession => "Checkout Session",
        ReferenceKind::InvoicePayment => "InvoicePayment",
        ReferenceKind::Charge => "débit",
        ReferenceKind::CashBalance => "avoir de l’acheteur",
        ReferenceKind::Invoice => "facture",
        ReferenceKind::Order => "commande PayPal",
        ReferenceKind::Authorization => "autorisation",
        ReferenceKind::Capture => "capture",
        ReferenceKind::Sale => "vente",
        ReferenceKind::Payment => "paiement",
        ReferenceKind::Refund => "remboursement",
        ReferenceKind::Dispute => "litige",
        ReferenceKind::FraudWarning => "alerte de fraude",
        ReferenceKind::Review => "examen",
        ReferenceKind::Subscription => "abonnement",
        ReferenceKind::OrderId | ReferenceKind::ClientReference => "commande",
        ReferenceKind::Other => "identifiant",
    }
}

/// What an event says of an object.
pub(crate) fn state(state: FactState) -> &'static str {
    match state {
        FactState::Created => "créé",
        FactState::RequiresAction => "attend l’acheteur",
        FactState::Processing => "en cours",
        FactState::Authorized => "autorisé",
        FactState::Succeeded => "payé",
        FactState::AttemptFailed => "tentative échouée",
        FactState::Canceled => "annulé",
        FactState::Approved => "approuvé",
        FactState::OrderCompleted => "complet",
        FactState::RefundPending => "en cours",
        FactState::RefundSucceeded => "effectué",
        FactState::RefundFailed => "échoué",
        FactState::RefundCanceled => "annulé",
        FactState::RefundSnapshot => "remboursé jusqu’ici",
        FactState::DisputeInquiry => "demande de la banque",
        FactState::DisputeInquiryClosed => "demande close",
        FactState::DisputeOpen => "ouvert",
        FactState::DisputeWon => "gagné",
        FactState::DisputeLost => "perdu",
        FactState::DisputePrevented => "évité",
        FactState::DisputeClosed => "clos",
        FactState::InvoicePaid => "payé",
        FactState::InvoiceAttemptFailed => "tentative échouée",
        FactState::InvoiceRequiresAction => "attend l’acheteur",
        FactState::InvoicePaymentPaid => "payé",
        FactState::NoPayment => "rien à payer",
        FactState::FraudWarning => "fraude redoutée",
        FactState::ReviewOpened => "ouvert",
        FactState::ReviewClosed => "clos",
        FactState::CashFunded => "en dépôt",
        FactState::CashApplied => "affecté à un paiement",
        FactState::Conflict => "se contredit",
    }
}

/// Where a payment stands.
pub(crate) fn status(status: Status) -> &'static str {
    match status {
        Status::Pending => "en attente",
        Status::RequiresAction => "action requise",
        Status::Processing => "en cours",
        Status::Authorized => "autorisé",
        Status::Failed => "échoué",
        Status::Canceled => "annulé",
        Status::Succeeded => "réussi",
        Status::PartiallyRefunded => "remboursé en partie",
        Status::Refunded => "remboursé",
        Status::Disputed => "contesté",
        Status::ChargedBack => "rétrofacturé",
    }
}

/// Where disputes stand.
pub(crate) fn dispute(status: DisputeStatus) -> &'static str {
    match status {
        DisputeStatus::None => "aucun",
        DisputeStatus::Inquiry => "demande de la banque",
        DisputeStatus::InquiryClosed => "demande close",
        DisputeStatus::Open => "litige ouvert",
        DisputeStatus::Won => "litige gagné",
        DisputeStatus::Lost => "litige perdu",
        DisputeStatus::Prevented => "litige évité",
        DisputeStatus::Closed => "litige clos",
    }
}
