//! What the columns of a table hold, for `\d`.

use albatross_formats::Format;

type Doc = (&'static str, &'static str);

/// Name and description of columns; none for what is not known, such as views of the session.
pub(super) fn docs(table: &str) -> Vec<Doc> {
    match table {
        "rejects" => REJECTS.to_vec(),
        "ingested" => INGESTED.to_vec(),
        "requests" | "events" => REQUESTS.to_vec(),
        "slots" => SLOTS.to_vec(),
        "causes" => CAUSES.to_vec(),
        other => Format::named(other).map_or_else(Vec::new, |format| format.docs().collect()),
    }
}

const SOURCE: Doc = ("source_file", "Path or s3:// address of the file, as it was ingested.");
const LINE: Doc = ("line", "From 1, in the uncompressed file.");
const INGESTED_AT: Doc = ("ingested_at", "When the file was committed to the lake.");

const REJECTS: &[Doc] = &[
    SOURCE,
    LINE,
    ("byte", "Offset of the line in the uncompressed file."),
    ("reason", "A short code; the query rejects_by_reason counts them."),
    ("detail", "What is wrong, in words."),
    ("raw", "The first 4 KiB of the line; bytes that are no UTF-8 as \\xHH."),
    ("format", "The format that the file was read as, by the name of its table."),
    INGESTED_AT,
];

const INGESTED: &[Doc] = &[
    SOURCE,
    ("txn", "Id of the file: a hash of its path, time of change and size; in S3 of address, ETag and size."),
    ("format", "By the name of its table."),
    ("bytes", "Size as stored, compressed or not."),
    ("lines", "For logs rows + rejects + skipped; for metrics data points."),
    ("rows", ""),
    ("rejects", "Lines that could not be read."),
    ("skipped", "Headers, control lines and empty ones."),
    ("content_hash", "xxh3-128 of the bytes as stored."),
    ("first_time", "The earliest time in it. NULL if it has no row."),
    ("last_time", "The latest time in it. NULL if it has no row."),
    ("elb", "Load balancer, by AWS's file name. NULL if the file has another name."),
    ("node_ip", "Node of the load balancer, by AWS's file name, else NULL."),
    ("interval_end", "End of the five minutes that the file is of, by AWS's file name, else NULL."),
    ("route_rules", "Version of the rules that made its routes; with +CHECKSUM if they were your own."),
    INGESTED_AT,
];

/// Of `requests` and of `events`, which have most columns in common.
const REQUESTS: &[Doc] = &[
    ("arrival", "When the request arrived; of nlb when the connection was opened."),
    ("time", "When it arrived or happened."),
    ("layer", "Which log it is of, by the name of its table."),
    ("kind", "request, connection, error, or the event of a Lambda function."),
    ("duration", "Seconds from arrival to the end of the answer. NULL for connections and where it is not known."),
    ("client", "Address as the layer sees it: behind another layer that layer's."),
    ("method", ""),
    ("host", "Of lambda the name of the function."),
    ("path", "Without the query string."),
    ("route", "The path with ids replaced, such as /users/:id."),
    ("status", "That the layer answered with."),
    ("upstream_status", "That the layer behind it answered with. NULL if it did not."),
    ("bytes", "Sent to the client."),
    ("agent", "User agent."),
    ("trace_id", "X-Amzn-Trace-Id."),
    ("target", "Address and port of what the layer asked. NULL if it asked nothing."),
    ("cause", "Why it failed: the view causes says what each code means. NULL if it did not."),
    ("received_bytes", "Sent by the client."),
    ("request_id", "Of the layer's own making: CloudFront's, nginx's, Lambda's."),
    ("connection_id", "The same for all requests of a connection, within its layer."),
    ("forwarded_for", "X-Forwarded-For as it came in."),
    ("message", "What a line that is no request says."),
    SOURCE,
    LINE,
];

const SLOTS: &[Doc] = &[
    ("elb", "Load balancer."),
    ("node_ip", "Its node."),
    ("slot", "End of the five minutes."),
    ("files", "That the node delivered for them."),
    ("rows", ""),
    ("rejects", "Lines that could not be read."),
    ("ingested_at", "When the last of the files was committed to the lake."),
    ("is_late", "Whether files that are 15 minutes younger were in the lake 5 minutes earlier."),
    ("previous_slot", "The node's slot before. NULL for its first."),
    ("gap", "Slots between the two of which the node delivered nothing."),
    ("gap_of_others", "Of these, slots of which other nodes delivered."),
];

const CAUSES: &[Doc] =
    &[("cause", "The code in the columns `cause`."), ("meaning", ""), ("what_to_check", "What to look at next.")];

#[cfg(test)]
mod tests {
    use albatross_lake::Table;

    use super::*;

    #[test]
    fn every_column_of_a_table_is_known() {
        for table in [Table::Rejects, Table::Ingested] {
            let schema = table.schema();
            let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
            let known: Vec<&str> = docs(table.name()).iter().map(|(name, _)| *name).collect();
            assert_eq!(known, names, "{table}");
        }
    }
}
