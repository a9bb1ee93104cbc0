-- source: https://github.com/awsdocs/amazon-athena-user-guide/blob/02015604/doc_source/application-load-balancer-logs.md

-- name: requests per verb and client
SELECT COUNT(request_verb) AS
 count,
 request_verb,
 client_ip
FROM alb_logs
GROUP BY request_verb, client_ip
LIMIT 100;

-- name: URLs visited with Safari
SELECT request_url
FROM alb_logs
WHERE user_agent LIKE '%Safari%'
LIMIT 10;

-- name: bytes per client between two times
-- fails: alb_logs_config_us | a table that this page does not define
SELECT client_ip, sum(received_bytes)
FROM alb_logs_config_us
WHERE parse_datetime(time,'yyyy-MM-dd''T''HH:mm:ss.SSSS''Z')
  BETWEEN 
    parse_datetime('2018-05-30-12:00:00','yyyy-MM-dd-HH:mm:ss')
    AND
    parse_datetime('2018-05-31-00:00:00','yyyy-MM-dd-HH:mm:ss')
GROUP BY client_ip;
