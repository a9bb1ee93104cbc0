-- source: https://docs.aws.amazon.com/athena/latest/ug/create-cloudfront-table-standard-logs.html

-- name: bytes served in three days
-- fails: bytes | the page's own table has no column `bytes`
SELECT SUM(bytes) AS total_bytes
FROM cloudfront_standard_logs
WHERE "date" BETWEEN DATE '2018-06-09' AND DATE '2018-06-11'
LIMIT 100;

-- name: distinct rows
SELECT DISTINCT *
FROM cloudfront_standard_logs
LIMIT 10;
