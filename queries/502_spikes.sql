-- 502_spikes: when did errors rise above what this traffic explains?
-- Judges the error rate of each bucket, not the count: four times the traffic with the same rate is no spike, forty
-- errors in a quiet hour are.
--
-- The baseline is the pooled error rate of quiet buckets. First these are the half of the buckets with the lowest rates
-- (of the buckets, not of the traffic: what breaks under load has most of the traffic); then all buckets that do not
-- stand out from that. A bucket stands out if so many errors would be too improbable at the baseline rate: the Poisson
-- tail for k errors where mu are expected is at most exp(-(k ln(k/mu) - k + mu)) (Chernoff), and that must be below the
-- allowed chance divided by the number of buckets looked at. A spike must also be at least twice what is expected, since
-- real traffic is never quite as even as Poisson's.
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
-- example: albatross query 502_spikes --status 5xx --bucket 1m --spikes-only
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
         2 * rank() OVER (ORDER BY errors / CAST(requests AS DOUBLE)) <= count(*) OVER () + 1 AS is_low
  FROM buckets
),
-- One error is added to each pool: that none was seen does not prove that none ever happens.
first AS (
  SELECT *, requests * (sum(CASE WHEN is_low THEN errors ELSE 0 END) OVER () + 1.0)
                     / sum(CASE WHEN is_low THEN requests ELSE 0 END) OVER () AS first_expected
  FROM ranked
),
second AS (
  SELECT *, requests * (sum(CASE WHEN is_quiet THEN errors ELSE 0 END) OVER () + 1.0)
                     / sum(CASE WHEN is_quiet THEN requests ELSE 0 END) OVER () AS expected
  FROM (SELECT *, CASE WHEN errors > first_expected
                       THEN errors * ln(errors / first_expected) - errors + first_expected < too_improbable
                       ELSE true END AS is_quiet
        FROM first)
),
judged AS (
  SELECT *, errors >= $min_errors
            AND errors >= 2 * expected
            AND CASE WHEN errors > expected
                     THEN errors * ln(errors / expected) - errors + expected >= too_improbable
                     ELSE false END AS is_spike
  FROM second
)
SELECT start, requests, errors,
       round(errors / CAST(requests AS DOUBLE), 6) AS rate,
       round(expected, 3) AS expected,
       is_spike, by_load_balancer, by_target, client_gone
FROM judged
WHERE is_spike OR NOT $spikes_only
ORDER BY start
