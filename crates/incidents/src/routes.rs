//! The routes of a service: REST paths with ids, and how long, how large and how often each is.

use crate::dice::Dice;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    Name(&'static str),
    Id,
    Uuid,
}

#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) method: &'static str,
    pub(crate) segments: Vec<Segment>,
    /// Target group.
    pub(crate) group: usize,
    pub(crate) weight: f64,
    /// Seconds until the target begins its answer: median, and standard deviation of the logarithm.
    pub(crate) median_s: f64,
    pub(crate) spread: f64,
    /// Median bytes of a good answer.
    pub(crate) sent: f64,
    /// Median bytes of a request's body.
    pub(crate) body: f64,
    /// Share of requests that the application refuses, and its status for that.
    pub(crate) refused: (u16, f64),
    /// A service's chronic illness: this share gets 500 all the time.
    pub(crate) chronic: f64,
}

impl Route {
    pub(crate) fn template(&self) -> String {
        let mut template = String::new();
        for segment in &self.segments {
            template.push('/');
            template.push_str(match segment {
                Segment::Name(name) => name,
                Segment::Id => ":id",
                Segment::Uuid => ":uuid",
            });
        }
        template
    }

    /// As reports name it: `GET /api/users/:id`.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.template())
    }

    pub(crate) fn is_upload(&self) -> bool {
        self.body > 50_000.0
    }

    pub(crate) fn path(&self, dice: &mut Dice) -> String {
        let mut path = String::with_capacity(64);
        for segment in &self.segments {
            path.push('/');
            match segment {
                Segment::Name(name) => path.push_str(name),
                Segment::Id => path.push_str(&(dice.log_float(1.0, 3e6) as u64).to_string()),
                Segment::Uuid => {
                    let (high, low) = (dice.bits(), dice.bits());
                    let uuid = [high >> 32, high >> 16 & 0xffff, high & 0xfff | 0x4000, low >> 48 & 0x3fff | 0x8000];
                    path.push_str(&format!("{:08x}-{:04x}-{:04x}-{:04x}-", uuid[0], uuid[1], uuid[2], uuid[3]));
                    path.push_str(&format!("{:012x}", low & 0xffff_ffff_ffff));
                }
            }
        }
        if self.method == "GET" && self.segments.last().is_some_and(|last| matches!(last, Segment::Name(_))) {
            match dice.index(4) {
                0 => path.push_str(&format!("?page={}&limit=20", dice.int(1..=40))),
                1 => path.push_str(&format!("?since={}", dice.int(1_700_000_000..=1_800_000_000))),
                _ => {}
            }
        }
        path
    }
}

const NOUNS: [&str; 30] = [
    "orders",
    "users",
    "products",
    "carts",
    "invoices",
    "tickets",
    "events",
    "venues",
    "articles",
    "comments",
    "devices",
    "readings",
    "trips",
    "drivers",
    "bookings",
    "rooms",
    "courses",
    "lessons",
    "patients",
    "visits",
    "projects",
    "tasks",
    "messages",
    "channels",
    "playlists",
    "tracks",
    "recipes",
    "reviews",
    "shipments",
    "parcels",
];
const PARTS: [&str; 12] = [
    "items",
    "history",
    "summary",
    "members",
    "stats",
    "tags",
    "permissions",
    "similar",
    "status",
    "notes",
    "feed",
    "prices",
];
const UPLOADS: [&str; 4] = ["photos", "attachments", "documents", "imports"];
const HEAVY: [&str; 5] = ["export", "report", "search", "dashboard", "timeline"];
const PREFIXES: [&[&str]; 5] = [&["api"], &["api", "v2"], &["v1"], &[], &["rest", "public"]];

/// Between 10 and 40 routes in group 0, of weights as unequal as real ones are (their sum is 1).
pub(crate) fn draw(dice: &mut Dice) -> Vec<Route> {
    use Segment::{Id, Name, Uuid};
    let count = dice.int(10..=40) as usize;
    let prefix: Vec<Segment> = dice.pick(&PREFIXES).iter().map(|name| Name(name)).collect();
    let level = dice.log_float(0.5, 2.0);
    let key = if dice.chance(0.7) { Id } else { Uuid };
    let mut nouns = NOUNS;
    dice.shuffle(&mut nouns);
    let mut candidates = Vec::new();
    for noun in nouns.map(Name) {
        let (part, other) = (Name(dice.pick(&PARTS)), Name(dice.pick(&PARTS)));
        candidates.push(("GET", vec![noun]));
        candidates.push(("GET", vec![noun, key]));
        candidates.push(("POST", vec![noun]));
        candidates.push(("GET", vec![noun, key, part]));
        candidates.push((dice.pick(&["PUT", "PATCH", "DELETE"]), vec![noun, key]));
        if dice.chance(0.3) {
            candidates.push(("GET", vec![noun, key, part, Id]));
        }
        if dice.chance(0.3) && other != part {
            candidates.push(("POST", vec![noun, key, other]));
        }
    }
    candidates.truncate(count * 3 / 2);
    dice.shuffle(&mut candidates);
    candidates.truncate(count - 4);
    candidates.push(("POST", vec![Name("login")]));
    let upload = Name(dice.pick(&UPLOADS));
    candidates.push(("POST", if dice.chance(0.5) { vec![upload] } else { vec![Name(nouns[0]), key, upload] }));
    candidates.push(("GET", vec![Name(nouns[1]), Name(dice.pick(&HEAVY))]));
    candidates.push(("GET", vec![Name(dice.pick(&HEAVY[..3]))]));
    let mut routes: Vec<Route> = candidates
        .into_iter()
        .map(|(method, rest)| {
            let ends_in = |names: &[&str]| matches!(rest.last(), Some(Name(name)) if names.contains(name));
            let (upload, heavy) = (ends_in(&UPLOADS), ends_in(&HEAVY));
            let median_s = level
                * match method {
                    _ if upload => dice.log_float(0.15, 0.6),
                    _ if heavy => dice.log_float(0.2, 1.0),
                    "GET" => dice.log_float(0.006, 0.12),
                    _ => dice.log_float(0.015, 0.2),
                };
            let refused = match method {
                _ if ends_in(&["login"]) => (401, dice.float(0.02, 0.08)),
                "GET" if rest.contains(&key) => (404, dice.log_float(0.002, 0.03)),
                "GET" => (401, dice.log_float(0.001, 0.01)),
                _ => (dice.pick(&[400, 409, 422]), dice.log_float(0.002, 0.02)),
            };
            Route {
                method,
                segments: [prefix.clone(), rest].concat(),
                group: 0,
                weight: dice.lognormal(if heavy || upload { 0.6 } else { 1.0 }, 0.9).max(0.15),
                median_s,
                spread: dice.float(0.25, 0.7),
                sent: if method == "GET" { dice.log_float(400.0, 30_000.0) } else { dice.log_float(150.0, 900.0) },
                body: if upload { dice.log_float(120_000.0, 500_000.0) } else { dice.log_float(80.0, 2_000.0) },
                refused,
                chronic: 0.0,
            }
        })
        .collect();
    let sum: f64 = routes.iter().map(|route| route.weight).sum();
    routes.iter_mut().for_each(|route| route.weight /= sum);
    routes
}
