//! The message about a database that can't be written: which disk it is on, how full that is, what to do.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{CommandError, said};
use crate::http::admin::ROOM;
use crate::store::StoreError;

/// The error of a command or daemon on the database at `db`, with its cause and remedy if it is about the disk.
pub(super) fn explain(error: CommandError, db: &Path) -> CommandError {
    let explained = error.downcast_ref().and_then(|error| explained(error, db));
    explained.map_or(error, said)
}

/// The cause of `error` and its remedy, if it is about room or the disk of the database at `db`.
fn explained(error: &StoreError, db: &Path) -> Option<String> {
    if !matches!(error, StoreError::Full | StoreError::Disk(_)) {
        return None;
    }
    let place = std::path::absolute(db).unwrap_or_else(|_| db.to_owned());
    let mount = mount_of(&place);
    let disk = rustix::fs::statvfs(&mount).ok();
    let mebibytes = |blocks: u64, size: u64| blocks.saturating_mul(size) / (1024 * 1024);
    let room = disk.map(|disk| {
        (mebibytes(disk.f_bavail, disk.f_frsize), mebibytes(disk.f_blocks, disk.f_frsize))
    });
    let (mount, db) = (mount.display(), db.display());
    let is_full = matches!(error, StoreError::Full)
        || room.is_some_and(|(free, _)| free < ROOM / (1024 * 1024));
    let room = room
        .map_or_else(String::new, |(free, total)| format!(" has {free} MiB of {total} MiB free"));
    let remedy = match is_full {
        true => {
            format!("make room on it (see `df -h {mount}` and `du -xh {mount} | sort -h | tail`)")
        }
        false => {
            "see what the system says of it (`dmesg`), and whether a quota or a limit of the size \
                  of files (`ulimit -f`) is in the way"
                .to_owned()
        }
    };
    Some(format!(
        "the database {db} can't be written ({error}). Its disk, {mount},{room}: {remedy}, \
         then start again; what providers sent meanwhile they send again for three days"
    ))
}

/// The folder at which the file system of `path` begins.
fn mount_of(path: &Path) -> PathBuf {
    let device = |path: &Path| path.metadata().ok().map(|place| place.dev());
    let mut folders = path.ancestors().skip(1).filter(|folder| folder.exists());
    let Some(mut mount) = folders.next() else { return path.to_owned() };
    for folder in folders {
        if device(folder) != device(mount) {
            break;
        }
        mount = folder;
    }
    mount.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_named_with_what_to_do() {
        let said = explained(&StoreError::Full, Path::new("/proc/self/payhookd.db"));
        let said = said.expect("it is about the disk");
        assert!(said.contains("Its disk, /proc, has "), "{said}");
        assert!(said.contains("make room on it (see `df -h /proc`"), "{said}");
        assert_eq!(explained(&StoreError::Busy, Path::new("payhookd.db")), None);
    }
}
