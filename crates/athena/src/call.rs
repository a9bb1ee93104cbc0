//! The frame of a scalar function: arguments made the types it takes, rows with a NULL left out, errors with its name.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Date32Type, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use chrono::{DateTime, NaiveDateTime, Utc};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use crate::written;

/// What an argument must be, or is cast to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Param {
    Text,
    Int,
    Double,
    /// A timestamp, in microseconds with the zone it has; a date is its first moment, text is read as SQL does.
    Moment,
    /// The same, but a date stays one.
    MomentOrDate,
}

impl Param {
    fn coerce(self, given: &DataType) -> DataType {
        match (self, given) {
            (Param::Text, _) => DataType::Utf8View,
            (Param::Int, _) => DataType::Int64,
            (Param::Double, _) => DataType::Float64,
            (Param::MomentOrDate, DataType::Date32 | DataType::Date64) => DataType::Date32,
            (_, DataType::Timestamp(_, zone)) => DataType::Timestamp(TimeUnit::Microsecond, zone.clone()),
            _ => DataType::Timestamp(TimeUnit::Microsecond, None),
        }
    }
}

/// What the function gives, known from the types of its arguments.
type Returns = fn(&[DataType]) -> DataType;

/// A function as its module declares it. Every one is strict: a NULL among the arguments gives NULL.
pub(crate) struct Spec {
    pub(crate) name: &'static str,
    /// How it is called, one list of parameters for each number of arguments.
    pub(crate) forms: &'static [&'static [Param]],
    pub(crate) returns: Returns,
    pub(crate) eval: fn(&Call) -> Result<ArrayRef>,
}

/// Reads a time, by a pattern if there is one. Milliseconds since 1970.
pub(crate) type Reads = fn(&str, Option<&str>) -> Result<i64, String>;

impl Spec {
    pub(crate) fn function(&'static self) -> ScalarUDF {
        ScalarUDF::new_from_impl(Function::new(self, self.name.to_owned(), false))
    }

    /// The same function for use in `try(...)`: where it fails it gives NULL.
    pub(crate) fn lenient(&'static self) -> ScalarUDF {
        ScalarUDF::new_from_impl(Function::new(self, format!("{}{}", crate::TRY, self.name), true))
    }
}

struct Function {
    spec: &'static Spec,
    name: String,
    lenient: bool,
    signature: Signature,
}

impl Function {
    fn new(spec: &'static Spec, name: String, lenient: bool) -> Function {
        Function { spec, name, lenient, signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Function").field("name", &self.name).finish()
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Function) -> bool {
        self.name == other.name
    }
}

impl Eq for Function {}

impl Hash for Function {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let Some(form) = self.spec.forms.iter().find(|form| form.len() == given.len()) else {
            let counts: Vec<String> = self.spec.forms.iter().map(|form| form.len().to_string()).collect();
            return plan_err!("{} takes {} arguments, not {}", self.spec.name, counts.join(" or "), given.len());
        };
        Ok(form.iter().zip(given).map(|(param, given)| param.coerce(given)).collect())
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok((self.spec.returns)(arguments))
    }

    fn simplify(&self, args: Vec<Expr>, context: &SimplifyContext) -> Result<ExprSimplifyResult> {
        let Some((reads, has_zone)) = crate::time::reader(self.spec.name) else {
            return Ok(ExprSimplifyResult::Original(args));
        };
        let pattern = match args.get(1) {
            None => Some(None),
            Some(Expr::Literal(value, _)) => value.try_as_str().flatten().map(Some),
            Some(_) => None,
        };
        let is_whole = |pattern| written::PROBES.iter().all(|(text, millis)| reads(text, pattern) == Ok(*millis));
        match (pattern.is_some_and(is_whole), args.first().and_then(|text| written::column(text, context))) {
            (true, Some(column)) => Ok(ExprSimplifyResult::Simplified(written::in_millis(column, has_zone))),
            _ => Ok(ExprSimplifyResult::Original(args)),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let is_constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if is_constant { 1 } else { args.number_rows };
        let args_of = |arg: ColumnarValue| -> Result<Arg> {
            Ok(match arg {
                ColumnarValue::Array(array) => Arg { array, is_constant: false },
                ColumnarValue::Scalar(scalar) => Arg { array: scalar.to_array()?, is_constant: true },
            })
        };
        let call = Call {
            name: self.spec.name,
            lenient: self.lenient,
            rows,
            args: args.args.into_iter().map(args_of).collect::<Result<_>>()?,
        };
        let array = (self.spec.eval)(&call)?;
        Ok(match is_constant {
            true => ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?),
            false => ColumnarValue::Array(array),
        })
    }
}

