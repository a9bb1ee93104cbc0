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
  SELECT request_verb AS method, route,
         count(*) AS requests,
         count(*) FILTER (WHERE elb_status_code IN ($status)) AS errors,
         string_agg(DISTINCT CASE WHEN elb_status_code IN ($status) THEN CAST(elb_status_code AS VARCHAR) END, ' ') AS statuses,
         string_agg(DISTINCT CASE WHEN elb_status_code IN ($status) THEN cause END, ' ') AS causes,
         count(DISTINCT CASE WHEN elb_status_code IN ($status) THEN client_ip END) AS clients,
         min(CASE WHEN elb_status_code IN ($status) THEN started_at END) AS first_error,
         max(CASE WHEN elb_status_code IN ($status) THEN started_at END) AS last_error
  FROM alb
  WHERE started_at >= $from AND started_at < $to
  GROUP BY 1, 2
)
SELECT method, route, requests, errors,
       round(errors / CAST(requests AS DOUBLE), 6) AS error_rate,
       round(errors / CAST(sum(errors) OVER () AS DOUBLE), 6) AS error_share,
       statuses, causes, clients, first_error, last_error
FROM routes
WHERE errors > 0
ORDER BY errors DESC, requests DESC, route, method
LIMIT $limit
