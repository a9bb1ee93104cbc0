//! One run: a service, its traffic, an incident; logs, CPU and the truth of it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::Path;
use std::{fs, io};

use serde_json::{Value, json};

use crate::cpu::{self, Work};
use crate::dice::{Dice, Weighted};
use crate::exchange::{Answer, Kind, Request};
use crate::faults::{self, Extra, Fault, KINDS, Stage};
use crate::files::Files;
use crate::line::{Chances, Writer};
use crate::service::Service;
use crate::time::{MINUTE, Span, from_seconds, rfc3339};
use crate::traffic::Traffic;

pub struct Options {
    /// One of [`KINDS`].
    pub kind: String,
    pub seed: u64,
    pub hours: f64,
    /// Requests per second, on average.
    pub rate: f64,
    pub targets: usize,
    /// Without it there is no `cpu.json`.
    pub cpu: bool,
}

/// One request in so many fails for no reason that anybody will ever know.
const BACKGROUND: f64 = 1.0 / 20_000.0;
/// Shares of lines that are cut.
const TORN: f64 = 3.0 / 100_000.0;
/// A day at midnight from which the dates of runs are drawn: 2025-01-01.
const FIRST_DAY: i64 = 1_735_689_600_000_000;

const HOLES: [&str; 12] = [
    "/.env",
    "/wp-login.php",
    "/wp-admin/setup-config.php",
    "/.git/config",
    "/phpmyadmin/index.php",
    "/admin/config.php",
    "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php",
    "/cgi-bin/luci",
    "/actuator/env",
    "/server-status",
    "/backup.zip",
    "/xmlrpc.php",
];

/// Writes `data/AWSLogs/`, `data/cpu.json` and `truth.json` into `folder`. Returns the truth.
///
/// # Errors
/// An unknown kind, or a file that cannot be written.
pub fn generate(options: &Options, folder: &Path) -> io::Result<Value> {
    let number = KINDS.iter().position(|kind| *kind == options.kind);
    let number = number.ok_or_else(|| io::Error::other(format!("no such kind: {}", options.kind)))? as u64;
    // The seed alone does not decide: each kind has services of its own.
    let stream = |use_of: u64| Dice::new(options.seed, number * 16 + use_of);
    let mut dice = stream(0);
    let start = FIRST_DAY + dice.int(0..=700) as i64 * 1440 * MINUTE + dice.int(0..=287) as i64 * 5 * MINUTE;
    let run = Span { start, end: start + from_seconds(options.hours * 3600.0) };
    let traffic = Traffic::draw(&mut dice, run, options.rate);
    let mut service = Service::draw(&mut dice, options.targets);
    let stage = Stage { dice: &mut stream(1), service: &mut service, traffic: &traffic, run };
    let (fault, truth) = faults::plan(&options.kind, stage).expect("the kind is known");

    let data = folder.join("data");
    fs::create_dir_all(&data)?;
    let mut play = Play {
        routes: service.route_choice(),
        clients: service.client_choice(),
        service: &service,
        fault: fault.as_ref(),
        traffic: &traffic,
        run,
        dice: stream(2),
        work: Work::new(run, service.targets.len()),
        files: Files::new(&data, &service),
        writer: Writer::default(),
        counts: Counts::default(),
    };
    play.run();
    let Play { files, work, counts, .. } = play;
    files.finish()?;
    if options.cpu {
        let cpu = cpu::series(&mut stream(3), &service, fault.as_ref(), &work);
        fs::write(data.join("cpu.json"), serde_json::to_vec_pretty(&cpu)?)?;
    }
    let mut truth = truth.to_json(&options.kind);
    truth["seed"] = options.seed.into();
    truth["run"] = json!({ "start": rfc3339(run.start), "end": rfc3339(run.end) });
    truth["lines"] = counts.lines.into();
    truth["torn"] = counts.torn.into();
    truth["failures"] = counts.failures.into();
    truth["first_failure"] = counts.first_failure.map(rfc3339).into();
    truth["last_failure"] = counts.last_failure.map(rfc3339).into();
    fs::write(folder.join("truth.json"), serde_json::to_vec_pretty(&truth)?)?;
    Ok(truth)
}

