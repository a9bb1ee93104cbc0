-- compare: what differs between two windows, and what explains it?
-- Compares the window from..to with a baseline: the share of errors, the mean duration, or the requests per second. Every
-- value of twelve dimensions (route, target, client, agent, status, method, size, protocol, hour, cause, load balancer,
-- host) is ranked by how much of the change would not be there without it. `albatross compare` finds windows for it.
--
-- explains: let m be the mean over all requests of a window (1 for an error, 0 for none; or the duration), and r the mean
-- without those of the value. The change is m - m_before; without the value it is r - r_before; the value explains the
-- share of the change that is lost: 1 - (r - r_before) / (m - m_before). Where everything changed alike this is 0, however
-- large the value's share; where one value has all of it, 1. For by = requests it is the share of the growth that is lost.
--
-- at_least: the lower end of its confidence interval, so that small groups cannot lead by luck; only values above 0 are
-- listed. The standard error is that of sum(x) - n r, where the squares of x - r count as observed, but not for less than in
-- a group like all: so n requests are never further than sqrt(n) standard errors from nothing. The interval allows for the
-- number of values that the dimension has. Requests that come in bursts are not independent of each other: with
-- by = requests it is narrower than it should be.
--
-- The order is by at_least times the share of the other requests: of two that explain the same, the rarer one comes first.
--
-- mix and own are the parts of the change after Kitagawa: mix, because there are more or fewer of these requests (its share
-- times how far its mean lies from that of all), own, because these requests have changed themselves (its change times its
-- share). Over the values of a dimension they add up to 1; a value that is only in one window is all mix.
-- param by: text errors/latency/requests = errors | what is compared
-- param status: status = 5xx,460           | what counts as an error
-- param baseline_from: timestamp?          | start of the baseline; else as long before its end as the window is long
-- param baseline_to: timestamp?            | end of the baseline, not included; else the start of the window
-- param chance: float 0.000000001..0.5 = 0.05 | of listing any value of a dimension where nothing differs
-- param min_requests: integer 1.. = 10     | values with fewer requests, in both windows together, are left out
-- param values: integer 1.. = 5            | values of a dimension at most
-- param limit: integer 1..100000 = 30      | values at most
-- column dimension: text                   | what is looked at; `all` first: all requests
-- column value: text                       | its value, NULL if there is none; of `all` the two windows
-- column requests: integer                 | requests in the window; for latency those with a duration, without WebSocket
-- column requests_before: integer          | requests in the baseline
-- column share: float ratio 0..1           | of all requests in the window
-- column share_before: float ratio 0..1    | of all requests in the baseline
-- column total: float                      | errors, seconds or requests of these in the window
-- column total_before: float               | the same in the baseline
-- column rate: float                       | error rate, mean duration in seconds, or requests per second
-- column rate_before: float                | the same in the baseline
-- column mix: float ratio                  | of the change: as there are more or fewer of these; NULL for requests
-- column own: float ratio                  | of the change: as these have changed
-- column explains: float ratio             | of the change: what is lost without these
-- column at_least: float ratio 0..1        | explains, less its uncertainty; of `all`: how much of the change is not chance
-- example: albatross query compare --from "2026-11-19 19:00" --to "2026-11-19 19:30" --by latency
WITH both AS (
  SELECT *, CASE WHEN is_in THEN x ELSE 0 END AS x1, CASE WHEN is_in THEN 0 ELSE x END AS x0,
            CASE WHEN is_in THEN CAST(x AS DOUBLE) * x ELSE 0 END AS xx1, CASE WHEN is_in THEN 0 ELSE CAST(x AS DOUBLE) * x END AS xx0,
            CASE WHEN is_in THEN 1 ELSE 0 END AS one1, CASE WHEN is_in THEN 0 ELSE 1 END AS one0
  FROM (
    SELECT *, started_at >= $from AND started_at < $to AS is_in,
           -- Whole errors, microseconds and requests: they add up to the same in any order.
           CASE $by WHEN 'errors' THEN CASE WHEN elb_status_code IN ($status) THEN 1 ELSE 0 END
                    WHEN 'latency' THEN CAST(round(1000000 * duration) AS BIGINT)
                    ELSE 1 END AS x
    FROM alb
    WHERE (started_at >= $from AND started_at < $to
           OR started_at >= coalesce($baseline_from, coalesce($baseline_to, $from) - ($to - $from))
              AND started_at < coalesce($baseline_to, $from))
      AND ($by <> 'latency' OR duration IS NOT NULL AND coalesce(type, '') NOT IN ('ws', 'wss'))
  )
),
-- Dimensions with few values are counted together in one pass; a size is told by the number of its digits.
combined AS (
  SELECT elb_status_code, request_verb, request_proto, cause, elb, extract(hour FROM started_at) AS hour,
         CAST(least(greatest(floor(log10(greatest(sent_bytes, 1))), 2), 7) AS INT) AS sent,
         CAST(least(greatest(floor(log10(greatest(received_bytes, 1))), 2), 7) AS INT) AS received,
         sum(one1) AS n1, sum(one0) AS n0, sum(x1) AS s1, sum(x0) AS s0, sum(xx1) AS q1, sum(xx0) AS q0
  FROM both GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
),
-- For each value: n requests, the sum s of x, and the sum q of its squares, in the window (1) and before (0).
sums AS (
  SELECT dimension,
         CASE dimension
           WHEN 'status' THEN CAST(elb_status_code AS VARCHAR)
           WHEN 'method' THEN request_verb
           WHEN 'protocol' THEN request_proto
           WHEN 'cause' THEN cause
           WHEN 'lb' THEN elb
           WHEN 'hour' THEN lpad(CAST(hour AS VARCHAR), 2, '0') || ':00'
           WHEN 'sent' THEN CASE sent WHEN 2 THEN 'below 1 kB' WHEN 3 THEN '1 to 10 kB' WHEN 4 THEN '10 to 100 kB'
                                      WHEN 5 THEN '100 kB to 1 MB' WHEN 6 THEN '1 to 10 MB' WHEN 7 THEN 'from 10 MB' END
           WHEN 'received' THEN CASE received WHEN 2 THEN 'below 1 kB' WHEN 3 THEN '1 to 10 kB' WHEN 4 THEN '10 to 100 kB'
                                      WHEN 5 THEN '100 kB to 1 MB' WHEN 6 THEN '1 to 10 MB' WHEN 7 THEN 'from 10 MB' END
         END AS value,
         sum(n1) AS n1, sum(n0) AS n0, sum(s1) AS s1, sum(s0) AS s0, sum(q1) AS q1, sum(q0) AS q0
  FROM combined
  CROSS JOIN (VALUES ('status'), ('method'), ('protocol'), ('cause'), ('lb'), ('hour'), ('sent'), ('received')) AS d(dimension)
  -- An hour of the day that only one window reaches says which window it is, and explains nothing.
  WHERE dimension <> 'hour'
     OR (hour - extract(hour FROM $from) + 24) % 24
          < (extract(epoch FROM $to) - extract(epoch FROM date_trunc('hour', $from))) / 3600
        AND (hour - extract(hour FROM coalesce($baseline_from, coalesce($baseline_to, $from) - ($to - $from))) + 24) % 24
          < (extract(epoch FROM coalesce($baseline_to, $from))
             - extract(epoch FROM date_trunc('hour', coalesce($baseline_from, coalesce($baseline_to, $from) - ($to - $from))))) / 3600
  GROUP BY 1, 2 HAVING sum(n1) + sum(n0) >= $min_requests
  UNION ALL
  SELECT 'route', coalesce(request_verb, '-') || ' ' || coalesce(route, '-'),
         sum(one1), sum(one0), sum(x1), sum(x0), sum(xx1), sum(xx0)
  FROM both GROUP BY request_verb, route HAVING count(*) >= $min_requests
  UNION ALL
  SELECT 'target', CASE WHEN target_port IS NULL THEN target_ip
                        WHEN strpos(target_ip, ':') > 0 THEN '[' || target_ip || ']:' || target_port
                        ELSE target_ip || ':' || target_port END,
         sum(one1), sum(one0), sum(x1), sum(x0), sum(xx1), sum(xx0)
  FROM both GROUP BY target_ip, target_port HAVING count(*) >= $min_requests
  UNION ALL
  SELECT 'client', client_ip, sum(one1), sum(one0), sum(x1), sum(x0), sum(xx1), sum(xx0)
  FROM both GROUP BY client_ip HAVING count(*) >= $min_requests
  UNION ALL
  SELECT 'agent', user_agent, sum(one1), sum(one0), sum(x1), sum(x0), sum(xx1), sum(xx0)
  FROM both GROUP BY user_agent HAVING count(*) >= $min_requests
  UNION ALL
  SELECT 'host', host, sum(one1), sum(one0), sum(x1), sum(x0), sum(xx1), sum(xx0)
  FROM both GROUP BY host HAVING count(*) >= $min_requests
  UNION ALL
  SELECT 'all', arrow_cast($from, 'Utf8') || ' to ' || arrow_cast($to, 'Utf8') || ' against '
                || arrow_cast(coalesce($baseline_from, coalesce($baseline_to, $from) - ($to - $from)), 'Utf8')
                || ' to ' || arrow_cast(coalesce($baseline_to, $from), 'Utf8'),
         sum(one1), sum(one0), sum(x1), sum(x0), sum(xx1), sum(xx0)
  FROM both HAVING count(*) > 0
),
-- The same beside those of all requests (big letters), in errors, seconds or requests; T is seconds of the window.
beside AS (
  SELECT dimension, value,
         n1, n0, s1 / unit AS s1, s0 / unit AS s0, q1 / unit / unit AS q1, q0 / unit / unit AS q0,
         max(CASE WHEN dimension = 'all' THEN n1 END) OVER () AS all_n1,
         max(CASE WHEN dimension = 'all' THEN n0 END) OVER () AS all_n0,
         max(CASE WHEN dimension = 'all' THEN s1 END) OVER () / unit AS all_s1,
         max(CASE WHEN dimension = 'all' THEN s0 END) OVER () / unit AS all_s0,
         max(CASE WHEN dimension = 'all' THEN q1 END) OVER () / unit / unit AS all_q1,
         max(CASE WHEN dimension = 'all' THEN q0 END) OVER () / unit / unit AS all_q0,
         extract(epoch FROM $to) - extract(epoch FROM $from) AS t1,
         extract(epoch FROM coalesce($baseline_to, $from))
         - extract(epoch FROM coalesce($baseline_from, coalesce($baseline_to, $from) - ($to - $from))) AS t0,
         -- Logarithm of the allowed chance for each value; the quantile of the normal distribution for it, by Mills' ratio.
         ln(count(*) OVER (PARTITION BY dimension) / $chance) AS l
  FROM (SELECT dimension, value, CAST(n1 AS DOUBLE) AS n1, CAST(n0 AS DOUBLE) AS n0, s1, s0, q1, q0,
               CASE $by WHEN 'latency' THEN 1000000.0 ELSE 1.0 END AS unit
        FROM sums)
),
-- The rate of all and its change; the mean of the others (r), the variance of all (v), the growth of the others. NULL where there is
-- nothing to divide by.
others AS (
  SELECT *, sqrt(greatest(2 * l - ln(2 * l) - ln(2 * pi()), 1)) AS z,
         s1 / nullif(n1, 0) AS m1, s0 / nullif(n0, 0) AS m0,
         CASE $by WHEN 'requests' THEN all_n1 / t1 ELSE all_s1 / nullif(all_n1, 0) END AS all_m1,
         CASE $by WHEN 'requests' THEN all_n0 / t0 ELSE all_s0 / nullif(all_n0, 0) END AS all_m0,
         (all_s1 - s1) / nullif(all_n1 - n1, 0) AS r1,
         (all_s0 - s0) / nullif(all_n0 - n0, 0) AS r0,
         greatest(all_q1 / nullif(all_n1, 0) - power(all_s1 / nullif(all_n1, 0), 2), 0) AS v1,
         greatest(all_q0 / nullif(all_n0, 0) - power(all_s0 / nullif(all_n0, 0), 2), 0) AS v0,
         (all_n1 - n1) / nullif(all_n0 - n0, 0) AS growth
  FROM beside
),
-- What the change would lose without the value, and the standard error of that. For all: the change itself.
effects AS (
  SELECT *, all_m1 - all_m0 AS change,
         CASE WHEN dimension = 'all' THEN all_m1 - all_m0
              WHEN $by = 'requests' THEN (n1 - n0 * growth) / t1
              ELSE (s1 - n1 * r1) / all_n1 - (s0 - n0 * r0) / all_n0 END AS effect,
         sqrt(CASE WHEN dimension = 'all' AND $by = 'requests' THEN n1 / t1 / t1 + n0 / t0 / t0
                   WHEN dimension = 'all' THEN greatest(v1, (v1 * n1 + v0 * n0) / (n1 + n0)) / nullif(n1, 0)
                                               + greatest(v0, (v1 * n1 + v0 * n0) / (n1 + n0)) / nullif(n0, 0)
                   WHEN $by = 'requests' THEN (greatest(n1, n0 * growth) + growth * growth * n0
                                               + power(n0 * growth, 2) * (1 / nullif(all_n1 - n1, 0) + 1 / nullif(all_n0 - n0, 0))) / t1 / t1
                   ELSE (greatest(q1 - 2 * r1 * s1 + n1 * r1 * r1, n1 * v1) + n1 * n1 * v1 / nullif(all_n1 - n1, 0)) / all_n1 / all_n1
                        + (greatest(q0 - 2 * r0 * s0 + n0 * r0 * r0, n0 * v0) + n0 * n0 * v0 / nullif(all_n0 - n0, 0)) / all_n0 / all_n0
              END) AS error
  FROM others
),
judged AS (
  SELECT *, effect / nullif(change, 0) AS explains,
         least(greatest((abs(effect) - z * error) / nullif(abs(change), 0), 0), 1) AS at_least,
         n1 / nullif(all_n1, 0) AS share1, n0 / nullif(all_n0, 0) AS share0
  FROM effects
),
ranked AS (
  SELECT *, row_number() OVER (PARTITION BY dimension ORDER BY score DESC, value) AS place
  FROM (SELECT *, CASE WHEN dimension = 'all' THEN 2 ELSE at_least * (1 - greatest(share1, share0)) END AS score
        FROM judged WHERE dimension = 'all' OR explains > 0 AND at_least > 0)
)
SELECT dimension, value, CAST(n1 AS BIGINT) AS requests, CAST(n0 AS BIGINT) AS requests_before,
       round(share1, 6) AS share, round(share0, 6) AS share_before,
       round(s1, 3) AS total, round(s0, 3) AS total_before,
       round(CASE $by WHEN 'requests' THEN n1 / t1 ELSE m1 END, 6) AS rate,
       round(CASE $by WHEN 'requests' THEN n0 / t0 ELSE m0 END, 6) AS rate_before,
       round(CASE WHEN $by <> 'requests'
                  THEN (share1 - share0) * ((coalesce(m1, m0) + coalesce(m0, m1)) - (all_m1 + all_m0)) / 2 / nullif(change, 0)
             END, 4) AS mix,
       round(CASE $by WHEN 'requests' THEN n1 / t1 - n0 / t0
                      ELSE (share1 + share0) / 2 * (coalesce(m1, m0) - coalesce(m0, m1)) END / nullif(change, 0), 4) AS own,
       round(explains, 4) AS explains, round(at_least, 4) AS at_least
FROM ranked
WHERE place <= $values
ORDER BY score DESC, dimension, value
LIMIT $limit + 1
