//! The scenarios, one function each, and the parts they share.

use crate::scenario::{Kind, Probe, Route, Scenario, Service, Site, Traffic};

impl Scenario {
    /// Names that [`Scenario::named`] knows.
    pub const NAMES: [&'static str; 3] = ["home", "quiet", "surge"];

    pub fn named(name: &str) -> Option<Scenario> {
        match name {
            "home" => Some(Scenario::home()),
            "quiet" => Some(Scenario::quiet()),
            "surge" => Some(Scenario::surge()),
            _ => None,
        }
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    /// A launch evening: traffic comes in two waves after 18:45 UTC. One route loads every user's rows to return nine
    /// items; one such request takes most of a target's only vCPU for five seconds. Where two or three meet on a target,
    /// its liveness checks starve and its workers are killed with everything they were working on: 502.
    pub fn home() -> Scenario {
        let mut routes = routes();
        routes.push(Route {
            cpu_ms: (60.0, 0.2),
            cpu_ms_per_user: 0.218,
            greed: 9.0,
            wait_ms: (380.0, 0.15),
            sent: (1790.0, 0.02),
            ..Route::new(LEADERBOARD, 1.2, &["/api/flocks/{flock}/leaderboard?period={period}&limit=9"])
        });
        Scenario {
            name: "home",
            site: site(),
            service: service(),
            traffic: Traffic {
                day: &[
                    (0.0, 0.12),
                    (4.0, 0.04),
                    (7.0, 0.12),
                    (12.0, 0.2),
                    (17.0, 0.24),
                    (18.0, 0.22),
                    (18.7, 0.27),
                    (19.0, 0.95),
                    (19.35, 1.0),
                    (19.6, 0.32),
                    (19.95, 0.28),
                    (20.2, 1.0),
                    (20.6, 0.92),
                    (20.8, 0.32),
                    (21.0, 0.26),
                    (22.0, 0.2),
                    (24.0, 0.12),
                ],
                ..traffic()
            },
            routes,
            guilty_route: Some(LEADERBOARD),
        }
    }

    /// Nothing is wrong: errors are the usual few in twenty thousand.
    pub fn quiet() -> Scenario {
        Scenario {
            name: "quiet",
            site: site(),
            service: service(),
            traffic: traffic(),
            routes: routes(),
            guilty_route: None,
        }
    }

    /// Four times the traffic in the middle third of the run, on a service that can carry it and always answers
    /// 0.4 % of its requests with 500: more errors, the same share of errors.
    pub fn surge() -> Scenario {
        let mut scenario = Scenario::quiet();
        scenario.name = "surge";
        scenario.service.rate_per_target = 1.5;
        scenario.service.application_errors = 0.004;
        scenario.traffic.surge = 4.0;
        scenario
    }

    /// Steady traffic without a fault, for benchmark input of any size.
    pub fn bench() -> Scenario {
        let mut scenario = Scenario::quiet();
        scenario.name = "bench";
        scenario.service.rate_per_target = 24.0;
        scenario.service.vcpus = 4.0;
        scenario.service.threads = 96;
        scenario.service.application_errors = 0.001;
        scenario.traffic.day = &[(0.0, 1.0), (24.0, 1.0)];
        scenario.site.nodes.truncate(2);
        scenario
    }
}

const LEADERBOARD: &str = "GET /api/flocks/:id/leaderboard";

fn site() -> Site {
    Site {
        account: "123456789012",
        region: "eu-central-1",
        balancer: "featherly-prod",
        balancer_id: "8d1f2c6b0a9e4735",
        target_group: "featherly-api/5e0c7a1d93b84f62",
        lambda_group: "featherly-share/c41b08f6a2d7935e",
        certificate: "b7c5d0f2-3a94-4e61-9d08-61f2ae7c40d3",
        host: "api.featherly.example",
        balancer_host: "featherly-prod-1482095763.eu-central-1.elb.amazonaws.com",
        nodes: vec!["203.0.113.24", "203.0.113.187"],
        service: "featherly-api",
    }
}

fn service() -> Service {
    Service {
        rate_per_target: 2.9,
        vcpus: 1.0,
        threads: 24,
        boot_cpu_s: 1.6,
        probe: Probe { every_s: 1.0, timeout_s: 0.9, cpu_s: 0.06, failures: 2 },
        sample_s: 4,
        closed_connections: 0.000_025,
        application_errors: 0.000_025,
    }
}

fn traffic() -> Traffic {
    Traffic {
        rate: 11.5,
        day: &[(0.0, 0.3), (4.0, 0.1), (7.0, 0.35), (12.0, 0.75), (17.0, 0.8), (20.0, 1.0), (22.0, 0.75), (24.0, 0.3)],
        surge: 1.0,
        users: 18_400.0,
        users_growth_per_day: 0.045,
        visit: 28.0,
        plain_http: 0.05,
        leavers: 0.01,
        leave_after_s: 4.0,
        retries: 0.5,
        scans_per_hour: 3.0,
    }
}

/// What a healthy service of this kind serves.
fn routes() -> Vec<Route> {
    vec![
        Route {
            cpu_ms: (46.0, 0.45),
            wait_ms: (38.0, 0.6),
            sent: (9_400.0, 0.35),
            statuses: &[(200, 0.94), (304, 0.06)],
            ..Route::new(
                "GET /api/feed",
                22.0,
                &["/api/feed?limit=20", "/api/feed?limit=20", "/api/feed?limit=20&cursor={cursor}"],
            )
        },
        Route {
            cpu_ms: (24.0, 0.5),
            wait_ms: (14.0, 0.6),
            sent: (2_900.0, 0.4),
            statuses: &[(200, 0.96), (304, 0.03), (404, 0.01)],
            ..Route::new("GET /api/sightings/:id", 18.0, &["/api/sightings/{uuid}"])
        },
        Route {
            cpu_ms: (76.0, 0.5),
            wait_ms: (60.0, 0.7),
            sent: (21_000.0, 0.6),
            ..Route::new(
                "GET /api/sightings",
                9.0,
                &[
                    "/api/sightings?bbox={lon},{lat},{lon},{lat}&zoom={zoom}",
                    "/api/sightings?species={species}&since={date}&page={page}",
                ],
            )
        },
        Route {
            cpu_ms: (70.0, 0.4),
            wait_ms: (90.0, 0.6),
            sent: (640.0, 0.1),
            body: (42_000.0, 1.0),
            statuses: &[(201, 0.97), (422, 0.03)],
            ..Route::new("POST /api/sightings", 3.0, &["/api/sightings"])
        },
        Route {
            sent: (1_350.0, 0.3),
            statuses: &[(200, 0.97), (304, 0.02), (404, 0.01)],
            ..Route::new("GET /api/users/:id", 10.0, &["/api/users/{me}", "/api/users/{user}"])
        },
        Route {
            cpu_ms: (28.0, 0.4),
            sent: (2_100.0, 0.4),
            ..Route::new("GET /api/users/:id/badges", 4.0, &["/api/users/{user}/badges", "/api/users/{me}/badges"])
        },
        Route {
            cpu_ms: (14.0, 0.4),
            sent: (780.0, 0.5),
            statuses: &[(200, 0.7), (304, 0.3)],
            ..Route::new(
                "GET /api/notifications",
                12.0,
                &["/api/notifications?unread=true", "/api/notifications?since={epoch}"],
            )
        },
        Route {
            cpu_ms: (22.0, 0.4),
            wait_ms: (20.0, 0.5),
            sent: (310.0, 0.05),
            body: (60.0, 0.1),
            statuses: &[(204, 0.98), (409, 0.02)],
            ..Route::new("PUT /api/sightings/:id/like", 4.0, &["/api/sightings/{uuid}/like"])
        },
        Route {
            cpu_ms: (95.0, 0.6),
            wait_ms: (130.0, 0.7),
            sent: (6_200.0, 0.5),
            ..Route::new("GET /api/search", 3.0, &["/api/search?q={word}", "/api/search?q={word}+{word}&page={page}"])
        },
        Route {
            cpu_ms: (18.0, 0.3),
            sent: (5_400.0, 0.3),
            statuses: &[(200, 0.6), (304, 0.4)],
            ..Route::new("GET /api/species/:slug", 5.0, &["/api/species/{species}"])
        },
        Route {
            cpu_ms: (210.0, 0.1),
            wait_ms: (25.0, 0.4),
            sent: (1_100.0, 0.1),
            body: (140.0, 0.1),
            statuses: &[(201, 0.88), (401, 0.12)],
            ..Route::new("POST /api/sessions", 0.9, &["/api/sessions"])
        },
        Route {
            cpu_ms: (8.0, 0.3),
            wait_ms: (1.0, 0.2),
            sent: (48_000.0, 0.8),
            statuses: &[(200, 0.75), (304, 0.25)],
            ..Route::new(
                "GET /static/:file",
                5.0,
                &["/static/app.{hex}.js", "/static/app.{hex}.css", "/static/icons.{hex}.svg"],
            )
        },
        Route {
            cpu_ms: (140.0, 0.3),
            wait_ms: (1_900.0, 0.5),
            stuck: 0.03,
            sent: (64_000.0, 0.7),
            ..Route::new("GET /api/users/:id/export", 0.12, &["/api/users/{me}/export?format=csv"])
        },
        Route {
            kind: Kind::WebSocket,
            cpu_ms: (12.0, 0.2),
            wait_ms: (4.0, 0.3),
            sent: (38_000.0, 1.2),
            body: (5_200.0, 1.0),
            statuses: &[(101, 1.0)],
            ..Route::new("GET /ws/live", 0.9, &["/ws/live?token={cursor}"])
        },
        Route {
            kind: Kind::Lambda,
            wait_ms: (180.0, 0.7),
            sent: (3_800.0, 0.2),
            statuses: &[(200, 0.985), (404, 0.015)],
            ..Route::new("GET /share/:id", 0.8, &["/share/{token}"])
        },
    ]
}
