//! Everything that a person is told, in English and French.

pub mod alerts;
pub mod dashboard;
pub mod explain;
pub mod issues;
pub mod replay;
