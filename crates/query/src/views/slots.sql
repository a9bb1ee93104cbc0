-- What came of each load-balancer node for each five minutes, by AWS's file names. A slot is named by its end.
-- It is late if its last file got into the lake five minutes or more after files of the same load balancer that are fifteen minutes
-- younger: when those were taken, it was not there. (How long after the slot's end a file got into the lake says nothing where the log
-- of a night is ingested in the morning.)
WITH files AS (
  SELECT elb, node_ip, "rows", rejects, ingested_at,
         date_bin(INTERVAL '5 minutes', interval_end + INTERVAL '299 seconds') AS slot
  FROM ingested
  WHERE interval_end IS NOT NULL
),
balancers AS (
  SELECT elb, slot, to_unixtime(slot) / 300 AS n, min(ingested_at) AS first_ingested_at
  FROM files GROUP BY elb, slot
),
ranked AS (
  SELECT elb, slot,
         row_number() OVER (PARTITION BY elb ORDER BY n) AS place,
         min(first_ingested_at) OVER (PARTITION BY elb ORDER BY n DESC
                                      RANGE BETWEEN UNBOUNDED PRECEDING AND 3 PRECEDING) AS younger_ingested_at
  FROM balancers
),
nodes AS (
  SELECT elb, node_ip, slot, count(*) AS files, sum("rows") AS "rows", sum(rejects) AS rejects,
         max(ingested_at) AS ingested_at
  FROM files GROUP BY elb, node_ip, slot
),
joined AS (
  SELECT nodes.*, place, younger_ingested_at,
         lag(nodes.slot) OVER (PARTITION BY nodes.elb, node_ip ORDER BY nodes.slot) AS previous_slot,
         lag(place) OVER (PARTITION BY nodes.elb, node_ip ORDER BY nodes.slot) AS previous_place
  FROM nodes JOIN ranked ON (ranked.elb IS NOT DISTINCT FROM nodes.elb) AND ranked.slot = nodes.slot
)
SELECT elb, node_ip, slot, files, "rows", rejects, ingested_at,
       coalesce(to_unixtime(ingested_at) - to_unixtime(younger_ingested_at) >= 300, false) AS is_late,
       previous_slot,
       coalesce((to_unixtime(slot) - to_unixtime(previous_slot)) / 300 - 1, 0) AS gap,
       coalesce(CAST(place AS BIGINT) - CAST(previous_place AS BIGINT) - 1, 0) AS gap_of_others
FROM joined
