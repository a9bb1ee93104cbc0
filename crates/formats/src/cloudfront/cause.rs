//! Why CloudFront answered with an error.
//!
//! Source: AWS, "Standard logging reference": `x-edge-result-type`, `x-edge-detailed-result-type`. The names are those of
//! [`Cause`](crate::Cause) where the meaning is the same, with the origin in the target's place.

/// `-` when nothing is wrong. `detailed` is `-` in logs from before 2019.
pub(super) fn cause(status: Option<i32>, response: &[u8], detailed: &[u8]) -> &'static str {
    let by_type = by_type(detailed).or_else(|| by_type(response));
    if let Some(cause) = by_type {
        return cause;
    }
    let is_error = detailed == b"Error" || response == b"Error";
    match status {
        // The viewer closed before any answer.
        Some(0) => "client_gave_up",
        // It went away while the answer was sent.
        Some(..400) if is_error => "client_gave_up",
        Some(413) => "body_too_large",
        Some(414) => "uri_too_long",
        Some(400..500) => "client_error",
        Some(502) => "bad_response",
        Some(504) => "target_timeout",
        Some(500..) => "application_error",
        _ => "-",
    }
}

fn by_type(result: &[u8]) -> Option<&'static str> {
    Some(match result {
        b"ClientCommError" | b"ClientHungUpRequest" => "client_gave_up",
        b"ClientGeoBlocked" => "geo_blocked",
        b"InvalidRequest" | b"InvalidRequestHeader" => "malformed_request",
        b"InvalidRequestBlocked" => "request_blocked",
        b"InvalidRequestCertificate" => "certificate_mismatch",
        b"InvalidRequestMethod" => "method_not_allowed",
        b"LimitExceeded" => "limit_exceeded",
        b"CapacityExceeded" => "capacity_exceeded",
        b"InternalError" => "internal_error",
        b"LambdaExecutionError" | b"LambdaLimitExceeded" => "lambda_error",
        b"FunctionExecutionError" | b"FunctionThrottledError" => "function_error",
        b"OriginDnsError" => "dns_error",
        b"OriginConnectError" => "target_refused",
        // "The request timed out while connecting to the origin, or reading data from the origin."
        b"OriginCommError" => "target_timeout",
        b"OriginReadError" | b"OriginWriteError" | b"AbortedOrigin" => "target_died",
        b"OriginError"
        | b"OriginContentRangeLengthError"
        | b"OriginHeaderTooBigError"
        | b"OriginInvalidResponseError"
        | b"OriginZeroSizeObjectError"
        | b"SlowReaderOriginError" => "bad_response",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::cause;

    #[test]
    fn the_table_of_causes() {
        for (status, response, detailed, want) in [
            (200, "Hit", "Hit", "-"),
            (304, "RefreshHit", "RefreshHit", "-"),
            (301, "Redirect", "Redirect", "-"),
            (200, "Error", "Error", "client_gave_up"),
            (206, "Error", "ClientCommError", "client_gave_up"),
            (0, "Error", "ClientCommError", "client_gave_up"),
            (0, "Miss", "Miss", "client_gave_up"),
            (403, "Error", "ClientGeoBlocked", "geo_blocked"),
            (403, "Error", "InvalidRequestBlocked", "request_blocked"),
            (404, "Error", "Error", "client_error"),
            (413, "Error", "Error", "body_too_large"),
            (500, "Error", "Error", "application_error"),
            (502, "Error", "OriginConnectError", "target_refused"),
            (502, "Error", "OriginDnsError", "dns_error"),
            (502, "Error", "-", "bad_response"),
            (504, "Error", "OriginCommError", "target_timeout"),
            (503, "CapacityExceeded", "-", "capacity_exceeded"),
            (503, "LambdaExecutionError", "LambdaExecutionError", "lambda_error"),
            // A custom error page turns the status into 200; the type still tells.
            (200, "Error", "OriginReadError", "target_died"),
        ] {
            assert_eq!(cause(Some(status), response.as_bytes(), detailed.as_bytes()), want, "{status} {detailed}");
        }
        assert_eq!(cause(None, b"-", b"-"), "-");
    }
}
