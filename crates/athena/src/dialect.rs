//! What Athena's SQL says in other words than DataFusion's, changed in the syntax tree.

use std::mem;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    AccessExpr, BinaryOperator, CastKind, DataType, DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArgumentClause, FunctionArguments, Ident, ObjectName, OrderBy, OrderByExpr, OrderByKind, OrderByOptions,
    Query, Select, SelectItem, SetExpr, Statement, Subscript, TableFactor, Value, Visit, VisitMut, Visitor, VisitorMut,
    visit_expressions, visit_expressions_mut,
};

use crate::ast::{binary, call, case, cast, nested, null, number, text};
use crate::{TRY, may_fail};

/// Athena's column with the name of the file that a row is from.
pub const PATH: &str = "$path";

/// The functions that [`rewrite`] puts into DataFusion's terms, so that no registry has them.
pub const FUNCTIONS: &[&str] = &[
    "approx_percentile",
    "arbitrary",
    "at_timezone",
    "ceiling",
    "count_if",
    "date",
    "day",
    "day_of_month",
    "day_of_week",
    "day_of_year",
    "dow",
    "doy",
    "element_at",
    "every",
    "hour",
    "if",
    "is_nan",
    "levenshtein_distance",
    "listagg",
    "max_by",
    "millisecond",
    "min_by",
    "minute",
    "mod",
    "month",
    "quarter",
    "rand",
    "second",
    "sequence",
    "sign",
    "truncate",
    "try",
    "week",
    "week_of_year",
    "year",
    "year_of_week",
    "yow",
];

/// What a statement reads.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// The last parts of the names of all tables, in lower case.
    pub tables: Vec<String>,
    /// Whether it names the column [`PATH`].
    pub path: bool,
}

/// What the statement reads.
pub fn reads(statement: &Statement) -> Reads {
    struct Names(Reads);
    impl Visitor for Names {
        type Break = ();

        fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<()> {
            self.0.tables.extend(last(name).map(|ident| ident.value.to_lowercase()));
            ControlFlow::Continue(())
        }

        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            self.0.path |= match expr {
                Expr::Identifier(ident) => ident.value == PATH,
                Expr::CompoundIdentifier(parts) => parts.last().is_some_and(|ident| ident.value == PATH),
                _ => false,
            };
            ControlFlow::Continue(())
        }
    }
    let mut names = Names(Reads::default());
    let _ = statement.visit(&mut names);
    names.0
}

fn last(name: &ObjectName) -> Option<&Ident> {
    name.0.last().and_then(|part| part.as_ident())
}

/// Changes what DataFusion does not know into what it knows; columns without a name keep what was written as theirs.
/// With `trino`, also what it knows and Trino does otherwise: `concat`, `greatest` and `least` of NULL, `substr` from the end,
/// `element_at`, `AT TIME ZONE` of a time without zone; and statuses that are texts are numbers where they are compared with numbers.
///
/// # Errors
/// Says what cannot be had: types of IP addresses and JSON, forms of functions without a counterpart.
pub fn rewrite(statement: &mut Statement, trino: bool) -> Result<(), String> {
    let mut rewriter = Rewriter { trino, unnamed: Vec::new() };
    match statement.visit(&mut rewriter) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(problem) => Err(problem),
    }
}

struct Rewriter {
    trino: bool,
    /// For each SELECT that is being visited, its columns as written.
    unnamed: Vec<Vec<Option<String>>>,
}

impl VisitorMut for Rewriter {
    type Break = String;

