//! What is wrong with a webhook endpoint, and how to fix it.

use super::{Text, Words};
use crate::domain::event::Provider;
use crate::domain::language::Spoken;
use crate::providers::endpoints::{Fault, Flaw, webhook_path};
use crate::providers::stripe::api::VERSION;

texts! {
    /// Faults of webhook endpoints, as phrases, and what to do.
    Endpoints {
        unknown_id: Text =
            "the app of PAYPAL_CLIENT_ID has no webhook with the id in PAYPAL_WEBHOOK_ID",
            "l’application de PAYPAL_CLIENT_ID n’a aucun webhook avec l’identifiant de \
             PAYPAL_WEBHOOK_ID";
        copy_id: fn(&str) -> String =
            |create| format!("copy the Webhook ID of this app, or: {create}"),
            |create| format!("copiez le Webhook ID de cette application, ou\u{a0}: {create}");
        missing: fn(Text) -> String =
            |provider| format!("{provider} has no webhook endpoint for this daemon"),
            |provider| format!("{provider} n’a aucune adresse de webhook pour ce service");
        /// The provider, the URL of the only one like ours, and what the URL should begin with.
        other: fn(Text, &str, &str) -> String =
            |provider, url, base| format!("{provider} sends webhooks to {url}, not to {base}"),
            |provider, url, base| format!("{provider} envoie les webhooks à {url}, non à {base}");
        correct_base: fn(&str) -> String =
            |create| format!("correct PAYHOOKD_PUBLIC_URL if that is this machine, or: {create}"),
            |create| {
                format!("corrigez PAYHOOKD_PUBLIC_URL si c’est cette machine, ou\u{a0}: {create}")
            };
        elsewhere: fn(Text, &str, &str) -> String =
            |provider, id, url| {
                format!("{provider} sends the webhooks of {id} to {url}, which is not here")
            },
            |provider, id, url| {
                format!("{provider} envoie les webhooks de {id} à {url}, qui n’est pas ici")
            };
        set_url: fn(&str) -> String = |url| format!("set its URL to {url}"),
            |url| format!("donnez-lui l’URL {url}");
        disabled: fn(Text, &str) -> String =
            |provider, id| {
                format!("{provider} has disabled the webhook endpoint {id}, so nothing is sent")
            },
            |provider, id| {
                format!("{provider} a désactivé l’adresse de webhook {id}, donc rien n’est envoyé")
            };
        enable: Text =
            "enable it in Stripe's dashboard, Developers, Webhooks; then: `payhookd reconcile`",
            "activez-la dans le tableau de bord de Stripe, Developers, Webhooks\u{a0}; puis\u{a0}: \
             `payhookd reconcile`";
        /// The endpoint, its mode, and the daemon's.
        wrong_mode: fn(&str, Text, Text) -> String =
            |id, theirs, own| {
                format!("the webhook endpoint {id} is in {theirs} mode, not in {own} mode")
            },
            |id, theirs, own| {
                format!("l’adresse de webhook {id} est en mode {theirs}, non en mode {own}")
            };
        create_for: fn(Text, &str) -> String =
            |own, create| format!("create one in {own} mode: {create}"),
            |own, create| format!("créez-en une en mode {own}\u{a0}: {create}");
        types: fn(&str, &str) -> String =
            |id, missing| format!("the webhook endpoint {id} does not send {missing}"),
            |id, missing| format!("l’adresse de webhook {id} n’envoie pas {missing}");
        add_at_stripe: Text = "add these types in Stripe's dashboard, Developers, Webhooks",
            "ajoutez ces types dans le tableau de bord de Stripe, Developers, Webhooks";
        add_at_paypal: Text =
            "add these types in PayPal's developer dashboard, your app, Webhooks",
            "ajoutez ces types dans le tableau de bord des développeurs de PayPal, votre \
             application, Webhooks";
        version: fn(&str, &str) -> String =
            |id, version| format!(
                "the webhook endpoint {id} renders events in version {version}, which is newer than \
                 this payhookd: {VERSION}"
            ),
            |id, version| format!(
                "l’adresse de webhook {id} écrit les événements en version {version}, plus récente \
                 que ce payhookd\u{a0}: {VERSION}"
            );
        upgrade: Text = "upgrade payhookd, or check whether events fail",
            "mettez payhookd à jour, ou vérifiez si des événements échouent";
    }
}

impl Words {
    /// What is wrong with an endpoint, as a phrase.
    fn fault(&self, fault: &Fault) -> String {
        let (texts, provider) = (&self.endpoints, fault.provider.name());
        let (by_id, own) = (fault.wanted.has_id(fault.provider), fault.wanted.livemode);
        let (id, url) = fault.endpoint.as_ref().map_or(("", ""), |one| (&*one.id, &*one.url));
        match fault.flaw {
            Flaw::Missing if by_id => texts.unknown_id.to_owned(),
            Flaw::Missing => (texts.missing)(provider),
            Flaw::Elsewhere if by_id => (texts.elsewhere)(provider, id, url),
            Flaw::Elsewhere => (texts.other)(provider, url, base(fault)),
            Flaw::Disabled => (texts.disabled)(provider, id),
            Flaw::WrongMode => (texts.wrong_mode)(id, self.mode(!own), self.mode(own)),
            Flaw::Types => {
                let one = fault.endpoint.as_ref();
                let missing = one.map(|one| one.missing_types(fault.provider)).unwrap_or_default();
                (texts.types)(id, &missing.join(", "))
            }
            Flaw::Version => {
                let version = fault.endpoint.as_ref().and_then(|one| one.api_version.as_deref());
                (texts.version)(id, version.unwrap_or_default())
            }
        }
    }

    /// The command or click that fixes it.
    fn fix(&self, fault: &Fault) -> String {
        let (texts, provider, base) = (&self.endpoints, fault.provider, base(fault));
        let by_id = fault.wanted.has_id(provider);
        let create = format!("`payhookd endpoints create --provider {provider} --url {base}`");
        match (fault.flaw, provider) {
            (Flaw::Missing, _) if by_id => (texts.copy_id)(&create),
            (Flaw::Missing, _) => create,
            (Flaw::Elsewhere, _) if by_id => {
                (texts.set_url)(&format!("{base}{}", webhook_path(provider)))
            }
            (Flaw::Elsewhere, _) => (texts.correct_base)(&create),
            (Flaw::Disabled, _) => texts.enable.to_owned(),
            (Flaw::WrongMode, _) => (texts.create_for)(self.mode(fault.wanted.livemode), &create),
            (Flaw::Types, Provider::Stripe) => texts.add_at_stripe.to_owned(),
            (Flaw::Types, Provider::Paypal) => texts.add_at_paypal.to_owned(),
            (Flaw::Version, _) => texts.upgrade.to_owned(),
        }
    }
}

/// What URLs should begin with.
fn base(fault: &Fault) -> &str {
    fault.wanted.public_url.as_deref().unwrap_or("https://…")
}

impl Fault {
    /// What it is, as a phrase in each language.
    pub fn what(&self) -> Spoken<String> {
        Spoken { english: Words::ENGLISH.fault(self), french: Words::FRENCH.fault(self) }
    }

    /// The command or click that fixes it, in each language.
    pub fn remedy(&self) -> Spoken<String> {
        Spoken { english: Words::ENGLISH.fix(self), french: Words::FRENCH.fix(self) }
    }
}
