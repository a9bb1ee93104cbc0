-- DuckDB's equivalent of queries/max_cpu_correlation.sql with its defaults: 5xx, CPUUtilization, limit 99, alarm 80.
-- The percentile is exact.
WITH cpu AS (
  SELECT minute, round(avg(average), 6) AS average, max(maximum) AS maximum
  FROM (
    SELECT epoch_us(time) // 60000000 + unnest(range(greatest(period_s // 60, 1))) AS minute, average, maximum
    FROM metrics
    WHERE metric = 'CPUUtilization'
  )
  GROUP BY minute
),
requests AS (
  SELECT epoch_us(started_at) // 60000000 AS minute,
         count(*) AS requests,
         count(*) FILTER (WHERE elb_status_code BETWEEN 500 AND 599) AS errors,
         quantile_disc(duration, 0.95) FILTER (WHERE coalesce(type, '') NOT IN ('ws', 'wss')) AS p95,
         max(started_at) AS last_start
  FROM alb
  GROUP BY 1
),
facts AS (
  SELECT count(*) AS cpu_minutes,
         count(*) FILTER (WHERE maximum >= 99) AS minutes_at_limit,
         count(*) FILTER (WHERE average >= 80) AS minutes_alarmed,
         max(maximum) AS highest_max,
         max(average) AS highest_avg
  FROM cpu
  -- The span of the requests, to whole seconds at its end.
  WHERE minute >= (SELECT min(minute) FROM requests)
    AND minute * 60 < (SELECT epoch_us(max(last_start)) // 1000000 FROM requests)
),
pairs AS (
  SELECT lag_minutes, requests, errors, errors / requests AS error_rate, p95, average, maximum
  FROM requests
  CROSS JOIN (SELECT unnest(range(-5, 6)) AS lag_minutes) AS lags
  JOIN cpu ON cpu.minute = requests.minute - lag_minutes
)
SELECT lag_minutes,
       count(*) AS minutes,
       round(corr(error_rate, maximum), 4) AS error_rate_vs_max,
       round(corr(error_rate, average), 4) AS error_rate_vs_avg,
       round(corr(p95, maximum), 4) AS latency_vs_max,
       round(corr(p95, average), 4) AS latency_vs_avg,
       round(sum(errors) FILTER (WHERE maximum >= 99) / sum(requests) FILTER (WHERE maximum >= 99), 6) AS error_rate_at_limit,
       round(sum(errors) FILTER (WHERE maximum < 99) / sum(requests) FILTER (WHERE maximum < 99), 6) AS error_rate_below_limit,
       max(cpu_minutes) AS cpu_minutes,
       max(minutes_at_limit) AS minutes_at_limit,
       max(minutes_alarmed) AS minutes_alarmed,
       round(max(highest_max), 2) AS highest_max,
       round(max(highest_avg), 2) AS highest_avg
FROM pairs CROSS JOIN facts
GROUP BY lag_minutes
ORDER BY lag_minutes
