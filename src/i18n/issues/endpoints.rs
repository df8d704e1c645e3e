//! What is said of webhook endpoints that are not set up as they should be.

use super::{Audience, say};
use crate::domain::endpoint::{Fault, Flaw};
use crate::domain::issue::Texts;
use crate::domain::provider::Provider;
use crate::providers::endpoints::webhook_path;

/// The first fault is named, with what mends it; what else is wrong stands beside it.
pub(super) fn texts(to: Audience<'_>, faults: &[Fault]) -> Texts {
    let Some((worst, others)) = faults.split_first() else { return Texts::default() };
    let lost = match worst.flaw.loses_all() {
        true => say!(to, "No event comes by it.", "Aucun événement n’arrive par elle.",),
        false => say!(
            to,
            "What these events would tell is not known here.",
            "Ce que diraient ces événements n’est pas connu ici.",
        ),
    };
    let others = others.iter().map(|fault| fault.said(to).0);
    let (title, remedy) = worst.said(to);
    Texts {
        title,
        detail: std::iter::once(lost).chain(others).collect::<Vec<_>>().join(" "),
        remedy,
    }
}

impl Fault {
    /// What is wrong, and the command or click that mends it.
    pub fn said(&self, to: Audience<'_>) -> (String, String) {
        let (provider, name) = (self.provider, self.provider.name());
        let base = self.public_url.as_deref().unwrap_or("https://…");
        let create = format!("`payhookd endpoints create --provider {provider} --url {base}`");
        match &self.flaw {
            Flaw::Missing => (
                say!(
                    to,
                    "{name} has no webhook endpoint for this daemon",
                    "{name} n’a aucune adresse de webhook pour ce service",
                ),
                create,
            ),
            Flaw::UnknownId => (
                say!(
                    to,
                    "the app of PAYPAL_CLIENT_ID has no webhook with the id in PAYPAL_WEBHOOK_ID",
                    "l’application de PAYPAL_CLIENT_ID n’a aucun webhook avec l’identifiant de \
                     PAYPAL_WEBHOOK_ID",
                ),
                say!(
                    to,
                    "copy the Webhook ID of this app, or: {create}",
                    "copiez le Webhook ID de cette application, ou\u{a0}: {create}",
                ),
            ),
            Flaw::OnlyElsewhere { url } => (
                say!(
                    to,
                    "{name} sends webhooks to {url}, not to {base}",
                    "{name} envoie les webhooks à {url}, non à {base}",
                ),
                say!(
                    to,
                    "correct PAYHOOKD_PUBLIC_URL if that is this machine, or: {create}",
                    "corrigez PAYHOOKD_PUBLIC_URL si c’est cette machine, ou\u{a0}: {create}",
                ),
            ),
            Flaw::Elsewhere { id, url } => {
                let here = format!("{base}{}", webhook_path(provider));
                (
                    say!(
                        to,
                        "{name} sends the webhooks of {id} to {url}, which is not here",
                        "{name} envoie les webhooks de {id} à {url}, qui n’est pas ici",
                    ),
                    say!(to, "set its URL to {here}", "donnez-lui l’URL {here}"),
                )
            }
            Flaw::Disabled { id } => (
                say!(
                    to,
                    "{name} has disabled the webhook endpoint {id}, so nothing is sent",
                    "{name} a désactivé l’adresse de webhook {id}, donc rien n’est envoyé",
                ),
                say!(
                    to,
                    "enable it in Stripe's dashboard, Developers, Webhooks; then: `payhookd reconcile`",
                    "activez-la dans le tableau de bord de Stripe, Developers, Webhooks\u{a0}; \
                     puis\u{a0}: `payhookd reconcile`",
                ),
            ),
            Flaw::WrongMode { id, livemode } => {
                let (live, test) = (say!(to, "live", "réel"), say!(to, "test", "de test"));
                let (own, theirs) = if *livemode { (live, test) } else { (test, live) };
                (
                    say!(
                        to,
                        "the webhook endpoint {id} is about {theirs} money, not {own}",
                        "l’adresse de webhook {id} est pour l’argent {theirs}, non {own}",
                    ),
                    say!(
                        to,
                        "make one for {own} money: {create}",
                        "créez-en une pour l’argent {own}\u{a0}: {create}",
                    ),
                )
            }
            Flaw::Types { id, missing } => {
                let missing = missing.join(", ");
                let place = match provider {
                    Provider::Stripe => say!(
                        to,
                        "Stripe's dashboard, Developers, Webhooks",
                        "le tableau de bord de Stripe, Developers, Webhooks",
                    ),
                    Provider::Paypal => say!(
                        to,
                        "PayPal's developer dashboard, your app, Webhooks",
                        "le tableau de bord des développeurs de PayPal, votre application, Webhooks",
                    ),
                };
                (
                    say!(
                        to,
                        "the webhook endpoint {id} does not send {missing}",
                        "l’adresse de webhook {id} n’envoie pas {missing}",
                    ),
                    say!(to, "add these types in {place}", "ajoutez ces types dans {place}"),
                )
            }
            Flaw::Version { id, version, known } => (
                say!(
                    to,
                    "the webhook endpoint {id} renders events in version {version}, which is newer than \
                     this payhookd: {known}",
                    "l’adresse de webhook {id} écrit les événements en version {version}, plus récente que \
                     ce payhookd\u{a0}: {known}",
                ),
                say!(
                    to,
                    "upgrade payhookd, or see whether events fail",
                    "mettez payhookd à jour, ou voyez si des événements échouent",
                ),
            ),
        }
    }
}
