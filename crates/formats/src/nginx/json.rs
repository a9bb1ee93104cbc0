//! JSON lines: an object each, whose members are named after variables or nearly so.

use super::row::Values;
use super::variables::{Names, Var, alias};
use crate::reject::Other;
use crate::web::json::{self, Kind, Problem};
use crate::web::pattern::Range;

/// Finds the values of a line.
pub(super) fn read(line: &[u8], names: &mut Names, values: &mut Values) -> Result<(), Other> {
    let text = |(from, to): Range| &line[from as usize..to as usize];
    let mut place = 0;
    let result = json::members(line, |name, value, kind| {
        let var = names.meaning(place, text(name)).filter(|var| !values.has(*var));
        place += 1;
        match (var, kind) {
            (_, Kind::Bare) if matches!(text(value), b"null" | b"" | b"-") => {
                if let Some(var) = var {
                    values.set(var, (value.0, value.0));
                }
            }
            (Some(var), Kind::Text | Kind::Bare) => values.set(var, value),
            (Some(var), Kind::Escaped) => values.set_made(line, var, |out| json::unescape(text(value), out)),
            (None, Kind::Text | Kind::Escaped) => {
                values.add_member(text((name.0 - 1, name.1 + 1)), text((value.0 - 1, value.1 + 1)));
            }
            (_, Kind::Bare | Kind::Nested) => values.add_member(text((name.0 - 1, name.1 + 1)), text(value)),
        }
    });
    values.end_members();
    result.map_err(|Problem(at, what)| Other::reject("bad_json", format!("{what}, at byte {at} of the line")))?;
    join_query(line, values);
    Ok(())
}

/// `$uri` and `$args` together are the URL where `$request_uri` is missing.
pub(super) fn join_query(line: &[u8], values: &mut Values) {
    let get = |var: Var| values.get(line, var);
    let query = get(Var::Args);
    if query == b"-" || [Var::Request, Var::RequestUri].iter().any(|var| get(*var) != b"-") {
        return;
    }
    let whole = [get(Var::Uri), query].join(&b'?');
    values.set_made(line, Var::RequestUri, |out| out.extend_from_slice(&whole));
}

/// Whether a line is the object of a request, and not that of another kind of log.
pub(super) fn looks_known(line: &[u8]) -> bool {
    let mut seen = [false; Var::COUNT];
    let is_object = json::members(line, |(from, to), _, _| {
        let name = &line[from as usize..to as usize];
        if let Some(var) = std::str::from_utf8(name).ok().and_then(alias) {
            seen[var as usize] = true;
        }
    });
    let any = |vars: &[Var]| vars.iter().any(|var| seen[*var as usize]);
    is_object.is_ok()
        && any(&[Var::TimeLocal, Var::TimeIso8601, Var::Msec])
        && any(&[Var::Status])
        && any(&[Var::Request, Var::RequestUri, Var::Uri])
        && any(&[Var::RemoteAddr, Var::HttpUserAgent, Var::RequestTime, Var::BodyBytesSent, Var::BytesSent, Var::Host])
}
