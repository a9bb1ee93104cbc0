-- 502_spikes: when did errors rise above what this traffic explains?
-- Judges the error rate of each bucket, not the count: four times the traffic with the same rate is no spike, forty
-- errors in a quiet hour are.
--
-- The baseline is the pooled error rate of the quiet buckets. At first these are the buckets with the lowest rates that
-- carry half of the traffic; then twice all buckets that do not stand out from the baseline found before. A bucket
-- stands out if so many errors would be too improbable at the baseline rate: its Poisson tail is at most
-- exp(-(k ln(k/mu) - k + mu)) (Chernoff) for k errors where mu are expected, and that must be below the allowed chance
-- divided by the number of buckets looked at. A spike must also be at least twice what is expected, since real traffic
-- is never quite as even as Poisson's.
-- param bucket: duration 1s..7d = 5m       | width of a bucket
-- param status: status = 502               | what counts as an error
-- param min_errors: integer 1.. = 5        | fewer errors in a bucket are no spike
-- param chance: float 0.000000001..0.5 = 0.01 | of seeing any spike where there is none, over all buckets together
-- param spikes_only: boolean = false       | leave out the other buckets
-- column start: timestamp                  | start of the bucket, UTC; buckets without requests are not listed
-- column requests: integer                 | all requests
-- column errors: integer                   | those with the status
-- column rate: float ratio 0..1            | errors / requests
-- column expected: float                   | errors that this traffic has at the baseline rate
-- column is_spike: boolean                 | whether the errors are more than chance explains
-- column by_load_balancer: integer         | errors that the load balancer answered
-- column by_target: integer                | errors that the target answered
-- column client_gone: integer              | errors where the client had left
-- example: albatross query 502_spikes --status 5xx --bucket 1m --spikes-only true
WITH buckets AS (
  SELECT date_bin($bucket, started_at) AS start,
         count(*) AS requests,
         count(*) FILTER (WHERE elb_status_code IN ($status)) AS errors,
         count(*) FILTER (WHERE elb_status_code IN ($status) AND answered_by = 'load_balancer') AS by_load_balancer,
         count(*) FILTER (WHERE elb_status_code IN ($status) AND answered_by = 'target') AS by_target,
         count(*) FILTER (WHERE elb_status_code IN ($status) AND answered_by = 'client_gone') AS client_gone
  FROM alb
  WHERE started_at >= $from AND started_at < $to
  GROUP BY 1
),
ranked AS (
  SELECT *,
         ln(count(*) OVER () / $chance) AS too_improbable,
         sum(requests) OVER () AS all_requests,
         sum(requests) OVER (ORDER BY errors / CAST(requests AS DOUBLE), start) AS requests_so_far
  FROM buckets
),
-- One error is added to each pool: that none was seen does not prove that none ever happens.
first AS (
  SELECT *, requests * (sum(CASE WHEN quiet THEN errors ELSE 0 END) OVER () + 1.0)
                     / sum(CASE WHEN quiet THEN requests ELSE 0 END) OVER () AS expected
  FROM (SELECT *, requests_so_far - requests < all_requests / 2.0 AS quiet FROM ranked)
),
second AS (
  SELECT * EXCEPT (expected, quiet),
         requests * (sum(CASE WHEN still_quiet THEN errors ELSE 0 END) OVER () + 1.0)
                  / sum(CASE WHEN still_quiet THEN requests ELSE 0 END) OVER () AS expected
  FROM (SELECT *, CASE WHEN errors > expected
                       THEN errors * ln(errors / expected) - errors + expected < too_improbable
                       ELSE true END AS still_quiet
        FROM first)
),
third AS (
  SELECT * EXCEPT (expected, still_quiet),
         requests * (sum(CASE WHEN quiet THEN errors ELSE 0 END) OVER () + 1.0)
                  / sum(CASE WHEN quiet THEN requests ELSE 0 END) OVER () AS expected
  FROM (SELECT *, CASE WHEN errors > expected
                       THEN errors * ln(errors / expected) - errors + expected < too_improbable
                       ELSE true END AS quiet
        FROM second)
),
judged AS (
  SELECT *, errors >= $min_errors
            AND errors >= 2 * expected
            AND CASE WHEN errors > expected
                     THEN errors * ln(errors / expected) - errors + expected >= too_improbable
                     ELSE false END AS is_spike
  FROM third
)
SELECT start, requests, errors,
       round(errors / CAST(requests AS DOUBLE), 6) AS rate,
       round(expected, 3) AS expected,
       is_spike, by_load_balancer, by_target, client_gone
FROM judged
WHERE is_spike OR NOT $spikes_only
ORDER BY start
