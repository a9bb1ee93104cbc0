//! Views on the lake's tables.

use std::sync::Arc;

use albatross_lake::{Lake, Table};
use arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::catalog::TableProvider;
use datafusion::error::Result;
use datafusion::logical_expr::JoinType;
use datafusion::prelude::SessionContext;

use crate::table::LakeTable;

/// One shape for every layer that a request passes. So far there is one layer.
///
/// A WebSocket connection is a row, but the time it stayed open is not the duration of a request.
const REQUESTS: &str = "
SELECT started_at AS arrival,
       CASE WHEN type IN ('ws', 'wss') THEN NULL ELSE duration END AS duration,
       'alb' AS layer,
       client_ip AS client,
       request_verb AS method,
       host,
       path,
       route,
       elb_status_code AS status,
       target_status_code AS upstream_status,
       sent_bytes AS bytes,
       user_agent AS agent,
       trace_id,
       CASE WHEN target_port IS NULL THEN target_ip
            WHEN strpos(target_ip, ':') > 0 THEN '[' || target_ip || ']:' || target_port
            ELSE target_ip || ':' || target_port END AS target,
       cause
FROM alb";

/// The table that AWS documents for Athena: its 34 columns, with `-` and -1 as in the log.
///
/// As there, a request without a target has the empty string for its IP and NULL for its port.
const ALB_ACCESS_LOGS: &str = "
SELECT coalesce(type, '-') AS type,
       coalesce(to_char(time, '%Y-%m-%dT%H:%M:%S%.6fZ'), '-') AS time,
       coalesce(elb, '-') AS elb,
       coalesce(client_ip, '-') AS client_ip,
       client_port,
       coalesce(target_ip, '') AS target_ip,
       target_port,
       coalesce(request_processing_time, -1.0) AS request_processing_time,
       coalesce(target_processing_time, -1.0) AS target_processing_time,
       coalesce(response_processing_time, -1.0) AS response_processing_time,
       elb_status_code,
       coalesce(CAST(target_status_code AS VARCHAR), '-') AS target_status_code,
       received_bytes,
       sent_bytes,
       coalesce(request_verb, '-') AS request_verb,
       coalesce(request_url, '-') AS request_url,
       coalesce(request_proto, '-') AS request_proto,
       coalesce(user_agent, '-') AS user_agent,
       coalesce(ssl_cipher, '-') AS ssl_cipher,
       coalesce(ssl_protocol, '-') AS ssl_protocol,
       coalesce(target_group_arn, '-') AS target_group_arn,
       coalesce(trace_id, '-') AS trace_id,
       coalesce(domain_name, '-') AS domain_name,
       coalesce(chosen_cert_arn, '-') AS chosen_cert_arn,
       coalesce(CAST(matched_rule_priority AS VARCHAR), '-') AS matched_rule_priority,
       coalesce(to_char(request_creation_time, '%Y-%m-%dT%H:%M:%S%.6fZ'), '-') AS request_creation_time,
       coalesce(actions_executed, '-') AS actions_executed,
       coalesce(redirect_url, '-') AS redirect_url,
       coalesce(error_reason, '-') AS lambda_error_reason,
       coalesce(target_port_list, '-') AS target_port_list,
       coalesce(target_status_code_list, '-') AS target_status_code_list,
       coalesce(classification, '-') AS classification,
       coalesce(classification_reason, '-') AS classification_reason,
       coalesce(conn_trace_id, '-') AS conn_trace_id
FROM alb";

/// Registers the views that are plain SQL.
pub(crate) async fn register(context: &SessionContext) -> Result<()> {
    for (name, sql) in [("requests", REQUESTS), ("alb_access_logs", ALB_ACCESS_LOGS)] {
        let view = context.sql(sql).await?.into_view();
        context.register_table(name, view)?;
    }
    Ok(())
}

/// The table `ingested` without the files whose rows never got into the lake: the ledger is written before the rows,
/// so after a crash it may promise too much. The transaction ids of the tables with the rows are the truth.
pub(crate) async fn ingested(
    context: &SessionContext,
    lake: &Lake,
    ledger: LakeTable,
) -> crate::Result<Arc<dyn TableProvider>> {
    let mut committed: Vec<String> = Vec::new();
    for table in [Table::Alb, Table::Metrics] {
        committed.extend(lake.txns(table).await?.iter().map(ToString::to_string));
    }
    view(context, committed, ledger).map_err(|e| crate::Error::sql(&e))
}

fn view(context: &SessionContext, committed: Vec<String>, ledger: LakeTable) -> Result<Arc<dyn TableProvider>> {
    let column: ArrayRef = Arc::new(StringArray::from(committed));
    let committed = context.read_batch(RecordBatch::try_from_iter([("committed", column)])?)?;
    let ledger = context.read_table(Arc::new(ledger))?;
    Ok(ledger.join(committed, JoinType::LeftSemi, &["txn"], &["committed"], None)?.into_view())
}
