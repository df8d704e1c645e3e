//! The alert after the database's files were lost under the running daemon.

use std::path::PathBuf;

use crate::alerts::Target;
use crate::clients::message::Message;
use crate::config::Config;
use crate::domain::issue::{Finding, IssueData, NewIssue, Rescue, Severity, Trigger};
use crate::domain::language::Language;
use crate::domain::records::Loss;
use crate::i18n::issues::{Audience, texts};
use crate::store::{Database, NoteFindings, Rescued, StoreError};
use crate::telemetry::line::Line;

/// Tells of it in the log, and by an issue in what stands in the database's place now: the next start tells
/// the alert targets. If that can't be, they are notified at once. All that had the lost database open
/// must have ended.
pub(super) fn tell(config: &Config, loss: Loss, rescued: &Rescued) {
    let line = match rescued {
        Rescued::PutBack | Rescued::Completed => Line::warn("rescued"),
        Rescued::Beside(_) | Rescued::Not(..) => Line::error("not all is in the database's place"),
    };
    let data = IssueData::Database { loss, rescue: saved(rescued) };
    let said = texts(&data, Audience::PLAIN);
    line.with("db", config.db.display())
        .with("outcome", loss)
        .with("detail", &said.detail)
        .with("remedy", &said.remedy)
        .emit();
    let new = NewIssue { data, severity: Severity::Critical, trigger: Trigger::Happened };
    if let Err(error) = keep(config, &new) {
        Line::error("no issue can be opened").with("err", &error).emit();
        tell_at_once(config, &new.data);
    }
}

fn keep(config: &Config, new: &NewIssue) -> Result<(), StoreError> {
    if !config.db.exists() {
        return Err(StoreError::NoDatabase { path: config.db.clone() });
    }
    let now = config.clock.now();
    Database::open(&config.db)?
        .run(&NoteFindings { findings: vec![Finding::Bad(new.clone())] }, now)
}

fn tell_at_once(config: &Config, data: &IssueData) {
    let language = config.language.unwrap_or(Language::English);
    let said = texts(data, Audience { language, zone: &config.time_zone });
    let message = Message::urgent(&said, language);
    for target in &config.alerts.targets {
        let reply = Target::from(target).send(&message, config.clock.now());
        let line = match reply.failure {
            None => Line::info("alert"),
            Some(_) => Line::error("alert"),
        };
        line.with("target", &target.name).with_some("err", reply.failure.as_deref()).emit();
    }
}

fn saved(rescued: &Rescued) -> Rescue {
    let path = |path: &PathBuf| path.display().to_string();
    match rescued {
        Rescued::PutBack => Rescue::PutBack,
        Rescued::Completed => Rescue::Completed,
        Rescued::Beside(copy) => Rescue::Beside { copy: path(copy) },
        Rescued::Not(error, aside) => {
            Rescue::Failed { error: error.to_string(), aside: aside.iter().map(path).collect() }
        }
    }
}
