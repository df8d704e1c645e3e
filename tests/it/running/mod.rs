//! The commands, the settings, the documents, the house.

pub(crate) mod cli;
pub(crate) mod config;
pub(crate) mod docs;
pub(crate) mod doctor;
pub(crate) mod examples;
pub(crate) mod house;
pub(crate) mod lifecycle;
pub(crate) mod send;
pub(crate) mod tasks;
