-- traffic: how much was asked for, and when?
-- param bucket: duration 1s..7d = 1h       | width of a bucket
-- column start: timestamp                  | start of the bucket, UTC; buckets without requests are not listed
-- column requests: integer                 | all requests
-- column requests_per_second: float per second | mean over the bucket
-- column clients: integer                  | client addresses, approximate (within some percent)
-- column websockets: integer               | WebSocket connections among the requests
-- column received_bytes: integer bytes     | received from clients
-- column sent_bytes: integer bytes         | sent to clients
-- column client_errors: integer            | answered with 4xx
-- column server_errors: integer            | answered with 5xx
-- example: albatross query traffic --bucket 1d
SELECT date_bin($bucket, started_at) AS start,
       count(*) AS requests,
       round(count(*) / extract(epoch FROM $bucket), 4) AS requests_per_second,
       approx_distinct(client_ip) AS clients,
       count(*) FILTER (WHERE type IN ('ws', 'wss')) AS websockets,
       sum(received_bytes) AS received_bytes,
       sum(sent_bytes) AS sent_bytes,
       count(*) FILTER (WHERE elb_status_code BETWEEN 400 AND 499) AS client_errors,
       count(*) FILTER (WHERE elb_status_code BETWEEN 500 AND 599) AS server_errors
FROM alb
WHERE started_at >= $from AND started_at < $to
GROUP BY 1
ORDER BY 1
