-- coverage_gaps: which five minutes are missing or late?
-- The slots behind the numbers of `coverage`, which explains the words: those of a node that follow each other in one row.
-- param states: list = missing,late        | which to list: missing, late, away
-- param gone: duration 5m.. = 2h           | silent for longer while others are not, a node is away
-- column elb: text                         | load balancer
-- column node_ip: text                     | address of its node
-- column state: text                       | `missing`, `late` or `away`
-- column start: timestamp                  | start of the first slot, UTC
-- column end: timestamp                    | end of the last slot, UTC
-- column slots: integer                    | five-minute slots from start to end
-- column alone: integer                    | of them, slots in which other nodes of the load balancer delivered, at most; NULL if late
-- column ingested_at: timestamp            | when the last of the late files was in the lake, UTC
-- example: albatross query coverage_gaps --from yesterday --to today
-- example: albatross query coverage_gaps --states missing --fail-on-rows
WITH counted AS (
  SELECT *, to_unixtime(slot) / 300 AS n,
         to_unixtime($from) / 300 + 1 AS low,
         to_unixtime($to - INTERVAL '1 microsecond') / 300 + 1 AS high
  FROM slots
),
gaps AS (
  SELECT elb, node_ip,
         CASE WHEN gap * 300 > extract(epoch FROM $gone) AND gap_of_others > 0 THEN 'away' ELSE 'missing' END AS state,
         greatest(previous_slot, date_bin(INTERVAL '5 minutes', $from)) AS start,
         least(slot - INTERVAL '5 minutes',
               date_bin(INTERVAL '5 minutes', $to - INTERVAL '1 microsecond') + INTERVAL '5 minutes') AS "end",
         least(n - 1, high) - greatest(n - gap, low) + 1 AS slots,
         least(least(n - 1, high) - greatest(n - gap, low) + 1, gap_of_others) AS alone,
         arrow_cast(NULL, 'Timestamp(Microsecond, Some("UTC"))') AS ingested_at
  FROM counted
  WHERE gap > 0 AND n > low AND n - gap <= high
),
late AS (
  SELECT *, n - row_number() OVER (PARTITION BY elb, node_ip ORDER BY n) AS run
  FROM counted
  WHERE is_late AND n >= low AND n <= high
)
SELECT elb, node_ip, state, start, "end", slots, alone, ingested_at
FROM (
  SELECT * FROM gaps
  UNION ALL
  SELECT elb, node_ip, 'late', min(slot) - INTERVAL '5 minutes', max(slot), count(*), NULL, max(ingested_at)
  FROM late GROUP BY elb, node_ip, run
)
WHERE state IN ($states)
ORDER BY start, elb, node_ip, state
