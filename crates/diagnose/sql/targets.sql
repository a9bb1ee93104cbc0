-- targets: how many requests did each target get, and how long did they take, per slot?
-- Steps as in traffic. Only what a target was asked: the load balancer's own redirects say nothing of targets.
-- param seconds: integer 1..86400   | length of a slot
SELECT to_unixtime(started_at) / $seconds AS slot,
       target_ip, target_port,
       CAST(floor(ln(greatest(duration, 0.001)) * 5) AS INT) AS step,
       count(*) AS requests
FROM alb
WHERE started_at >= $from AND started_at < $to AND coalesce(type, '') NOT IN ('ws', 'wss') AND duration IS NOT NULL
  AND target_ip IS NOT NULL
GROUP BY 1, 2, 3, 4
