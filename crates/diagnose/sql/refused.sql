-- refused: who asked for what is not there or not allowed?
-- param limit: integer 1..1000 = 3   | rows at most
SELECT client_ip AS client, elb_status_code AS status, count(*) AS requests, count(DISTINCT path) AS paths, max(user_agent) AS an_agent
FROM alb
WHERE started_at >= $from AND started_at < $to AND elb_status_code IN (400, 401, 403, 404, 405, 429)
GROUP BY 1, 2
ORDER BY requests DESC, client, status
LIMIT $limit
