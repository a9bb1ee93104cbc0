//! The launch evening of `sample-data/evening`.

use albatross_diagnose::{Kind, Window, markdown, text};

use crate::service::{of_files, of_folder, of_window};

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../sample-data/evening");

fn sample() -> albatross_diagnose::Diagnosis {
    of_folder(SAMPLE)
}

#[test]
fn the_launch_evening() {
    let diagnosis = sample();
    for incident in &diagnosis.incidents {
        let cause = &incident.causes[0];
        assert_eq!(cause.cause, Kind::CpuBoundEndpoint);
        assert_eq!(cause.route.as_deref(), Some("GET /api/flocks/:id/leaderboard"));
        let cpu = incident.cpu.as_ref().unwrap();
        assert_eq!(cpu.average_alarm.slots, 0, "an alarm on the average sees nothing");
        assert!(cpu.maximum_alarm.slots > 20);
    }
    insta::assert_snapshot!("launch_evening_text", text(&diagnosis));
    insta::assert_snapshot!("launch_evening_markdown", markdown(&diagnosis));
    insta::assert_snapshot!("launch_evening_json", serde_json::to_string_pretty(&diagnosis).unwrap());
}

/// Nothing in the window is quiet: nothing is said of quiet times.
#[test]
fn a_window_that_is_all_incident() {
    let window = Window { from: "2026-11-19T19:00:00Z".parse().unwrap(), to: "2026-11-19T19:20:00Z".parse().unwrap() };
    let diagnosis = of_window(SAMPLE, Some(window));
    let [incident] = diagnosis.incidents.as_slice() else { panic!("{}", text(&diagnosis)) };
    assert_eq!(incident.requests, diagnosis.coverage.requests);
    assert_eq!(incident.usual_errors(), None);
    let text = text(&diagnosis);
    assert!(!text.contains("quiet") && !text.contains("usual"), "{text}");
}

#[test]
fn an_empty_lake() {
    let diagnosis = of_files(&[("cpu.csv", "time,resource,average,maximum\n2026-11-19T18:00:00Z,web,10,20\n")]);
    let text = text(&diagnosis);
    assert!(text.starts_with("There are no requests of a load balancer from "), "{text}");
    assert!(text.ends_with(" UTC: nothing to judge.\n"), "{text}");
}
