//! Built-ins on trees and lists.

use crate::ast::DType;
use crate::builtins::Builtin;
use crate::builtins::args::Call;
use crate::check::binary::Operand;
use crate::check::class::Class;
use crate::check::{NodeId, Res, Value};
use crate::diagnostic::{Code, Diagnostic};

pub(super) const TABLE: &[Builtin] = &[
    Builtin {
        name: "tree_map",
        params: "f, trees...",
        run: tree_map,
    },
    Builtin {
        name: "tree_sum",
        params: "tree",
        run: tree_sum,
    },
    Builtin {
        name: "map",
        params: "f, lists...",
        run: map,
    },
];

/// Reports a first argument that is a tree where the function comes first.
fn function_first<'a>(call: &mut Call<'_, 'a>) -> Res<()> {
    let operand = call.operand("f")?;
    if matches!(operand.value, Value::Fn(_) | Value::DType(_)) || operand.value.has_error() {
        return Ok(());
    }
    let what = call.checker.describe(&operand.value);
    let message = format!(
        "`{}` takes the function first, and this is {what}",
        call.name
    );
    let diagnostic = Diagnostic::error(Code::DL0209, message, operand.span)
        .help(format!("`{}(|x| …, x)`", call.name));
    Err(call.checker.report(diagnostic))
}

/// A function applied to the leaves that stand in the same place of each tree.
fn tree_map<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    function_first(call)?;
    let f = call.function("f")?;
    let trees = std::mem::take(&mut call.rest);
    if trees.is_empty() {
        let span = call.span();
        return call.error(
            Code::DL0701,
            "`tree_map` takes a function and the trees it is applied to",
            span,
        );
    }
    let values: Vec<Value<'a>> = trees.iter().map(|tree| tree.value.clone()).collect();
    let site = call.site;
    together(call, &values, &trees, "", &mut |call, leaves| {
        // A leaf may become a tree, as it may in JAX.
        call.checker.call_values(&f, leaves, site)
    })
}

type Leaf<'f, 'c, 'a> = &'f mut dyn FnMut(&mut Call<'c, 'a>, Vec<Value<'a>>) -> Res<Value<'a>>;

/// Walks trees of one structure together.
fn together<'c, 'a>(
    call: &mut Call<'c, 'a>,
    values: &[Value<'a>],
    trees: &[Operand<'a>],
    path: &str,
    leaf: Leaf<'_, 'c, 'a>,
) -> Res<Value<'a>> {
    let Some(parts) = values[0].parts() else {
        for (value, tree) in values.iter().zip(trees) {
            if value.parts().is_some() {
                return differ(call, &values[0], value, tree, path);
            }
        }
        return leaf(call, values.to_vec());
    };
    for (value, tree) in values.iter().zip(trees) {
        let same = match (&values[0], value) {
            (Value::Struct(a), Value::Struct(b)) => a.ty.id == b.ty.id,
            (Value::Tuple(a), Value::Tuple(b)) | (Value::List(a), Value::List(b)) => {
                a.len() == b.len()
            }
            _ => false,
        };
        if !same {
            return differ(call, &values[0], value, tree, path);
        }
    }
    let names: Vec<String> = match &values[0] {
        Value::Struct(s) => call
            .checker
            .fields(&s.ty)
            .into_iter()
            .map(|(name, _)| format!(".{name}"))
            .collect(),
        Value::List(_) => (0..parts.len()).map(|i| format!("[{i}]")).collect(),
        _ => (0..parts.len()).map(|i| format!(".{i}")).collect(),
    };
    let mut results = Vec::new();
    for (i, name) in names.iter().enumerate() {
        let column: Vec<Value<'a>> = values
            .iter()
            .filter_map(|value| value.parts().and_then(|parts| parts.get(i)).cloned())
            .collect();
        results.push(together(
            call,
            &column,
            trees,
            &format!("{path}{name}"),
            leaf,
        )?);
    }
    Ok(values[0].with_parts(results))
}

fn differ<'a, T>(
    call: &mut Call<'_, 'a>,
    a: &Value<'a>,
    b: &Value<'a>,
    tree: &Operand<'a>,
    path: &str,
) -> Res<T> {
    if a.has_error() || b.has_error() {
        return Err(crate::check::Reported);
    }
    let (a, b) = (call.checker.describe(a), call.checker.describe(b));
    let at = if path.is_empty() {
        String::new()
    } else {
        format!(" at `{path}`")
    };
    let message = format!(
        "the trees of `{}` differ in structure{at}: {a} and {b}",
        call.name
    );
    call.error(Code::DL0219, message, tree.span)
}

/// The sum of all elements of all leaves.
fn tree_sum<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    let operand = call.operand("tree")?;
    let span = call.span();
    let mut leaves: Vec<NodeId> = Vec::new();
    call.checker
        .map_leaves(&operand.value, &mut |checker, leaf| {
            leaves.push(checker.as_tensor(leaf, operand.span)?);
            Ok(leaf.clone())
        })?;
    let mut sum: Option<NodeId> = None;
    for leaf in leaves {
        call.check_class(leaf, Class::Number, operand.span)?;
        let axes: Vec<usize> = (0..call.checker.ty(leaf).rank()).collect();
        let part = call.checker.reduce("sum", leaf, &axes, false, span)?;
        sum = Some(match sum {
            None => part,
            Some(sum) if call.checker.dtype(sum) == call.checker.dtype(part) => {
                call.checker.binary_op("add", sum, part, span)?
            }
            Some(sum) => {
                let (a, b) = (call.checker.dtype(sum), call.checker.dtype(part));
                let message = format!("`tree_sum`: leaves of `{a}` and of `{b}`");
                let diagnostic = Diagnostic::error(Code::DL0201, message, operand.span)
                    .help(format!("convert them first: `tree_map(|x| {a}(x), …)`"));
                return Err(call.checker.report(diagnostic));
            }
        });
    }
    match sum {
        Some(sum) => Ok(Value::Tensor(sum)),
        None => call
            .checker
            .scalar(crate::core::Num::Float(0.0), DType::F32, span)
            .map(Value::Tensor),
    }
}

