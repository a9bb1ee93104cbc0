//! CloudWatch's `GetMetricData`: averages and maxima of metrics, by the minute.
//!
//! The one request that is needed, in AWS's JSON protocol, signed and sent by what `object_store` brings: the SDK of CloudWatch would bring
//! a second HTTP stack, CBOR and compression for it. Credentials come from the same chain as for S3.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::StreamExt;
use http::{Method, header};
use object_store::aws::{AwsAuthorizer, AwsCredential};
use object_store::client::{HttpClient, HttpConnector, HttpRequest, ReqwestConnector};
use object_store::{ClientOptions, CredentialProvider};
use serde_json::{Value, json};

use crate::connect::Settings;
use crate::error::{Attempt, chain};
use crate::retry::is_passing;
use crate::{Error, Result};

/// Of one minute, CloudWatch's finest for what AWS measures.
const PERIOD: TimeDelta = TimeDelta::minutes(1);
/// CloudWatch forgets minutes after this time.
pub const KEPT: TimeDelta = TimeDelta::days(15);
/// Metrics in a request, of two statistics each: it takes 500 queries.
pub const METRICS_PER_CALL: usize = 250;

const TARGET: &str = "GraniteServiceVersion20100801.GetMetricData";
/// For a whole answer, which has at most some megabytes.
const ANSWER: Duration = Duration::from_secs(60);

/// What is measured, and of whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metric {
    /// `AWS/ECS`
    pub namespace: String,
    /// `CPUUtilization`
    pub name: String,
    /// `ClusterName` and what it is called, ...; all of the metric's, or nothing is found.
    pub dimensions: BTreeMap<String, String>,
}

/// What was measured in a minute.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Measured {
    pub average: Option<f64>,
    pub maximum: Option<f64>,
}

/// The minutes of a metric that have data, by their beginnings; or why CloudWatch does not give them, e.g. for want of a permission.
pub type Minutes = Result<BTreeMap<DateTime<Utc>, Measured>, String>;

/// CloudWatch of one region, as one user sees it.
#[derive(Clone)]
pub struct CloudWatch {
    settings: Arc<Settings>,
    client: HttpClient,
    region: String,
    url: String,
}

impl fmt::Debug for CloudWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CloudWatch({} at {})", self.region, self.url)
    }
}

impl CloudWatch {
    pub(crate) fn new(settings: Arc<Settings>, region: Option<&str>) -> Result<CloudWatch> {
        let region = region.unwrap_or(&settings.region).to_owned();
        let url = settings.endpoint_of("AWS_ENDPOINT_URL_CLOUDWATCH").unwrap_or_else(|| {
            let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
            format!("https://monitoring.{region}.{domain}")
        });
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(Error::Refused(format!("the CloudWatch endpoint `{url}` is no http:// or https:// URL")));
        }
        let options = ClientOptions::new()
            .with_connect_timeout(settings.limits.connect)
            .with_timeout(ANSWER)
            .with_allow_http(url.starts_with("http:"));
        let client = ReqwestConnector::default().connect(&options).map_err(|error| Error::Refused(chain(&error)))?;
        Ok(CloudWatch { settings, client, region, url })
    }

    pub fn region(&self) -> &str {
        &self.region
    }

    /// Averages and maxima of all minutes from `from` to `to`, which is not included; as many metrics as are asked for, in their order.
    ///
    /// Asks for [`METRICS_PER_CALL`] metrics at a time, page after page. The answer is held in memory: some 100 bytes a minute and metric.
    ///
    /// # Errors
    /// Whatever concerns all metrics; what concerns one stands in its place.
    pub async fn minutes(&self, metrics: &[Metric], from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<Minutes>> {
        let mut all = Vec::with_capacity(metrics.len());
        for some in metrics.chunks(METRICS_PER_CALL) {
            let mut found: Vec<Minutes> = some.iter().map(|_| Ok(BTreeMap::new())).collect();
            let mut next = None;
            loop {
                let page = self.page(some, from, to, next.as_ref()).await?;
                read(&page, &mut found).map_err(Error::Refused)?;
                next = page.get("NextToken").filter(|token| token.is_string()).cloned();
                if next.is_none() {
                    break;
                }
            }
            all.extend(found);
        }
        Ok(all)
    }

    async fn page(
        &self,
        metrics: &[Metric],
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        next: Option<&Value>,
    ) -> Result<Value> {
        let mut asked = json!({
            "MetricDataQueries": metrics.iter().enumerate().flat_map(|(i, metric)| queries(i, metric)).collect::<Vec<_>>(),
            "StartTime": from.timestamp(),
            "EndTime": to.timestamp(),
            "ScanBy": "TimestampAscending",
        });
        if let Some(next) = next {
            asked["NextToken"] = next.clone();
        }
        let body = asked.to_string();
        let limits = &self.settings.limits;
        let mut failures = 0;
        loop {
            let detail = match self.attempt(&body).await {
                Ok(page) => return Ok(page),
                Err(Attempt::Final(error)) => return Err(error),
                Err(Attempt::Again(detail)) => detail,
            };
            failures += 1;
            let (region, error) = (self.region.as_str(), detail.as_str());
            if failures >= limits.attempts {
                tracing::info!(region, attempt = failures, error, "CloudWatch request failed, giving up");
                return Err(Error::Unavailable { attempts: failures, detail });
            }
            let wait = limits.wait(failures);
            let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            tracing::info!(region, attempt = failures, error, wait_ms, "CloudWatch request failed, trying again");
            tokio::time::sleep(wait).await;
        }
    }

    async fn attempt(&self, body: &str) -> Result<Value, Attempt> {
        let credential = self.settings.credentials.get_credential().await;
        let credential = credential.map_err(|error| Attempt::Final(Error::Credentials(chain(&error))))?;
        let request = self.request(body, &credential).map_err(|error| Attempt::Final(Error::Refused(error)))?;
        let answer = self.client.execute(request).await.map_err(|error| Attempt::Again(chain(&error)))?;
        let status = answer.status().as_u16();
        let mut bytes = Vec::new();
        let mut stream = answer.into_body().bytes_stream();
        while let Some(chunk) = stream.next().await {
            bytes.extend_from_slice(&chunk.map_err(|error| Attempt::Again(chain(&error)))?);
        }
        let said = serde_json::from_slice::<Value>(&bytes);
        if status == 200 {
            return said.map_err(|error| Attempt::Again(format!("the answer is broken: {error}")));
        }
        Err(failed(status, &said.unwrap_or_default(), &self.region))
    }

    fn request(&self, body: &str, credential: &AwsCredential) -> Result<HttpRequest, String> {
        let request = http::Request::builder()
            .method(Method::POST)
            .uri(format!("{}/", self.url))
            .header(header::CONTENT_TYPE, "application/x-amz-json-1.0")
            .header(header::ACCEPT, "application/json")
            .header("x-amz-target", TARGET)
            .body(body.to_owned().into());
        let mut request = request.map_err(|error| format!("the CloudWatch endpoint `{}`: {error}", self.url))?;
        AwsAuthorizer::new(credential, "monitoring", &self.region).authorize(&mut request, None);
        Ok(request)
    }
}

