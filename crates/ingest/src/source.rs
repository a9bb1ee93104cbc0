//! Where log files come from: files, folders and globs on disk, prefixes in S3, and standard input.

mod bucket;

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use albatross_lake::TxnId;
use albatross_s3::{Address, Bucket, Object, S3};
use bytes::Bytes;
use tokio::runtime::Handle;
use walkdir::{DirEntry, WalkDir};

use crate::small::MAX_STORED;
use crate::summary::Failure;
use crate::window::Window;

pub(crate) use bucket::uri as uri_of;

/// One file to be ingested whole or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    /// Absolute path, `s3://bucket/key`, or `stdin`. Stands in the column `source_file`.
    pub(crate) uri: String,
    /// Bytes as stored; 0 for standard input.
    pub(crate) size: u64,
    place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Disk { path: PathBuf, modified_ns: u128 },
    S3 { bucket: Bucket, object: Arc<Object> },
    Stdin,
    Given(Bytes),
}

/// A source that was not found but made, such as an answer of a service.
///
/// Its name alone is its identity: what is once in the lake under a name is never taken again, whatever the bytes are. So the name must say
/// which part of the world it holds, and that part must not change any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// Stands in the column `source_file`; of a scheme of its own, such as `cloudwatch://eu-central-1/...`.
    pub uri: String,
    /// As in a file.
    pub bytes: Vec<u8>,
}

impl Given {
    /// What is in the lake's table once a source of this name is.
    pub fn id(uri: &str) -> TxnId {
        TxnId::of_source(uri, "", 0)
    }
}

impl From<Given> for Source {
    fn from(Given { uri, bytes }: Given) -> Source {
        Source { uri, size: bytes.len() as u64, place: Place::Given(bytes.into()) }
    }
}

impl Source {
    /// Identity of this version of the file in the lake's ledger: path, time of last change and size; in S3 the ETag. `None` for standard
    /// input, which is known by its content only, once it has been read.
    pub(crate) fn txn(&self) -> Option<TxnId> {
        match &self.place {
            Place::Disk { modified_ns, .. } => Some(TxnId::of_source(&self.uri, &modified_ns.to_string(), self.size)),
            Place::S3 { object, .. } => Some(TxnId::of_source(&self.uri, &object.etag, self.size)),
            Place::Stdin => None,
            Place::Given(_) => Some(Given::id(&self.uri)),
        }
    }

    /// Whether the size is known before reading.
    pub(crate) fn is_sized(&self) -> bool {
        !matches!(self.place, Place::Stdin)
    }

    pub(crate) fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        Ok(match &self.place {
            Place::Disk { path, .. } => Box::new(File::open(path)?),
            Place::S3 { bucket, object } => Box::new(bucket.reader(object)),
            Place::Stdin => Box::new(io::stdin()),
            Place::Given(bytes) => Box::new(Cursor::new(bytes.clone())),
        })
    }

    /// The object behind a source, if it is one that is read at once.
    pub(crate) fn small_object(&self) -> Option<(Bucket, Arc<Object>)> {
        match &self.place {
            Place::S3 { bucket, object } if self.size <= MAX_STORED => Some((bucket.clone(), Arc::clone(object))),
            _ => None,
        }
    }

    fn on_disk(path: PathBuf, metadata: &std::fs::Metadata) -> Source {
        let modified_ns =
            metadata.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok()).map_or(0, |d| d.as_nanos());
        Source {
            uri: path.to_string_lossy().into_owned(),
            size: metadata.len(),
            place: Place::Disk { path, modified_ns },
        }
    }
}

/// All files behind the inputs that may be of the window, each once, in the order of their paths (AWS's names hold the time, so
/// neighbours in time are read together). An input that cannot be listed is a failure; the others go on.
pub(crate) fn discover(runtime: &Handle, s3: &S3, inputs: &[String], window: &Window) -> (Vec<Source>, Vec<Failure>) {
    let mut sources = Vec::new();
    let mut failures = Vec::new();
    for input in inputs {
        if input == "-" {
            sources.push(Source { uri: "stdin".into(), size: 0, place: Place::Stdin });
            continue;
        }
        if Address::is_s3(input) {
            match runtime.block_on(bucket::list(s3, input, window)) {
                Ok(found) => sources.extend(found),
                Err(reason) => failures.push(Failure::new(input, reason)),
            }
            continue;
        }
        let path = Path::new(input);
        if !path.exists() && input.contains(['*', '?', '[']) {
            expand_glob(input, &mut sources, &mut failures);
        } else {
            list(path, &mut sources, &mut failures);
        }
    }
    sources.retain(|source| {
        let wanted = window.takes_file(&source.uri);
        if !wanted {
            tracing::debug!(source = source.uri, "source skipped, it is outside --from and --to");
        }
        wanted
    });
    sources.sort_by(|a, b| a.uri.cmp(&b.uri));
    let mut seen = HashSet::new();
    sources.retain(|source| seen.insert(source.uri.clone()));
    (sources, failures)
}

