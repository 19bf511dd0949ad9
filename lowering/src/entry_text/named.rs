//! The C entries, which take each argument by itself.

use super::{
    WRITTEN, dim_values,
    guards::{Guards, NULL},
    sizes, workspace_symbol,
};
use crate::{
    entry::{Entry, Leaf, Role},
    size::Checked,
};
use dlc_abi::{DType, WORKSPACE_ALIGN, device, status, symbol};
use std::fmt::Write;

/// How C passes a scalar of a type by value.
pub(super) fn c_type(dtype: DType) -> &'static str {
    match dtype {
        DType::Bool | DType::I8 | DType::U8 => "i8",
        DType::F16 | DType::BF16 => "i16",
        DType::I32 | DType::U32 => "i32",
        DType::I64 | DType::U64 => "i64",
        DType::F32 => "f32",
        DType::F64 => "f64",
        DType::Key => "!llvm.ptr",
    }
}

/// The C entries: they collect their arguments for the packed ones.
pub(super) fn entries(entry: &Entry) -> String {
    match entry.executor {
        Some(_) if entry.gpu => named(entry, By::Device),
        Some(_) => named(entry, By::Caller) + &named(entry, By::Executor),
        None => named(entry, By::Caller),
    }
}

/// Who does the work of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// The thread that calls.
    Caller,
    /// An executor, which it passes first.
    Executor,
    /// A device, which it passes first.
    Device,
}

/// The C entry for one way.
fn named(entry: &Entry, by: By) -> String {
    let dims = dim_values(entry);
    let mut parameters: Vec<_> = dims
        .iter()
        .map(|(_, value)| format!("{value}: i64"))
        .collect();
    let mut g = Guards {
        code: Checked::new(&[]),
        count: 0,
    };
    g.code.code += NULL;
    g.code.code += "  %one = llvm.mlir.constant(1 : i64) : i64\n";
    let (dim_count, leaf_count) = (dims.len(), entry.leaves.len());
    let array = |count: usize, ty: &str| {
        format!("llvm.alloca %one x !llvm.array<{count} x {ty}> : (i64) -> !llvm.ptr")
    };
    let dim_array = g.code.let_(&array(dim_count.max(1), "i64"));
    let leaf_array = g.code.let_(&array(leaf_count.max(1), "ptr"));
    let scalars: Vec<_> = (entry.leaves.iter())
        .map(|leaf| match leaf.by_value() {
            true => g.code.let_(&format!(
                "llvm.alloca %one x {} : (i64) -> !llvm.ptr",
                c_type(leaf.dtype)
            )),
            false => String::new(),
        })
        .collect();
    for (i, (_, value)) in dims.iter().enumerate() {
        g.store(&dim_array, i, value, "i64");
    }
    let mut on_device = match by {
        By::Device if entry.scalars_by_value() > 0 => Some(Tail::new(&mut g, entry)),
        _ => None,
    };
    let mut next = 0;
    let same = |a: &Leaf, b: &Leaf| {
        a.parameter() == b.parameter() && (a.role == Role::Out) == (b.role == Role::Out)
    };
    for (number, group) in entry.leaves.chunk_by(same).enumerate() {
        let name = format!("%a{number}");
        let leaf = &group[0];
        if leaf.path.contains('.') {
            parameters.push(format!("{name}: !llvm.ptr"));
            g.not_null(&name);
            for i in 0..group.len() {
                let pointer = g.load(&name, i, "!llvm.ptr");
                g.store(&leaf_array, next + i, &pointer, "!llvm.ptr");
            }
        } else if leaf.by_value() {
            let ty = c_type(leaf.dtype);
            parameters.push(format!("{name}: {ty}"));
            let place = &scalars[next];
            writeln!(
                g.code.code,
                "  llvm.store {name}, {place} : {ty}, !llvm.ptr"
            )
            .expect(WRITTEN);
            let place = match &mut on_device {
                Some(tail) => tail.put(&mut g, place, leaf.dtype.size()),
                None => place.clone(),
            };
            g.store(&leaf_array, next, &place, "!llvm.ptr");
        } else {
            parameters.push(format!("{name}: !llvm.ptr"));
            g.store(&leaf_array, next, &name, "!llvm.ptr");
        }
        next += group.len();
    }
    let (symbol, packed) = match by {
        By::Caller => (entry.symbol.clone(), symbol::packed(&entry.symbol)),
        By::Executor => (symbol::on(&entry.symbol), symbol::packed_on(&entry.symbol)),
        By::Device => (
            symbol::gpu(&entry.symbol),
            symbol::packed_gpu(&entry.symbol),
        ),
    };
    let (executor, ty) = match by {
        By::Caller => ("", ""),
        By::Executor | By::Device => {
            parameters.insert(0, "%executor: !llvm.ptr".into());
            ("%executor, ", "!llvm.ptr, ")
        }
    };
    let (bytes, size) = sizes(entry);
    let result = g.code.let_(&format!(
        "llvm.call @{packed}({executor}{dim_array}, {leaf_array}, %workspace, {bytes}) : ({ty}!llvm.ptr, !llvm.ptr, !llvm.ptr, {size}) -> i32"
    ));
    parameters.extend([
        "%workspace: !llvm.ptr".to_string(),
        format!("{bytes}: {size}"),
    ]);
    let head = format!("llvm.func @{symbol}({}) -> i32 {{\n", parameters.join(", "));
    match g.count {
        0 => format!("{head}{}  llvm.return {result} : i32\n}}\n", g.code.code),
        _ => head + &g.end(&result),
    }
}

