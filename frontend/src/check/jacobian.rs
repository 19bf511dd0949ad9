//! `jacobian(f, wrt=…)` and `hessian(f, wrt=…)`: tangents of all directions of a basis at once, or gradients of all
//! numbers of the result, as a batch (`batch.rs`) of a function of one of them.

use std::rc::Rc;

use dlc_abi::dim::Poly;

use crate::ast::{BinaryOp, DType, Span};
use crate::check::Checker;
use crate::check::call::{Arg, Site};
use crate::check::derivative::{Results, Target};
use crate::check::value::{GradFn, JacobianFn, NodeId, Reported, Res, Value};
use crate::check::{FnValue, Mode};
use crate::core::{DerivativeKind, Dim, Num, Param, Prim, TensorType};
use crate::diagnostic::{Code, Diagnostic};

/// A leaf that a Jacobian is taken with respect to: its number among the parameters, and its type.
struct Column {
    number: u32,
    ty: TensorType,
}

impl<'a> Checker<'a> {
    /// The function that gives the Hessian of a function: the Jacobian of its gradient, by tangents.
    pub(crate) fn hessian(
        f: Rc<FnValue<'a>>,
        wrt: Vec<usize>,
        single: bool,
        span: Span,
    ) -> JacobianFn<'a> {
        let gradient = FnValue::Grad(GradFn {
            f,
            wrt: wrt.clone(),
            single,
            has_aux: false,
            value: false,
            span,
        });
        JacobianFn {
            f: Rc::new(gradient),
            wrt,
            single,
            is_hessian: true,
            span,
        }
    }

    /// Calls a Jacobian: the tree of the result, of which each leaf is a tree of what it is taken with respect to.
    pub(super) fn call_jacobian(
        &mut self,
        jacobian: &JacobianFn<'a>,
        args: Vec<Arg<'a>>,
        site: Site,
    ) -> Res<Value<'a>> {
        let target = self.target(&jacobian.f, args, site)?;
        let rows = self.float_results(&target, site)?;
        let columns = self.columns(&target, jacobian, site)?;
        let is_forward = jacobian.is_hessian || self.is_forward(jacobian, &rows, &columns);
        let mut parts: Vec<Vec<NodeId>> = rows.iter().map(|_| Vec::new()).collect();
        if is_forward {
            for column in &columns {
                let made = self.of_tangents(&target, column, &rows, site)?;
                for (row, part) in parts.iter_mut().zip(made) {
                    row.push(part);
                }
            }
        } else {
            for (number, row) in parts.iter_mut().enumerate() {
                *row = self.of_gradients(&target, number, &columns, site)?;
            }
        }
        let mut number = 0;
        let places = self.value_of(&target.result, "", site.span, &mut |_, _, _| {
            number += 1;
            Ok(parts[number - 1][0])
        })?;
        let mut rows = parts.iter();
        self.map_leaves(&places, &mut |checker, _| {
            let mut row = rows.next().ok_or(Reported)?.iter();
            let mut trees = Vec::new();
            for position in &jacobian.wrt {
                trees.push(checker.map_leaves(
                    &target.values[*position],
                    &mut |_, leaf| match leaf {
                        Value::Tensor(_) => row.next().copied().map(Value::Tensor).ok_or(Reported),
                        other => Ok(other.clone()),
                    },
                )?);
            }
            Ok(match (jacobian.single, trees.pop()) {
                (true, Some(tree)) => tree,
                (_, last) => {
                    trees.extend(last);
                    Value::tuple(trees)
                }
            })
        })
    }

    /// The leaves that a Jacobian is taken with respect to, which are floats.
    fn columns(
        &mut self,
        target: &Target<'a>,
        jacobian: &JacobianFn<'a>,
        site: Site,
    ) -> Res<Vec<Column>> {
        let mut columns = Vec::new();
        for position in &jacobian.wrt {
            if target.values.get(*position).is_none() {
                return self.error(Code::DL0304, "there is no such argument", site.span);
            }
            for number in self.float_leaves(target, *position, site)? {
                let ty = self.ty(target.args[number as usize]).clone();
                columns.push(Column { number, ty });
            }
        }
        if columns.is_empty() {
            let message = "there is no float to take a derivative with respect to";
            return self.error(Code::DL0303, message, jacobian.span);
        }
        Ok(columns)
    }

    /// Whether there are no more columns than rows; says so.
    fn is_forward(
        &mut self,
        jacobian: &JacobianFn<'a>,
        rows: &[TensorType],
        columns: &[Column],
    ) -> bool {
        let sum = |types: &mut dyn Iterator<Item = &TensorType>| {
            let polys = types.map(|ty| count_of(ty).poly().clone());
            Dim::new(polys.fold(Poly::zero(), |sum, count| sum + count))
        };
        let rows = sum(&mut rows.iter());
        let columns = sum(&mut columns.iter().map(|column| &column.ty));
        let fewer = self.decide(BinaryOp::Le, &columns, &rows);
        let (mode, each) = match fewer {
            Some(true) => ("forward", format!("`{columns}` tangents")),
            _ => ("reverse", format!("`{rows}` gradients")),
        };
        let message = format!("this Jacobian is made in {mode} mode, of {each}");
        let note = match fewer {
            Some(_) => format!("it has `{rows}` rows and `{columns}` columns"),
            None => {
                format!("nothing says which is less, its `{rows}` rows or its `{columns}` columns")
            }
        };
        let mut remark = Diagnostic::remark(Code::DL0313, message, jacobian.span).note(note);
        if fewer.is_none() {
            remark = remark.help(format!("say so: `where {columns} <= {rows}`"));
        }
        let known = self.diagnostics.iter();
        let is_new = !known.into_iter().any(|known| {
            known.primary.span == remark.primary.span && known.message == remark.message
        });
        if is_new && self.mode == Mode::Program {
            self.report(remark);
        }
        fewer == Some(true)
    }

    /// For each result its derivatives by the numbers of a leaf: tangents of a basis, the last axes.
    fn of_tangents(
        &mut self,
        target: &Target<'a>,
        column: &Column,
        rows: &[TensorType],
        site: Site,
    ) -> Res<Vec<NodeId>> {
        let axes: Vec<u32> = (rows.iter()).map(|row| row.rank() as u32).collect();
        let tangents = self.batch_of(
            target,
            &column.ty,
            rows,
            &axes,
            site,
            |checker, target, basis| {
                let types = [rows, rows].concat();
                let derivative = (DerivativeKind::Jvp, vec![column.number]);
                let mut results =
                    checker.derivative(target, derivative, &[basis], types, site.span)?;
                for _ in rows {
                    results.take(checker)?;
                }
                rows.iter().map(|_| results.take(checker)).collect()
            },
        )?;
        let shaped = tangents.into_iter().zip(rows);
        let shaped = shaped.map(|(part, row)| {
            let shape = [row.shape.as_slice(), &column.ty.shape].concat();
            self.reshape(part, &shape, site.span)
        });
        shaped.collect()
    }

    /// The derivatives of a result by each leaf: gradients of its numbers, which are the first axes.
    fn of_gradients(
        &mut self,
        target: &Target<'a>,
        number: usize,
        columns: &[Column],
        site: Site,
    ) -> Res<Vec<NodeId>> {
        let row = target.results[number].clone();
        let types: Vec<TensorType> = columns.iter().map(|column| column.ty.clone()).collect();
        let axes = vec![0; columns.len()];
        let gradients = self.batch_of(
            target,
            &row,
            &types,
            &axes,
            site,
            |checker, target, basis| {
                let mut cotangents = Vec::new();
                for (i, ty) in target.results.iter().enumerate() {
                    cotangents.push(match i == number {
                        true => basis,
                        false => {
                            let zero = checker.scalar(Num::Float(0.0), ty.dtype, site.span)?;
                            checker.broadcast_axes(zero, Vec::new(), &ty.shape, site.span)?
                        }
                    });
                }
                let wrt = columns.iter().map(|column| column.number).collect();
                let derivative = (DerivativeKind::Vjp, wrt);
                let given = types.clone();
                let mut results =
                    checker.derivative(target, derivative, &cotangents, given, site.span)?;
                types.iter().map(|_| results.take(checker)).collect()
            },
        )?;
        let shaped = gradients.into_iter().zip(columns);
        let shaped = shaped.map(|(part, column)| {
            let shape = [row.shape.as_slice(), &column.ty.shape].concat();
            self.reshape(part, &shape, site.span)
        });
        shaped.collect()
    }

    /// What a derivative of a target gives for each tensor of a basis of a type: results of types, with the basis as an
    /// axis of each.
    fn batch_of(
        &mut self,
        target: &Target<'a>,
        of: &TensorType,
        types: &[TensorType],
        axes: &[u32],
        site: Site,
        make: impl Fn(&mut Self, &Target<'a>, NodeId) -> Res<Vec<NodeId>>,
    ) -> Res<Vec<NodeId>> {
        let outlined = self.made_function("jacobian", site, &mut |checker| {
            let mut inner = Vec::new();
            for (i, node) in target.args.iter().enumerate() {
                let ty = checker.ty(*node).clone();
                inner.push(checker.leaf_parameter(format!("arg{i}"), ty, site.span));
            }
            let basis = checker.leaf_parameter("direction".to_string(), of.clone(), site.span);
            let target = Target {
                args: inner,
                func: target.func,
                dims: target.dims.clone(),
                values: Vec::new(),
                results: target.results.clone(),
                result: target.result.clone(),
            };
            make(checker, &target, basis)
        })?;
        let size = count_of(of);
        let mut args = target.args.clone();
        args.push(self.basis(of, &size, site.span)?);
        let mut in_axes = vec![None; target.args.len()];
        in_axes.push(Some(0));
        in_axes.resize(args.len() + outlined.captured.len(), None);
        args.extend(outlined.captured);
        let batched = types.iter().zip(axes).map(|(ty, axis)| {
            let mut ty = ty.clone();
            ty.shape.insert(*axis as usize, size.clone());
            ty
        });
        let results: Vec<TensorType> = batched.collect();
        for ty in &results {
            self.check_byte_size(ty, site.span)?;
        }
        let op = Prim::Vmap {
            func: outlined.func,
            dims: outlined.dims,
            size,
            in_axes,
            out_axes: axes.iter().copied().map(Some).collect(),
            results: results.clone(),
        };
        let call = self.call_node(op, &args, &results, site.span)?;
        let mut made = Results::new(call, results, site.span);
        types.iter().map(|_| made.take(self)).collect()
    }

    /// A parameter of the function at hand.
    fn leaf_parameter(&mut self, path: String, ty: TensorType, span: Span) -> NodeId {
        self.frame().push_param(Param {
            path,
            ty,
            inout: false,
            span,
        })
    }

    /// The tensors of a type that are one in one place and else zero, one for each place.
    fn basis(&mut self, of: &TensorType, size: &Dim, span: Span) -> Res<NodeId> {
        let square = [size.clone(), size.clone()];
        let rows = self.iota(&square, 0, DType::I64, span)?;
        let columns = self.iota(&square, 1, DType::I64, span)?;
        let ty = TensorType::new(DType::Bool, square.to_vec());
        let equal = self.node(
            Prim::Elementwise("equal"),
            &[rows, columns],
            ty.clone(),
            span,
        )?;
        let ones = ty.with_dtype(of.dtype);
        let ones = self.node(Prim::Elementwise("convert"), &[equal], ones, span)?;
        let shape = [std::slice::from_ref(size), &of.shape].concat();
        self.reshape(ones, &shape, span)
    }
}

/// The number of elements of a type.
fn count_of(ty: &TensorType) -> Dim {
    let dims = ty.shape.iter();
    dims.fold(Dim::constant(1), |count, dim| {
        count.zip(dim, |a, b| a.clone() * b.clone())
    })
}