/// The two queries for metric number `i`: `a0` is its average, `m0` its maximum.
fn queries(i: usize, metric: &Metric) -> [Value; 2] {
    let dimensions: Vec<Value> =
        metric.dimensions.iter().map(|(name, value)| json!({ "Name": name, "Value": value })).collect();
    let query = |id: char, statistic: &str| {
        json!({ "Id": format!("{id}{i}"), "ReturnData": true, "MetricStat": {
            "Metric": { "Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": dimensions },
            "Period": PERIOD.num_seconds(), "Stat": statistic } })
    };
    [query('a', "Average"), query('m', "Maximum")]
}

/// Adds what a page has to what was found before.
fn read(page: &Value, found: &mut [Minutes]) -> Result<(), String> {
    let odd = |what: &str| format!("CloudWatch's answer is not as documented: {what}");
    for result in page["MetricDataResults"].as_array().ok_or_else(|| odd("no MetricDataResults"))? {
        let id = result["Id"].as_str().unwrap_or_default();
        let place = id.get(1..).and_then(|number| number.parse::<usize>().ok()).and_then(|i| found.get_mut(i));
        let place = place.ok_or_else(|| odd(&format!("result `{id}`, which was not asked for")))?;
        // Partial data are completed by the next page.
        if let Some(code @ ("InternalError" | "Forbidden")) = result["StatusCode"].as_str() {
            let messages = result["Messages"].as_array().into_iter().flatten();
            let said: Vec<&str> = messages.filter_map(|message| message["Value"].as_str()).collect();
            *place = Err(format!("CloudWatch says {code} {}", said.join("; ")).trim_end().to_owned());
        }
        let Ok(minutes) = place else { continue };
        let list = |key: &str| result[key].as_array().map(Vec::as_slice).unwrap_or_default();
        let (times, values) = (list("Timestamps"), list("Values"));
        if times.len() != values.len() {
            return Err(odd(&format!("{} times and {} values", times.len(), values.len())));
        }
        for (at, value) in times.iter().zip(values) {
            let at = time(at).ok_or_else(|| odd(&format!("`{at}` is no time")))?;
            let value = value.as_f64().ok_or_else(|| odd(&format!("`{value}` is no number")))?;
            let measured = minutes.entry(at).or_default();
            *if id.starts_with('a') { &mut measured.average } else { &mut measured.maximum } = Some(value);
        }
    }
    Ok(())
}

/// Seconds since the epoch, as the protocol has it; other servers write RFC 3339.
fn time(value: &Value) -> Option<DateTime<Utc>> {
    match value {
        Value::Number(seconds) => DateTime::from_timestamp(seconds.as_f64()? as i64, 0),
        Value::String(text) => DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc()),
        _ => None,
    }
}

