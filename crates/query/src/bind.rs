//! From a query and the texts given for its parameters to a statement that can be planned.
//!
//! `$name` is replaced in the syntax tree, by a literal of the parameter's type. No value ever becomes SQL text, so
//! none can change what the statement does.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident,
    Interval, ObjectName, Statement, UnaryOperator, Value as Sql, ValueWithSpan, VisitMut, VisitorMut,
};

use crate::header::Query;
use crate::params::{Kind, Value};
use crate::time::Clock;
use crate::{Error, Result};

/// A parameter's value, NULL if it is optional and was not given.
pub(crate) type Bound = (Kind, Option<Value>);

/// First and last moment of what a lake holds, the last one excluded, in microseconds since 1970.
pub(crate) type Span = (i64, i64);

/// Gives every parameter of the query its value: the given one, else its default. `span` is what `from` and `to`
/// default to.
pub(crate) fn values(
    query: &Query,
    given: &BTreeMap<String, String>,
    clock: &Clock,
    span: Span,
) -> Result<BTreeMap<String, Bound>> {
    let known = || ["from", "to"].into_iter().chain(query.params.iter().map(|p| p.name.as_str()));
    if let Some(name) = given.keys().find(|name| known().all(|k| k != name.as_str())) {
        let known = known().collect::<Vec<_>>().join(", ");
        return Err(Error::parameter(name, format!("query `{}` has none of this name, only {known}", query.name)));
    }
    let mut values = range(given, clock, span)?;
    for param in &query.params {
        let text = given.get(&param.name).or(param.default.as_ref());
        if text.is_none() && !param.optional {
            return Err(Error::parameter(&param.name, format!("a value is needed: {}", param.allowed())));
        }
        let value = text
            .map(|text| param.parse(text, clock))
            .transpose()
            .map_err(|problem| Error::parameter(&param.name, problem))?;
        values.insert(param.name.clone(), (param.kind, value));
    }
    Ok(values)
}

/// `from` and `to`: a half-open range of time.
fn range(given: &BTreeMap<String, String>, clock: &Clock, span: Span) -> Result<BTreeMap<String, Bound>> {
    let end = |name: &str| match given.get(name).map(|text| Kind::Timestamp.parse(text, clock)) {
        Some(Ok(Value::Timestamp(micros))) => Ok(Some(micros)),
        Some(Err(problem)) => Err(Error::parameter(name, problem)),
        _ => Ok(None),
    };
    let (from, to) = match (end("from")?, end("to")?) {
        (Some(from), Some(to)) if from >= to => {
            let (from, to) = (Value::Timestamp(from), Value::Timestamp(to));
            return Err(Error::parameter("to", format!("`{to}` is not after `from`, which is `{from}`")));
        }
        (Some(from), Some(to)) => (from, to),
        // With one end given, a lake that lies on its other side answers with nothing.
        (Some(from), None) => (from, span.1.max(from)),
        (None, Some(to)) => (span.0.min(to), to),
        (None, None) => span,
    };
    let bound = |micros| (Kind::Timestamp, Some(Value::Timestamp(micros)));
    Ok(BTreeMap::from([("from".to_owned(), bound(from)), ("to".to_owned(), bound(to))]))
}

/// Replaces every `$name` of the statement and returns the names that it used.
///
/// # Errors
/// Says what is wrong with the statement: a name without a value, a list outside of `IN (...)`.
pub(crate) fn bind(
    statement: &mut Statement,
    values: &BTreeMap<String, Bound>,
) -> std::result::Result<BTreeSet<String>, String> {
    let mut binder = Binder { values, used: BTreeSet::new() };
    match statement.visit(&mut binder) {
        ControlFlow::Continue(()) => Ok(binder.used),
        ControlFlow::Break(problem) => Err(problem),
    }
}

struct Binder<'a> {
    values: &'a BTreeMap<String, Bound>,
    used: BTreeSet<String>,
}

impl Binder<'_> {
    /// The parameter that the expression is.
    fn placeholder(&mut self, expr: &Expr) -> ControlFlow<String, Option<(String, Bound)>> {
        let Expr::Value(ValueWithSpan { value: Sql::Placeholder(text), .. }) = expr else {
            return ControlFlow::Continue(None);
        };
        let name = text.strip_prefix('$').unwrap_or(text);
        let Some(bound) = self.values.get(name) else {
            return ControlFlow::Break(format!("`{text}` is not declared: add `-- param {name}: ...`"));
        };
        self.used.insert(name.to_owned());
        ControlFlow::Continue(Some((name.to_owned(), bound.clone())))
    }
}

