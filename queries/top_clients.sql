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
  SELECT client_ip, count(*) AS requests,
         count(*) FILTER (WHERE elb_status_code IN ($status)) AS errors,
         sum(sent_bytes) AS bytes,
         min(started_at) AS first_seen,
         max(started_at) AS last_seen
  FROM alb
  WHERE started_at >= $from AND started_at < $to
  GROUP BY 1
),
busiest AS (
  SELECT *, requests / CAST(all_requests AS DOUBLE) AS share
  FROM (SELECT *, sum(requests) OVER () AS all_requests FROM clients)
  ORDER BY requests DESC, client_ip
  LIMIT $limit
),
-- Only for those on top: keeping the different values of every client would take long.
habits AS (
  SELECT alb.client_ip, count(DISTINCT route) AS routes, count(DISTINCT user_agent) AS agents, max(user_agent) AS an_agent
  FROM alb JOIN busiest ON alb.client_ip = busiest.client_ip
  WHERE started_at >= $from AND started_at < $to
  GROUP BY 1
)
SELECT busiest.client_ip AS client, requests, round(share, 6) AS share,
       errors, round(errors / CAST(requests AS DOUBLE), 6) AS error_rate,
       bytes, routes, agents, an_agent, first_seen, last_seen
FROM busiest LEFT JOIN habits ON habits.client_ip = busiest.client_ip
ORDER BY requests DESC, client
