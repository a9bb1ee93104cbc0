-- source: https://github.com/aws/elastic-load-balancing-tools/blob/master/log-analysis-elb-cdk-cf-template/stacks/athena_stack.py
-- filled in: "{alb_table_name}", the name of the table that the program makes, as alb_access_logs

-- name: TLS versions
-- clock
-- fails: ambiguous | its subquery compares with `>` what is outside of it, which runs in Athena
WITH var as (
                SELECT current_timestamp - interval '30' day as intrvl
            )
            SELECT elb, ssl_protocol, ROUND((COUNT(ssl_protocol)* 100.0 / (SELECT COUNT(*) FROM "alb_access_logs" WHERE ssl_protocol != '-'  AND from_iso8601_timestamp(time) > var.intrvl)),2) AS percentage, COUNT() AS requests
            FROM "alb_access_logs", var
            WHERE from_iso8601_timestamp(time) > var.intrvl
                AND NOT ssl_protocol = '-'
            GROUP BY elb, ssl_protocol, var.intrvl
            ORDER BY percentage DESC
