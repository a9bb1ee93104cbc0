//! The simulation itself: one queue of events, in order of time.
//!
//! A request arrives, the balancer gives it to the next target in turn, a thread of the target works on it (CPU, a wait for
//! others, CPU again) and the balancer writes its line when it ends. Utilisation is what the targets' CPUs report; a
//! target crashes when its liveness probe, a small job like others, does not get its turn in time.
//!
//! Deliberately absent: the balancer's health checks (a target's socket stays open while its workers restart, so none
//! is ever taken out), network time, and memory.

use crate::agents::Agents;
use crate::clients::{Crowd, Peer};
use crate::cpu::Cpu;
use crate::dice::Dice;
use crate::journal::{Journal, LogFile};
use crate::metrics::CpuSeries;
use crate::request::{self, End, Request, Stage};
use crate::scenario::{Kind, Scenario};
use crate::truth::Crash;
use crate::{Run, traffic};
use chrono::{DateTime, Utc};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io;

pub(crate) const SECOND: i64 = 1_000_000;
/// Before the run's start, so that it does not begin with an empty service. Nothing of it is written.
const WARM_UP: i64 = 180 * SECOND;
/// The balancer's idle timeout.
pub(crate) const IDLE_TIMEOUT: i64 = 60 * SECOND;

pub(crate) struct Engine<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) agents: Agents,
    pub(crate) crowd: Crowd,
    pub(crate) rate: f64,
    pub(crate) now: i64,
    pub(crate) from: i64,
    pub(crate) until: i64,
    stop_after: u64,
    queue: BinaryHeap<Reverse<(i64, u64, Event)>>,
    events: u64,
    pub(crate) requests: Vec<Request>,
    free: Vec<usize>,
    pub(crate) later: Vec<Option<traffic::Later>>,
    pub(crate) scanners: Vec<traffic::Scanner>,
    pub(crate) targets: Vec<Target>,
    /// The next target, per balancer node.
    pub(crate) turn: Vec<usize>,
    pub(crate) journal: Journal<'a>,
    pub(crate) cpu: CpuSeries,
    pub(crate) crashes: Vec<Crash>,
    /// Streams of random numbers: who comes and for what, what it costs, names and identifiers.
    pub(crate) arrivals: Dice,
    pub(crate) costs: Dice,
    pub(crate) names: Dice,
}

pub(crate) struct Target {
    pub(crate) address: String,
    cpu: Cpu<Work>,
    /// The queue holds an event for this time, when the first job will be done at the earliest.
    wake: i64,
    threads: usize,
    backlog: VecDeque<Ticket>,
    booting: bool,
    probe: u32,
    probe_open: bool,
    failures: u32,
}

/// A request's place and generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(usize, u32);

enum Work {
    Request(Ticket),
    Probe(u32),
    Boot,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Event {
    Arrival,
    Scan(usize),
    ScanArrival,
    Later(usize),
    Cpu(usize),
    WaitOver(Ticket),
    Deadline(Ticket),
    Probe(usize),
    ProbeDue(usize, u32),
    Tick,
}

impl<'a> Engine<'a> {
    pub(crate) fn new(scenario: &'a Scenario, run: &Run) -> Engine<'a> {
        let rate = run.rate.unwrap_or(scenario.traffic.rate);
        let targets = run.targets.unwrap_or_else(|| (rate / scenario.service.rate_per_target).round() as usize).max(1);
        let from = run.start.timestamp_micros();
        let until = from + i64::from(run.minutes) * 60 * SECOND;
        let now = from - WARM_UP;
        let site = &scenario.site;
        let dice = |stream| Dice::new(run.seed, stream);
        let mut engine = Engine {
            scenario,
            agents: Agents::new(),
            crowd: Crowd::new(rate, scenario.traffic.visit, site.nodes.len()),
            rate,
            now,
            from,
            until,
            stop_after: run.stop_after.unwrap_or(u64::MAX),
            queue: BinaryHeap::new(),
            events: 0,
            requests: Vec::new(),
            free: Vec::new(),
            later: Vec::new(),
            scanners: Vec::new(),
            targets: (0..targets).map(|index| Target::new(index, scenario.service.vcpus, now)).collect(),
            turn: (0..site.nodes.len()).collect(),
            journal: Journal::new(site, run.fields, from, until, dice(3)),
            cpu: CpuSeries::new(from, run.minutes as usize, targets),
            crashes: Vec::new(),
            arrivals: dice(0),
            costs: dice(1),
            names: dice(2),
        };
        engine.push(0, Event::Arrival);
        engine.push(0, Event::ScanArrival);
        engine.push(scenario.service.sample_s * SECOND, Event::Tick);
        for target in 0..targets {
            let first = engine.costs.below(2_000_000) as i64;
            engine.push(first, Event::Probe(target));
        }
        engine
    }

    /// Runs to the end; `sink` gets each file as soon as its 5 minutes are over, a moment later per node.
    pub(crate) fn run(&mut self, sink: &mut dyn FnMut(LogFile) -> io::Result<()>) -> io::Result<()> {
        while let Some(Reverse((time, _, event))) = self.queue.pop() {
            if time >= self.until || self.journal.lines >= self.stop_after {
                break;
            }
            self.now = time;
            self.handle(event);
            if event == Event::Tick {
                self.journal.take_ready().into_iter().try_for_each(&mut *sink)?;
            }
        }
        self.journal.finish().into_iter().try_for_each(sink)
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Arrival => self.arrival(),
            Event::ScanArrival => self.scan_arrival(),
            Event::Scan(index) => self.scan(index),
            Event::Later(index) => self.come_again(index),
            Event::Cpu(target) => self.cpu_done(target),
            Event::WaitOver(ticket) => {
                if let Some(request) = self.request(ticket) {
                    request.stage = Stage::Second;
                    let (work, greed, target) = (request.cpu.1, request.greed, request.target);
                    self.compute(target, work, greed, Work::Request(ticket));
                }
            }
            Event::Deadline(ticket) => self.deadline(ticket),
            Event::Probe(target) => self.probe(target),
            Event::ProbeDue(target, number) => self.probe_due(target, number),
            Event::Tick => self.tick(),
        }
    }

