-- timeouts_near_a_limit: do durations pile up just above some value, and whose requests are they?
-- Where a timeout cuts requests off, many durations are nearly the same. Durations are counted in steps of one percent;
-- a pile is a step that holds far more than the steps around it (up to 20 percent away), by the same test as in
-- 502_spikes. The values are found in the data; known_as only names those that are somebody's documented default.
--
-- Requests whose answer did not come from the target may have done their work all the same. WebSocket connections are
-- left out.
-- param min_duration: duration = 1s        | look at durations from here on
-- param min_requests: integer 2.. = 5      | fewer are no pile
-- param chance: float 0.000000001..0.5 = 0.01 | of seeing any pile where there is none
-- column limit_seconds: float seconds      | where the pile begins
-- column known_as: text                    | a default with this value, if there is one
-- column method: text                      | request method
-- column route: text                       | template of the path
-- column requests: integer                 | requests of this route in the pile
-- column pile: integer                     | requests of all routes in the pile
-- column expected: float                   | how many there would be without a limit, going by the durations around
-- column failed: integer                   | answered with 4xx, 5xx, or not at all
-- column may_have_succeeded: integer       | sent to a target, but answered by the load balancer, or the client had left
-- column statuses: text                    | statuses that clients got, separated by spaces
-- column first_seen: timestamp             | arrival of the first one, UTC
-- column last_seen: timestamp              | arrival of the last one, UTC
-- example: albatross query timeouts_near_a_limit --min-duration 5s
WITH steps AS (
  SELECT CAST(floor(ln(duration) * 100) AS BIGINT) AS step, count(*) AS requests
  FROM alb
  WHERE started_at >= $from AND started_at < $to
    AND coalesce(type, '') NOT IN ('ws', 'wss')
    AND duration >= extract(epoch FROM $min_duration)
  GROUP BY 1
),
-- The next two steps on either side are left out: a pile may spread into them. One request more on each side, since
-- having seen none there does not prove that there never is one.
surrounded AS (
  SELECT step, requests,
         ln(count(*) OVER () / $chance) AS too_improbable,
         greatest(
           coalesce(sum(requests) OVER (ORDER BY step RANGE BETWEEN 20 PRECEDING AND 3 PRECEDING), 0),
           coalesce(sum(requests) OVER (ORDER BY step RANGE BETWEEN 3 FOLLOWING AND 20 FOLLOWING), 0)
         ) / 18.0 + 1 / 18.0 AS expected
  FROM steps
),
-- Neighbouring steps that stand out are one pile.
piles AS (
  SELECT step, requests, expected, step - row_number() OVER (ORDER BY step) AS pile
  FROM surrounded
  WHERE requests >= $min_requests
    AND CASE WHEN requests > 3 * expected
             THEN requests * ln(requests / expected) - requests + expected >= too_improbable
             ELSE false END
),
limits AS (
  SELECT pile, step,
         sum(requests) OVER (PARTITION BY pile) AS pile_requests,
         sum(expected) OVER (PARTITION BY pile) AS expected
  FROM piles
),
hits AS (
  SELECT pile, pile_requests, expected, round(duration, 2) AS seconds, request_verb, route, elb_status_code,
         count(*) AS requests,
         count(*) FILTER (WHERE elb_status_code >= 400 OR elb_status_code = 0) AS failed,
         count(*) FILTER (WHERE answered_by <> 'target' AND target_ip IS NOT NULL) AS may_have_succeeded,
         min(started_at) AS first_seen,
         max(started_at) AS last_seen
  FROM alb
  JOIN limits ON limits.step = CAST(floor(ln(alb.duration) * 100) AS BIGINT)
  WHERE started_at >= $from AND started_at < $to
    AND coalesce(type, '') NOT IN ('ws', 'wss')
    AND duration >= extract(epoch FROM $min_duration)
  GROUP BY 1, 2, 3, 4, 5, 6, 7
),
-- A pile begins at its 5th percentile (nearest rank): its shortest durations may be there by chance.
edged AS (
  SELECT *, min(CASE WHEN up_to_here >= 0.05 * pile_requests THEN seconds END) OVER (PARTITION BY pile) AS limit_seconds
  FROM (SELECT *, sum(requests) OVER (PARTITION BY pile ORDER BY seconds) AS up_to_here FROM hits)
)
SELECT limit_seconds,
       CASE round(limit_seconds, 1)
         WHEN 10.0 THEN 'time to connect to a target (load balancer, fixed)'
         WHEN 29.0 THEN 'integration timeout (API Gateway, default)'
         WHEN 30.0 THEN 'worker timeout (gunicorn, default), request timeout (Heroku, fixed)'
         WHEN 60.0 THEN 'idle timeout (load balancer, default), proxy_read_timeout (nginx, default)'
         WHEN 900.0 THEN 'longest timeout of a function (Lambda)'
       END AS known_as,
       request_verb AS method, route,
       sum(requests) AS requests,
       max(pile_requests) AS pile,
       round(max(expected), 3) AS expected,
       sum(failed) AS failed,
       sum(may_have_succeeded) AS may_have_succeeded,
       string_agg(DISTINCT CAST(elb_status_code AS VARCHAR), ' ' ORDER BY CAST(elb_status_code AS VARCHAR)) AS statuses,
       min(first_seen) AS first_seen,
       max(last_seen) AS last_seen
FROM edged
GROUP BY limit_seconds, request_verb, route
ORDER BY pile DESC, limit_seconds, requests DESC, route, method
