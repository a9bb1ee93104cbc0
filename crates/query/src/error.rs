use std::io;

use datafusion::error::DataFusionError;

use crate::fault::{Fault, plain};

/// What can go wrong between a question and its answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The lake cannot be read.
    #[error(transparent)]
    Lake(#[from] albatross_lake::Error),

    /// The catalogue has no query of this name.
    #[error("there is no query `{name}`{hint}")]
    NoSuchQuery { name: String, hint: String },

    /// A query's file cannot be read, or its header or SQL is wrong. `line` counts from 1; 0 is the whole file.
    #[error("{file}{}: {problem}", if *.line > 0 { format!(", line {line}") } else { String::new() })]
    QueryFile { file: String, line: usize, problem: String },

    /// A parameter is unknown, missing or has a value it cannot take.
    #[error("parameter `{name}`: {problem}")]
    Parameter { name: String, problem: String },

    /// The statement would change something.
    #[error("{statement} is refused: SQL can only read a lake (SELECT, WITH, VALUES, EXPLAIN, DESCRIBE, SHOW)")]
    ReadOnly { statement: String },

    /// The statement cannot be parsed or planned: the fault is in the SQL.
    #[error("{0}")]
    Sql(Fault),

    /// The statement was fine and failed while it ran.
    #[error("the query failed: {0}")]
    Run(String),

    /// The statement was fine, and the cluster did not run it.
    #[error(transparent)]
    Cluster(#[from] albatross_cluster::Error),

    /// The result cannot be written. A broken pipe is one of these.
    #[error("cannot write the result")]
    Write(#[from] io::Error),
}

pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error of parsing or planning; where in the text is not known.
    pub(crate) fn sql(error: &DataFusionError) -> Error {
        Error::Sql(Fault::new(plain(error)))
    }

    /// An error of a running query.
    pub(crate) fn run(error: &DataFusionError) -> Error {
        Error::Run(plain(error))
    }

    pub(crate) fn parameter(name: &str, problem: impl Into<String>) -> Error {
        Error::Parameter { name: name.to_owned(), problem: problem.into() }
    }
}
