//! What AWS's file names tell: which load balancer, which of its nodes, which interval.

use chrono::{DateTime, NaiveDateTime, Utc};

/// Parsed from `<acct>_elasticloadbalancing_<region>_app.<name>.<hex>_<YYYYMMDDTHHMMZ>_<node ip>_<random>.log.gz`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AwsName {
    /// Resource id as in the rows: `app/<name>/<hex>`.
    pub(crate) elb: Option<String>,
    /// AWS pads some octets with zeros in file names; here they are as in the rows.
    pub(crate) node_ip: Option<String>,
    /// End of the five minutes that the file covers.
    pub(crate) interval_end: Option<DateTime<Utc>>,
}

/// All `None` for any other name.
pub(crate) fn parse(uri: &str) -> AwsName {
    let name = uri.rsplit('/').next().unwrap_or(uri);
    try_parse(name).unwrap_or_default()
}

fn try_parse(name: &str) -> Option<AwsName> {
    let (_, rest) = name.split_once("_elasticloadbalancing_")?;
    // The load balancer's name may not contain an underscore, the region neither.
    let parts: Vec<&str> = rest.split('_').collect();
    let [_region, resource, end, node, ..] = parts.as_slice() else { return None };
    let interval_end = NaiveDateTime::parse_from_str(end, "%Y%m%dT%H%MZ").ok()?.and_utc();
    Some(AwsName {
        elb: Some(resource.replace('.', "/")),
        node_ip: Some(without_padding(node)),
        interval_end: Some(interval_end),
    })
}

fn without_padding(ip: &str) -> String {
    let octets: Vec<Option<u8>> = ip.split('.').map(|octet| octet.parse().ok()).collect();
    match octets.as_slice() {
        [Some(a), Some(b), Some(c), Some(d)] => format!("{a}.{b}.{c}.{d}"),
        _ => ip.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let uri = "/logs/123456789012_elasticloadbalancing_us-east-2_app.my-loadbalancer.1234567890abcdef_20220215T2340Z_172.160.001.192_20sg8hgm.log.gz";
        let name = parse(uri);
        assert_eq!(name.elb.as_deref(), Some("app/my-loadbalancer/1234567890abcdef"));
        assert_eq!(name.node_ip.as_deref(), Some("172.160.1.192"));
        assert_eq!(name.interval_end.unwrap().to_rfc3339(), "2022-02-15T23:40:00+00:00");
        assert_eq!(parse("/logs/access.log"), AwsName::default());
        assert_eq!(parse("stdin"), AwsName::default());
    }
}
