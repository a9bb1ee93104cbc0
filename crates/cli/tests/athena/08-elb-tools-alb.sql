-- source: https://github.com/aws/elastic-load-balancing-tools/blob/master/amazon-athena-for-elb/Analyzing_ALB_Access_Logs_with_Amazon_Athena.md

-- name: clients of a period
    SELECT client_ip,
         count(client_ip) AS requestCount,
         avg(received_bytes+sent_bytes) AS avgTransactionSize,
         sum(received_bytes+sent_bytes) AS totalBytes
    FROM alb_logs
    WHERE time > '2018-11-01'
            AND time < '2018-11-29'
    GROUP BY  client_ip
    ORDER BY  requestCount DESC limit 10;

-- name: data processed in a period
    SELECT count(client_ip) AS totalRequestCount,
         avg(received_bytes+sent_bytes) AS avgTransactionSize,
         sum(received_bytes+sent_bytes) AS totalBytes
    FROM alb_logs
    WHERE time > '2018-11-29'
            AND time < '2018-12-01';

-- name: client addresses
    SELECT DISTINCT client_ip
    FROM alb_logs limit 100;

-- name: top 100 clients
    SELECT client_ip,
         count(client_ip) AS ct
    FROM alb_logs
    GROUP BY  client_ip
    ORDER BY  ct DESC limit 100;

-- name: top 100 clients with sizes
    SELECT client_ip,
         count(client_ip) AS requestCount,
         avg(received_bytes+sent_bytes) AS avgTransactionSize
    FROM alb_logs
    GROUP BY  client_ip
    ORDER BY  requestCount DESC limit 100;

-- name: ciphers by use
    SELECT DISTINCT ssl_cipher,
         count(ssl_cipher) AS cipherCount
    FROM alb_logs
    GROUP BY  ssl_cipher limit 100;

-- name: top 100 backends
    SELECT target_ip AS backend,
         count(target_ip) AS count,
         avg(received_bytes)+avg(sent_bytes) AS avgTransactionSize
    FROM alb_logs
    GROUP BY  target_ip
    ORDER BY  count DESC limit 100;

-- name: summary of the load balancer
-- stable
    SELECT count(1) AS requests,
         count(1)/date_diff('second',date_parse(min(time),'%Y-%m-%dT%H:%i:%s.%fZ'),date_parse(max(time),'%Y-%m-%dT%H:%i:%s.%fZ')) AS requestPerSecond,avg(received_bytes + sent_bytes) AS avg_requestSize_bytes, min(time) AS startTime, max(time) AS endTime
    FROM alb_logs;

-- name: requests that do not comply
    SELECT COUNT(1) AS requests,
     request_verb,
     classification,
     classification_reason
    FROM alb_logs
    GROUP BY request_verb, classification, classification_reason
    LIMIT 100;
