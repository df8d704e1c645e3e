//! `payhookd manual` and `payhookd completions`: made of what the command line says of itself.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};
use clap_mangen::{Man, generate_to};

use super::{Cli, CommandError, printed, said};

/// `manual`
#[derive(Args, Debug)]
pub struct Manual {
    /// Write the page of every command into this folder, which exists, instead of printing the main
    /// one.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

/// `completions`
#[derive(Args, Debug)]
pub struct Completions {
    /// The shell.
    shell: Shell,
}

impl Manual {
    /// Prints the main page, or writes all.
    pub fn run(&self) -> Result<(), CommandError> {
        let command = Cli::command();
        if let Some(folder) = &self.folder {
            let written = generate_to(command, folder);
            return written.map_err(|error| said(format!("{}: {error}", folder.display())));
        }
        let mut page = Vec::new();
        Man::new(command).render(&mut page)?;
        printed(io::stdout().lock().write_all(&page))
    }
}

impl Completions {
    /// Prints them.
    pub fn run(&self) -> Result<(), CommandError> {
        // Made in memory: the generator would panic on a closed pipe.
        let mut script = Vec::new();
        generate(self.shell, &mut Cli::command(), "payhookd", &mut script);
        printed(io::stdout().lock().write_all(&script))
    }
}
