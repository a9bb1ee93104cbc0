//! SQL over a lake.

mod own;
mod stop;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use albatross_cluster::{Cluster, Place};
use albatross_lake::{Lake, Snapshot, Table, Value};
use arrow::datatypes::{DataType, Field};
use chrono::{DateTime, Utc};
use datafusion::catalog::{DynamicFileCatalog, TableFunctionImpl, UrlTableFactory};
use datafusion::common::TableReference;
use datafusion::common::runtime::SpawnedTask;
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{LogicalPlanBuilder, TableType, col};
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::Statement as SqlStatement;
use futures::future::try_join_all;
use url::Position;

use crate::bind::{self, Span};
use crate::header::Query;
use crate::schema::{CATALOG, LakeCatalog, SCHEMA};
use crate::table::LakeTable;
use crate::time::Clock;
use crate::{Error, Fault, Result, athena, views};
use own::{Change, OwnViews};

/// SQL over a lake as it was when the session was opened, or last refreshed. Nothing of the lake can be changed through it.
///
/// Memory: the statistics of all files, and what the operators of a running query hold; a large sort or aggregation
/// goes to disk only if DataFusion can.
pub struct Session {
    context: SessionContext,
    /// The context's.
    catalog: Arc<LakeCatalog>,
    /// Where plans run that read the lake's files; here if there is none.
    cluster: Option<Cluster>,
    span: Option<Span>,
    /// Of each of [`Table::ALL`]; none without a lake.
    versions: Vec<Option<u64>>,
    own: OwnViews,
}

/// What became of a statement.
pub enum Answer {
    Rows(SendableRecordBatchStream),
    /// It has no rows: an option was set, a view made.
    Done,
}

impl Session {
    /// Takes a snapshot of all tables and makes them known, together with the views on them (`requests`,
    /// `alb_access_logs`, and `ingested` with the files that are really in the lake).
    pub async fn open(lake: &Lake) -> Result<Session> {
        Session::open_on(lake, None).await
    }

    /// The same, on a cluster if one is given: what reads the lake's files runs there, everything else here.
    pub async fn open_on(lake: &Lake, cluster: Option<Cluster>) -> Result<Session> {
        let mut session = Session::without_lake(cluster)?;
        session.refresh(lake).await?;
        Ok(session)
    }

    /// A session without any table.
    pub fn without_lake(cluster: Option<Cluster>) -> Result<Session> {
        let config = match &cluster {
            Some(cluster) => cluster.session_config(config()),
            None => config(),
        };
        let catalog = Arc::new(LakeCatalog::default());
        let context = athena::context(config, &catalog).map_err(|error| Error::sql(&error))?;
        Ok(Session { context, catalog, cluster, span: None, versions: Vec::new(), own: OwnViews::default() })
    }

    /// Makes names that are no tables known as those that `tables` makes of them, and a table function.
    pub fn read_files(&self, tables: Arc<dyn UrlTableFactory>, name: &str, function: Arc<dyn TableFunctionImpl>) {
        let known = self.context.state().catalog_list().clone();
        self.context.register_catalog_list(Arc::new(DynamicFileCatalog::new(known, tables)));
        self.context.register_udtf(name, function);
    }

    /// Takes new snapshots if anything was committed since the last ones; says whether. Costs a look at the end of each table's log.
    pub async fn refresh(&mut self, lake: &Lake) -> Result<bool> {
        let snapshots = snapshots(lake).await?;
        let versions: Vec<Option<u64>> = snapshots.iter().map(|snapshot| snapshot.version).collect();
        if versions == self.versions {
            return Ok(false);
        }
        self.load(lake, snapshots).await.map_err(|error| Error::sql(&error))?;
        self.versions = versions;
        Ok(true)
    }

