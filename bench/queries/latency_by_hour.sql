-- DuckDB's equivalent of queries/latency_by_hour.sql with its defaults: 1-hour buckets, 5xx. Percentiles are exact:
-- approx_quantile() takes longer.
-- time_bucket() says the same, but takes longer.
WITH hours AS (
  SELECT to_timestamp(epoch_us(started_at) // 3600000000 * 3600) AS start,
         count(*) AS requests,
         count(*) FILTER (WHERE elb_status_code BETWEEN 500 AND 599) AS errors,
         quantile_disc(duration, [0.5, 0.9, 0.99]) AS p,
         max(duration) AS max
  FROM alb
  WHERE coalesce(type, '') NOT IN ('ws', 'wss')
  GROUP BY 1
)
SELECT start, requests, errors,
       round(p[1], 4) AS p50, round(p[2], 4) AS p90, round(p[3], 4) AS p99, round(max, 4) AS max
FROM hours
ORDER BY start
