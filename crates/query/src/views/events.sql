-- Every line that says something about a request or a connection, in one shape: what `albatross follow` reads.
SELECT arrival AS time,
       layer,
       CASE layer WHEN 'nlb' THEN 'connection' WHEN 'lambda' THEN 'report' ELSE 'request' END AS kind,
       duration,
       client,
       method,
       host,
       path,
       status,
       upstream_status,
       received_bytes,
       bytes,
       target,
       cause,
       CAST(NULL AS VARCHAR) AS message,
       trace_id,
       request_id,
       connection_id,
       forwarded_for,
       source_file,
       line
FROM requests
UNION ALL
SELECT time, 'alb_connections', 'connection', NULL, client_ip, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, cause,
       concat_ws(' ', tls_protocol, tls_cipher, tls_verify_status), NULL, NULL, conn_trace_id, NULL, source_file, line
FROM alb_connections
UNION ALL
SELECT time, 'nginx_error', 'error', NULL, client, request_method, host, path, NULL, NULL, NULL, NULL, upstream, cause,
       message, NULL, NULL, CAST(connection AS VARCHAR), NULL, source_file, line
FROM nginx_error
UNION ALL
SELECT time, 'lambda', event, duration_ms / 1000.0, NULL, NULL, function, NULL, NULL, NULL, NULL, NULL, NULL, cause,
       message, xray_trace_id, request_id, NULL, NULL, source_file, line
FROM lambda
WHERE event <> 'report'
