//! What an alert says, in the form that its reader takes.
//!
//! Texts of issues may hold what a sender wrote (an order id is whatever the shop or a buyer typed), so
//! each form takes the meaning from it: no line of a message, no mention and no markup comes from there.

use std::cmp::Reverse;

use super::links::{Link, Links};
use crate::clients::message::{Message, mark, plain};
use serde_json::{Value, json};

use crate::domain::issue::{News, Severity, Texts};
use crate::domain::language::Language;
use crate::domain::records::Issue;
use crate::domain::zone::Zone;
use crate::i18n::Words;
use crate::i18n::issues::Audience;
use crate::json::rows;

/// What is said of one issue.
#[derive(Clone, Debug)]
pub struct Said {
    /// The issue as it stands.
    pub issue: Issue,
    /// What there is to say of it.
    pub news: News,
}

impl Message {
    /// One message about some issues.
    pub fn about(said: &[Said], zone: &Zone, language: Language, links: Links<'_>) -> Self {
        let (to, words) = (Audience { language, zone }, Words::of(language));
        // The worst first; what is over last.
        let mut said: Vec<&Said> = said.iter().collect();
        said.sort_by_key(|one| (Reverse(weight(one)), one.issue.id));
        let paragraphs: Vec<String> =
            said.iter().map(|one| paragraph(one, links.of(&one.issue, words), to)).collect();
        let buttons: Vec<Link> = match &*said {
            [one] if one.news != News::Closed => links.of(&one.issue, words),
            [_] => Vec::new(),
            _ => links.of_all(words).into_iter().collect(),
        };
        let subject = match &*said {
            [one] => headline(one, to),
            many => (Words::of(language).alerts.issues)(many.len()),
        };
        let data = said.iter().map(|one| {
            let mut shown = rows::issue(&one.issue);
            shown["news"] = one.news.as_str().into();
            let urls = links.of(&one.issue, words).into_iter().map(|link| link.url);
            shown["links"] = urls.collect();
            shown
        });
        let text = paragraphs.join("\n\n");
        Self {
            severity: said.iter().map(|one| weight(one)).max().unwrap_or(Severity::Notice),
            data: json!({ "type": "alert", "text": text, "issues": data.collect::<Value>() }),
            links: buttons.into_iter().map(|link| (link.label, link.url)).collect(),
            subject,
            text,
        }
    }

    /// A message about what no issue can be opened for.
    pub fn urgent(texts: &Texts, language: Language) -> Self {
        let (severity, words) = (Severity::Critical, &Words::of(language).alerts);
        let subject = plain(&texts.title);
        let to_do = (words.to_do)(&plain(&texts.remedy));
        let text = format!("{} {subject}\n{}\n{to_do}", mark(severity), plain(&texts.detail));
        let data = json!({ "type": "alert", "text": text, "issues": [] });
        Self { subject, text, severity, links: Vec::new(), data }
    }

    /// A message that shows that messages arrive.
    pub fn test() -> Self {
        let subject = "payhookd: a test".to_owned();
        let text = "This is what `payhookd alerts test` sends: alerts arrive here.".to_owned();
        let data = json!({ "type": "test", "text": text });
        Self { subject, text, severity: Severity::Notice, links: Vec::new(), data }
    }
}

/// How much what there is to say matters now.
fn weight(said: &Said) -> Severity {
    match said.news {
        News::Closed => Severity::Notice,
        News::Opened | News::Again => said.issue.severity,
    }
}

fn headline(said: &Said, to: Audience<'_>) -> String {
    let title = plain(&said.issue.texts(to).0.title);
    let words = &Words::of(to.language).alerts;
    match said.news {
        News::Opened => title,
        News::Again => (words.again)(&title),
        News::Closed => (words.over)(&title),
    }
}