    /// Adds an event `delay` microseconds from now.
    pub(crate) fn push(&mut self, delay: i64, event: Event) {
        self.events += 1;
        self.queue.push(Reverse((self.now + delay, self.events, event)));
    }

    /// Takes a request in; its `generation` is set here.
    pub(crate) fn add(&mut self, mut request: Request) {
        let place = self.free.pop().unwrap_or(self.requests.len());
        let old = self.requests.get(place).map_or(0, |old| old.generation);
        request.generation = old + 1;
        let ticket = Ticket(place, request.generation);
        let (deadline, target) = (request.deadline, request.target);
        match self.requests.get_mut(place) {
            Some(seat) => *seat = request,
            None => self.requests.push(request),
        }
        self.push(deadline - self.now, Event::Deadline(ticket));
        if let Some(target) = target
            && self.requests[place].stage == Stage::Waiting
        {
            self.targets[target].backlog.push_back(ticket);
            self.admit(target);
        }
    }

    fn request(&mut self, ticket: Ticket) -> Option<&mut Request> {
        self.requests.get_mut(ticket.0).filter(|request| request.generation == ticket.1)
    }

    fn release(&mut self, ticket: Ticket) {
        let request = &mut self.requests[ticket.0];
        request.generation += 1;
        request.target = None;
        self.free.push(ticket.0);
    }

    /// Gives threads to those who wait.
    fn admit(&mut self, index: usize) {
        while !self.targets[index].booting && self.targets[index].threads < self.scenario.service.threads {
            let Some(ticket) = self.targets[index].backlog.pop_front() else {
                return;
            };
            if let Some(request) = self.request(ticket) {
                request.stage = Stage::First;
                let (work, greed) = (request.cpu.0, request.greed);
                self.targets[index].threads += 1;
                self.compute(Some(index), work, greed, Work::Request(ticket));
            }
        }
    }

    fn compute(&mut self, target: Option<usize>, work: f64, greed: f64, what: Work) {
        if let Some(target) = target {
            self.targets[target].cpu.start(self.now, work, greed, what);
            self.schedule(target);
        }
    }

    /// Makes sure that the queue has an event for the target's next completion.
    fn schedule(&mut self, index: usize) {
        let target = &mut self.targets[index];
        if let Some(next) = target.cpu.next_finish()
            && next < target.wake
        {
            target.wake = next;
            self.push(next - self.now, Event::Cpu(index));
        }
    }

    fn cpu_done(&mut self, index: usize) {
        if self.targets[index].wake != self.now {
            return;
        }
        self.targets[index].wake = i64::MAX;
        while let Some(work) = self.targets[index].cpu.finish(self.now) {
            match work {
                Work::Request(ticket) => self.worked(index, ticket),
                Work::Probe(number) => {
                    let target = &mut self.targets[index];
                    if target.probe_open && target.probe == number {
                        (target.probe_open, target.failures) = (false, 0);
                    }
                }
                Work::Boot => self.targets[index].booting = false,
            }
            self.admit(index);
        }
        self.schedule(index);
    }

    /// A request's turn on the CPU is over.
    fn worked(&mut self, index: usize, ticket: Ticket) {
        let now = self.now;
        let Some(request) = self.request(ticket) else {
            return;
        };
        if request.stage == Stage::First {
            let wait = request.wait;
            return self.push(wait, Event::WaitOver(ticket));
        }
        if request.kind == Kind::WebSocket && !request.written {
            request.stage = Stage::Open;
            request.opened = now;
            request.at_deadline = End::SocketClosed;
            let life = (self.costs.exponential(420.0) * 1e6) as i64;
            self.requests[ticket.0].deadline = now + life;
            self.push(life, Event::Deadline(ticket));
        } else {
            self.write(ticket.0, End::Answered);
            self.release(ticket);
        }
        self.targets[index].threads -= 1;
    }

