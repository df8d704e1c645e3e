//! How things stand: whether money is missing, in five seconds.

use maud::{Markup, html};
use warp::reply::Response;

use super::page::{Failure, Tab};
use super::typeset::Typeset;
use super::{Dashboard, Visit};
use crate::domain::event::Provider;
use crate::domain::time::Timestamp;
use crate::store::Reader;

/// The page.
pub(super) async fn show(dashboard: &Dashboard, visit: &Visit) -> Result<Response, Failure> {
    let last = dashboard.read(Reader::last_events).await?;
    let typeset = dashboard.typeset(visit);
    let title = visit.words.overview.title;
    Ok(dashboard.page(visit, Some(Tab::Overview), title, &body(typeset, &last)))
}

fn body(typeset: Typeset<'_>, last: &[(Provider, bool, Timestamp)]) -> Markup {
    let texts = &typeset.words.overview;
    html! {
        h1 { (texts.title) }
        section.card #last {
            h2 { (texts.last_events) }
            @if last.is_empty() {
                p { (texts.no_events) }
                p.hint { (texts.no_events_hint) }
            } @else {
                dl.facts {
                    @for (provider, livemode, at) in last {
                        dt { (typeset.words.provider(*provider)) ", " (typeset.words.mode(*livemode)) }
                        dd { (typeset.ago(*at)) }
                    }
                }
            }
        }
    }
}
