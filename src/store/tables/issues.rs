//! `issues`: its columns and rows.

/// Every column that `Issue` is made of, in its order.
macro_rules! issue_columns {
    () => {
        "id, kind, subject, severity, title, detail, remedy, translations, data, ending, opened_at, \
         last_seen_at, count, news, dismissed_at, closed_at"
    };
}

pub(crate) use issue_columns;
