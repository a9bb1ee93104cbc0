-- endpoint_growth: which endpoints get slower or busier from day to day?
-- A query that worsens with the data shows here first. The busiest endpoints by time spent in targets are shown, day
-- by day; changes are against the endpoint's first day in the range, so look for days that are not whole. WebSocket
-- connections are left out.
--
-- Percentiles are nearest ranks, exact to 0.25 percent: durations are counted in steps, as in slow_endpoints.
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
WITH steps AS (
  SELECT request_verb AS method, route, day,
         CAST(floor(ln(greatest(duration, 0.0001)) * 400) AS INT) AS step,
         count(*) AS requests,
         count(duration) AS timed,
         max(duration) AS longest,
         round(1000000 * sum(coalesce(target_processing_time,
                                      CASE WHEN target_ip IS NOT NULL THEN duration END, 0.0))) AS target_us
  FROM alb
  WHERE started_at >= $from AND started_at < $to AND coalesce(type, '') NOT IN ('ws', 'wss')
  GROUP BY 1, 2, 3, 4
),
counted AS (
  SELECT *, sum(timed) OVER (PARTITION BY method, route, day ORDER BY step ROWS UNBOUNDED PRECEDING) AS up_to_here,
            sum(timed) OVER (PARTITION BY method, route, day ORDER BY step
                             ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS of_all
  FROM steps
),
days AS (
  SELECT method, route, day, sum(requests) AS requests,
         min(CASE WHEN up_to_here >= 0.5 * of_all THEN longest END) AS p50,
         min(CASE WHEN up_to_here >= 0.99 * of_all THEN longest END) AS p99,
         sum(target_us) AS target_us
  FROM counted
  GROUP BY method, route, day
  HAVING sum(requests) >= $min_requests
),
with_first AS (
  SELECT *,
         sum(target_us) OVER (PARTITION BY method, route) AS all_target_us,
         first_value(requests) OVER (PARTITION BY method, route ORDER BY day) AS first_requests,
         first_value(p50) OVER (PARTITION BY method, route ORDER BY day) AS first_p50,
         first_value(p99) OVER (PARTITION BY method, route ORDER BY day) AS first_p99
  FROM days
),
ranked AS (
  SELECT *, dense_rank() OVER (ORDER BY all_target_us DESC, route, method) AS rank FROM with_first
)
SELECT method, route, day, requests, round(p50, 4) AS p50, round(p99, 4) AS p99,
       round(requests / CAST(first_requests AS DOUBLE) - 1, 4) AS requests_change,
       round(p50 / nullif(first_p50, 0.0) - 1, 4) AS p50_change,
       round(p99 / nullif(first_p99, 0.0) - 1, 4) AS p99_change
FROM ranked
WHERE rank <= $limit
ORDER BY rank, day
