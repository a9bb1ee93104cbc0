-- source: single queries from public repositories, authors not known

-- name: latency per endpoint and minute (load test)
SELECT
  date_trunc('minute', from_iso8601_timestamp(time)) AS minute,
  regexp_replace(
    url_extract_path(request_url),
    '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}',
    '{id}'
  ) AS endpoint,
  count(*) AS requests,
  approx_percentile(target_processing_time, 0.50) AS p50_s,
  approx_percentile(target_processing_time, 0.95) AS p95_s,
  approx_percentile(target_processing_time, 0.99) AS p99_s,
  max(target_processing_time) AS max_s
FROM alb_access_logs
WHERE user_agent LIKE 'districtr-stress-test/%'
  AND target_processing_time >= 0
GROUP BY 1, 2
ORDER BY 1, 2;

-- name: error rate per endpoint (load test)
SELECT
  regexp_replace(
    url_extract_path(request_url),
    '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}',
    '{id}'
  ) AS endpoint,
  count(*) AS requests,
  count_if(elb_status_code BETWEEN 400 AND 499) AS count_4xx,
  count_if(elb_status_code >= 500) AS count_5xx,
  round(100.0 * count_if(elb_status_code >= 500) / count(*), 2) AS pct_5xx
FROM alb_access_logs
WHERE user_agent LIKE 'districtr-stress-test/%'
GROUP BY 1
ORDER BY count_5xx DESC, requests DESC;

-- name: errors per path in a week
-- clock
SELECT url_extract_path(request_url) AS path, elb_status_code, count(*) AS n
FROM alb_access_logs
WHERE day >= date_format(current_date - interval '7' day, '%Y/%m/%d')
  AND elb_status_code >= 400
GROUP BY 1, 2 ORDER BY n DESC LIMIT 50;

-- name: what the load balancer answered itself
-- clock
SELECT time, client_ip, request_url, elb_status_code, actions_executed
FROM alb_access_logs
WHERE day >= date_format(current_date - interval '1' day, '%Y/%m/%d')
  AND target_status_code = '-'
ORDER BY time DESC LIMIT 100;

-- name: 4xx in Seoul's time
-- clock
SELECT
  from_iso8601_timestamp(time) AT TIME ZONE 'Asia/Seoul' AS time_kst,
  client_ip,
  request_verb,
  request_url,
  elb_status_code,
  target_status_code,
  user_agent
FROM alb_access_logs
WHERE day BETWEEN date_format(current_date - INTERVAL '2' DAY, '%Y/%m/%d')
              AND date_format(current_date, '%Y/%m/%d')
  AND elb_status_code BETWEEN 400 AND 499
ORDER BY time_kst DESC
LIMIT 1000;

-- name: 99th percentile of 5xx
SELECT elb_status_code, target_status_code, target_ip, count(*) AS hits,
       approx_percentile(target_processing_time, 0.99) AS p99
FROM alb_logs
WHERE day = '2026/10/01' AND elb_status_code >= 500
GROUP BY 1, 2, 3
ORDER BY hits DESC
LIMIT 20;

-- name: error rate per hour
-- stable
SELECT
    date_trunc('hour', date_parse(time, '%Y-%m-%dT%H:%i:%s.%fZ')) AS hour,
    COUNT(*) AS total_requests,
    SUM(CASE WHEN elb_status_code >= 500 THEN 1 ELSE 0 END) AS error_5xx_count,
    ROUND(100.0 * SUM(CASE WHEN elb_status_code >= 500 THEN 1 ELSE 0 END) / COUNT(*), 2) AS error_rate_pct
FROM alb_logs
GROUP BY 1
ORDER BY 1 DESC

-- name: URLs per hour (AWS SaaS Boost)
SELECT date_trunc('hour', (date_parse(time, '%Y-%m-%dT%H:%i:%s.%fZ'))) AS time_hour,
concat(url_extract_path(request_url), '+',request_verb) as url,
count(1) as count
FROM alb_logs
WHERE target_status_code = '200'
GROUP BY  concat(url_extract_path(request_url),'+',request_verb),
date_trunc('hour', (date_parse(time, '%Y-%m-%dT%H:%i:%s.%fZ'))) 
order by 1;

-- name: requests per hour in Tokyo's time
SELECT time,request_verb,request_url, count(time) AS count
  FROM (
   SELECT date_trunc('hour',from_iso8601_timestamp(time) AT TIME ZONE 'Asia/Tokyo') AS time,request_verb,request_url
   FROM "db"."alb_logs"
   WHERE  DATE_PARSE(time, '%Y-%m-%dT%H:%i:%S.%fZ') >= DATE_PARSE('2019-02-14 12:50:00', '%Y-%m-%d %H:%i:%S')
    AND DATE_PARSE(time, '%Y-%m-%dT%H:%i:%S.%fZ') < DATE_PARSE('2019-02-14 13:00:00', '%Y-%m-%d %H:%i:%S')
  )
  GROUP BY time,request_verb,request_url
  ORDER BY time,request_verb,request_url

-- name: paths
SELECT url_extract_path(request_url),
       count(*)
FROM alb_logs
GROUP BY url_extract_path(request_url) 

-- name: slowest paths of recent time
-- clock
SELECT request_url, elb_status_code, target_status_code
FROM alb_access_logs
WHERE request_url LIKE '%/your-path%'
  AND from_iso8601_timestamp(time) > now() - interval '15' minute
ORDER BY time DESC;

-- name: old TLS by what is called
SELECT COUNT(ssl_cipher) AS count,
   ssl_protocol,
   request_url,
   user_agent,
   url_extract_path(request_url) as path,
   element_at(split(regexp_extract(url_extract_path(request_url), '(api\/)(create\/(p|P)ost|list/(p|P)ost)\/((\w+\-){4}\w+)'), '/'), -1) as animportant_GUID
         
FROM alb_logs

GROUP BY ssl_protocol, request_url, user_agent

HAVING ssl_protocol != 'TLSv1.2'
  AND ssl_protocol != '-'
  AND url_extract_path(request_url) != '/api/ignorethispath' -- excluded, there are no UUIDs or any IDs in this request path

ORDER BY COUNT DESC

-- name: share of errors per minute and target group
-- changed: conditions on the partitions region, year and month are left out
SELECT
  DATE_TRUNC('minute', FROM_ISO8601_TIMESTAMP(time)) as minute,
  target_group_arn,
  target_status_code,
  COUNT(*) as error_count,
  ROUND(COUNT(*) * 100.0 / SUM(COUNT(*)) OVER (PARTITION BY DATE_TRUNC('minute', FROM_ISO8601_TIMESTAMP(time)), target_group_arn), 2) as error_percentage
FROM alb_access_logs
WHERE day = '15'
  AND target_status_code >= 400
GROUP BY DATE_TRUNC('minute', FROM_ISO8601_TIMESTAMP(time)), target_group_arn, target_status_code
ORDER BY minute DESC;
