-- totals: how much was asked for in a window, and how did it go?
-- One row. Percentiles as in slow_endpoints: nearest ranks, exact to 0.25 percent. WebSocket connections are left out, as in latency_by_hour.
-- param status: status = 5xx,460     | what counts as an error
WITH steps AS (
  SELECT CAST(floor(ln(greatest(duration, 0.0001)) * 400) AS INT) AS step,
         count(*) AS requests,
         count(*) FILTER (WHERE elb_status_code IN ($status)) AS errors,
         count(*) FILTER (WHERE elb_status_code BETWEEN 400 AND 499) AS client_errors,
         count(duration) AS timed,
         max(duration) AS longest,
         sum(received_bytes) AS received_bytes,
         sum(sent_bytes) AS sent_bytes,
         min(started_at) AS first,
         max(started_at) AS last
  FROM alb
  WHERE started_at >= $from AND started_at < $to AND coalesce(type, '') NOT IN ('ws', 'wss')
  GROUP BY 1
),
counted AS (
  SELECT *, sum(timed) OVER (ORDER BY step ROWS UNBOUNDED PRECEDING) AS up_to_here, sum(timed) OVER () AS of_all
  FROM steps
)
SELECT coalesce(sum(requests), 0) AS requests, coalesce(sum(errors), 0) AS errors, coalesce(sum(client_errors), 0) AS client_errors,
       round(min(CASE WHEN up_to_here >= 0.5 * of_all THEN longest END), 4) AS p50,
       round(min(CASE WHEN up_to_here >= 0.9 * of_all THEN longest END), 4) AS p90,
       round(min(CASE WHEN up_to_here >= 0.99 * of_all THEN longest END), 4) AS p99,
       round(max(longest), 4) AS max,
       coalesce(sum(received_bytes), 0) AS received_bytes, coalesce(sum(sent_bytes), 0) AS sent_bytes,
       min(first) AS first, max(last) AS last
FROM counted
