//! A table of the lake as DataFusion sees it: which files to read, and what is known of them.
//!
//! A scan is a plain Parquet `DataSourceExec` over named files and nothing above it, so a plan can be sent elsewhere
//! as it is. Files are left out before that, by their day and by the bounds of their columns.

use std::collections::HashSet;
use std::sync::Arc;

use albatross_lake::{DAY, DataFile, Snapshot, Table};
use arrow::array::{ArrayRef, AsArray, BooleanArray, Date32Array, RecordBatch, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::tree_node::TreeNode;
use datafusion::common::{Column, DFSchema, Result, ScalarValue, project_schema};
use datafusion::datasource::file_format::FileFormat;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::table_schema::TableSchema;
use datafusion::execution::context::ExecutionProps;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::expr_rewriter::unnormalize_col;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::object_store::ObjectMeta;
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_expr::{PhysicalExpr, create_physical_expr};
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;

use crate::stats;

/// The columns as a session shows them: texts are views.
pub fn with_string_views(schema: &Schema) -> SchemaRef {
    let view = |field: &Arc<Field>| match field.data_type() {
        DataType::Utf8 => Arc::new(Field::new(field.name(), DataType::Utf8View, field.is_nullable())),
        _ => field.clone(),
    };
    Arc::new(Schema::new(schema.fields().iter().map(view).collect::<Vec<_>>()))
}

/// The files of one table at one version.
#[derive(Debug)]
pub(crate) struct LakeTable {
    store: ObjectStoreUrl,
    schema: TableSchema,
    df_schema: Arc<DFSchema>,
    files: Vec<Arc<DataFile>>,
}

impl LakeTable {
    /// `store` is where the lake's object store is registered. `views_of_text`: whether texts are views.
    pub(crate) fn try_new(
        table: Table,
        snapshot: Snapshot,
        store: ObjectStoreUrl,
        views_of_text: bool,
    ) -> Result<LakeTable> {
        let shown = if views_of_text { with_string_views(&snapshot.schema) } else { snapshot.schema };
        let fields = shown.fields().iter().cloned();
        let (partition, file): (Vec<_>, Vec<_>) = fields.partition(|f| table.is_partitioned() && f.name() == DAY);
        let schema = TableSchema::builder(Arc::new(Schema::new(file))).with_table_partition_cols(partition).build();
        Ok(LakeTable {
            store,
            df_schema: Arc::new(DFSchema::try_from(schema.table_schema().clone())?),
            schema,
            files: snapshot.files,
        })
    }

    /// The files that may hold rows for which all filters are true.
    fn prune(&self, filters: &[Expr]) -> Result<Vec<Arc<DataFile>>> {
        let plain = filters.iter().filter(|filter| is_plain(filter)).cloned();
        let (by_day, others): (Vec<_>, Vec<_>) = plain.partition(|filter| self.is_of_day(filter));
        let mut files = self.files.clone();
        if let Some(filter) = conjunction(by_day) {
            retain(&mut files, &self.days_that(&filter, &self.files)?);
        }
        if let Some(filter) = conjunction(others) {
            let possible = self.possible(self.physical(&filter)?, &files)?;
            retain(&mut files, &possible);
        }
        Ok(files)
    }

    /// For each file, whether it may hold a row for which the predicate is true.
    fn possible(&self, predicate: Arc<dyn PhysicalExpr>, files: &[Arc<DataFile>]) -> Result<Vec<bool>> {
        let schema = self.schema.table_schema();
        PruningPredicateBuilder::new()
            .with_file_schema(schema.clone())
            .try_build(predicate)?
            .prune(&Bounds { files, schema })
    }

    /// Whether the filter needs nothing but the partition column.
    fn is_of_day(&self, filter: &Expr) -> bool {
        let columns = filter.column_refs();
        !self.schema.table_partition_cols().is_empty()
            && !columns.is_empty()
            && columns.iter().all(|column| column.name() == DAY)
            && is_plain(filter)
    }

    /// For each file, whether the filter is true for its day.
    fn days_that(&self, filter: &Expr, files: &[Arc<DataFile>]) -> Result<Vec<bool>> {
        let schema = Arc::new(Schema::new(self.schema.table_partition_cols().clone()));
        let days: Date32Array = files.iter().map(|file| file.day.map(stats::days)).collect();
        let batch = RecordBatch::try_new(schema.clone(), vec![Arc::new(days)])?;
        let df_schema = DFSchema::try_from(schema)?;
        let predicate = create_physical_expr(filter, &df_schema, &ExecutionProps::new(), &Default::default())?;
        let answer = predicate.evaluate(&batch)?.into_array(files.len())?;
        Ok(answer.as_boolean().iter().map(|answer| answer == Some(true)).collect())
    }

    /// Whether the bounds prove that the filter is true for every row of every file that a scan with it reads, as
    /// `started_at >= ...` is when everything or whole days are asked for. Then nothing is left to compute per row.
    fn is_settled(&self, filter: &Expr) -> bool {
        let columns = filter.column_refs();
        if columns.is_empty() || !is_plain(filter) {
            return false;
        }
        let filter = unnormalize_col(filter.clone());
        let Ok(files) = self.prune(std::slice::from_ref(&filter)) else {
            return false;
        };
        let has_nulls = |column: &Column| files.iter().any(|file| stats::null_count(file, &column.name) != Some(0));
        if columns.into_iter().any(has_nulls) {
            return false; // NULL is neither true nor false
        }
        let context = SimplifyContext::builder().with_schema(self.df_schema.clone()).build();
        let counter_examples = ExprSimplifier::new(context)
            .simplify(Expr::Not(Box::new(filter)))
            .and_then(|opposite| self.possible(self.physical(&opposite)?, &files));
        counter_examples.is_ok_and(|possible| possible.iter().all(|possible| !possible))
    }

    fn physical(&self, filter: &Expr) -> Result<Arc<dyn PhysicalExpr>> {
        create_physical_expr(filter, &self.df_schema, &ExecutionProps::new(), &Default::default())
    }

    fn partitioned_file(&self, file: &DataFile) -> PartitionedFile {
        let mut partitioned = PartitionedFile::new_from_meta(ObjectMeta {
            location: file.location.clone(),
            last_modified: file.modified,
            size: file.size,
            e_tag: None,
            version: None,
        });
        if !self.schema.table_partition_cols().is_empty() {
            partitioned.partition_values = vec![stats::day(file)];
        }
        partitioned.statistics = Some(Arc::new(stats::of_file(file, self.schema.table_schema())));
        partitioned
    }
}

#[async_trait]
impl TableProvider for LakeTable {
    fn schema(&self) -> SchemaRef {
        self.schema.table_schema().clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let exact = |filter: &Expr| self.is_of_day(filter) || self.is_settled(filter);
        Ok(filters
            .iter()
            .map(|filter| match exact(filter) {
                true => TableProviderFilterPushDown::Exact,
                false => TableProviderFilterPushDown::Inexact,
            })
            .collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut files = self.prune(filters)?;
        // A limit comes only with filters that are exact here, so the first files may do.
        let enough = limit.and_then(|limit| files_for(&files, limit)).filter(|&enough| enough < files.len());
        files.truncate(enough.unwrap_or(usize::MAX));
        if files.is_empty() {
            return Ok(Arc::new(EmptyExec::new(project_schema(&self.schema(), projection)?)));
        }
        let group: FileGroup = files.iter().map(|file| self.partitioned_file(file)).collect::<Vec<_>>().into();
        let groups = group.split_files(state.config().target_partitions());
        let (groups, statistics) = stats::of_groups(groups, &self.schema(), enough.is_some())?;
        let source = Arc::new(ParquetSource::new(self.schema.clone()));
        let config = FileScanConfigBuilder::new(self.store.clone(), source)
            .with_file_groups(groups)
            .with_statistics(statistics)
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        ParquetFormat::default()
            .with_options(state.default_table_options().parquet)
            .create_physical_plan(state, config)
            .await
    }
}

/// Whether the filter can be computed here and now: it does not change from row to row, and needs no other table.
fn is_plain(filter: &Expr) -> bool {
    let needs_more = |part: &Expr| {
        Ok(part.is_volatile_node()
            || matches!(
                part,
                Expr::ScalarSubquery(_)
                    | Expr::InSubquery(_)
                    | Expr::Exists(_)
                    | Expr::SetComparison(_)
                    | Expr::OuterReferenceColumn(..)
                    | Expr::Placeholder(_)
            ))
    };
    filter.exists(needs_more).is_ok_and(|needs_more| !needs_more)
}

/// How many of the files hold at least `limit` rows.
fn files_for(files: &[Arc<DataFile>], limit: usize) -> Option<usize> {
    let mut rows = 0u64;
    files
        .iter()
        .position(|file| {
            rows += file.rows.unwrap_or(0);
            rows >= limit as u64
        })
        .map(|index| index + 1)
}

fn retain(files: &mut Vec<Arc<DataFile>>, keep: &[bool]) {
    let mut keep = keep.iter();
    files.retain(|_| keep.next().copied().unwrap_or(true));
}

/// The bounds of the files' columns, in the form that pruning asks for.
struct Bounds<'a> {
    files: &'a [Arc<DataFile>],
    schema: &'a SchemaRef,
}

impl Bounds<'_> {
    fn array(&self, column: &Column, bound: impl Fn(&DataFile, &Field) -> ScalarValue) -> Option<ArrayRef> {
        let field = self.schema.field_with_name(&column.name).ok()?;
        ScalarValue::iter_to_array(self.files.iter().map(|file| bound(file, field))).ok()
    }
}

impl PruningStatistics for Bounds<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.array(column, stats::min)
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.array(column, stats::max)
    }

    fn num_containers(&self) -> usize {
        self.files.len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        let counts = self.files.iter().map(|file| stats::null_count(file, &column.name));
        Some(Arc::new(counts.collect::<UInt64Array>()))
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        Some(Arc::new(self.files.iter().map(|file| file.rows).collect::<UInt64Array>()))
    }

    fn contained(&self, _column: &Column, _values: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}
