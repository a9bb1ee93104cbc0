//! Where requests come from: visitors, those who try again, and scanners.

use crate::agents;
use crate::clients::{Peer, Wire, reconnect};
use crate::engine::{Engine, Event, IDLE_TIMEOUT, SECOND, date};
use crate::request::{End, Request, Stage};
use crate::scenario::{Kind, Route};
use crate::urls::{self, Context};
use chrono::Timelike;
use std::fmt::Write;

/// A request that a known client will send: the same once more, or the first after a redirect.
pub(crate) struct Later {
    peer: Peer,
    route: usize,
    /// `METHOD URL VERSION` of the one before; `None` to draw a new URL.
    line: Option<String>,
}

/// A machine that works through a list of known holes.
pub(crate) struct Scanner {
    peer: Peer,
    agent: &'static str,
    left: u64,
}

/// Apps give up after this; browsers wait.
const APP_PATIENCE: i64 = 15 * SECOND;

impl Engine<'_> {
    /// Requests per second at this moment.
    fn rate_now(&self) -> f64 {
        let traffic = &self.scenario.traffic;
        let third = (self.until - self.from) / 3;
        let surge = if (third..2 * third).contains(&(self.now - self.from)) { traffic.surge } else { 1.0 };
        let hour = f64::from(date(self.now).num_seconds_from_midnight()) / 3_600.0;
        self.rate * traffic.level(hour) * surge
    }

    /// Registered users at this moment.
    fn users_now(&self) -> f64 {
        let days = (self.now - self.from) as f64 / (86_400.0 * 1e6);
        self.scenario.traffic.users * libm::pow(1.0 + self.scenario.traffic.users_growth_per_day, days)
    }

    pub(crate) fn arrival(&mut self) {
        let gap = self.arrivals.exponential(1.0 / self.rate_now());
        self.push((gap * 1e6) as i64 + 1, Event::Arrival);
        let users = self.users_now();
        let (peer, new) = self.crowd.next(self.now, users, &self.agents, &mut self.arrivals);
        let routes = &self.scenario.routes;
        let route = self.arrivals.weighted(routes.iter().map(|route| route.weight));
        if new && self.arrivals.chance(self.scenario.traffic.plain_http) && routes[route].method() == "GET" {
            self.redirect(peer, route);
        } else {
            self.submit(peer, route, None);
        }
    }

    /// The visit begins on port 80; the client follows to port 443 with the same request.
    fn redirect(&mut self, peer: Peer, route: usize) {
        let mut plain = Peer { wire: Wire::Plain, ..peer };
        reconnect(&mut plain, &mut self.arrivals);
        let path = self.path(&peer, &self.scenario.routes[route]);
        let host = self.scenario.site.host;
        let mut request = self.elsewhere(plain, End::Redirect, 300);
        request.line = format!("GET http://{host}:80{path} HTTP/1.1");
        request.redirect = format!("https://{host}:443{path}");
        self.add(request);
        let line = format!("GET https://{host}:443{path} {}", version(&peer, self.scenario.routes[route].kind));
        self.push_later(90_000, Later { peer, route, line: Some(line) });
    }

    fn push_later(&mut self, delay: i64, later: Later) {
        let place = self.later.iter().position(Option::is_none).unwrap_or(self.later.len());
        match self.later.get_mut(place) {
            Some(seat) => *seat = Some(later),
            None => self.later.push(Some(later)),
        }
        self.push(delay, Event::Later(place));
    }

    pub(crate) fn come_again(&mut self, place: usize) {
        if let Some(later) = self.later[place].take() {
            self.submit(later.peer, later.route, later.line);
        }
    }

    /// A line of this request was written: does its client do something about it?
    pub(crate) fn after(&mut self, place: usize, end: End) {
        let request = &self.requests[place];
        let Some(route) = request.route else {
            return;
        };
        let torn_socket = end == End::SocketClosed && request.deadline > self.now;
        let retry = end.can_retry() && !request.retried && request.line.starts_with("GET ");
        if torn_socket || (retry && self.arrivals.chance(self.scenario.traffic.retries)) {
            let mut peer = request.peer;
            let line = request.line.clone();
            if torn_socket {
                reconnect(&mut peer, &mut self.arrivals);
            }
            let delay = 0.3 + self.arrivals.exponential(1.5);
            self.push_later((delay * 1e6) as i64, Later { peer, route, line: Some(line) });
        }
    }

    fn path(&mut self, peer: &Peer, route: &Route) -> String {
        let pattern = self.arrivals.pick(route.urls);
        let context = Context { me: peer.user, users: self.users_now() as u64, now: self.now };
        let mut path = String::new();
        urls::fill(&mut path, pattern, &context, &mut self.arrivals);
        path
    }

    /// The balancer has read a visitor's request.
    fn submit(&mut self, mut peer: Peer, index: usize, again: Option<String>) {
        let scenario = self.scenario;
        let (route, service) = (&scenario.routes[index], &scenario.service);
        if route.kind == Kind::WebSocket {
            // A socket takes a connection of its own, and it is HTTP/1.1.
            peer.wire = Wire::Https;
            reconnect(&mut peer, &mut self.arrivals);
        }
        let retried = again.is_some();
        let line = match again {
            Some(line) => line,
            None => {
                let path = self.path(&peer, route);
                format!("{} https://{}:443{path} {}", route.method(), scenario.site.host, version(&peer, route.kind))
            }
        };
        let cpu_ms = self.costs.lognormal(route.cpu_ms.0, route.cpu_ms.1)
            + route.cpu_ms_per_user * self.users_now() * (0.98 + 0.04 * self.costs.unit());
        let mut wait = (self.costs.lognormal(route.wait_ms.0, route.wait_ms.1) * 1e3) as i64;
        if self.costs.chance(route.stuck) {
            wait = 10 * IDLE_TIMEOUT;
        }
        let (status, cost) = self.status(route);
        let first = (cpu_ms * 0.3).min(4.0) * cost;
        let (received, sent) = self.sizes(route, &peer, status, line.len() as u64);
        let mut request = self.elsewhere(peer, End::Answered, wait);
        request.route = Some(index);
        request.kind = route.kind;
        request.cpu = (first / 1e3, (cpu_ms * cost - first) / 1e3);
        request.wait = wait;
        request.greed = route.greed;
        (request.status, request.received, request.sent) = (status, received, sent);
        (request.line, request.retried) = (line, retried);
        match route.kind {
            Kind::Lambda => {
                if self.arrivals.chance(0.000_5) {
                    request.at_deadline = End::LambdaFailed;
                }
            }
            Kind::Page | Kind::WebSocket => {
                request.target = Some(self.choose_target(&peer));
                if self.arrivals.chance(service.closed_connections) {
                    request.at_deadline = End::Refused;
                    request.deadline = request.sent_on + 400 + self.arrivals.below(1_500) as i64;
                } else {
                    request.stage = Stage::Waiting;
                    self.patience(&mut request);
                }
            }
        }
        self.add(request);
    }

    /// Sets how long client and balancer wait for the target.
    fn patience(&mut self, request: &mut Request) {
        (request.deadline, request.at_deadline) = (request.sent_on + IDLE_TIMEOUT, End::TimedOut);
        let traffic = &self.scenario.traffic;
        let mut patience = if request.peer.agent.is_app() { APP_PATIENCE } else { i64::MAX };
        if self.arrivals.chance(traffic.leavers) {
            patience = patience.min((self.arrivals.exponential(traffic.leave_after_s) * 1e6) as i64);
        }
        if patience < IDLE_TIMEOUT {
            (request.deadline, request.at_deadline) =
                (request.created.saturating_add(patience).max(request.sent_on), End::Left);
        }
    }

    /// What the target will answer, and the share of the work that takes it.
    fn status(&mut self, route: &Route) -> (u16, f64) {
        let status = route.statuses[self.costs.weighted(route.statuses.iter().map(|status| status.1))].0;
        if route.kind == Kind::Page && self.costs.chance(self.scenario.service.application_errors) {
            return (500, 0.8);
        }
        (status, if matches!(status, 400..) { 0.5 } else { 1.0 })
    }

    /// Received and sent bytes.
    fn sizes(&mut self, route: &Route, peer: &Peer, status: u16, line: u64) -> (u64, u64) {
        let http2 = peer.wire == Wire::Http2;
        let headers = if http2 { 60 + line / 2 + self.costs.below(260) } else { 420 + line + self.costs.below(700) };
        let body = if route.body.0 > 0.0 { self.costs.lognormal(route.body.0, route.body.1) as u64 } else { 0 };
        let sent = match status {
            304 | 204 => 160 + self.costs.below(60),
            200..300 | 101 => self.costs.lognormal(route.sent.0, route.sent.1) as u64,
            _ => 240 + self.costs.below(120),
        };
        (headers + body, sent)
    }

    /// A request that ends `after` microseconds without a target, unless the caller makes more of it.
    fn elsewhere(&mut self, peer: Peer, end: End, after: i64) -> Request {
        let now = self.now;
        Request {
            generation: 0,
            peer,
            route: None,
            kind: Kind::Page,
            target: None,
            stage: Stage::Elsewhere,
            created: now - self.costs.between(80, 1_100) as i64,
            sent_on: now,
            opened: now,
            deadline: now + after.max(200),
            at_deadline: end,
            cpu: (0.0, 0.0),
            wait: 0,
            greed: 1.0,
            status: 0,
            received: 120 + self.costs.below(300),
            sent: 0,
            response_time: self.costs.exponential(160.0) as i64,
            line: String::new(),
            redirect: String::new(),
            agent: None,
            retried: false,
            written: false,
        }
    }

    pub(crate) fn scan_arrival(&mut self) {
        let gap = self.arrivals.exponential(3_600.0 / self.scenario.traffic.scans_per_hour);
        self.push((gap * 1e6) as i64, Event::ScanArrival);
        let scanner = Scanner {
            peer: self.crowd.scanner(&self.agents, &mut self.arrivals),
            agent: self.arrivals.pick(&agents::SCANNERS),
            left: self.arrivals.between(20, 90),
        };
        self.scanners.push(scanner);
        self.push(0, Event::Scan(self.scanners.len() - 1));
    }

    /// One request of a scanner, and the next one after it.
    pub(crate) fn scan(&mut self, index: usize) {
        let scanner = &mut self.scanners[index];
        scanner.left -= 1;
        reconnect(&mut scanner.peer, &mut self.arrivals);
        let (mut peer, agent, left) = (scanner.peer, scanner.agent, scanner.left);
        if left > 0 {
            let gap = self.arrivals.exponential(1.1);
            self.push((gap * 1e6) as i64, Event::Scan(index));
        }
        let site = &self.scenario.site;
        let node = site.nodes[usize::from(peer.node)];
        let path = self.arrivals.pick(&urls::SCANNED);
        let mut request = match self.arrivals.below(10) {
            0 => {
                peer.wire = Wire::Plain;
                let wait = self.costs.between(90_000, 900_000) as i64;
                let mut request = self.elsewhere(peer, End::Malformed, wait);
                let _ = write!(request.line, "- http://{}:80- -", site.balancer_host);
                request
            }
            1 | 2 => {
                peer.wire = Wire::Plain;
                let mut request = self.elsewhere(peer, End::Redirect, 250);
                request.line = format!("GET http://{node}:80{path} HTTP/1.1");
                request.redirect = format!("https://{node}:443{path}");
                request
            }
            3 | 4 => {
                peer.resumed = false;
                let mut request = self.elsewhere(peer, End::FixedResponse, 250);
                request.line = format!("GET https://{node}:443{path} HTTP/1.1");
                request
            }
            _ => {
                let mut request = self.elsewhere(peer, End::Answered, 0);
                request.line = format!("GET https://{}:443{path} HTTP/1.1", site.host);
                request.target = Some(self.choose_target(&peer));
                request.stage = Stage::Waiting;
                request.cpu = (0.001, 0.003);
                request.wait = 900;
                request.status = match path {
                    "/admin/" | "/server-status" | "/actuator/health" => 403,
                    path if path.contains(['\'', ' ']) => 400,
                    _ => 404,
                };
                request.sent = 250 + self.costs.below(90);
                (request.deadline, request.at_deadline) = (request.sent_on + IDLE_TIMEOUT, End::TimedOut);
                request
            }
        };
        request.agent = Some(agent);
        self.add(request);
    }
}

fn version(peer: &Peer, kind: Kind) -> &'static str {
    if peer.wire == Wire::Http2 && kind != Kind::WebSocket { "HTTP/2.0" } else { "HTTP/1.1" }
}
