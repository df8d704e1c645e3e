//! Test and inspect alert targets: Slack, Discord, ntfy, or a program that takes JSON.

use std::fmt;
use std::time::Duration;

use ureq::Agent;

use super::message::{self, Message};
use super::{Reply, app};
use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;

string_enum! {
    /// The form of a message.
    Form {
        /// An incoming webhook of Slack's.
        Slack = "slack",
        /// A webhook of Discord's.
        Discord = "discord",
        /// A topic of ntfy's.
        Ntfy = "ntfy",
        /// Any program: one JSON object.
        Json = "json",
    }
}

/// How long one attempt may take, all of it.
const LIMIT: Duration = Duration::from_secs(15);

/// A URL that takes messages. Who knows it can send there, so it is a secret.
pub struct Hook {
    agent: Agent,
    form: Form,
    url: Secret,
}

impl Hook {
    /// The one at `url`.
    pub fn new(form: Form, url: Secret) -> Self {
        Self { agent: app::agent(LIMIT), form, url }
    }

    /// Sends a message. Blocks.
    pub fn send(&self, message: &Message, now: Timestamp) -> Reply {
        let request = self.agent.post(self.url.reveal());
        let sent = match self.form {
            Form::Ntfy => {
                let mut request = request
                    .header("content-type", "text/plain; charset=utf-8")
                    .header("title", "payhookd")
                    .header("priority", message::ntfy_priority(message));
                if let Some(actions) = message::ntfy_actions(message) {
                    request = request.header("actions", actions);
                }
                request.send(message::ntfy(message))
            }
            form => {
                let body = match form {
                    Form::Slack => message::slack(message),
                    Form::Discord => message::discord(message),
                    Form::Ntfy | Form::Json => message.data.to_string(),
                };
                request.header("content-type", "application/json").send(body)
            }
        };
        // An error of the client may name the URL, so only its kind is told.
        app::reply(sent, now, "the target", |why, _| format!("no answer from the target: {why}"))
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (hidden)", self.form)
    }
}