/// What an error answer means.
fn failed(status: u16, said: &Value, region: &str) -> Attempt {
    let text = |key: &str| said[key].as_str().unwrap_or_default();
    let code = text("__type").rsplit('#').next().unwrap_or_default();
    let message = if text("message").is_empty() { text("Message") } else { text("message") };
    let detail = format!("{status} {code}: {message}").trim_end_matches([':', ' ']).to_owned();
    if is_passing(status) || code.starts_with("Throttling") || code == "RequestLimitExceeded" {
        return Attempt::Again(detail);
    }
    Attempt::Final(match code {
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => Error::Denied(format!(
            "permission cloudwatch:GetMetricData is missing in {region}. The smallest policy that would do: {}",
            json!({ "Version": "2012-10-17", "Statement": [
                { "Effect": "Allow", "Action": "cloudwatch:GetMetricData", "Resource": "*" }] })
        )),
        "ExpiredToken" | "ExpiredTokenException" => Error::Credentials("the session has expired; log in again".into()),
        "UnrecognizedClientException" | "InvalidClientTokenId" => {
            Error::Credentials(format!("CloudWatch in {region} does not know the access key"))
        }
        "SignatureDoesNotMatch" | "InvalidSignatureException" => {
            Error::Credentials("the secret access key is wrong, or this machine's clock is".into())
        }
        _ => Error::Refused(format!("CloudWatch: {detail}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(pages: &[Value], metrics: usize) -> Result<Vec<Minutes>, String> {
        let mut found: Vec<Minutes> = (0..metrics).map(|_| Ok(BTreeMap::new())).collect();
        pages.iter().try_for_each(|page| read(page, &mut found)).map(|()| found)
    }

    #[test]
    fn pages_are_put_together_and_a_failure_stays_with_its_metric() {
        let first = json!({ "MetricDataResults": [
            { "Id": "a0", "StatusCode": "PartialData", "Timestamps": [1_763_578_800, 1_763_578_860.0], "Values": [30.5, 31] },
            { "Id": "m0", "StatusCode": "Complete", "Timestamps": ["2025-11-19T19:00:00Z"], "Values": [99.0] },
            { "Id": "m1", "StatusCode": "Forbidden", "Timestamps": [], "Values": [],
              "Messages": [{ "Code": "Forbidden", "Value": "not yours" }] },
        ]});
        let second = json!({ "MetricDataResults": [
            { "Id": "a0", "StatusCode": "Complete", "Timestamps": [1_763_578_920], "Values": [32] },
            { "Id": "a1", "StatusCode": "Complete", "Timestamps": [1_763_578_920], "Values": [32] },
        ]});
        let found = minutes(&[first, second], 2).unwrap();
        let of_first: Vec<_> = found[0].as_ref().unwrap().iter().collect();
        assert_eq!(of_first.len(), 3);
        assert_eq!(of_first[0].0.to_rfc3339(), "2025-11-19T19:00:00+00:00");
        assert_eq!(*of_first[0].1, Measured { average: Some(30.5), maximum: Some(99.0) });
        assert_eq!(*of_first[2].1, Measured { average: Some(32.0), maximum: None });
        assert_eq!(found[1], Err("CloudWatch says Forbidden not yours".to_owned()));
    }

    #[test]
    fn an_answer_of_another_kind_is_no_empty_answer() {
        for odd in [
            json!({}),
            json!({ "MetricDataResults": [{ "Id": "a7", "Timestamps": [], "Values": [] }] }),
            json!({ "MetricDataResults": [{ "Id": "", "Timestamps": [], "Values": [] }] }),
            json!({ "MetricDataResults": [{ "Id": "a0", "Timestamps": [1], "Values": [] }] }),
            json!({ "MetricDataResults": [{ "Id": "a0", "Timestamps": ["soon"], "Values": [1] }] }),
            json!({ "MetricDataResults": [{ "Id": "a0", "Timestamps": [1], "Values": ["NaN"] }] }),
        ] {
            assert!(minutes(std::slice::from_ref(&odd), 1).is_err(), "{odd}");
        }
    }

    #[test]
    fn errors_as_sentences() {
        let said = |status, code: &str, message: &str| match failed(
            status,
            &json!({ "__type": code, "message": message }),
            "eu-central-1",
        ) {
            Attempt::Again(detail) => format!("again: {detail}"),
            Attempt::Final(error) => error.to_string(),
        };
        assert_eq!(said(503, "", ""), "again: 503");
        assert_eq!(said(400, "Throttling", "Rate exceeded"), "again: 400 Throttling: Rate exceeded");
        assert!(said(403, "AccessDeniedException", "x").starts_with("permission cloudwatch:GetMetricData is missing"));
        assert!(said(403, "com.amazonaws#ExpiredToken", "x").contains("expired"));
        assert_eq!(
            said(400, "com.amazonaws.cloudwatch#InvalidParameterValueException", "StartTime"),
            "CloudWatch: 400 InvalidParameterValueException: StartTime"
        );
    }
}
