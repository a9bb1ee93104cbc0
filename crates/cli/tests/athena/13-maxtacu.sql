-- source: https://gist.github.com/maxtacu/77779f7999e20bbd467ad802c016b196

-- name: requests by day
-- stable
SELECT
date(parse_datetime(time, 'yyyy-MM-dd''T''HH:mm:ss.SSSSSSZ')) AS day,
COUNT(*) AS total_requests
FROM alb_logs
GROUP BY date(parse_datetime(time, 'yyyy-MM-dd''T''HH:mm:ss.SSSSSSZ'))
ORDER BY day DESC;

-- name: errors by day
-- stable
SELECT
date(parse_datetime(time, 'yyyy-MM-dd''T''HH:mm:ss.SSSSSSZ')) AS day,
COUNT(*) AS error_requests
FROM alb_logs
WHERE elb_status_code >= 500
GROUP BY date(parse_datetime(time, 'yyyy-MM-dd''T''HH:mm:ss.SSSSSSZ'))
ORDER BY day DESC;

-- name: most requested URLs
SELECT
request_url,
COUNT(*) AS request_count
FROM alb_logs
GROUP BY request_url
ORDER BY request_count DESC
LIMIT 20;

-- name: top clients
SELECT
client_ip,
COUNT(*) AS request_count
FROM alb_logs
GROUP BY client_ip
ORDER BY request_count DESC
LIMIT 20;

-- name: URLs with errors
SELECT
request_url,
COUNT(*) AS error_count
FROM alb_logs
WHERE elb_status_code >= 500
GROUP BY request_url
ORDER BY error_count DESC
LIMIT 20;

-- name: top user agents
SELECT
user_agent,
COUNT(*) AS count
FROM alb_logs
GROUP BY user_agent
ORDER BY count DESC
LIMIT 20;

-- name: average request time
SELECT
AVG(request_processing_time) AS avg_request_processing
FROM alb_logs;
