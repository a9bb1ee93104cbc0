//! Who asks: addresses, agents, protocols.

use crate::dice::Dice;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Browser,
    /// The service's own mobile application.
    App,
    /// Another service.
    Server,
}

pub(crate) struct Client {
    pub(crate) address: String,
    pub(crate) agent: String,
    pub(crate) class: Class,
    /// HTTP/2 or 1.1, both over TLS.
    pub(crate) http2: bool,
    pub(crate) cipher: &'static str,
    pub(crate) weight: f64,
}

/// From the blocks that are set aside for benchmarks, carrier networks and documentation: nobody's address.
pub(crate) fn address(dice: &mut Dice) -> String {
    let octet = |dice: &mut Dice, low, high| dice.int(low..=high);
    match dice.index(10) {
        0 | 1 => format!(
            "2001:db8:{:x}:{:x}:{:x}::{:x}",
            dice.int(1..=0xffff),
            dice.int(1..=0xffff),
            dice.int(1..=0xffff),
            dice.int(1..=0xffff)
        ),
        2..=5 => format!("100.{}.{}.{}", octet(dice, 64, 127), octet(dice, 0, 255), octet(dice, 1, 254)),
        _ => format!("198.{}.{}.{}", octet(dice, 18, 19), octet(dice, 0, 255), octet(dice, 1, 254)),
    }
}

fn agent(dice: &mut Dice, class: Class, app: &str) -> String {
    match class {
        Class::Browser => {
            let version = dice.int(128..=147);
            match dice.index(4) {
                0 => format!("Mozilla/5.0 (X11; Linux x86_64; rv:{version}.0) Gecko/20100101 Firefox/{version}.0"),
                1 => "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1".into(),
                2 => format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 Safari/537.36"),
                _ => format!("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 Mobile Safari/537.36"),
            }
        }
        Class::App => {
            let system = dice.pick(&["iOS 18.5", "iOS 26.1", "Android 14", "Android 15"]);
            format!("{app}/{}.{} ({system})", dice.int(4..=5), dice.int(0..=9))
        }
        Class::Server => dice
            .pick(&[
                "python-requests/2.32.3",
                "Go-http-client/2.0",
                "okhttp/4.12.0",
                "Java-http-client/21.0.4",
                "axios/1.7.9",
            ])
            .into(),
    }
}

/// Some hundreds to thousands; a few large networks behind one address are among them.
pub(crate) fn draw(dice: &mut Dice, app: &str) -> Vec<Client> {
    let count = dice.int(300..=4_000);
    let heavy = dice.int(0..=5);
    let apps = dice.float(0.2, 0.6);
    let servers = dice.float(0.02, 0.15);
    (0..count)
        .map(|number| {
            let class = match dice.unit() {
                share if share < apps => Class::App,
                share if share < apps + servers => Class::Server,
                _ => Class::Browser,
            };
            Client {
                address: address(dice),
                agent: agent(dice, class, app),
                class,
                http2: dice.chance(if class == Class::Server { 0.2 } else { 0.85 }),
                cipher: dice.pick(&[
                    "TLS_AES_128_GCM_SHA256 TLSv1.3",
                    "TLS_AES_128_GCM_SHA256 TLSv1.3",
                    "ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2",
                ]),
                weight: if number < heavy { count as f64 * dice.float(0.01, 0.05) } else { dice.lognormal(1.0, 1.0) },
            }
        })
        .collect()
}
