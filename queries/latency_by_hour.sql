-- latency_by_hour: how did latency develop?
-- Latency is the duration as the client sees it. WebSocket connections are left out.
--
-- Percentiles are nearest ranks, exact to 0.25 percent: durations are counted in steps, as in slow_endpoints.
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
WITH steps AS (
  SELECT date_bin($bucket, started_at) AS start,
         CAST(floor(ln(greatest(duration, 0.0001)) * 400) AS INT) AS step,
         count(*) AS requests,
         count(*) FILTER (WHERE elb_status_code IN ($status)) AS errors,
         count(duration) AS timed,
         max(duration) AS longest
  FROM alb
  WHERE started_at >= $from AND started_at < $to
    AND coalesce(type, '') NOT IN ('ws', 'wss')
    AND ($route IS NULL OR route = $route)
  GROUP BY 1, 2
),
counted AS (
  SELECT *, sum(timed) OVER (PARTITION BY start ORDER BY step ROWS UNBOUNDED PRECEDING) AS up_to_here,
            sum(timed) OVER (PARTITION BY start) AS of_all
  FROM steps
)
SELECT start, sum(requests) AS requests, sum(errors) AS errors,
       round(min(CASE WHEN up_to_here >= 0.5 * of_all THEN longest END), 4) AS p50,
       round(min(CASE WHEN up_to_here >= 0.9 * of_all THEN longest END), 4) AS p90,
       round(min(CASE WHEN up_to_here >= 0.99 * of_all THEN longest END), 4) AS p99,
       round(max(longest), 4) AS max
FROM counted
GROUP BY start
ORDER BY start
