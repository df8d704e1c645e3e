//! Parses arguments, calls one function, maps its error to an exit code; nothing else.

use std::process::ExitCode;

use clap::Parser;
use payhookd::cli::Cli;
use tikv_jemallocator::Jemalloc;

/// The system's allocator keeps what a flood of requests took; this one gives it back within seconds.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    payhookd::cli::run(Cli::parse())
}
