//! Statements that stop when nobody wants their answer any more.
//!
//! Dropping a stream aborts its tasks, but a task ends only where it yields, and what yields in a plan are its sources: one batch for one unit of
//! tokio's budget. A join makes any number of batches of one, and without a match it tries all pairs before it gives any. So joins
//! yield for each batch that they give, and their conditions fail once the stream is gone.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Weak};

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, FieldRef, Schema};
use datafusion::common::config::ConfigOptions;
use datafusion::common::exec_err;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::dataframe::DataFrame;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, SessionState, SessionStateBuilder};
use datafusion::logical_expr::{ColumnarValue, LogicalPlan};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::joins::utils::JoinFilter;
use datafusion::physical_plan::joins::{HashJoinExec, NestedLoopJoinExec, NestedLoopJoinExecBuilder};
use datafusion::physical_plan::stream::{RecordBatchReceiverStreamBuilder, RecordBatchStreamAdapter};
use futures::StreamExt;

/// Batches that wait for whoever asked.
const WAITING: usize = 2;
/// The rule of DataFusion that ours follows. Later ones hand filters to what they find in the plan.
const AFTER: &str = "EnsureCooperative";

/// Executes a plan that reads. Its tasks end soon after the stream is dropped.
pub(super) async fn execute(state: SessionState, plan: LogicalPlan) -> Result<SendableRecordBatchStream> {
    let wanted = Arc::new(());
    let mut rules = state.physical_optimizers().to_vec();
    let place = rules.iter().position(|rule| rule.name() == AFTER).map_or(rules.len(), |at| at + 1);
    rules.insert(place, Arc::new(StoppableJoins(Arc::downgrade(&wanted))));
    let state = SessionStateBuilder::new_from_existing(state).with_physical_optimizer_rules(rules).build();
    let mut answer = DataFrame::new(state, plan).execute_stream().await?;
    let schema = answer.schema();
    // In a task of its own: whoever asked may then leave while a plan of one partition is at work.
    let mut task = RecordBatchReceiverStreamBuilder::new(schema.clone(), WAITING);
    let batches = task.tx();
    task.spawn(async move {
        while let Some(batch) = answer.next().await {
            if batches.send(batch).await.is_err() {
                break;
            }
        }
        Ok(())
    });
    let answer = task.build().map(move |batch| {
        let _held_by_the_stream = &wanted;
        batch
    });
    Ok(Box::pin(RecordBatchStreamAdapter::new(schema, answer)))
}

/// Makes joins yield, and their conditions fail, once nobody holds what this points to.
#[derive(Debug)]
struct StoppableJoins(Weak<()>);

impl PhysicalOptimizerRule for StoppableJoins {
    fn name(&self) -> &str {
        "StoppableJoins"
    }

    fn schema_check(&self) -> bool {
        true
    }

    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let joins = |plan: Arc<dyn ExecutionPlan>| {
            // Joins, and unions, which it does no harm.
            if plan.children().len() < 2 {
                return Ok(Transformed::no(plan));
            }
            Ok(Transformed::yes(Arc::new(CooperativeExec::new(self.with_filter(plan)?)) as Arc<dyn ExecutionPlan>))
        };
        Ok(plan.transform_up(joins)?.data)
    }
}

impl StoppableJoins {
    fn with_filter(&self, plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        let filter = |filter: &JoinFilter| {
            let condition = Condition { inner: filter.expression().clone(), wanted: self.0.clone() };
            Some(JoinFilter::new(Arc::new(condition), filter.column_indices().to_vec(), filter.schema().clone()))
        };
        if let Some(join) = plan.downcast_ref::<HashJoinExec>()
            && let Some(known) = join.filter()
        {
            return join.builder().with_filter(filter(known)).build_exec();
        }
        if let Some(join) = plan.downcast_ref::<NestedLoopJoinExec>()
            && let Some(known) = join.filter()
        {
            return Ok(Arc::new(NestedLoopJoinExecBuilder::from(join).with_filter(filter(known)).build()?));
        }
        Ok(plan)
    }
}

/// The condition of a join; an error once its statement is not wanted.
#[derive(Debug)]
struct Condition {
    inner: Arc<dyn PhysicalExpr>,
    wanted: Weak<()>,
}

impl PhysicalExpr for Condition {
    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        if self.wanted.strong_count() == 0 {
            return exec_err!("cancelled");
        }
        self.inner.evaluate(batch)
    }

    fn data_type(&self, schema: &Schema) -> Result<DataType> {
        self.inner.data_type(schema)
    }

    fn nullable(&self, schema: &Schema) -> Result<bool> {
        self.inner.nullable(schema)
    }

    fn return_field(&self, schema: &Schema) -> Result<FieldRef> {
        self.inner.return_field(schema)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.inner]
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        let inner = children.into_iter().next().unwrap_or_else(|| self.inner.clone());
        Ok(Arc::new(Condition { inner, wanted: self.wanted.clone() }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt_sql(f)
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl PartialEq for Condition {
    fn eq(&self, other: &Condition) -> bool {
        self.inner.eq(&other.inner) && self.wanted.ptr_eq(&other.wanted)
    }
}

impl Eq for Condition {}

impl Hash for Condition {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}
