-- rejects: how many lines could not be read?
-- They have no time: those of all sources are counted, whatever the window.
SELECT count(*) AS rejects FROM rejects WHERE $from < $to
