-- coverage: is the log complete?
-- A load balancer's node delivers a file for every five minutes in which it had requests, some minutes late, and AWS does
-- not promise all of them. Between a node's first and last file, every five minutes without a file are a missing slot: a
-- lost file, or a quiet node. Files whose names are not AWS's are not counted.
-- column elb: text                         | load balancer
-- column node_ip: text                     | address of its node
-- column first_slot: timestamp             | end of its first five minutes, UTC
-- column last_slot: timestamp              | end of its last five minutes, UTC
-- column expected: integer                 | slots from the first to the last
-- column seen: integer                     | slots with a file
-- column missing: integer                  | slots without
-- column share: float ratio 0..1           | seen / expected
-- column longest_gap: integer              | missing slots in a row, at most
-- column longest_gap_start: timestamp      | start of that gap, UTC
-- column files: integer                    | files; busy nodes deliver several per slot
-- column rows: integer                     | requests in these files
-- column rejects: integer                  | lines in these files that could not be read
-- example: albatross query coverage --from yesterday --to today
WITH slots AS (
  SELECT elb, node_ip, interval_end, count(*) AS files, sum(rows) AS rows, sum(rejects) AS rejects
  FROM ingested
  -- The slot ends at interval_end; slots that reach into the range count.
  WHERE interval_end > $from AND interval_end < $to + INTERVAL '5 minutes'
  GROUP BY 1, 2, 3
),
gaps AS (
  SELECT *,
         lag(interval_end) OVER (PARTITION BY elb, node_ip ORDER BY interval_end) AS previous,
         (to_unixtime(interval_end)
          - to_unixtime(lag(interval_end) OVER (PARTITION BY elb, node_ip ORDER BY interval_end))) / 300 - 1 AS gap
  FROM slots
)
SELECT elb, node_ip,
       min(interval_end) AS first_slot,
       max(interval_end) AS last_slot,
       count(*) + coalesce(sum(gap), 0) AS expected,
       count(*) AS seen,
       coalesce(sum(gap), 0) AS missing,
       round(count(*) / CAST(count(*) + coalesce(sum(gap), 0) AS DOUBLE), 6) AS share,
       coalesce(max(gap), 0) AS longest_gap,
       first_value(CASE WHEN gap > 0 THEN previous END ORDER BY coalesce(gap, 0) DESC, interval_end) AS longest_gap_start,
       sum(files) AS files,
       sum(rows) AS rows,
       sum(rejects) AS rejects
FROM gaps
GROUP BY 1, 2
ORDER BY missing DESC, elb, node_ip
