//! Whether the files that are open are still the database: somebody may remove them, put others in their
//! place, or write over them, and SQLite goes on as if nothing were the matter.

use std::fs::{File, Metadata};
use std::mem::ManuallyDrop;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use rusqlite::Connection;

use super::backup::{beside, io};
use super::checkpoint::into_file;
use crate::domain::records::Loss;
use crate::store::error::StoreError;

/// The files of a database that is open, as they were when this was made.
///
/// A look costs three `stat` and one read of a hundred bytes, some microseconds.
#[derive(Debug)]
pub(crate) struct OpenFile {
    path: PathBuf,
    identity: Identity,
    /// What SQLite makes beside it and keeps for as long as somebody has the database open.
    beside: [(PathBuf, Identity); 2],
    /// Never closed: with it the locks would go that SQLite has on the file in this process.
    file: ManuallyDrop<File>,
    /// What the header says since this was made, or later in the same row of numbers.
    first_mark: i32,
    seen: Mutex<LastHeader>,
    lost: OnceLock<Loss>,
}

impl OpenFile {
    /// Of the database at `path`, which `connection` has open. `mark` is written into its header, where
    /// nobody else has use for it, and counted up now and then ([`Batch::touch`](crate::store::engine::Batch)):
    /// another file, and a copy that is older, has another or an earlier one.
    pub(crate) fn of(connection: &Connection, path: &Path, mark: i32) -> Result<Self, StoreError> {
        connection.pragma_update(None, "user_version", mark)?;
        // From the log into the file. If somebody who reads is in the way, it gets there later.
        into_file(connection)?;
        let of_path = |error| io(&error, path);
        let file = ManuallyDrop::new(File::open(path).map_err(of_path)?);
        let identity = Identity::of(&file.metadata().map_err(of_path)?);
        // The file that SQLite has opened, wherever `path` leads to next.
        let opened = PathBuf::from(connection.path().unwrap_or_default());
        let noted = |suffix| -> Result<_, StoreError> {
            let path = beside(&opened, suffix);
            let metadata = std::fs::metadata(&path).map_err(|error| io(&error, &path))?;
            Ok((path, Identity::of(&metadata)))
        };
        let beside = [noted("-wal")?, noted("-shm")?];
        let seen = Header::read(&file).map_err(of_path)?;
        let header = seen.ok_or_else(|| StoreError::NotADatabase { path: path.to_owned() })?;
        let seen = Mutex::new(LastHeader { header, is_marked: header.mark == mark });
        let (path, lost) = (path.to_owned(), OnceLock::new());
        let open = Self { path, identity, beside, file, first_mark: mark, seen, lost };
        open.check().map(|()| open)
    }

