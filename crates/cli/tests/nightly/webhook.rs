//! The work is committed before anything is sent, each message is marked on its own, and a failed delivery repeats nothing that was delivered.

use std::collections::HashSet;

use crate::hook::{Got, Hook, OK, Reply};
use crate::{DAY, Site, step};

/// Two incidents and a failed budget are three messages.
const MESSAGES: usize = 3;

fn site(hook: &Hook) -> Site {
    let mut site = Site::evening("[webhook]\nurl_env = \"HOOK\"\ntimeout = \"1s\"\nattempts = 3\n");
    site.variables.push(hook.variable());
    site
}

fn keys(got: &[Got]) -> HashSet<&str> {
    got.iter().map(|got| got.key.as_str()).collect()
}

fn markers(site: &Site) -> HashSet<String> {
    site.files("out").iter().filter_map(|file| file.strip_prefix(".sent/").map(str::to_owned)).collect()
}

#[test]
fn each_finding_is_told_once() {
    let hook = Hook::new(&[]);
    let site = site(&hook);
    let ran = site.night();
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let got = hook.take();
    assert_eq!((got.len(), keys(&got).len()), (MESSAGES, MESSAGES));
    assert!(got[0].text.starts_with("*Incident 2026-11-19 "), "{}", got[0].text);
    assert!(got[0].text.contains("requests failed") && got[0].text.contains("(confidence "), "{}", got[0].text);
    assert!(got[2].text.starts_with("*Check failed on 2026-11-19: few failures*\nerror_rate.max: "), "{}", got[2].text);
    assert_eq!(markers(&site), keys(&got).into_iter().map(str::to_owned).collect());
    assert_eq!(step(&site.summary(DAY), "webhook")["sent"], MESSAGES);

    // Looked at again, nothing is told again, and the secret is nowhere.
    let ran = site.run(&["-vv", "nightly", "--day", DAY]);
    assert_eq!((ran.code, hook.take()), (1, Vec::new()), "{}", ran.stderr);
    assert!(!ran.stderr.contains("secret"));
    for file in site.files("out") {
        let text = std::fs::read(site.path("out").join(&file)).unwrap();
        assert!(!String::from_utf8_lossy(&text).contains("/services/T0"), "{file}");
    }
}

#[test]
fn what_fails_in_passing_is_tried_again_under_the_same_key() {
    let hook = Hook::new(&[Reply::Status(503), OK, Reply::Lost, OK, Reply::Silent, Reply::Status(429), OK]);
    let site = site(&hook);
    let ran = site.night();
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let got = hook.take();
    let order: Vec<usize> = got.iter().map(|one| got.iter().position(|other| other.key == one.key).unwrap()).collect();
    assert_eq!(order, [0, 0, 2, 2, 4, 4, 4], "a repetition has the key of what it repeats");
    assert_eq!(keys(&got).len(), MESSAGES);
}

#[test]
fn a_refused_message_keeps_no_other_back_and_comes_again_alone() {
    let hook = Hook::new(&[OK, Reply::Status(400), OK]);
    let site = site(&hook);
    let ran = site.night();
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("the receiver answers 400"), "{}", ran.stderr);
    let got = hook.take();
    assert_eq!((got.len(), markers(&site).len()), (MESSAGES, MESSAGES - 1));
    let refused = got[1].clone();
    assert_eq!(site.night().code, 1);
    assert_eq!(hook.take(), [refused]);
}

#[test]
fn a_refused_address_is_told_once() {
    let hook = Hook::new(&[Reply::Status(403); MESSAGES]);
    let site = site(&hook);
    let ran = site.night();
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert_eq!(hook.take().len(), 1);
    let told: Vec<&str> = ran.stderr.lines().filter(|line| line.contains("403")).collect();
    assert_eq!(told, ["albatross: webhook: the receiver answers 403; 3 messages wait for the next night"]);
    assert_eq!(step(&site.summary(DAY), "webhook")["not_sent"], MESSAGES);
}

#[test]
fn a_dead_receiver_costs_the_night_nothing_but_its_exit_code() {
    let hook = Hook::new(&[Reply::Status(500); 3]);
    let site = site(&hook);
    let ran = site.night();
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    let got = hook.take();
    assert_eq!((got.len(), keys(&got).len()), (3, 1), "one message, as often as allowed; the others wait");
    assert!(site.files("out").contains(&format!("{DAY}/report.html")));
    let webhook = site.summary(DAY);
    assert_eq!(
        (&step(&webhook, "webhook")["sent"], &step(&webhook, "webhook")["not_sent"]),
        (&0.into(), &MESSAGES.into())
    );
    assert!(markers(&site).is_empty());

    // A later night, of another day, brings them.
    hook.then(&[]);
    assert_eq!(site.run(&["nightly", "--day", "2026-11-18", "-q"]).code, 0);
    let got = hook.take();
    assert_eq!((got.len(), keys(&got).len(), markers(&site).len()), (MESSAGES, MESSAGES, MESSAGES));
}

#[test]
fn an_address_that_is_none_is_said_without_it() {
    let mut site = site(&Hook::new(&[]));
    site.variables = vec![("HOOK".to_owned(), "hooks.slack.com/secret".to_owned())];
    let ran = site.night();
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("the address is no http:// or https:// URL") && !ran.stderr.contains("secret"));
    assert!(site.files("out").contains(&format!("{DAY}/report.html")));
    // A day without anything to tell, in a folder of its own, says so too.
    let quiet = std::fs::read_to_string(site.path("albatross.toml")).unwrap().replace("\"out\"", "\"quiet\"");
    std::fs::write(site.path("albatross.toml"), quiet).unwrap();
    let ran = site.run(&["nightly", "--day", "2026-11-18"]);
    assert!(ran.code == 2 && ran.stderr.contains("the address is no http://"), "{}", ran.stderr);
}