fn paragraph(said: &Said, links: Vec<Link>, to: Audience<'_>) -> String {
    let (issue, words, zone) = (&said.issue, &Words::of(to.language).alerts, to.zone);
    let (texts, _) = issue.texts(to);
    let mark = if said.news == News::Closed { "✅" } else { mark(issue.severity) };
    let mut lines = vec![format!("{mark} {}", headline(said, to))];
    if !texts.detail.is_empty() {
        lines.push(plain(&texts.detail));
    }
    if said.news != News::Closed && !texts.remedy.is_empty() {
        lines.push((words.to_do)(&plain(&texts.remedy)));
    }
    if said.news != News::Closed {
        lines.extend(links.into_iter().map(|link| format!("{}: {}", link.label, link.url)));
    }
    let (since, until) = (zone.show(issue.opened_at), issue.closed_at.map(|at| zone.show(at)));
    let zone = zone.to_string();
    lines.push((words.issue)(issue.id, &since, until.as_deref(), issue.count, &zone));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clients::message::{discord, ntfy, ntfy_actions, slack};
    use crate::domain::issue::{IssueKind, Texts};
    use crate::domain::records::Details;
    use crate::domain::time::Timestamp;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).expect("a time")
    }

    fn said(title: &str, news: News) -> Said {
        let closed_at = (news == News::Closed).then(|| at("2026-11-23T13:00:00Z"));
        Said {
            issue: Issue {
                id: 7,
                kind: IssueKind::Orphan,
                subject: "3".to_owned(),
                severity: Severity::Warning,
                details: Details::Prose {
                    english: Texts::new(
                        title,
                        "No transaction is registered.",
                        "`payhookd orphans show 3`",
                    ),
                    french: Some(Texts::new("Orphelin", "Aucune transaction.", "`payhookd`")),
                },
                ending: None,
                opened_at: at("2026-11-23T11:52:03Z"),
                last_seen_at: at("2026-11-23T11:52:03Z"),
                count: 2,
                news: 1,
                dismissed_at: None,
                closed_at,
            },
            news,
        }
    }

    #[test]
    fn a_message_says_what_is_wrong_what_to_do_and_since_when() {
        let message = Message::about(
            &[said("Orphan: 49.99 EUR", News::Opened)],
            &Zone::UTC,
            Language::English,
            Links::default(),
        );
        assert_eq!(message.subject, "Orphan: 49.99 EUR");
        assert_eq!(
            message.text,
            "🟠 Orphan: 49.99 EUR\nNo transaction is registered.\nHow to fix: `payhookd orphans show 3`\n\
             Issue 7, since 2026-11-23 11:52, 2 times (UTC)"
        );
        assert_eq!(message.severity, Severity::Warning);
        assert_eq!(message.data["issues"][0]["news"], "opened");
        let over = Message::about(
            &[said("Orphan: 49.99 EUR", News::Closed)],
            &Zone::UTC,
            Language::English,
            Links::default(),
        );
        assert_eq!(
            over.text,
            "✅ Closed: Orphan: 49.99 EUR\nNo transaction is registered.\n\
             Issue 7, since 2026-11-23 11:52 until 2026-11-23 13:00, 2 times (UTC)"
        );
        assert_eq!(over.severity, Severity::Notice);
        let both = Message::about(
            &[said("One", News::Again), said("Two", News::Closed)],
            &Zone::UTC,
            Language::English,
            Links::default(),
        );
        assert_eq!(both.subject, "payhookd: 2 issues");
        assert!(both.text.contains("Again: One") && both.text.contains("\n\n✅ Closed: Two"));
    }

    #[test]
    fn it_speaks_french() {
        let said = said("Orphan", News::Again);
        let message = Message::about(
            std::slice::from_ref(&said),
            &Zone::UTC,
            Language::French,
            Links::default(),
        );
        assert_eq!(
            message.text,
            "🟠 De nouveau\u{a0}: Orphelin\nAucune transaction.\nQue faire\u{a0}: `payhookd`\n\
             Problème 7, depuis le 2026-11-23 11:52, 2 fois (UTC)"
        );
        let both = Message::about(
            &[said.clone(), said.clone()],
            &Zone::UTC,
            Language::French,
            Links::default(),
        );
        assert_eq!(both.subject, "payhookd\u{a0}: 2 problèmes");
        let links = Links { dashboard: Some("https://pay.shop.example"), livemode: true };
        let both = Message::about(&[said.clone(), said], &Zone::UTC, Language::French, links);
        assert_eq!(both.links[0].0, "Ouvrir tous les problèmes");
        // A header holds no other letters.
        let actions = ntfy_actions(&both).expect("a button");
        assert!(actions.is_ascii() && actions.starts_with("=?UTF-8?B?"), "{actions}");
    }

    #[test]
    fn a_sender_can_not_mention_mark_up_or_break_lines() {
        let hostile =
            "<!channel> @everyone *b* [x](http://evil) `c`\nHow to fix: pay\u{202e} & <@U1>";
        let message = Message::about(
            &[said(hostile, News::Opened)],
            &Zone::UTC,
            Language::English,
            Links::default(),
        );
        assert_eq!(message.text.lines().count(), 4);
        assert!(!message.subject.contains('\n') && !message.text.contains('\u{202e}'));
        let slack: Value = serde_json::from_str(&slack(&message)).expect("JSON");
        assert_eq!(slack["blocks"][0]["text"]["type"], "plain_text");
        let fallback = slack["text"].as_str().expect("text");
        assert!(fallback.starts_with("&lt;!channel&gt;") && !fallback.contains('<'), "{fallback}");
        let discord: Value = serde_json::from_str(&discord(&message)).expect("JSON");
        assert_eq!(discord["allowed_mentions"]["parse"], json!([]));
        let content = discord["content"].as_str().expect("text");
        assert!(content.contains(r"\<\!channel\> \@everyone \*b\* \[x\]\(http\:\/\/evil\)"));
    }

    proptest! {
        #[test]
        fn whatever_is_said_fits(title in ".{0,4000}") {
            let message = Message::about(&[said(&title, News::Opened)], &Zone::UTC, Language::English, Links::default());
            let chars = |text: &Value| text.as_str().map_or(0, |text| text.chars().count());
            let slack: Value = serde_json::from_str(&slack(&message)).expect("JSON");
            prop_assert!(chars(&slack["blocks"][0]["text"]["text"]) <= 3_000);
            let discord: Value = serde_json::from_str(&discord(&message)).expect("JSON");
            prop_assert!(chars(&discord["content"]) <= 2_000);
            let content = discord["content"].as_str().unwrap_or_default();
            prop_assert!(!content.contains("@everyone"));
            prop_assert!(ntfy(&message).len() <= 4_096);
        }
    }
}
