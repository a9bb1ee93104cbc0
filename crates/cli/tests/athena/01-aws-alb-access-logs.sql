-- source: https://docs.aws.amazon.com/athena/latest/ug/query-alb-access-logs-examples.html

-- name: requests per verb and client
SELECT COUNT(request_verb) AS
 count,
 request_verb,
 client_ip
FROM alb_access_logs
GROUP BY request_verb, client_ip
LIMIT 100;

-- name: URLs visited with Safari
SELECT request_url
FROM alb_access_logs
WHERE user_agent LIKE '%Safari%'
LIMIT 10;

-- name: status 500 and above
SELECT * FROM alb_access_logs
WHERE elb_status_code >= 500

-- name: bytes per client between two times
SELECT client_ip, sum(received_bytes) 
FROM alb_access_logs
WHERE parse_datetime(time,'yyyy-MM-dd''T''HH:mm:ss.SSSSSS''Z') 
     BETWEEN parse_datetime('2018-05-30-12:00:00','yyyy-MM-dd-HH:mm:ss') 
     AND parse_datetime('2018-05-31-00:00:00','yyyy-MM-dd-HH:mm:ss') 
GROUP BY client_ip;

-- name: one day of a table with partition projection
SELECT * 
FROM alb_access_logs 
WHERE day = '2022/02/12'
