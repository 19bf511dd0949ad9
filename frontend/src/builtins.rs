//! The built-in operations.
//!
//! Each is a row of the table of its family: a name, its signature as it is shown, and a function that checks the
//! arguments and expands the call to core nodes. An elementwise op of the `dl` dialect needs no row: its record says
//! its operands and the dtypes it is defined for, see [`elementwise`].
//!
//! ```text
//! Builtin { name: "sum", params: "x, axis=none, keepdims=false", run: sum }
//! ```

mod args;
mod check_grad;
mod conv;
mod convert;
mod creation;
mod einsum;
mod elementwise;
mod erf_inv;
mod fold;
mod indexing;
mod join;
mod linalg;
mod names;
mod nn;
mod order;
mod permutation;
mod pool;
mod print;
mod random;
mod rearrange;
mod reduce;
mod shape;
mod testing;
mod transform;
mod tree;
mod values;
mod widen;
mod window;

use crate::check::Checker;
use crate::check::call::{Arg, Site};
use crate::check::{Res, Value};

use self::args::Call;

pub(crate) use self::convert::cast;
pub(crate) use self::names::{alias, is_foreign_module};

/// A built-in operation.
struct Builtin {
    /// Its name.
    pub name: &'static str,
    /// Its parameters, as they are shown. One with a default may be left out; one after `*` is given by name; the last
    /// one may be `name...`, which takes all further arguments.
    pub params: &'static str,
    /// Checks a call and expands it.
    pub run: for<'c, 'a> fn(&mut Call<'c, 'a>) -> Res<Value<'a>>,
}

/// The tables of all families.
const FAMILIES: &[&[Builtin]] = &[
    elementwise::TABLE,
    creation::TABLE,
    reduce::TABLE,
    shape::TABLE,
    rearrange::TABLE,
    join::TABLE,
    indexing::TABLE,
    linalg::TABLE,
    nn::TABLE,
    order::TABLE,
    print::TABLE,
    conv::TABLE,
    pool::TABLE,
    random::TABLE,
    permutation::TABLE,
    tree::TABLE,
    transform::TABLE,
    testing::TABLE,
];

fn table() -> impl Iterator<Item = &'static Builtin> {
    FAMILIES.iter().flat_map(|family| family.iter())
}

fn row(id: usize) -> Option<&'static Builtin> {
    table().nth(id)
}

/// The built-in of a name: a row of a table, or an elementwise op after all of these.
pub(crate) fn find(name: &str) -> Option<usize> {
    table()
        .position(|row| row.name == name)
        .or_else(|| elementwise::find(name).map(|op| table().count() + op))
}

/// All names.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    table().map(|row| row.name).chain(elementwise::names())
}

/// All names with their parameters as they are shown, in the order of the names.
pub(crate) fn signatures() -> Vec<(&'static str, String)> {
    let mut all: Vec<_> = names()
        .filter_map(find)
        .map(name_and_params)
        .map(|(name, params)| (name, params.replace("...", ", …")))
        .collect();
    all.sort_unstable();
    all
}

fn name_and_params(id: usize) -> (&'static str, String) {
    match row(id) {
        Some(row) => (row.name, row.params.to_string()),
        None => elementwise::signature(id - table().count()),
    }
}

/// The keyword arguments that are not evaluated: they name parameters of a function.
pub(crate) fn raw_arguments(id: usize) -> &'static [&'static str] {
    match row(id) {
        Some(row) if transform::RAW.contains(&row.name) => &["wrt"],
        Some(row) if row.name == "vmap" => &["in_axes", "out_axes"],
        _ => &[],
    }
}

/// The names of the parameters.
pub(crate) fn parameter_names(id: usize) -> Vec<String> {
    args::Param::parse_all(&name_and_params(id).1)
        .into_iter()
        .map(|param| param.name)
        .collect()
}

/// Checks a call of a built-in and expands it.
pub(crate) fn call<'a>(
    checker: &mut Checker<'a>,
    id: usize,
    args: Vec<Arg<'a>>,
    site: Site,
) -> Res<Value<'a>> {
    let (name, params) = name_and_params(id);
    let mut call = Call::new(checker, name, &params, args, site)?;
    match row(id) {
        Some(row) if widen::WIDENED.contains(&name) => widen::run(&mut call, row.run),
        Some(row) => (row.run)(&mut call),
        None => elementwise::run(&mut call, id - table().count()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_once() {
        let mut seen = std::collections::BTreeSet::new();
        for name in names() {
            assert!(seen.insert(name), "`{name}` is in the table twice");
            assert!(
                alias(name).is_none(),
                "`{name}` is there and stands for another"
            );
        }
    }

    #[test]
    fn what_is_widened_is_there() {
        for name in widen::WIDENED {
            assert!(find(name).is_some(), "{name}");
        }
    }

    #[test]
    fn what_aliases_lead_to_is_there() {
        for (_, replacement, _) in names::ALIASES {
            assert!(
                replacement.is_empty() || find(replacement).is_some(),
                "{replacement}"
            );
        }
    }
}
