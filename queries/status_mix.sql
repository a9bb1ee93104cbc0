-- status_mix: which statuses did clients get, and from whom?
-- A target's status that differs from the client's means that the load balancer stepped in.
-- column status: integer                   | status that the client got
-- column target_status: integer            | status of the target's answer, empty if it gave none
-- column answered_by: text                 | target, load_balancer or client_gone
-- column requests: integer                 | all requests
-- column share: float ratio 0..1           | of all requests
-- column p50: float seconds                | median duration, without WebSocket connections
-- column first_seen: timestamp             | arrival of the first one, UTC
-- column last_seen: timestamp              | arrival of the last one, UTC
-- example: albatross query status_mix --from yesterday --to today
WITH mix AS (
  SELECT elb_status_code AS status, target_status_code AS target_status, answered_by,
         count(*) AS requests,
         approx_percentile_cont(0.5, 1000) WITHIN GROUP (ORDER BY duration) FILTER (WHERE type NOT IN ('ws', 'wss')) AS p50,
         min(started_at) AS first_seen,
         max(started_at) AS last_seen
  FROM alb
  WHERE started_at >= $from AND started_at < $to
  GROUP BY 1, 2, 3
)
SELECT status, target_status, answered_by, requests,
       round(requests / CAST(sum(requests) OVER () AS DOUBLE), 6) AS share,
       round(p50, 4) AS p50, first_seen, last_seen
FROM mix
ORDER BY requests DESC, status, target_status
