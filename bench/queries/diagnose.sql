-- DuckDB's equivalent of what `albatross diagnose` asks of a whole lake (crates/diagnose/sql), one statement after the other. Not those
-- that follow up what was found, nor `growth`, which shorter windows than three days have none of.

-- traffic
SELECT epoch(started_at)::BIGINT // 60 AS slot,
       CASE WHEN client_error THEN NULL ELSE request_verb END AS verb, CASE WHEN client_error THEN NULL ELSE route END AS route,
       client_error, floor(ln(greatest(duration, 0.001)) * 5)::INT AS step, count(*) AS requests,
       sum(coalesce(target_processing_time, CASE WHEN target_ip IS NOT NULL THEN duration END, 0.0)) AS target_time,
       sum(sent_bytes) AS sent, max(CASE WHEN elb_status_code < 400 THEN received_bytes END) AS largest_accepted
FROM (SELECT *, elb_status_code BETWEEN 400 AND 499 AND elb_status_code NOT IN (408, 413, 460, 463, 464) AS client_error FROM alb)
WHERE coalesce(type, '') NOT IN ('ws', 'wss') AND duration IS NOT NULL
GROUP BY 1, 2, 3, 4, 5;

-- targets
SELECT epoch(started_at)::BIGINT // 60 AS slot, target_ip, target_port, floor(ln(greatest(duration, 0.001)) * 5)::INT AS step,
       count(*) AS requests
FROM alb
WHERE coalesce(type, '') NOT IN ('ws', 'wss') AND duration IS NOT NULL AND target_ip IS NOT NULL
GROUP BY 1, 2, 3, 4;

-- errors
SELECT epoch(started_at)::BIGINT // 60 AS slot, elb_status_code AS status, answered_by, cause, error_reason, request_verb AS verb, route,
       target_ip, target_port, count(*) AS requests, sum(duration) AS duration, min(received_bytes) AS smallest
FROM alb
WHERE coalesce(type, '') NOT IN ('ws', 'wss') AND duration IS NOT NULL
  AND (elb_status_code >= 500 OR elb_status_code IN (0, 408, 413, 460, 463, 464))
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9;

-- durations
SELECT round(duration * 20)::BIGINT AS step, request_verb AS verb, route, elb_status_code AS status, answered_by, cause,
       count(*) AS requests, min(duration) AS shortest, count(*) FILTER (WHERE target_ip IS NOT NULL) AS with_target
FROM alb
WHERE coalesce(type, '') NOT IN ('ws', 'wss') AND duration >= 0.9
GROUP BY 1, 2, 3, 4, 5, 6;

-- cpu
SELECT epoch(time)::BIGINT // 60 AS slot, avg(average) AS average, max(maximum) AS maximum
FROM metrics
WHERE metric = 'CPUUtilization' OR metric IS NULL
GROUP BY 1