    /// Fails from the first time on at which the files are not those of the database any more.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        match self.loss() {
            Some(loss) => Err(StoreError::Lost(loss)),
            None => Ok(()),
        }
    }

    /// How it was lost, if it was.
    pub(crate) fn loss(&self) -> Option<Loss> {
        if self.lost.get().is_none() {
            let mut loss = self.look();
            // What another process copies from the log into the file may be read half written.
            for _ in 0..LOOKS_AGAIN {
                if loss != Some(Loss::Overwritten) {
                    break;
                }
                thread::sleep(BETWEEN_LOOKS);
                loss = self.look();
            }
            if let Some(loss) = loss {
                return Some(*self.lost.get_or_init(|| loss));
            }
        }
        self.lost.get().copied()
    }

    fn look(&self) -> Option<Loss> {
        match std::fs::metadata(&self.path) {
            Err(_) => return Some(Loss::Removed),
            Ok(there) if Identity::of(&there) != self.identity => return Some(Loss::Replaced),
            Ok(_) => {}
        }
        let is_written_over = match Header::read(&self.file) {
            Ok(Some(header)) => {
                let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
                let next = seen.followed_by(header, self.first_mark);
                *seen = next.unwrap_or(*seen);
                next.is_none()
            }
            Ok(None) => true,
            // That the disk does not read is another matter, and SQLite's to say.
            Err(_) => false,
        };
        if is_written_over {
            return Some(Loss::Overwritten);
        }
        let is_there = |(path, noted): &(PathBuf, Identity)| {
            std::fs::metadata(path).is_ok_and(|there| Identity::of(&there) == *noted)
        };
        (!self.beside.iter().all(is_there)).then_some(Loss::LogRemoved)
    }

    /// What stands beside the path and belongs to the database that is lost: whoever opened what has come
    /// in its place would take it for that one's.
    pub(crate) fn left_beside(&self) -> impl Iterator<Item = &Path> {
        let is_ours = |(path, noted): &&(PathBuf, Identity)| {
            std::fs::metadata(path).is_ok_and(|there| Identity::of(&there) == *noted)
        };
        self.beside.iter().filter(is_ours).map(|(path, _)| &**path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// What tells a file from every other that exists at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

/// What the first bytes of the file say, and how long it is.
/// <https://www.sqlite.org/fileformat2.html#the_database_header>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Header {
    page_size: u64,
    pages: u64,
    /// Of the schema; counted up by `VACUUM`, too.
    cookie: u32,
    /// `PRAGMA user_version`.
    mark: i32,
    bytes: u64,
}

impl Header {
    /// `None`: it is no database with a log beside it. A copy has none.
    fn read(file: &File) -> std::io::Result<Option<Self>> {
        let mut header = [0; 100];
        match file.read_exact_at(&mut header, 0) {
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        }
        Ok(Self::parse(&header, file.metadata()?.len()))
    }

    fn parse(header: &[u8; 100], bytes: u64) -> Option<Self> {
        let four = |at: usize| header.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes);
        let is_one = header.starts_with(b"SQLite format 3\0") && header[18..20] == WITH_LOG;
        let page_size = match u16::from_be_bytes([header[16], header[17]]) {
            1 => 65_536,
            size => u64::from(size),
        };
        is_one.then_some(Self {
            page_size,
            pages: u64::from(four(28)?),
            cookie: four(40)?,
            mark: four(60)?.cast_signed(),
            bytes,
        })
    }

    /// Whether SQLite can have made this of what was there before.
    fn follows(&self, before: &Self) -> bool {
        // Pages that are free stay, unless all of it is written anew.
        let has_all_pages = self.pages >= before.pages || self.cookie != before.cookie;
        // It grows page by page; it becomes shorter only when its header says so.
        let is_cut = self.bytes < before.bytes && self.bytes < self.pages * self.page_size;
        self.page_size == before.page_size && has_all_pages && !is_cut
    }

    /// Whether its mark is this one or one that was counted up from it since.
    fn counts_from(&self, mark: i32) -> bool {
        self.mark.wrapping_sub(mark).cast_unsigned() < MARKS_BETWEEN_LOOKS
    }
}

/// What was seen last.
#[derive(Clone, Copy, Debug)]
struct LastHeader {
    header: Header,
    /// Whether the mark had come into the file.
    is_marked: bool,
}

impl LastHeader {
    /// `None`: what is there now was not made by SQLite of what was there before.
    fn followed_by(self, header: Header, first_mark: i32) -> Option<Self> {
        let has_come = !self.is_marked && header.counts_from(first_mark);
        let has_mark = has_come || header.counts_from(self.header.mark);
        let is_marked = self.is_marked || has_come;
        (has_mark && header.follows(&self.header)).then_some(Self { header, is_marked })
    }
}

