//! `albatross verify`.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use albatross_formats::Routes;
use albatross_ingest::verify::{Finding, Options, verify};
use albatross_lake::Lake;
use anyhow::Result;

use crate::args::Verify;
use crate::exit::Exit;
use crate::ingest::stop_on_signal;
use crate::s3::S3Args;
use crate::show::{plural, safe, size};

pub(crate) fn run(lake: &str, s3: &S3Args, args: &Verify) -> Result<Exit> {
    let started = Instant::now();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let options = Options {
        sources: args.source.clone(),
        s3: s3.s3(),
        settings: args.reading.settings(args.tz, Routes::default()),
    };
    let lake = runtime.block_on(Lake::open_with(lake, &options.s3))?;
    let stop = Arc::new(AtomicBool::new(false));
    runtime.spawn(stop_on_signal(Arc::clone(&stop), "what was found so far has been told"));
    // A reader that went away does not change what the exit code says.
    let on_finding = |finding: &Finding| {
        let _ = writeln!(std::io::stdout(), "{}: {}", safe(&finding.place), safe(&finding.what));
    };
    let summary = verify(runtime.handle(), &lake, &options, &stop, &on_finding)?;
    if !args.quiet {
        eprintln!(
            "read {}, {}, {} of {} in {:.1} s: {}",
            plural(summary.files, "file"),
            size(summary.bytes),
            plural(summary.rows, "row"),
            plural(summary.sources, "source"),
            started.elapsed().as_secs_f64(),
            if summary.findings == 0 { "all fine".to_owned() } else { plural(summary.findings, "finding") },
        );
        if summary.dropped > 0 {
            eprintln!(
                "  {} from before the days that are kept; missing rows of them are none",
                plural(summary.dropped, "source")
            );
        }
        if summary.unfinished > 0 {
            eprintln!(
                "  {} of interrupted ingests in the ledger, which no query shows",
                plural(summary.unfinished, "row")
            );
        }
        if args.source.is_some() {
            eprintln!("  {} read again, {} gone", plural(summary.read_again, "source"), summary.gone.len());
            summary.gone.iter().for_each(|source| eprintln!("  gone: {}", safe(source)));
        }
        if summary.stopped {
            eprintln!("  interrupted: not all was read");
        }
    }
    Ok(match summary.findings {
        0 if summary.stopped => Exit::Partial,
        0 => Exit::Fine,
        _ => Exit::Finding,
    })
}
