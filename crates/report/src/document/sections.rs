//! The sections of a report, from what is read first to what is looked up.

use albatross_diagnose::count;

use super::compared::{compared, name};
use super::incidents::incidents;
use super::{Block, Cell, Column, Figure, Section, Table, charts};
use crate::model::{Endpoint, Report, State, Totals};
use crate::words::{change, endpoint, percent, plural, seconds, size, span, time, work};

pub(super) fn title(report: &Report) -> String {
    format!("Access report, {}", report.day.clone().unwrap_or_else(|| span(report.asked)))
}

pub(super) fn subtitle(report: &Report) -> String {
    let zone = if report.zone == "UTC" { String::new() } else { format!(", the day meant in {}", report.zone) };
    let asked = match &report.day {
        Some(_) if report.zone != "UTC" => format!("{} UTC{zone}. ", span(report.asked)),
        _ => String::new(),
    };
    match (&report.totals.first, &report.totals.last) {
        (Some(first), Some(last)) => {
            format!("{asked}Requests from {} to {}. All times are UTC.", time(first), time(last))
        }
        _ => format!("{asked}All times are UTC."),
    }
}

pub(super) fn figures(report: &Report) -> Vec<Figure> {
    let totals = &report.totals;
    if report.verdict.state == State::Empty {
        return Vec::new();
    }
    let before = report.comparisons.iter().find_map(|c| Some((c.against, c.totals.as_ref()?)));
    let against = |now: Option<f64>, of: fn(&Totals) -> Option<f64>| match (now, before) {
        (Some(now), Some((against, totals))) => {
            of(totals).map_or(String::new(), |before| format!("{} against {}", change(now, before), name(against)))
        }
        _ => String::new(),
    };
    let duration = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), seconds);
    let requests = |totals: &Totals| Some(totals.requests as f64);
    let mut figures = vec![
        Figure { label: "requests", value: count(totals.requests), note: against(requests(totals), requests) },
        Figure {
            label: "failed",
            value: percent(totals.error_rate().unwrap_or(0.0)),
            note: format!("{} with 5xx or 460", count(totals.errors)),
        },
        Figure { label: "half within", value: duration(totals.p50), note: against(totals.p50, |t| t.p50) },
        Figure { label: "99 % within", value: duration(totals.p99), note: against(totals.p99, |t| t.p99) },
    ];
    if let Some(cpu) = &report.diagnosis.cpu
        && let Some(maximum) = cpu.highest_maximum
    {
        let note = cpu.highest_average.map_or(String::new(), |average| format!("average at most {average:.0} %"));
        figures.push(Figure { label: "highest CPU", value: format!("{maximum:.0} %"), note });
    }
    figures
}

pub(super) fn sections(report: &Report) -> Vec<Section> {
    let mut sections = Vec::new();
    if report.verdict.state != State::Empty {
        sections.push(section("over-time", "Over time", charts::over_time(report)));
        sections.push(incidents(report));
        sections.push(statuses(report));
        sections.push(slow(report));
        sections.push(compared(report));
        sections.push(clients(report));
    }
    sections.push(complete(report));
    sections
}

pub(super) fn section(id: &str, title: &str, blocks: Vec<Block>) -> Section {
    Section { id: id.to_owned(), title: title.to_owned(), blocks, parts: Vec::new() }
}

