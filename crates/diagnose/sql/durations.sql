-- durations: where do long durations pile up?
-- param min_duration: float 0.. = 0.9   | seconds; shorter requests have hit no limit
SELECT CAST(round(duration * 20) AS BIGINT) AS step,
       request_verb AS verb, route, elb_status_code AS status, answered_by, cause,
       count(*) AS requests,
       min(duration) AS shortest,
       count(*) FILTER (WHERE target_ip IS NOT NULL) AS with_target
FROM alb
WHERE started_at >= $from AND started_at < $to AND coalesce(type, '') NOT IN ('ws', 'wss') AND duration >= $min_duration
GROUP BY 1, 2, 3, 4, 5, 6
