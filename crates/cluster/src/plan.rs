//! Which plans can be sent, and their form on the way.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use ballista_core::registry::BallistaFunctionRegistry;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{JoinType, not_impl_err};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result as PlanResult;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::ScalarUDF;
use datafusion::object_store::path::Path;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::analyze::AnalyzeExec;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::joins::NestedLoopJoinExec;
use datafusion::physical_plan::placeholder_row::PlaceholderRowExec;
use datafusion_proto::physical_plan::{AsExecutionPlan, PhysicalExtensionCodec, PhysicalProtoConverterExtension};
use datafusion_proto::protobuf::PhysicalPlanNode;

use crate::{Error, LITTLE, PLAN, Result};

/// The scan that the node is, if it is one of Parquet files.
fn scan(node: &Arc<dyn ExecutionPlan>) -> Option<&FileScanConfig> {
    let source = node.downcast_ref::<DataSourceExec>()?;
    source.downcast_to_file_source::<ParquetSource>().map(|(scan, _)| scan)
}

/// Where a plan can run.
pub enum Place {
    /// On a cluster; its form on the way.
    There(Vec<u8>),
    /// Here, as nothing of it is work for a cluster.
    Here,
    /// Here, as executors lack something that it needs.
    OnlyHere { reason: String },
}

pub(crate) fn place(plan: &Arc<dyn ExecutionPlan>) -> Result<Place> {
    let Ok(leaves) = Leaves::of(plan) else { return Ok(Place::Here) };
    // Nobody needs to hear of what is quick here. EXPLAIN ANALYZE measures this machine.
    let little = leaves.files.values().sum::<u64>() <= LITTLE;
    let here = |reason: String| if little { Place::Here } else { Place::OnlyHere { reason } };
    if leaves.files.is_empty() || leaves.is_measured {
        return Ok(Place::Here);
    }
    // It could be sent, but joins with it have been seen to give rows twice.
    if leaves.is_in_memory {
        return Ok(here("a part of what it reads is in the memory of this program".to_owned()));
    }
    let codec = Codec { known: BallistaFunctionRegistry::default(), unknown: Mutex::default() };
    let mut bytes = Vec::new();
    let encoded = plan
        .clone()
        .transform_up(fit)
        .data()
        .and_then(|plan| PhysicalPlanNode::try_from_physical_plan(plan, &codec))
        .and_then(|node| node.try_encode(&mut bytes));
    let unknown = codec.unknown.into_inner().unwrap_or_else(PoisonError::into_inner);
    match (encoded, unknown) {
        (Ok(()), _) if bytes.len() > PLAN => Err(Error::TooLarge { files: leaves.files.len(), bytes: bytes.len() }),
        (Ok(()), _) => Ok(Place::There(bytes)),
        (Err(_), Some(function)) => Ok(here(format!("executors do not have the function `{function}`"))),
        (Err(error), None) => Ok(here(error.strip_backtrace())),
    }
}

/// What a plan reads.
#[derive(Default)]
struct Leaves {
    /// Of Parquet, with their sizes.
    files: BTreeMap<Path, u64>,
    /// There is another source: the ledger's transactions, VALUES, names of tables, log files read as they are.
    is_in_memory: bool,
    is_measured: bool,
}

