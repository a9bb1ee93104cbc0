//! SQL over a lake.

use std::collections::BTreeMap;
use std::sync::Arc;

use albatross_lake::{Lake, Snapshot, Table, Value};
use chrono::{DateTime, Utc};
use datafusion::error::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{SQLOptions, SessionConfig, SessionContext};
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::Statement as SqlStatement;
use url::Position;

use crate::bind::{self, Span};
use crate::header::Query;
use crate::table::LakeTable;
use crate::time::Clock;
use crate::{Error, Result, athena, views};

/// SQL over a lake as it was when the session was opened. Nothing can be changed through it.
///
/// Memory: the statistics of all files, and what the operators of a running query hold; a large sort or aggregation
/// goes to disk only if DataFusion can.
pub struct Session {
    context: SessionContext,
    /// For statements that read Athena's tables.
    athena: SessionContext,
    span: Option<Span>,
}

impl Session {
    /// Takes a snapshot of all tables and makes them known, together with the views on them (`requests`,
    /// `alb_access_logs`, and `ingested` with the files that are really in the lake).
    pub async fn open(lake: &Lake) -> Result<Session> {
        let store = ObjectStoreUrl::parse(&lake.root()[..Position::BeforePath]).map_err(|e| Error::sql(&e))?;
        let context = athena::context(config()).map_err(|e| Error::sql(&e))?;
        context.register_object_store(store.as_ref(), lake.object_store());
        let mut span: Option<Span> = None;
        let snapshots = futures::future::try_join_all(Table::ALL.map(|table| lake.snapshot(table))).await?;
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
            let provider = LakeTable::try_new(table, snapshot, store.clone()).map_err(|e| Error::sql(&e))?;
            let registered = match table {
                Table::Ingested => views::ingested(&context, lake, provider).map_err(|e| Error::sql(&e))?,
                _ => Arc::new(provider),
            };
            context.register_table(table.name(), registered).map_err(|e| Error::sql(&e))?;
        }
        views::register(&context).await.map_err(|e| Error::sql(&e))?;
        athena::register(&context).await.map_err(|e| Error::sql(&e))?;
        let athena = athena::of_athena(&context).map_err(|e| Error::sql(&e))?;
        Ok(Session { context, athena, span })
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
        if let Statement::Statement(statement) = &mut statement {
            let no_parameters = |_| Error::Sql("a `$name` has a value only in queries of the catalogue".to_owned());
            bind::bind(statement, &BTreeMap::new()).map_err(no_parameters)?;
        }
        self.start(statement).await
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
        self.start(statement).await.map_err(|error| match error {
            Error::Sql(problem) => fault(problem),
            error => error,
        })
    }

    /// One statement that reads.
    fn parse(&self, sql: &str) -> Result<Statement> {
        let state = self.context.state();
        let dialect = state.config_options().sql_parser.dialect;
        let mut statement = state.sql_to_statement(sql, &dialect).map_err(|error| match error {
            _ if athena::refusal(sql).is_some() => Error::Sql(athena::refusal(sql).unwrap_or_default()),
            DataFusionError::NotImplemented(_) => Error::Sql("give one statement at a time".to_owned()),
            DataFusionError::Plan(_) => Error::Sql("there is no statement".to_owned()),
            error => Error::sql(&error),
        })?;
        if let Some(statement) = changes(&statement) {
            return Err(Error::ReadOnly { statement });
        }
        athena::adapt(&mut statement).map_err(Error::Sql)?;
        Ok(statement)
    }

    async fn start(&self, statement: Statement) -> Result<SendableRecordBatchStream> {
        let is_athena = athena::is_athena(&athena::reads(&statement));
        let context = if is_athena { &self.athena } else { &self.context };
        let plan = plan(context, statement).await.map_err(|e| Error::sql(&e))?;
        let frame = context.execute_logical_plan(plan).await.map_err(|e| Error::sql(&e))?;
        frame.execute_stream().await.map_err(|e| Error::sql(&e))
    }
}

async fn plan(context: &SessionContext, statement: Statement) -> datafusion::error::Result<LogicalPlan> {
    let plan = context.state().statement_to_plan(statement).await?;
    // The second lock on the same door, for what hides inside a statement.
    SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false).verify_plan(&plan)?;
    Ok(plan)
}

fn config() -> SessionConfig {
    let mut config = SessionConfig::new().with_information_schema(true);
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
