//! Names that are like others.

use std::cmp::Reverse;

/// The one of the known names that is most like `name`, if any is like it at all; of equal ones the one that begins most like it.
pub fn nearest<S: AsRef<str>>(name: &str, known: impl IntoIterator<Item = S>) -> Option<String> {
    let wanted = name.to_lowercase().replace('-', "_");
    let mut best: Option<((usize, Reverse<usize>), String)> = None;
    for known in known {
        let known = known.as_ref();
        // A part of a name is as good as the name itself.
        let distance = if wanted.len() > 2 && known.contains(&wanted) { 0 } else { distance(known, &wanted) };
        let begin = known.chars().zip(wanted.chars()).take_while(|(a, b)| a == b).count();
        let rank = (distance, Reverse(begin));
        if distance <= wanted.len() / 3 && best.as_ref().is_none_or(|(least, _)| rank < *least) {
            best = Some((rank, known.to_owned()));
        }
    }
    best.map(|(_, name)| name)
}

/// How many characters must be added, dropped or changed, or neighbours exchanged, to make one name the other.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let changed = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = changed.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_small_distances() {
        for (a, b, d) in [("route", "route", 0), ("rout", "route", 1), ("statsu", "status", 1), ("", "abc", 3)] {
            assert_eq!(distance(a, b), d, "{a} {b}");
        }
        assert_eq!(nearest("elb_status_cod", ["path", "elb_status_code"]).as_deref(), Some("elb_status_code"));
        assert_eq!(nearest("Status", ["elb_status_code"]).as_deref(), Some("elb_status_code"));
        assert_eq!(nearest("quagga", ["route", "path"]), None);
        assert_eq!(nearest("cout", ["cot", "count", "cost"]).as_deref(), Some("count"));
    }
}
