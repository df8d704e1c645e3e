//! Files are written under another name and get their own when they are whole and on the disk.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};
use rustix::io::Errno;

/// The end of the name of a file that is not whole.
pub const PART: &str = ".part";

/// A file that is being written beside its place, as `.part`, for its owner alone. Dropped before it is
/// whole, it is removed; what a killed process leaves is never taken for whole, and is removed by the next
/// that writes the same file, or by [`remove_abandoned`].
#[derive(Debug)]
pub struct Draft {
    /// Locked, so that others can tell it from what a killed process has left.
    file: File,
    part: PathBuf,
    target: PathBuf,
    is_kept: bool,
}

impl Draft {
    /// Of the file that is to be `target`. Neither a link nor a file that somebody else has put in the way
    /// is written into.
    pub fn create(target: &Path) -> io::Result<Self> {
        let part = part_of(target);
        let file = match create_new(&part) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists && remove_abandoned(&part)? => {
                create_new(&part)?
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(busy()),
            created => created?,
        };
        // Who looks whether it is abandoned may have come first, and then it is gone.
        file.lock()?;
        if !is_at(&file, &part)? {
            return Err(busy());
        }
        Ok(Self { file, part, target: target.to_owned(), is_kept: false })
    }

    /// Where it is written.
    pub fn path(&self) -> &Path {
        &self.part
    }

    /// The file that is written into.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Puts it in its place, in which there must be nothing: [`ErrorKind::AlreadyExists`].
    pub fn keep(mut self) -> io::Result<()> {
        let target = self.target.clone();
        self.keep_at(&target)
    }

    /// Puts it there instead, under the same rule. If that fails, another place can be tried.
    pub fn keep_at(&mut self, target: &Path) -> io::Result<()> {
        self.finish(target, |part| match renameat_with(CWD, part, CWD, target, NOT_OVER) {
            // Not every file system knows how.
            Err(Errno::INVAL | Errno::NOSYS) => match target.symlink_metadata() {
                Ok(_) => Err(ErrorKind::AlreadyExists.into()),
                Err(_) => fs::rename(part, target),
            },
            done => Ok(done?),
        })
    }

    /// Puts it in its place, instead of what is there.
    pub fn replace(mut self) -> io::Result<()> {
        let target = self.target.clone();
        self.finish(&target, |part| fs::rename(part, &target))
    }

    fn finish(
        &mut self,
        target: &Path,
        name: impl FnOnce(&Path) -> io::Result<()>,
    ) -> io::Result<()> {
        self.file.sync_all()?;
        name(&self.part)?;
        self.is_kept = true;
        sync_folder(target)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_kept {
            // It is of no use, and may not be there.
            let _ = fs::remove_file(&self.part);
        }
    }
}

/// The name of a file until it is whole.
pub fn part_of(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(PART);
    name.into()
}

fn busy() -> io::Error {
    io::Error::new(ErrorKind::ResourceBusy, "somebody else writes it just now")
}

/// Writes a file with these rights in place of what is there, if anything.
pub fn replace(target: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let draft = Draft::create(target)?;
    draft.file().set_permissions(Permissions::from_mode(mode))?;
    draft.file().write_all(content)?;
    draft.replace()
}

/// Removes what a killed process has left at `part`: whether it did. It does not where a process still
/// writes, nor what is no file.
pub fn remove_abandoned(part: &Path) -> io::Result<bool> {
    match abandoned(part)? {
        Some(_) => fs::remove_file(part).map(|()| true),
        None => Ok(false),
    }
}

/// The file at `part`, locked, if nobody writes it any more.
pub(crate) fn abandoned(part: &Path) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let opened = options.write(true).custom_flags(flags.bits().cast_signed()).open(part);
    let file = match opened {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error),
        Ok(()) => {}
    }
    // Another may have removed it and begun anew since it was opened.
    let is_it = is_at(&file, part)? && file.metadata()?.is_file();
    Ok(is_it.then_some(file))
}

fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let opened = file.metadata()?;
    match path.symlink_metadata() {
        Ok(there) => Ok((opened.dev(), opened.ino()) == (there.dev(), there.ino())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Removes what killed processes have left in `folder` under names of which `is_ours` knows; those that went.
/// A file that can't be removed stays, and is in nobody's way.
pub fn remove_all_abandoned(folder: &Path, is_ours: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder_or_here(folder)) else { return Vec::new() };
    let ours = entries.flatten().filter(|entry| entry.file_name().to_str().is_some_and(&is_ours));
    let paths = ours.map(|entry| entry.path());
    paths.filter(|path| remove_abandoned(path).unwrap_or(false)).collect()
}

/// Names that were made or removed beside `path` are on the disk when this returns.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder_or_here(path.parent().unwrap_or_else(|| Path::new(""))))?.sync_all()
}

fn folder_or_here(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() { Path::new(".") } else { folder }
}

fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let no_link = OFlags::NOFOLLOW.bits().cast_signed();
    options.read(true).write(true).create_new(true).mode(0o600).custom_flags(no_link).open(path)
}

const NOT_OVER: RenameFlags = RenameFlags::NOREPLACE;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn text(path: &Path) -> String {
        fs::read_to_string(path).expect("a file")
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder");
        let name = |entry: io::Result<fs::DirEntry>| {
            entry.expect("an entry").file_name().to_string_lossy().into_owned()
        };
        entries.map(name).collect()
    }

    #[test]
    fn a_file_has_its_name_when_it_is_whole_and_replaces_nothing_unasked() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = folder.path().join("file");
        let draft = Draft::create(&target).expect("a draft");
        assert_eq!(names(folder.path()), ["file.part"]);
        draft.file().write_all(b"one").expect("written");
        draft.keep().expect("kept");
        assert_eq!((text(&target), names(folder.path())), ("one".to_owned(), vec!["file".into()]));
        let mode = fs::metadata(&target).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);

        let again = Draft::create(&target).expect("a draft").keep();
        assert_eq!(again.expect_err("it is there").kind(), ErrorKind::AlreadyExists);
        drop(Draft::create(&target).expect("a draft"));
        assert_eq!((text(&target), names(folder.path())), ("one".to_owned(), vec!["file".into()]));
        replace(&target, b"two", 0o644).expect("replaced");
        assert_eq!(text(&target), "two");
        let mode = fs::metadata(&target).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o644);
    }

    #[test]
    fn what_is_in_the_way_is_written_into_by_nobody() {
        let folder = tempfile::tempdir().expect("a folder");
        let (target, other) = (folder.path().join("file"), folder.path().join("other"));
        fs::write(&other, "another's").expect("a file");
        symlink(&other, folder.path().join("file.part")).expect("a link");
        Draft::create(&target).expect_err("a link is in the way");
        assert_eq!(text(&other), "another's");

        fs::remove_file(folder.path().join("file.part")).expect("a link");
        let writing = Draft::create(&target).expect("a draft");
        let busy = Draft::create(&target).expect_err("somebody writes");
        assert_eq!(busy.kind(), ErrorKind::ResourceBusy);
        assert!(!remove_abandoned(writing.path()).expect("a look"));
        drop(writing);

        // As a killed process leaves it.
        fs::write(folder.path().join("file.part"), "half").expect("a file");
        fs::write(folder.path().join("more.part"), "half").expect("a file");
        Draft::create(&target).expect("in its place").keep().expect("kept");
        assert_eq!(text(&target), "");
        let removed = remove_all_abandoned(folder.path(), |name| name.ends_with(PART));
        assert_eq!(removed, [folder.path().join("more.part")]);
    }
}
