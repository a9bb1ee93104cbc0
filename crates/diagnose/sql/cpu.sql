-- cpu: average and maximum per minute
-- The maximum is the hottest resource's, the average that of all resources. Coarser metrics count for every minute of their period.
-- param seconds: integer 1..86400   | length of a slot
SELECT minute * 60 / $seconds AS slot, avg(average) AS average, max(maximum) AS maximum
FROM (
  SELECT to_unixtime(time) / 60 + unnest(range(0, greatest(period_s / 60, 1))) AS minute, average, maximum
  FROM metrics
  WHERE time >= $from - INTERVAL '65 minutes' AND time < $to + INTERVAL '5 minutes'
    AND (metric = 'CPUUtilization' OR metric IS NULL)
)
WHERE minute * 60 >= to_unixtime($from) - 300 AND minute * 60 < to_unixtime($to) + 300
GROUP BY 1
