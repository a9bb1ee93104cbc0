//! Views on the lake's tables.

use std::sync::Arc;

use albatross_lake::{Lake, Table};
use arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::catalog::TableProvider;
use datafusion::error::Result;
use datafusion::logical_expr::JoinType;
use datafusion::prelude::SessionContext;

use crate::table::LakeTable;

/// The views that are plain SQL, by name.
const VIEWS: [(&str, &str); 4] = [
    ("requests", include_str!("views/requests.sql")),
    ("alb_access_logs", include_str!("views/alb_access_logs.sql")),
    ("causes", include_str!("views/causes.sql")),
    ("slots", include_str!("views/slots.sql")),
];

/// Registers the views that are plain SQL.
pub(crate) async fn register(context: &SessionContext) -> Result<()> {
    for (name, sql) in VIEWS {
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
