-- Every line that says something about a request or a connection, in one shape: what `albatross follow` reads.
SELECT arrival AS time, layer, CASE layer WHEN 'nlb' THEN 'connection' WHEN 'lambda' THEN 'report' ELSE 'request' END AS kind,
       duration, client, method, host, path, status, upstream_status, received_bytes, bytes, target, cause,
       CAST(NULL AS VARCHAR) AS message, trace_id, request_id, connection_id, forwarded_for, source_file, line
FROM requests
UNION ALL
SELECT time, 'alb_connections' AS layer, 'connection' AS kind, NULL AS duration, client_ip AS client, NULL AS method, NULL AS host,
       NULL AS path, NULL AS status, NULL AS upstream_status, NULL AS received_bytes, NULL AS bytes, NULL AS target, cause,
       concat_ws(' ', tls_protocol, tls_cipher, tls_verify_status) AS message, NULL AS trace_id, NULL AS request_id,
       conn_trace_id AS connection_id, NULL AS forwarded_for, source_file, line
FROM alb_connections
UNION ALL
SELECT time, 'nginx_error' AS layer, 'error' AS kind, NULL AS duration, client, request_method AS method, host, path, NULL AS status,
       NULL AS upstream_status, NULL AS received_bytes, NULL AS bytes, upstream AS target, cause, message, NULL AS trace_id,
       NULL AS request_id, CAST(connection AS VARCHAR) AS connection_id, NULL AS forwarded_for, source_file, line
FROM nginx_error
UNION ALL
SELECT time, 'lambda' AS layer, event AS kind, duration_ms / 1000.0 AS duration, NULL AS client, NULL AS method, function AS host,
       NULL AS path, NULL AS status, NULL AS upstream_status, NULL AS received_bytes, NULL AS bytes, NULL AS target, cause, message,
       xray_trace_id AS trace_id, request_id, NULL AS connection_id, NULL AS forwarded_for, source_file, line
FROM lambda
WHERE event <> 'report'
