-- source: https://github.com/aws/elastic-load-balancing-tools/blob/master/log-analysis-elb-cdk-cf-template/templates/nlb_logs.yaml
-- filled in: "tb_nlb_logs_${LBLogsBucketName}", the name of the table that the template makes, as nlb_tls_logs

-- name: TLS versions
-- clock
SELECT elb, tls_protocol_version, ROUND((COUNT(tls_protocol_version)* 100.0 / (SELECT COUNT(*) FROM "nlb_tls_logs" WHERE tls_protocol_version != '-')),2) AS percentage, COUNT() AS requests
            FROM "nlb_tls_logs"
            WHERE from_iso8601_timestamp(time) > current_timestamp - interval '30' day
                AND NOT tls_protocol_version = '-'
            GROUP BY elb, tls_protocol_version
            ORDER BY percentage DESC

-- name: top 10 talkers of TLS 1.0
-- clock
SELECT elb, client_ip, COUNT(*) as requests
            FROM "nlb_tls_logs"
            WHERE from_iso8601_timestamp(time) > current_timestamp - interval '30' day
                AND tls_protocol_version = 'tlsv1'
            GROUP BY elb, client_ip
            ORDER BY requests DESC
            LIMIT 10

-- name: top 10 talkers
-- clock
SELECT elb, client_ip, COUNT(*) as requests
            FROM "nlb_tls_logs"
            WHERE from_iso8601_timestamp(time) > current_timestamp - interval '30' day
            GROUP BY elb, client_ip
            ORDER BY requests DESC
            LIMIT 10
