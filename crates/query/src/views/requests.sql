-- One shape for every layer that a request passes. The same request has a row in each layer that logs it.
-- A WebSocket connection, and a TLS connection through an NLB, is a row, but the time it stayed open is not the duration of a request.
SELECT started_at AS arrival,
       CASE WHEN type IN ('ws', 'wss') THEN NULL ELSE duration END AS duration,
       'alb' AS layer,
       client_ip AS client,
       request_verb AS method,
       host,
       path,
       route,
       elb_status_code AS status,
       target_status_code AS upstream_status,
       sent_bytes AS bytes,
       user_agent AS agent,
       trace_id,
       CASE WHEN target_port IS NULL THEN target_ip
            WHEN strpos(target_ip, ':') > 0 THEN '[' || target_ip || ']:' || target_port
            ELSE target_ip || ':' || target_port END AS target,
       cause,
       received_bytes,
       CAST(NULL AS VARCHAR) AS request_id,
       conn_trace_id AS connection_id,
       CAST(NULL AS VARCHAR) AS forwarded_for,
       source_file,
       line
FROM alb
UNION ALL
SELECT started_at AS arrival, duration, 'clb' AS layer, client_ip AS client, request_verb AS method, host, path, route,
       elb_status_code AS status, backend_status_code AS upstream_status, sent_bytes AS bytes, user_agent AS agent, NULL AS trace_id,
       CASE WHEN backend_port IS NULL THEN backend_ip WHEN strpos(backend_ip, ':') > 0 THEN '[' || backend_ip || ']:' || backend_port ELSE backend_ip || ':' || backend_port END AS target,
       cause, received_bytes, NULL AS request_id, NULL AS connection_id, NULL AS forwarded_for, source_file, line
FROM clb
UNION ALL
SELECT started_at AS arrival, NULL AS duration, 'nlb' AS layer, client_ip AS client, NULL AS method, host, NULL AS path, NULL AS route,
       NULL AS status, NULL AS upstream_status, sent_bytes AS bytes, NULL AS agent, NULL AS trace_id, NULL AS target, cause,
       received_bytes, NULL AS request_id, NULL AS connection_id, NULL AS forwarded_for, source_file, line
FROM nlb
UNION ALL
SELECT started_at AS arrival, CASE WHEN cs_protocol IN ('ws', 'wss') THEN NULL ELSE duration END AS duration, 'cloudfront' AS layer,
       c_ip AS client, cs_method AS method, host, path, route, sc_status AS status, NULL AS upstream_status, sc_bytes AS bytes,
       user_agent AS agent, NULL AS trace_id, NULL AS target, cause, cs_bytes AS received_bytes, x_edge_request_id AS request_id,
       connection_id, x_forwarded_for AS forwarded_for, source_file, line
FROM cloudfront
UNION ALL
-- nginx's error log knows the cause better than the access log. Both are written when the request ends; neither has an id of the other.
SELECT started_at AS arrival, duration, 'nginx' AS layer, remote_addr AS client, request_method AS method, host, path, route, status,
       upstream_status_last AS upstream_status, coalesce(bytes_sent, body_bytes_sent) AS bytes, http_user_agent AS agent,
       http_x_amzn_trace_id AS trace_id, upstream_addr AS target, coalesce(said.said_cause, nginx.cause) AS cause,
       request_length AS received_bytes, request_id, CAST(connection AS VARCHAR) AS connection_id,
       http_x_forwarded_for AS forwarded_for, source_file, line
FROM nginx
LEFT JOIN (
    SELECT client AS said_client, request_method AS said_method, path AS said_path, date_trunc('second', time) + after AS said_at,
           min(cause) AS said_cause
    FROM nginx_error CROSS JOIN (VALUES (INTERVAL '-1 second'), (INTERVAL '0 second'), (INTERVAL '1 second')) AS around (after)
    WHERE cause IS NOT NULL AND path IS NOT NULL
    GROUP BY 1, 2, 3, 4
) AS said
  ON nginx.status >= 400 AND said_client = remote_addr AND said_method = request_method AND said_path = path
 AND said_at = date_trunc('second', nginx.time)
UNION ALL
SELECT started_at AS arrival, duration, 'apache' AS layer, remote_host AS client, request_method AS method, host, path, route, status,
       NULL AS upstream_status, coalesce(bytes_sent, response_bytes) AS bytes, user_agent AS agent, trace_id, NULL AS target, cause,
       bytes_received AS received_bytes, request_id, NULL AS connection_id, x_forwarded_for AS forwarded_for, source_file, line
FROM apache
UNION ALL
-- A function that was stopped at its limit said so in an event of its own in the past, and says so in its report today.
SELECT arrow_cast(CAST(time AS BIGINT) - CAST(duration_ms * 1000 AS BIGINT), 'Timestamp(Microsecond, Some("UTC"))') AS arrival,
       duration_ms / 1000.0 AS duration, 'lambda' AS layer, NULL AS client, NULL AS method, function AS host, NULL AS path,
       NULL AS route, NULL AS status, NULL AS upstream_status, NULL AS bytes, NULL AS agent, xray_trace_id AS trace_id, NULL AS target,
       coalesce(lambda.cause, ended_cause) AS cause, NULL AS received_bytes, request_id, NULL AS connection_id, NULL AS forwarded_for,
       source_file, line
FROM lambda
LEFT JOIN (
    SELECT request_id AS ended_id, min(cause) AS ended_cause FROM lambda WHERE event <> 'report' AND cause IS NOT NULL GROUP BY 1
) AS ended ON ended_id = request_id
WHERE event = 'report'
