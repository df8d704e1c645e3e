//! A message for people, in the forms that Slack, Discord and ntfy take.

use crate::domain::issue::Severity;
use crate::telemetry::line::is_obeyed;
use serde_json::Value;
use serde_json::json;

/// A message, before it has a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// One line.
    pub subject: String,
    /// Lines.
    pub text: String,
    /// How much it matters.
    pub severity: Severity,
    /// The same for a program.
    pub data: Value,
}

/// What shows at a glance how much something matters.
pub(crate) fn mark(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "🔴",
        Severity::Warning => "🟠",
        Severity::Notice => "🔵",
    }
}

/// A sender's text within a line: what would end the line or turn the direction of text is shown as a
/// mark.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|one| if is_obeyed(one) { '\u{fffd}' } else { one }).collect()
}

/// The body for an incoming webhook of Slack's. Plain text has no markup and no mentions there; the
/// fallback for notifications would, so its three significant characters are escaped.
pub fn slack(message: &Message) -> String {
    let text = cut(&message.text, 2_900);
    let fallback =
        cut(&message.subject, 300).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let section = json!({
        "type": "section",
        "text": { "type": "plain_text", "text": text, "emoji": false },
    });
    json!({
        "text": fallback,
        "mrkdwn": false,
        "unfurl_links": false,
        "unfurl_media": false,
        "blocks": [section],
    })
    .to_string()
}

/// The body for a webhook of Discord's: nobody is mentioned, nothing is marked up, no link is fetched.
pub fn discord(message: &Message) -> String {
    let mut content = String::new();
    for character in message.text.chars() {
        if character.is_ascii_punctuation() {
            content.push('\\');
        }
        content.push(character);
    }
    json!({
        "content": cut(&content, 1_900),
        "allowed_mentions": { "parse": [] },
        "flags": SUPPRESS_EMBEDS,
    })
    .to_string()
}

/// Discord's flag of a message whose links are not shown.
const SUPPRESS_EMBEDS: u32 = 4;

/// The body for ntfy, which shows it as it is. Longer ones would become attachments.
pub fn ntfy(message: &Message) -> String {
    let mut text = message.text.clone();
    text.truncate(text.floor_char_boundary(4_000));
    text
}

/// ntfy's priority, from 1 to 5.
pub fn ntfy_priority(message: &Message) -> &'static str {
    match message.severity {
        Severity::Critical => "5",
        Severity::Warning => "4",
        Severity::Notice => "3",
    }
}

/// No longer than the other side takes.
fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        None => text.to_owned(),
        // What is escaped is cut before its mark.
        Some((end, _)) => format!("{}…", text[..end].trim_end_matches('\\')),
    }
}