struct Arg {
    array: ArrayRef,
    is_constant: bool,
}

impl Arg {
    fn index(&self, row: usize) -> usize {
        if self.is_constant { 0 } else { row }
    }
}

/// One batch of calls.
pub(crate) struct Call {
    pub(crate) name: &'static str,
    lenient: bool,
    rows: usize,
    args: Vec<Arg>,
}

impl Call {
    /// Calls `f` for each row in which no argument is NULL, and collects what it gives.
    ///
    /// # Errors
    /// The first one of `f`, after the function's name; in `try(...)` it is a NULL instead.
    pub(crate) fn each<T, A>(&self, mut f: impl FnMut(usize) -> Result<Option<T>, String>) -> Result<A>
    where
        A: FromIterator<Option<T>>,
    {
        (0..self.rows)
            .map(|row| {
                if self.args.iter().any(|arg| arg.array.is_null(arg.index(row))) {
                    return Ok(None);
                }
                match f(row) {
                    Err(_) if self.lenient => Ok(None),
                    Err(problem) => exec_err!("{}: {problem}", self.name),
                    Ok(value) => Ok(value),
                }
            })
            .collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.args.len()
    }

    pub(crate) fn text(&self, arg: usize, row: usize) -> &str {
        let arg = &self.args[arg];
        arg.array.as_string_view().value(arg.index(row))
    }

    pub(crate) fn int(&self, arg: usize, row: usize) -> i64 {
        let arg = &self.args[arg];
        arg.array.as_primitive::<Int64Type>().value(arg.index(row))
    }

    pub(crate) fn double(&self, arg: usize, row: usize) -> f64 {
        let arg = &self.args[arg];
        arg.array.as_primitive::<Float64Type>().value(arg.index(row))
    }

    pub(crate) fn is_date(&self, arg: usize) -> bool {
        *self.args[arg].array.data_type() == DataType::Date32
    }

    /// Days since 1970, of an argument that is a date.
    pub(crate) fn days(&self, arg: usize, row: usize) -> i32 {
        let arg = &self.args[arg];
        arg.array.as_primitive::<Date32Type>().value(arg.index(row))
    }

    /// Microseconds since 1970, of a moment.
    pub(crate) fn micros(&self, arg: usize, row: usize) -> i64 {
        let arg = &self.args[arg];
        arg.array.as_primitive::<TimestampMicrosecondType>().value(arg.index(row))
    }

    pub(crate) fn zone_name(&self, arg: usize) -> Option<Arc<str>> {
        match self.args[arg].array.data_type() {
            DataType::Timestamp(_, zone) => zone.clone(),
            _ => None,
        }
    }

    /// Zone of a moment, if it has one.
    pub(crate) fn zone(&self, arg: usize) -> Result<Option<Zone>, String> {
        self.zone_name(arg).map(|zone| zone.parse()).transpose()
    }

    /// The moment as a clock in its zone shows it, and how far that zone is ahead of UTC then, in seconds.
    pub(crate) fn local(&self, arg: usize, row: usize) -> Result<(NaiveDateTime, Option<i32>), String> {
        if self.is_date(arg) {
            return Ok((utc(i64::from(self.days(arg, row)) * 86_400_000_000)?.naive_utc(), None));
        }
        let utc = utc(self.micros(arg, row))?;
        Ok(match self.zone(arg)? {
            None => (utc.naive_utc(), None),
            Some(zone) => {
                let ahead = zone.ahead(utc);
                (utc.naive_utc() + chrono::TimeDelta::seconds(i64::from(ahead)), Some(ahead))
            }
        })
    }
}

