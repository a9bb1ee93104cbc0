-- retries: who ran into a limit, and who tried again?
-- Another request for the same route by the same client, soon after the failed one had ended, is trying again.
-- param verb: text                | method
-- param route: text               | template
-- param longer: float             | seconds; errors from this duration on
-- param shorter: float            | seconds; to this duration
-- param again_s: integer = 120    | seconds within which another request counts as trying again
WITH hits AS (
  SELECT DISTINCT client_ip
  FROM alb
  WHERE started_at >= $from AND started_at < $to AND request_verb = $verb AND route = $route
    AND duration >= $longer AND duration <= $shorter
    AND (elb_status_code >= 500 OR elb_status_code IN (0, 408, 413, 460, 463, 464))
),
asked AS (
  SELECT client_ip, to_unixtime(started_at) AS at, to_unixtime(time) AS ended,
         coalesce(duration >= $longer AND duration <= $shorter
                  AND (elb_status_code >= 500 OR elb_status_code IN (0, 408, 413, 460, 463, 464)), false) AS hit
  FROM alb
  WHERE started_at >= $from AND started_at < $to + INTERVAL '10 minutes' AND request_verb = $verb AND route = $route
    AND client_ip IN (SELECT client_ip FROM hits)
),
followed AS (
  SELECT *, lead(at) OVER (PARTITION BY client_ip ORDER BY at) AS next FROM asked
)
SELECT count(DISTINCT client_ip) AS clients,
       count(DISTINCT CASE WHEN next BETWEEN ended - 1 AND ended + $again_s THEN client_ip END) AS tried_again
FROM followed
WHERE hit
