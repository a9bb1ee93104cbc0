//! Access-log files: lines gathered per balancer node and 5 minutes, under the keys that AWS gives them.

use crate::dice::Dice;
use crate::line::{Line, Writer};
use crate::scenario::Site;
use chrono::DateTime;
use libdeflater::{CompressionLvl, Compressor};
use std::collections::BTreeMap;

/// One file of one node and 5 minutes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFile {
    /// Object key, from `AWSLogs/` to `.log.gz`.
    pub key: String,
    /// The uncompressed lines, in order of completion.
    pub text: Vec<u8>,
    pub lines: u64,
}

impl LogFile {
    /// The file as it lies in the bucket. Busy balancers write several gzip members into one file: a new one begins
    /// after every `member_bytes` of text.
    pub fn gzip(&self, member_bytes: usize) -> Vec<u8> {
        let mut compressor = Compressor::new(CompressionLvl::default());
        let mut out = Vec::new();
        for member in self.text.chunks(member_bytes.max(1)) {
            let start = out.len();
            out.resize(start + compressor.gzip_compress_bound(member.len()), 0);
            // Cannot fail: the buffer has the size that the library asks for.
            let written = compressor.gzip_compress(member, &mut out[start..]).unwrap_or_default();
            out.truncate(start + written);
        }
        out
    }
}

const SLOT_US: i64 = 300_000_000;

/// Takes lines in order of time and gives back files as their 5 minutes end.
pub(crate) struct Journal<'a> {
    site: &'a Site,
    writer: Writer,
    /// Only lines with `from <= time < until` are kept.
    from: i64,
    until: i64,
    open: Vec<Slot>,
    ready: Vec<LogFile>,
    names: Dice,
    pub(crate) lines: u64,
    pub(crate) by_status: BTreeMap<u16, u64>,
    pub(crate) by_cause: BTreeMap<&'static str, u64>,
}

#[derive(Default)]
struct Slot {
    number: i64,
    text: Vec<u8>,
    lines: u64,
}

impl<'a> Journal<'a> {
    pub(crate) fn new(site: &'a Site, fields: usize, from: i64, until: i64, names: Dice) -> Journal<'a> {
        Journal {
            site,
            writer: Writer::new(site, fields),
            from,
            until,
            open: site.nodes.iter().map(|_| Slot::default()).collect(),
            ready: Vec::new(),
            names,
            lines: 0,
            by_status: BTreeMap::new(),
            by_cause: BTreeMap::new(),
        }
    }

    /// `cause` is a code of the table in the lake, `None` if nothing is wrong. Returns whether the line was kept.
    pub(crate) fn write(&mut self, line: &Line, cause: Option<&'static str>) -> bool {
        if line.time < self.from || line.time >= self.until {
            return false;
        }
        let node = usize::from(line.peer.node);
        let number = line.time.div_euclid(SLOT_US);
        if self.open[node].number != number {
            self.close(node);
            self.open[node].number = number;
        }
        let slot = &mut self.open[node];
        self.writer.write(&mut slot.text, line, self.site);
        slot.lines += 1;
        self.lines += 1;
        *self.by_status.entry(line.status).or_default() += 1;
        if let Some(cause) = cause {
            *self.by_cause.entry(cause).or_default() += 1;
        }
        true
    }

    /// Files that have ended since the last call.
    pub(crate) fn take_ready(&mut self) -> Vec<LogFile> {
        std::mem::take(&mut self.ready)
    }

    /// Ends all files.
    pub(crate) fn finish(&mut self) -> Vec<LogFile> {
        for node in 0..self.open.len() {
            self.close(node);
        }
        self.take_ready()
    }

    /// A node without a request in 5 minutes writes no file.
    fn close(&mut self, node: usize) {
        let slot = &mut self.open[node];
        if slot.lines == 0 {
            return;
        }
        let full = Slot { number: slot.number, text: Vec::with_capacity(slot.text.len()), lines: 0 };
        let full = std::mem::replace(slot, full);
        let file = LogFile {
            key: key(self.site, self.site.nodes[node], (full.number + 1) * SLOT_US, &random_name(&mut self.names)),
            text: full.text,
            lines: full.lines,
        };
        self.ready.push(file);
    }
}

/// `end` is the end of the 5 minutes; the folder has the day of delivery, a moment later.
fn key(site: &Site, node: &str, end: i64, random: &str) -> String {
    let time = DateTime::from_timestamp_micros(end).unwrap_or_default();
    format!(
        "AWSLogs/{account}/elasticloadbalancing/{region}/{folder}/{account}_elasticloadbalancing_{region}_app.{name}.{id}_{end}_{node}_{random}.log.gz",
        account = site.account,
        region = site.region,
        name = site.balancer,
        id = site.balancer_id,
        folder = time.format("%Y/%m/%d"),
        end = time.format("%Y%m%dT%H%MZ"),
    )
}

fn random_name(dice: &mut Dice) -> String {
    (0..8).map(|_| char::from(b"0123456789abcdefghijklmnopqrstuvwxyz"[dice.below(36) as usize])).collect()
}