    fn deadline(&mut self, ticket: Ticket) {
        let now = self.now;
        let Some(request) = self.request(ticket) else {
            return;
        };
        // An opened socket has a later one.
        if now < request.deadline {
            return;
        }
        let (end, stage) = (request.at_deadline, request.stage);
        self.write(ticket.0, end);
        if matches!(stage, Stage::Open | Stage::Elsewhere) {
            self.release(ticket);
        }
    }

    fn probe(&mut self, index: usize) {
        let probe = &self.scenario.service.probe;
        let target = &mut self.targets[index];
        if !target.booting {
            target.probe += 1;
            target.probe_open = true;
            let number = target.probe;
            self.compute(Some(index), probe.cpu_s, 1.0, Work::Probe(number));
            self.push((probe.timeout_s * 1e6) as i64, Event::ProbeDue(index, number));
        }
        self.push((probe.every_s * 1e6) as i64, Event::Probe(index));
    }

    fn probe_due(&mut self, index: usize, number: u32) {
        let target = &mut self.targets[index];
        if target.probe_open && target.probe == number {
            target.probe_open = false;
            target.failures += 1;
            if target.failures >= self.scenario.service.probe.failures {
                self.crash(index);
            }
        }
    }

    /// The supervisor kills the target's workers and starts new ones. What still waits in the backlog stays there.
    fn crash(&mut self, index: usize) {
        let target = &mut self.targets[index];
        target.cpu.clear(self.now);
        target.wake = i64::MAX;
        (target.threads, target.failures, target.booting) = (0, 0, true);
        let (mut lost, mut first_lost) = (0, self.now);
        for place in 0..self.requests.len() {
            let request = &self.requests[place];
            let ticket = Ticket(place, request.generation);
            let stage = request.stage;
            if request.target != Some(index) || matches!(stage, Stage::Waiting | Stage::Elsewhere) {
                continue;
            }
            let created = request.created;
            let end = if stage == Stage::Open { End::SocketClosed } else { End::Died };
            if self.write(place, end) && end == End::Died {
                lost += 1;
                first_lost = first_lost.min(created);
            }
            self.release(ticket);
        }
        if lost > 0 {
            self.crashes.push(Crash {
                time: date(self.now),
                target: self.targets[index].address.clone(),
                lost,
                first_lost: date(first_lost),
            });
        }
        let boot = self.scenario.service.boot_cpu_s;
        self.compute(Some(index), boot, 1.0, Work::Boot);
    }

    /// A sample of every target's CPU. The rest of the machine takes a little of what is left, and counting
    /// is not exact.
    fn tick(&mut self) {
        let sample = self.scenario.service.sample_s * SECOND;
        for index in 0..self.targets.len() {
            let share = self.targets[index].cpu.sample(self.now, sample as f64 / 1e6);
            let others = 0.01 + 0.02 * self.costs.unit();
            let counted = 1.0 + 0.004 * self.costs.unit();
            let percent = 100.0 * (share + (1.0 - share) * others) * counted;
            self.cpu.add(index, self.now - sample, percent.min(100.0));
        }
        self.push(sample, Event::Tick);
    }

    /// Writes the request's line unless it has one; returns whether one was added to a file.
    fn write(&mut self, place: usize, end: End) -> bool {
        if std::mem::replace(&mut self.requests[place].written, true) {
            return false;
        }
        let trace = u128::from(self.names.bits()) << 32 | u128::from(self.names.bits() as u32);
        let request = &self.requests[place];
        let target = request.target.map(|target| self.targets[target].address.as_str());
        let agent = self.agents.text(request.peer.agent);
        let line = request::line(request, end, self.now, target, agent, trace, &self.scenario.site);
        let kept = self.journal.write(&line, end.cause(request));
        self.after(place, end);
        kept
    }

    /// The next target for a connection of this node.
    pub(crate) fn choose_target(&mut self, peer: &Peer) -> usize {
        let turn = &mut self.turn[usize::from(peer.node)];
        *turn = (*turn + 1) % self.targets.len();
        *turn
    }
}

impl Target {
    fn new(index: usize, vcpus: f64, now: i64) -> Target {
        let (zone, host) = (10 + index % 3, 20 + index / 3 * 7 + index % 3 * 2);
        Target {
            address: format!("10.0.{}.{}:8000", zone + host / 240 * 3, host % 240 + 4),
            cpu: Cpu::new(vcpus, now),
            wake: i64::MAX,
            threads: 0,
            backlog: VecDeque::new(),
            booting: false,
            probe: 0,
            probe_open: false,
            failures: 0,
        }
    }

    /// Name of the machine, as the metrics have it.
    pub(crate) fn host(&self) -> String {
        let ip = self.address.split(':').next().unwrap_or_default();
        format!("ip-{}", ip.replace('.', "-"))
    }
}

pub(crate) fn date(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or_default()
}
