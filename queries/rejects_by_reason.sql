-- rejects_by_reason: which lines could not be read, and why?
-- Takes the files that have lines in the range, and those of which no line could be read.
-- column reason: text                      | code of the reason
-- column format: text                      | format that the line was read as
-- column rejects: integer                  | lines
-- column share: float ratio 0..1           | of all lines that could not be read
-- column files: integer                    | files with such lines
-- column a_file: text                      | one of them
-- column a_line: integer                   | line in that file, counted from 1
-- column a_detail: text                    | what was wrong there
-- column a_raw: text                       | the line, cut
-- example: albatross query rejects_by_reason
WITH outside AS (
  SELECT source_file
  FROM ingested
  GROUP BY source_file
  HAVING max(last_time) < $from OR min(first_time) >= $to
),
reasons AS (
  SELECT reason, format, count(*) AS rejects, count(DISTINCT source_file) AS files,
         first_value(source_file ORDER BY source_file, line) AS a_file,
         first_value(line ORDER BY source_file, line) AS a_line,
         first_value(detail ORDER BY source_file, line, detail, raw) AS a_detail,
         substr(first_value(raw ORDER BY source_file, line, detail, raw), 1, 200) AS a_raw
  FROM rejects
  WHERE source_file NOT IN (SELECT source_file FROM outside WHERE source_file IS NOT NULL)
  GROUP BY 1, 2
)
SELECT reason, format, rejects,
       round(rejects / CAST(sum(rejects) OVER () AS DOUBLE), 6) AS share,
       files, a_file, a_line, a_detail, a_raw
FROM reasons
ORDER BY rejects DESC, reason, format
