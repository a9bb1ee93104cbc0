//! The functions and the dialect of Amazon Athena, on DataFusion.
//!
//! Athena is Trino. [`rewrite`] changes a statement so that DataFusion's planner understands what it says otherwise
//! (`count()`, `if`, `try`, `approx_percentile`, ...). [`add_functions`] adds the functions that DataFusion lacks;
//! [`replace_functions`] gives those their Trino meaning that DataFusion has with another one, and is for sessions
//! that run nothing but Athena's queries. `docs/athena.md` lists them all.

mod call;
mod dialect;
mod ast;
mod pattern;
mod joda;
mod mysql;
mod time;
mod text;
mod url;
mod json;
mod written;

use datafusion::execution::FunctionRegistry;
use datafusion::functions_nested::array_has::array_has_udf;

pub use dialect::{FUNCTIONS as REWRITTEN, PATH, Reads, reads, rewrite};

/// What the name of a function begins with that gives NULL where it would fail.
const TRY: &str = "try ";

/// Adds the functions that DataFusion has not.
///
/// # Errors
/// The registry takes none.
pub fn add_functions(registry: &mut dyn FunctionRegistry) -> datafusion::error::Result<()> {
    for spec in [time::ADDED, text::ADDED, url::ADDED, json::ADDED].into_iter().flatten() {
        registry.register_udf(spec.function().into())?;
        registry.register_udf(spec.lenient().into())?;
    }
    Ok(())
}

/// Replaces functions of DataFusion by Trino's of the same name.
///
/// # Errors
/// The registry takes none.
pub fn replace_functions(registry: &mut dyn FunctionRegistry) -> datafusion::error::Result<()> {
    for spec in [time::REPLACED, text::REPLACED].into_iter().flatten() {
        registry.register_udf(spec.function().into())?;
        registry.register_udf(spec.lenient().into())?;
    }
    // DataFusion's own looks into texts.
    let contains = array_has_udf().as_ref().clone().with_aliases(["contains"]);
    registry.register_udf(contains.into())?;
    Ok(())
}

/// Whether the function may fail on its own, so that `try` has a variant of it.
fn may_fail(name: &str) -> bool {
    let all = [time::ADDED, text::ADDED, url::ADDED, json::ADDED, time::REPLACED, text::REPLACED];
    all.into_iter().flatten().any(|spec| spec.name == name)
}
