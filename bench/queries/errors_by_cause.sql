-- DuckDB's equivalent of queries/errors_by_cause.sql with its defaults, without the texts that explain a cause.
WITH failed AS (
  SELECT cause, answered_by,
         count(*) AS requests,
         string_agg(DISTINCT elb_status_code::VARCHAR, ' ' ORDER BY elb_status_code::VARCHAR) AS statuses,
         count(DISTINCT request_verb || ' ' || route) AS routes,
         count(DISTINCT target_ip || ':' || target_port) AS targets,
         count(DISTINCT client_ip) AS clients,
         quantile_cont(duration, 0.5) AS p50,
         min(started_at) AS first_seen,
         max(started_at) AS last_seen
  FROM alb
  WHERE cause IS NOT NULL
  GROUP BY 1, 2
)
SELECT cause, answered_by, requests,
       round(requests / sum(requests) OVER (), 6) AS share,
       statuses, routes, targets, clients, round(p50, 4) AS p50, first_seen, last_seen
FROM failed
ORDER BY requests DESC, cause, answered_by
