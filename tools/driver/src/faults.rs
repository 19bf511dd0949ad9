//! Wrong rewrites, one for each of ten passes: what the tests of `dlc bisect` and `dlc reduce` look for.
//!
//! A fault is a pass that runs right behind the one that is to be blamed, as if it were part of it; the option
//! `-Z miscompile=NAME` puts it there. No pass has code for this, and no compilation without the option meets it.

use crate::pipelines::Stage;
use dlc_dialects::{
    ir::{edit, inspect, shape},
    pass::{Anchor, PassError, PassInfo},
};
use dlc_lowering::{alias, walk};
use melior::{
    Context,
    ir::{OperationRef, Value, ValueLike, operation::OperationLike},
};

/// A wrong rewrite.
#[derive(Debug)]
pub struct Fault {
    /// What `-Z miscompile` calls it.
    pub name: &'static str,
    /// The stage of the pass that it comes with,
    pub stage: &'static str,
    /// and that pass: the first of that name in the stage.
    pub with: &'static str,
    /// The pass that does it.
    pub pass: &'static str,
}

impl Fault {
    /// The fault of a name.
    pub fn named(name: &str) -> Option<&'static Fault> {
        FAULTS.iter().find(|fault| fault.name == name)
    }

    /// Whether it comes with the pass of a number of a stage.
    pub(crate) fn follows(&self, stage: &Stage, number: usize) -> bool {
        let mut steps = stage.passes.iter();
        stage.name == self.stage && steps.position(|step| step.name() == self.with) == Some(number)
    }
}

const fn fault(name: &'static str, [stage, with]: [&'static str; 2], pass: &'static str) -> Fault {
    Fault {
        name,
        stage,
        with,
        pass,
    }
}

/// All of them, in the order of their passes.
pub const FAULTS: &[Fault] = &[
    fault(
        "derivative",
        ["dl", "expand-derivatives"],
        "plant-derivative",
    ),
    fault("folding", ["dl", "simplify-dl"], "plant-folding"),
    fault("merging", ["dl", "cse"], "plant-merging"),
    fault("lowering", ["linalg", "dl-to-linalg"], "plant-lowering"),
    fault("fusion", ["linalg", "fuse-elementwise"], "plant-fusion"),
    fault("product", ["loops", "emit-matmul"], "plant-product"),
    fault("rows", ["loops", "fuse-rows"], "plant-rows"),
    fault("vectors", ["loops", "vectorize-generics"], "plant-vectors"),
    fault("workspace", ["loops", "plan-workspace"], "plant-workspace"),
    fault("maths", ["llvm-mlir", "expand-math"], "plant-maths"),
    // No wrong value, but an end of the process, for the tests of reproducers.
    fault("abort", ["linalg", "fuse-elementwise"], "plant-abort"),
];

/// The passes that do it, known to `dlc-opt` so that reproducers run.
pub const PASSES: &[PassInfo] = &[
    planted("plant-derivative", |cx, module| {
        // The derivative of tanh, 1 - y², with y in place of its square.
        for op in walk::named(module, "dl.mul") {
            let (a, b) = (op.operand(0)?, op.operand(1)?);
            let of_tanh = inspect::defining_op(a).is_some_and(|made| walk::is(made, "dl.tanh"));
            if of_tanh && inspect::identity(a) == inspect::identity(b) {
                edit::replace_uses(op.result(0)?.into(), a);
                edit::erase(cx, op);
            }
        }
        Ok(())
    }),
    planted("plant-folding", |_, module| {
        // x - y becomes y - x.
        for op in walk::named(module, "dl.sub") {
            swap(op)?;
        }
        Ok(())
    }),
    planted("plant-merging", |cx, module| {
        // Two exponentials of one type are taken for one.
        let found = walk::named(module, "dl.exp");
        let ty = |op: OperationRef<'_, '_>| op.operand(0).map(|x| x.r#type().to_string()).ok();
        for (i, second) in found.iter().enumerate() {
            let first = found[..i]
                .iter()
                .find(|first| first.block() == second.block() && ty(**first) == ty(*second));
            if let Some(first) = first {
                edit::replace_uses(second.result(0)?.into(), first.result(0)?.into());
                edit::erase(cx, *second);
                break;
            }
        }
        Ok(())
    }),
    planted("plant-lowering", |_, module| {
        // A quotient is taken upside down.
        for op in walk::named(module, "arith.divf") {
            swap(op)?;
        }
        Ok(())
    }),
    planted("plant-fusion", |cx, module| {
        // Where ops were joined, a sum loses what is added.
        for generic in walk::named(module, "linalg.generic") {
            let loops = generic.attribute("iterator_types")?.to_string();
            let joined = walk::inside(generic).len() > 2 && !loops.contains("reduction");
            let sums = walk::named(generic, "arith.addf").into_iter();
            for sum in sums.filter(|_| joined) {
                edit::replace_uses(sum.result(0)?.into(), sum.operand(0)?);
                edit::erase(cx, sum);
            }
        }
        Ok(())
    }),
    planted("plant-product", |_, module| {
        // A product's kernel multiplies its left operand by itself.
        for op in walk::named(module, "vector.fma") {
            edit::set_operand(op, 1, op.operand(0)?);
        }
        Ok(())
    }),
    planted("plant-rows", |_, module| {
        // In fused rows, what is subtracted and what it is subtracted from change places.
        for op in walk::named(module, "arith.subf") {
            let around = alias::ancestors(op);
            if around.iter().any(|op| walk::is(*op, "scf.for")) {
                swap(op)?;
            }
        }
        Ok(())
    }),
    planted("plant-vectors", |_, module| {
        // The same in loops over vectors.
        for op in walk::named(module, "arith.subf") {
            let ty = Value::from(op.result(0)?);
            if !shape::shape_of(ty).is_empty() {
                swap(op)?;
            }
        }
        Ok(())
    }),
    planted("plant-workspace", |_, module| {
        // Buffers of one type lie in one place.
        let views = walk::named(module, "memref.view");
        for (i, view) in views.iter().enumerate() {
            let ty = Value::from(view.result(0)?).r#type();
            let alike = |one: &&OperationRef| {
                let result = one.result(0).map(|result| Value::from(result).r#type());
                result.is_ok_and(|other| other == ty)
            };
            if let Some(first) = views[..i].iter().find(alike) {
                edit::set_operand(*view, 0, first.operand(0)?);
                edit::set_operand(*view, 1, first.operand(1)?);
            }
        }
        Ok(())
    }),
    planted("plant-maths", |_, module| {
        // A polynomial is evaluated at its first coefficient.
        for op in walk::named(module, "math.fma") {
            edit::set_operand(op, 1, op.operand(2)?);
        }
        Ok(())
    }),
    planted("plant-abort", |_, _| std::process::abort()),
];

const fn planted(
    name: &'static str,
    run: for<'c, 'a> fn(&'c Context, OperationRef<'c, 'a>) -> Result<(), PassError<'c>>,
) -> PassInfo {
    PassInfo {
        name,
        summary: "A wrong rewrite, for the tests of dlc bisect",
        anchor: Anchor::Module,
        required: false,
        run,
    }
}

/// Lets the first two operands of an op change places.
fn swap<'c>(op: OperationRef<'c, '_>) -> Result<(), PassError<'c>> {
    let (a, b) = (op.operand(0)?, op.operand(1)?);
    edit::set_operand(op, 0, b);
    edit::set_operand(op, 1, a);
    Ok(())
}
