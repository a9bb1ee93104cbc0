-- source: OneUptime's blog, on traffic analysis of ALB access logs with Athena (https://github.com/OneUptime/blog)

-- name: requests per hour
-- Hourly request count for today
SELECT
    DATE_FORMAT(FROM_ISO8601_TIMESTAMP(time), '%Y-%m-%d %H:00') as hour,
    COUNT(*) as request_count,
    SUM(received_bytes) / 1024 / 1024 as received_mb,
    SUM(sent_bytes) / 1024 / 1024 as sent_mb
FROM alb_logs
WHERE day = '2025/02/12'
GROUP BY DATE_FORMAT(FROM_ISO8601_TIMESTAMP(time), '%Y-%m-%d %H:00')
ORDER BY hour;

-- name: most frequent URLs
SELECT
    request_url,
    COUNT(*) as hits,
    AVG(target_processing_time) as avg_latency,
    APPROX_PERCENTILE(target_processing_time, 0.99) as p99_latency
FROM alb_logs
WHERE day >= '2025/02/06'
    AND day <= '2025/02/12'
GROUP BY request_url
ORDER BY hits DESC
LIMIT 50;

-- name: traffic by client
SELECT
    client_ip,
    COUNT(*) as request_count,
    COUNT(DISTINCT request_url) as unique_urls,
    SUM(sent_bytes) / 1024 / 1024 as data_sent_mb
FROM alb_logs
WHERE day = '2025/02/12'
GROUP BY client_ip
ORDER BY request_count DESC
LIMIT 25;

-- name: errors by status and URL
SELECT
    elb_status_code,
    request_url,
    COUNT(*) as error_count
FROM alb_logs
WHERE day = '2025/02/12'
    AND elb_status_code >= 400
GROUP BY elb_status_code, request_url
ORDER BY error_count DESC
LIMIT 50;

-- name: 5xx with details
SELECT
    time,
    client_ip,
    request_verb,
    request_url,
    elb_status_code,
    target_status_code,
    target_ip,
    target_processing_time,
    lambda_error_reason
FROM alb_logs
WHERE day = '2025/02/12'
    AND elb_status_code >= 500
ORDER BY time DESC
LIMIT 100;

-- name: error rate by hour
SELECT
    DATE_FORMAT(FROM_ISO8601_TIMESTAMP(time), '%Y-%m-%d %H:00') as hour,
    COUNT(*) as total_requests,
    SUM(CASE WHEN elb_status_code >= 500 THEN 1 ELSE 0 END) as server_errors,
    SUM(CASE WHEN elb_status_code >= 400 AND elb_status_code < 500 THEN 1 ELSE 0 END) as client_errors,
    ROUND(CAST(SUM(CASE WHEN elb_status_code >= 500 THEN 1 ELSE 0 END) AS DOUBLE) / COUNT(*) * 100, 2) as error_rate_pct
FROM alb_logs
WHERE day = '2025/02/12'
GROUP BY DATE_FORMAT(FROM_ISO8601_TIMESTAMP(time), '%Y-%m-%d %H:00')
ORDER BY hour;

-- name: latency percentiles by endpoint
SELECT
    request_url,
    COUNT(*) as requests,
    ROUND(AVG(target_processing_time) * 1000, 1) as avg_ms,
    ROUND(APPROX_PERCENTILE(target_processing_time, 0.50) * 1000, 1) as p50_ms,
    ROUND(APPROX_PERCENTILE(target_processing_time, 0.95) * 1000, 1) as p95_ms,
    ROUND(APPROX_PERCENTILE(target_processing_time, 0.99) * 1000, 1) as p99_ms,
    ROUND(MAX(target_processing_time) * 1000, 1) as max_ms
FROM alb_logs
WHERE day = '2025/02/12'
    AND target_processing_time >= 0
GROUP BY request_url
HAVING COUNT(*) > 100
ORDER BY p99_ms DESC
LIMIT 20;

-- name: slow requests
SELECT
    time,
    client_ip,
    request_verb,
    request_url,
    target_ip,
    ROUND(request_processing_time * 1000) as alb_time_ms,
    ROUND(target_processing_time * 1000) as target_time_ms,
    ROUND(response_processing_time * 1000) as response_time_ms,
    elb_status_code
FROM alb_logs
WHERE day = '2025/02/12'
    AND target_processing_time > 5.0
ORDER BY target_processing_time DESC
LIMIT 50;

-- name: targets with errors
SELECT
    target_ip,
    COUNT(*) as total_requests,
    SUM(CASE WHEN CAST(target_status_code AS INTEGER) >= 500 THEN 1 ELSE 0 END) as errors,
    ROUND(AVG(target_processing_time) * 1000, 1) as avg_latency_ms,
    ROUND(CAST(SUM(CASE WHEN CAST(target_status_code AS INTEGER) >= 500 THEN 1 ELSE 0 END) AS DOUBLE) / COUNT(*) * 100, 2) as error_pct
FROM alb_logs
WHERE day = '2025/02/12'
    AND target_ip != '-'
    AND target_status_code != '-'
GROUP BY target_ip
ORDER BY error_pct DESC;

-- name: bots
SELECT
    user_agent,
    COUNT(DISTINCT client_ip) as unique_ips,
    COUNT(*) as total_requests,
    COUNT(DISTINCT request_url) as unique_urls
FROM alb_logs
WHERE day = '2025/02/12'
GROUP BY user_agent
HAVING COUNT(*) > 500
ORDER BY total_requests DESC
LIMIT 30;

-- name: requests per client and minute
SELECT
    client_ip,
    DATE_FORMAT(FROM_ISO8601_TIMESTAMP(time), '%Y-%m-%d %H:%i') as minute,
    COUNT(*) as requests_per_minute
FROM alb_logs
WHERE day = '2025/02/12'
GROUP BY client_ip, DATE_FORMAT(FROM_ISO8601_TIMESTAMP(time), '%Y-%m-%d %H:%i')
HAVING COUNT(*) > 100
ORDER BY requests_per_minute DESC
LIMIT 50;
