//! What is written beside the database: for its owner alone, whole or not at all, and never through what
//! somebody else has put in the way.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use crate::support::daemon::Options;
use crate::support::provider::stripe_event;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

#[test]
fn all_that_is_written_is_its_owners_alone() {
    let options = Options::stripe().through_shell("umask 000");
    let daemon = options.start();
    assert_eq!(daemon.deliver_stripe(stripe_event("payment_intent.succeeded", "1")).status, 200);
    let books = options.folder().join("books");
    options.done(&["export", "all", "--output", &books.display().to_string()]);
    options.done(&["backup", &options.folder().join("copy.db").display().to_string()]);
    assert_eq!(mode(&books), 0o700);
    let folders = [options.folder(), &books];
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).expect("a folder"));
    let files: Vec<_> = entries.map(|one| one.expect("an entry").path()).collect();
    let files: Vec<_> = files.iter().filter(|path| path.is_file()).collect();
    assert!(files.len() >= 9, "{files:?}");
    for file in files {
        assert_eq!(mode(file), 0o600, "{}", file.display());
    }
}

#[test]
fn what_a_killed_process_left_is_removed_and_a_link_in_the_way_is_not_followed() {
    let options = Options::stripe();
    let half =
        ["api-token.part", "payhookd.db.part", "payhookd.db.v14-20261123T115203250Z.bak.part"];
    let half = half.map(|name| options.file(name, "half"));
    let others = options.file("notes.part", "another's");
    drop(options.start());
    for file in half {
        assert!(!file.exists(), "{}", file.display());
    }
    assert!(others.exists());

    let victim = options.file("victim", "precious");
    let (copy, books) = (options.folder().join("copy.db"), options.folder().join("refunds.csv"));
    for target in [&copy, &books] {
        symlink(&victim, format!("{}.part", target.display())).expect("a link");
    }
    for args in [
        ["backup", &copy.display().to_string()].as_slice(),
        &["export", "refunds", "--mode=live", "--output", &books.display().to_string()],
    ] {
        let output = options.run(args);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(".part: "), "{said}");
    }
    assert_eq!(fs::read_to_string(victim).expect("a file"), "precious");
    assert!(!copy.exists() && !books.exists());
}
