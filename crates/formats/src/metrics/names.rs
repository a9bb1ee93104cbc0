//! What people call a result: which statistic, metric and resource an `Id` and a `Label` speak of.
//!
//! `get-metric-data` answers carry nothing else to go by. `cpu_avg` / `cpu_max`, `avg1` / `max1`, `m1_average`, `web1Max`,
//! `CPUUtilization Average`, `i-0abc CPUUtilization Maximum`, `web-1 max`, `Max CPU (web-1)`, ...: the word for the statistic
//! and the word for the metric are taken out, and what remains names the series.

/// A statistic, in the order of its column. Those without one (percentiles, trimmed means) are `Unkept`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Statistic {
    Average,
    Maximum,
    Minimum,
    Sum,
    Samples,
    Unkept,
}

impl Statistic {
    /// How many statistics have a column.
    pub(super) const KEPT: usize = Self::Unkept as usize;

    /// The statistic that one whole word means.
    pub(super) fn of_word(word: &str) -> Option<Self> {
        let lower = word.to_ascii_lowercase();
        Some(match lower.as_str() {
            "average" | "avg" | "mean" => Self::Average,
            "maximum" | "max" | "peak" => Self::Maximum,
            "minimum" | "min" => Self::Minimum,
            "sum" => Self::Sum,
            "samplecount" | "samples" => Self::Samples,
            "iqm" => Self::Unkept,
            _ if is_percentile(&lower) || is_range(word) => Self::Unkept,
            _ => return None,
        })
    }
}

/// `p99`, `p99.9`, `tm95`; `p1` is more likely somebody's first query.
fn is_percentile(lower: &str) -> bool {
    let number = ["p", "tm", "wm"].iter().find_map(|prefix| lower.strip_prefix(prefix));
    number.is_some_and(|n| n.len() > 1 && n.parse::<f64>().is_ok_and(f64::is_finite))
}

/// `TM(10%:90%)` and its relatives.
fn is_range(word: &str) -> bool {
    ["TM(", "WM(", "PR(", "TC(", "TS("].iter().any(|prefix| word.starts_with(prefix))
}

/// What one `Id` or one `Label` says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) statistic: Option<Statistic>,
    pub(super) metric: Option<String>,
    pub(super) namespace: Option<String>,
    /// What is left when statistic, metric and namespace are taken out.
    pub(super) rest: String,
}

/// Words of a label that name nothing.
const FILLERS: [&str; 6] = ["of", "for", "the", "by", "stat", "statistic"];
/// Words after `cpu` that belong to it.
const USAGES: [&str; 8] = ["utilization", "utilisation", "util", "usage", "percent", "percentage", "pct", "%"];
/// Words after `cpu` that make it another metric.
const OTHER_CPU: [&str; 11] =
    ["credit", "credits", "idle", "steal", "iowait", "wait", "system", "user", "reserved", "surplus", "active"];
/// How the names of AWS's metrics end.
const METRIC_ENDINGS: [&str; 16] = [
    "Utilization",
    "Usage",
    "Count",
    "Time",
    "Bytes",
    "In",
    "Out",
    "Balance",
    "Connections",
    "Percent",
    "Latency",
    "Ops",
    "IOPS",
    "Memory",
    "Requests",
    "Duration",
];
/// How the names of the CloudWatch agent's metrics begin.
const AGENT_METRICS: [&str; 7] = ["cpu_usage_", "mem_", "disk_", "diskio_", "swap_", "net_", "processes_"];
pub(super) const CPU: &str = "CPUUtilization";

/// Reads a label. `loose` also finds a statistic glued to another word (`CPUUtilizationMaximum`, `web-1-max`).
pub(super) fn of_label(label: &str, loose: bool) -> Parts {
    let label = without_legend(label);
    if label.contains('_') && label.bytes().all(is_of_snake) && !is_agent_metric(&label) {
        return of_id(&label, loose);
    }
    let mut words: Vec<&str> =
        label
            .split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '|' | '"'))
            .flat_map(|word| if is_range(word) { vec![word] } else { word.split(['(', ')', '[', ']']).collect() })
            .map(|word| {
                if is_range(word) {
                    word
                } else {
                    word.trim_matches(['{', '}', ':', '-', '–', '—', '=', '.', '\''])
                }
            })
            .filter(|word| !word.is_empty())
            .collect();
    let mut statistic = the_statistic(&words);
    if statistic.is_some() {
        words.retain(|word| Statistic::of_word(word) != statistic);
    } else if loose
        && let Some((at, found, rest)) =
            words.iter().enumerate().find_map(|(at, word)| glued_in_label(word).map(|(s, rest)| (at, s, rest)))
    {
        statistic = Some(found);
        words[at] = rest;
    }
    words.retain(|word| !word.is_empty() && !FILLERS.contains(&word.to_ascii_lowercase().as_str()));
    let namespace =
        take(&mut words, |word| word.starts_with("AWS/") || matches!(word, "CWAgent" | "ECS/ContainerInsights"));
    let metric = metric_of(&mut words);
    Parts { statistic, metric, namespace: namespace.map(str::to_owned), rest: words.join(" ") }
}

