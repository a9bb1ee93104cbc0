-- source: https://github.com/aws/elastic-load-balancing-tools/blob/master/log-analysis-elb-cdk-cf-template/templates/alb_logs.yaml
-- filled in: "tb_alb_logs_${LBLogsBucketName}", the name of the table that the template makes, as alb_access_logs

-- name: TLS versions
-- clock
SELECT elb, ssl_protocol, ROUND((COUNT(ssl_protocol)* 100.0 / (SELECT COUNT(*) FROM "alb_access_logs" WHERE ssl_protocol != '-')),2) AS percentage, COUNT() AS requests
            FROM "alb_access_logs"
            WHERE from_iso8601_timestamp(time) > current_timestamp - interval '30' day
                AND NOT ssl_protocol = '-'
            GROUP BY elb, ssl_protocol
            ORDER BY percentage DESC

-- name: TLS ciphers
-- clock
SELECT elb, ssl_cipher, ROUND((COUNT(ssl_cipher)* 100.0 / (SELECT COUNT(*) FROM "alb_access_logs" WHERE ssl_cipher != '-')),2) AS percentage, COUNT() AS requests
            FROM "alb_access_logs"
            WHERE from_iso8601_timestamp(time) > current_timestamp - interval '30' day
                AND NOT ssl_cipher = '-'
            GROUP BY elb, ssl_cipher
            ORDER BY percentage DESC

-- name: request types
-- clock
SELECT elb, type, round((Count(type)* 100.0 / (Select Count(*) From "alb_access_logs")),2) AS percentage, COUNT(type) AS requests
            FROM "alb_access_logs"
            WHERE from_iso8601_timestamp(time) > current_timestamp - interval '30' day
            GROUP BY  elb, type
            ORDER BY percentage DESC

-- name: TLS versions and ciphers
-- clock
SELECT DISTINCT elb, ssl_cipher, ssl_protocol,  count(ssl_cipher) AS requests
            FROM "alb_access_logs"
            WHERE from_iso8601_timestamp(time) > current_timestamp - interval '30' day
                AND NOT ssl_protocol = '-'
            GROUP BY elb, ssl_cipher,ssl_protocol
            ORDER BY requests DESC

-- name: top 10 talkers of TLS 1.0
-- clock
SELECT elb, client_ip, COUNT(*) AS requests
            FROM "alb_access_logs"
            WHERE from_iso8601_timestamp(time) > current_timestamp - interval '30' day
                AND ssl_protocol = 'TLSv1'
            GROUP BY elb, client_ip
            ORDER BY requests DESC
            LIMIT 10

-- name: top 100 clients and user agents of TLS 1.0
-- clock
SELECT DISTINCT(elb, client_ip, ssl_protocol, user_agent), COUNT(*) AS requests
            FROM "alb_access_logs"
            WHERE from_iso8601_timestamp(time) > current_timestamp - interval '30' day
                AND ssl_protocol = 'TLSv1'
            GROUP BY (elb, client_ip, ssl_protocol, user_agent)
            ORDER BY requests DESC
            LIMIT 100

-- name: top 10 talkers
-- clock
SELECT elb, client_ip, COUNT(*) AS requests
            FROM "alb_access_logs"
            WHERE from_iso8601_timestamp(time) > current_timestamp - interval '30' day
            GROUP BY elb, client_ip
            ORDER BY requests DESC
            LIMIT 10

-- name: top 10 talkers of a period
SELECT elb, client_ip, COUNT(*) AS requests
            FROM "alb_access_logs"
            WHERE time >= '2022-09-12T00:00:00.000000Z'
            AND time <= '2022-09-19T23:59:59.9999999Z'
            GROUP BY elb, client_ip
            ORDER BY requests DESC
            LIMIT 10

-- name: megabytes per client
-- clock
SELECT elb, client_ip, ROUND(sum(received_bytes/1000000.0),2) as client_data_received_megabytes
            FROM "alb_access_logs"
            WHERE from_iso8601_timestamp(time) > current_timestamp - interval '30' day
            -- WHERE time >= '2022-09-12T00:00:00.000000Z'
            -- AND time <= '2022-09-19T23:59:59.9999999Z'
            GROUP by elb, client_ip
            ORDER by client_data_received_megabytes DESC;

-- name: average size
-- clock
SELECT elb, ROUND((avg(sent_bytes)/1000.0 + avg(received_bytes)/1000.0),2) as avg_request_response_kilobytes
            FROM "alb_access_logs"
            WHERE from_iso8601_timestamp(time) > current_timestamp - interval '30' day
            -- WHERE time >= '2022-09-12T00:00:00.000000Z'
            -- AND time <= '2022-09-19T23:59:59.9999999Z'
            GROUP BY elb

