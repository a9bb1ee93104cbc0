-- top_clients: who asks most, and do they get answers?
-- The address is that of the load balancer's peer: behind a CDN or a proxy, that is the CDN or the proxy.
-- param status: status = 4xx,5xx           | what counts as an error
-- param limit: integer 1..100000 = 20      | rows at most
-- column client: text                      | address
-- column requests: integer                 | all requests
-- column share: float ratio 0..1           | of the requests of all clients
-- column errors: integer                   | those with the status
-- column error_rate: float ratio 0..1      | errors / requests
-- column bytes: integer bytes              | sent to the client
-- column routes: integer                   | different routes it asked for
-- column agents: integer                   | different user agents it named
-- column an_agent: text                    | one of them
-- column first_seen: timestamp             | arrival of its first request, UTC
-- column last_seen: timestamp              | arrival of its last request, UTC
-- example: albatross query top_clients --from -1h
WITH clients AS (
  SELECT client_ip AS client,
         count(*) AS requests,
         count(*) FILTER (WHERE elb_status_code IN ($status)) AS errors,
         sum(sent_bytes) AS bytes,
         count(DISTINCT route) AS routes,
         count(DISTINCT user_agent) AS agents,
         max(user_agent) AS an_agent,
         min(started_at) AS first_seen,
         max(started_at) AS last_seen
  FROM alb
  WHERE started_at >= $from AND started_at < $to
  GROUP BY 1
)
SELECT client, requests,
       round(requests / CAST(sum(requests) OVER () AS DOUBLE), 6) AS share,
       errors, round(errors / CAST(requests AS DOUBLE), 6) AS error_rate,
       bytes, routes, agents, an_agent, first_seen, last_seen
FROM clients
ORDER BY requests DESC, client
LIMIT $limit
