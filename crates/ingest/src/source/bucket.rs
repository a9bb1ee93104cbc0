//! Sources in S3: what a prefix, a key or a glob means, and AWS's own layout of folders.
//!
//! `[prefix/]AWSLogs/<account>/elasticloadbalancing/<region>/<yyyy>/<mm>/<dd>/<file>` is walked folder by folder, many at once, so
//! that other services, and days that are not asked for, are not listed at all. Anything else is listed whole.

use std::sync::Arc;

use albatross_s3::{Address, Bucket, Object, S3};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use glob::Pattern;

use super::{Place, Source};
use crate::window::Window;

/// Folders that are listed at once.
const LISTINGS: usize = 16;
/// `AWSLogs` is looked for this many folders below what was given, where a window makes that worth while.
const SEARCH_DEPTH: usize = 3;

/// All objects behind `input`, as sources.
pub(super) async fn list(s3: &S3, input: &str, window: &Window) -> Result<Vec<Source>, String> {
    let text = |error: albatross_s3::Error| error.to_string();
    let Address { bucket, key } = Address::parse(input).map_err(text)?;
    let bucket = s3.bucket(&bucket).await.map_err(text)?;
    let (mut objects, folders) = roots(&bucket, &key).await?;
    for folder in &folders {
        let below = walk(&bucket, folder, window).await.map_err(text)?;
        objects.extend(below.into_iter().filter(|object| is_wanted(&object.key[folder.len()..])));
    }
    if objects.is_empty() {
        // With a window there may well be nothing: then the folder at least must be there.
        let mut exists = false;
        for folder in folders.iter().filter(|_| !window.is_open()) {
            exists |= bucket.first(folder).await.map_err(text)?.is_some();
        }
        if !exists {
            return Err("there are no objects here".into());
        }
    }
    Ok(objects.into_iter().map(|object| source(&bucket, object)).collect())
}

/// The object of this very key.
pub(super) async fn find(s3: &S3, uri: &str) -> Result<Option<Source>, String> {
    let text = |error: albatross_s3::Error| error.to_string();
    let Address { bucket, key } = Address::parse(uri).map_err(text)?;
    let bucket = s3.bucket(&bucket).await.map_err(text)?;
    let object = bucket.first(&key).await.map_err(text)?.filter(|object| object.key == key);
    Ok(object.map(|object| source(&bucket, object)))
}

fn source(bucket: &Bucket, object: Object) -> Source {
    Source {
        uri: uri(bucket, &object),
        size: object.size,
        place: Place::S3 { bucket: bucket.clone(), object: Arc::new(object) },
    }
}

pub(crate) fn uri(bucket: &Bucket, object: &Object) -> String {
    format!("s3://{}/{}", bucket.name(), object.key)
}

/// What is named: objects, and folders, which end in a slash (the whole bucket is the empty one).
async fn roots(bucket: &Bucket, key: &str) -> Result<(Vec<Object>, Vec<String>), String> {
    let text = |error: albatross_s3::Error| error.to_string();
    if key.is_empty() || key.ends_with('/') {
        return Ok((Vec::new(), vec![key.to_owned()]));
    }
    let (folder, name) = key.rsplit_once('/').map_or(("", key), |(folder, _)| key.split_at(folder.len() + 1));
    if folder.contains('*') {
        return Err("a * can stand in the last part only".into());
    }
    if let Some(star) = name.find('*') {
        let pattern = Pattern::new(name).map_err(|error| format!("not a valid pattern: {error}"))?;
        let mut found = bucket.list(&format!("{folder}{}", &name[..star]), true).await.map_err(text)?;
        let matches = |key: &str| pattern.matches(key[folder.len()..].trim_end_matches('/'));
        found.objects.retain(|object| matches(&object.key));
        found.folders.retain(|folder| matches(folder));
        if found.objects.is_empty() && found.folders.is_empty() {
            return Err("no object matches this pattern".into());
        }
        return Ok((found.objects, found.folders));
    }
    let object = bucket.first(key).await.map_err(text)?.filter(|object| object.key == key);
    let below = format!("{key}/");
    let folder = bucket.first(&below).await.map_err(text)?.map(|_| below);
    if object.is_none() && folder.is_none() {
        return Err("there is no such object or folder".into());
    }
    Ok((object.into_iter().collect(), folder.into_iter().collect()))
}

/// How a folder is to be listed.
#[derive(Debug, PartialEq, Eq)]
enum Plan {
    /// With everything below it.
    Whole,
    /// Its objects, and then its folders.
    Folders,
    /// Not at all.
    Not,
}

