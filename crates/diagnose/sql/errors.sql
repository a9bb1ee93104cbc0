-- errors: which requests failed, per slot?
-- param seconds: integer 1..86400   | length of a slot
SELECT to_unixtime(started_at) / $seconds AS slot,
       elb_status_code AS status, answered_by, cause, error_reason, request_verb AS verb, route,
       target_ip, target_port,
       count(*) AS requests,
       sum(duration) AS duration,
       min(received_bytes) AS smallest
FROM alb
WHERE started_at >= $from AND started_at < $to AND coalesce(type, '') NOT IN ('ws', 'wss') AND duration IS NOT NULL
  AND (elb_status_code >= 500 OR elb_status_code IN (0, 408, 413, 460, 463, 464))
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
