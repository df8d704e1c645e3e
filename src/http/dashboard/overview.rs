//! How things stand: whether money is missing, in five seconds.

use std::collections::BTreeMap;
use std::time::Duration;

use maud::{Markup, html};
use warp::reply::Response;

use super::charts::{self, Column};
use super::format::{Typeset, with_commands};
use super::issues;
use super::page::{Failure, Tab};
use super::sessions::Session;
use super::visit::{Dashboard, Visit};
use crate::domain::delivery::DeliveryStatus;
use crate::domain::issue::IssueStatus;
use crate::domain::money::{Currency, Total};
use crate::domain::orphan::OrphanAbout;
use crate::domain::provider::Provider;
use crate::domain::records::{
    Figures, Issue, IssuesByWeight, Listed, MoneyFigures, OpenOrphans, Outcome, Page,
};
use crate::domain::time::Timestamp;
use crate::domain::zone::Zone;
use crate::store::{Reader, Statistics, StoreError};

/// Days that are looked back on, with today.
const DAYS: u32 = 30;
/// Issues that are shown; the others have a page of their own.
const ISSUES: u32 = 5;
/// Of how long events took: half of them, and all but the slowest.
const PERCENTILES: [u8; 2] = [50, 99];

/// All that the page is made of, of one moment.
struct Standing {
    orphans: Vec<OpenOrphans>,
    /// The worst issues.
    issues: Listed<Issue>,
    /// How many there are.
    open_issues: i64,
    last_events: Vec<(Provider, bool, Timestamp)>,
    /// Every day's beginning and what happened on it, the oldest first.
    days: Vec<(Timestamp, Figures)>,
    today: Figures,
    month: Figures,
}

impl Standing {
    fn read(
        reader: &Reader,
        statistics: &Statistics,
        zone: &Zone,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        // What a clock that was set back dates into the future is today's.
        let end = now.plus(Duration::from_secs(24 * 60 * 60));
        let starts: Vec<_> = (0..DAYS).rev().map(|before| zone.start_of_day(now, before)).collect();
        let ends = starts.iter().skip(1).copied().chain([end]);
        let days = starts.iter().copied().zip(ends);
        let days = days.map(|(start, end)| (start, statistics.between(start..end))).collect();
        let open = IssuesByWeight { status: IssueStatus::Open, kind: None };
        let sight = reader.sight()?;
        Ok(Self {
            orphans: reader.open_orphans()?,
            issues: reader.list(&open, Page { before: None, limit: ISSUES })?,
            open_issues: sight.issues.iter().map(|(_, number)| number).sum(),
            last_events: sight.last_events,
            days,
            today: statistics.between(zone.start_of_day(now, 0)..end),
            month: statistics.between(zone.start_of_day(now, DAYS - 1)..end),
        })
    }
}

/// The page.
pub(super) async fn show(dashboard: &Dashboard, visit: &Visit) -> Result<Response, Failure> {
    let (zone, now) = (dashboard.zone.clone(), visit.now);
    let read = dashboard.readers.with_statistics(now, move |reader, statistics| {
        Standing::read(reader, statistics, &zone, now)
    });
    let standing = read.await.map_err(|error| dashboard.failed(error))?;
    let overview = Overview {
        typeset: dashboard.typeset(visit),
        session: &visit.session,
        livemode: dashboard.livemode,
        standing,
    };
    let title = visit.words.overview.title;
    Ok(dashboard.page(visit, Some(Tab::Overview), title, &overview.body()))
}

struct Overview<'a> {
    typeset: Typeset<'a>,
    session: &'a Session,
    /// Which money the daemon is about.
    livemode: bool,
    standing: Standing,
}

