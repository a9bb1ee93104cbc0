-- clients: who got the errors?
-- param limit: integer 1..1000 = 3   | rows at most
SELECT client_ip AS client, count(*) AS errors, count(*) OVER () AS clients
FROM alb
WHERE started_at >= $from AND started_at < $to AND coalesce(type, '') NOT IN ('ws', 'wss') AND duration IS NOT NULL
  AND (elb_status_code >= 500 OR elb_status_code IN (0, 408, 413, 460, 463, 464))
GROUP BY 1
ORDER BY errors DESC, client
LIMIT $limit
