-- endpoint_growth: which endpoints get slower or busier from day to day?
-- A query that worsens with the data shows here first. The busiest endpoints by time spent in targets are shown, day
-- by day; changes are against the endpoint's first day in the range, so look for days that are not whole. WebSocket
-- connections are left out.
-- param limit: integer 1..10000 = 10       | endpoints at most
-- param min_requests: integer 1.. = 1      | leave out days with fewer requests
-- column method: text                      | request method
-- column route: text                       | template of the path
-- column day: date                         | UTC
-- column requests: integer                 | all requests
-- column p50: float seconds                | median duration
-- column p99: float seconds                | 99th percentile of the duration
-- column requests_change: float ratio      | against the first day; 0.5 is half as many again
-- column p50_change: float ratio           | against the first day; 1.0 is twice as slow
-- column p99_change: float ratio           | against the first day
-- example: albatross query endpoint_growth --from -14d
WITH days AS (
  SELECT request_verb AS method, route, day,
         count(*) AS requests,
         approx_percentile_cont(0.5, 1000) WITHIN GROUP (ORDER BY duration) AS p50,
         approx_percentile_cont(0.99, 1000) WITHIN GROUP (ORDER BY duration) AS p99,
         sum(coalesce(target_processing_time, CASE WHEN target_ip IS NOT NULL THEN duration END, 0.0)) AS target_time
  FROM alb
  WHERE started_at >= $from AND started_at < $to AND coalesce(type, '') NOT IN ('ws', 'wss')
  GROUP BY 1, 2, 3
  HAVING count(*) >= $min_requests
),
with_first AS (
  SELECT *,
         sum(target_time) OVER (PARTITION BY method, route) AS all_target_time,
         first_value(requests) OVER (PARTITION BY method, route ORDER BY day) AS first_requests,
         first_value(p50) OVER (PARTITION BY method, route ORDER BY day) AS first_p50,
         first_value(p99) OVER (PARTITION BY method, route ORDER BY day) AS first_p99
  FROM days
),
ranked AS (
  SELECT *, dense_rank() OVER (ORDER BY all_target_time DESC, route, method) AS rank FROM with_first
)
SELECT method, route, day, requests, round(p50, 4) AS p50, round(p99, 4) AS p99,
       round(requests / CAST(first_requests AS DOUBLE) - 1, 4) AS requests_change,
       round(p50 / nullif(first_p50, 0.0) - 1, 4) AS p50_change,
       round(p99 / nullif(first_p99, 0.0) - 1, 4) AS p99_change
FROM ranked
WHERE rank <= $limit
ORDER BY rank, day
