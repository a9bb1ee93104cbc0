-- requests: which rows are this request?
-- param trace: text?    | X-Amzn-Trace-Id, with or without `Root=`
-- param file: text?     | source file, or the end of its path
-- param line: integer?  | line in it
SELECT *
FROM alb
WHERE started_at >= $from AND started_at < $to
  AND (trace_id IN ($trace, 'Root=' || $trace)
       OR line = $line AND ends_with(source_file, $file))
ORDER BY source_file, line
LIMIT 6
