//! Values of a file, each with the forms it is written in.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use albatross_query::{Kind, parse_duration};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A share, from 0 to 1: `"0.5 %"` or `0.005`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share(pub f64);

/// How much more, from 0 up: `"50 %"` or `0.5`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Times(pub f64);

/// A length of time above zero, in seconds: `"2s"`, `"500ms"`, `"1h30m"`, `"7d"`, or a number of seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Length(pub f64);

/// Status codes: `"5xx,460"`.
#[derive(Debug, Clone, PartialEq)]
pub struct Statuses(String);

/// `GET /api/users/:id`, or `/api/users/:id` whatever the method.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    pub method: Option<String>,
    pub template: String,
}

/// `10.0.1.5:8080`, or `10.0.1.5` whatever the port.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    pub ip: String,
    pub port: Option<u16>,
}

impl Statuses {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The number of a text such as `0.5 %` or `0.5`.
fn share(text: &str) -> Option<f64> {
    match text.trim().strip_suffix('%') {
        Some(percent) => percent.trim().parse().ok().map(|percent: f64| percent / 100.0),
        None => text.trim().parse().ok(),
    }
}

fn percent(f: &mut fmt::Formatter<'_>, share: f64) -> fmt::Result {
    // A hundredth of a decimal fraction is none: 0.07 * 100 is 7.000000000000001.
    write!(f, "{} %", (share * 1e12).round() / 1e10)
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Share, String> {
        let good = share(text).filter(|share| (0.0..=1.0).contains(share));
        good.map(Share)
            .ok_or_else(|| format!("`{}` is no share: give \"0.5 %\" or 0.005, from 0 to 1", text.escape_debug()))
    }
}

impl FromStr for Times {
    type Err = String;

    fn from_str(text: &str) -> Result<Times, String> {
        let good = share(text).filter(|times| *times >= 0.0 && times.is_finite());
        good.map(Times)
            .ok_or_else(|| format!("`{}` is no increase: give \"50 %\" or 0.5, from 0 up", text.escape_debug()))
    }
}

impl FromStr for Length {
    type Err = String;

    fn from_str(text: &str) -> Result<Length, String> {
        let seconds = match parse_duration(text) {
            Some(length) => Some(length.as_seconds_f64()),
            None => text.trim().parse().ok(),
        };
        let good = seconds.filter(|seconds| *seconds > 0.0 && *seconds <= 3_660_000.0 * 86_400.0);
        good.map(Length).ok_or_else(|| {
            format!(
                "`{}` is no length of time: give \"500ms\", \"2s\", \"1h30m\", \"7d\", or seconds",
                text.escape_debug()
            )
        })
    }
}

impl FromStr for Statuses {
    type Err = String;

    fn from_str(text: &str) -> Result<Statuses, String> {
        Kind::Status.test(text)?;
        Ok(Statuses(text.to_owned()))
    }
}

impl FromStr for Route {
    type Err = String;

    fn from_str(text: &str) -> Result<Route, String> {
        let (method, template) = match text.trim().split_once(' ') {
            Some((method, template)) => (Some(method.to_owned()), template.trim()),
            None => (None, text.trim()),
        };
        // A malformed request has neither: it is `- -`.
        let good = template == "-" || template.starts_with('/') || template == "*";
        if !good {
            return Err(format!(
                "`{}` is no route: give `GET /api/users/:id`, or `/api/users/:id` for all methods",
                text.escape_debug()
            ));
        }
        Ok(Route { method, template: template.to_owned() })
    }
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Target, String> {
        let text = text.trim();
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(Target { ip: address.ip().to_string(), port: Some(address.port()) });
        }
        match text.parse::<IpAddr>() {
            Ok(ip) => Ok(Target { ip: ip.to_string(), port: None }),
            Err(_) => Err(format!("`{}` is no target: give `10.0.1.5:8080` or `10.0.1.5`", text.escape_debug())),
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        percent(f, self.0)
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        percent(f, self.0)
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is shorter than a millisecond is rounded up to one, so that it can be read again.
        let millis = (self.0 * 1000.0).round().max(1.0) as u64;
        for (size, unit) in [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s")] {
            if millis.is_multiple_of(size) {
                return write!(f, "{}{unit}", millis / size);
            }
        }
        write!(f, "{millis}ms")
    }
}

impl fmt::Display for Statuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.method {
            Some(method) => write!(f, "{method} {}", self.template),
            None => f.write_str(&self.template),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) if self.ip.contains(':') => write!(f, "[{}]:{port}", self.ip),
            Some(port) => write!(f, "{}:{port}", self.ip),
            None => f.write_str(&self.ip),
        }
    }
}

/// Texts and numbers, read by `FromStr`.
struct Text<T>(std::marker::PhantomData<T>);

impl<T: FromStr<Err = String>> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a number")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_f64<E: Error>(self, x: f64) -> Result<T, E> {
        self.visit_str(&x.to_string())
    }

    fn visit_i64<E: Error>(self, n: i64) -> Result<T, E> {
        self.visit_str(&n.to_string())
    }
}

macro_rules! as_text {
    ($($type:ty),*) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
                deserializer.deserialize_any(Text(std::marker::PhantomData))
            }
        }
    )*};
}

as_text!(Share, Times, Length, Statuses, Route, Target);

#[cfg(test)]
mod tests {
    use super::*;

    /// As written, and as it is written again.
    fn again<T: FromStr<Err = String> + ToString>(text: &str) -> String {
        text.parse::<T>().map_or_else(|problem| problem, |value| value.to_string())
    }

    #[test]
    fn every_value_is_read_and_written() {
        for (text, shown) in [("0.5 %", "0.5 %"), ("7%", "7 %"), ("0.005", "0.5 %"), ("0", "0 %"), ("100 %", "100 %")] {
            assert_eq!(again::<Share>(text), shown);
        }
        assert_eq!(again::<Times>("250 %"), "250 %");
        for (text, shown) in
            [("2s", "2s"), ("2.5", "2500ms"), ("90s", "90s"), ("1h30m", "90m"), ("7d", "7d"), ("0.0001", "1ms")]
        {
            assert_eq!(again::<Length>(text), shown);
        }
        assert_eq!(again::<Statuses>("5xx,460"), "5xx,460");
        for text in ["GET /api/users/:id", "/api", "- -", "OPTIONS *"] {
            assert_eq!(again::<Route>(text), text);
        }
        for text in ["10.0.1.5:8080", "10.0.1.5", "[fd00::5]:80", "fd00::5"] {
            assert_eq!(again::<Target>(text), text);
        }
    }

    #[test]
    fn what_is_no_value_is_told_what_is_allowed() {
        assert_eq!(again::<Share>("101 %"), "`101 %` is no share: give \"0.5 %\" or 0.005, from 0 to 1");
        assert_eq!(again::<Share>("NaN"), "`NaN` is no share: give \"0.5 %\" or 0.005, from 0 to 1");
        assert_eq!(again::<Times>("-1 %"), "`-1 %` is no increase: give \"50 %\" or 0.5, from 0 up");
        for text in ["2 s", "0s", "-1", "inf", "soon\u{1b}"] {
            let problem = again::<Length>(text);
            assert!(problem.contains("is no length of time") && !problem.contains('\u{1b}'), "{problem}");
        }
        assert!(again::<Statuses>("50x").contains("is not a set of status codes"));
        assert!(again::<Route>("GET api").contains("is no route"));
        assert!(again::<Target>("web-1:80").contains("is no target"));
    }
}
