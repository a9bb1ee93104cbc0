//! Views on the lake's tables.

use std::fmt;
use std::sync::Arc;

use albatross_lake::{Lake, Table};
use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::MemTable;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, JoinType, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionContext;

use crate::table::LakeTable;

/// The views that are plain SQL, by name.
const VIEWS: [(&str, &str); 4] = [
    ("requests", include_str!("views/requests.sql")),
    ("causes", include_str!("views/causes.sql")),
    ("slots", include_str!("views/slots.sql")),
    ("events", include_str!("views/events.sql")),
];

/// Name and SQL of each.
pub(crate) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    VIEWS.into_iter()
}

/// The table `ingested` without the files whose rows never got into the lake: the ledger is written before the rows,
/// so after a crash it may promise too much. The transaction ids of the tables with the rows are the truth.
pub(crate) fn ingested(context: &SessionContext, lake: &Lake, ledger: LakeTable) -> Result<Arc<dyn TableProvider>> {
    let schema = Arc::new(Schema::new(vec![Field::new("committed", DataType::Utf8, false)]));
    let committed = context.read_table(Arc::new(Committed { lake: lake.clone(), schema }))?;
    let ledger = context.read_table(Arc::new(ledger))?;
    Ok(ledger.join(committed, JoinType::LeftSemi, &["txn"], &["committed"], None)?.into_view())
}

/// The ids of all sources whose rows are in the lake. There may be very many: they are read when somebody asks.
struct Committed {
    lake: Lake,
    schema: SchemaRef,
}

impl fmt::Debug for Committed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Committed").field("lake", &self.lake.root().as_str()).finish()
    }
}

#[async_trait]
impl TableProvider for Committed {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut committed: Vec<String> = Vec::new();
        for table in Table::of_rows() {
            let ids = self.lake.txns(table).await.map_err(|e| DataFusionError::External(e.into()))?;
            committed.extend(ids.iter().map(ToString::to_string));
        }
        let column: ArrayRef = Arc::new(StringArray::from(committed));
        let batch = RecordBatch::try_new(self.schema.clone(), vec![column])?;
        MemTable::try_new(self.schema.clone(), vec![vec![batch]])?.scan(state, projection, filters, limit).await
    }
}
