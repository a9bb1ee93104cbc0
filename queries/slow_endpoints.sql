-- slow_endpoints: which endpoints are slow, and which keep the targets busy?
-- The share of all target time says where work pays: a slow endpoint that nobody calls costs little. Seconds per
-- megabyte returned tell an endpoint that works hard for little from one that returns much.
--
-- Latency is the duration as the client sees it. Its percentiles are nearest ranks, exact to 0.25 percent: the width of
-- the steps in which durations are counted, which takes little memory, whatever the number of requests.
--
-- Where a target was asked and never answered, the whole duration is target time. WebSocket connections are left out.
-- param status: status = 5xx               | what counts as an error
-- param min_requests: integer 1.. = 1      | leave out endpoints with fewer requests
-- param limit: integer 1..100000 = 20      | rows at most
-- column method: text                      | request method
-- column route: text                       | template of the path
-- column requests: integer                 | all requests
-- column errors: integer                   | those with the status
-- column error_rate: float ratio 0..1      | errors / requests
-- column p50: float seconds                | median duration
-- column p90: float seconds                | 90th percentile of the duration
-- column p99: float seconds                | 99th percentile of the duration
-- column max: float seconds                | longest duration
-- column target_time: float seconds        | time that targets spent on it, all requests together
-- column target_time_share: float ratio 0..1 | of the time that targets spent on anything
-- column bytes: integer bytes              | sent to clients, all requests together
-- column seconds_per_mb: float seconds per megabyte | target time / bytes
-- example: albatross query slow_endpoints --from -24h --limit 10
WITH steps AS (
  SELECT request_verb AS method, route,
         CAST(floor(ln(greatest(duration, 0.0001)) * 400) AS INT) AS step,
         count(*) AS requests,
         count(*) FILTER (WHERE elb_status_code IN ($status)) AS errors,
         count(duration) AS timed,
         max(duration) AS longest,
         -- Whole microseconds add up to the same in any order, which fractions do not.
         round(1000000 * sum(coalesce(target_processing_time,
                                      CASE WHEN target_ip IS NOT NULL THEN duration END, 0.0))) AS target_us,
         sum(sent_bytes) AS bytes
  FROM alb
  WHERE started_at >= $from AND started_at < $to AND coalesce(type, '') NOT IN ('ws', 'wss')
  GROUP BY 1, 2, 3
),
-- A percentile is the longest duration of the first step that reaches so many of the durations. Requests without one are
-- in the lowest step, but not counted there.
counted AS (
  -- Both sums have one order, also the one that needs none: so they are one pass, which with many endpoints is much faster.
  SELECT *, sum(timed) OVER (PARTITION BY method, route ORDER BY step ROWS UNBOUNDED PRECEDING) AS up_to_here,
            sum(timed) OVER (PARTITION BY method, route ORDER BY step
                             ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS of_all
  FROM steps
),
endpoints AS (
  SELECT method, route, sum(requests) AS requests, sum(errors) AS errors,
         min(CASE WHEN up_to_here >= 0.5 * of_all THEN longest END) AS p50,
         min(CASE WHEN up_to_here >= 0.9 * of_all THEN longest END) AS p90,
         min(CASE WHEN up_to_here >= 0.99 * of_all THEN longest END) AS p99,
         max(longest) AS max, sum(target_us) AS target_us, sum(bytes) AS bytes
  FROM counted
  GROUP BY method, route
)
SELECT method, route, requests, errors,
       round(errors / CAST(requests AS DOUBLE), 6) AS error_rate,
       round(p50, 4) AS p50, round(p90, 4) AS p90, round(p99, 4) AS p99, round(max, 4) AS max,
       round(target_us / 1000000, 3) AS target_time,
       round(target_us / nullif(all_target_us, 0.0), 6) AS target_time_share,
       bytes,
       round(target_us / nullif(bytes, 0), 4) AS seconds_per_mb
FROM (SELECT *, sum(target_us) OVER () AS all_target_us FROM endpoints)
WHERE requests >= $min_requests
ORDER BY target_us DESC, requests DESC, route, method
LIMIT $limit
