//! An event in sentences: what it is, what verified it, what it said, where it went and why, what that
//! changed, and the response to the provider. The command line and the dashboard say the same.

use super::{Text, Words};
use crate::domain::event::{Ownership, Source};
use crate::domain::fact::Fact;
use crate::domain::language::Language;
use crate::domain::money::{Currency, Money};
use crate::domain::provider::Provider;
use crate::domain::records::{CausedChange, EventDetail, Lead, Matched, Outcome, WebhookLog};
use crate::domain::reference::Reference;
use crate::domain::time::Timestamp;

texts! {
    /// Sentences about an event, and their parts.
    Explain {
        semicolon: Text = "; ", "\u{a0}; ";
        no_type: Text = "event of no type", "événement sans type";
        /// Of a webhook: the provider, live or test, its type, when.
        sent: fn(Text, Text, &str, Timestamp) -> String =
            |provider, mode, what, at| format!("{provider} sent this {mode} {what} at {at}"),
            |provider, mode, what, at| {
                format!("{provider} a envoyé cet événement ({what}, mode {mode}) le {at}")
            };
        listed: fn(Text, Text, &str, Timestamp) -> String =
            |provider, mode, what, at| {
                format!("payhookd found this {mode} {what} in {provider}'s list of events at {at}")
            },
            |provider, mode, what, at| format!(
                "payhookd a trouvé cet événement ({what}, mode {mode}) dans la liste de \
                 {provider} le {at}"
            );
        looked_up: fn(Text, Text, &str, Timestamp) -> String =
            |provider, mode, what, at| format!(
                "payhookd asked {provider} for this {mode} object at {at}, and stored the \
                 response as {what}"
            ),
            |provider, mode, what, at| format!(
                "payhookd a demandé cet objet (mode {mode}) à {provider} le {at}, et a conservé \
                 la réponse sous le nom {what}"
            );
        /// A webhook that came again: how often, and when last.
        repeated: fn(i64, Timestamp) -> String =
            |number, last| format!(", and {} more, the last time at {last}", times(number)),
            |number, last| format!(", et encore {number} fois, la dernière le {last}");
        brought: fn(i64, Timestamp) -> String =
            |number, last| {
                format!("; webhooks brought it {} later, the last time at {last}", times(number))
            },
            |number, last| {
                format!(", puis des webhooks l’ont apporté {number} fois, la dernière le {last}")
            };
        happened: fn(Timestamp) -> String = |at| format!("; it occurred at {at}"),
            |at| format!("\u{a0}; il est survenu le {at}");
        verified_by_api: fn(&str) -> String =
            |by| format!("It was verified by {by}, called with the shop's own keys."),
            |by| format!("Il a été vérifié par {by}, interrogé avec les clés de la boutique.");
        verified: fn(&str, Text) -> String =
            |by, setting| format!("It was verified by {by} of {setting}."),
            |by, setting| format!("Il a été vérifié par {by} de {setting}.");
        no_reason: Text = "no reason given", "aucune raison indiquée";
        ignored: fn(&str) -> String = |why| format!("It was stored and ignored: {why}."),
            |why| format!("Il a été conservé et ignoré\u{a0}: {why}.");
        failed: fn(&str) -> String =
            |why| format!("It was stored, but could not be processed: {why}."),
            |why| format!("Il a été conservé, mais n’a pas pu être traité\u{a0}: {why}.");
        when_fixed: fn(i64) -> String =
            |id| format!(
                "Once that is fixed, `payhookd events replay {id}` applies it, as does the next \
                 delivery."
            ),
            |id| format!(
                "Une fois cela corrigé, `payhookd events replay {id}` l’applique, tout comme la \
                 prochaine réception."
            );
        read_as: fn(&str) -> String = |facts| format!("It was read as: {facts}."),
            |facts| format!("Il a été lu ainsi\u{a0}: {facts}.");
        carries: fn(&str) -> String = |ids| format!("It carries {ids}."),
            |ids| format!("Il porte {ids}.");
        captured: fn(&str) -> String = |sum| format!("{sum} captured so far"),
            |sum| format!("{sum} encaissé jusqu’ici");
        refunded: fn(&str) -> String = |sum| format!("{sum} refunded so far"),
            |sum| format!("{sum} remboursé jusqu’ici");
        reason: fn(&str) -> String = |reason| format!("reason {reason}"),
            |reason| format!("raison {reason}");
        order: fn(&str) -> String = |order| format!(" (order {order})"),
            |order| format!(" (commande {order})");
        /// The transaction, its order, and how that is known.
        belongs: fn(i64, &str, &str) -> String =
            |id, order, how| format!("It belongs to transaction {id}{order}, {how}."),
            |id, order, how| format!("Il appartient à la transaction {id}{order}, {how}.");
        registered: fn(&str) -> String = |id| format!("by {id}, with which the shop registered it"),
            |id| format!("par {id}, avec lequel la boutique l’a enregistrée");
        learned: fn(&str, &str) -> String =
            |id, event| format!("by {id}, which event {event} linked to it"),
            |id, event| format!("par {id}, que l’événement {event} lui a relié");
        by_order: fn(&str) -> String =
            |order| format!("by the shop's {order}, which no other transaction has"),
            |order| format!("par {order}, qu’aucune autre transaction n’a");
        by_person: Text = "because a person attached its payment",
            "parce qu’une personne a rattaché son paiement";
        by_what_is_gone: Text = "by ids that are no longer known",
            "par des identifiants qui ne sont plus connus";
        also_of: fn(i64) -> String = |id| format!("It is about transaction {id} too, in part."),
            |id| format!("Il concerne aussi en partie la transaction {id}.");
        orphan: fn(i64, Text) -> String =
            |id, meaning| format!("It matches no transaction (orphan {id}): {meaning}."),
            |id, meaning| format!("Il n’a pas de transaction (orphelin {id})\u{a0}: {meaning}.");
        dismissed: fn(Timestamp, &str) -> String =
            |at, note| format!(" It was dismissed at {at}: {note}."),
            |at, note| format!(" Il a été écarté le {at}\u{a0}: {note}.");
        foreign: Text = "It lacks this shop's mark, so its order id does not count.",
            "Il n’a pas la marque de cette boutique\u{a0}: sa commande ne compte pas.";
        came_before: fn(Timestamp) -> String =
            |at| format!(
                "It came before the shop registered the transaction, at {at}, which then adopted \
                 it."
            ),
            |at| format!(
                "Il est arrivé avant que la boutique n’enregistre la transaction, le {at}, qui \
                 l’a alors repris."
            );
        changed_nothing: Text =
            "It changed nothing: what it says was known, or something later or more final was.",
            "Il n’a rien changé\u{a0}: cela, ou un fait plus récent ou plus définitif, était déjà \
             connu.";
        changed: fn(&str) -> String = |what| format!("It changed the transaction: {what}."),
            |what| format!("Il a modifié la transaction\u{a0}: {what}.");
        status: fn(&str, &str) -> String = |before, after| format!("status {before} → {after}"),
            |before, after| format!("statut {before} → {after}");
        sum_received: fn(&str, &str) -> String =
            |before, after| format!("received {before} → {after}"),
            |before, after| format!("reçu {before} → {after}");
        sum_refunded: fn(&str, &str) -> String =
            |before, after| format!("refunded {before} → {after}"),
            |before, after| format!("remboursé {before} → {after}");
        dispute: fn(&str, &str) -> String = |before, after| format!("dispute {before} → {after}"),
            |before, after| format!("litige {before} → {after}");
        answered: Text = r#"The response was 200 {"received":true}"#,
            r#"La réponse était 200 {"received":true}"#;
        answered_again: Text = r#", and with "duplicate":true to each repetition"#,
            r#", et avec "duplicate":true à chaque répétition"#;
        nobody_waited: Text = "No webhook waited for a response.",
            "Aucun webhook n’attendait de réponse.";
        webhook_answered: Text =
            r#"The response to the webhook was 200 {"received":true,"duplicate":true}."#,
            r#"La réponse au webhook était 200 {"received":true,"duplicate":true}."#;
        redacted: fn(Timestamp) -> String =
            |at| format!(
                "Personal data in it was removed at {at} (payhookd forget); the hash of its body \
                 is that of the original."
            ),
            |at| format!(
                "Les données personnelles en ont été supprimées le {at} (payhookd forget)\u{a0}; \
                 l’empreinte de son contenu est celle de l’original."
            );
        removed: Text =
            "Its body and headers were removed, because it was old and settled (--keep-payloads); \
             its facts stay and count, and so does the hash of its body.",
            "Son contenu et ses en-têtes ont été supprimés, car il était ancien et réglé \
             (--keep-payloads)\u{a0}; ses faits restent et comptent, ainsi que l’empreinte de son \
             contenu.";
    }
}

