//! Which files a table is made of, and of which format they are.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use albatross_formats::{Format, Settings};
use albatross_ingest::raw::{self, Kind, RawFile};

use crate::Inner;

/// Files are looked at by so many threads: what takes time is to open them.
const THREADS: usize = 16;
/// Of files that are in the way so many are named.
const NAMED: usize = 3;

/// The files behind `path`, and their format: the one that all of them have, or those of the `wanted` one. A single file is read as what is
/// wanted.
///
/// # Errors
/// For a person: there is no file, one cannot be read, or there are several formats and none is wanted.
pub(crate) fn files(inner: &Inner, path: &str, wanted: Option<Format>) -> Result<(Format, Vec<RawFile>), String> {
    if path == "-" {
        return Err(
            "standard input can be read once only, and a table must be read as often as a statement says".to_owned()
        );
    }
    let (found, failures) = raw::find(&inner.runtime, &inner.s3, &[path.to_owned()], &inner.window);
    if let Some(failure) = failures.first() {
        return Err(format!("{}: {}", failure.source, failure.reason));
    }
    if let (Some(format), 1) = (wanted, found.len()) {
        return Ok((format, found)); // whatever it looks like
    }
    let mut by_kind: BTreeMap<Kind, Vec<RawFile>> = BTreeMap::new();
    for (file, kind) in found.iter().zip(kinds(&found, &inner.settings)) {
        by_kind.entry(kind?).or_default().push(file.clone());
    }
    by_kind.remove(&Kind::Empty);
    if let Some(format) = wanted {
        by_kind.retain(|kind, _| may_be(*kind, format));
        let files: Vec<RawFile> = by_kind.into_values().flatten().collect();
        return match files.is_empty() {
            true => Err(format!("{path}: no file is of the format `{}`", format.name())),
            false => Ok((format, files)),
        };
    }
    let mut kinds = by_kind.iter();
    match (kinds.next(), kinds.next()) {
        (Some((Kind::Format(format), files)), None) => Ok((*format, files.clone())),
        (Some((Kind::Unknown, files)), None) => Err(format!(
            "{path}: {} not recognised as a log{}; if it is one, say of which format: read_logs('{path}', 'nginx')",
            if files.len() == 1 { "the file is" } else { "the files are" },
            if files.len() == 1 { String::new() } else { format!(", such as {}", files[0].uri()) },
        )),
        (None, _) => Err(match found.as_slice() {
            [] => format!("{path}: there is no file"),
            [_] => format!("{path}: the file is empty, so of which format it is is not known"),
            all => format!("{path}: all {} files are empty", all.len()),
        }),
        _ => Err(mixed(path, &by_kind)),
    }
}

/// Whether a file of this kind is read as the format that somebody asks for. Nobody can tell nginx's lines from Apache's in all cases, and
/// what is not known may be anything.
fn may_be(kind: Kind, wanted: Format) -> bool {
    match kind {
        Kind::Format(format) => {
            let is_web = |format| matches!(format, Format::Nginx | Format::Apache);
            format == wanted || is_web(format) && is_web(wanted)
        }
        Kind::Unknown | Kind::Empty => true,
    }
}

fn mixed(path: &str, by_kind: &BTreeMap<Kind, Vec<RawFile>>) -> String {
    let mut counts = Vec::new();
    let mut first = None;
    for (kind, files) in by_kind {
        let name = match kind {
            Kind::Format(format) => {
                first.get_or_insert(format.name());
                format.name().to_owned()
            }
            Kind::Unknown | Kind::Empty => {
                let names: Vec<&str> = files.iter().take(NAMED).map(RawFile::uri).collect();
                let more = if files.len() > NAMED { ", ..." } else { "" };
                format!("not recognised ({}{more})", names.join(", "))
            }
        };
        counts.push(format!("{} {name}", files.len()));
    }
    format!(
        "{path} holds files of several kinds: {}; a table has one format: give a narrower path, or take those of one: \
         read_logs('{path}', '{}')",
        counts.join(", "),
        first.unwrap_or("alb")
    )
}

/// What each of the files is, in their order.
fn kinds(files: &[RawFile], settings: &Settings) -> Vec<Result<Kind, String>> {
    let next = AtomicUsize::new(0);
    let kinds = Mutex::new(Vec::with_capacity(files.len()));
    std::thread::scope(|scope| {
        for _ in 0..THREADS.min(files.len()) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(file) = files.get(at) else { break };
                    let kind = file.recognise(settings).map_err(|reason| format!("{}: {reason}", file.uri()));
                    if let Ok(mut kinds) = kinds.lock() {
                        kinds.push((at, kind));
                    }
                }
            });
        }
    });
    let mut kinds = kinds.into_inner().unwrap_or_default();
    kinds.sort_by_key(|(at, _)| *at);
    kinds.into_iter().map(|(_, kind)| kind).collect()
}
