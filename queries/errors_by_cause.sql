-- errors_by_cause: why did requests fail?
-- The cause is what a request's own row tells: a first suspicion. Many rows of one cause on one target, route or client
-- tell more. The median is exact; of an even number, it is the mean of the two in the middle.
-- param status: status?                    | only these statuses; else everything with a cause
-- column cause: text                       | code of the cause
-- column answered_by: text                 | target, load_balancer or client_gone
-- column requests: integer                 | requests with this cause
-- column share: float ratio 0..1           | of all requests with a cause
-- column statuses: text                    | statuses that clients got, separated by spaces
-- column routes: integer                   | how many routes are affected
-- column targets: integer                  | how many targets are affected
-- column clients: integer                  | how many client addresses are affected
-- column p50: float seconds                | median duration
-- column first_seen: timestamp             | arrival of the first one, UTC
-- column last_seen: timestamp              | arrival of the last one, UTC
-- column meaning: text                     | what the code means
-- column what_to_check: text               | where to look next
-- example: albatross query errors_by_cause --status 5xx
WITH failed AS (
  SELECT cause, answered_by,
         count(*) AS requests,
         string_agg(DISTINCT CAST(elb_status_code AS VARCHAR), ' ' ORDER BY CAST(elb_status_code AS VARCHAR)) AS statuses,
         count(DISTINCT request_verb || ' ' || route) AS routes,
         count(DISTINCT target_ip || ':' || target_port) AS targets,
         count(DISTINCT client_ip) AS clients,
         median(duration) AS p50,
         min(started_at) AS first_seen,
         max(started_at) AS last_seen
  FROM alb
  WHERE started_at >= $from AND started_at < $to AND cause IS NOT NULL AND elb_status_code IN ($status)
  GROUP BY 1, 2
)
SELECT failed.cause, answered_by, requests,
       round(requests / CAST(sum(requests) OVER () AS DOUBLE), 6) AS share,
       statuses, routes, targets, clients, round(p50, 4) AS p50, first_seen, last_seen, meaning, what_to_check
FROM failed LEFT JOIN causes ON causes.cause = failed.cause
ORDER BY requests DESC, cause, answered_by
