-- errors_by_route: which endpoints fail?
-- param status: status = 5xx               | what counts as an error
-- param limit: integer 1..100000 = 20      | rows at most
-- column method: text                      | request method
-- column route: text                       | template of the path
-- column requests: integer                 | all requests
-- column errors: integer                   | those with the status
-- column error_rate: float ratio 0..1      | errors / requests
-- column error_share: float ratio 0..1     | of the errors of all routes
-- column statuses: text                    | statuses of the errors, separated by spaces
-- column causes: text                      | causes of the errors, separated by spaces
-- column clients: integer                  | client addresses that got an error
-- column first_error: timestamp            | arrival of the first one, UTC
-- column last_error: timestamp             | arrival of the last one, UTC
-- example: albatross query errors_by_route --status 502
WITH routes AS (
  SELECT request_verb, route, count(*) AS requests
  FROM alb
  WHERE started_at >= $from AND started_at < $to
  GROUP BY 1, 2
),
failed AS (
  SELECT request_verb, route, count(*) AS errors,
         string_agg(DISTINCT CAST(elb_status_code AS VARCHAR), ' ' ORDER BY CAST(elb_status_code AS VARCHAR)) AS statuses,
         count(DISTINCT client_ip) AS clients,
         min(started_at) AS first_error,
         max(started_at) AS last_error
  FROM alb
  WHERE started_at >= $from AND started_at < $to AND elb_status_code IN ($status)
  GROUP BY 1, 2
),
-- On their own: one aggregation cannot sort by two columns.
causes AS (
  SELECT request_verb, route, string_agg(cause, ' ' ORDER BY cause) AS causes
  FROM (
    SELECT DISTINCT request_verb, route, cause
    FROM alb
    WHERE started_at >= $from AND started_at < $to AND elb_status_code IN ($status)
  )
  GROUP BY 1, 2
)
SELECT failed.request_verb AS method, failed.route, requests, errors,
       round(errors / CAST(requests AS DOUBLE), 6) AS error_rate,
       round(errors / CAST(sum(errors) OVER () AS DOUBLE), 6) AS error_share,
       statuses, causes, clients, first_error, last_error
FROM failed
-- Requests that could not be read have neither method nor route.
JOIN routes ON (routes.request_verb IS NOT DISTINCT FROM failed.request_verb)
           AND (routes.route IS NOT DISTINCT FROM failed.route)
JOIN causes ON (causes.request_verb IS NOT DISTINCT FROM failed.request_verb)
           AND (causes.route IS NOT DISTINCT FROM failed.route)
ORDER BY errors DESC, requests DESC, route, method
LIMIT $limit
