//! Decoding speed: rows/s and MB/s of one core, per format.
//!
//! `cargo run --release -p albatross-formats --example decode -- [--seconds S] FILE...` decodes each file (not compressed) over and over in one
//! thread, as the format that it is recognised as, and reports the fastest pass: others on the machine can only make it slower. Batches are
//! used again, as an ingest does.

use std::io::Write;
use std::time::{Duration, Instant};

use albatross_formats::{Format, Settings, metrics};

/// As many bytes are pushed at once as an ingest would.
const PIECE_BYTES: usize = 1 << 20;
/// Rows a batch holds before it is cleared.
const BATCH_BYTES: usize = 64 << 20;

#[derive(Default)]
struct Run {
    rows: u64,
    other: u64,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut files: Vec<String> = std::env::args().skip(1).collect();
    let mut seconds = 3.0;
    if files.first().is_some_and(|arg| arg == "--seconds") {
        seconds = files.get(1).ok_or("--seconds needs a number")?.parse()?;
        files.drain(..2);
    }
    if files.is_empty() {
        return Err("decode [--seconds S] FILE...".into());
    }
    let settings = Settings::default();
    let mut out = std::io::stdout().lock();
    writeln!(out, "{:<18} {:>12} {:>10} {:>10} {:>8}  file", "format", "rows/s", "MB/s", "rows", "others")?;
    for file in &files {
        let text = std::fs::read(file)?;
        let head = &text[..text.len().min(64 << 10)];
        let Some(format) = Format::recognise(file, head, &settings) else {
            writeln!(out, "{:<18} {:>12} {:>10} {:>10} {:>8}  {file}", "not recognised", "", "", "", "")?;
            continue;
        };
        let mut decode = decoder(format, &settings);
        let once = decode(&text);
        let limit = Duration::from_secs_f64(seconds);
        let (begin, mut fastest) = (Instant::now(), f64::INFINITY);
        while begin.elapsed() < limit {
            let start = Instant::now();
            decode(&text);
            fastest = fastest.min(start.elapsed().as_secs_f64());
        }
        let per_second = |n: u64| n as f64 / fastest;
        writeln!(
            out,
            "{:<18} {:>12.0} {:>10.1} {:>10} {:>8}  {file}",
            format.name(),
            per_second(once.rows),
            per_second(text.len() as u64) / 1e6,
            once.rows,
            once.other,
        )?;
    }
    Ok(())
}

/// Decodes a file.
type Decoder = Box<dyn FnMut(&[u8]) -> Run>;

fn decoder(format: Format, settings: &Settings) -> Decoder {
    match format.reader(settings) {
        Some(mut reader) => Box::new(move |text| {
            if reader.rows().size_bytes() > BATCH_BYTES {
                reader.rows_mut().clear();
            }
            reader.begin("file");
            text.chunks(PIECE_BYTES).for_each(|piece| reader.push(piece));
            let counts = reader.finish().counts;
            Run { rows: counts.rows, other: counts.rejects + counts.skipped() }
        }),
        None => Box::new(|text| match metrics::decode(text, "file", "file") {
            Ok(decoded) => {
                let rows = decoded.batches.iter().map(|batch| batch.num_rows() as u64).sum();
                Run { rows, other: decoded.rejects.len() as u64 + decoded.skipped }
            }
            Err(_) => Run::default(),
        }),
    }
}
