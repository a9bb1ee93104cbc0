//! What names a session knows: the lake's tables, and the views on them.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock, Weak};

use albatross_athena::PATH;
use async_trait::async_trait;
use datafusion::catalog::{CatalogProvider, CatalogProviderList, MemorySchemaProvider, SchemaProvider, TableProvider};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SessionState;
use datafusion::logical_expr::TableType;
use datafusion::prelude::SessionContext;

use crate::{athena, views};

pub(crate) const CATALOG: &str = "albatross";
pub(crate) const SCHEMA: &str = "lake";

/// One lake is all databases: the name of a database before that of a table says nothing.
///
/// The session owns the catalog: its context, of which the catalog has a copy, only borrows it.
#[derive(Debug)]
pub(crate) struct AnyCatalog(pub(crate) Weak<LakeCatalog>);

impl CatalogProviderList for AnyCatalog {
    fn register_catalog(&self, _: String, _: Arc<dyn CatalogProvider>) -> Option<Arc<dyn CatalogProvider>> {
        None
    }

    fn catalog_names(&self) -> Vec<String> {
        vec![CATALOG.to_owned()]
    }

    fn catalog(&self, name: &str) -> Option<Arc<dyn CatalogProvider>> {
        let is_known = name == CATALOG || name.eq_ignore_ascii_case("awsdatacatalog");
        self.0.upgrade().filter(|_| is_known).map(|catalog| catalog as Arc<dyn CatalogProvider>)
    }
}

/// The tables and views of a lake.
#[derive(Debug, Default)]
pub(crate) struct LakeCatalog {
    lake: Arc<LakeSchema>,
    /// Athena's views with the column [`PATH`], which `SELECT *` does not show.
    with_path: Arc<LakeSchema>,
}

impl LakeCatalog {
    /// Whose functions and options the views are planned with.
    pub(crate) fn plan_by(&self, state: &SessionState) {
        for schema in [&self.lake, &self.with_path] {
            schema.planner.get_or_init(|| state.clone());
        }
    }

    /// Makes the views known, on the tables as they are now.
    pub(crate) fn add_views(&self) {
        let athena = || athena::views().map(|(name, sql)| (name, View::new(sql)));
        self.with_path.set_views(athena());
        let without_path = athena().map(|(name, view)| (name, View { hides: Some(PATH), ..view }));
        self.lake.set_views(views::all().map(|(name, sql)| (name, View::new(sql))).chain(without_path));
    }
}

impl CatalogProvider for LakeCatalog {
    fn schema_names(&self) -> Vec<String> {
        vec![SCHEMA.to_owned()]
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        Some(if name == PATH { self.with_path.clone() } else { self.lake.clone() })
    }
}

/// Tables, and views that are planned when somebody asks for them: most sessions ask for none, and to plan all takes longer than many
/// a query.
#[derive(Debug, Default)]
struct LakeSchema {
    tables: MemorySchemaProvider,
    views: RwLock<BTreeMap<&'static str, Arc<View>>>,
    /// How the session was when it began: its later options do not change what a view is.
    planner: OnceLock<SessionState>,
}

#[derive(Debug)]
struct View {
    sql: &'static str,
    /// A column of the statement that the view does not have.
    hides: Option<&'static str>,
    planned: OnceLock<Arc<dyn TableProvider>>,
}

impl View {
    fn new(sql: &'static str) -> View {
        View { sql, hides: None, planned: OnceLock::new() }
    }
}

impl LakeSchema {
    fn set_views(&self, views: impl Iterator<Item = (&'static str, View)>) {
        let views = views.map(|(name, view)| (name, Arc::new(view))).collect();
        *self.views.write().unwrap_or_else(PoisonError::into_inner) = views;
    }

    fn view(&self, name: &str) -> Option<Arc<View>> {
        self.views.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }
}

#[async_trait]
impl SchemaProvider for LakeSchema {
    fn table_names(&self) -> Vec<String> {
        let mut names = self.tables.table_names();
        let views = self.views.read().unwrap_or_else(PoisonError::into_inner);
        names.extend(views.keys().map(|name| (*name).to_owned()));
        names
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let Some(view) = self.view(name) else { return self.tables.table(name).await };
        if let Some(planned) = view.planned.get() {
            return Ok(Some(planned.clone()));
        }
        let planner = self.planner.get();
        let planner = planner.ok_or_else(|| DataFusionError::Internal("no session plans the views".to_owned()))?;
        let mut frame = SessionContext::new_with_state(planner.clone()).sql(view.sql).await?;
        if let Some(hidden) = view.hides {
            frame = frame.drop_columns(&[hidden])?;
        }
        let planned = frame.into_view();
        Ok(Some(view.planned.get_or_init(|| planned).clone()))
    }

    async fn table_type(&self, name: &str) -> Result<Option<TableType>> {
        match self.view(name) {
            Some(_) => Ok(Some(TableType::View)),
            None => self.tables.table_type(name).await,
        }
    }

    fn register_table(&self, name: String, table: Arc<dyn TableProvider>) -> Result<Option<Arc<dyn TableProvider>>> {
        self.tables.register_table(name, table)
    }

    fn deregister_table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        self.tables.deregister_table(name)
    }

    fn table_exist(&self, name: &str) -> bool {
        self.view(name).is_some() || self.tables.table_exist(name)
    }
}
