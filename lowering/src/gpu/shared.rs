//! Shared memory of a block, as globals of which every kernel that names one has its own.

use crate::{alias::blocks, emit::Emitter, entry, walk};
use melior::{
    Context,
    ir::{BlockLike, OperationRef, Type, Value, ValueLike, operation::OperationLike},
};
use std::collections::BTreeMap;

/// How the names begin.
const NAME: &str = "dlc_shared_";
/// The address space.
pub const SPACE: i64 = 3;

/// Memory of a shape; what has another name is other memory.
pub fn memory<'c, 'a>(
    e: &Emitter<'c, 'a>,
    name: &str,
    shape: &[i64],
    element: Type<'c>,
) -> Value<'c, 'a> {
    let dims = shape.iter().map(|d| format!("{d}x")).collect::<String>();
    let ty = e.ty(&format!("memref<{dims}{element}, {SPACE}>"));
    let name = e.attr(&format!("@{NAME}{name}_{dims}{element}"));
    e.op_with("memref.get_global", &[], ty, &[("name", name)])
}

/// Defines what is named, in a module.
pub fn define<'c>(cx: &'c Context, module: OperationRef<'c, '_>) {
    let body = blocks(module);
    let Some(first) = body.first().and_then(|body| body.first_operation()) else {
        return;
    };
    let e = Emitter::before(cx, first);
    let defined = walk::named(module, "memref.global");
    let defined = defined
        .iter()
        .filter_map(|op| entry::string(op.attribute("sym_name").ok()));
    let defined = defined.collect::<Vec<_>>();
    let mut wanted = BTreeMap::new();
    for op in walk::named(module, "memref.get_global") {
        let name = op.attribute("name").map(|name| name.to_string());
        let name = name.unwrap_or_default();
        let ours = name.strip_prefix('@').filter(|name| name.starts_with(NAME));
        if let (Some(ours), Ok(memory)) = (ours, op.result(0))
            && !defined.iter().any(|name| name == ours)
        {
            wanted.insert(ours.to_string(), Value::from(memory).r#type());
        }
    }
    for (name, ty) in wanted {
        e.define(&format!(
            "memref.global \"private\" @{name} : {ty} {{alignment = 16 : i64}}"
        ));
    }
}
