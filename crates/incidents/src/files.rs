//! Log files as AWS delivers them: one per node and five minutes, gzip, lines in the order in which requests ended.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::{fs, io, thread};

use chrono::{DateTime, Utc};
use libdeflater::{CompressionLvl, Compressor};

use crate::service::Service;
use crate::time::MINUTE;

const INTERVAL: i64 = 5 * MINUTE;

pub(crate) struct Files {
    /// What is not complete yet, by end of the interval and node.
    open: BTreeMap<(i64, usize), Content>,
    folder: PathBuf,
    prefix: String,
    names: Vec<String>,
    compress: mpsc::SyncSender<(PathBuf, Content)>,
    compressor: JoinHandle<io::Result<()>>,
}

#[derive(Default)]
struct Content {
    bytes: Vec<u8>,
    /// End of the request, and where its line begins and ends.
    lines: Vec<(i64, usize, usize)>,
}

impl Files {
    pub(crate) fn new(folder: &Path, service: &Service) -> Files {
        let (compress, work) = mpsc::sync_channel(2);
        let (account, region) = (&service.account, service.region);
        let (name, id) = &service.balancer;
        // AWS's random part; here the same for a node's files.
        let names =
            service.nodes.iter().enumerate().map(|(at, node)| format!("{node}_{at}{}.log.gz", &id[..7])).collect();
        Files {
            open: BTreeMap::new(),
            folder: folder.join("AWSLogs").join(account).join("elasticloadbalancing").join(region),
            prefix: format!("{account}_elasticloadbalancing_{region}_app.{name}.{id}"),
            names,
            compress,
            compressor: thread::spawn(move || store(&work)),
        }
    }

    /// A line, written by `write`, of a request that ended then.
    pub(crate) fn push(&mut self, node: usize, end: i64, write: impl FnOnce(&mut Vec<u8>)) {
        let interval = (end.div_euclid(INTERVAL) + 1) * INTERVAL;
        let content = self.open.entry((interval, node)).or_default();
        let begin = content.bytes.len();
        write(&mut content.bytes);
        content.lines.push((end, begin, content.bytes.len()));
    }

    /// No request will end before `now`.
    pub(crate) fn close_until(&mut self, now: i64) {
        while let Some(entry) = self.open.first_entry() {
            let (interval, node) = *entry.key();
            if interval > now {
                return;
            }
            let content = entry.remove();
            let delivered: DateTime<Utc> = DateTime::from_timestamp_micros(interval).expect("years of four digits");
            let name = format!("{}_{}_{}", self.prefix, delivered.format("%Y%m%dT%H%MZ"), self.names[node]);
            let path = self.folder.join(delivered.format("%Y/%m/%d").to_string()).join(name);
            // A compressor that is gone has failed; `finish` tells why.
            let _ = self.compress.send((path, content));
        }
    }

    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.close_until(i64::MAX);
        drop(self.compress);
        self.compressor.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

fn store(work: &mpsc::Receiver<(PathBuf, Content)>) -> io::Result<()> {
    let mut compressor = Compressor::new(CompressionLvl::new(1).expect("1 is a level"));
    for (path, mut content) in work {
        content.lines.sort_by_key(|line| line.0);
        let mut sorted = Vec::with_capacity(content.bytes.len());
        for (_, begin, end) in &content.lines {
            sorted.extend_from_slice(&content.bytes[*begin..*end]);
        }
        let mut packed = vec![0; compressor.gzip_compress_bound(sorted.len())];
        let length =
            compressor.gzip_compress(&sorted, &mut packed).map_err(|error| io::Error::other(error.to_string()))?;
        fs::create_dir_all(path.parent().expect("a folder"))?;
        fs::write(path, &packed[..length])?;
    }
    Ok(())
}
