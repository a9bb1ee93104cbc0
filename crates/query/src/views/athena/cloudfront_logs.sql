-- The table that AWS's page had for Athena until 2023: 26 columns with names of their own.
SELECT date, time, x_edge_location AS location, sc_bytes AS bytes, c_ip AS requestip, cs_method AS method, cs_host AS host,
       cs_uri_stem AS uri, sc_status AS status, cs_referrer AS referrer, cs_user_agent AS useragent, cs_uri_query AS querystring,
       cs_cookie AS cookie, x_edge_result_type AS resulttype, x_edge_request_id AS requestid, x_host_header AS hostheader,
       cs_protocol AS requestprotocol, cs_bytes AS requestbytes, time_taken AS timetaken, x_forwarded_for AS xforwardedfor,
       ssl_protocol AS sslprotocol, ssl_cipher AS sslcipher, x_edge_response_result_type AS responseresulttype,
       cs_protocol_version AS httpversion, fle_status AS filestatus, fle_encrypted_fields AS encryptedfields, "$path"
FROM "$path".cloudfront_standard_logs