/// The file behind a name in the ledger, as it is now; `None` if there is none.
pub(crate) fn find(runtime: &Handle, s3: &S3, uri: &str) -> Result<Option<Source>, String> {
    if Address::is_s3(uri) {
        return runtime.block_on(bucket::find(s3, uri));
    }
    match std::fs::metadata(uri) {
        Ok(metadata) => Ok(Some(Source::on_disk(PathBuf::from(uri), &metadata))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(plain(&error)),
    }
}

fn expand_glob(pattern: &str, sources: &mut Vec<Source>, failures: &mut Vec<Failure>) {
    let paths = match glob::glob(pattern) {
        Ok(paths) => paths,
        Err(error) => return failures.push(Failure::new(pattern, format!("not a valid pattern: {error}"))),
    };
    let mut matched = false;
    for path in paths {
        matched = true;
        match path {
            Ok(path) => list(&path, sources, failures),
            Err(error) => failures.push(Failure::new(&error.path().to_string_lossy(), plain(error.error()))),
        }
    }
    if !matched {
        failures.push(Failure::new(pattern, "no file matches this pattern"));
    }
}

fn list(path: &Path, sources: &mut Vec<Source>, failures: &mut Vec<Failure>) {
    // One resolution of the root, so that the same file has the same name however it was reached.
    let root = match path.canonicalize() {
        Ok(root) => root,
        Err(error) => return failures.push(Failure::new(&path.to_string_lossy(), plain(&error))),
    };
    for entry in WalkDir::new(&root).follow_links(true).into_iter().filter_entry(is_wanted) {
        let result = entry.and_then(|entry| {
            let metadata = entry.metadata()?;
            Ok((entry, metadata))
        });
        match result {
            Ok((entry, metadata)) if metadata.is_file() => sources.push(Source::on_disk(entry.into_path(), &metadata)),
            Ok(_) => {}
            Err(error) => {
                let name = error.path().unwrap_or(&root).to_string_lossy().into_owned();
                let reason = error.io_error().map_or_else(|| error.to_string(), plain);
                failures.push(Failure::new(&name, reason));
            }
        }
    }
}

/// Inside a folder, hidden files, read-me files and the transaction logs of a lake are no logs. A file that is named itself is
/// always taken.
fn is_wanted(entry: &DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy();
    entry.depth() == 0 || is_log_name(&name)
}

/// Whether a file or folder of this name may be or hold a log.
fn is_log_name(name: &str) -> bool {
    !(name.starts_with('.') || name.starts_with("README") || name == "_delta_log" || name.ends_with(".parquet"))
}

/// An operating-system error as a sentence for a person.
pub(crate) fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file or folder".into(),
        io::ErrorKind::PermissionDenied => "permission denied: this user may not read it".into(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_globs_and_files_give_each_file_once() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        std::fs::create_dir(root.join("b")).unwrap();
        for name in ["a.log", "b/c.log", "b/.hidden", "b/README.md"] {
            std::fs::write(root.join(name), "x").unwrap();
        }
        let root = root.to_str().unwrap();
        let inputs = [
            root.to_string(),
            format!("{root}/b/../a.log"),
            format!("{root}/*.log"),
            format!("{root}/none*"),
            format!("{root}/none"),
        ];
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let discover = |inputs: &[String]| discover(runtime.handle(), &S3::default(), inputs, &Window::default());
        let (sources, failures) = discover(&inputs);
        let names: Vec<&str> = sources.iter().map(|s| s.uri.strip_prefix(root).unwrap()).collect();
        assert_eq!(names, ["/a.log", "/b/c.log"]);
        assert_eq!(failures.len(), 2);
        assert!(sources[0].txn().is_some());
        assert!(discover(&["-".to_string()]).0[0].txn().is_none());
    }
}
