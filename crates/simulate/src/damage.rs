//! Torn lines, as half-finished uploads, full disks and careless tools leave them.

use crate::journal::LogFile;

/// Lines of the damaged file.
const LINES: usize = 20;

/// Moves the last [`LINES`] lines of `file` to a second file of the same node and 5 minutes and damages five of them so
/// that nobody can read them: the 1-based numbers of these are returned. Nothing is damaged if there are too few lines.
pub(crate) fn split_off(file: &mut LogFile) -> (LogFile, Vec<u64>) {
    let ends: Vec<usize> =
        file.text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();
    let keep = ends.len().saturating_sub(LINES + 1);
    let cut = if keep == 0 { file.text.len() } else { ends[keep] };
    let tail = file.text.split_off(cut);
    let mut lines: Vec<Vec<u8>> = tail.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let count = lines.len() as u64;
    file.lines -= count;
    let mut damaged = Vec::new();
    if lines.len() == LINES {
        damaged = vec![4, 9, 13, 17, 20];
        cut_in_the_request(&mut lines[3]);
        lines[8].drain(..230);
        lines[12] = [&[0; 180], b"\n".as_slice()].concat();
        break_the_time(&mut lines[16]);
        // The end of the file is missing, line feed and all.
        lines[19].truncate(120);
    }
    let file = LogFile { key: second_key(&file.key), text: lines.concat(), lines: count };
    (file, damaged)
}

/// Ends the line within its first quoted field.
fn cut_in_the_request(line: &mut Vec<u8>) {
    if let Some(quote) = line.iter().position(|byte| *byte == b'"') {
        line.truncate(quote + 16);
        line.push(b'\n');
    }
}

/// Makes the second field `2026-11-19T99:99:...`.
fn break_the_time(line: &mut [u8]) {
    if let Some(hour) = line.iter().position(|byte| *byte == b'T')
        && let Some(digits) = line.get_mut(hour + 1..hour + 6)
    {
        digits.copy_from_slice(b"99:99");
    }
}

/// The same key with another random part.
fn second_key(key: &str) -> String {
    let stem = key.strip_suffix(".log.gz").unwrap_or(key);
    let (rest, random) = stem.rsplit_once('_').unwrap_or((stem, ""));
    format!("{rest}_{}.log.gz", random.chars().rev().collect::<String>())
}