async fn walk(bucket: &Bucket, root: &str, window: &Window) -> Result<Vec<Object>, albatross_s3::Error> {
    let mut objects = Vec::new();
    let mut todo = vec![root.to_owned()];
    let mut running = FuturesUnordered::new();
    loop {
        while running.len() < LISTINGS
            && let Some(folder) = todo.pop()
        {
            let by_folders = match plan(root, &folder, window) {
                Plan::Whole => false,
                Plan::Folders => true,
                Plan::Not => continue,
            };
            running.push(async move { bucket.list(&folder, by_folders).await });
        }
        let Some(listing) = running.next().await else { return Ok(objects) };
        let listing = listing?;
        objects.extend(listing.objects);
        todo.extend(listing.folders);
    }
}

fn plan(root: &str, folder: &str, window: &Window) -> Plan {
    let parts: Vec<&str> = folder.split_terminator('/').collect();
    let Some(at) = parts.iter().position(|part| *part == "AWSLogs") else {
        let depth = parts.len() - root.split_terminator('/').count();
        return if window.is_open() || depth >= SEARCH_DEPTH { Plan::Whole } else { Plan::Folders };
    };
    // `aws-service=elasticloadbalancing` is the same in the style of Hive.
    let is_ours = |part: &str| part.rsplit('=').next() == Some("elasticloadbalancing");
    match &parts[at + 1..] {
        [] | [_] => Plan::Folders,
        // Of another service: only where the user has named it.
        [_, service, ..] if !is_ours(service) => {
            if folder == root {
                Plan::Whole
            } else {
                Plan::Not
            }
        }
        [_, _] => Plan::Folders,
        [_, _, _, date @ ..] if !window.takes_parts(date) => Plan::Not,
        [_, _, _, date @ ..] if date.len() < 3 && date.iter().all(|part| is_number(part)) => Plan::Folders,
        _ => Plan::Whole,
    }
}

fn is_number(part: &str) -> bool {
    part.rsplit('=').next().is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// Below a folder the same are left out as on a disk, and what other services have written for AWS.
fn is_wanted(below: &str) -> bool {
    let parts: Vec<&str> = below.split('/').collect();
    let of_another_service = parts.iter().position(|part| *part == "AWSLogs").is_some_and(|at| {
        let service = parts.get(at + 2).filter(|_| parts.len() > at + 3);
        service.is_some_and(|service| service.rsplit('=').next() != Some("elasticloadbalancing"))
    });
    !of_another_service && parts.iter().all(|part| super::is_log_name(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans() {
        let window = Window { from: "2026-11-19T19:00:00Z".parse().ok(), to: "2026-11-19T20:00:00Z".parse().ok() };
        let ours = "p/AWSLogs/1/elasticloadbalancing/eu-central-1";
        for (folder, expected) in [
            ("", Plan::Folders),
            ("p/", Plan::Folders),
            ("a/b/c/", Plan::Whole),
            ("p/AWSLogs/", Plan::Folders),
            ("p/AWSLogs/1/", Plan::Folders),
            ("p/AWSLogs/1/CloudTrail/", Plan::Not),
            ("p/AWSLogs/1/elasticloadbalancing/", Plan::Folders),
            (&format!("{ours}/"), Plan::Folders),
            (&format!("{ours}/2026/"), Plan::Folders),
            (&format!("{ours}/2025/"), Plan::Not),
            (&format!("{ours}/2026/11/"), Plan::Folders),
            (&format!("{ours}/2026/12/"), Plan::Not),
            (&format!("{ours}/2026/11/19/"), Plan::Whole),
            (&format!("{ours}/2026/11/20/"), Plan::Whole),
            (&format!("{ours}/2026/11/21/"), Plan::Not),
            (&format!("{ours}/other/"), Plan::Whole),
            (
                "AWSLogs/aws-account-id=1/aws-service=elasticloadbalancing/aws-region=r/year=2026/month=11/day=18/",
                Plan::Not,
            ),
        ] {
            assert_eq!(plan("", folder, &window), expected, "{folder}");
        }
        assert_eq!(plan("", "", &Window::default()), Plan::Whole);
        assert_eq!(plan("", &format!("{ours}/2020/01/01/"), &Window::default()), Plan::Whole);
        let named = "AWSLogs/1/CloudFront/";
        assert_eq!(plan(named, named, &window), Plan::Whole);
    }

    #[test]
    fn wanted() {
        assert!(is_wanted("AWSLogs/1/ELBAccessLogTestFile"));
        assert!(is_wanted("AWSLogs/1/elasticloadbalancing/r/2026/11/19/a.log.gz"));
        assert!(!is_wanted("AWSLogs/1/CloudTrail/r/2026/11/19/a.json.gz"));
        assert!(!is_wanted("a/.hidden") && !is_wanted("README.md") && !is_wanted("alb/_delta_log/0.json"));
        assert!(is_wanted("a/b/access.log"));
    }
}
