//! `payhookd completions`: what a shell needs to complete the command line.

use std::io::{self, Write};

use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::{Shell, generate};

use super::{Cli, CommandError, printed};

/// `completions`
#[derive(Args, Debug)]
pub struct Completions {
    /// The shell.
    shell: Shells,
}

/// The shells that are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Shells {
    Bash,
    Zsh,
    Fish,
}

impl Completions {
    /// Prints it.
    pub fn run(&self) -> Result<(), CommandError> {
        let shell = match self.shell {
            Shells::Bash => Shell::Bash,
            Shells::Zsh => Shell::Zsh,
            Shells::Fish => Shell::Fish,
        };
        // Made in memory: the generator would panic on a closed pipe.
        let mut script = Vec::new();
        generate(shell, &mut Cli::command(), "payhookd", &mut script);
        printed(io::stdout().lock().write_all(&script))
    }
}
