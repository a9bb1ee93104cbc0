-- source: https://github.com/awsdocs/amazon-athena-user-guide/blob/02015604/doc_source/cloudfront-logs.md

-- name: bytes served in three days
SELECT SUM(bytes) AS total_bytes
FROM cloudfront_logs
WHERE "date" BETWEEN DATE '2017-06-09' AND DATE '2017-06-11'
LIMIT 100;

-- name: distinct rows
SELECT DISTINCT * FROM cloudfront_logs LIMIT 10;
