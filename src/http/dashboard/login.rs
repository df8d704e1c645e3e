//! Logging in with the API token, and out.

use std::time::Instant;

use maud::{Markup, html};
use warp::http::{HeaderValue, StatusCode, header};
use warp::reply::Response;

use super::format::with_commands;
use super::guard;
use super::links::is_page;
use super::page::{Failure, answer, document, see};
use super::visit::{Dashboard, Guest, Visit};
use crate::http::api::query::Query;
use crate::i18n::Words;
use crate::telemetry::line::Line;

/// The form.
pub(super) fn form(_: &Dashboard, guest: &Guest<'_>) -> Result<Response, Failure> {
    let next = next(&guest.said)?;
    Ok(answer(StatusCode::OK, page(guest.words, &next, None)))
}

/// Begins a session for whoever knows the token.
pub(super) fn begin(dashboard: &Dashboard, guest: &Guest<'_>) -> Result<Response, Failure> {
    let Guest { words, said, headers, from } = guest;
    let next = next(said)?;
    let now = Instant::now();
    let token = said.get("token", |text| Ok(text.trim().to_owned()))?.unwrap_or_default();
    if !dashboard.token.is(token.as_bytes()) {
        return Ok(refused(dashboard, words, &next, dashboard.attempts.pass(*from, now)));
    }
    let Some(id) = dashboard.sessions.begin(now) else {
        let page = page(words, &next, Some(words.entry.no_chance));
        return Ok(answer(StatusCode::SERVICE_UNAVAILABLE, page));
    };
    Line::info("logged in to the dashboard").emit();
    let mut response = see(&next);
    if let Some(cookie) = guard::set_cookie(headers, Some(&id)) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// What whoever does not know the token is told.
fn refused(dashboard: &Dashboard, words: &'static Words, next: &str, is_of_few: bool) -> Response {
    if !is_of_few {
        let page = page(words, next, Some(words.entry.too_often));
        let mut response = answer(StatusCode::TOO_MANY_REQUESTS, page);
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("6"));
        return response;
    }
    if let Some(left_out) = dashboard.guesses.pass(Instant::now()) {
        let line = Line::warn("log-in refused: not the API token");
        line.with("left_out", left_out).emit();
    }
    answer(StatusCode::FORBIDDEN, page(words, next, Some(words.entry.wrong)))
}

/// Ends the session.
pub(super) async fn end(dashboard: &Dashboard, visit: &Visit) -> Result<Response, Failure> {
    dashboard.sessions.end(&visit.session);
    let mut response = see("/login");
    if let Some(cookie) = guard::set_cookie(&visit.headers, None) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// Where to go then: a page of ours, and nowhere else.
fn next(said: &Query) -> Result<String, Failure> {
    let next = said.get("next", |path| Ok(path.to_owned()))?;
    Ok(next.filter(|path| is_page(path)).unwrap_or_else(|| "/".to_owned()))
}

fn page(words: &'static Words, next: &str, wrong: Option<&str>) -> Markup {
    let entry = &words.entry;
    document(
        words,
        entry.title,
        &html! {
            main.alone #main {
                h1 { "payhookd" }
                form.card method="post" action="/login" {
                    @if let Some(wrong) = wrong {
                        p.notice.bad role="alert" #wrong { (wrong) }
                    }
                    // Password managers keep the token under this name.
                    input type="text" hidden value="payhookd" autocomplete="username";
                    label for="token" { (entry.token) }
                    input #token type="password" name="token" required autofocus
                        autocomplete="current-password" aria-describedby="where";
                    @if next != "/" { input type="hidden" name="next" value=(next); }
                    p.hint #where { (with_commands(entry.where_it_is)) }
                    button.main { (entry.enter) }
                }
            }
        },
    )
}