/// The elements of a list; an array of keys counts as one.
fn elements<'a>(call: &mut Call<'_, 'a>, operand: &Operand<'a>) -> Res<Vec<Value<'a>>> {
    match &operand.value {
        Value::List(items) => Ok(items.to_vec()),
        Value::Tensor(x)
            if call.checker.ty(*x).rank() == 1 && call.checker.dtype(*x) == DType::Key =>
        {
            let size = call.checker.shape(*x)[0].clone();
            let count = call.checker.list_length(&size, operand.span)?;
            let mut items = Vec::new();
            for i in 0..count {
                items.push(Value::Tensor(call.checker.key_element(
                    *x,
                    i as i64,
                    operand.span,
                )?));
            }
            Ok(items)
        }
        Value::Tensor(x) => {
            let ty = call.checker.ty(*x).clone();
            let message = format!("`map` goes over lists, and this is `{ty}`");
            let diagnostic = Diagnostic::error(Code::DL0209, message, operand.span).help(
                "operations work on all elements at once; `for x in xs` goes over the first axis",
            );
            Err(call.checker.report(diagnostic))
        }
        _ => call.wrong("lists", "a list", operand),
    }
}

/// A list of the results of a function on the elements of lists.
fn map<'a>(call: &mut Call<'_, 'a>) -> Res<Value<'a>> {
    function_first(call)?;
    let f = call.function("f")?;
    let lists = std::mem::take(&mut call.rest);
    let mut columns = Vec::new();
    for list in &lists {
        columns.push(elements(call, list)?);
    }
    let Some(first) = columns.first() else {
        let span = call.span();
        return call.error(
            Code::DL0701,
            "`map` takes a function and the list it is applied to",
            span,
        );
    };
    let length = first.len();
    if let Some((other, list)) = columns
        .iter()
        .zip(&lists)
        .find(|(column, _)| column.len() != length)
    {
        let message = format!(
            "`map` over lists of {length} and of {} elements",
            other.len()
        );
        return call.error(Code::DL0219, message, list.span);
    }
    let site = call.site;
    let mut results = Vec::new();
    for i in 0..length {
        let values = columns.iter().map(|column| column[i].clone()).collect();
        results.push(call.checker.call_values(&f, values, site)?);
    }
    // One type for all elements, as a list has it: sizes are known, so this compares numbers.
    for result in results.iter().skip(1) {
        let (first, other) = (
            call.checker.type_of(&results[0]),
            call.checker.type_of(result),
        );
        if let (Some(first), Some(other)) = (&first, &other)
            && !call.checker.same_type(first, other)
        {
            let message = format!(
                "the elements of a list have one type, and these are `{first}` and `{other}`"
            );
            return call.error(Code::DL0219, message, site.span);
        }
    }
    Ok(Value::list(results))
}
