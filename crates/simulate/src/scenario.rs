//! What a scenario is made of. Scenarios are data: the engine knows none of them by name.

/// A service, its traffic and its faults. Made by [`Scenario::home`], [`Scenario::quiet`] and [`Scenario::surge`].
#[derive(Debug, Clone)]
pub struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) site: Site,
    pub(crate) service: Service,
    pub(crate) traffic: Traffic,
    pub(crate) routes: Vec<Route>,
    /// For the truth file only; the engine never reads it.
    pub(crate) guilty_route: Option<&'static str>,
}

/// Names and addresses, all from ranges reserved for documentation or private use.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) account: &'static str,
    pub(crate) region: &'static str,
    pub(crate) balancer: &'static str,
    pub(crate) balancer_id: &'static str,
    pub(crate) target_group: &'static str,
    pub(crate) lambda_group: &'static str,
    pub(crate) certificate: &'static str,
    /// The service's own host name, and the load balancer's.
    pub(crate) host: &'static str,
    pub(crate) balancer_host: &'static str,
    /// One log file per node and 5 minutes.
    pub(crate) nodes: Vec<&'static str>,
    /// What tells the CPU series of the whole service apart.
    pub(crate) service: &'static str,
}

/// The machines behind the load balancer.
#[derive(Debug, Clone)]
pub(crate) struct Service {
    /// How much of the traffic's `rate` one target carries: sets the number of targets unless the run says otherwise.
    pub(crate) rate_per_target: f64,
    pub(crate) vcpus: f64,
    /// Requests one target works on at a time; more wait in its backlog.
    pub(crate) threads: usize,
    /// CPU seconds a target needs to come back after a restart.
    pub(crate) boot_cpu_s: f64,
    pub(crate) probe: Probe,
    /// Seconds between two samples of a target's CPU; a metric's minute gathers them.
    pub(crate) sample_s: i64,
    /// Share of dispatches that meet a connection which the target has just closed (502, nothing processed).
    pub(crate) closed_connections: f64,
    /// Share of requests that the application answers with 500.
    pub(crate) application_errors: f64,
}

/// The supervisor's liveness check of a target: a small piece of work that must get its turn on the CPU.
/// Enough failures in a row and the supervisor kills the workers; the listening socket stays open.
#[derive(Debug, Clone)]
pub(crate) struct Probe {
    pub(crate) every_s: f64,
    /// At most `every_s`.
    pub(crate) timeout_s: f64,
    pub(crate) cpu_s: f64,
    pub(crate) failures: u32,
}

/// Who comes, and when.
#[derive(Debug, Clone)]
pub(crate) struct Traffic {
    /// Requests per second where the day's level is 1.
    pub(crate) rate: f64,
    /// (hour of the UTC day, level), ascending, from 0 to 24; straight lines between.
    pub(crate) day: &'static [(f64, f64)],
    /// Multiplies the middle third of the run.
    pub(crate) surge: f64,
    /// Registered users at the start, and how many more per day (0.05 = 5 %).
    pub(crate) users: f64,
    pub(crate) users_growth_per_day: f64,
    /// Requests of one visit.
    pub(crate) visit: f64,
    /// Share of visits that begin on port 80 and are redirected.
    pub(crate) plain_http: f64,
    /// Share of requests whose client leaves by itself, after `leave_after_s` on average.
    pub(crate) leavers: f64,
    pub(crate) leave_after_s: f64,
    /// Share of 5xx answers after which the client tries once more.
    pub(crate) retries: f64,
    /// Vulnerability scans per hour; each is some dozens of requests.
    pub(crate) scans_per_hour: f64,
}

/// One endpoint: how often it is asked for and what it costs.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    /// `METHOD /template`.
    pub(crate) name: &'static str,
    /// URL patterns, see [`crate::urls`].
    pub(crate) urls: &'static [&'static str],
    pub(crate) kind: Kind,
    /// Share of the traffic, relative to the other routes.
    pub(crate) weight: f64,
    /// CPU time: median in ms, spread of its logarithm.
    pub(crate) cpu_ms: (f64, f64),
    /// CPU time on top for every registered user, in ms (a query that loads them all).
    pub(crate) cpu_ms_per_user: f64,
    /// How hard it competes for the CPU: one thread of an interpreter with a global lock and a busy collector crowds out many light ones.
    pub(crate) greed: f64,
    /// Waiting for databases and other services: median in ms, spread of its logarithm.
    pub(crate) wait_ms: (f64, f64),
    /// Share of requests whose wait never ends (until the idle timeout).
    pub(crate) stuck: f64,
    /// Response bytes, headers included: median, spread of the logarithm.
    pub(crate) sent: (f64, f64),
    /// Request body bytes: median, spread of the logarithm.
    pub(crate) body: (f64, f64),
    /// The target's answers and how often each comes.
    pub(crate) statuses: &'static [(u16, f64)],
}

/// What stands behind a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Page,
    WebSocket,
    Lambda,
}

impl Route {
    pub(crate) fn new(name: &'static str, weight: f64, urls: &'static [&'static str]) -> Route {
        Route {
            name,
            urls,
            kind: Kind::Page,
            weight,
            cpu_ms: (20.0, 0.5),
            cpu_ms_per_user: 0.0,
            greed: 1.0,
            wait_ms: (15.0, 0.6),
            stuck: 0.0,
            sent: (900.0, 0.3),
            body: (0.0, 0.0),
            statuses: &[(200, 1.0)],
        }
    }

    pub(crate) fn method(&self) -> &'static str {
        self.name.split_once(' ').map_or("GET", |(method, _)| method)
    }
}

impl Traffic {
    /// The day's level at this hour of the UTC day (0 to 24).
    pub(crate) fn level(&self, hour: f64) -> f64 {
        let mut before = self.day[0];
        for &point in self.day {
            if point.0 > hour {
                let share = (hour - before.0) / (point.0 - before.0);
                return before.1 + share * (point.1 - before.1);
            }
            before = point;
        }
        before.1
    }
}
