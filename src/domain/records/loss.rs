//! How the file of a database is lost while it is open.

string_enum! {
    /// How the database was lost while it was open.
    Loss {
        /// Nothing stands where it was.
        Removed = "removed",
        /// Another file stands where it was.
        Replaced = "replaced",
        /// The file is the same, and something else than SQLite has written into it.
        Overwritten = "overwritten",
        /// The log beside the file, or the index of that, is not the one that is open.
        LogRemoved = "log_removed",
    }
}

impl Loss {
    /// What happened, in words.
    pub fn said(self) -> &'static str {
        match self {
            Self::Removed => "the database's file was removed or moved away",
            Self::Replaced => "another file stands in the place of the database's",
            Self::Overwritten => "the database's file was written over",
            Self::LogRemoved => "the log beside the database's file (-wal, -shm) was removed",
        }
    }
}
