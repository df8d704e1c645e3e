//! Tells the binary which commit it was made of. A debug build is of none, so that a commit does not
//! make every incremental build compile all of it again.

#![allow(clippy::disallowed_methods)]

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

/// In a tarball that git made, the commit and its date stand here in place of the format.
const ARCHIVED: &str = "packaging/commit";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let version = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let commit = if is_release { archived().or_else(checked_out) } else { None };
    // `abc1234 2026-11-25`
    let hash = commit.as_deref().and_then(|commit| commit.split(' ').next()).unwrap_or_default();
    println!("cargo::rustc-env=PAYHOOKD_BUILD_COMMIT={hash}");
    let build = match commit {
        Some(commit) => format!("{version} ({commit})"),
        None => version,
    };
    println!("cargo::rustc-env=PAYHOOKD_BUILD={build}");
}

fn archived() -> Option<String> {
    println!("cargo::rerun-if-changed={ARCHIVED}");
    let commit = fs::read_to_string(ARCHIVED).ok()?.trim().to_owned();
    Some(commit).filter(|commit| !commit.is_empty() && !commit.starts_with('$'))
}

/// What git says, if this folder is a repository of its own, and not unpacked within another.
fn checked_out() -> Option<String> {
    let top = git(&["rev-parse", "--show-toplevel"])?;
    let here = env::var("CARGO_MANIFEST_DIR").ok()?;
    if fs::canonicalize(top).ok()? != fs::canonicalize(here).ok()? {
        return None;
    }
    // Both are written to whenever another commit is checked out or made.
    for file in ["HEAD", "logs/HEAD"] {
        let path = git(&["rev-parse", "--git-path", file])?;
        if Path::new(&path).exists() {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    git(&["log", "-1", "--abbrev=7", "--format=%h %cs"])
}

fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).output().ok().filter(|it| it.status.success())?;
    let said = String::from_utf8(output.stdout).ok()?;
    Some(said.trim().to_owned()).filter(|said| !said.is_empty())
}
