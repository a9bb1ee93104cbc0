-- source: https://gist.github.com/huevos-y-bacon/3c5f0ace9e8b2357a7e53c4a01c49342

-- name: ten rows
SELECT * FROM "clb_logs"."clb_logs" limit 10;

-- name: protocols
SELECT
distinct(protocol),
count(protocol) as count
FROM "clb_logs"."clb_logs"
WHERE timestamp LIKE '2024-0%'
GROUP BY protocol
