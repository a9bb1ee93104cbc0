-- One shape for every layer that a request passes. So far there is one layer.
-- A WebSocket connection is a row, but the time it stayed open is not the duration of a request.
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
       cause
FROM alb
