-- traffic: how much was asked for, and when?
-- column n: integer | n
SELECT count(*) AS n FROM alb WHERE started_at >= $from AND started_at < $to