impl Overview<'_> {
    fn body(&self) -> Markup {
        let texts = &self.typeset.words.overview;
        let Standing { today, month, days, .. } = &self.standing;
        html! {
            h1 { (texts.title) }
            div #standing data-live {
                (self.headline())
                div.cards {
                    (self.money(texts.today, today))
                    (self.money(texts.month, month))
                }
                (self.issues())
                div.cards {
                    (self.outcomes(month))
                    (self.last_events())
                }
                div.cards {
                    (self.payments(days))
                    (self.processing(days))
                    (self.deliveries(days))
                }
            }
        }
    }

    /// One sentence for each thing that needs somebody, or that there is none.
    fn headline(&self) -> Markup {
        let texts = &self.typeset.words.overview;
        let orphans: Vec<_> = self.orphans().collect();
        let number: i64 = orphans.iter().map(|one| one.number).sum();
        let oldest = orphans.iter().map(|one| one.oldest).min();
        let issues = self.standing.open_issues;
        html! {
            @if let Some(oldest) = oldest {
                p.headline.bad {
                    a href="/orphans" { ((texts.no_match)(number, &self.sums(&orphans))) }
                    ", " (texts.oldest) " " (self.typeset.ago(oldest)) "."
                }
            }
            @if issues > 0 {
                p.headline.warn { a href="/issues" { ((texts.issues)(issues)) } "." }
            } @else if number == 0 {
                p.headline.good { (texts.all_well) }
            }
        }
    }

    /// Those that are about the daemon's money, or about real money at a daemon for test money.
    fn orphans(&self) -> impl Iterator<Item = &OpenOrphans> {
        let is_payment = |one: &&OpenOrphans| one.about == OrphanAbout::Payment;
        let orphans = self.standing.orphans.iter().filter(is_payment);
        orphans.filter(|one| one.livemode || !self.livemode)
    }

    /// `99.98 EUR and 5.00 USD`: each currency by itself.
    fn sums(&self, orphans: &[&OpenOrphans]) -> String {
        let texts = &self.typeset.words.overview;
        let mut sums: BTreeMap<Currency, Total> = BTreeMap::new();
        for orphan in orphans {
            let Some(currency) = orphan.currency else { continue };
            let more = orphan.sum.as_stripe(orphan.provider, currency);
            let sum = sums.entry(currency).or_default();
            *sum = sum.and(more);
        }
        let sums: Vec<_> = sums.iter().map(|(currency, sum)| self.sum(*sum, *currency)).collect();
        if sums.is_empty() { texts.no_amount.to_owned() } else { sums.join(texts.and) }
    }

    /// A sum, which is counted as Stripe counts.
    fn sum(&self, sum: Total, currency: Currency) -> String {
        let money = self.typeset.money(Provider::Stripe, sum.minor(), currency);
        format!("{}{money}", sum.mark())
    }

    fn money(&self, title: &str, figures: &Figures) -> Markup {
        let words = self.typeset.words;
        let texts = &words.overview;
        let of_ours_first =
            |((livemode, _), _): &(&(bool, Currency), &MoneyFigures)| *livemode != self.livemode;
        let mut rows: Vec<_> =
            figures.money.iter().filter(|(_, one)| **one != MoneyFigures::default()).collect();
        rows.sort_by_key(of_ours_first);
        let decimal = |sum: Total, currency| {
            let decimal = self.typeset.decimal(Provider::Stripe, sum.minor(), currency);
            format!("{}{decimal}", sum.mark())
        };
        html! {
            section.card {
                h2 { (title) }
                @if rows.is_empty() {
                    p.hint { (texts.no_money) }
                } @else {
                    div.sheet {
                        table {
                            thead {
                                tr {
                                    th scope="col" { (texts.currency) }
                                    th.num scope="col" { (texts.received) }
                                    th.num scope="col" { (texts.refunded) }
                                    th.num scope="col" { (texts.disputed) }
                                    th.num scope="col" { (texts.payments) }
                                }
                            }
                            tbody {
                                @for ((livemode, currency), one) in rows {
                                    tr {
                                        th scope="row" data-label=(texts.currency) {
                                            (currency)
                                            @if *livemode != self.livemode { " " span.tag { (words.mode(*livemode)) } }
                                        }
                                        td.num.sum data-label=(texts.received) { (decimal(one.received, *currency)) }
                                        td.num data-label=(texts.refunded) { (decimal(one.refunded, *currency)) }
                                        td.num data-label=(texts.disputed) { (decimal(one.disputed, *currency)) }
                                        td.num data-label=(texts.payments) { (self.typeset.number(signed(one.payments))) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn issues(&self) -> Markup {
        let texts = &self.typeset.words.overview;
        let issues = &self.standing.issues;
        let more = self.standing.open_issues - i64::from(ISSUES);
        html! {
            section.card {
                h2 { (texts.open_issues) }
                @if issues.rows.is_empty() {
                    p.hint { (texts.no_issues) }
                } @else {
                    ul.issues {
                        @for issue in &issues.rows { (issues::in_brief(self.typeset, self.session, issue)) }
                    }
                }
                p {
                    a href="/issues" { (self.typeset.words.issues.all) }
                    @if more > 0 { " " span.hint { ((texts.more_issues)(&self.typeset.number(more))) } }
                }
            }
        }
    }

    fn last_events(&self) -> Markup {
        let words = self.typeset.words;
        let texts = &words.overview;
        let last = &self.standing.last_events;
        html! {
            section.card {
                h2 { (texts.last_events) }
                @if last.is_empty() {
                    p { (words.events.none) }
                    p.hint { (with_commands(words.events.none_hint)) }
                } @else {
                    dl.facts {
                        @for (provider, livemode, at) in last {
                            dt { (provider.name()) ", " (words.mode(*livemode)) }
                            dd { (self.typeset.ago(*at)) }
                        }
                    }
                }
            }
        }
    }

    fn outcomes(&self, month: &Figures) -> Markup {
        let words = self.typeset.words;
        let texts = &words.overview;
        let outcomes = [Outcome::Processed, Outcome::Orphan, Outcome::Ignored, Outcome::Failed];
        let numbers = outcomes.map(|one| month.outcomes.get(&one).copied().unwrap_or(0));
        html! {
            section.card {
                h2 { (texts.outcomes) }
                (charts::share(texts.outcomes, &numbers))
                ul.legend {
                    @for (part, (outcome, number)) in outcomes.iter().zip(numbers).enumerate() {
                        li {
                            (charts::swatch(part))
                            a href=(format!("/events?status={}", outcome.as_str())) { (words.outcome(*outcome)) }
                            " " (self.typeset.number(signed(number)))
                        }
                    }
                }
            }
        }
    }

    fn payments(&self, days: &[(Timestamp, Figures)]) -> Markup {
        let texts = &self.typeset.words.overview;
        let of_day = |figures: &Figures| {
            let ours = figures.money.iter().filter(|((livemode, _), _)| *livemode == self.livemode);
            ours.map(|(_, one)| one.payments).sum::<u64>()
        };
        let columns: Vec<_> =
            days.iter().map(|day| self.column(day, vec![of_day(&day.1)])).collect();
        html! {
            section.card {
                h2 { (texts.payments_a_day) }
                (charts::bars(texts.payments_a_day, &columns))
                (self.table(&columns, &[texts.payments.to_owned()], |number| self.typeset.number(signed(number))))
            }
        }
    }

    fn processing(&self, days: &[(Timestamp, Figures)]) -> Markup {
        let words = self.typeset.words;
        let texts = &words.overview;
        let milliseconds = |micros: u64| (words.events.milliseconds)(signed(micros));
        let of_day = |figures: &Figures| {
            let durations =
                PERCENTILES.iter().filter_map(|one| figures.processing.percentile(*one));
            durations
                .map(|one| u64::try_from(one.as_micros()).unwrap_or(u64::MAX))
                .collect::<Vec<_>>()
        };
        let columns: Vec<_> = days
            .iter()
            .map(|day| {
                let parts = of_day(&day.1);
                let said: Vec<_> = parts.iter().map(|one| milliseconds(*one)).collect();
                let said = format!("{}: {}", self.typeset.day(day.0), said.join(" / "));
                Column { label: self.typeset.day(day.0), parts, said }
            })
            .collect();
        let names = PERCENTILES.map(|percent| (texts.percentile)(percent));
        html! {
            section.card {
                h2 { (texts.processing) }
                (charts::lines(texts.processing, &columns, milliseconds))
                (legend(&names))
                (self.table(&columns, &names, milliseconds))
            }
        }
    }

    fn deliveries(&self, days: &[(Timestamp, Figures)]) -> Markup {
        let words = self.typeset.words;
        let texts = &words.overview;
        let of_day = |figures: &Figures| {
            let one = figures.deliveries;
            vec![one.delivered, one.pending, 0, one.dead]
        };
        let columns: Vec<_> = days.iter().map(|day| self.column(day, of_day(&day.1))).collect();
        let statuses = [DeliveryStatus::Delivered, DeliveryStatus::Pending, DeliveryStatus::Dead];
        let is_told = columns.iter().any(|one| one.parts.iter().any(|part| *part > 0));
        html! {
            section.card {
                h2 { (texts.deliveries) }
                @if is_told {
                    (charts::bars(texts.deliveries, &columns))
                    ul.legend {
                        @for (part, status) in [0, 1, 3].into_iter().zip(statuses) {
                            li {
                                (charts::swatch(part))
                                a href=(format!("/deliveries?status={}", status.as_str())) { (words.delivery_status(status)) }
                            }
                        }
                    }
                    (self.table(
                        &columns.iter().map(without_third).collect::<Vec<_>>(),
                        &statuses.map(|one| words.delivery_status(one).to_owned()),
                        |number| self.typeset.number(signed(number)),
                    ))
                } @else {
                    p.hint { (with_commands(texts.no_deliveries)) }
                }
            }
        }
    }

    fn column(&self, (start, _): &(Timestamp, Figures), parts: Vec<u64>) -> Column {
        let numbers: Vec<_> =
            parts.iter().map(|number| self.typeset.number(signed(*number))).collect();
        let label = self.typeset.day(*start);
        let said = format!("{label}: {}", numbers.join(" / "));
        Column { label, parts, said }
    }

    /// The table behind a chart, the newest day first.
    fn table(&self, columns: &[Column], names: &[String], shown: impl Fn(u64) -> String) -> Markup {
        let texts = &self.typeset.words.overview;
        html! {
            details {
                summary { (texts.in_numbers) }
                // Columns so narrow need no cards on a phone, and no names in every row.
                div.numbers {
                    table {
                        thead {
                            tr {
                                th scope="col" { (texts.day) }
                                @for name in names { th scope="col" { (name) } }
                            }
                        }
                        tbody {
                            @for column in columns.iter().rev() {
                                tr {
                                    th scope="row" { (column.label) }
                                    @for place in 0..names.len() {
                                        td {
                                            @match column.parts.get(place) {
                                                Some(number) => (shown(*number)),
                                                None => "–",
                                            }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn legend(names: &[String]) -> Markup {
    html! {
        ul.legend {
            @for (part, name) in names.iter().enumerate() { li { (charts::swatch(part)) (name) } }
        }
    }
}

/// Without the place that keeps red for what is lost.
fn without_third(column: &Column) -> Column {
    let parts = column.parts.iter().enumerate().filter(|(place, _)| *place != 2);
    Column { parts: parts.map(|(_, part)| *part).collect(), ..column.clone() }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
