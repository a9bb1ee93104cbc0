-- growth: how long did each route take, day by day?
-- Only whole days tell a trend, and days are those in UTC. Steps of 2 percent.
-- param min_requests: integer = 30   | of the route on a day
WITH steps AS (
  SELECT request_verb AS verb, route, day, CAST(floor(ln(greatest(duration, 0.001)) * 50) AS INT) AS step, count(*) AS requests
  FROM alb
  WHERE started_at >= $from AND started_at < $to AND coalesce(type, '') NOT IN ('ws', 'wss') AND elb_status_code < 400
    AND duration IS NOT NULL
  GROUP BY 1, 2, 3, 4
),
counted AS (
  SELECT *, sum(requests) OVER (PARTITION BY verb, route, day ORDER BY step ROWS UNBOUNDED PRECEDING) AS up_to_here,
            sum(requests) OVER (PARTITION BY verb, route, day) AS of_all
  FROM steps
)
SELECT verb, route, CAST(CAST(day AS INT) AS DOUBLE) AS day, CAST(of_all AS DOUBLE) AS requests,
  (min(CASE WHEN up_to_here >= 0.5 * of_all THEN step END) + 0.5) / 50 AS ln_p50,
  (min(CASE WHEN up_to_here >= 0.75 * of_all THEN step END) - min(CASE WHEN up_to_here >= 0.25 * of_all THEN step END) + 1) / 50.0 AS ln_quartiles
FROM counted
WHERE of_all >= $min_requests
GROUP BY verb, route, day, of_all
ORDER BY verb, route, day
