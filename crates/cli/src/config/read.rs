//! From text to a [`Config`], and what is wrong with a text.

use std::collections::HashSet;

use albatross_query::nearest;

use super::schema::Config;

/// Reads the file.
///
/// # Errors
/// One line: where, and what is wrong and allowed.
pub(crate) fn parse(text: &str) -> Result<Config, String> {
    let config: Config = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start.min(text.len()));
        let (line, column) = place(text, at);
        format!("line {line}, column {column}: {}", plain(error.message()))
    })?;
    if let Some(webhook) = &config.webhook
        && webhook.url.is_some() == webhook.url_env.is_some()
    {
        return Err("[webhook]: give one of url and url_env".to_owned());
    }
    let (mut known, mut measured) = (HashSet::new(), HashSet::new());
    for metric in &config.cloudwatch {
        let name = metric.resource();
        if metric.dimensions.is_empty() && metric.label.is_none() {
            return Err(format!("[[cloudwatch]] {}: without dimensions it needs a label", metric.metric));
        }
        if !known.insert((metric.stored_as(), name.clone())) {
            return Err(format!("[[cloudwatch]]: two are `{name}`: give each a label of its own"));
        }
        if !measured.insert((&metric.region, &metric.namespace, &metric.metric, &metric.dimensions)) {
            return Err(format!("[[cloudwatch]]: `{name}` is there twice, under two labels"));
        }
    }
    Ok(config)
}

/// Line and column, from 1, of a byte; columns are characters.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}

/// The parser's sentence; of an unknown key the one that may have been meant, else all that there are.
fn plain(message: &str) -> String {
    let message = message.trim().replace('\n', ": ");
    let Some(rest) = message.strip_prefix("unknown field `") else { return message };
    let Some((key, expected)) = rest.split_once('`') else { return message };
    let known: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
    match nearest(key, known.iter().copied()) {
        Some(near) => format!("unknown key `{key}`; did you mean `{near}`?"),
        None => format!("unknown key `{key}`: there are {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, said) in [
            ("lak = \"x\"", "line 1, column 1: unknown key `lak`; did you mean `lake`?"),
            ("[s3]\n  regoin = \"x\"", "line 2, column 3: unknown key `regoin`; did you mean `region`?"),
            (
                "[maintain]\nkeep = \"x\"",
                "line 2, column 1: unknown key `keep`: there are small, target, retain, grace",
            ),
            ("tz = \"Berlin\"", "line 1, column 6: `Berlin`: no time zone of this name"),
            ("[ingest]\nfrom = \"soon\"", "line 2, column 8: `soon`: no time; give one such as"),
            ("[maintain]\nretain = \"4 weeks\"", "line 2, column 10: `4 weeks`: give a number of days such as 400d"),
            ("[webhook]\nurl_env = \"X\"\ntimeout = \"1h\"", "line 3, column 11: `1h`: give a time up to 5m"),
            ("[webhook]\nurl = \"x\"\nattempts = 0", "line 3, column 12: give 1 to 20 attempts"),
            ("[webhook]\n", "[webhook]: give one of url and url_env"),
            ("[nightly]\nreport = \"yes\"", "line 2, column 10: invalid type: string \"yes\", expected a boolean"),
            ("[[cloudwatch]]\nnamespace = \"AWS/EC2\"", "line 1, column 1: missing field `dimensions`"),
            ("lake = \"a\"\nlake = \"b\"", "line 2, column 1: duplicate key"),
            ("lake = ", "line 1, column 8: "),
        ] {
            let fault = parse(text).unwrap_err();
            assert!(fault.starts_with(said), "{text}\n{fault}");
            assert!(!fault.contains('\n'), "{fault}");
        }
        let twice = "[[cloudwatch]]\nnamespace = \"AWS/EC2\"\ndimensions = { InstanceId = \"i-1\" }\n".repeat(2);
        assert!(parse(&twice).unwrap_err().contains("two are `i-1`"));
        assert!(parse(&format!("{twice}label = \"worker\"\n")).unwrap_err().contains("`worker` is there twice"));
    }

    #[test]
    fn an_empty_file_is_fine() {
        let config = parse("# nothing\n").unwrap();
        assert!(config.ingest.inputs.is_empty() && config.nightly.report && config.nightly.maintain);
        assert_eq!(config.nightly.out, "nightly");
    }
}
