//! A message for people, in the forms that Slack, Discord and ntfy take.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

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
    /// Links to click: what each says, and where it leads. Both are ours.
    pub links: Vec<(String, String)>,
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
    let button = |(label, url): &(String, String)| {
        json!({
            "type": "button",
            "text": { "type": "plain_text", "text": label, "emoji": false },
            "url": url,
        })
    };
    let buttons: Vec<Value> = message.links.iter().map(button).collect();
    let mut blocks = vec![section];
    if !buttons.is_empty() {
        blocks.push(json!({ "type": "actions", "elements": buttons }));
    }
    json!({
        "text": fallback,
        "mrkdwn": false,
        "unfurl_links": false,
        "unfurl_media": false,
        "blocks": blocks,
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
    let mut content = cut(&content, 1_400);
    for (label, url) in &message.links {
        content.push_str(&format!("\n[{label}](<{url}>)"));
    }
    let mut body = json!({
        "content": content,
        "allowed_mentions": { "parse": [] },
        "flags": SUPPRESS_EMBEDS,
    });
    let button = |(label, url): &(String, String)| json!({ "type": BUTTON, "style": LINK, "label": label, "url": url });
    let buttons: Vec<Value> = message.links.iter().map(button).collect();
    if !buttons.is_empty() {
        body["components"] = json!([{ "type": ACTION_ROW, "components": buttons }]);
    }
    body.to_string()
}

/// Discord's kinds of components: <https://docs.discord.com/developers/components/reference>. A webhook that no
/// application owns may not be allowed any: so the links stand in the text too.
const ACTION_ROW: u32 = 1;
const BUTTON: u32 = 2;
const LINK: u32 = 5;

/// Discord's flag of a message whose links are not shown.
const SUPPRESS_EMBEDS: u32 = 4;

/// The body for ntfy, which shows it as it is. Longer ones would become attachments.
pub fn ntfy(message: &Message) -> String {
    let mut text = message.text.clone();
    text.truncate(text.floor_char_boundary(4_000));
    text
}

/// ntfy's buttons, as its header `Actions` has them: <https://docs.ntfy.sh/publish/#action-buttons>.
pub fn ntfy_actions(message: &Message) -> Option<String> {
    let button = |(label, url): &(String, String)| format!("view, {label}, {url}");
    let buttons: Vec<String> = message.links.iter().take(3).map(button).collect();
    let actions = buttons.join("; ");
    match (buttons.is_empty(), actions.is_ascii()) {
        (true, _) => None,
        (false, true) => Some(actions),
        // What a header may not hold, as RFC 2047 has it, which ntfy reads.
        (false, false) => Some(format!("=?UTF-8?B?{}?=", STANDARD.encode(actions))),
    }
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
