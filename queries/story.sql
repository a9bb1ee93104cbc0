-- story: what went wrong, in plain words?
-- The first thing to read at night: when errors rose and who answered, maximum against average CPU, which endpoint keeps
-- the targets busy, the causes with what to check, and how complete the log is. Every sentence is computed from the
-- lake; the queries behind it are 502_spikes, max_cpu_correlation, slow_endpoints, errors_by_cause, coverage and
-- rejects_by_reason. Errors are 5xx, and 460: the client gave up.
-- param bucket: duration 1s..7d = 5m       | width of a bucket when looking for rises
-- param metric: text = CPUUtilization      | name of the metric; series without a name count too
-- param limit: float 0.. = 99              | percent; a maximum from here on is at its limit
-- param alarm: float 0.. = 80              | percent; where an alarm on the average would be
-- column topic: text                       | traffic, errors, cpu, slow endpoint, cause, coverage or rejects
-- column finding: text                     | a sentence or a few
-- example: albatross query story --from -24h
WITH buckets AS (
  SELECT date_bin($bucket, started_at) AS start,
         count(*) AS requests,
         count(*) FILTER (WHERE elb_status_code >= 500 OR elb_status_code = 460) AS errors,
         count(*) FILTER (WHERE elb_status_code = 500) AS s500,
         count(*) FILTER (WHERE elb_status_code = 502) AS s502,
         count(*) FILTER (WHERE elb_status_code = 503) AS s503,
         count(*) FILTER (WHERE elb_status_code = 504) AS s504,
         count(*) FILTER (WHERE elb_status_code = 460) AS s460,
         count(*) FILTER (WHERE elb_status_code >= 500 AND answered_by = 'load_balancer') AS by_load_balancer,
         count(*) FILTER (WHERE elb_status_code >= 500 AND answered_by = 'target') AS by_target,
         count(*) FILTER (WHERE type IN ('ws', 'wss')) AS connections,
         count(*) FILTER (WHERE type IN ('ws', 'wss') AND (elb_status_code >= 500 OR elb_status_code = 460)) AS failed_connections,
         min(started_at) AS first_seen,
         max(started_at) AS last_seen
  FROM alb
  WHERE started_at >= $from AND started_at < $to
  GROUP BY 1
),
-- The test of 502_spikes, explained there.
ranked AS (
  SELECT *,
         ln(count(*) OVER () / 0.01) AS too_improbable,
         2 * rank() OVER (ORDER BY errors / CAST(requests AS DOUBLE)) <= count(*) OVER () + 1 AS is_low
  FROM buckets
),
first AS (
  SELECT *, requests * (sum(CASE WHEN is_low THEN errors ELSE 0 END) OVER () + 1.0)
                     / sum(CASE WHEN is_low THEN requests ELSE 0 END) OVER () AS first_expected
  FROM ranked
),
second AS (
  SELECT *, requests * (sum(CASE WHEN is_quiet THEN errors ELSE 0 END) OVER () + 1.0)
                     / sum(CASE WHEN is_quiet THEN requests ELSE 0 END) OVER () AS expected
  FROM (SELECT *, CASE WHEN errors > first_expected
                       THEN errors * ln(errors / first_expected) - errors + first_expected < too_improbable
                       ELSE true END AS is_quiet
        FROM first)
),
judged AS (
  SELECT *, errors >= 5 AND errors >= 2 * expected
            AND CASE WHEN errors > expected
                     THEN errors * ln(errors / expected) - errors + expected >= too_improbable
                     ELSE false END AS is_spike
  FROM second
),
-- Spikes with one calmer bucket between them are one incident.
joined AS (
  SELECT *, is_spike OR (coalesce(lag(is_spike) OVER (ORDER BY start), false)
                         AND coalesce(lead(is_spike) OVER (ORDER BY start), false)) AS in_incident
  FROM judged
),
begun AS (
  SELECT *, CASE WHEN to_unixtime(start) - lag(to_unixtime(start)) OVER (ORDER BY start)
                      <= 2 * extract(epoch FROM $bucket) THEN 0 ELSE 1 END AS begins
  FROM joined WHERE in_incident
),
incidents AS (
  SELECT min(start) AS start, max(start) + $bucket AS end, sum(requests) AS requests, sum(errors) AS errors,
         round(sum(expected), 6) AS expected, sum(s500) AS s500, sum(s502) AS s502, sum(s503) AS s503, sum(s504) AS s504,
         sum(s460) AS s460, sum(by_load_balancer) AS by_load_balancer, sum(by_target) AS by_target,
         row_number() OVER (ORDER BY sum(errors) DESC, min(start)) AS rank,
         count(*) OVER () AS incidents
  FROM (SELECT *, sum(begins) OVER (ORDER BY start) AS incident FROM begun)
  GROUP BY incident
),
totals AS (
  SELECT coalesce(sum(requests - connections), 0) AS requests, coalesce(sum(errors - failed_connections), 0) AS errors,
         coalesce(sum(connections), 0) AS connections, coalesce(sum(failed_connections), 0) AS failed_connections,
         min(first_seen) AS first_seen, max(last_seen) AS last_seen
  FROM buckets
),
-- WebSocket connections are counted apart, as in diagnose and report.
traffic AS (
  SELECT 10 AS place, 'traffic' AS topic,
         CASE WHEN first_seen IS NULL THEN 'There are no requests in this time.'
              ELSE requests || ' requests' || CASE WHEN connections = 0 THEN '' ELSE ' and ' || connections || ' WebSocket connection' || CASE WHEN connections = 1 THEN '' ELSE 's' END END
                   || ' from ' || to_char(first_seen, '%Y-%m-%d %H:%M') || ' to ' || to_char(last_seen, '%Y-%m-%d %H:%M') || ' UTC; '
                   || errors || CASE WHEN connections = 0 THEN ' of them' ELSE ' of the requests' END || ' failed'
                   || coalesce(' (' || round(100.0 * errors / nullif(requests, 0), 2) || ' %)', '')
                   || CASE WHEN connections = 0 THEN '' ELSE ', and ' || failed_connections || ' of the connections' END || '.'
         END AS finding
  FROM totals
),
rises AS (
  SELECT 20 + rank AS place, 'errors' AS topic,
         'Errors rose from ' || to_char(start, '%Y-%m-%d %H:%M') || ' to '
         || CASE WHEN date_trunc('day', start) = date_trunc('day', end) THEN '' ELSE to_char(end, '%Y-%m-%d ') END
         || to_char(end, '%H:%M') || ' UTC: '
         || errors || ' of ' || requests || ' requests failed (' || round(100.0 * errors / requests, 1)
         || ' %), where this traffic explains ' || round(expected, 1) || '. Statuses: '
         || concat_ws(', ',
              CASE WHEN s502 > 0 THEN s502 || ' x 502' END, CASE WHEN s504 > 0 THEN s504 || ' x 504' END,
              CASE WHEN s503 > 0 THEN s503 || ' x 503' END, CASE WHEN s500 > 0 THEN s500 || ' x 500' END,
              CASE WHEN s460 > 0 THEN s460 || ' x 460' END,
              CASE WHEN errors > s500 + s502 + s503 + s504 + s460
                   THEN (errors - s500 - s502 - s503 - s504 - s460) || ' others' END)
         || '. Answered by the load balancer: ' || by_load_balancer || ', by a target: ' || by_target
         || ', client gone: ' || s460 || '.'
         || CASE WHEN rank = 3 AND incidents > 3 THEN ' There are ' || (incidents - 3) || ' smaller rises more.' ELSE '' END
         AS finding
  FROM incidents WHERE rank <= 3
),
no_rise AS (
  SELECT 20 AS place, 'errors' AS topic, 'At no time were there more errors than the traffic explains.' AS finding
  FROM totals WHERE first_seen IS NOT NULL AND NOT EXISTS (SELECT 1 FROM incidents)
),
cpu AS (
  SELECT minute, round(avg(average), 6) AS average, max(maximum) AS maximum
  FROM (
    SELECT to_unixtime(time) / 60 + unnest(range(0, greatest(period_s / 60, 1))) AS minute, average, maximum
    FROM metrics
    WHERE time >= $from - INTERVAL '60 minutes' AND time < $to AND (metric = $metric OR metric IS NULL)
  )
  WHERE minute >= to_unixtime($from) / 60 AND minute * 60 < to_unixtime($to)
  GROUP BY minute
),
cpu_range AS (
  SELECT count(*) AS minutes,
         count(*) FILTER (WHERE maximum >= $limit) AS at_limit,
         count(*) FILTER (WHERE average >= $alarm) AS alarmed,
         max(maximum) AS highest_maximum, max(average) AS highest_average
  FROM cpu
),
cpu_incident AS (
  SELECT count(*) AS minutes,
         count(*) FILTER (WHERE maximum >= $limit) AS at_limit,
         max(average) AS highest_average
  FROM cpu JOIN incidents ON minute * 60 >= to_unixtime(start) AND minute * 60 < to_unixtime(end) AND rank = 1
),
-- Error rates of minutes with the maximum at its limit, and of the others.
rates AS (
  SELECT sum(errors) FILTER (WHERE maximum >= $limit)
           / CAST(sum(requests) FILTER (WHERE maximum >= $limit) AS DOUBLE) AS at_limit,
         sum(errors) FILTER (WHERE maximum < $limit)
           / CAST(sum(requests) FILTER (WHERE maximum < $limit) AS DOUBLE) AS below_limit
  FROM (
    SELECT to_unixtime(started_at) / 60 AS minute, count(*) AS requests,
           count(*) FILTER (WHERE elb_status_code >= 500 OR elb_status_code = 460) AS errors
    FROM alb WHERE started_at >= $from AND started_at < $to GROUP BY 1
  ) AS requests
  JOIN cpu ON cpu.minute = requests.minute
),
cpu_story AS (
  SELECT 30 AS place, 'cpu' AS topic,
         CASE
           WHEN r.minutes = 0 THEN 'There is no ' || $metric || ' for this time: ingest it to see whether the targets were busy.'
           WHEN r.highest_maximum IS NULL THEN 'There is only an average of ' || $metric || ' (at most '
                || round(r.highest_average, 1) || ' %): fetch the maximum too, which shows what an average hides.'
           ELSE
             CASE WHEN i.minutes > 0 THEN 'During the largest rise maximum CPU was at ' || round($limit, 1) || ' % or more for '
                    || i.at_limit || ' of ' || i.minutes || ' minutes'
                    || coalesce(' while the average never passed ' || round(i.highest_average, 1) || ' %', '') || '. '
                  ELSE '' END
             || 'In all, the maximum was there for ' || r.at_limit || ' of ' || r.minutes || ' minutes (highest: '
             || round(r.highest_maximum, 1) || ' %)'
             || coalesce('; the highest average was ' || round(r.highest_average, 1) || ' %, so an alarm on the average at '
                         || round($alarm, 1) || ' % would ' || CASE WHEN r.alarmed > 0 THEN '' ELSE 'not ' END || 'have fired', '')
             || '.'
             || coalesce(' ' || round(100.0 * rates.at_limit, 1) || ' % of requests failed in minutes with the maximum at its limit, '
                         || round(100.0 * rates.below_limit, 1) || ' % in the others.', '')
         END AS finding
  FROM cpu_range AS r CROSS JOIN cpu_incident AS i CROSS JOIN rates
),
-- Percentiles by counting durations in steps, and target time in whole microseconds, as in slow_endpoints.
steps AS (
  SELECT request_verb, route,
         CAST(floor(ln(greatest(duration, 0.0001)) * 400) AS INT) AS step,
         count(*) AS requests,
         count(duration) AS timed,
         max(duration) AS longest,
         round(1000000 * sum(coalesce(target_processing_time,
                                      CASE WHEN target_ip IS NOT NULL THEN duration END, 0.0))) AS target_us,
         sum(sent_bytes) AS bytes
  FROM alb
  WHERE started_at >= $from AND started_at < $to AND coalesce(type, '') NOT IN ('ws', 'wss')
  GROUP BY 1, 2, 3
),
endpoints AS (
  SELECT coalesce(request_verb, '-') || ' ' || coalesce(route, '-') AS endpoint,
         sum(requests) AS requests,
         min(CASE WHEN up_to_here >= 0.5 * of_all THEN longest END) AS p50,
         min(CASE WHEN up_to_here >= 0.99 * of_all THEN longest END) AS p99,
         sum(target_us) AS target_us,
         sum(bytes) AS bytes
  FROM (SELECT *, sum(timed) OVER (PARTITION BY request_verb, route ORDER BY step ROWS UNBOUNDED PRECEDING) AS up_to_here,
                  sum(timed) OVER (PARTITION BY request_verb, route ORDER BY step
                                   ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS of_all
        FROM steps)
  GROUP BY request_verb, route
),
shares AS (
  SELECT *,
         requests / CAST(sum(requests) OVER () AS DOUBLE) AS request_share,
         target_us / nullif(sum(target_us) OVER (), 0.0) AS time_share,
         median(p99) OVER () AS usual_p99,
         count(*) OVER () AS endpoints
  FROM endpoints
),
-- Slow rather than busy: it takes a larger share of the time than of the requests, by a tenth of everything at least.
slow AS (
  SELECT *, row_number() OVER (ORDER BY time_share - request_share DESC, endpoint) AS rank
  FROM shares WHERE time_share - request_share >= 0.1
),
slow_story AS (
  SELECT 40 + rank AS place, 'slow endpoint' AS topic,
         endpoint || ' takes ' || round(100.0 * time_share, 1) || ' % of all target time with '
         || round(100.0 * request_share, 1) || ' % of the requests (' || requests || '): median '
         || round(p50, 2) || ' s, 99th percentile ' || round(p99, 2) || ' s'
         || CASE WHEN endpoints > 1 THEN ', where the median endpoint has ' || round(usual_p99, 2) || ' s' ELSE '' END
         || '. It returns ' || round(bytes / 1000.0 / requests, 1) || ' kB per request.' AS finding
  FROM slow WHERE rank <= 2
),
failed AS (
  SELECT cause, coalesce(request_verb, '-') || ' ' || coalesce(route, '-') AS endpoint, count(*) AS requests,
         min(elb_status_code) AS lowest, max(elb_status_code) AS highest
  FROM alb
  WHERE started_at >= $from AND started_at < $to
    AND cause IS NOT NULL AND (elb_status_code >= 500 OR elb_status_code = 460)
  GROUP BY 1, 2
),
failed_most AS (
  SELECT *, sum(requests) OVER (PARTITION BY cause) AS all_requests,
         min(lowest) OVER (PARTITION BY cause) AS all_lowest, max(highest) OVER (PARTITION BY cause) AS all_highest,
         row_number() OVER (PARTITION BY cause ORDER BY requests DESC, endpoint) AS place_in_cause
  FROM failed
),
leading AS (
  SELECT *, row_number() OVER (ORDER BY all_requests DESC, cause) AS rank FROM failed_most WHERE place_in_cause = 1
),
cause_story AS (
  SELECT 50 + rank AS place, 'cause' AS topic,
         all_requests || ' x ' || leading.cause || ' (' || all_lowest
         || CASE WHEN all_highest > all_lowest THEN ' to ' || all_highest ELSE '' END || '), '
         || CASE WHEN requests = all_requests THEN 'all' ELSE 'most' END || ' of them on ' || endpoint
         || CASE WHEN requests < all_requests THEN ' (' || requests || ')' ELSE '' END
         || coalesce(': ' || meaning || '. Check: ' || what_to_check, '') || '.' AS finding
  FROM leading LEFT JOIN causes ON causes.cause = leading.cause
  WHERE rank <= 3
),
-- As in coverage, where each step is explained.
node_slots AS (
  SELECT *, to_unixtime(slot) / 300 AS n,
         to_unixtime($from) / 300 + 1 AS low,
         to_unixtime($to - INTERVAL '1 microsecond') / 300 + 1 AS high
  FROM slots
),
covered AS (
  SELECT elb, node_ip, n <= high AS is_in,
         CASE WHEN gap > 0 AND NOT (gap > 24 AND gap_of_others > 0)
              THEN greatest(least(n - 1, high) - greatest(n - gap, low) + 1, 0) ELSE 0 END AS missing,
         is_late
  FROM node_slots
  WHERE n >= low AND n - gap <= high
),
coverage_story AS (
  SELECT 60 AS place, 'coverage' AS topic,
         CASE WHEN count(*) = 0 THEN 'Whether the log is complete is not known: no file has a name that AWS gives.'
              ELSE 'Files of ' || count(DISTINCT elb || ' ' || node_ip) || ' load-balancer nodes cover '
                   || count(*) FILTER (WHERE is_in) || ' of ' || (count(*) FILTER (WHERE is_in) + sum(missing))
                   || ' five-minute slots'
                   || CASE WHEN sum(missing) = 0 THEN ''
                           ELSE '; the longest gap is ' || max(missing) || ' slots: lost files, or a node without requests' END
                   || CASE WHEN count(*) FILTER (WHERE is_in AND is_late) = 0 THEN '.'
                           ELSE '; ' || count(*) FILTER (WHERE is_in AND is_late) || ' came late.' END
         END AS finding
  FROM covered
),
rejects_story AS (
  SELECT 70 AS place, 'rejects' AS topic,
         CASE WHEN rejects = 0 THEN 'Every line could be read.'
              ELSE rejects || ' lines could not be read: see rejects_by_reason.' END AS finding
  FROM (SELECT count(*) AS rejects FROM rejects)
)
SELECT topic, finding
FROM (
  SELECT * FROM traffic UNION ALL SELECT * FROM rises UNION ALL SELECT * FROM no_rise UNION ALL SELECT * FROM cpu_story
  UNION ALL SELECT * FROM slow_story UNION ALL SELECT * FROM cause_story UNION ALL SELECT * FROM coverage_story
  UNION ALL SELECT * FROM rejects_story
)
ORDER BY place
