//! One event: what became of it and why, what it holds, and what reading it again would change.

use maud::{Markup, html};
use warp::http::{HeaderValue, StatusCode, header};
use warp::reply::Response;

use super::events::outcome;
use super::format::{Typeset, id, shortened};
use super::page::{Failure, Tab, secret, see};
use super::pretty_json::set_out;
use super::sessions::{Notice, Session};
use super::transactions::{amount, state};
use super::visit::{Dashboard, Visit};
use crate::domain::records::{Replayable, RereadResult, WebhookLog};
use crate::http::typed;
use crate::i18n::explain;
use crate::providers::pages;
use crate::store::{PreviewReplay, Replay};

/// Bytes that the payload that is shown takes.
const PAYLOAD: usize = 28_000;
/// Bytes that the headers take.
const HEADERS: usize = 4_000;
/// Sentences that are shown, and characters of each.
const SENTENCES: (usize, usize) = (30, 600);

/// The page.
pub(super) async fn show(dashboard: &Dashboard, visit: &Visit) -> Result<Response, Failure> {
    let number = visit.number()?;
    let language = visit.words.language;
    let known = dashboard.read(move |reader| {
        let Some(log) = reader.get::<WebhookLog>(number)? else { return Ok(None) };
        let story = reader.detail(&log)?;
        let sentences = explain::event(language, &log, &story);
        Ok(Some((log, sentences, story.orphan.map(|orphan| orphan.id))))
    });
    let (log, sentences, orphan) = known.await?.ok_or(Failure::NotFound)?;
    let typeset = dashboard.typeset(visit);
    let title = (visit.words.events.one)(number);
    let body = body(typeset, &title, &log, &sentences, orphan);
    Ok(dashboard.page(visit, Some(Tab::Events), &title, &body))
}

fn body(
    typeset: Typeset<'_>,
    title: &str,
    log: &WebhookLog,
    sentences: &[String],
    orphan: Option<i64>,
) -> Markup {
    let words = typeset.words;
    let texts = &words.events;
    let (most, longest) = SENTENCES;
    html! {
        h1 { (title) (words.common.colon) (heading(typeset, log)) }
        div #state data-live {
            section.card {
                h2 { (texts.story) }
                @for sentence in sentences.iter().take(most) {
                    p { bdi { (typeset.with_times(&shortened(sentence, longest))) } }
                }
                p {
                    (outcome(typeset, log.status)) " "
                    @if let Some(id) = log.transaction_id {
                        a href=(format!("/transactions/{id}")) { ((words.transactions.one)(id)) }
                    }
                    @if let Some(id) = orphan {
                        a href=(format!("/orphans/{id}")) { ((words.orphans.one)(id)) }
                    }
                }
            }
        }
        section.card {
            dl.facts {
                dt { (texts.event_id) }
                dd { (id(&log.event_id)) }
                dt { (texts.provider) }
                dd { (log.provider.name()) ", " (words.mode(log.livemode)) }
                dt { (texts.received) }
                dd { (typeset.time(log.received_at)) }
                @if let Some(at) = log.occurred_at {
                    dt { (texts.occurred) }
                    dd { (typeset.time(at)) }
                }
                dt { (texts.deliveries) }
                dd { (typeset.number(log.delivery_count)) }
                dt { (texts.took) }
                dd { ((texts.milliseconds)(log.processing_us)) }
                @if let Some(version) = &log.api_version {
                    dt { (texts.api_version) }
                    dd { bdi { (shortened(version, 60)) } }
                }
            }
            @if let Some(page) = pages::event_page(log.provider, log.livemode, &log.event_id) {
                p {
                    a href=(page) rel="noreferrer" {
                        ((words.common.opens_provider)(log.provider.name()))
                    }
                }
            }
            @if log.payload.is_some() {
                p { a.button href=(format!("/events/{}/replay", log.id)) { (texts.replay) } }
                p.hint { (texts.replay_hint) }
            }
        }
        (contents(typeset, log))
    }
}

/// Its type, which may be as long as a phone is wide: a line may end behind a dot.
fn heading(typeset: Typeset<'_>, log: &WebhookLog) -> Markup {
    let kind = shortened(&log.event_type, 60);
    html! {
        @if kind.is_empty() {
            (typeset.words.events.no_type)
        } @else {
            bdi { @for part in kind.split_inclusive('.') { (part) wbr; } }
        }
    }
}

