//! Files of one format as a table: each partition of a scan reads some of them, one after the other.

use std::ops::ControlFlow;
use std::sync::Arc;

use albatross_formats::{Format, Reader};
use albatross_ingest::raw::RawFile;
use albatross_lake::{DAY, Table};
use albatross_query::with_string_views;
use arrow::array::{Array, ArrayRef, AsArray, Date32Array, RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::{SchemaRef, TimestampMicrosecondType};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Result, project_schema};
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchReceiverStreamBuilder;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use tokio::sync::mpsc::Sender;

use crate::Files;

const MICROS_PER_DAY: i64 = 86_400_000_000;
/// Batches that wait for whoever asked, per partition.
const WAITING: usize = 2;

/// See [`crate`]. Has the columns of the lake's table of this format.
#[derive(Debug)]
pub(crate) struct RawTable {
    files: Files,
    format: Format,
    sources: Vec<RawFile>,
    schema: SchemaRef,
}

impl RawTable {
    pub(crate) fn new(files: Files, format: Format, sources: Vec<RawFile>) -> RawTable {
        RawTable { files, format, sources, schema: with_string_views(&Table::Rows(format).schema()) }
    }

    /// The files in at most `n` parts of like size; the order of paths is kept within each.
    fn parts(&self, n: usize) -> Vec<Vec<RawFile>> {
        let mut parts = vec![(0, Vec::new()); n.clamp(1, self.sources.len().max(1))];
        let mut by_size: Vec<&RawFile> = self.sources.iter().collect();
        by_size.sort_by_key(|file| std::cmp::Reverse(file.size()));
        for file in by_size {
            if let Some((bytes, part)) = parts.iter_mut().min_by_key(|(bytes, _)| *bytes) {
                *bytes += file.size().max(1);
                part.push(file.clone());
            }
        }
        let mut parts: Vec<Vec<RawFile>> = parts.into_iter().map(|(_, part)| part).collect();
        for part in &mut parts {
            part.sort_by(|a, b| a.uri().cmp(b.uri()));
        }
        parts
    }
}

#[async_trait]
impl TableProvider for RawTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = project_schema(&self.schema, projection)?;
        let columns = projection.cloned().unwrap_or_else(|| (0..self.schema.fields().len()).collect());
        let shape = Arc::new(Shape {
            files: self.files.clone(),
            format: self.format,
            schema: schema.clone(),
            columns,
            batch_rows: state.config().batch_size(),
        });
        let parts = self.parts(state.config().target_partitions());
        let part = |sources| Arc::new(Part { shape: shape.clone(), sources }) as Arc<dyn PartitionStream>;
        let parts = parts.into_iter().map(part).collect();
        Ok(Arc::new(StreamingTableExec::try_new(schema, parts, None, [], false, limit)?))
    }
}

/// What a scan makes of each file.
#[derive(Debug)]
struct Shape {
    files: Files,
    format: Format,
    schema: SchemaRef,
    /// Places in the table's schema.
    columns: Vec<usize>,
    /// A batch has at least so many rows, but for the last one.
    batch_rows: usize,
}

/// The files that one partition reads.
#[derive(Debug)]
struct Part {
    shape: Arc<Shape>,
    sources: Vec<RawFile>,
}

impl PartitionStream for Part {
    fn schema(&self) -> &SchemaRef {
        &self.shape.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut stream = RecordBatchReceiverStreamBuilder::new(self.shape.schema.clone(), WAITING);
        let (shape, sources, batches) = (self.shape.clone(), self.sources.clone(), stream.tx());
        stream.spawn_blocking(move || shape.read(&sources, &batches));
        stream.build()
    }
}

impl Shape {
    /// Sends the rows of all sources; ends early when nobody wants more.
    fn read(&self, sources: &[RawFile], batches: &Sender<Result<RecordBatch>>) -> Result<()> {
        let fault =
            |source: &RawFile, reason: String| DataFusionError::Execution(format!("{}: {reason}", source.uri()));
        let Some(mut reader) = self.format.reader(&self.files.0.settings) else {
            for source in sources {
                let (read, outcome) = source.metrics().map_err(|reason| fault(source, reason))?;
                self.files.note(source.uri(), outcome);
                for batch in read {
                    if self.send(batch.num_rows(), |columns| pick(&batch, columns), batches)?.is_break() {
                        return Ok(());
                    }
                }
            }
            return Ok(());
        };
        let mut trouble = None;
        for source in sources {
            let read = source.read(&mut *reader, |reader| {
                if reader.rows().len() < self.batch_rows && !batches.is_closed() {
                    return ControlFlow::Continue(());
                }
                self.flush(reader, batches).unwrap_or_else(|error| {
                    trouble = Some(error);
                    ControlFlow::Break(())
                })
            });
            match read.map_err(|reason| fault(source, reason))? {
                Some(outcome) => self.files.note(source.uri(), outcome),
                None => return trouble.map_or(Ok(()), Err),
            }
        }
        self.flush(&mut *reader, batches).map(drop)
    }

    /// Sends the reader's rows and takes them from it.
    fn flush(&self, reader: &mut dyn Reader, batches: &Sender<Result<RecordBatch>>) -> Result<ControlFlow<()>> {
        let rows = reader.rows();
        let sent = self.send(rows.len(), |columns| rows.to_arrays(columns), batches);
        reader.rows_mut().clear();
        sent
    }

    /// Sends rows whose columns are made only as far as they are wanted. `arrays` gives those at these places of the format's schema.
    fn send(
        &self,
        rows: usize,
        arrays: impl FnOnce(&[usize]) -> Vec<ArrayRef>,
        batches: &Sender<Result<RecordBatch>>,
    ) -> Result<ControlFlow<()>> {
        if rows == 0 {
            return Ok(if batches.is_closed() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) });
        }
        let is_day = |at: &usize| self.schema.field(*at).name() == DAY;
        // The day is made of the arrival, which is the first column.
        let places: Vec<usize> =
            self.columns.iter().enumerate().map(|(i, &at)| if is_day(&i) { 0 } else { at }).collect();
        let arrays = arrays(&places)
            .into_iter()
            .enumerate()
            .map(|(i, array)| match is_day(&i) {
                true => Ok(days(&array)),
                false => cast(&array, self.schema.field(i).data_type()),
            })
            .collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options)?;
        Ok(match batches.blocking_send(Ok(batch)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        })
    }
}

fn pick(batch: &RecordBatch, columns: &[usize]) -> Vec<ArrayRef> {
    columns.iter().map(|&at| batch.column(at).clone()).collect()
}

/// The UTC days of times.
fn days(times: &dyn Array) -> ArrayRef {
    let times = times.as_primitive::<TimestampMicrosecondType>();
    // A time in microseconds is some hundred thousand years at most.
    Arc::new(times.iter().map(|time| time.map(|t| t.div_euclid(MICROS_PER_DAY) as i32)).collect::<Date32Array>())
}
