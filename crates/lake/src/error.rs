use deltalake_core::DeltaTableError;

use crate::Table;

/// What can go wrong between us and a lake.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no lake at this place: it is empty, or is something else.
    #[error("there is no Albatross lake at `{location}`")]
    NotALake { location: String },

    /// A lake cannot be at this place.
    #[error("`{location}` cannot hold a lake: {reason}")]
    Location { location: String, reason: String },

    /// S3 is not there for us: the bucket, the credentials, a permission.
    #[error("the lake at `{location}` cannot be reached")]
    S3 { location: String, source: albatross_s3::Error },

    /// Another engine has raised the table's protocol above what we read (1) or write (2).
    #[error(
        "table `{table}` asks for Delta protocol reader {reader} and writer {writer}; \
         Albatross reads 1 and writes 2"
    )]
    Protocol { table: Table, reader: i32, writer: i32 },

    /// The lake's table lacks columns of this version of Albatross, or has them with other types.
    #[error("table `{table}` has other columns than this version of Albatross writes: {detail}")]
    Schema { table: Table, detail: String },

    /// A file that was to be committed does not fit the table or is not there.
    #[error("file `{path}` cannot be added to table `{table}`: {reason}")]
    File { table: Table, path: String, reason: String },

    /// The table's log has a gap or an entry we cannot read.
    #[error("the log of table `{table}` is damaged at version {version}: {detail}")]
    Log { table: Table, version: u64, detail: String },

    /// The object store or the disk failed.
    #[error("reading or writing the lake failed")]
    Storage(#[from] object_store::Error),

    /// The Delta library failed.
    #[error("a Delta operation failed")]
    Delta(#[source] Box<DeltaTableError>),
}

impl From<DeltaTableError> for Error {
    fn from(error: DeltaTableError) -> Self {
        Error::Delta(Box::new(error))
    }
}

pub type Result<T, E = Error> = std::result::Result<T, E>;