    async fn load(&mut self, lake: &Lake, snapshots: Vec<Snapshot>) -> datafusion::error::Result<()> {
        let store = ObjectStoreUrl::parse(&lake.root()[..Position::BeforePath])?;
        let context = &self.context;
        context.register_object_store(store.as_ref(), lake.object_store());
        for name in self.tables() {
            context.deregister_table(TableReference::bare(name))?;
        }
        let views_of_text = context.state().config_options().execution.parquet.schema_force_view_types;
        let mut span: Option<Span> = None;
        for (table, snapshot) in Table::ALL.into_iter().zip(snapshots) {
            // Logs come before metrics, which may reach far beyond them.
            if let Table::Rows(_) = table {
                let of_table = span_of(&snapshot, &table.time_column());
                span = match (span, of_table) {
                    (Some(known), Some(_)) if table == Table::METRICS => Some(known),
                    (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
                    (a, b) => a.or(b),
                };
            }
            let provider = LakeTable::try_new(table, snapshot, store.clone(), views_of_text)?;
            let registered = match table {
                Table::Ingested => views::ingested(context, lake, provider)?,
                _ => Arc::new(provider),
            };
            context.register_table(table.name(), registered)?;
        }
        self.catalog.add_views();
        self.own.plan_again(context).await?;
        self.span = span;
        Ok(())
    }

    /// Names of all tables and views, sorted.
    pub fn tables(&self) -> Vec<String> {
        let catalog = self.context.catalog(CATALOG).and_then(|catalog| catalog.schema(SCHEMA));
        let mut names = catalog.map_or_else(Vec::new, |schema| schema.table_names());
        names.sort();
        names
    }

    /// The columns of a table or a view, or of files: name and type, as people write it. `None` if there is none of this name.
    pub async fn columns(&self, table: &str) -> Result<Option<Vec<(String, String)>>> {
        let Some(schema) = self.context.catalog(CATALOG).and_then(|catalog| catalog.schema(SCHEMA)) else {
            return Ok(None);
        };
        let table = schema.table(table).await.map_err(|error| Error::sql(&error))?;
        let column = |field: &Arc<Field>| (field.name().clone(), type_name(field.data_type()));
        Ok(table.map(|table| table.schema().fields().iter().map(column).collect()))
    }

    /// Whether the name is that of a view.
    pub async fn is_view(&self, table: &str) -> bool {
        let schema = self.context.catalog(CATALOG).and_then(|catalog| catalog.schema(SCHEMA));
        match schema {
            Some(schema) => matches!(schema.table_type(table).await, Ok(Some(TableType::View))),
            None => false,
        }
    }

    /// Names of all functions that SQL may use, sorted.
    pub fn functions(&self) -> Vec<String> {
        let state = self.context.state();
        let names = state.scalar_functions().keys().chain(state.aggregate_functions().keys());
        let names = names.chain(state.window_functions().keys()).chain(state.table_functions().keys());
        // What Athena's `try(...)` becomes cannot be called by its name.
        let names = names.filter(|name| !name.contains(char::is_whitespace));
        names.cloned().collect::<BTreeSet<String>>().into_iter().collect()
    }

    /// Cancels what still runs on the cluster, before a program ends that does not wait for it.
    pub async fn cancel(&self) {
        if let Some(cluster) = &self.cluster {
            cluster.cancel_all().await;
        }
    }

    /// First and last moment of what the lake holds, to a millisecond; `None` if it holds nothing.
    pub fn span(&self) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let (first, end) = self.span?;
        Some((DateTime::from_timestamp_micros(first)?, DateTime::from_timestamp_micros(end - 1)?))
    }

    /// Starts one statement that reads: SELECT, WITH, VALUES, EXPLAIN, DESCRIBE, SHOW.
    ///
    /// # Errors
    /// [`Error::ReadOnly`] for any other statement, [`Error::Sql`] if it cannot be parsed or planned. What fails
    /// later comes out of the stream.
    pub async fn sql(&self, sql: &str) -> Result<SendableRecordBatchStream> {
        let mut statement = self.parse(sql)?;
        if let Some(statement) = changes(&statement) {
            return Err(Error::ReadOnly { statement });
        }
        if let Statement::Statement(statement) = &mut statement {
            let no_parameters = |_| Error::Sql(Fault::new("a `$name` has a value only in queries of the catalogue"));
            bind::bind(statement, &BTreeMap::new()).map_err(no_parameters)?;
        }
        self.start(statement).await.map_err(|error| self.failure(error, sql))
    }