/// Reads an Id (`[a-z][A-Za-z0-9_]*`). `loose` also finds `cpumax`.
pub(super) fn of_id(id: &str, loose: bool) -> Parts {
    let mut pieces = pieces(id);
    let words: Vec<&str> = pieces.iter().map(String::as_str).collect();
    let mut statistic = the_statistic(&words);
    if statistic.is_some() {
        pieces.retain(|piece| Statistic::of_word(piece) != statistic);
    } else if loose
        && let Some((at, found, rest)) =
            pieces.iter().enumerate().find_map(|(at, piece)| glued_in_id(piece).map(|(s, rest)| (at, s, rest)))
    {
        statistic = Some(found);
        pieces[at] = rest;
    }
    let lower: Vec<String> = pieces.iter().map(|piece| piece.to_ascii_lowercase()).collect();
    let metric = lower.iter().position(|word| word == "cpu" || word == "cpuutilization").and_then(|at| {
        let usages = lower[at + 1..].iter().take_while(|word| USAGES.contains(&word.as_str())).count();
        let next = lower.get(at + 1 + usages).map(String::as_str).unwrap_or_default();
        (!OTHER_CPU.contains(&next)).then(|| {
            pieces.drain(at..=at + usages);
            CPU.to_owned()
        })
    });
    Parts { statistic, metric, namespace: None, rest: pieces.join("_") }
}

/// `CPUUtilization` if one of the words of a file's name is `cpu`.
pub(super) fn metric_of_stem(stem: &str) -> Option<String> {
    let words = stem.split(|c: char| !c.is_ascii_alphanumeric());
    words.map(str::to_ascii_lowercase).any(|w| w == "cpu" || w == "cpuutilization").then(|| CPU.to_owned())
}

/// Whether the rest of an Id is only a handle (`m1`, `3`, `query_2`, `mem` for `MemoryUtilization`).
pub(super) fn is_handle(rest: &str, metric: Option<&str>) -> bool {
    let core: String = rest.to_ascii_lowercase().chars().filter(char::is_ascii_alphabetic).collect();
    let numbered = core.len() <= 1 && rest.len() <= 5;
    let named = ["query", "metric", "expr", "expression", "series", "result", "data"].contains(&core.as_str());
    let abbreviates = |metric: &str| core.len() > 1 && metric.to_ascii_lowercase().starts_with(&core);
    numbered || named || metric.is_some_and(abbreviates)
}

/// The one statistic among words; of two, the one that stands last; none if two stand before the last word.
fn the_statistic(words: &[&str]) -> Option<Statistic> {
    let found: Vec<Statistic> = words.iter().filter_map(|word| Statistic::of_word(word)).collect();
    let first = *found.first()?;
    if found.iter().all(|statistic| *statistic == first) {
        return Some(first);
    }
    words.last().and_then(|word| Statistic::of_word(word))
}

/// Takes out what `${MAX}` and its like left in a dynamic label: `web-1 [max: 97.2, avg: 12]` differs from page to page.
pub(super) fn without_legend(label: &str) -> String {
    let mut kept = String::with_capacity(label.len());
    let mut rest = label;
    while let Some((before, after)) = rest.split_once('[')
        && let Some((inside, behind)) = after.split_once(']')
    {
        kept.push_str(before);
        let word = inside.trim_start().split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
        let legend =
            Statistic::of_word(word).is_some() || matches!(word.to_ascii_lowercase().as_str(), "last" | "first");
        if !(legend && inside.contains(|c: char| c.is_ascii_digit())) {
            kept.push_str(&format!("[{inside}]"));
        }
        rest = behind;
    }
    kept + rest
}

/// `web-1-max`, `cpu.Maximum`, `stat=Maximum`, `max_cpu`, `CPUUtilizationMaximum`, `MaxCPU`.
fn glued_in_label(word: &str) -> Option<(Statistic, &str)> {
    const SEPARATORS: [char; 6] = ['_', '-', '.', ':', '/', '='];
    if let Some((rest, last)) = word.rsplit_once(SEPARATORS)
        && let Some(statistic) = Statistic::of_word(last)
    {
        return Some((statistic, rest));
    }
    if let Some((first, rest)) = word.split_once(SEPARATORS)
        && (word[first.len()..].starts_with(['_', ':', '=']) || is_cpu(rest))
        && let Some(statistic) = Statistic::of_word(first)
    {
        return Some((statistic, rest));
    }
    let suffix = ["Average", "Avg", "Maximum", "Max", "Minimum", "Min"].into_iter().find(|s| word.ends_with(s));
    if let Some(suffix) = suffix {
        return Statistic::of_word(suffix).map(|statistic| (statistic, &word[..word.len() - suffix.len()]));
    }
    let prefix = ["Avg", "Max", "Min", "avg", "max", "min"].into_iter().find(|prefix| {
        word.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()))
    })?;
    Statistic::of_word(prefix).map(|statistic| (statistic, &word[prefix.len()..]))
}

