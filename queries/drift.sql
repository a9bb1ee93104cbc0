-- drift: does the log hold what its documentation does not know?
-- AWS adds fields at the end of a line, at times before it documents them, and values to a field. Nothing of it is lost: surplus
-- fields are kept in `extra` as written. Older and shorter lines are no drift.
-- column what: text                        | `fields` behind the documented ones, or an unknown `type`, `action` or `classification`
-- column value: text                       | how many fields more, as `3 more`; or the unknown value
-- column elb: text                         | load balancer
-- column lines: integer                    | requests with it
-- column share: float ratio 0..1           | of the load balancer's requests from `since` on
-- column since: timestamp                  | arrival of the first, UTC
-- column last_seen: timestamp              | arrival of the last, UTC
-- column example: text                     | of the first: the surplus fields, or the value
-- column a_file: text                      | where the first stands
-- column a_line: integer                   | line in that file, counted from 1
-- example: albatross query drift --from -7d
WITH found AS (
  SELECT 'fields' AS what, regexp_count(extra, '"([^"\\]|\\.)*"|[^ "]+') || ' more' AS value, extra AS example,
         elb, started_at, source_file, line
  FROM alb WHERE started_at >= $from AND started_at < $to AND extra IS NOT NULL
  UNION ALL
  SELECT 'type', type, type AS example, elb, started_at, source_file, line
  FROM alb WHERE started_at >= $from AND started_at < $to AND type NOT IN ('http', 'https', 'h2', 'grpcs', 'ws', 'wss')
  UNION ALL
  SELECT 'action', action, actions_executed, elb, started_at, source_file, line
  FROM (SELECT unnest(string_to_array(actions_executed, ',')) AS action, actions_executed, elb, started_at, source_file, line
        FROM alb
        WHERE started_at >= $from AND started_at < $to AND actions_executed NOT IN ('forward', 'waf,forward', 'redirect'))
  WHERE action NOT IN ('authenticate', 'fixed-response', 'forward', 'jwt-validation', 'redirect', 'rewrite', 'waf', 'waf-failed')
  UNION ALL
  SELECT 'classification', classification, classification AS example, elb, started_at, source_file, line
  FROM alb WHERE started_at >= $from AND started_at < $to AND classification NOT IN ('Acceptable', 'Ambiguous', 'Severe')
),
kinds AS (
  SELECT what, value, elb, count(*) AS lines, min(started_at) AS since, max(started_at) AS last_seen,
         first_value(example ORDER BY started_at, source_file, line) AS example,
         first_value(source_file ORDER BY started_at, source_file, line) AS a_file,
         first_value(line ORDER BY started_at, source_file, line) AS a_line
  FROM found
  GROUP BY what, value, elb
),
totals AS (
  SELECT what, value, kinds.elb, count(*) AS of_lines
  FROM kinds JOIN alb ON alb.elb IS NOT DISTINCT FROM kinds.elb
  WHERE alb.started_at >= since AND alb.started_at >= $from AND alb.started_at < $to
  GROUP BY what, value, kinds.elb
)
SELECT kinds.what, kinds.value, kinds.elb, lines, round(lines / CAST(of_lines AS DOUBLE), 6) AS share, since, last_seen,
       substr(example, 1, 200) AS example, a_file, a_line
FROM kinds JOIN totals ON totals.what = kinds.what AND totals.value = kinds.value AND (totals.elb IS NOT DISTINCT FROM kinds.elb)
ORDER BY lines DESC, what, value, elb
