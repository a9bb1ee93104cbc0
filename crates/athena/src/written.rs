//! Times that a view wrote as text and a query reads again: `parse_datetime(time, ...)` is the time itself, in whole
//! milliseconds. Neither text is made then, and conditions reach the files' bounds.

use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::interval_arithmetic::Interval;
use datafusion::logical_expr::preimage::PreimageResult;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{
    Case, ColumnarValue, Expr, ExprSchemable, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// How views write times, and what stands for no time.
const FORM: &str = "%Y-%m-%dT%H:%M:%S%.6fZ";
const NO_TIME: &str = "-";

/// The column that the view wrote as this text.
pub(crate) fn column(text: &Expr, context: &SimplifyContext) -> Option<Expr> {
    let literal = |expr: &Expr, expected: &str| match expr {
        Expr::Literal(value, _) => value.try_as_str().flatten() == Some(expected),
        _ => false,
    };
    let call = |expr: &Expr, name: &str| match expr {
        Expr::ScalarFunction(call) if call.name() == name => Some(call.args.clone()),
        _ => None,
    };
    // What the optimizer makes of `coalesce(to_char(...), '-')` before it comes here.
    let Expr::Case(Case { expr: None, when_then_expr, else_expr: Some(none) }) = without_casts(text) else {
        return None;
    };
    let [(is_there, written)] = when_then_expr.as_slice() else {
        return None;
    };
    let [column, form] = call(written, "to_char")?.try_into().ok()?;
    let column = without_casts(&column).clone();
    let of_column = is_there.column_refs().into_iter().all(|found| Expr::Column(found.clone()) == column);
    let is_not_null = matches!(&**is_there, Expr::IsNotNull(_)) && of_column;
    let is_micros = |data_type| matches!(data_type, DataType::Timestamp(TimeUnit::Microsecond, Some(_)));
    let is_ours = is_not_null && literal(none, NO_TIME) && literal(&form, FORM) && matches!(column, Expr::Column(_));
    let is_time = || column.get_type(context.schema()).is_ok_and(is_micros);
    (is_ours && is_time()).then_some(column)
}

fn without_casts(mut expr: &Expr) -> &Expr {
    while let Expr::Cast(cast) = expr {
        expr = &cast.expr;
    }
    expr
}

/// Times as views write them, with the milliseconds that reading them must give.
pub(crate) const PROBES: [(&str, i64); 2] =
    [("1999-12-31T23:59:58.123456Z", 946_684_798_123), ("2028-02-29T09:08:07.000001Z", 1_835_428_087_000)];

/// The column in whole milliseconds, in UTC or without a zone.
pub(crate) fn in_millis(column: Expr, has_zone: bool) -> Expr {
    let signature = Signature::any(1, Volatility::Immutable);
    ScalarUDF::new_from_impl(InMillis { has_zone, signature }).call(vec![column])
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct InMillis {
    has_zone: bool,
    signature: Signature,
}

impl InMillis {
    fn data_type(&self) -> DataType {
        DataType::Timestamp(TimeUnit::Millisecond, self.has_zone.then(|| Arc::from("UTC")))
    }
}

impl ScalarUDFImpl for InMillis {
    fn name(&self) -> &str {
        "in_millis"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.data_type())
    }

    fn invoke_with_args(&self, mut args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        // By way of a zone: a clock in UTC shows what the text says.
        let utc = DataType::Timestamp(TimeUnit::Millisecond, Some(Arc::from("UTC")));
        args.args.remove(0).cast_to(&utc, None)?.cast_to(&self.data_type(), None)
    }

    /// The microseconds that give this millisecond.
    fn preimage(&self, args: &[Expr], value: &Expr, context: &SimplifyContext) -> Result<PreimageResult> {
        let ([column], Expr::Literal(ScalarValue::TimestampMillisecond(Some(millis), _), _)) = (args, value) else {
            return Ok(PreimageResult::None);
        };
        let DataType::Timestamp(TimeUnit::Microsecond, zone) = column.get_type(context.schema())? else {
            return Ok(PreimageResult::None);
        };
        let Some((from, to)) = millis.checked_mul(1000).and_then(|from| Some((from, from.checked_add(1000)?))) else {
            return Ok(PreimageResult::None);
        };
        let bound = |micros| ScalarValue::TimestampMicrosecond(Some(micros), zone.clone());
        let interval = Box::new(Interval::try_new(bound(from), bound(to))?);
        Ok(PreimageResult::Range { expr: column.clone(), interval })
    }
}