texts! {
    /// What one id of an orphan's event leads to: as a sentence that names the id, and as a phrase beside it.
    Leads {
        none: fn(&str) -> String = |id| format!("No transaction has {id}."),
            |id| format!("Aucune transaction n’a {id}.");
        it_none: Text = "no transaction has it", "aucune transaction ne l’a";
        /// The transactions, their mode, the id, its mode.
        other_mode: fn(&str, Text, &str, Text) -> String =
            |ids, other, id, this| format!(
                "Transaction {ids} in {other} mode has {id}, but this event is in {this} mode."
            ),
            |ids, other, id, this| format!(
                "La transaction {ids} en mode {other} a {id}, mais cet événement est en mode \
                 {this}."
            );
        it_other_mode: fn(&str, Text, Text) -> String =
            |ids, other, this| {
                format!("transaction {ids} in {other} mode has it, but this is in {this} mode")
            },
            |ids, other, this| {
                format!("la transaction {ids} en mode {other} l’a, mais ceci est en mode {this}")
            };
        one: fn(i64, &str) -> String = |one, id| format!("Transaction {one} has {id}."),
            |one, id| format!("La transaction {one} a {id}.");
        it_one: fn(i64) -> String = |one| format!("transaction {one} has it"),
            |one| format!("la transaction {one} l’a");
        several: fn(&str, &str) -> String =
            |ids, id| format!("Transactions {ids} all have {id}, so it leads to none of them."),
            |ids, id| format!("Les transactions {ids} ont toutes {id}, qui ne mène donc à aucune.");
        it_several: fn(&str) -> String =
            |ids| format!("transactions {ids} all have it, so it leads to none of them"),
            |ids| format!("les transactions {ids} l’ont toutes, il ne mène donc à aucune");
    }
}

