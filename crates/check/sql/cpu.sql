-- cpu: how high was maximum CPU, and for how long?
-- param limit: float              | percent
-- param resource: text?           | only this one
-- column minutes: integer         | minutes that have a maximum
-- column above: integer           | minutes with a maximum above the limit
-- column highest: float percent
-- column at: timestamp            | first minute with the highest
SELECT count(*) AS minutes, count(*) FILTER (WHERE maximum > $limit) AS above, max(maximum) AS highest,
       to_timestamp_seconds(min(CASE WHEN maximum = highest THEN minute END) * 60) AS at
FROM (
  SELECT minute, max(maximum) AS maximum, max(max(maximum)) OVER () AS highest
  FROM (
    SELECT to_unixtime(time) / 60 + unnest(range(0, greatest(period_s / 60, 1))) AS minute, maximum
    FROM metrics
    -- No period is longer than an hour.
    WHERE time >= $from - INTERVAL '65 minutes' AND time < $to AND maximum IS NOT NULL
      AND (metric = 'CPUUtilization' OR metric IS NULL) AND ($resource IS NULL OR resource = $resource)
  )
  WHERE minute * 60 >= to_unixtime($from) - 59 AND minute * 60 < to_unixtime($to)
  GROUP BY minute
)
