-- traffic: how many requests of which route took how long, per slot?
-- Durations are counted in steps of 22 percent, which makes the answer small and all percentiles of any set of slots known. What
-- the client got wrong itself (4xx, but for refused bodies and clients that left) has no route: a scanner would bring thousands.
-- param seconds: integer 1..86400   | length of a slot
SELECT to_unixtime(started_at) / $seconds AS slot,
       CASE WHEN client_error THEN NULL ELSE request_verb END AS verb,
       CASE WHEN client_error THEN NULL ELSE route END AS route,
       client_error,
       -- NULL for the few whose duration is not known: they are counted and no more.
       CASE WHEN duration IS NOT NULL THEN CAST(floor(ln(greatest(duration, 0.001)) * 5) AS INT) END AS step,
       count(*) AS requests,
       -- Where a target was asked and never answered, the whole duration is target time.
       sum(coalesce(target_processing_time, CASE WHEN target_ip IS NOT NULL THEN duration END, 0.0)) AS target_time,
       sum(sent_bytes) AS sent,
       max(CASE WHEN elb_status_code < 400 THEN received_bytes END) AS largest_accepted
FROM (SELECT *, elb_status_code BETWEEN 400 AND 499 AND elb_status_code NOT IN (408, 413, 460, 463, 464) AS client_error FROM alb)
WHERE started_at >= $from AND started_at < $to AND coalesce(type, '') NOT IN ('ws', 'wss')
GROUP BY 1, 2, 3, 4, 5