/// The sentences in this language, in the order in which things happened. Ids and names in them are the
/// sender's, and not made safe for a terminal or a page.
pub fn event(language: Language, log: &WebhookLog, story: &EventDetail) -> Vec<String> {
    let words = Words::of(language);
    AlertWorker { words, texts: &words.explain, log, story }.sentences()
}

/// Whoever tells of an event: what is said, and with which values.
#[derive(Clone, Copy)]
struct AlertWorker<'a> {
    words: &'static Words,
    texts: &'static Explain,
    log: &'a WebhookLog,
    story: &'a EventDetail,
}

impl AlertWorker<'_> {
    fn sentences(self) -> Vec<String> {
        let texts = self.texts;
        let mut sentences = vec![self.received(), self.verified()];
        sentences.extend(self.read());
        sentences.extend(self.found());
        sentences.extend(self.changed());
        sentences.push(self.answered());
        sentences.extend(self.story.redacted_at.map(texts.redacted));
        sentences.extend(self.log.payload.is_none().then(|| texts.removed.to_owned()));
        sentences
    }

    fn received(self) -> String {
        let (texts, log) = (self.texts, self.log);
        let what = match &*log.event_type {
            "" => texts.no_type,
            event_type => event_type,
        };
        let say = match log.source {
            Source::Webhook => texts.sent,
            Source::CatchUp => texts.listed,
            Source::Object => texts.looked_up,
        };
        let mut sentence =
            say(log.provider.name(), self.words.mode(log.livemode), what, log.received_at);
        if log.delivery_count > 1 {
            let say = match log.source {
                Source::Webhook => texts.repeated,
                Source::CatchUp | Source::Object => texts.brought,
            };
            sentence.push_str(&say(log.delivery_count - 1, log.last_received_at));
        }
        sentence.extend(log.occurred_at.map(texts.happened));
        sentence + "."
    }

    fn verified(self) -> String {
        let (texts, by) = (self.texts, &self.log.proof);
        match self.log.provider {
            _ if self.log.source != Source::Webhook => (texts.verified_by_api)(by),
            Provider::Stripe => (texts.verified)(by, "STRIPE_WEBHOOK_SECRET"),
            Provider::Paypal => (texts.verified)(by, "PAYPAL_WEBHOOK_ID"),
        }
    }

    fn read(self) -> Vec<String> {
        let (texts, log) = (self.texts, self.log);
        let why = log.error.as_deref().unwrap_or(texts.no_reason);
        match log.status {
            Outcome::Ignored => vec![(texts.ignored)(why)],
            Outcome::Failed => vec![(texts.failed)(why), (texts.when_fixed)(log.id)],
            Outcome::Processed | Outcome::Orphan => {
                let facts: Vec<_> = self.story.facts.iter().map(|fact| self.fact(fact)).collect();
                let ids: Vec<_> =
                    self.story.references.iter().map(|id| self.reference(id)).collect();
                vec![
                    (texts.read_as)(&facts.join(texts.semicolon)),
                    (texts.carries)(&ids.join(", ")),
                ]
            }
        }
    }

    fn fact(self, fact: &Fact) -> String {
        let texts = self.texts;
        let currency = fact.amount.as_ref().map(|amount| amount.currency);
        let sum = |minor| self.sum(minor, currency);
        let object = self.words.reference(fact.object);
        let state = self.words.fact(fact.state);
        let mut parts =
            vec![format!("{object} {}{}{state}", fact.object_id, self.words.common.colon)];
        parts.extend(fact.amount.map(|amount| sum(amount.minor)));
        parts.extend(fact.captured.map(|captured| (texts.captured)(&sum(captured))));
        parts.extend(fact.refunded.map(|refunded| (texts.refunded)(&sum(refunded))));
        parts.extend(fact.reason.as_deref().map(texts.reason));
        parts.join(", ")
    }

    /// Where it went, and why.
    fn found(self) -> Vec<String> {
        let (texts, story) = (self.texts, self.story);
        if let Some((transaction, how)) = &story.matched {
            let order = transaction.order_id.as_deref().map(texts.order).unwrap_or_default();
            let how = match how {
                Matched::Registered(id) => (texts.registered)(&self.reference(id)),
                Matched::Learned(id, event) => (texts.learned)(&self.reference(id), event),
                Matched::OrderId(id) => (texts.by_order)(&self.reference(id)),
                Matched::Person => texts.by_person.to_owned(),
                Matched::Untold => texts.by_what_is_gone.to_owned(),
            };
            let others = story.transactions.iter().filter(|id| **id != transaction.id);
            let mut sentences = vec![(texts.belongs)(transaction.id, &order, &how)];
            sentences.extend(others.map(|id| (texts.also_of)(*id)));
            return sentences;
        }
        let Some(orphan) = &story.orphan else { return Vec::new() };
        let mut sentences = vec![(texts.orphan)(orphan.id, self.words.orphan_meaning(orphan.kind))];
        if let (Some(at), Some(note)) = (orphan.resolved_at, &orphan.note) {
            sentences[0].push_str(&(texts.dismissed)(at, note));
        }
        if story.ownership == Ownership::Foreign {
            sentences.push(texts.foreign.to_owned());
        }
        sentences.extend(story.leads.iter().map(|lead| self.lead(lead)));
        sentences
    }

    fn lead(self, lead: &Lead) -> String {
        let (texts, id) = (&self.words.leads, self.reference(&lead.reference));
        let (this, other) =
            (self.words.mode(self.log.livemode), self.words.mode(!self.log.livemode));
        match (&*lead.transactions, &*lead.other_mode) {
            ([], []) => (texts.none)(&id),
            ([], others) => (texts.other_mode)(&listed(others), other, &id, this),
            ([one], _) => (texts.one)(*one, &id),
            (several, _) => (texts.several)(&listed(several), &id),
        }
    }

    fn changed(self) -> Vec<String> {
        let (texts, story) = (self.texts, self.story);
        let Some((transaction, _)) = &story.matched else { return Vec::new() };
        if !story.changes.is_empty() {
            let currency = transaction.state.currency;
            return story.changes.iter().map(|change| self.change(change, currency)).collect();
        }
        vec![match self.log.received_at <= transaction.created_at {
            true => (texts.came_before)(transaction.created_at),
            false => texts.changed_nothing.to_owned(),
        }]
    }

    fn change(self, change: &CausedChange, currency: Option<Currency>) -> String {
        let texts = self.texts;
        let mut parts = Vec::new();
        let (before, after) = change.status;
        let before = before.filter(|before| *before != after);
        let name = |status| self.words.status(status);
        parts.extend(before.map(|before| (texts.status)(name(before), name(after))));
        for (say, (before, after)) in
            [(texts.sum_received, change.received), (texts.sum_refunded, change.refunded)]
        {
            let sum = |minor| self.sum(minor, currency);
            parts.extend((before != after).then(|| say(&sum(before), &sum(after))));
        }
        let (before, after) = change.dispute_status;
        let name = |status| self.words.dispute(status);
        parts.extend((before != after).then(|| (texts.dispute)(name(before), name(after))));
        match parts.is_empty() {
            true => (texts.changed)(&change.change),
            false => (texts.changed)(&parts.join(", ")),
        }
    }

    fn answered(self) -> String {
        let (texts, is_repeated) = (self.texts, self.log.delivery_count > 1);
        match (self.log.source, is_repeated) {
            (Source::Webhook, false) => format!("{}.", texts.answered),
            (Source::Webhook, true) => format!("{}{}.", texts.answered, texts.answered_again),
            (_, false) => texts.nobody_waited.to_owned(),
            (_, true) => texts.webhook_answered.to_owned(),
        }
    }

    fn reference(self, reference: &Reference) -> String {
        format!("{} {}", self.words.reference(reference.kind), reference.value)
    }

    fn sum(self, minor: i64, currency: Option<Currency>) -> String {
        match currency {
            Some(currency) => {
                let decimal = Money { minor, currency }.to_decimal(self.log.provider);
                (self.words.common.sum)(&decimal, currency)
            }
            None => minor.to_string(),
        }
    }
}

impl Words {
    /// What one id of an orphan's event leads to, as a phrase.
    pub(crate) fn lead(&self, lead: &Lead, livemode: bool) -> String {
        let texts = &self.leads;
        match (&*lead.transactions, &*lead.other_mode) {
            ([], []) => texts.it_none.to_owned(),
            ([], others) => {
                (texts.it_other_mode)(&listed(others), self.mode(!livemode), self.mode(livemode))
            }
            ([one], _) => (texts.it_one)(*one),
            (several, _) => (texts.it_several)(&listed(several)),
        }
    }
}

fn listed(ids: &[i64]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// How often, in English.
fn times(number: i64) -> String {
    match number {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        number => format!("{number} times"),
    }
}
