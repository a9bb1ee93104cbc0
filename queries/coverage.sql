-- coverage: is the log complete?
-- A load balancer's node delivers a file for every five minutes, some minutes late, and AWS promises neither all of them nor one
-- for five minutes without requests. From a node's first file to its last, before and after the range too, every five
-- minutes without a file are a missing slot: a lost file, or a quiet node. Quiet is unlikely where other nodes of the load balancer
-- delivered (`alone`). A node that delivers nothing for longer than `gone` while others do was away: load balancers
-- replace their nodes.
--
-- A slot is late if, when its file was ingested, files of the load balancer that are 15 minutes younger had been in the lake
-- for 5 minutes or more. Files whose names are not AWS's are not counted. The view `slots` has every slot.
-- param gone: duration 5m.. = 2h           | silent for longer while others are not, a node is away
-- column elb: text                         | load balancer
-- column node_ip: text                     | address of its node
-- column first_slot: timestamp             | end of its first five minutes with a file, UTC
-- column last_slot: timestamp              | end of its last five minutes with a file, UTC
-- column expected: integer                 | slots in which the node was there: seen + missing
-- column seen: integer                     | slots with a file
-- column missing: integer                  | slots without
-- column share: float ratio 0..1           | seen / expected
-- column longest_gap: integer              | missing slots in a row, at most
-- column longest_gap_start: timestamp      | start of that gap, UTC
-- column files: integer                    | files; busy nodes deliver several per slot
-- column rows: integer                     | requests in these files
-- column rejects: integer                  | lines in these files that could not be read
-- column late: integer                     | of the seen, slots whose file came late
-- column longest_delay: float seconds      | from the end of a late slot until its file was in the lake, at most
-- column alone: integer                    | of the missing, slots in which other nodes of the load balancer delivered, at most
-- column away: integer                     | slots in which the node was away; not expected
-- example: albatross query coverage --from yesterday --to today
WITH counted AS (
  -- Five-minute slots by number: n ends at 300 n seconds. Each stands for itself and for the gap before it.
  SELECT *, to_unixtime(slot) / 300 AS n,
         to_unixtime($from) / 300 + 1 AS low,
         to_unixtime($to - INTERVAL '1 microsecond') / 300 + 1 AS high
  FROM slots
),
cut AS (
  SELECT *, n <= high AS is_in,
         CASE WHEN gap > 0 THEN greatest(least(n - 1, high) - greatest(n - gap, low) + 1, 0) ELSE 0 END AS empty,
         gap * 300 > extract(epoch FROM $gone) AND gap_of_others > 0 AS is_away
  FROM counted
  WHERE n >= low AND n - gap <= high
),
nodes AS (
  SELECT elb, node_ip,
         min(slot) FILTER (WHERE is_in) AS first_slot,
         max(slot) FILTER (WHERE is_in) AS last_slot,
         count(*) FILTER (WHERE is_in) AS seen,
         sum(CASE WHEN is_away THEN 0 ELSE empty END) AS missing,
         max(CASE WHEN is_away THEN 0 ELSE empty END) AS longest_gap,
         first_value(CASE WHEN empty > 0 AND NOT is_away THEN greatest(previous_slot, date_bin(INTERVAL '5 minutes', $from)) END
                     ORDER BY CASE WHEN is_away THEN 0 ELSE empty END DESC, slot) AS longest_gap_start,
         coalesce(sum(files) FILTER (WHERE is_in), 0) AS files,
         coalesce(sum("rows") FILTER (WHERE is_in), 0) AS "rows",
         coalesce(sum(rejects) FILTER (WHERE is_in), 0) AS rejects,
         count(*) FILTER (WHERE is_in AND is_late) AS late,
         CAST(max(to_unixtime(ingested_at) - to_unixtime(slot)) FILTER (WHERE is_in AND is_late) AS DOUBLE) AS longest_delay,
         sum(CASE WHEN is_away THEN 0 ELSE least(empty, gap_of_others) END) AS alone,
         sum(CASE WHEN is_away THEN empty ELSE 0 END) AS away
  FROM cut
  GROUP BY elb, node_ip
)
SELECT elb, node_ip, first_slot, last_slot, seen + missing AS expected, seen, missing,
       round(seen / CAST(seen + missing AS DOUBLE), 6) AS share,
       longest_gap, longest_gap_start, files, "rows", rejects, late, longest_delay, alone, away
FROM nodes
WHERE seen + missing > 0
ORDER BY missing DESC, elb, node_ip
