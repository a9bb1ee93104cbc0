-- The table that AWS documents for Athena: its 12 columns, and the partition column.
SELECT coalesce(to_char(time, '%Y-%m-%dT%H:%M:%S%.6fZ'), '-') AS time,
       coalesce(client_ip, '-') AS client_ip,
       client_port,
       listener_port,
       coalesce(tls_protocol, '-') AS tls_protocol,
       coalesce(tls_cipher, '-') AS tls_cipher,
       tls_handshake_latency,
       coalesce(leaf_client_cert_subject, '-') AS leaf_client_cert_subject,
       coalesce(leaf_client_cert_validity, '-') AS leaf_client_cert_validity,
       coalesce(leaf_client_cert_serial_number, '-') AS leaf_client_cert_serial_number,
       coalesce(tls_verify_status, '-') AS tls_verify_status,
       coalesce(conn_trace_id, '-') AS conn_trace_id,
       to_char(day, '%Y/%m/%d') AS day,
       source_file AS "$path"
FROM alb_connections
