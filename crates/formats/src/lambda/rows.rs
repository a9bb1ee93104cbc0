//! The columns of a Lambda event, declared once: names, types, units, null rules.

use crate::columns::{Dict, Float, Int, Long, Text, Timestamp, Wide, rows};

rows! {
    columns {
        /// CloudWatch's time of the event, where the file has it; else the one that the event itself has; else, where lines of plain text
        /// have none (`START`, `REPORT`), that of the event before, or of the first one that has any.
        time: Timestamp,
        /// `start`, `end`, `report`, `init_start`, `init_report`, `restore_start`, `restore_report`, `runtime_done`, ... (JSON's
        /// `platform.runtimeDone`); `timeout` ("Task timed out after"), `exit` ("RequestId: ... Error: Runtime exited"), `extension`; `log` for
        /// what the application writes.
        event: Dict;
        /// As logged; where the application's line has none, of the invocation that its log stream is in. A retried asynchronous
        /// invocation has the same one again.
        request_id: Wide;
        /// `INFO`, `ERROR`, ... as logged.
        level: Dict;
        /// What the application wrote, without the time, request id and level before it, with all its lines (64 KiB of further ones); of
        /// other events the whole text.
        message: Text;
        /// Milliseconds that the invocation (of `runtime_done`: the runtime) took.
        duration_ms: Float;
        /// Since August 2025 it may hold the initialisation too.
        billed_duration_ms: Long;
        memory_size_mb: Int;
        max_memory_used_mb: Int;
        init_duration_ms: Float;
        restore_duration_ms: Float;
        billed_restore_duration_ms: Long;
        /// `success`, `failure`, `error`, `timeout`; in text NULL for success.
        status: Dict;
        /// `Runtime.OutOfMemory`, or the class of an exception that ended the invocation.
        error_type: Dict;
        /// Seconds, of "Task timed out after N seconds". Lines of 2026 leave only `status`.
        timeout_s: Float;
        /// `lambda_timeout`, `lambda_out_of_memory`, `lambda_crash`, `lambda_error`. Several events of one request may say so: count
        /// distinct `request_id`.
        cause: Dict;
        xray_trace_id: Wide;
        /// `init`, `invoke`, ... of `init_report` and the like.
        phase: Dict;
        /// `python:3.12.v18`
        runtime_version: Dict;
        /// Name, from the log group or the event.
        function: Dict;
        /// `$LATEST` or a number, from the event or the log stream.
        version: Dict;
        log_group: Dict;
        log_stream: Dict;
        /// CloudWatch's id of the event.
        event_id: Text;
        /// When CloudWatch took it.
        ingestion_time: Timestamp;
        /// Other fields, as `name=value`, joined by a space.
        extra: Text;
    }
}
