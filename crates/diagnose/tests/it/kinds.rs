//! Every kind of incident is found and named, and what is none is left alone.

use albatross_diagnose::{Kind, NoteKind, markdown, text};

use crate::faults::{KINDS, faults, run};
use crate::service::{Got, Request, Service, route_name};

#[test]
fn every_kind_is_told_apart() {
    for kind in KINDS {
        let service = Service { seed: 3, ..Service::default() };
        let (truth, diagnosis) = run(&service, kind);
        assert_eq!(faults(&truth, &diagnosis), Vec::<String>::new(), "{truth:?}\n{}", text(&diagnosis));
        assert_eq!(diagnosis.incidents.len(), 1, "{}", text(&diagnosis));
    }
}

/// As many seeds as wanted: `DIAGNOSE_SEEDS=20 cargo nextest run --release --run-ignored all many_seeds`.
#[test]
#[ignore = "takes minutes; for tuning"]
fn many_seeds() {
    let seeds: u64 = std::env::var("DIAGNOSE_SEEDS").map_or(5, |seeds| seeds.parse().unwrap());
    let mut wrong = Vec::new();
    for seed in 1..=seeds {
        for kind in KINDS {
            let service = Service { seed, minutes: 180, per_minute: 1200.0, has_cpu: true };
            let (truth, diagnosis) = run(&service, kind);
            let faults = faults(&truth, &diagnosis);
            if !faults.is_empty() || diagnosis.incidents.len() != 1 {
                wrong.push(format!("seed {seed} {kind:?} {truth:?}: {faults:?}\n{}", text(&diagnosis)));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} are wrong\n{}", wrong.len(), seeds * KINDS.len() as u64, wrong.join("\n"));
}

#[test]
fn a_busy_cpu_is_seen_without_cpu_data() {
    let service = Service { seed: 6, has_cpu: false, ..Service::default() };
    let (truth, diagnosis) = run(&service, Kind::CpuBoundEndpoint);
    assert_eq!(faults(&truth, &diagnosis), Vec::<String>::new(), "{}", text(&diagnosis));
    assert!(text(&diagnosis).contains("no CPU data"));
    assert!(diagnosis.cpu.is_none() && diagnosis.incidents[0].cpu.is_none());
}

#[test]
fn quiet_times_have_no_incident() {
    let diagnosis = Service::default().run(|_| 1.0, |_, _| {}, |_| (20.0, 60.0), Vec::new());
    assert!(diagnosis.incidents.is_empty(), "{}", text(&diagnosis));
    assert_eq!(diagnosis.coverage.rejects, 1);
    assert!(text(&diagnosis).starts_with("No incident in "));
    assert_eq!(diagnosis.walls.len(), 0, "{:?}", diagnosis.walls);
}

#[test]
fn four_times_the_traffic_with_the_same_rate_is_a_note() {
    let diagnosis = Service::default().run(
        |minute| if (30.0..60.0).contains(&minute) { 4.0 } else { 1.0 },
        |request, dice| {
            // A route that always fails a little.
            if request.route == 8 && dice.roll() < 0.02 {
                request.got = Got::Answer(500);
            }
        },
        |_| (40.0, 70.0),
        Vec::new(),
    );
    assert!(diagnosis.incidents.is_empty(), "{}", text(&diagnosis));
    let kinds: Vec<_> = diagnosis.notes.iter().map(|note| note.kind).collect();
    assert_eq!(kinds, [NoteKind::TrafficSurge, NoteKind::BackgroundErrors]);
    assert!(diagnosis.notes[1].text.contains(&route_name(8)), "{}", diagnosis.notes[1].text);
}

/// One client asks for many paths that are not there.
fn scan(path: &str) -> Vec<Request> {
    (0..3000)
        .map(|i| Request {
            at: 1800.0 + f64::from(i) / 5.0,
            route: 0,
            target: i as usize % 6,
            duration: 0.003,
            got: Got::Answer(if i % 3 == 0 { 403 } else { 404 }),
            received: 200.0,
            reason: None,
            client: 77,
            path: Some(format!("{path}{i}")),
        })
        .collect()
}

#[test]
fn a_scanner_is_a_note() {
    let diagnosis = Service::default().run(|_| 1.0, |_, _| {}, |_| (20.0, 60.0), scan("/wp-admin/x"));
    assert!(diagnosis.incidents.is_empty(), "{}", text(&diagnosis));
    let note = diagnosis.notes.iter().find(|note| note.kind == NoteKind::Scanner).unwrap();
    assert_eq!(note.client.as_deref(), Some("203.0.117.3"));
}

#[test]
fn two_stories_at_the_same_time_are_two_incidents() {
    let within = |request: &Request| (1200.0..3000.0).contains(&request.at);
    let diagnosis = Service::default().run(
        |_| 1.0,
        |request, dice| {
            if within(request) && request.route == 7 && request.received > 700_000.0 {
                (request.got, request.duration) = (Got::Answer(413), 0.02);
            }
            if within(request) && request.route == 9 && dice.roll() < 0.4 {
                request.got = Got::Answer(500);
            }
        },
        |_| (20.0, 60.0),
        Vec::new(),
    );
    let causes: Vec<_> = diagnosis.incidents.iter().map(|i| (i.causes[0].cause, i.causes[0].route.clone())).collect();
    let expected = [(Kind::BodyTooLarge, Some(route_name(7))), (Kind::ApplicationError, Some(route_name(9)))];
    assert!(expected.iter().all(|one| causes.contains(one)) && causes.len() == 2, "{}", text(&diagnosis));
}

#[test]
fn a_limit_is_a_wall_with_those_who_tried_again() {
    let service = Service { seed: 3, ..Service::default() };
    let (truth, diagnosis) = run(&service, Kind::TimeoutLimit);
    let wall = &diagnosis.walls[0];
    assert_eq!((Some(&wall.route), Some(wall.limit_s)), (truth.route.as_ref(), truth.limit));
    assert!(wall.failed > 100 && wall.clients > 10 && wall.clients_tried_again <= wall.clients, "{wall:?}");
    assert_eq!(wall.may_have_succeeded, wall.failed);
}

#[test]
fn values_from_logs_are_made_harmless() {
    let evil = "/api/\u{202e}<b>|x*";
    let diagnosis = Service::default().run(
        |_| 1.0,
        |request, dice| {
            if request.route == 5 {
                request.path = Some(evil.to_owned());
                if (1200.0..2400.0).contains(&request.at) && dice.roll() < 0.5 {
                    request.got = Got::Answer(500);
                }
            }
        },
        |_| (20.0, 60.0),
        Vec::new(),
    );
    assert!(diagnosis.incidents[0].causes[0].route.as_ref().unwrap().contains('<'), "JSON has it as it is");
    let (plain, marked) = (text(&diagnosis), markdown(&diagnosis));
    assert!(!plain.contains('\u{202e}') && plain.contains("\\u{202e}"), "{plain}");
    assert!(!marked.contains('\u{202e}') && marked.contains("&lt;b&gt;\\|x\\*"), "{marked}");
}