    /// `SELECT DISTINCT count(*) AS n ... ORDER BY count(*)`: orders by the column, for after DISTINCT there is nothing else.
    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<String> {
        let (SetExpr::Select(select), Some(OrderBy { kind: OrderByKind::Expressions(order), .. })) =
            (&*query.body, &mut query.order_by)
        else {
            return ControlFlow::Continue(());
        };
        if select.distinct.is_some() {
            for by in order {
                let same = select.projection.iter().find_map(|item| match item {
                    SelectItem::ExprWithAlias { expr, alias } if *expr == by.expr => Some(alias.clone()),
                    _ => None,
                });
                if let Some(alias) = same {
                    by.expr = Expr::Identifier(alias);
                }
            }
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, table: &mut TableFactor) -> ControlFlow<String> {
        let is_column = |expr: &Expr| matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
        let has_column = |expr: &Expr| {
            let found = |part: &Expr| if is_column(part) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
            visit_expressions(expr, found).is_break()
        };
        match table {
            TableFactor::Table { sample: Some(_), .. } => {
                ControlFlow::Break("there is no TABLESAMPLE: rows would not be left out".to_owned())
            }
            TableFactor::UNNEST { array_exprs, .. } if array_exprs.iter().any(has_column) => ControlFlow::Break(
                "UNNEST of a column cannot be joined: write SELECT unnest(...) in a subquery".to_owned(),
            ),
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<String> {
        let written = |item: &SelectItem| match item {
            SelectItem::UnnamedExpr(Expr::Identifier(_) | Expr::CompoundIdentifier(_)) => None,
            SelectItem::UnnamedExpr(expr) => Some(expr.to_string()),
            _ => None,
        };
        self.unnamed.push(select.projection.iter().map(written).collect());
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<String> {
        let written = self.unnamed.pop().unwrap_or_default();
        for (item, written) in select.projection.iter_mut().zip(written) {
            if let (SelectItem::UnnamedExpr(expr), Some(written)) = (&mut *item, written)
                && expr.to_string() != written
            {
                let expr = mem::replace(expr, null());
                *item = SelectItem::ExprWithAlias { expr, alias: Ident::with_quote('"', written) };
            }
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<String> {
        match expr {
            Expr::Cast { data_type: DataType::Custom(name, _), .. } => {
                if let Some(name) = last(name).filter(|name| is_address(&name.value)) {
                    return ControlFlow::Break(format!(
                        "there is no type {}: addresses are texts, compare them with LIKE or =",
                        name.value
                    ));
                }
            }
            Expr::Cast { data_type: DataType::JSON, .. } => {
                return ControlFlow::Break(
                    "there is no type JSON: it is text, which json_parse, json_extract and json_extract_scalar take"
                        .to_owned(),
                );
            }
            Expr::Substring { expr: text, substring_from: Some(from), substring_for, .. } if self.trino => {
                let mut args = vec![mem::replace(&mut **text, null()), mem::replace(&mut **from, null())];
                args.extend(substring_for.take().map(|length| *length));
                *expr = call("substr", args);
            }
            Expr::BinaryOp { left, op, right } if self.trino && is_comparison(op) => {
                if is_number(right) {
                    as_number(left);
                } else if is_number(left) {
                    as_number(right);
                }
            }
            Expr::Between { expr, low, high, .. } if self.trino && is_number(low) && is_number(high) => as_number(expr),
            Expr::InList { expr, list, .. } if self.trino && list.iter().all(is_number) => as_number(expr),
            Expr::AtTimeZone { timestamp, .. } if self.trino => {
                **timestamp = zoned(mem::replace(&mut **timestamp, null()));
            }
            Expr::Function(function) => match self.function(function) {
                Ok(Some(new)) => *expr = new,
                Ok(None) => {}
                Err(problem) => return ControlFlow::Break(problem),
            },
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// Columns of texts that are numbers in many people's tables. `-` is none.
const STATUSES: [&str; 3] = ["target_status_code", "elb_response_code", "backend_response_code"];

/// Makes a status that is compared with a number one, as it is in tables that declare it so.
fn as_number(expr: &mut Expr) {
    let name = match expr {
        Expr::Identifier(ident) => Some(&*ident),
        Expr::CompoundIdentifier(parts) => parts.last(),
        _ => None,
    };
    if name.is_some_and(|name| STATUSES.contains(&name.value.to_lowercase().as_str())) {
        let status = mem::replace(expr, null());
        *expr = Expr::Cast {
            kind: CastKind::TryCast,
            expr: Box::new(status),
            data_type: DataType::BigInt(None),
            array: false,
            format: None,
        };
    }
}

/// The time as a moment: one without a zone is in the session's, UTC. DataFusion's `AT TIME ZONE` would take it to be in the zone it names.
fn zoned(time: Expr) -> Expr {
    call("arrow_cast", vec![time, text("Timestamp(Microsecond, Some(\"UTC\"))".to_owned())])
}

fn is_number(expr: &Expr) -> bool {
    matches!(expr, Expr::Value(value) if matches!(value.value, Value::Number(..)))
}

fn is_comparison(op: &BinaryOperator) -> bool {
    use BinaryOperator::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq)
}

fn is_address(name: &str) -> bool {
    name.eq_ignore_ascii_case("ipaddress") || name.eq_ignore_ascii_case("ipprefix")
}

impl Rewriter {
    /// Changes the function in place, or gives the expression that takes its place.
    fn function(&self, function: &mut Function) -> Result<Option<Expr>, String> {
        let [part] = function.name.0.as_slice() else {
            return Ok(None);
        };
        let Some(name) = part.as_ident().map(|ident| ident.value.to_lowercase()) else {
            return Ok(None);
        };
        let Some(mut args) = plain_args(function) else {
            return Ok(None);
        };
        let wrong = |takes: &str| Err(format!("{name} takes {takes}, not {}", args.len()));
        let mut rename = |to: &str| {
            function.name = ObjectName::from(vec![Ident::new(to)]);
            Ok(None)
        };
        match (name.as_str(), args.len()) {
            ("count", 0) => {
                set_args(function, vec![FunctionArgExpr::Wildcard]);
                Ok(None)
            }
            ("count_if", 1) => {
                let condition = args.remove(0);
                let one = number(1);
                rename("count")?;
                set_args(function, vec![FunctionArgExpr::Expr(case(condition, one, None))]);
                Ok(None)
            }
            ("if", 2 | 3) => {
                let otherwise = (args.len() == 3).then(|| args.remove(2));
                let then = args.remove(1);
                Ok(Some(case(args.remove(0), then, otherwise)))
            }
            ("if", _) => wrong("a condition and one or two values"),
            ("try", 1) => Ok(Some(lenient(args.remove(0)))),
            ("arbitrary", 1) => rename("any_value"),
            ("max_by" | "min_by", 2) => {
                let key = args.remove(1);
                let is_max = name == "max_by";
                rename(if is_max { "last_value" } else { "first_value" })?;
                set_args(function, vec![FunctionArgExpr::Expr(args.remove(0))]);
                order(function, key, true, is_max);
                Ok(None)
            }
            ("max_by" | "min_by", 3) => {
                let (length, key) = (args.remove(2), args.remove(1));
                let is_max = name == "max_by";
                rename("array_agg")?;
                set_args(function, vec![FunctionArgExpr::Expr(args.remove(0))]);
                order(function, key, !is_max, false);
                Ok(Some(call("array_slice", vec![Expr::Function(function.clone()), number(1), length])))
            }
            ("listagg", 1 | 2) => {
                if args.len() == 1 {
                    set_args(
                        function,
                        vec![FunctionArgExpr::Expr(args.remove(0)), FunctionArgExpr::Expr(text(String::new()))],
                    );
                }
                if let Some(by) = Some(mem::take(&mut function.within_group)).filter(|by| !by.is_empty())
                    && let FunctionArguments::List(list) = &mut function.args
                {
                    list.clauses.push(FunctionArgumentClause::OrderBy(by));
                }
                function.name = ObjectName::from(vec![Ident::new("string_agg")]);
                Ok(None)
            }
            ("approx_percentile", 2 | 3) => approx_percentile(function, args).map(Some),
            ("approx_percentile", _) => wrong("a value, perhaps a weight, and one percentile or an array of them"),
            ("approx_distinct", 2) => {
                set_args(function, vec![FunctionArgExpr::Expr(args.remove(0))]);
                Ok(None)
            }
            ("date", 1) => Ok(Some(cast(args.remove(0), DataType::Date))),
            ("at_timezone", 2) => {
                let time_zone = Box::new(args.remove(1));
                let timestamp = args.remove(0);
                let timestamp = Box::new(if self.trino { zoned(timestamp) } else { timestamp });
                Ok(Some(Expr::AtTimeZone { timestamp, time_zone }))
            }
            ("millisecond", 1) => Ok(Some(binary(part_of("millisecond", args), BinaryOperator::Modulo, number(1000)))),
            ("element_at", 2) if self.trino => {
                let index = args.remove(1);
                let access_chain = vec![AccessExpr::Subscript(Subscript::Index { index })];
                Ok(Some(Expr::CompoundFieldAccess { root: Box::new(args.remove(0)), access_chain }))
            }
            ("mod", 2) => {
                let divisor = args.remove(1);
                Ok(Some(binary(nested(args.remove(0)), BinaryOperator::Modulo, nested(divisor))))
            }
            ("replace", 2) => {
                args.push(text(String::new()));
                set_args(function, args.into_iter().map(FunctionArgExpr::Expr).collect());
                Ok(None)
            }
            ("ceiling", 1) => rename("ceil"),
            ("every", 1) => rename("bool_and"),
            ("is_nan", 1) => rename("isnan"),
            ("levenshtein_distance", 2) => rename("levenshtein"),
            ("rand", 0) => rename("random"),
            ("sequence", 2 | 3) => rename("generate_series"),
            ("sign", 1) => rename("signum"),
            ("truncate", 1 | 2) => rename("trunc"),
            ("concat", 1..) if self.trino => {
                let joined = args.into_iter().map(nested).reduce(|a, b| binary(a, BinaryOperator::StringConcat, b));
                Ok(joined.map(nested))
            }
            ("greatest" | "least", 1..) if self.trino => {
                let is_null = |arg: &Expr| Expr::IsNull(Box::new(nested(arg.clone())));
                let any = args.iter().map(is_null).reduce(|a, b| binary(a, BinaryOperator::Or, b));
                let function = Expr::Function(function.clone());
                Ok(any.map(|any| case(any, null(), Some(function))))
            }
            (name, 1) => Ok(date_field(name).map(|field| part_of(field, args))),
            _ => Ok(None),
        }
    }
}

/// What `date_part` calls the field that Trino has a function for.
fn date_field(function: &str) -> Option<&'static str> {
    Some(match function {
        "year" => "year",
        "quarter" => "quarter",
        "month" => "month",
        "week" | "week_of_year" => "week",
        "year_of_week" | "yow" => "isoyear",
        "day" | "day_of_month" => "day",
        "day_of_week" | "dow" => "isodow",
        "day_of_year" | "doy" => "doy",
        "hour" => "hour",
        "minute" => "minute",
        "second" => "second",
        _ => return None,
    })
}

fn part_of(field: &str, mut args: Vec<Expr>) -> Expr {
    args.insert(0, text(field.to_owned()));
    call("date_part", args)
}

/// `approx_percentile(x, p)`, `(x, ARRAY[p, q])`, `(x, weight, p)`: the t-digest of DataFusion, with 1000 centroids.
fn approx_percentile(function: &mut Function, mut args: Vec<Expr>) -> Result<Expr, String> {
    let percentile = args.pop().unwrap_or_else(null);
    let name = if args.len() == 1 { "approx_percentile_cont" } else { "approx_percentile_cont_with_weight" };
    function.name = ObjectName::from(vec![Ident::new(name)]);
    let mut one = |percentile: Expr| {
        let args = args.iter().cloned().chain([percentile, number(1000)]);
        set_args(function, args.map(FunctionArgExpr::Expr).collect());
        Expr::Function(function.clone())
    };
    match percentile {
        Expr::Array(array) => Ok(call("make_array", array.elem.into_iter().map(one).collect())),
        percentile => Ok(one(percentile)),
    }
}

/// The expression, with NULL where a function, a cast or a division in it would fail.
fn lenient(mut expr: Expr) -> Expr {
    let _ = visit_expressions_mut(&mut expr, |part| {
        match part {
            Expr::Cast { kind: kind @ CastKind::Cast, .. } => *kind = CastKind::TryCast,
            Expr::BinaryOp { op: BinaryOperator::Divide | BinaryOperator::Modulo, right, .. } => {
                let divisor = mem::replace(&mut **right, null());
                **right = call("nullif", vec![divisor, number(0)]);
            }
            Expr::Function(function) => {
                let name = last(&function.name).map(|ident| ident.value.to_lowercase());
                if let Some(name) = name.filter(|name| may_fail(name)) {
                    let name = Ident::with_quote('"', format!("{TRY}{name}"));
                    function.name = ObjectName::from(vec![name]);
                }
            }
            _ => {}
        }
        ControlFlow::<()>::Continue(())
    });
    nested(expr)
}

/// The arguments of a call without `DISTINCT`, `*`, names and clauses.
fn plain_args(function: &Function) -> Option<Vec<Expr>> {
    let FunctionArguments::List(list) = &function.args else {
        return None;
    };
    if list.duplicate_treatment == Some(DuplicateTreatment::Distinct) || !list.clauses.is_empty() {
        return None;
    }
    let expr = |arg: &FunctionArg| match arg {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
        _ => None,
    };
    list.args.iter().map(expr).collect()
}

fn set_args(function: &mut Function, args: Vec<FunctionArgExpr>) {
    if let FunctionArguments::List(list) = &mut function.args {
        list.args = args.into_iter().map(FunctionArg::Unnamed).collect();
    }
}

fn order(function: &mut Function, key: Expr, is_ascending: bool, nulls_first: bool) {
    let options = OrderByOptions { asc: Some(is_ascending), nulls_first: Some(nulls_first) };
    if let FunctionArguments::List(list) = &mut function.args {
        list.clauses.push(FunctionArgumentClause::OrderBy(vec![OrderByExpr { expr: key, options, with_fill: None }]));
    }
}