-- name: requests per target
-- clock
SELECT elb, target_ip, ROUND((Count(target_ip)* 100.0 / (Select Count(*) From "alb_access_logs" WHERE from_iso8601_timestamp(time) > current_timestamp - interval '30' day AND NOT target_ip = '')),2)
            as backend_traffic_percentage
            FROM "alb_access_logs"
            WHERE from_iso8601_timestamp(time) > current_timestamp - interval '30' day
                AND NOT target_ip = ''
            GROUP by elb, target_ip
            ORDER By count() DESC;

-- name: 4xx and 5xx of the load balancer
-- clock
SELECT * FROM "alb_access_logs"
            WHERE from_iso8601_timestamp(time) > current_timestamp - interval '30' day
                -- WHERE time >= '2022-09-12T00:00:00.000000Z'
                -- AND time <= '2022-09-19T23:59:59.9999999Z'
                -- AND elb_status_code = 400
                AND elb_status_code BETWEEN 400 AND 599;

-- name: 4xx and 5xx of the targets
-- clock
SELECT * FROM "alb_access_logs"
            WHERE from_iso8601_timestamp(time) > current_timestamp - interval '30' day
                -- WHERE time >= '2022-09-12T00:00:00.000000Z'
                -- AND time <= '2022-09-19T23:59:59.9999999Z'
                -- AND target_status_code = 400
                AND target_status_code BETWEEN 400 AND 599;

-- name: clients per URL
-- clock
SELECT client_ip, elb, request_url, count(*) as count FROM "alb_access_logs"
            WHERE from_iso8601_timestamp(time) > current_timestamp - interval '30' day
            -- WHERE time >= '2022-09-12T00:00:00.000000Z'
            -- AND time <= '2022-09-19T23:59:59.9999999Z'
            GROUP by client_ip, elb, request_url
            ORDER by count DESC;

-- name: top 100 user agents
-- clock
SELECT elb, user_agent, COUNT(*) AS requests
            FROM "alb_access_logs"
            WHERE from_iso8601_timestamp(time) > current_timestamp - interval '30' day
            -- WHERE time >= '2022-09-12T00:00:00.000000Z'
            -- AND time <= '2022-09-19T23:59:59.9999999Z'
            GROUP BY elb, user_agent
            ORDER BY requests DESC
            LIMIT 100;

-- name: slow responses
-- clock
SELECT * FROM "alb_access_logs"
            WHERE from_iso8601_timestamp(time) > current_timestamp - interval '30' day
            -- WHERE time >= '2022-09-12T00:00:00.000000Z'
            -- AND time <= '2022-09-19T23:59:59.9999999Z'
            AND target_processing_time >= 5.0

-- name: aggregated log information
-- clock
SELECT elb,
                count(1) AS requestCount,
                min(time) as firstLogTime,
                max(time) as lastLogTime,
                ROUND(avg(received_bytes+sent_bytes)) AS avgTransactionSize,
                sum(received_bytes) as totalBytesReceived,
                sum(sent_bytes) as totalBytesSent,
                sum(received_bytes+sent_bytes) AS totalBytes
            FROM "alb_access_logs"
            WHERE from_iso8601_timestamp(time) > current_timestamp - interval '30' day
            -- WHERE time >= '2022-09-12T00:00:00.000000Z'
            -- AND time <= '2022-09-19T23:59:59.9999999Z'
            GROUP BY elb
            ORDER BY requestCount DESC limit 10;

-- name: traffic per node and target
-- clock
SELECT target_ip AS target,
                count(target_ip) AS count,
                sum(received_bytes) as totalRecvBytes,
                sum(sent_bytes) as totalSentBytes,
                avg(received_bytes)+avg(sent_bytes) AS avgTransactionSize,
                avg(request_processing_time) as avgRequestTime,
                avg(target_processing_time) as avgLatency,
                avg(response_processing_time) as avgResponseTime,
                regexp_extract("$path",'((1?[0-9][0-9]?|2[0-4][0-9]|25[0-5])\.){3}(1?[0-9][0-9]?|2[0-4][0-9]|25[0-5])') AS elb_ip,
                approx_percentile(request_processing_time, 0.99) as P99Request,
                approx_percentile(target_processing_time, 0.99) as P99Latency,
                approx_percentile(response_processing_time, 0.99) as P99Response,
                approx_percentile(request_processing_time, 0.999) as P999Request,
                approx_percentile(target_processing_time, 0.999) as P999Latency,
                approx_percentile(response_processing_time, 0.999) as P999Response
            FROM "alb_access_logs"
            WHERE from_iso8601_timestamp(time) > current_timestamp - interval '30' day
            -- WHERE time >= '2022-09-12T00:00:00.000000Z'
            -- AND time <= '2022-09-19T23:59:59.9999999Z'
            GROUP BY  target_ip, regexp_extract("$path",'((1?[0-9][0-9]?|2[0-4][0-9]|25[0-5])\.){3}(1?[0-9][0-9]?|2[0-4][0-9]|25[0-5])')
            ORDER BY count DESC limit 1000;
