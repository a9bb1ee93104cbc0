-- DuckDB's equivalent of queries/top_clients.sql with its defaults: 4xx and 5xx, limit 20.
WITH clients AS (
  SELECT client_ip AS client,
         count(*) AS requests,
         count(*) FILTER (WHERE elb_status_code BETWEEN 400 AND 599) AS errors,
         sum(sent_bytes) AS bytes,
         count(DISTINCT route) AS routes,
         count(DISTINCT user_agent) AS agents,
         max(user_agent) AS an_agent,
         min(started_at) AS first_seen,
         max(started_at) AS last_seen
  FROM alb
  GROUP BY 1
)
SELECT client, requests,
       round(requests / sum(requests) OVER (), 6) AS share,
       errors, round(errors / requests, 6) AS error_rate,
       bytes, routes, agents, an_agent, first_seen, last_seen
FROM clients
ORDER BY requests DESC, client
LIMIT 20
