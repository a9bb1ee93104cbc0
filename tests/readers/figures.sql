-- What a lake holds, in figures that every reader must agree on: one row per figure, two columns, `figure` and `value`.
-- Only what DataFusion, DuckDB and Polars all understand: Albatross, deltalake, DuckDB and Polars run this very file.
-- Times are microseconds since 1970 (UTC), duration is in seconds; a sum over nothing is 0. Every value is a DOUBLE, which
-- holds the integers here exactly (below 2^53).
WITH totals AS (
  SELECT count(*) AS n,
         coalesce(sum(received_bytes), 0) AS received,
         coalesce(sum(sent_bytes), 0) AS sent,
         coalesce(sum(duration), 0) AS duration,
         count(duration) AS durations,
         count(target_status_code) AS answered_by_target,
         count(cause) AS causes,
         count(DISTINCT source_file) AS files,
         count(DISTINCT day) AS days,
         count(DISTINCT route) AS routes,
         coalesce(round(date_part('epoch', min(started_at)) * 1000000), 0) AS first_start,
         coalesce(round(date_part('epoch', max(started_at)) * 1000000), 0) AS last_start
  FROM alb
)
SELECT 'alb: rows' AS figure, CAST(n AS DOUBLE) AS value FROM totals
UNION ALL SELECT 'alb: sum of received_bytes', CAST(received AS DOUBLE) FROM totals
UNION ALL SELECT 'alb: sum of sent_bytes', CAST(sent AS DOUBLE) FROM totals
UNION ALL SELECT 'alb: sum of duration', CAST(duration AS DOUBLE) FROM totals
UNION ALL SELECT 'alb: rows with a duration', CAST(durations AS DOUBLE) FROM totals
UNION ALL SELECT 'alb: rows with a target_status_code', CAST(answered_by_target AS DOUBLE) FROM totals
UNION ALL SELECT 'alb: rows with a cause', CAST(causes AS DOUBLE) FROM totals
UNION ALL SELECT 'alb: source files', CAST(files AS DOUBLE) FROM totals
UNION ALL SELECT 'alb: days', CAST(days AS DOUBLE) FROM totals
UNION ALL SELECT 'alb: routes', CAST(routes AS DOUBLE) FROM totals
UNION ALL SELECT 'alb: first started_at', CAST(first_start AS DOUBLE) FROM totals
UNION ALL SELECT 'alb: last started_at', CAST(last_start AS DOUBLE) FROM totals
UNION ALL SELECT concat('alb: rows with elb_status_code ', coalesce(CAST(code AS VARCHAR), 'NULL')), CAST(n AS DOUBLE) FROM
                 (SELECT elb_status_code AS code, count(*) AS n FROM alb GROUP BY elb_status_code) AS codes
UNION ALL SELECT concat('alb: rows of day ', CAST(day AS VARCHAR)), CAST(n AS DOUBLE) FROM
                 (SELECT day, count(*) AS n FROM alb GROUP BY day) AS days
UNION ALL SELECT 'metrics: rows', CAST(count(*) AS DOUBLE) FROM metrics
UNION ALL SELECT 'metrics: sum of maximum', CAST(coalesce(sum(maximum), 0) AS DOUBLE) FROM metrics
UNION ALL SELECT 'rejects: rows', CAST(count(*) AS DOUBLE) FROM rejects
