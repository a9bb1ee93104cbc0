-- DuckDB's equivalent of queries/slow_endpoints.sql with its defaults: 5xx, min_requests 1, limit 20. Percentiles are exact:
-- approx_quantile() takes longer.
WITH endpoints AS (
  SELECT request_verb AS method, route,
         count(*) AS requests,
         count(*) FILTER (WHERE elb_status_code BETWEEN 500 AND 599) AS errors,
         quantile_disc(duration, [0.5, 0.9, 0.99]) AS p,
         max(duration) AS max,
         sum(coalesce(target_processing_time, CASE WHEN target_ip IS NOT NULL THEN duration END, 0)) AS target_time,
         sum(sent_bytes) AS bytes
  FROM alb
  WHERE coalesce(type, '') NOT IN ('ws', 'wss')
  GROUP BY 1, 2
)
SELECT method, route, requests, errors,
       round(errors / requests, 6) AS error_rate,
       round(p[1], 4) AS p50, round(p[2], 4) AS p90, round(p[3], 4) AS p99, round(max, 4) AS max,
       round(target_time, 3) AS target_time,
       round(target_time / nullif(sum(target_time) OVER (), 0), 6) AS target_time_share,
       bytes,
       round(target_time / nullif(bytes / 1000000, 0), 4) AS seconds_per_mb
FROM endpoints
ORDER BY endpoints.target_time DESC, requests DESC, route, method
LIMIT 20