    /// As [`Session::sql`], and what changes the session alone: SET, RESET, CREATE VIEW, DROP VIEW of such a view.
    pub async fn run(&mut self, sql: &str) -> Result<Answer> {
        let statement = self.parse(sql)?;
        let Some(change) = own::change(&statement) else {
            return self.sql(sql).await.map(Answer::Rows);
        };
        let done = match change {
            Change::Option => own::set(&self.context, statement).await,
            Change::CreateView => self.own.create(&self.context, statement, sql).await,
            Change::DropView(names) => self.own.drop(&self.context, &names),
        };
        done.map(|()| Answer::Done).map_err(|error| self.fault(&error, sql))
    }

    /// Starts a query of the catalogue. `given` holds the texts given for its parameters; `from` and `to` default to
    /// the whole lake, known from the files' statistics without a scan.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a text that is no value, [`Error::QueryFile`] if the query's SQL is wrong.
    pub async fn query(
        &self,
        query: &Query,
        given: &BTreeMap<String, String>,
        clock: &Clock,
    ) -> Result<SendableRecordBatchStream> {
        let fault = |problem: String| Error::QueryFile { file: query.file.clone(), line: 0, problem };
        let values = bind::values(query, given, clock, self.span.unwrap_or_default())?;
        let mut statement = self.parse(&query.sql).map_err(|error| fault(error.to_string()))?;
        if let Some(statement) = changes(&statement) {
            return Err(fault(Error::ReadOnly { statement }.to_string()));
        }
        let Statement::Statement(sql) = &mut statement else {
            return Err(fault("a query must be a SELECT".to_owned()));
        };
        let used = bind::bind(sql, &values).map_err(fault)?;
        if let Some(name) = given.keys().find(|name| !used.contains(*name)) {
            return Err(Error::parameter(name, format!("query `{}` takes no account of it", query.name)));
        }
        if let Some(param) = query.params.iter().find(|param| !used.contains(&param.name)) {
            return Err(fault(format!("parameter `{}` is declared but not used", param.name)));
        }
        self.start(statement).await.map_err(|error| match self.failure(error, &query.sql) {
            Error::Sql(problem) => fault(problem.to_string()),
            error => error,
        })
    }

    /// One statement, in DataFusion's words.
    fn parse(&self, sql: &str) -> Result<Statement> {
        let state = self.context.state();
        let dialect = state.config_options().sql_parser.dialect;
        let mut statement = state.sql_to_statement(sql, &dialect).map_err(|error| match error {
            _ if athena::refusal(sql).is_some() => Error::Sql(Fault::new(athena::refusal(sql).unwrap_or_default())),
            DataFusionError::NotImplemented(_) => Error::Sql(Fault::new("give one statement at a time")),
            DataFusionError::Plan(_) => Error::Sql(Fault::new("there is no statement")),
            error => self.fault(&error, sql),
        })?;
        if changes(&statement).is_none() {
            athena::adapt(&mut statement).map_err(|problem| Error::Sql(Fault::new(problem)))?;
        }
        Ok(statement)
    }

    async fn start(&self, statement: Statement) -> datafusion::error::Result<SendableRecordBatchStream> {
        let of_athena;
        let context = if athena::is_athena(&athena::reads(&statement)) {
            of_athena = athena::of_athena(&self.context)?;
            &of_athena
        } else {
            &self.context
        };
        let lists_tables =
            matches!(&statement, Statement::Statement(sql) if matches!(**sql, SqlStatement::ShowTables { .. }));
        let mut plan = context.state().statement_to_plan(statement).await?;
        if lists_tables {
            // The lake's before those of the engine itself.
            let order = vec![col("table_schema").sort(false, false), col("table_name").sort(true, false)];
            plan = LogicalPlanBuilder::from(plan).sort(order)?.build()?;
        }
        own::check_reads(&plan)?;
        if let Some(cluster) = &self.cluster {
            let of_cluster = |error: albatross_cluster::Error| DataFusionError::External(error.into());
            let plan = context.state().create_physical_plan(&plan).await?;
            match Cluster::place(&plan).map_err(of_cluster)? {
                Place::There(bytes) => {
                    let stream = cluster.execute(bytes, &context.copied_config(), plan.schema()).await;
                    return stream.map_err(of_cluster);
                }
                Place::Here => {}
                Place::OnlyHere { reason } => {
                    tracing::warn!(reason = reason.as_str(), "the query runs on this machine, not on the cluster");
                }
            }
        }
        stop::execute(context.state(), plan).await
    }