fn statuses(report: &Report) -> Section {
    let mut blocks = vec![charts::statuses(&report.statuses)];
    let failed = |status: Option<u16>| status.is_none_or(|status| status >= 400 || status == 0);
    let most = report.statuses.iter().filter(|s| failed(s.status)).map(|s| s.requests).max().unwrap_or(1).max(1);
    let rows = report.statuses.iter().map(|row| {
        let status = row.status.map_or_else(|| "-".to_owned(), |status| format!("{status:03}"));
        let of_target = row.target_status.map_or(Cell::Nothing, |status| Cell::Text(format!("{status:03}")));
        // Against each other, so that what failed can be seen beside what did not.
        let bar = if failed(row.status) { row.requests as f64 / most as f64 } else { 0.0 };
        vec![
            Cell::Text(status),
            of_target,
            Cell::Text(answered_by(row.answered_by.as_deref()).to_owned()),
            Cell::Bar(bar, count(row.requests)),
            Cell::Number(percent(row.share)),
            duration(row.p50),
        ]
    });
    blocks.push(table(
        "Statuses, and who gave them; bars compare those from 400 on",
        &[
            ("status", false),
            ("of the target", false),
            ("answered by", false),
            ("requests", false),
            ("share", true),
            ("median", true),
        ],
        rows,
    ));
    if !report.causes.is_empty() {
        let rows = report.causes.iter().map(|row| {
            vec![
                Cell::Text(row.cause.clone()),
                Cell::Bar(row.share, count(row.requests)),
                text(&row.statuses),
                Cell::Number(format!("{} / {} / {}", count(row.routes), count(row.targets), count(row.clients))),
                duration(row.p50),
                text(&row.meaning),
                text(&row.what_to_check),
            ]
        });
        blocks.push(table(
            "Why requests failed, by what their own lines tell",
            &[
                ("cause", false),
                ("requests", false),
                ("status", false),
                ("routes / targets / clients", true),
                ("median", true),
                ("means", false),
                ("check", false),
            ],
            rows,
        ));
    }
    if report.targets.iter().any(|target| target.errors > 0) {
        let rows = report.targets.iter().map(|row| {
            vec![
                text(&row.target),
                Cell::Number(count(row.requests)),
                Cell::Bar(row.error_share.unwrap_or(0.0), count(row.errors)),
                Cell::Number(percent(row.error_rate)),
                duration(row.p50),
                duration(row.p99),
            ]
        });
        blocks.push(table(
            "Is it one target or all of them?",
            &[
                ("target", false),
                ("requests", true),
                ("failed", false),
                ("rate", true),
                ("median", true),
                ("99 %", true),
            ],
            rows,
        ));
    }
    section("failures", "What failed", blocks)
}

fn answered_by(who: Option<&str>) -> &str {
    match who {
        Some("load_balancer") => "load balancer",
        Some("client_gone") => "client had left",
        Some(who) => who,
        None => "-",
    }
}

fn slow(report: &Report) -> Section {
    let spread = spread(&report.endpoints);
    let rows = report.endpoints.iter().map(|row| {
        let share = row.target_time_share.unwrap_or(0.0);
        vec![
            Cell::Text(endpoint(row.method.as_deref(), row.route.as_deref())),
            Cell::Bar(share, percent(share)),
            Cell::Number(row.target_time.map_or_else(|| "-".to_owned(), work)),
            Cell::Number(count(row.requests)),
            Cell::Number(percent(row.error_rate)),
            spread(row),
            duration(row.p50),
            duration(row.p90),
            duration(row.p99),
        ]
    });
    let mut blocks = vec![table(
        "Endpoints by the time that targets spent on them: where work pays",
        &[
            ("endpoint", false),
            ("share of all target time", false),
            ("target time", true),
            ("requests", true),
            ("failed", true),
            ("median to 99 %, log", false),
            ("median", true),
            ("90 %", true),
            ("99 %", true),
        ],
        rows,
    )];
    let diagnosis = &report.diagnosis;
    if !diagnosis.walls.is_empty() {
        let rows = diagnosis.walls.iter().map(|wall| {
            vec![
                Cell::Text(wall.route.clone()),
                Cell::Number(seconds(wall.limit_s)),
                Cell::Number(count(wall.requests)),
                Cell::Number(percent(wall.share)),
                Cell::Number(count(wall.failed)),
                Cell::Number(count(wall.may_have_succeeded)),
                Cell::Number(format!("{} of {}", count(wall.clients_tried_again), count(wall.clients))),
            ]
        });
        blocks.push(table(
            "Time limits that requests ran into. What failed there may have been done all the same",
            &[
                ("endpoint", false),
                ("limit", true),
                ("ended at it", true),
                ("of its requests", true),
                ("failed", true),
                ("perhaps done", true),
                ("clients that tried again", true),
            ],
            rows,
        ));
    }
    if !diagnosis.growth.is_empty() {
        let items = diagnosis.growth.iter().map(|growth| growth.text.clone()).collect();
        blocks.push(Block::List { label: "Slower from day to day", items });
    }
    section("slow", "What is slow", blocks)
}

/// Durations on a logarithmic axis from the shortest median to the longest percentile.
fn spread(endpoints: &[Endpoint]) -> impl Fn(&Endpoint) -> Cell {
    let log = |seconds: f64| seconds.max(1e-4).ln();
    let low = endpoints.iter().filter_map(|row| row.p50).map(log).fold(f64::INFINITY, f64::min);
    let high = endpoints.iter().filter_map(|row| row.p99).map(log).fold(f64::NEG_INFINITY, f64::max);
    let place = move |seconds| ((log(seconds) - low) / (high - low).max(0.1)).clamp(0.0, 1.0);
    move |row| match (row.p50, row.p90, row.p99) {
        (Some(p50), Some(p90), Some(p99)) => Cell::Spread([place(p50), place(p90), place(p99)]),
        _ => Cell::Nothing,
    }
}

