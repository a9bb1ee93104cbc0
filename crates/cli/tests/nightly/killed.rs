//! A night that is killed anywhere and run again ends as one that nobody disturbed; two at once are refused.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::hook::{Hook, OK, Reply};
use crate::{DAY, Site};

const ROWS: &str = "SELECT count(*), count(DISTINCT source_file), sum(sent_bytes), sum(line), min(started_at), max(started_at) FROM alb";
const REST: &str = "SELECT (SELECT count(*) FROM metrics) AS m, (SELECT count(*) FROM rejects) AS r, (SELECT count(*) FROM ingested) AS i";

/// When the night is killed, by what it logs.
const MOMENTS: [&[(&str, &str)]; 11] = [
    &[("message", "sources listed")],
    &[("message", "source read")],
    &[("message", "file written"), ("table", "alb")],
    &[("message", "committed"), ("table", "ingested")],
    &[("message", "committed"), ("table", "alb")],
    &[("message", "step begun"), ("step", "maintain")],
    &[("message", "step begun"), ("step", "diagnose")],
    &[("message", "step begun"), ("step", "csv")],
    &[("message", "step begun"), ("step", "checks")],
    &[("message", "folder published")],
    &[("message", "step begun"), ("step", "webhook")],
];

fn site(hook: &Hook, report: bool) -> Site {
    let mut site = Site::evening(&format!("report = {report}\n[webhook]\nurl_env = \"HOOK\"\n"));
    site.variables.push(hook.variable());
    site
}

/// What the folder holds but for the times at which it was made.
fn content(site: &Site) -> BTreeMap<String, Vec<u8>> {
    let bytes = |file: &String| std::fs::read(site.path("out").join(file)).unwrap();
    let files = site.files("out").into_iter().filter(|file| !file.starts_with('.'));
    let made = |file: &str| {
        ["nightly.json", "report.html", "report.md", "messages.json"].iter().any(|name| file.ends_with(name))
    };
    files
        .map(|file| {
            if made(&file) {
                (file, Vec::new())
            } else {
                let bytes = bytes(&file);
                (file, bytes)
            }
        })
        .collect()
}

fn same(killed: &Site, undisturbed: &Site) {
    for sql in [ROWS, REST] {
        assert_eq!(killed.sql(sql), undisturbed.sql(sql), "{sql}");
    }
    let (killed_content, expected) = (content(killed), content(undisturbed));
    assert_eq!(killed_content.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (file, bytes) in expected {
        assert!(killed_content[&file] == bytes, "{file} differs");
    }
    let hidden = |site: &Site| site.files("out").into_iter().filter(|file| file.starts_with('.')).count();
    assert_eq!(hidden(killed), hidden(undisturbed), "{:?}", killed.files("out"));
    let verified = killed.run(&["verify"]);
    assert_eq!(verified.code, 0, "{}{}", verified.stdout, verified.stderr);
}

#[test]
fn killed_at_every_step_and_run_again() {
    let (quiet, disturbed) = (Hook::new(&[]), Hook::new(&[OK, Reply::Silent]));
    let (expected, mut site) = (site(&quiet, false), site(&disturbed, false));
    let ran = expected.night();
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let kill_at = |site: &Site, moment: &[(&str, &str)]| {
        let mut night = site.until(&["--day", DAY], moment);
        night.kill().unwrap();
        night.wait().unwrap();
    };
    // Before the last of them there is nobody to send to, so that it is known what was sent.
    let variables = std::mem::replace(&mut site.variables, vec![("HOOK".to_owned(), "http://127.0.0.1:1/".to_owned())]);
    for moment in MOMENTS {
        kill_at(&site, moment);
    }
    site.variables = variables;
    kill_at(&site, &[("message", "message sent")]);
    let ran = site.night();
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    same(&site, &expected);
    // The first was marked; of the second nobody knew whether it had been taken; then came the rest.
    let got = disturbed.take();
    assert_eq!(quiet.take().len(), 3);
    let order: Vec<usize> = got.iter().map(|one| got.iter().position(|other| other.key == one.key).unwrap()).collect();
    assert_eq!(order, [0, 1, 1, 3]);
}

#[test]
fn killed_at_any_moment_and_run_again() {
    let (quiet, disturbed) = (Hook::new(&[]), Hook::new(&[]));
    let (expected, site) = (site(&quiet, true), site(&disturbed, true));
    expected.night();
    for _ in 0..6 {
        let mut night = site.command(&["nightly", "--day", DAY, "-q"]).spawn().unwrap();
        let random = std::hash::BuildHasher::hash_one(&std::collections::hash_map::RandomState::new(), 0);
        std::thread::sleep(Duration::from_millis(random % 4000));
        night.kill().unwrap();
        night.wait().unwrap();
    }
    let ran = site.night();
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    same(&site, &expected);
}

#[test]
fn an_overlapping_night_is_refused_until_the_first_is_gone() {
    let hook = Hook::new(&[Reply::Silent]);
    let mut site = Site::evening("[webhook]\nurl_env = \"HOOK\"\ntimeout = \"5m\"\n");
    site.variables.push(hook.variable());
    let mut first = site.until(&["--day", DAY], &[("message", "step begun"), ("step", "webhook")]);
    let before = site.files("out");
    let second = site.night();
    assert_eq!(second.code, 4, "{}", second.stderr);
    let said = format!("another night is at work in out: process {} on ", first.id());
    assert!(second.stderr.contains(&said) && second.stderr.contains(" since 20"), "{}", second.stderr);
    assert_eq!(site.files("out"), before);
    // The kernel lets go of it, however it ends.
    first.kill().unwrap();
    first.wait().unwrap();
    // It may have been killed before it had asked.
    hook.then(&[]);
    let third = site.night();
    assert_eq!(third.code, 1, "{}", third.stderr);
}

#[test]
fn a_night_that_is_asked_to_stop_publishes_nothing() {
    let site = Site::evening("");
    let mut night = site.until(&["--day", DAY], &[("message", "step begun"), ("step", "diagnose")]);
    let stopped = std::process::Command::new("kill").args(["-TERM", &night.id().to_string()]).status().unwrap();
    assert!(stopped.success());
    assert_eq!(night.wait().unwrap().code(), Some(3));
    assert_eq!(site.files("out"), [".lock"]);
    assert_eq!(site.night().code, 1);
}