/// `cpumax`, `webavg`, `maxcpu`. (`admin` is no minimum.)
fn glued_in_id(piece: &str) -> Option<(Statistic, String)> {
    let lower = piece.to_ascii_lowercase();
    ["average", "avg", "maximum", "max", "minimum"].into_iter().find_map(|word| {
        let rest = lower.strip_suffix(word).or_else(|| lower.strip_prefix(word).filter(|rest| *rest == "cpu"))?;
        Some((Statistic::of_word(word)?, rest.to_owned()))
    })
}

/// Splits an Id at `_`, before capitals, and before the number of `avg1`; `p99`, `m1` and `web2` stay whole.
fn pieces(id: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    for hump in id.split('_').flat_map(humps) {
        let letters = hump.find(|c: char| c.is_ascii_digit()).unwrap_or(hump.len());
        let (head, number) = hump.split_at(letters);
        let counted = Statistic::of_word(head).is_some() || is_cpu(head) || glued_in_id(head).is_some();
        if counted && !number.is_empty() {
            pieces.extend([head.to_owned(), number.to_owned()]);
        } else {
            pieces.push(hump.to_owned());
        }
    }
    pieces
}

/// `webMax` as `web`, `Max`; `CPUMax` as `CPU`, `Max`; `web1Max` as `web1`, `Max`.
fn humps(part: &str) -> impl Iterator<Item = &str> {
    let bytes = part.as_bytes();
    let begins = |at: usize| {
        let upper = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_uppercase);
        let lower = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_lowercase);
        at == 0 || (upper(at) && (!upper(at - 1) || lower(at + 1)))
    };
    let starts: Vec<usize> = (0..part.len()).filter(|at| part.is_char_boundary(*at) && begins(*at)).collect();
    let ends: Vec<usize> = starts.iter().skip(1).copied().chain([part.len()]).collect();
    starts.into_iter().zip(ends).map(|(start, end)| &part[start..end])
}

/// Takes the metric's name out of a label's words.
fn metric_of(words: &mut Vec<&str>) -> Option<String> {
    if let Some(at) = words.iter().position(|word| is_cpu(word)) {
        let word = words.remove(at);
        let usages = words[at..].iter().take_while(|w| USAGES.contains(&w.to_ascii_lowercase().as_str())).count();
        words.drain(at..at + usages);
        return Some(if is_cpu_usage(word) { CPU.to_owned() } else { word.to_owned() });
    }
    let known = |word: &str| METRIC_ENDINGS.iter().any(|ending| word.ends_with(ending));
    let metric = take(words, |word| is_agent_metric(word) || (is_camel(word) && known(word)));
    if metric.is_none() && words.len() == 1 {
        return take(words, is_camel).map(str::to_owned);
    }
    metric.map(str::to_owned)
}

/// `CPU`, `cpu%`, `CPUUtilization`, `cpu_usage`, `CPUCreditBalance`; not a machine called `cpu-1`.
fn is_cpu(word: &str) -> bool {
    let camel = word.starts_with("CPU") && word[3..].starts_with(|c: char| c.is_ascii_uppercase());
    is_cpu_usage(word) || word.starts_with("cpu_usage_") || (camel && is_camel(word))
}

fn is_cpu_usage(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    lower.strip_prefix("cpu").is_some_and(|usage| {
        let usage = usage.trim_start_matches(['_', '-']);
        usage.is_empty() || USAGES.contains(&usage)
    })
}

fn is_agent_metric(word: &str) -> bool {
    AGENT_METRICS.iter().any(|prefix| word.starts_with(prefix))
}

fn is_of_snake(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'
}

/// Letters only, with two capitals at least and one first: `NetworkIn`.
fn is_camel(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_uppercase())
        && word.chars().all(|c| c.is_ascii_alphabetic())
        && word.chars().filter(char::is_ascii_uppercase).count() > 1
        && word.chars().any(|c| c.is_ascii_lowercase())
}

fn take<'a>(words: &mut Vec<&'a str>, is: impl Fn(&str) -> bool) -> Option<&'a str> {
    let at = words.iter().position(|word| is(word))?;
    Some(words.remove(at))
}
