//! Athena's tables as views on the lake's, under any database's name, and the functions its queries call.

use std::ops::ControlFlow;
use std::sync::Arc;

use albatross_athena::{PATH, Reads};
use datafusion::error::Result;
use datafusion::execution::SessionStateBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{Ident, ObjectName, Statement as SqlStatement, VisitMut, VisitorMut};

use crate::schema::{AnyCatalog, CATALOG, LakeCatalog, SCHEMA};

/// Athena's tables, with other names that published queries have for them.
const VIEWS: [(&str, &[&str], &str); 6] = [
    ("alb_access_logs", &["alb_logs"], include_str!("views/athena/alb_access_logs.sql")),
    ("alb_connection_logs", &[], include_str!("views/athena/alb_connection_logs.sql")),
    ("elb_logs", &["clb_logs"], include_str!("views/athena/elb_logs.sql")),
    ("nlb_tls_logs", &["nlb_access_logs", "nlb_logs"], include_str!("views/athena/nlb_tls_logs.sql")),
    ("cloudfront_standard_logs", &[], include_str!("views/athena/cloudfront_standard_logs.sql")),
    ("cloudfront_logs", &[], include_str!("views/athena/cloudfront_logs.sql")),
];

/// A context with the tables of `lake`, and with Athena's functions as far as DataFusion lacks them.
pub(crate) fn context(config: SessionConfig, lake: &Arc<LakeCatalog>) -> Result<SessionContext> {
    let config = config.with_default_catalog_and_schema(CATALOG, SCHEMA).with_create_default_catalog_and_schema(false);
    let mut state = SessionStateBuilder::new()
        .with_config(config)
        .with_default_features()
        .with_catalog_list(Arc::new(AnyCatalog(Arc::downgrade(lake))))
        .build();
    albatross_athena::add_functions(&mut state)?;
    lake.plan_by(&state);
    Ok(SessionContext::new_with_state(state))
}

/// The same tables with the functions as Athena has them.
pub(crate) fn of_athena(context: &SessionContext) -> Result<SessionContext> {
    let mut state = context.state();
    albatross_athena::replace_functions(&mut state)?;
    Ok(SessionContext::new_with_state(state))
}

/// The views by all their names.
pub(crate) fn views() -> impl Iterator<Item = (&'static str, &'static str)> {
    VIEWS.into_iter().flat_map(|(name, others, sql)| others.iter().copied().chain([name]).map(move |name| (name, sql)))
}

fn is_view(name: &str) -> bool {
    VIEWS.iter().any(|(view, others, _)| *view == name || others.contains(&name))
}

/// Whether the statement reads one of Athena's tables, and so is to be taken as Athena takes it.
pub(crate) fn is_athena(reads: &Reads) -> bool {
    reads.tables.iter().any(|name| is_view(name))
}

/// What the statement reads; nothing if it is not a query.
pub(crate) fn reads(statement: &Statement) -> Reads {
    match statement {
        Statement::Statement(statement) => albatross_athena::reads(statement),
        Statement::Explain(explain) => reads(&explain.statement),
        _ => Reads::default(),
    }
}

/// Puts a statement into DataFusion's words.
///
/// # Errors
/// Says what cannot be had here.
pub(crate) fn adapt(statement: &mut Statement) -> std::result::Result<(), String> {
    let reads = reads(statement);
    let Some(statement) = inner(statement) else {
        return Ok(());
    };
    if reads.path {
        let _ = statement.visit(&mut WithPath);
    }
    albatross_athena::rewrite(statement, is_athena(&reads))
}

fn inner(statement: &mut Statement) -> Option<&mut SqlStatement> {
    match statement {
        Statement::Statement(statement) => Some(statement),
        Statement::Explain(explain) => inner(&mut explain.statement),
        _ => None,
    }
}

/// Takes the views that have the column [`PATH`].
struct WithPath;

impl VisitorMut for WithPath {
    type Break = ();

    fn pre_visit_relation(&mut self, name: &mut ObjectName) -> ControlFlow<()> {
        let last = name.0.last().and_then(|part| part.as_ident()).cloned();
        if let Some(view) = last.filter(|view| is_view(&view.value.to_lowercase())) {
            *name = ObjectName::from(vec![Ident::with_quote('"', PATH), view]);
        }
        ControlFlow::Continue(())
    }
}

/// Why a statement is refused that a page of AWS begins with.
pub(crate) fn refusal(sql: &str) -> Option<String> {
    let words: Vec<String> = sql.split_whitespace().take(3).map(str::to_uppercase).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let statement = match words.as_slice() {
        ["CREATE", "EXTERNAL", "TABLE", ..] => "CREATE EXTERNAL TABLE",
        ["MSCK", ..] => "MSCK REPAIR TABLE",
        ["ALTER", "TABLE", ..] => "ALTER TABLE",
        _ => return None,
    };
    let views: Vec<&str> = VIEWS.iter().map(|(name, _, _)| *name).collect();
    Some(format!("{statement} is not needed: Athena's tables are here, and their days too ({})", views.join(", ")))
}