#[derive(Default)]
struct Counts {
    lines: u64,
    torn: u64,
    /// Of the incident, in lines that are whole.
    failures: u64,
    first_failure: Option<i64>,
    last_failure: Option<i64>,
}

struct Play<'a> {
    service: &'a Service,
    fault: &'a dyn Fault,
    traffic: &'a Traffic,
    run: Span,
    routes: Weighted,
    clients: Weighted,
    dice: Dice,
    work: Work,
    files: Files,
    writer: Writer,
    counts: Counts,
}

impl Play<'_> {
    fn run(&mut self) {
        let mut retries: BinaryHeap<Reverse<Again>> = BinaryHeap::new();
        let mut next = self.following(self.run.start);
        loop {
            let again = retries.peek().is_some_and(|retry| retry.0.0.at <= next);
            let request = if again {
                retries.pop().expect("it was looked at").0.0
            } else if next < self.run.end {
                let request = self.request(next);
                next = self.following(next);
                request
            } else {
                return;
            };
            if request.at >= self.run.end {
                continue;
            }
            self.files.close_until(request.at);
            let answer = self.answer(&request);
            if let Some(seconds) = answer.retry_s {
                let at = request.at + from_seconds(answer.duration_s + seconds);
                retries.push(Reverse(Again(Request { at, attempt: request.attempt + 1, ..request.clone() })));
            }
            self.log(&request, &answer);
        }
    }

    /// When the next request arrives (Poisson, thinned where there is less traffic than there could be).
    fn following(&mut self, after: i64) -> i64 {
        let mut at = after;
        loop {
            // Nothing multiplies traffic by more than six.
            let most = self.traffic.mean * self.traffic.highest() * 6.0;
            at += from_seconds(self.dice.exponential(1.0 / most)).max(1);
            let rate = self.traffic.mean * self.traffic.factor(at) * (1.0 + self.fault.extra(at));
            if at >= self.run.end || self.dice.chance(rate / most) {
                return at;
            }
        }
    }

    fn request(&mut self, at: i64) -> Request {
        let more = self.fault.extra(at);
        let extra = more > 0.0 && self.dice.chance(more / (1.0 + more));
        let extra = if extra { self.fault.extra_call(&mut self.dice) } else { Extra::Usual };
        let client = match extra {
            Extra::Client(client) => client,
            _ => self.clients.draw(&mut self.dice),
        };
        match extra {
            Extra::Route(route) => self.call(at, client, route),
            Extra::Client(_) => {
                let route = self.routes.draw(&mut self.dice);
                self.call(at, client, route)
            }
            Extra::Scan(from, true) => self.other(at, client, Kind::Blocked(from)),
            Extra::Scan(from, false) => self.other(at, client, Kind::Scan(from)),
            Extra::Usual => self.usual(at, client),
        }
    }

    fn usual(&mut self, at: i64, client: usize) -> Request {
        let service = self.service;
        let mut draw = self.dice.unit();
        let mut falls_to = |share: f64| {
            draw -= share;
            draw < 0.0
        };
        let kind = if falls_to(service.redirects) {
            Kind::Redirect
        } else if falls_to(service.sockets) {
            Kind::Socket
        } else if falls_to(service.scans) {
            Kind::Scan(service.scanners[self.dice.index(service.scanners.len())].clone())
        } else if falls_to(service.blocked) {
            Kind::Blocked(service.scanners[0].clone())
        } else {
            let route = self.routes.draw(&mut self.dice);
            return self.call(at, client, route);
        };
        self.other(at, client, kind)
    }

    fn call(&mut self, at: i64, client: usize, route: usize) -> Request {
        let plan = &self.service.routes[route];
        let dice = &mut self.dice;
        let body = if plan.method == "GET" || plan.method == "DELETE" { 0.0 } else { dice.lognormal(plan.body, 0.7) };
        let body = self.fault.body(route, at, body);
        Request {
            at,
            kind: Kind::Call(route),
            client,
            group: plan.group,
            path: plan.path(dice),
            method: plan.method,
            received: body as u64 + dice.int(120..=900),
            attempt: 0,
        }
    }

    fn other(&mut self, at: i64, client: usize, kind: Kind) -> Request {
        let path = match kind {
            Kind::Redirect => "/".to_owned(),
            Kind::Socket => "/socket".to_owned(),
            _ if self.dice.chance(0.3) => format!("/{:x}", self.dice.bits() >> 40),
            _ => self.dice.pick(&HOLES).to_owned(),
        };
        Request { at, kind, client, group: 0, path, method: "GET", received: self.dice.int(90..=500), attempt: 0 }
    }

    fn answer(&mut self, request: &Request) -> Answer {
        let (service, dice) = (self.service, &mut self.dice);
        let targets = &service.groups[request.group].targets;
        let mut target = (!targets.is_empty()).then(|| targets[dice.index(targets.len())]);
        if let Some(target) = &mut target {
            *target = self.fault.place(*target, request.at, dice);
        }
        let mut answer = match &request.kind {
            Kind::Redirect => return Answer::own(dice, 301, "redirect"),
            Kind::Blocked(_) => return Answer::own(dice, 403, "waf"),
            Kind::Scan(_) => {
                let (status, seconds) = (dice.pick(&[404, 404, 404, 404, 403]), dice.log_float(0.001, 0.01));
                Answer::good(dice, target, status, seconds, 180)
            }
            Kind::Socket => {
                let mut answer = Answer::good(dice, target, 101, 0.003, 0);
                answer.duration_s = dice.exponential(600.0).min(7200.0);
                answer.sent = (answer.duration_s * 90.0) as u64;
                answer
            }
            Kind::Call(route) => {
                let route = &service.routes[*route];
                let seconds = dice.lognormal(route.median_s, route.spread).min(0.8 * service.idle_timeout_s);
                let (status, sent) = if dice.chance(route.refused.1) {
                    (route.refused.0, dice.float(150.0, 400.0))
                } else if dice.chance(route.chronic) {
                    (500, 240.0)
                } else {
                    let status = match route.method {
                        "POST" => 201,
                        "DELETE" => 204,
                        _ => 200,
                    };
                    (status, dice.lognormal(route.sent, 0.5))
                };
                Answer::good(dice, target, status, seconds, sent as u64)
            }
        };
        self.fault.act(request, &mut answer, &mut self.dice);
        if !answer.blamed && request.route().is_some() && self.dice.chance(BACKGROUND) {
            self.bad_luck(&mut answer);
        }
        if let Some(target) = answer.target {
            self.work.add(target, request.at);
        }
        answer
    }

    fn bad_luck(&mut self, answer: &mut Answer) {
        let dice = &mut self.dice;
        let seconds = dice.log_float(0.01, 20.0);
        match dice.index(6) {
            _ if answer.target.is_none() => answer.application(dice, 500, 0.1),
            0 => answer.connection_refused(dice),
            1 => answer.died(dice, seconds),
            2 | 3 => answer.application(dice, 500, 0.1 * seconds),
            4 => answer.given_up(dice, seconds),
            _ => answer.timed_out(dice, self.service.idle_timeout_s),
        }
        answer.blamed = false;
    }

    fn log(&mut self, request: &Request, answer: &Answer) {
        let node = self.dice.index(2);
        let end = request.at + from_seconds(answer.duration_s);
        let chances = Chances { node, trace: [self.dice.bits(), self.dice.bits()] };
        let torn = self.dice.chance(TORN).then(|| 30 + self.dice.index(90));
        let (service, writer) = (self.service, &mut self.writer);
        self.files.push(node, end, |out| {
            let begin = out.len();
            writer.write(out, service, request, answer, end, &chances);
            if let Some(length) = torn {
                out.truncate(begin + length);
                out.push(b'\n');
            }
        });
        let counts = &mut self.counts;
        counts.lines += 1;
        counts.torn += u64::from(torn.is_some());
        if answer.blamed && torn.is_none() {
            counts.failures += 1;
            counts.first_failure.get_or_insert(request.at);
            counts.last_failure = Some(request.at);
        }
    }
}

/// Requests in the order of their arrival.
struct Again(Request);

impl PartialEq for Again {
    fn eq(&self, other: &Again) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Again {}

impl PartialOrd for Again {
    fn partial_cmp(&self, other: &Again) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Again {
    fn cmp(&self, other: &Again) -> std::cmp::Ordering {
        self.0.at.cmp(&other.0.at).then_with(|| self.0.client.cmp(&other.0.client))
    }
}
