-- cpu: how busy were the targets?
-- The maximum is the hottest resource's, the average that of all resources. Coarser metrics count for every minute of their period.
-- param bucket: duration 1m..7d = 5m        | width of a bucket
-- param metric: text = CPUUtilization       | name of the metric; series without a name count too
-- param resource: text?                     | only this resource; else all
-- column start: timestamp                   | start of the bucket, UTC; buckets without CPU are not listed
-- column minutes: integer                   | minutes of the bucket that have CPU
-- column average: float percent             | mean of the average
-- column maximum: float percent             | highest maximum
-- example: albatross query cpu --bucket 1m --from "2026-11-19 18:00" --to "2026-11-19 19:00"
WITH minutes AS (
  SELECT to_unixtime(time) / 60 + unnest(range(0, greatest(period_s / 60, 1))) AS minute, average, maximum
  FROM metrics
  -- No period is longer than an hour.
  WHERE time >= $from - INTERVAL '65 minutes' AND time < $to
    AND (metric = $metric OR metric IS NULL) AND ($resource IS NULL OR resource = $resource)
)
SELECT date_bin($bucket, arrow_cast(minute * 60000000, 'Timestamp(Microsecond, Some("UTC"))')) AS start,
       count(DISTINCT minute) AS minutes,
       -- Rounded: the last digits of an average depend on the order of the rows.
       round(avg(average), 4) AS average,
       round(max(maximum), 4) AS maximum
FROM minutes
WHERE minute >= to_unixtime($from) / 60 AND minute * 60 < to_unixtime($to)
GROUP BY 1
ORDER BY 1