fn contents(typeset: Typeset<'_>, log: &WebhookLog) -> Markup {
    let texts = &typeset.words.events;
    html! {
        section.card {
            h2 { (texts.payload) }
            @match &log.payload {
                Some(payload) => {
                    @let (text, cut) = set_out(payload, PAYLOAD);
                    details {
                        summary { (texts.payload_hint) }
                        pre tabindex="0" { (text) @if cut { "…" } }
                    }
                    @if cut { p.hint { (texts.payload_cut) } }
                    p {
                        a href=(format!("/events/{}/payload", log.id)) download {
                            ((texts.download)(typeset.number(i64::try_from(payload.len()).unwrap_or(i64::MAX))))
                        }
                    }
                },
                None => p.hint { (texts.removed) },
            }
        }
        section.card {
            h2 { (texts.headers) }
            @match &log.headers {
                Some(headers) => {
                    @let (text, cut) = set_out(headers, HEADERS);
                    details {
                        summary { (texts.headers_hint) }
                        pre tabindex="0" { (text) @if cut { "…" } }
                    }
                },
                None => p.hint { (texts.removed) },
            }
        }
    }
}

/// The body as it was received, for a program to look at: never as a page.
pub(super) async fn payload(dashboard: &Dashboard, visit: &Visit) -> Result<Response, Failure> {
    let number = visit.number()?;
    let log = dashboard.read(move |reader| reader.get::<WebhookLog>(number)).await?;
    let payload = log.and_then(|log| log.payload).ok_or(Failure::NotFound)?;
    let mut response = typed(StatusCode::OK, "text/plain; charset=utf-8", payload);
    let name = format!("attachment; filename=\"event-{number}.json\"");
    // A number and letters are a header's value.
    let name = HeaderValue::from_str(&name).unwrap_or(HeaderValue::from_static("attachment"));
    response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    Ok(response)
}

/// What would change, without changing it.
pub(super) async fn preview(dashboard: &Dashboard, visit: &Visit) -> Result<Response, Failure> {
    let (number, rules) = (visit.number()?, dashboard.rules.clone());
    let preview = dashboard.write(PreviewReplay { id: number, rules });
    let preview = preview.await?.ok_or(Failure::NotFound)?;
    let typeset = dashboard.typeset(visit);
    let title = (visit.words.events.replay_of)(number);
    let body = preview_body(typeset, &visit.session, &title, &preview);
    Ok(dashboard.page(visit, Some(Tab::Events), &title, &body))
}

fn preview_body(
    typeset: Typeset<'_>,
    session: &Session,
    title: &str,
    preview: &Replayable,
) -> Markup {
    let texts = &typeset.words.events;
    let reread = &preview.reread;
    let changes = matches!(reread.result, RereadResult::Changed(_));
    html! {
        h1 { (title) }
        section.card {
            h2 { (texts.would_change) }
            @match &reread.result {
                RereadResult::Same => p { (texts.would_be_same) },
                RereadResult::Left(left) => {
                    p { (texts.would_be_left) }
                    p.hint { bdi { (shortened(&typeset.words.left(left), 600)) } }
                },
                RereadResult::Changed(applied) => {
                    p { (texts.would_be) " " (outcome(typeset, applied.outcome)) }
                    @if applied.transaction_id.is_none() && preview.before.is_some() {
                        p { (texts.would_leave) }
                    }
                },
            }
            @if changes {
                dl.facts {
                    @for (name, one) in [(texts.now, &preview.before), (texts.then, &preview.after)] {
                        dt { (name) }
                        dd {
                            @match one {
                                Some(one) => {
                                    a href=(format!("/transactions/{}", one.id)) {
                                        ((typeset.words.transactions.one)(one.id))
                                    }
                                    (typeset.words.common.colon) (amount(typeset, one)) " " (state(typeset, one))
                                },
                                None => (texts.no_transaction),
                            }
                        }
                    }
                }
            }
        }
        form.card method="post" action=(format!("/events/{}/replay", reread.id)) {
            (secret(session))
            p.hint { (texts.replay_hint) }
            button.main { (texts.replay_button) }
            " " a href=(format!("/events/{}", reread.id)) { (texts.back) }
        }
    }
}

/// Reads the event again, and applies what it says now.
pub(super) async fn replay(dashboard: &Dashboard, visit: &Visit) -> Result<Response, Failure> {
    let (number, rules) = (visit.number()?, dashboard.rules.clone());
    let reread = dashboard.write(Replay { ids: vec![number], rules }).await?;
    let texts = &visit.words.events;
    let notice = match reread.into_iter().next().ok_or(Failure::NotFound)?.result {
        RereadResult::Same => Notice::Done(texts.was_same.to_owned()),
        RereadResult::Left(left) => {
            let why = visit.words.left(&left);
            Notice::Failed(format!("{} {}", texts.was_left, shortened(&why, 300)))
        }
        RereadResult::Changed(applied) => {
            Notice::Done((texts.was_changed)(visit.words.outcome(applied.outcome)))
        }
    };
    dashboard.sessions.tell(&visit.session, notice);
    Ok(see(&format!("/events/{number}")))
}
