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
SELECT started_at, duration, 'clb', client_ip, request_verb, host, path, route, elb_status_code, backend_status_code, sent_bytes, user_agent, NULL,
       CASE WHEN backend_port IS NULL THEN backend_ip
            WHEN strpos(backend_ip, ':') > 0 THEN '[' || backend_ip || ']:' || backend_port
            ELSE backend_ip || ':' || backend_port END,
       cause, received_bytes, NULL, NULL, NULL, source_file, line
FROM clb
UNION ALL
SELECT started_at, NULL, 'nlb', client_ip, NULL, host, NULL, NULL, NULL, NULL, sent_bytes, NULL, NULL, NULL,
       cause, received_bytes, NULL, NULL, NULL, source_file, line
FROM nlb
UNION ALL
SELECT started_at, CASE WHEN cs_protocol IN ('ws', 'wss') THEN NULL ELSE duration END,
       'cloudfront', c_ip, cs_method, host, path, route, sc_status, NULL, sc_bytes, user_agent, NULL, NULL,
       cause, cs_bytes, x_edge_request_id, connection_id, x_forwarded_for, source_file, line
FROM cloudfront
UNION ALL
-- nginx's error log knows the cause better than the access log. Both are written when the request ends; neither has an id of the other.
SELECT started_at, duration, 'nginx', remote_addr, request_method, host, path, route, status, upstream_status_last,
       coalesce(bytes_sent, body_bytes_sent), http_user_agent, http_x_amzn_trace_id, upstream_addr, coalesce(said.cause, nginx.cause),
       request_length, request_id, CAST(connection AS VARCHAR), http_x_forwarded_for, source_file, line
FROM nginx
LEFT JOIN (
    SELECT client, request_method AS said_method, path AS said_path, date_trunc('second', time) + after * INTERVAL '1 second' AS said_at, min(cause) AS cause
    FROM nginx_error CROSS JOIN (VALUES (-1), (0), (1)) AS around (after)
    WHERE cause IS NOT NULL AND path IS NOT NULL
    GROUP BY 1, 2, 3, 4
) AS said
  ON nginx.status >= 400 AND said.client = nginx.remote_addr AND said_method = nginx.request_method AND said_path = nginx.path
 AND said_at = date_trunc('second', nginx.time)
UNION ALL
SELECT started_at, duration, 'apache', remote_host, request_method, host, path, route, status, NULL,
       coalesce(bytes_sent, response_bytes), user_agent, trace_id, NULL, cause, bytes_received, request_id, NULL, x_forwarded_for, source_file, line
FROM apache
UNION ALL
-- A function that was stopped at its limit said so in an event of its own in the past, and says so in its report today.
SELECT started_at, duration_ms / 1000.0, 'lambda', NULL, NULL, function, NULL, NULL, NULL, NULL, NULL, NULL,
       xray_trace_id, NULL, coalesce(lambda.cause, ended.cause), NULL, lambda.request_id, NULL, NULL, source_file, line
FROM lambda
LEFT JOIN (
    SELECT request_id, min(cause) AS cause FROM lambda WHERE event <> 'report' AND cause IS NOT NULL GROUP BY 1
) AS ended ON ended.request_id = lambda.request_id
WHERE event = 'report'
