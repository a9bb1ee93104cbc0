//! What a statement may change: the session it runs in, and nothing else.

use std::sync::Arc;

use arrow::array::timezone::Tz;
use datafusion::catalog::view::ViewTable;
use datafusion::common::{TableReference, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{DdlStatement, LogicalPlan, Statement as PlanStatement};
use datafusion::prelude::{SQLOptions, SessionContext};
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{Ident, ObjectName, ObjectType, Set, Statement as SqlStatement};

const TIME_ZONE: &str = "datafusion.execution.time_zone";

/// What a statement changes of its session.
pub(super) enum Change {
    /// `SET datafusion... = ...`, `SET TIME ZONE`, `RESET`
    Option,
    CreateView,
    DropView(Vec<String>),
}

pub(super) fn change(statement: &Statement) -> Option<Change> {
    match statement {
        Statement::Reset(_) => Some(Change::Option),
        Statement::Statement(statement) => match &**statement {
            SqlStatement::Set(Set::SingleAssignment { .. } | Set::SetTimeZone { .. }) => Some(Change::Option),
            SqlStatement::CreateView(view) if !view.materialized => Some(Change::CreateView),
            SqlStatement::Drop { object_type: ObjectType::View, names, .. } => {
                let name = |name: &ObjectName| match name.0.last().and_then(|part| part.as_ident()) {
                    Some(Ident { value, quote_style: Some(_), .. }) => value.clone(),
                    _ => name.to_string().to_lowercase(),
                };
                Some(Change::DropView(names.iter().map(name).collect()))
            }
            _ => None,
        },
        _ => None,
    }
}

/// The second lock on the same door, for what hides inside a statement.
pub(super) fn check_reads(plan: &LogicalPlan) -> Result<()> {
    SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false).verify_plan(plan)
}

pub(super) async fn set(context: &SessionContext, mut statement: Statement) -> Result<()> {
    spell_out_zone(&mut statement);
    let plan = context.state().statement_to_plan(statement).await?;
    if let LogicalPlan::Statement(PlanStatement::SetVariable(set)) = &plan
        && set.variable == TIME_ZONE
        && set.value.parse::<Tz>().is_err()
    {
        return plan_err!("there is no time zone `{}`: give one such as UTC or Europe/Berlin", set.value);
    }
    SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).verify_plan(&plan)?;
    context.execute_logical_plan(plan).await.map(drop)
}

/// `SET TIME ZONE 'x'` as `SET TIME ZONE TO 'x'`, which is what DataFusion knows.
fn spell_out_zone(statement: &mut Statement) {
    let Statement::Statement(sql) = statement else { return };
    if let SqlStatement::Set(Set::SetTimeZone { value, .. }) = &**sql {
        let variable = ObjectName::from(vec![Ident::new("timezone")]);
        let set = Set::SingleAssignment { scope: None, hivevar: false, variable, values: vec![value.clone()] };
        **sql = SqlStatement::Set(set);
    }
}

/// The views that were made in a session; they end with it.
#[derive(Default)]
pub(super) struct OwnViews {
    /// Name and statement, in the order in which they were made: later ones may stand on earlier ones.
    views: Vec<(String, String)>,
}

impl OwnViews {
    pub(super) async fn create(&mut self, context: &SessionContext, statement: Statement, sql: &str) -> Result<()> {
        let LogicalPlan::Ddl(DdlStatement::CreateView(view)) = context.state().statement_to_plan(statement).await?
        else {
            return plan_err!("a view is made of a query");
        };
        check_reads(&view.input)?;
        let name = view.name.table().to_owned();
        let is_own = self.views.iter().any(|(known, _)| *known == name);
        if context.table_exist(view.name.clone())? {
            if !is_own {
                return plan_err!("`{name}` is of the lake and stays as it is");
            }
            if !view.or_replace {
                return plan_err!("there is a view `{name}` already: CREATE OR REPLACE VIEW replaces it");
            }
        }
        context.deregister_table(TableReference::bare(name.as_str()))?;
        let table = ViewTable::new(Arc::unwrap_or_clone(view.input), view.definition);
        context.register_table(TableReference::bare(name.as_str()), Arc::new(table))?;
        self.views.retain(|(known, _)| *known != name);
        self.views.push((name, sql.to_owned()));
        Ok(())
    }

    pub(super) fn drop(&mut self, context: &SessionContext, names: &[String]) -> Result<()> {
        for name in names {
            if !self.views.iter().any(|(known, _)| known == name) {
                return plan_err!("`{name}` is no view of this session");
            }
            context.deregister_table(TableReference::bare(name.as_str()))?;
            self.views.retain(|(known, _)| known != name);
        }
        Ok(())
    }

    /// Plans all views on the tables as they are now.
    pub(super) async fn plan_again(&mut self, context: &SessionContext) -> Result<()> {
        for (name, sql) in std::mem::take(&mut self.views) {
            let dialect = context.state().config_options().sql_parser.dialect;
            let statement = context.state().sql_to_statement(&sql, &dialect)?;
            // What it stands on may be gone; then so is it.
            if self.create(context, statement, &sql).await.is_err() {
                tracing::warn!(warning = %format!("the view `{name}` does not fit the tables any more"), "view dropped");
            }
        }
        Ok(())
    }
}
