-- DuckDB's equivalent of queries/502_spikes.sql with its defaults: 5-minute buckets, status 502, min_errors 5, chance 0.01.
-- time_bucket() says the same, but takes longer.
WITH buckets AS (
  SELECT to_timestamp(epoch_us(started_at) // 300000000 * 300) AS start,
         count(*) AS requests,
         count(*) FILTER (WHERE elb_status_code = 502) AS errors,
         count(*) FILTER (WHERE elb_status_code = 502 AND answered_by = 'load_balancer') AS by_load_balancer,
         count(*) FILTER (WHERE elb_status_code = 502 AND answered_by = 'target') AS by_target,
         count(*) FILTER (WHERE elb_status_code = 502 AND answered_by = 'client_gone') AS client_gone
  FROM alb
  GROUP BY 1
),
ranked AS (
  SELECT *,
         ln(count(*) OVER () / 0.01) AS too_improbable,
         sum(requests) OVER () AS all_requests,
         sum(requests) OVER (ORDER BY errors / requests, start) AS requests_so_far
  FROM buckets
),
round_1 AS (
  SELECT *, requests * (sum(errors) FILTER (WHERE quiet) OVER () + 1.0) / sum(requests) FILTER (WHERE quiet) OVER () AS mu
  FROM (SELECT *, requests_so_far - requests < all_requests / 2 AS quiet FROM ranked)
),
round_2 AS (
  SELECT * EXCLUDE (mu, quiet, calm),
         requests * (coalesce(sum(errors) FILTER (WHERE calm) OVER (), 0) + 1.0) / sum(requests) FILTER (WHERE calm) OVER () AS mu
  FROM (SELECT *, errors <= mu OR errors * ln(errors / mu) - errors + mu < too_improbable AS calm FROM round_1)
),
round_3 AS (
  SELECT * EXCLUDE (mu, calm),
         requests * (coalesce(sum(errors) FILTER (WHERE calm) OVER (), 0) + 1.0) / sum(requests) FILTER (WHERE calm) OVER () AS mu
  FROM (SELECT *, errors <= mu OR errors * ln(errors / mu) - errors + mu < too_improbable AS calm FROM round_2)
)
SELECT start, requests, errors,
       round(errors / requests, 6) AS rate,
       round(mu, 3) AS expected,
       errors >= 5 AND errors >= 2 * mu AND errors > mu
         AND errors * ln(errors / mu) - errors + mu >= too_improbable AS is_spike,
       by_load_balancer, by_target, client_gone
FROM round_3
ORDER BY start