pub(crate) fn utc(micros: i64) -> Result<DateTime<Utc>, String> {
    DateTime::from_timestamp_micros(micros).ok_or_else(|| "a time outside of what can be counted".to_owned())
}

/// A zone by its name or by its distance from UTC.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Zone {
    Named(chrono_tz::Tz),
    /// Seconds ahead of UTC.
    Fixed(i32),
}

impl Zone {
    /// Seconds ahead of UTC at that moment.
    pub(crate) fn ahead(self, moment: DateTime<Utc>) -> i32 {
        use chrono::{Offset, TimeZone};
        match self {
            Zone::Named(zone) => zone.offset_from_utc_datetime(&moment.naive_utc()).fix().local_minus_utc(),
            Zone::Fixed(ahead) => ahead,
        }
    }

    /// Microseconds since 1970 when a clock in this zone shows `local`: the first time if it does so twice; if never,
    /// by the distance from UTC before the clock was put forward.
    pub(crate) fn micros(self, local: NaiveDateTime) -> i64 {
        use chrono::{Offset, TimeZone};
        let ahead = match self {
            Zone::Fixed(ahead) => ahead,
            Zone::Named(zone) => {
                let day_before = local - chrono::TimeDelta::days(1);
                let offset = zone.offset_from_local_datetime(&local).earliest();
                offset.unwrap_or_else(|| zone.offset_from_utc_datetime(&day_before)).fix().local_minus_utc()
            }
        };
        local.and_utc().timestamp_micros() - i64::from(ahead) * 1_000_000
    }
}

impl std::str::FromStr for Zone {
    type Err = String;

    /// `Europe/Berlin`, `UTC`, `Z`, `+01:00`, `+0100`, `+01`.
    fn from_str(text: &str) -> Result<Zone, String> {
        if text == "Z" || text.eq_ignore_ascii_case("utc") || text.eq_ignore_ascii_case("gmt") {
            return Ok(Zone::Fixed(0));
        }
        let fixed = || {
            let (sign, digits) = match text.as_bytes().first()? {
                b'+' => (1, &text[1..]),
                b'-' => (-1, &text[1..]),
                _ => return None,
            };
            let digits = digits.replace(':', "");
            if !digits.bytes().all(|b| b.is_ascii_digit()) || !matches!(digits.len(), 2 | 4) {
                return None;
            }
            let hours: i32 = digits[..2].parse().ok()?;
            let minutes: i32 = digits[2..].parse().unwrap_or(0);
            (hours <= 18 && minutes < 60).then_some(Zone::Fixed(sign * (hours * 3600 + minutes * 60)))
        };
        fixed().or_else(|| text.parse().ok().map(Zone::Named)).ok_or_else(|| format!("there is no time zone `{text}`"))
    }
}

/// A text of the arguments that is the same in most rows, and what was made of it last.
pub(crate) struct Kept<T> {
    of: String,
    made: Option<Result<T, String>>,
}

impl<T> Kept<T> {
    pub(crate) fn new() -> Kept<T> {
        Kept { of: String::new(), made: None }
    }

    pub(crate) fn get(&mut self, text: &str, make: impl FnOnce(&str) -> Result<T, String>) -> Result<&T, String> {
        if self.made.is_none() || self.of != text {
            self.made = Some(make(text));
            text.clone_into(&mut self.of);
        }
        match &self.made {
            Some(Ok(made)) => Ok(made),
            Some(Err(problem)) => Err(problem.clone()),
            None => Err("nothing was made".to_owned()),
        }
    }
}

pub(crate) fn millis_utc(_: &[DataType]) -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, Some(Arc::from("UTC")))
}

pub(crate) fn millis(_: &[DataType]) -> DataType {
    DataType::Timestamp(TimeUnit::Millisecond, None)
}

pub(crate) fn text(_: &[DataType]) -> DataType {
    DataType::Utf8View
}

pub(crate) fn texts(_: &[DataType]) -> DataType {
    DataType::new_list(DataType::Utf8View, true)
}

pub(crate) fn bigint(_: &[DataType]) -> DataType {
    DataType::Int64
}

pub(crate) fn double(_: &[DataType]) -> DataType {
    DataType::Float64
}

pub(crate) fn date(_: &[DataType]) -> DataType {
    DataType::Date32
}