/// Of a file's header: that it has a log beside it.
const WITH_LOG: [u8; 2] = [2, 2];
/// More than are ever counted between two looks.
const MARKS_BETWEEN_LOOKS: u32 = 65_536;
/// How often, and how soon, something that looks wrong in the header is looked at again.
const LOOKS_AGAIN: u32 = 3;
const BETWEEN_LOOKS: Duration = Duration::from_millis(2);

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::store::engine::Database;

    const MARK: i32 = 42;

    fn opened() -> (tempfile::TempDir, PathBuf, Database, OpenFile) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("shop.db");
        let database = Database::open(&path).expect("a new database");
        let open = OpenFile::of(database.connection(), &path, MARK).expect("its files");
        (folder, path, database, open)
    }

    fn loss_by(harm: impl FnOnce(&Path, &Database)) -> Option<Loss> {
        let (_folder, path, database, open) = opened();
        assert_eq!(open.loss(), None);
        harm(&path, &database);
        let loss = open.loss();
        assert_eq!(open.loss(), loss, "what is lost stays lost");
        loss
    }

    fn grow(database: &Database) {
        let make = "CREATE TABLE more (text TEXT); INSERT INTO more VALUES (hex(zeroblob(200000)))";
        database.connection().execute_batch(make).expect("SQL");
        database.checkpoint().expect("into the file");
    }

    #[test]
    fn what_happens_to_the_files_is_seen() {
        let removed = loss_by(|path, _| fs::remove_file(path).expect("a file"));
        assert_eq!(removed, Some(Loss::Removed));
        let moved =
            loss_by(|path, _| fs::rename(path, path.with_extension("old")).expect("a file"));
        assert_eq!(moved, Some(Loss::Removed));
        let replaced = loss_by(|path, _| {
            let copy = path.with_extension("copy");
            fs::copy(path, &copy).expect("a copy");
            fs::rename(&copy, path).expect("in its place");
        });
        assert_eq!(replaced, Some(Loss::Replaced));
        for suffix in ["-wal", "-shm"] {
            let lost = loss_by(|path, _| fs::remove_file(beside(path, suffix)).expect("a file"));
            assert_eq!(lost, Some(Loss::LogRemoved), "{suffix}");
        }
    }

    #[test]
    fn what_is_written_over_the_file_is_seen() {
        let over = |path: &Path, bytes: &[u8]| fs::write(path, bytes).expect("written over");
        let emptied = loss_by(|path, _| over(path, b""));
        assert_eq!(emptied, Some(Loss::Overwritten));
        let of_text = loss_by(|path, _| over(path, &[b'x'; 10_000]));
        assert_eq!(of_text, Some(Loss::Overwritten));
        let cut = loss_by(|path, database| {
            grow(database);
            // Seen once at its length.
            let file = fs::OpenOptions::new().write(true).open(path).expect("a file");
            file.set_len(8_192 * 3).expect("cut");
        });
        assert_eq!(cut, Some(Loss::Overwritten));
        let (_folder, path, database, open) = opened();
        let older = fs::read(&path).expect("a file");
        // As long as it was.
        database.connection().pragma_update(None, "user_version", MARK + 1).expect("SQL");
        database.checkpoint().expect("into the file");
        assert_eq!(open.loss(), None);
        over(&path, &older);
        assert_eq!(open.loss(), Some(Loss::Overwritten), "by an older copy");
        let by_another = loss_by(|path, _| {
            let other = path.with_extension("other");
            let database = Database::open(&other).expect("another");
            grow(&database);
            drop(database);
            over(path, &fs::read(other).expect("a file"));
        });
        assert_eq!(by_another, Some(Loss::Overwritten));
        let by_a_copy = loss_by(|path, database| {
            grow(database);
            let copy = path.with_extension("copy");
            crate::store::backup(path, &copy).expect("a copy");
            over(path, &fs::read(copy).expect("a file"));
        });
        assert_eq!(by_a_copy, Some(Loss::Overwritten));
    }

    #[test]
    fn what_sqlite_does_itself_is_no_loss() {
        let (_folder, path, database, open) = opened();
        grow(&database);
        assert_eq!(open.loss(), None);
        database.connection().execute_batch("DROP TABLE more; VACUUM").expect("SQL");
        database.checkpoint().expect("into the file");
        assert_eq!(open.loss(), None);
        drop(Database::open(&path).expect("another connection"));
        crate::store::backup(&path, &path.with_extension("copy")).expect("a copy");
        assert_eq!(open.loss(), None);
    }

    #[test]
    fn a_link_that_leads_elsewhere_is_another_file() {
        let (folder, path, database, _) = opened();
        let link = folder.path().join("link.db");
        symlink(&path, &link).expect("a link");
        let open = OpenFile::of(database.connection(), &link, MARK).expect("its files");
        assert_eq!(open.loss(), None);
        fs::remove_file(&link).expect("a link");
        symlink(folder.path().join("nowhere"), &link).expect("a link");
        assert_eq!(open.loss(), Some(Loss::Removed));
    }
}
