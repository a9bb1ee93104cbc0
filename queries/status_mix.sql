-- status_mix: which statuses did clients get, and from whom?
-- A target's status that differs from the client's means that the load balancer stepped in.
--
-- The median is a nearest rank, exact to 0.25 percent: durations are counted in steps, as in slow_endpoints.
-- column status: integer                   | status that the client got
-- column target_status: integer            | status of the target's answer, empty if it gave none
-- column answered_by: text                 | target, load_balancer or client_gone
-- column requests: integer                 | all requests
-- column share: float ratio 0..1           | of all requests
-- column p50: float seconds                | median duration, without WebSocket connections
-- column first_seen: timestamp             | arrival of the first one, UTC
-- column last_seen: timestamp              | arrival of the last one, UTC
-- example: albatross query status_mix --from yesterday --to today
WITH steps AS (
  SELECT elb_status_code AS status, target_status_code AS target_status, answered_by,
         CAST(floor(ln(greatest(seconds, 0.0001)) * 400) AS INT) AS step,
         count(*) AS requests,
         count(seconds) AS timed,
         max(seconds) AS longest,
         min(started_at) AS first_seen,
         max(started_at) AS last_seen
  FROM (SELECT *, CASE WHEN type IN ('ws', 'wss') THEN NULL ELSE duration END AS seconds FROM alb)
  WHERE started_at >= $from AND started_at < $to
  GROUP BY 1, 2, 3, 4
),
counted AS (
  SELECT *, sum(timed) OVER (PARTITION BY status, target_status, answered_by
                             ORDER BY step ROWS UNBOUNDED PRECEDING) AS up_to_here,
            sum(timed) OVER (PARTITION BY status, target_status, answered_by) AS of_all
  FROM steps
),
mix AS (
  SELECT status, target_status, answered_by, sum(requests) AS requests,
         min(CASE WHEN up_to_here >= 0.5 * of_all THEN longest END) AS p50,
         min(first_seen) AS first_seen, max(last_seen) AS last_seen
  FROM counted
  GROUP BY status, target_status, answered_by
)
SELECT status, target_status, answered_by, requests,
       round(requests / CAST(sum(requests) OVER () AS DOUBLE), 6) AS share,
       round(p50, 4) AS p50, first_seen, last_seen
FROM mix
ORDER BY requests DESC, status, target_status, answered_by
