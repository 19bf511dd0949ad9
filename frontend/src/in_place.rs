//! Where an export cannot update an `inout` parameter in place, since it needs the old value when the new one is there.
//!
//! The nodes of a function stand in the order in which they are evaluated, so the old value is needed for too long where
//! a node after that of the new value names it. Parameters that exchange their values need a third place as well. A
//! scalar is kept in a register anyway, and a result has memory of its own.

use crate::core::{Func, NodeIndex, Prim, Program};
use crate::diagnostic::{Code, Diagnostic};

/// A remark for each `inout` parameter of an export whose old value is kept.
pub(crate) fn remarks(program: &Program) -> Vec<Diagnostic> {
    let exports = program.funcs.iter().filter(|func| func.entry.is_some());
    exports.flat_map(of_export).collect()
}

fn of_export(func: &Func) -> Vec<Diagnostic> {
    let mut found: Vec<(&str, Diagnostic)> = Vec::new();
    let inouts = (0u32..).zip(&func.params).filter(|(_, param)| param.inout);
    for (result, (number, param)) in inouts.enumerate() {
        let name = param.path.split('.').next().unwrap_or_default();
        // One leaf stands for its whole tree.
        if param.ty.rank() > 0
            && !found.iter().any(|(known, _)| *known == name)
            && let Some(remark) = of_leaf(func, number, result)
        {
            found.push((name, remark));
        }
    }
    found.into_iter().map(|(_, remark)| remark).collect()
}

/// The remark on the `number`-th parameter, whose new value is the `result`-th result.
fn of_leaf(func: &Func, number: u32, result: usize) -> Option<Diagnostic> {
    let param = &func.params[number as usize];
    let is_old = |index: &NodeIndex| func.nodes[*index as usize].op == Prim::Param(number);
    let new = func.results.get(result)?.node;
    if is_old(&new) {
        return None;
    }
    let node = &func.nodes[new as usize];
    if let Prim::Param(_) = node.op {
        // Of those that exchange their values, the first is said.
        let taken = func.results[result + 1..].iter();
        let taken = taken
            .filter(|other| is_old(&other.node))
            .map(|other| &other.path);
        let by = taken.into_iter().find(|path| {
            let params = func.params.iter().filter(|param| param.inout);
            params.into_iter().any(|param| param.path == **path)
        })?;
        let message = format!("`{}` and `{by}` exchange their values", param.path);
        let note = "the compiler keeps one of them in the workspace meanwhile";
        return Some(Diagnostic::remark(Code::DL0410, message, param.span).note(note));
    }
    let later = func.nodes.iter().skip(new as usize + 1);
    let reader = later
        .into_iter()
        .find(|node| node.args.iter().any(is_old))?;
    let message = format!(
        "the old value of `{}` is needed after its new one is made",
        param.path
    );
    let remark = Diagnostic::remark(Code::DL0410, message, reader.span)
        .label("read here")
        .secondary(node.span, "made here")
        .note("both are there at once, so the compiler keeps one of them in the workspace")
        .help("read it before that, and it is updated in place");
    Some(remark)
}
