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
         2 * rank() OVER (ORDER BY errors / requests) <= count(*) OVER () + 1 AS is_low
  FROM buckets
),
first AS (
  SELECT *, requests * (coalesce(sum(errors) FILTER (WHERE is_low) OVER (), 0) + 1.0)
                     / sum(requests) FILTER (WHERE is_low) OVER () AS first_mu
  FROM ranked
),
second AS (
  SELECT *, requests * (coalesce(sum(errors) FILTER (WHERE quiet) OVER (), 0) + 1.0)
                     / sum(requests) FILTER (WHERE quiet) OVER () AS mu
  FROM (SELECT *, errors <= first_mu OR errors * ln(errors / first_mu) - errors + first_mu < too_improbable AS quiet FROM first)
)
SELECT start, requests, errors,
       round(errors / requests, 6) AS rate,
       round(mu, 3) AS expected,
       errors >= 5 AND errors >= 2 * mu AND errors > mu
         AND errors * ln(errors / mu) - errors + mu >= too_improbable AS is_spike,
       by_load_balancer, by_target, client_gone
FROM second
ORDER BY start
