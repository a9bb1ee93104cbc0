-- max_cpu_correlation: do errors and latency move with average or with maximum CPU, and how much earlier?
-- Per minute: error rate and 95th percentile of latency against CPU some minutes before or after. The maximum is the
-- hottest resource's, the average that of all resources. Coarser metrics count for every minute of their period.
-- The percentile is a nearest rank, exact to 0.8 percent: it is only compared with itself, and fewer steps are counted faster.
--
-- An alarm on the average sees nothing where the maximum is at its limit while the average stays low: compare
-- minutes_at_limit with highest_avg and minutes_alarmed.
-- param status: status = 5xx                | what counts as an error
-- param metric: text = CPUUtilization       | name of the metric; series without a name count too
-- param resource: text?                     | only this resource; else all
-- param limit: float 0.. = 99               | percent; a maximum from here on is at its limit
-- param alarm: float 0.. = 80               | percent; where an alarm on the average would be
-- column lag_minutes: integer minutes       | how much earlier CPU is taken than the requests
-- column minutes: integer                   | minutes that have both requests and CPU
-- column error_rate_vs_max: float correlation -1..1   | of error rate and maximum CPU
-- column error_rate_vs_avg: float correlation -1..1   | of error rate and average CPU
-- column latency_vs_max: float correlation -1..1      | of p95 latency and maximum CPU
-- column latency_vs_avg: float correlation -1..1      | of p95 latency and average CPU
-- column error_rate_at_limit: float ratio 0..1       | errors / requests in minutes with the maximum at its limit
-- column error_rate_below_limit: float ratio 0..1    | errors / requests in the other minutes
-- column cpu_minutes: integer          | minutes with CPU, with or without requests; the same in every row, as is all below
-- column minutes_at_limit: integer          | minutes with the maximum at its limit
-- column minutes_alarmed: integer           | minutes with the average at the alarm or above
-- column highest_max: float percent     | of any minute
-- column highest_avg: float percent     | of any minute
-- example: albatross query max_cpu_correlation --from "2026-11-19 18:00" --to "2026-11-19 19:00"
WITH cpu AS (
  -- Rounded: the last digits of an average depend on the order of the rows.
  SELECT minute, round(avg(average), 6) AS average, max(maximum) AS maximum
  FROM (
    SELECT to_unixtime(time) / 60 + unnest(range(0, greatest(period_s / 60, 1))) AS minute, average, maximum
    FROM metrics
    -- No period is longer than an hour.
    WHERE time >= $from - INTERVAL '65 minutes' AND time < $to + INTERVAL '5 minutes'
      AND (metric = $metric OR metric IS NULL) AND ($resource IS NULL OR resource = $resource)
  )
  GROUP BY minute
),
facts AS (
  SELECT count(*) AS cpu_minutes,
         count(*) FILTER (WHERE maximum >= $limit) AS minutes_at_limit,
         count(*) FILTER (WHERE average >= $alarm) AS minutes_alarmed,
         max(maximum) AS highest_max,
         max(average) AS highest_avg
  FROM cpu
  WHERE minute >= to_unixtime($from) / 60 AND minute * 60 < to_unixtime($to)
),
steps AS (
  SELECT to_unixtime(started_at) / 60 AS minute,
         CAST(floor(ln(greatest(seconds, 0.0001)) * 128) AS INT) AS step,
         count(*) AS requests,
         count(*) FILTER (WHERE elb_status_code IN ($status)) AS errors,
         count(seconds) AS timed,
         max(seconds) AS longest
  FROM (SELECT *, CASE WHEN type IN ('ws', 'wss') THEN NULL ELSE duration END AS seconds FROM alb)
  WHERE started_at >= $from AND started_at < $to
  GROUP BY 1, 2
),
requests AS (
  SELECT minute, sum(requests) AS requests, sum(errors) AS errors,
         min(CASE WHEN up_to_here >= 0.95 * of_all THEN longest END) AS p95
  FROM (SELECT *, sum(timed) OVER (PARTITION BY minute ORDER BY step ROWS UNBOUNDED PRECEDING) AS up_to_here,
                  sum(timed) OVER (PARTITION BY minute) AS of_all
        FROM steps)
  GROUP BY minute
),
pairs AS (
  SELECT lag_minutes, requests, errors, errors / CAST(requests AS DOUBLE) AS error_rate, p95, average, maximum
  FROM requests
  CROSS JOIN (SELECT unnest(range(-5, 6)) AS lag_minutes) AS lags
  JOIN cpu ON cpu.minute = requests.minute - lag_minutes
)
SELECT lag_minutes,
       count(*) AS minutes,
       -- What never changes correlates with nothing: corr() would correlate the errors of its own arithmetic.
       round(CASE WHEN min(error_rate) < max(error_rate) AND min(maximum) < max(maximum)
                  THEN corr(error_rate, maximum) END, 4) AS error_rate_vs_max,
       round(CASE WHEN min(error_rate) < max(error_rate) AND min(average) < max(average)
                  THEN corr(error_rate, average) END, 4) AS error_rate_vs_avg,
       round(CASE WHEN min(p95) < max(p95) AND min(maximum) < max(maximum)
                  THEN corr(p95, maximum) END, 4) AS latency_vs_max,
       round(CASE WHEN min(p95) < max(p95) AND min(average) < max(average)
                  THEN corr(p95, average) END, 4) AS latency_vs_avg,
       round(sum(errors) FILTER (WHERE maximum >= $limit)
             / CAST(sum(requests) FILTER (WHERE maximum >= $limit) AS DOUBLE), 6) AS error_rate_at_limit,
       round(sum(errors) FILTER (WHERE maximum < $limit)
             / CAST(sum(requests) FILTER (WHERE maximum < $limit) AS DOUBLE), 6) AS error_rate_below_limit,
       max(cpu_minutes) AS cpu_minutes,
       max(minutes_at_limit) AS minutes_at_limit,
       max(minutes_alarmed) AS minutes_alarmed,
       round(max(highest_max), 2) AS highest_max,
       round(max(highest_avg), 2) AS highest_avg
FROM pairs CROSS JOIN facts
GROUP BY lag_minutes
ORDER BY lag_minutes
