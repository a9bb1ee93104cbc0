-- durations: how long did requests take, in the window and before it?
-- Durations are counted in steps of 0.25 percent, those without one (NULL, and WebSocket) apart: some thousand rows at most.
-- param before: timestamp         | start of the baseline, which ends at `from`
-- param status: status            | what counts as an error
-- param method: text?
-- param route: text?
-- param load_balancer: text?      | as in the log, or its middle part
-- param target_ip: text?
-- param target_port: integer?
-- column is_in: boolean           | in the window, not in the baseline
-- column step: integer            | NULL for requests without a duration
-- column requests: integer
-- column errors: integer
-- column failed: integer          | answered with 4xx, 5xx, or not at all
-- column shortest: float seconds
-- column longest: float seconds
SELECT started_at >= $from AS is_in, CAST(floor(ln(greatest(seconds, 0.0001)) * 400) AS INT) AS step,
       count(*) AS requests, count(*) FILTER (WHERE elb_status_code IN ($status)) AS errors,
       count(*) FILTER (WHERE elb_status_code >= 400 OR elb_status_code = 0) AS failed,
       min(seconds) AS shortest, max(seconds) AS longest
FROM (SELECT *, CASE WHEN type IN ('ws', 'wss') THEN NULL ELSE duration END AS seconds FROM alb)
WHERE started_at >= $before AND started_at < $to
  -- A malformed request has neither method nor route: `- -`.
  AND ($method IS NULL OR coalesce(request_verb, '-') = $method)
  AND ($route IS NULL OR coalesce(route, '-') = $route)
  AND ($load_balancer IS NULL OR elb = $load_balancer OR split_part(elb, '/', 2) = $load_balancer)
  AND ($target_ip IS NULL OR target_ip = $target_ip)
  AND ($target_port IS NULL OR target_port = $target_port)
GROUP BY 1, 2
ORDER BY 1, 2
