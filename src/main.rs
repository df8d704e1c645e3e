//! Parses arguments, calls one function, maps its error to an exit code; nothing else.

use std::process::ExitCode;

use clap::Parser;
use payhookd::cli::Cli;

fn main() -> ExitCode {
    payhookd::cli::run(&Cli::parse())
}
