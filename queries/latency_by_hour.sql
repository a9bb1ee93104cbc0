-- latency_by_hour: how did latency develop?
-- Latency is the duration as the client sees it. WebSocket connections are left out.
-- param bucket: duration 1s..7d = 1h       | width of a bucket
-- param route: text?                       | only this route
-- param status: status = 5xx               | what counts as an error
-- column start: timestamp                  | start of the bucket, UTC; buckets without requests are not listed
-- column requests: integer                 | all requests
-- column errors: integer                   | those with the status
-- column p50: float seconds                | median duration
-- column p90: float seconds                | 90th percentile of the duration
-- column p99: float seconds                | 99th percentile of the duration
-- column max: float seconds                | longest duration
-- example: albatross query latency_by_hour --bucket 15m --route /api/users/:id/badges
SELECT date_bin($bucket, started_at) AS start,
       count(*) AS requests,
       count(*) FILTER (WHERE elb_status_code IN ($status)) AS errors,
       round(approx_percentile_cont(0.5, 1000) WITHIN GROUP (ORDER BY duration), 4) AS p50,
       round(approx_percentile_cont(0.9, 1000) WITHIN GROUP (ORDER BY duration), 4) AS p90,
       round(approx_percentile_cont(0.99, 1000) WITHIN GROUP (ORDER BY duration), 4) AS p99,
       round(max(duration), 4) AS max
FROM alb
WHERE started_at >= $from AND started_at < $to
  AND coalesce(type, '') NOT IN ('ws', 'wss')
  AND ($route IS NULL OR route = $route)
GROUP BY 1
ORDER BY 1
