-- source: a README of queries on a table `alb_log`, author not known
-- filled in: alb_log, the name of the author's table, as alb_logs

-- name: all entries by time
SELECT *
FROM alb_logs
ORDER BY time ASC;

-- name: number of entries
-- stable
select count() from alb_logs;

-- name: first and last entry
-- stable
 SELECT  (
    SELECT min(time)
    FROM   alb_logs
    ) AS request_first_entrytime,
    (
    SELECT max(time)
    FROM  alb_logs
    ) AS request_last_entrytime;

-- name: types
-- stable
SELECT DISTINCT type, count(*) as count from alb_logs
GROUP by type
ORDER by count(*);

-- name: targets
SELECT DISTINCT target_ip, count(*) as count from alb_logs
GROUP by target_ip
ORDER by count(*) DESC;

-- name: latency
SELECT  (
   SELECT min(target_processing_time)
   FROM   alb_logs
   ) AS minimum_latency,
   (
   SELECT avg(target_processing_time)
   FROM   alb_logs
   ) AS average_latency,
   (
   SELECT max(target_processing_time)
   FROM  alb_logs
   ) AS maximum_latency;

-- name: share of each client
SELECT client_ip, (Count(client_ip)* 100.0 / (Select Count(*) From alb_logs)) 
as client_traffic_percentage
FROM alb_logs
GROUP by client_ip
ORDER By count() DESC;

-- name: average amount of data
SELECT (avg(sent_bytes) + avg(received_bytes)) as prewarm_bytes from alb_logs;

-- name: megabytes per client
SELECT client_ip, sum(received_bytes/1000000.0) as client_datareceived_megabytes
FROM alb_logs
GROUP by client_ip
ORDER by client_datareceived_megabytes DESC;

-- name: slow requests between two times
SELECT * from alb_logs 
WHERE (parse_datetime(time,'yyyy-MM-dd''T''HH:mm:ss.SSSSSS''Z') 
     BETWEEN parse_datetime('2018-08-08-00:00:00','yyyy-MM-dd-HH:mm:ss') 
     AND parse_datetime('2018-08-08-02:00:00','yyyy-MM-dd-HH:mm:ss'))
AND (target_processing_time >= 5.0)