impl VisitorMut for Binder<'_> {
    type Break = String;

    /// `x IN ($list)`, before its parts are visited.
    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        let Expr::InList { expr: tested, list, negated } = expr else {
            return ControlFlow::Continue(());
        };
        let [only] = list.as_slice() else {
            return ControlFlow::Continue(());
        };
        let Some((_, (Kind::Status | Kind::List, value))) = self.placeholder(only)? else {
            return ControlFlow::Continue(());
        };
        let test = match value {
            // Nothing given is no restriction, in `NOT IN` too.
            None => {
                *expr = literal_value(Sql::Boolean(true));
                return ControlFlow::Continue(());
            }
            Some(Value::Status(ranges)) => in_ranges(tested, &ranges),
            Some(Value::List(items)) => {
                Expr::InList { expr: tested.clone(), list: items.into_iter().map(text).collect(), negated: false }
            }
            Some(_) => return ControlFlow::Continue(()),
        };
        *expr = Expr::Nested(Box::new(if *negated { not(test) } else { test }));
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Self::Break> {
        let Some((name, bound)) = self.placeholder(expr)? else {
            return ControlFlow::Continue(());
        };
        match literal(bound) {
            Some(literal) => *expr = literal,
            None => {
                return ControlFlow::Break(format!("`${name}` is a list: use it as `column IN (${name})`"));
            }
        }
        ControlFlow::Continue(())
    }
}

/// The expression that has this value and type; `None` for lists.
fn literal((kind, value): Bound) -> Option<Expr> {
    let of_type = |expr, data_type| Expr::Cast {
        kind: CastKind::Cast,
        expr: Box::new(expr),
        data_type,
        array: false,
        format: None,
    };
    let null = || literal_value(Sql::Null);
    Some(match (kind, value) {
        (_, Some(Value::Status(_) | Value::List(_))) | (Kind::Status | Kind::List, None) => return None,
        (_, Some(Value::Timestamp(micros))) => timestamp(integer(micros)),
        (Kind::Timestamp, None) => timestamp(null()),
        (_, Some(Value::Duration(micros))) => interval(text(format!("{micros} microseconds"))),
        (Kind::Duration, None) => of_type(null(), DataType::Interval { fields: None, precision: None }),
        (_, Some(Value::Integer(n))) => integer(n),
        (_, Some(Value::Float(x))) => of_type(text(format!("{x:?}")), DataType::DoublePrecision),
        (_, Some(Value::Text(t))) => text(t),
        (_, Some(Value::Boolean(b))) => literal_value(Sql::Boolean(b)),
        (Kind::Integer, None) => of_type(null(), DataType::BigInt(None)),
        (Kind::Float, None) => of_type(null(), DataType::DoublePrecision),
        (Kind::Text, None) => of_type(null(), DataType::Varchar(None)),
        (Kind::Boolean, None) => of_type(null(), DataType::Boolean),
    })
}

fn literal_value(value: Sql) -> Expr {
    Expr::Value(value.with_empty_span())
}

fn text(value: String) -> Expr {
    literal_value(Sql::SingleQuotedString(value))
}

fn integer(value: i64) -> Expr {
    let number = literal_value(Sql::Number(value.unsigned_abs().to_string(), false));
    if value >= 0 {
        return number;
    }
    Expr::Nested(Box::new(Expr::UnaryOp { op: UnaryOperator::Minus, expr: Box::new(number) }))
}

/// The type of the lake's own timestamps, so that comparing needs no cast of the column.
fn timestamp(micros: Expr) -> Expr {
    let data_type = text("Timestamp(Microsecond, Some(\"UTC\"))".to_owned());
    let args = [micros, data_type].map(|arg| FunctionArg::Unnamed(FunctionArgExpr::Expr(arg)));
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new("arrow_cast")]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: args.into(),
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

fn interval(value: Expr) -> Expr {
    Expr::Interval(Interval {
        value: Box::new(value),
        leading_field: None,
        leading_precision: None,
        last_field: None,
        fractional_seconds_precision: None,
    })
}

fn not(expr: Expr) -> Expr {
    Expr::UnaryOp { op: UnaryOperator::Not, expr: Box::new(Expr::Nested(Box::new(expr))) }
}

/// Ranges rather than lists of codes: they can be compared with a file's minimum and maximum.
fn in_ranges(tested: &Expr, ranges: &[(i64, i64)]) -> Expr {
    use datafusion::sql::sqlparser::ast::BinaryOperator::Or;
    let one = |&(first, last): &(i64, i64)| Expr::Between {
        expr: Box::new(tested.clone()),
        negated: false,
        low: Box::new(integer(first)),
        high: Box::new(integer(last)),
    };
    ranges
        .iter()
        .map(one)
        .reduce(|left, right| Expr::BinaryOp { left: Box::new(left), op: Or, right: Box::new(right) })
        .unwrap_or_else(|| literal_value(Sql::Boolean(false)))
}
