-- errors_by_target: is it one target or all of them?
-- Requests that were sent to no target have an empty target.
--
-- Percentiles are nearest ranks, exact to 0.25 percent: durations are counted in steps, as in slow_endpoints.
-- param status: status = 5xx               | what counts as an error
-- column target: text                      | address and port
-- column requests: integer                 | all requests
-- column errors: integer                   | those with the status
-- column error_rate: float ratio 0..1      | errors / requests
-- column error_share: float ratio 0..1     | of the errors of all targets
-- column by_load_balancer: integer         | errors that the load balancer answered in its place
-- column by_target: integer                | errors that the target answered
-- column p50: float seconds                | median duration, without WebSocket connections
-- column p99: float seconds                | 99th percentile of the duration, without WebSocket connections
-- column first_seen: timestamp             | arrival of its first request, UTC
-- column last_seen: timestamp              | arrival of its last request, UTC
-- example: albatross query errors_by_target --status 502,504
WITH steps AS (
  SELECT target_ip, target_port,
         CAST(floor(ln(greatest(seconds, 0.0001)) * 400) AS INT) AS step,
         count(*) AS requests,
         count(seconds) AS timed,
         max(seconds) AS longest,
         count(*) FILTER (WHERE elb_status_code IN ($status)) AS errors,
         count(*) FILTER (WHERE elb_status_code IN ($status) AND answered_by = 'load_balancer') AS by_load_balancer,
         count(*) FILTER (WHERE elb_status_code IN ($status) AND answered_by = 'target') AS by_target,
         min(started_at) AS first_seen,
         max(started_at) AS last_seen
  FROM (SELECT *, CASE WHEN type IN ('ws', 'wss') THEN NULL ELSE duration END AS seconds FROM alb)
  WHERE started_at >= $from AND started_at < $to
  GROUP BY 1, 2, 3
),
counted AS (
  SELECT *, sum(timed) OVER (PARTITION BY target_ip, target_port ORDER BY step ROWS UNBOUNDED PRECEDING) AS up_to_here,
            sum(timed) OVER (PARTITION BY target_ip, target_port) AS of_all
  FROM steps
),
targets AS (
  SELECT target_ip, target_port,
         sum(requests) AS requests, sum(errors) AS errors,
         sum(by_load_balancer) AS by_load_balancer, sum(by_target) AS by_target,
         min(CASE WHEN up_to_here >= 0.5 * of_all THEN longest END) AS p50,
         min(CASE WHEN up_to_here >= 0.99 * of_all THEN longest END) AS p99,
         min(first_seen) AS first_seen, max(last_seen) AS last_seen
  FROM counted
  GROUP BY target_ip, target_port
)
SELECT CASE WHEN target_port IS NULL THEN target_ip
            WHEN strpos(target_ip, ':') > 0 THEN '[' || target_ip || ']:' || target_port
            ELSE target_ip || ':' || target_port END AS target,
       requests, errors,
       round(errors / CAST(requests AS DOUBLE), 6) AS error_rate,
       round(errors / nullif(CAST(sum(errors) OVER () AS DOUBLE), 0.0), 6) AS error_share,
       by_load_balancer, by_target, round(p50, 4) AS p50, round(p99, 4) AS p99, first_seen, last_seen
FROM targets
ORDER BY errors DESC, requests DESC, target