impl Leaves {
    fn of(plan: &Arc<dyn ExecutionPlan>) -> PlanResult<Leaves> {
        let mut leaves = Leaves::default();
        plan.apply(|node| {
            if let Some(scan) = scan(node) {
                let files = scan.file_groups.iter().flat_map(FileGroup::iter);
                leaves.files.extend(files.map(|file| (file.object_meta.location.clone(), file.object_meta.size)));
            } else if node.downcast_ref::<AnalyzeExec>().is_some() {
                leaves.is_measured = true;
            } else if node.children().is_empty()
                && node.downcast_ref::<EmptyExec>().is_none()
                && node.downcast_ref::<PlaceholderRowExec>().is_none()
            {
                leaves.is_in_memory = true;
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(leaves)
    }
}

/// The node as it is sent.
fn fit(node: Arc<dyn ExecutionPlan>) -> PlanResult<Transformed<Arc<dyn ExecutionPlan>>> {
    if let Some(scan) = scan(&node) {
        return Ok(Transformed::yes(without_statistics(scan)));
    }
    match node.downcast_ref::<NestedLoopJoinExec>() {
        Some(join) if needs_whole_right(*join.join_type()) => {
            let right = Arc::new(CoalescePartitionsExec::new(join.right().clone()));
            let (children, recompute) = (vec![join.left().clone(), right], ChildrenPropertiesMode::Recompute);
            Ok(Transformed::yes(node.replace_children(children, ReplaceChildrenOptions::new(recompute))?))
        }
        _ => Ok(Transformed::no(node)),
    }
}

/// Whether the join tells of rows on its left whether any row on its right matched. Within a process the partitions of the
/// right side keep one account of that; tasks on several executors would have an account each.
fn needs_whole_right(join: JoinType) -> bool {
    !matches!(join, JoinType::Inner | JoinType::Right | JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark)
}

/// Lets through what stock executors have.
#[derive(Debug)]
struct Codec {
    known: BallistaFunctionRegistry,
    /// A function that they have not.
    unknown: Mutex<Option<String>>,
}

impl PhysicalExtensionCodec for Codec {
    fn try_decode(
        &self,
        _buf: &[u8],
        _inputs: &[Arc<dyn ExecutionPlan>],
        _context: &TaskContext,
        _converter: &dyn PhysicalProtoConverterExtension,
    ) -> PlanResult<Arc<dyn ExecutionPlan>> {
        not_impl_err!("plans are only sent")
    }

    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        _buf: &mut Vec<u8>,
        _converter: &dyn PhysicalProtoConverterExtension,
    ) -> PlanResult<()> {
        not_impl_err!("{} has no form to be sent in", node.name())
    }

    fn try_encode_udf(&self, function: &ScalarUDF, _buf: &mut Vec<u8>) -> PlanResult<()> {
        // One of the same name may be another one: Trino's, which Athena's queries get.
        let same = |known: &Arc<ScalarUDF>| known.inner().as_ref().type_id() == function.inner().as_ref().type_id();
        if self.known.scalar_functions.get(function.name()).is_some_and(same) {
            return Ok(());
        }
        *self.unknown.lock().unwrap_or_else(PoisonError::into_inner) = Some(function.name().to_owned());
        not_impl_err!("{} is not known to executors", function.name())
    }
}

/// The statistics of each file have done their work when a plan is made, and are most of its bytes.
fn without_statistics(scan: &FileScanConfig) -> Arc<dyn ExecutionPlan> {
    let lean = |file: &PartitionedFile| PartitionedFile { statistics: None, ..file.clone() };
    let groups = scan.file_groups.iter().map(|group| FileGroup::new(group.iter().map(lean).collect()));
    let scan = FileScanConfigBuilder::from(scan.clone()).with_file_groups(groups.collect()).build();
    DataSourceExec::from_data_source(scan)
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::DataType;
    use datafusion::functions::string::lower;
    use datafusion::logical_expr::{ColumnarValue, Volatility, create_udf};
    use datafusion::physical_plan::empty::EmptyExec;

    use super::*;

    #[test]
    fn a_function_of_the_same_name_is_not_the_same() {
        let codec = Codec { known: BallistaFunctionRegistry::default(), unknown: Mutex::default() };
        codec.try_encode_udf(&lower(), &mut Vec::new()).unwrap();
        let own = |name| {
            let body = Arc::new(|args: &[ColumnarValue]| Ok(args[0].clone()));
            create_udf(name, vec![DataType::Utf8], DataType::Utf8, Volatility::Immutable, body)
        };
        for name in ["lower", "date_parse"] {
            codec.try_encode_udf(&own(name), &mut Vec::new()).unwrap_err();
            assert_eq!(codec.unknown.lock().unwrap().take().as_deref(), Some(name));
        }
    }

    #[test]
    fn what_reads_no_files_stays_here() {
        let nothing: Arc<dyn ExecutionPlan> =
            Arc::new(EmptyExec::new(Arc::new(datafusion::arrow::datatypes::Schema::empty())));
        assert!(matches!(place(&nothing), Ok(Place::Here)));
    }
}
