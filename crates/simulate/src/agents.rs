//! Some hundreds of user agents, in families; within a family the new versions are the frequent ones.

use crate::dice::Dice;

/// All user agents of a run, and how to draw one.
pub(crate) struct Agents {
    families: Vec<(f64, Vec<String>)>,
}

/// A drawn agent: its place in [`Agents`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Agent {
    family: u8,
    version: u8,
}

impl Agents {
    pub(crate) fn new() -> Agents {
        let chrome = |platform: &str, tail: &str| -> Vec<String> {
            (0..28)
                .map(|age| {
                    format!(
                        "Mozilla/5.0 ({platform}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 {tail}",
                        148 - age
                    )
                })
                .collect()
        };
        let android =
            ["SM-S928B", "SM-A556B", "Pixel 9", "Pixel 8a", "2312DRA50G", "CPH2609", "moto g84 5G", "SM-G991B"];
        let families = vec![
            (APPS, app(|n| format!("Featherly/4.{}.{} (iPhone; iOS 26.{}; Scale/3.00)", 18 - n / 8, n % 3, 3 - n % 4))),
            (APPS, app(|n| format!("Featherly/4.{}.{} (Android {}; {}) okhttp/4.12.0", 18 - n / 8, n % 3, 16 - n % 4, android[n % 8]))),
            (0.10, chrome("Windows NT 10.0; Win64; x64", "Safari/537.36")),
            (0.06, chrome("Macintosh; Intel Mac OS X 10_15_7", "Safari/537.36")),
            (0.02, chrome("X11; Linux x86_64", "Safari/537.36")),
            (0.09, chrome("Linux; Android 10; K", "Mobile Safari/537.36")),
            (
                0.03,
                (0..24)
                    .map(|age| {
                        format!(
                            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{0}.0.0.0 Safari/537.36 Edg/{0}.0.0.0",
                            147 - age
                        )
                    })
                    .collect(),
            ),
            (0.11, safari("iPhone; CPU iPhone OS {} like Mac OS X", "Mobile/15E148 Safari/604.1")),
            (0.04, safari("Macintosh; Intel Mac OS X 10_15_7", "Safari/605.1.15")),
            (
                0.04,
                (0..40)
                    .map(|n| {
                        let platform =
                            ["Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10.15", "X11; Ubuntu; Linux x86_64", "Android 15; Mobile"];
                        let version = 151 - n / 4;
                        format!("Mozilla/5.0 ({0}; rv:{version}.0) Gecko/20100101 Firefox/{version}.0", platform[n % 4])
                    })
                    .collect(),
            ),
            (
                0.02,
                [
                    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
                    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
                    "python-requests/2.32.3",
                    "curl/8.7.1",
                    "PostmanRuntime/7.43.0",
                    "-",
                ]
                .map(str::to_owned)
                .to_vec(),
            ),
        ];
        Agents { families }
    }

    pub(crate) fn draw(&self, dice: &mut Dice) -> Agent {
        let family = dice.weighted(self.families.iter().map(|(weight, _)| *weight));
        let skew = dice.unit();
        let version = (skew * skew * self.families[family].1.len() as f64) as u8;
        Agent { family: family as u8, version }
    }

    pub(crate) fn text(&self, agent: Agent) -> &str {
        &self.families[usize::from(agent.family)].1[usize::from(agent.version)]
    }
}

impl Agent {
    /// The service's own apps give up on a request by themselves; browsers do not.
    pub(crate) fn is_app(self) -> bool {
        self.family < 2
    }
}

/// Weight of each of the two app families.
const APPS: f64 = 0.245;

fn app(name: impl Fn(usize) -> String) -> Vec<String> {
    (0..64).map(name).collect()
}

fn safari(platform: &str, tail: &str) -> Vec<String> {
    (0..20)
        .map(|age| {
            let (major, minor) = ([26, 18, 17, 16][age / 5], 5 - age % 5);
            let platform = platform.replace("{}", &format!("{major}_{minor}"));
            format!("Mozilla/5.0 ({platform}) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{major}.{minor} {tail}")
        })
        .collect()
}

/// How scanners present themselves. The load balancer writes a quote as `\x22`.
pub(crate) const SCANNERS: [&str; 6] = [
    "Mozilla/5.0 zgrab/0.x",
    "Mozilla/5.0 (compatible; CensysInspect/1.1; +https://about.censys.io/)",
    "Go-http-client/1.1",
    "python-requests/2.31.0",
    r"\x22nlpproject.info research\x22",
    "-",
];
