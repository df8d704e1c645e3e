//! `payhookd manual`: the man pages, made of what the command line says of itself.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, CommandFactory};
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

impl Manual {
    /// Prints or writes it.
    pub fn run(&self) -> Result<(), CommandError> {
        let command = Cli::command();
        let Some(folder) = &self.folder else {
            let mut page = Vec::new();
            Man::new(command).render(&mut page)?;
            return printed(io::stdout().lock().write_all(&page));
        };
        generate_to(command, folder).map_err(|error| said(format!("{}: {error}", folder.display())))
    }
}