fn clients(report: &Report) -> Section {
    let most = report.clients.iter().map(|row| row.requests).max().unwrap_or(1).max(1) as f64;
    let rows = report.clients.iter().map(|row| {
        vec![
            text(&row.client),
            Cell::Bar(row.requests as f64 / most, count(row.requests)),
            Cell::Number(percent(row.share)),
            Cell::Number(percent(row.error_rate)),
            Cell::Number(row.bytes.map_or_else(|| "-".to_owned(), size)),
            Cell::Number(row.routes.map_or_else(|| "-".to_owned(), count)),
            text(&row.an_agent),
        ]
    });
    let table = table(
        "Who asks most; behind a CDN or a proxy, that is the CDN or the proxy. 4xx count as failed here",
        &[
            ("client", false),
            ("requests", false),
            ("of all", true),
            ("failed", true),
            ("sent to it", true),
            ("routes", true),
            ("user agent", false),
        ],
        rows,
    );
    section("clients", "Who asked", vec![table])
}

fn complete(report: &Report) -> Section {
    let mut blocks = Vec::new();
    let (expected, missing) = report.coverage.iter().fold((0, 0), |(e, m), row| (e + row.expected, m + row.missing));
    let late: u64 = report.coverage.iter().filter_map(|row| row.late).sum();
    blocks.push(Block::Text(if expected == 0 {
        "Whether files are missing is not known: none in this time is named as AWS names them.".to_owned()
    } else if missing + late == 0 {
        format!("Nothing is missing: of {} every one has its file.", plural(expected, "five-minute slot"))
    } else {
        format!(
            "Of {} {} have no file, and {} came late. Quiet nodes deliver none; where other nodes delivered, a file may be lost.",
            plural(expected, "five-minute slot"),
            count(missing),
            count(late)
        )
    }));
    if !report.gaps.is_empty() {
        let when = |time: &Option<String>| time.as_deref().map_or(Cell::Nothing, |t| Cell::Number(self::time(t)));
        let rows = report.gaps.iter().map(|row| {
            vec![
                text(&row.elb),
                text(&row.node_ip),
                Cell::Text(row.state.clone()),
                when(&row.start),
                when(&row.end),
                Cell::Number(count(row.slots)),
                Cell::Number(row.alone.map_or_else(|| "-".to_owned(), count)),
            ]
        });
        blocks.push(table(
            "Slots of five minutes that are missing or late",
            &[
                ("load balancer", false),
                ("node", false),
                ("state", false),
                ("from", true),
                ("to", true),
                ("slots", true),
                ("others delivered", true),
            ],
            rows,
        ));
    }
    if report.rejects.is_empty() {
        blocks.push(Block::Text("Every line could be read.".to_owned()));
    } else {
        let rows = report.rejects.iter().map(|row| {
            vec![
                Cell::Text(row.reason.clone()),
                Cell::Number(count(row.rejects)),
                text(&row.a_detail),
                Cell::Text(format!(
                    "{}:{}",
                    row.a_file.as_deref().unwrap_or("-"),
                    row.a_line.map_or_else(|| "-".to_owned(), |line| line.to_string())
                )),
                text(&row.a_raw),
            ]
        });
        blocks.push(table(
            "Lines that could not be read, with one of each kind",
            &[
                ("reason", false),
                ("lines", true),
                ("what was wrong", false),
                ("for example", false),
                ("the line", false),
            ],
            rows,
        ));
    }
    section("complete", "Is the log complete?", blocks)
}

pub(super) fn duration(value: Option<f64>) -> Cell {
    value.map_or(Cell::Nothing, |value| Cell::Number(seconds(value)))
}

fn text(text: &Option<String>) -> Cell {
    text.clone().map_or(Cell::Nothing, Cell::Text)
}

pub(super) fn table(caption: &str, columns: &[(&'static str, bool)], rows: impl Iterator<Item = Vec<Cell>>) -> Block {
    Block::Table(Table {
        caption: caption.to_owned(),
        columns: columns.iter().map(|&(title, is_number)| Column { title, is_number }).collect(),
        rows: rows.collect(),
    })
}