    /// What kept a statement from being started: its fault, or the cluster's.
    fn failure(&self, error: DataFusionError, sql: &str) -> Error {
        match error {
            DataFusionError::External(error) => match error.downcast::<albatross_cluster::Error>() {
                Ok(error) => Error::Cluster(*error),
                Err(error) => self.fault(&DataFusionError::External(error), sql),
            },
            error => self.fault(&error, sql),
        }
    }

    fn fault(&self, error: &DataFusionError, sql: &str) -> Error {
        Error::Sql(Fault::of(error, sql, || self.tables(), || self.functions()))
    }
}

fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text".to_owned(),
        DataType::Int32 => "integer".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Timestamp(..) => "timestamp".to_owned(),
        other => other.to_string(),
    }
}

fn config() -> SessionConfig {
    let mut config = SessionConfig::new().with_information_schema(true);
    config.options_mut().sql_parser.collect_spans = true;
    let parquet = &mut config.options_mut().execution.parquet;
    parquet.pushdown_filters = true;
    parquet.reorder_filters = true;
    config
}

/// What the statement is called, if it does anything but read.
fn changes(statement: &Statement) -> Option<String> {
    match statement {
        Statement::Statement(statement) => sql_changes(statement),
        Statement::Explain(explain) => changes(&explain.statement),
        other => Some(first_word(&other.to_string())),
    }
}

fn sql_changes(statement: &SqlStatement) -> Option<String> {
    match statement {
        SqlStatement::Query(_)
        | SqlStatement::ExplainTable { .. }
        | SqlStatement::ShowTables { .. }
        | SqlStatement::ShowColumns { .. }
        | SqlStatement::ShowFunctions { .. }
        | SqlStatement::ShowVariable { .. }
        | SqlStatement::ShowCreate { .. } => None,
        SqlStatement::Explain { statement, .. } => sql_changes(statement),
        other => Some(first_word(&other.to_string())),
    }
}

fn first_word(sql: &str) -> String {
    sql.split_whitespace().next().unwrap_or("this").to_uppercase()
}

/// All tables as they are now. Each is a task of its own: where sources are many and small, the log of their rows and the ledger take
/// a while to read.
async fn snapshots(lake: &Lake) -> Result<Vec<Snapshot>> {
    let tasks = Table::ALL.map(|table| {
        let lake = lake.clone();
        SpawnedTask::spawn(async move { lake.snapshot(table).await })
    });
    let results =
        tasks.map(|task| async { task.join_unwind().await.map_err(|stopped| Error::Run(stopped.to_string())) });
    try_join_all(results).await?.into_iter().map(|snapshot| Ok(snapshot?)).collect()
}

/// First and last moment of a column over all files, the last one excluded; `None` if there are no rows.
fn span_of(snapshot: &Snapshot, column: &str) -> Option<Span> {
    let files = snapshot.files.iter().filter(|file| file.rows != Some(0));
    files
        .map(|file| {
            let stat = file.stats.get(column);
            let micros = |value: Option<&Value>| match value {
                Some(Value::Timestamp(micros)) => Some(*micros),
                _ => None,
            };
            // What another engine wrote without statistics may be of any time.
            let first = micros(stat.and_then(|s| s.min.as_ref())).unwrap_or(-62_135_596_800_000_000);
            let last = micros(stat.and_then(|s| s.max.as_ref())).unwrap_or(253_402_300_799_999_999);
            (first, last + 1)
        })
        .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
}