/// The end of the workspace on a device, where scalars go that are passed by value.
struct Tail {
    /// The first byte.
    at: String,
    /// Bytes of it that are taken.
    taken: i64,
}

impl Tail {
    /// Checks device and workspace, as the packed entry does, and finds its beginning.
    fn new(g: &mut Guards, entry: &Entry) -> Self {
        g.not_null("%executor");
        g.not_null("%workspace");
        let dims = dim_values(entry);
        let values = dims.iter().map(|(_, value)| value.as_str());
        let types = vec!["i64"; dims.len()].join(", ");
        let need = g.code.let_(&format!(
            "llvm.call @{}({}) : ({types}) -> i64",
            workspace_symbol(entry),
            values.collect::<Vec<_>>().join(", ")
        ));
        let zero = g.code.constant(0);
        let fits = g
            .code
            .let_(&format!("llvm.icmp \"sge\" {need}, {zero} : i64"));
        g.holds(&fits, status::SIZE_OVERFLOW);
        let enough = g
            .code
            .let_(&format!("llvm.icmp \"uge\" %bytes, {need} : i64"));
        g.holds(&enough, status::SHORT_WORKSPACE);
        let tail = g.code.constant(tail_bytes(entry));
        let begins = g.code.let_(&format!("llvm.sub {need}, {tail} : i64"));
        let at = g.code.let_(&format!(
            "llvm.getelementptr %workspace[{begins}] : (!llvm.ptr, i64) -> !llvm.ptr, i8"
        ));
        Self { at, taken: 0 }
    }

    /// Copies a value there; gives its place.
    fn put(&mut self, g: &mut Guards, value: &str, bytes: usize) -> String {
        let offset = g.code.constant(self.taken);
        self.taken += WORKSPACE_ALIGN as i64;
        let place = g.code.let_(&format!(
            "llvm.getelementptr {}[{offset}] : (!llvm.ptr, i64) -> !llvm.ptr, i8",
            self.at
        ));
        g.copy(&place, value, bytes, device::TO_DEVICE);
        place
    }
}

/// Bytes at the end of a device's workspace for scalars.
pub(super) fn tail_bytes(entry: &Entry) -> i64 {
    entry.scalars_by_value() as i64 * WORKSPACE_ALIGN as i64
}
