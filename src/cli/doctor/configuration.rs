//! The settings: beyond those that the daemon itself refuses or warns of, those that only look wrong, and who
//! else can read the secrets.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::Finding;
use super::installation::{CHECK, Patient};
use crate::config::{self, ApiToken, PaypalVerify, SECRETS};
use crate::domain::secret::Secret;

/// Says what is set, if it can be used, and what is doubtful about it.
pub(super) fn check(patient: &Patient) -> Vec<Finding> {
    let secrets = secrets(patient);
    let mut findings = Vec::new();
    findings.extend(shapes(patient, &secrets));
    findings.extend(equal(&secrets));
    findings.extend(readable(patient));
    findings.extend(summary(patient));
    findings.extend(people(patient));
    findings
}

/// The targets that are notified of problems.
fn people(patient: &Patient) -> Option<Finding> {
    let config = patient.config.as_ref()?;
    let targets: Vec<&str> = config.alerts.targets.iter().map(|one| &*one.name).collect();
    if targets.is_empty() {
        return Some(CHECK.warn("nobody is notified of problems: they show in the dashboard and the log only",
            "set PAYHOOKD_ALERT_URL or PAYHOOKD_ALERT_EMAIL, and try it with `payhookd alerts test`",
        ));
    }
    let report = match config.daily_report {
        Some(at) => format!("and of the day before at {at} ({})", config.time_zone),
        None => "and get no daily report".to_owned(),
    };
    let targets = targets.join(", ");
    Some(CHECK.ok(format!("people are notified of problems ({targets}), {report}")))
}

/// The sum of the settings, so that a person sees whether it is what was meant.
fn summary(patient: &Patient) -> Option<Finding> {
    let config = patient.config.as_ref()?;
    let paypal = config.paypal.as_ref().map(|paypal| match paypal.verify {
        PaypalVerify::Offline { .. } => "PayPal",
        PaypalVerify::Postback => "PayPal by asking its API",
    });
    let providers = config.stripe.iter().map(|_| "Stripe").chain(paypal);
    let providers = providers.collect::<Vec<_>>().join(" and ");
    let told = match &config.notify {
        Some(notify) => format!("the app is notified by {}", notify.target.kind()),
        None => "no app is notified of changes".to_owned(),
    };
    let from = match &patient.env_file {
        Some(file) => format!(", from {}", file.display()),
        None => String::new(),
    };
    Some(CHECK.ok(format!("{} mode; {providers}; {told}{from}", config.mode)))
}

/// Every secret that is set, with its name; one that can't be read is a finding already.
fn secrets(patient: &Patient) -> Vec<(&'static str, Secret)> {
    let of_name = |name: &&'static str| {
        let items = config::secrets(name, &patient.variables).unwrap_or_default();
        items.into_iter().map(|item| (*name, item)).collect::<Vec<_>>()
    };
    SECRETS.iter().flat_map(of_name).collect()
}

/// Secrets that the providers would not give out in this form.
fn shapes(patient: &Patient, secrets: &[(&'static str, Secret)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, secret) in secrets {
        let secret = secret.reveal();
        let doubt = match *name {
            "STRIPE_WEBHOOK_SECRET" if secret.starts_with("whsec_") && secret.len() < 32 => Some((
                "shorter than the signing secrets that Stripe gives out",
                "copy it whole from Stripe's dashboard, Webhooks, your endpoint, Signing secret",
            )),
            "PAYPAL_WEBHOOK_ID" if secret.len() != 17 => Some((
                "not 17 characters long, as PayPal's webhook ids are",
                "copy it whole from PayPal's developer dashboard, your app, Webhooks, Webhook ID",
            )),
            _ => None,
        };
        if let Some((what, remedy)) = doubt {
            findings.push(CHECK.warn(format!("{name} is {what}"), remedy));
        }
    }
    let is_set = |name: &str| {
        let credentials = patient.variable("CREDENTIALS_DIRECTORY").map(Path::new);
        patient.variable(name).is_some()
            || patient.variable(&format!("{name}_FILE")).is_some()
            || credentials.is_some_and(|folder| folder.join(name).exists())
    };
    let pair = ["PAYPAL_CLIENT_ID", "PAYPAL_CLIENT_SECRET"];
    if let [(set, true), (missing, false)] | [(missing, false), (set, true)] =
        pair.map(|name| (name, is_set(name)))
    {
        findings.push(CHECK.warn(
            format!("{set} is set without {missing}: PayPal's API can't be asked"),
            format!("set {missing} too, from PayPal's developer dashboard, your app"),
        ));
    }
    findings
}

/// A secret for two purposes: whoever is told it for one can do the other.
fn equal(secrets: &[(&'static str, Secret)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (place, (name, secret)) in secrets.iter().enumerate() {
        for (other, same) in secrets.iter().skip(place + 1) {
            if same != secret {
                continue;
            }
            findings.push(if name == other {
                CHECK.warn(format!("{name} holds the same secret twice"), "remove one of the two")
            } else {
                CHECK.fail(
                    format!(
                        "{name} and {other} are the same secret: whoever has it for the one can \
                         forge the other"
                    ),
                    "give each its own; `openssl rand -hex 32` prints a new API token, `echo \
                     whsec_$(openssl rand -base64 32)` a new notify secret",
                )
            });
        }
    }
    findings
}

/// Files with secrets or payloads that others than their owner can read.
fn readable(patient: &Patient) -> Vec<Finding> {
    let named = SECRETS.iter().chain(&["PAYPAL_CLIENT_ID"]);
    let files = named.filter_map(|name| patient.variable(&format!("{name}_FILE")));
    let mut files: Vec<PathBuf> = files.map(PathBuf::from).collect();
    files.extend(patient.env_file.clone());
    let token = patient.config.as_ref().map(|config| &config.api_token);
    if let Some(ApiToken::File(file)) = token {
        files.push(file.clone());
    }
    files.push(patient.db.clone());
    files.sort();
    files.dedup();
    // A missing file is a finding elsewhere.
    let of_file = |file: PathBuf| {
        let mode = fs::metadata(&file).ok()?.mode() & 0o777;
        let file = file.display();
        (mode & 0o007 != 0).then(|| {
            CHECK.fail(
                format!("every user of this machine can use {file} (mode {mode:04o})"),
                format!("chmod o= {file}"),
            )
        })
    };
    files.into_iter().filter_map(of_file).collect()
}
