//! What people are told after the database's files were lost under the running daemon.

use crate::alerts::Target;
use crate::clients::message::Message;
use crate::config::Config;
use crate::domain::issue::{Finding, IssueKind, Occasion, Raise, Severity, Texts};
use crate::domain::language::{Language, Spoken};
use crate::domain::records::Loss;
use crate::store::{Database, NoteFindings, Rescued, StoreError};
use crate::telemetry::line::Line;

/// Tells of it in the log, and by an issue in what stands in the database's place now: the next start tells
/// whoever is told of issues. If that can't be, they are told at once. All that had the lost database open
/// must have ended.
pub(super) fn tell(config: &Config, loss: Loss, rescued: &Rescued) {
    let line = match rescued {
        Rescued::PutBack | Rescued::Completed => Line::warn("rescued"),
        Rescued::Beside(_) | Rescued::Not(..) => Line::error("not all is in the database's place"),
    };
    let texts = texts(loss, rescued);
    line.with("db", config.db.display())
        .with("outcome", loss)
        .with("detail", &texts.english.detail)
        .with("remedy", &texts.english.remedy)
        .emit();
    let raise = Raise {
        kind: IssueKind::Database,
        subject: "file".to_owned(),
        severity: Severity::Critical,
        occasion: Occasion::Happened,
        texts,
    };
    if let Err(error) = keep(config, &raise) {
        Line::error("no issue can be opened").with("err", &error).emit();
        tell_at_once(config, &raise.texts);
    }
}

fn keep(config: &Config, raise: &Raise) -> Result<(), StoreError> {
    if !config.db.exists() {
        return Err(StoreError::NoDatabase { path: config.db.clone() });
    }
    let now = config.clock.now();
    Database::open(&config.db)?
        .run(&NoteFindings { findings: vec![Finding::Bad(raise.clone())] }, now)
}

fn tell_at_once(config: &Config, texts: &Spoken<Texts>) {
    let language = config.language.unwrap_or(Language::English);
    let texts = match language {
        Language::English => &texts.english,
        Language::French => &texts.french,
    };
    let message = Message::urgent(texts, language);
    for target in &config.alerts.targets {
        let reply = Target::from(target).send(&message, config.clock.now());
        let line = match reply.failure {
            None => Line::info("alert"),
            Some(_) => Line::error("alert"),
        };
        line.with("target", &target.name).with_some("err", reply.failure.as_deref()).emit();
    }
}

fn texts(loss: Loss, rescued: &Rescued) -> Spoken<Texts> {
    let (title, french_title) = match loss {
        Loss::Removed => (
            "The database's file was removed while payhookd was running",
            "Le fichier de la base de données a été supprimé ou déplacé pendant que payhookd tournait",
        ),
        Loss::Replaced => (
            "Another file was put in the place of the database while payhookd was running",
            "Un autre fichier a pris la place de la base de données pendant que payhookd tournait",
        ),
        Loss::Overwritten => (
            "The database's file was written over while payhookd was running",
            "Le fichier de la base de données a été écrasé pendant que payhookd tournait",
        ),
        Loss::LogRemoved => (
            "The log beside the database (-wal, -shm) was removed while payhookd was running",
            "Le journal à côté de la base de données (-wal, -shm) a été supprimé pendant que payhookd \
             tournait",
        ),
    };
    let find_out = (
        "find out what did it, so that it does not happen again: only a stopped payhookd lets its \
         files be touched"
            .to_owned(),
        "cherchez ce qui l’a fait, pour que cela ne se reproduise pas\u{a0}: on ne touche à ses \
         fichiers que quand payhookd est arrêté"
            .to_owned(),
    );
    let (detail, french_detail, (remedy, french_remedy)) = match rescued {
        Rescued::PutBack => (
            "What was still open was put back: all that was acknowledged is there.".to_owned(),
            "Ce qui était encore ouvert a été remis en place\u{a0}: tout ce qui avait été confirmé \
             s’y trouve."
                .to_owned(),
            find_out,
        ),
        Rescued::Completed => (
            "What the log held was written into the file: all that was acknowledged is there."
                .to_owned(),
            "Le contenu du journal a été écrit dans le fichier\u{a0}: tout ce qui avait été confirmé \
             s’y trouve."
                .to_owned(),
            find_out,
        ),
        Rescued::Beside(copy) => {
            let copy = copy.display();
            let stop = "`systemctl stop payhookd.socket payhookd`";
            (
                format!(
                    "All that was acknowledged until then is in {copy}; payhookd goes on with the \
                     file that stands there now."
                ),
                format!(
                    "Tout ce qui avait été confirmé jusque-là est dans {copy}\u{a0}; payhookd \
                     continue avec le fichier qui est là maintenant."
                ),
                (
                    format!("if that was a mistake, {stop}, then `payhookd restore {copy}`"),
                    format!("si c’était une erreur, {stop}, puis `payhookd restore {copy}`"),
                ),
            )
        }
        Rescued::Not(error, aside) => {
            let aside: Vec<String> = aside.iter().map(|one| one.display().to_string()).collect();
            let (kept, aside_in_french) = match aside.is_empty() {
                true => (String::new(), String::new()),
                false => (
                    format!(" What stood beside it was set aside: {}.", aside.join(", ")),
                    format!(
                        " Ce qui était à côté a été mis de côté\u{a0}: {}.",
                        aside.join(", ")
                    ),
                ),
            };
            (
                format!("It could not be rescued ({error}).{kept}"),
                format!("Rien n’a pu être sauvé ({error}).{aside_in_french}"),
                (
                    "go back to a copy with `payhookd restore`; what came since is fetched by \
                     `payhookd reconcile --since 72h`"
                        .to_owned(),
                    "revenez à une copie avec `payhookd restore`\u{a0}; ce qui est arrivé depuis se \
                     récupère avec `payhookd reconcile --since 72h`"
                        .to_owned(),
                ),
            )
        }
    };
    Spoken {
        english: Texts::new(title, detail, remedy),
        french: Texts::new(french_title, french_detail, french_remedy),
    }
}
