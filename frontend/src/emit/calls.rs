//! Calls of functions, of their derivatives and of batches of them.

use melior::ir::attribute::FlatSymbolRefAttribute;
use melior::ir::operation::{OperationBuilder, OperationLike};
use melior::ir::{Identifier, Value};

use crate::core::{DerivativeKind, Node, Prim};
use crate::emit::Body;
use dlc_dialects::ops::build;

impl<'c, 'a> Body<'c, 'a, '_> {
    /// A call: what it gives.
    pub(super) fn call(&self, node: &Node, args: &[Value<'c, 'a>]) -> Vec<Value<'c, 'a>> {
        let b = self.builder;
        let (function, dims, results) = match &node.op {
            Prim::Call {
                func,
                dims,
                results,
            }
            | Prim::Derivative {
                func,
                dims,
                results,
                ..
            }
            | Prim::Vmap {
                func,
                dims,
                results,
                ..
            } => (&self.emitter.program.funcs[*func], dims, results),
            _ => unreachable!("only calls come here"),
        };
        let (callee, rules) = (&function.name, function.rules);
        let mut operands: Vec<_> = dims.iter().map(|dim| self.index(dim.poly())).collect();
        if let Prim::Vmap { size, .. } = &node.op {
            operands.insert(0, self.index(size.poly()));
        }
        operands.extend(args);
        let types: Vec<_> = results.iter().map(|ty| self.emitter.ty(ty)).collect();
        let op = match &node.op {
            Prim::Derivative { wrt, kind, .. } => {
                let wrt: Vec<_> = wrt.iter().map(|&n| i64::from(n)).collect();
                let (cx, place) = (b.context, b.location);
                match kind {
                    DerivativeKind::Vjp => build::vjp(cx, &operands, callee, &wrt, &types, place),
                    DerivativeKind::Jvp => build::jvp(cx, &operands, callee, &wrt, &types, place),
                    kind => {
                        let value = *kind == DerivativeKind::ValueAndGradient;
                        build::grad(cx, &operands, callee, &wrt, value, &types, place)
                    }
                }
            }
            Prim::Vmap {
                in_axes, out_axes, ..
            } => {
                let axes = |axes: &[Option<u32>]| {
                    let axis = |axis: &Option<u32>| axis.map_or(-1, i64::from);
                    axes.iter().map(axis).collect::<Vec<_>>()
                };
                let (given, made) = (axes(in_axes), axes(out_axes));
                build::vmap(
                    b.context, &operands, callee, &given, &made, &types, b.location,
                )
            }
            _ if rules.any() => {
                let name = |rule: usize| self.emitter.program.funcs[rule].name.as_str();
                let (vjp, jvp) = (rules.vjp.map(name), rules.jvp.map(name));
                let (cx, checkpoint) = (b.context, rules.checkpoint);
                build::call(
                    cx, &operands, callee, checkpoint, vjp, jvp, &types, b.location,
                )
            }
            _ => {
                let callee = FlatSymbolRefAttribute::new(b.context, callee);
                OperationBuilder::new("func.call", b.location)
                    .add_attributes(&[(Identifier::new(b.context, "callee"), callee.into())])
                    .add_operands(&operands)
                    .add_results(&types)
                    .build()
                    .expect("result types are given")
            }
        };
        let op = b.append(op);
        op.results().map(Into::into).collect()
    }
}
