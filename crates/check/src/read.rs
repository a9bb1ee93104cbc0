//! From text to a [`File`], and back.

use std::fmt;

use crate::file::File;

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// How the file is named in messages.
    pub file: String,
    /// Counted from 1; 0 is the whole file.
    pub line: usize,
    /// The key whose value is wrong, with those around it: `p99.max`. Empty where the problem names it.
    pub key: String,
    /// What is wrong, and what is allowed.
    pub problem: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ", line {}", self.line)?;
        }
        if !self.key.is_empty() {
            write!(f, ", `{}`", self.key)?;
        }
        write!(f, ": {}", self.problem)
    }
}

impl std::error::Error for Fault {}

impl File {
    /// Reads a file; `name` is how messages call it.
    ///
    /// # Errors
    /// A [`Fault`] names line, key and what is allowed.
    pub fn parse(name: &str, text: &str) -> Result<File, Fault> {
        let fault = |line, key: String, problem: String| Fault { file: name.to_owned(), line, key, problem };
        let file: File = toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start.min(text.len()));
            let problem = error.message().replace(", expected one of ", ": allowed are ");
            fault(line_of(text, start), key_before(text, start), problem.trim().replace('\n', ": "))
        })?;
        if file.checks.is_empty() {
            return Err(fault(0, String::new(), "there is no [[check]] in it".to_owned()));
        }
        let headers = text.lines().enumerate().filter(|(_, line)| line.trim_start().starts_with("[[check]]"));
        let lines: Vec<usize> = headers.map(|(i, _)| i + 1).collect();
        for (i, check) in file.checks.iter().enumerate() {
            if !check.expects_anything() {
                let problem = "nothing is expected here: give one of error_rate, p50, p90, p99, requests, cpu_maximum, \
                               no_new_timeout_wall, no_rows";
                return Err(fault(lines.get(i).copied().unwrap_or(0), "check".to_owned(), problem.to_owned()));
            }
        }
        Ok(file)
    }

    /// The file as text, which [`File::parse`] reads as the same file.
    ///
    /// # Errors
    /// None that is known: every value has a form in TOML.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string(self)
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset].iter().filter(|&&byte| byte == b'\n').count() + 1
}

/// The key whose value begins at `offset`: its own, after those of the inline tables it is in.
fn key_before(text: &str, offset: usize) -> String {
    let Some(before) = text.get(..offset) else {
        return String::new();
    };
    let line = before.rsplit('\n').next().unwrap_or_default();
    let key = |part: &str| {
        let (key, value) = part.rsplit(',').next()?.split_once('=')?;
        value.trim().is_empty().then(|| key.trim().trim_matches('"').to_owned())
    };
    line.split('{').map_while(key).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Check, Cpu, ErrorRate, Latency, Requests};

    #[test]
    fn a_fault_names_line_key_and_what_is_allowed() {
        for (line, said) in [
            (
                "error_rate = { max = \"2 per cent\" }",
                "line 3, `error_rate.max`: `2 per cent` is no share: give \"0.5 %\" or 0.005",
            ),
            (
                "p99 = { max_increase = \"50 %\", max = \"soon\" }",
                "line 3, `p99.max`: `soon` is no length of time: give \"500ms\"",
            ),
            ("errors = \"50x\"", "line 3, `errors`: `50x` is not a set of status codes: give 502, 5xx"),
            ("route = 5", "line 3, `route`: `5` is no route: give `GET /api/users/:id`"),
            ("route = true", "line 3, `route`: invalid type: boolean `true`, expected a text or a number"),
            ("p95 = { max = 1 }", "line 3: unknown field `p95`: allowed are `name`, `note`, `route`, "),
            ("p99 = { min = 1 }", "line 3, `p99`: unknown field `min`, expected `max` or `max_increase`"),
            ("requests = { min = -1 }", "line 3, `requests.min`: invalid value: integer `-1`, expected u64"),
            ("cpu_maximum = { minutes = 3 }", "line 3, `cpu_maximum`: missing field `max`"),
            ("name = \"a", "line 3"),
            ("name = \"one\"\nname = \"two\"", "line 4: duplicate key"),
            ("name = \"only a name\"", "line 2, `check`: nothing is expected here: give one of error_rate"),
            ("p99 = {}", "line 2, `check`: nothing is expected here"),
        ] {
            let fault = File::parse("shop.toml", &format!("# checks\n[[check]]\n{line}\n")).unwrap_err().to_string();
            assert!(fault.starts_with(&format!("shop.toml, {said}")), "{line}\n{fault}");
            assert!(!fault.contains('\n'), "{fault}");
        }
        assert_eq!(File::parse("a.toml", "").unwrap_err().to_string(), "a.toml: there is no [[check]] in it");
    }

    #[test]
    fn what_a_program_writes_is_read_as_the_same() {
        let file = File {
            checks: vec![Check {
                name: Some("upload \"answers\"".to_owned()),
                note: Some("limit of 15 s\nin the gateway".to_owned()),
                route: Some("POST /upload".parse().unwrap()),
                target: Some("10.0.1.5:8080".parse().unwrap()),
                errors: Some("5xx,413".parse().unwrap()),
                error_rate: Some(ErrorRate { max: Some("0.07 %".parse().unwrap()), max_increase: None }),
                p99: Some(Latency {
                    max: Some("1500ms".parse().unwrap()),
                    max_increase: Some("50 %".parse().unwrap()),
                }),
                requests: Some(Requests { min: Some(1), max_decrease: Some("80 %".parse().unwrap()) }),
                cpu_maximum: Some(Cpu { max: 90.0, minutes: 2, resource: None }),
                no_new_timeout_wall: true,
                no_rows: Some("SELECT 1 WHERE false".to_owned()),
                ..Check::default()
            }],
            ..File::default()
        };
        let text = file.to_toml().unwrap();
        assert_eq!(File::parse("x.toml", &text).unwrap(), file, "{text}");
    }
}
