//! Functions of the core that derivatives are taken of. A function of the file has one already; a function value gets
//! one here, with what it captures as further parameters.

use std::rc::Rc;

use crate::ast::Span;
use crate::check::Checker;
use crate::check::arguments::Prepared;
use crate::check::call::{Arg, Site};
use crate::check::types::Ty;
use crate::check::value::{FnValue, NodeId, Reported, Res, Value};
use crate::core::{DerivativeKind, Dim, FuncIndex, FuncResult, NodeIndex, Param, Prim, TensorType};
use crate::diagnostic::{Code, Diagnostic};

/// A function of the core to differentiate, and how it is called.
pub(crate) struct Target<'a> {
    pub func: FuncIndex,
    pub dims: Vec<Dim>,
    /// The arguments, then what is captured.
    pub args: Vec<NodeId>,
    /// The arguments as trees.
    pub values: Vec<Value<'a>>,
    /// The types of the results' leaves.
    pub results: Vec<TensorType>,
    /// The type of the result.
    pub result: Ty,
}

/// A function of the core that was made for a function value.
pub(super) struct Outlined {
    pub func: FuncIndex,
    pub dims: Vec<Dim>,
    /// What it reads from outside: its parameters behind those that its maker gave it.
    pub captured: Vec<NodeId>,
    /// The types of the results.
    pub results: Vec<TensorType>,
}

impl<'a> Target<'a> {
    /// The numbers of the leaves of an argument among all parameters, and the leaves.
    pub fn leaves(&self, position: usize) -> Res<Vec<(u32, NodeId)>> {
        let before = self.values[..position].iter();
        let start: usize = before.map(|value| value.nodes().len()).sum();
        let nodes = self.values[position].nodes().into_iter().enumerate();
        nodes
            .map(|(i, node)| {
                let number = u32::try_from(start + i).map_err(|_| Reported)?;
                Ok((number, node))
            })
            .collect()
    }
}

/// The results of a node that gives several, taken one by one.
pub(super) struct Results {
    call: NodeId,
    types: Vec<TensorType>,
    next: NodeIndex,
    span: Span,
}

impl Results {
    /// Those of a node, of these types.
    pub fn new(call: NodeId, types: Vec<TensorType>, span: Span) -> Self {
        Self {
            call,
            types,
            next: 0,
            span,
        }
    }

    /// The next one.
    pub fn take<'a>(&mut self, checker: &mut Checker<'a>) -> Res<NodeId> {
        let n = self.next;
        self.next += 1;
        let ty = self.types[n as usize].clone();
        checker.node(Prim::Result(n), &[self.call], ty, self.span)
    }

    /// A tree like another, of the next ones.
    pub fn tree<'a>(&mut self, checker: &mut Checker<'a>, like: &Value<'a>) -> Res<Value<'a>> {
        checker.map_leaves(like, &mut |checker, _| {
            self.take(checker).map(Value::Tensor)
        })
    }

    /// A tree of a type, of the next ones.
    pub fn of_type<'a>(&mut self, checker: &mut Checker<'a>, ty: &Ty) -> Res<Value<'a>> {
        let span = self.span;
        checker.value_of(ty, "", span, &mut |checker, _, _| self.take(checker))
    }
}

impl<'a> Checker<'a> {
    /// The function of the core of a function, with arguments.
    pub(super) fn target(
        &mut self,
        f: &Rc<FnValue<'a>>,
        args: Vec<Arg<'a>>,
        site: Site,
    ) -> Res<Target<'a>> {
        if let FnValue::Item(id) = &**f
            && !self.fns[*id].inlined
        {
            return self.item_target(*id, args, site);
        }
        let mut values = Vec::new();
        for arg in args {
            if let Some(name) = arg.name {
                let message = "the derivative of a function value takes no keyword arguments";
                return self.error(Code::DL0702, message, name.span);
            }
            self.use_keys(&arg.operand.value, arg.operand.span, "a derivative")?;
            values.push((arg.operand.value, arg.operand.span));
        }
        self.outlined_target(f, values, site)
    }

    /// A call of a derivative of a target, with what is given behind its arguments.
    pub(super) fn derivative(
        &mut self,
        target: &Target<'a>,
        (kind, wrt): (DerivativeKind, Vec<u32>),
        given: &[NodeId],
        types: Vec<TensorType>,
        span: Span,
    ) -> Res<Results> {
        let op = Prim::Derivative {
            func: target.func,
            dims: target.dims.clone(),
            wrt,
            kind,
            results: types.clone(),
        };
        let args = [target.args.as_slice(), given].concat();
        let call = self.call_node(op, &args, &types, span)?;
        Ok(Results::new(call, types, span))
    }

    /// A call of a target itself.
    pub(super) fn value_of_target(&mut self, target: &Target<'a>, span: Span) -> Res<Value<'a>> {
        let op = Prim::Call {
            func: target.func,
            dims: target.dims.clone(),
            results: target.results.clone(),
        };
        let call = self.call_node(op, &target.args, &target.results, span)?;
        let mut results = Results::new(call, target.results.clone(), span);
        results.of_type(self, &target.result)
    }

    fn item_target(&mut self, id: usize, args: Vec<Arg<'a>>, site: Site) -> Res<Target<'a>> {
        let Prepared {
            id,
            signature,
            bindings,
            operands,
            values,
        } = self.prepare_call(id, args, &[], site)?;
        if let Some(param) = signature.params.iter().find(|param| param.inout) {
            let diagnostic = Diagnostic::error(
                Code::DL0301,
                format!(
                    "`{}` changes `{}`, so it has no derivative",
                    signature.name, param.name
                ),
                site.span,
            )
            .secondary(param.span, "declared here")
            .help("take it by value and return the new one");
            return Err(self.report(diagnostic));
        }
        for (value, operand) in values.iter().zip(&operands) {
            self.use_keys(value, operand.span, &format!("`{}`", signature.name))?;
        }
        if self.has_rules(id) {
            // What is differentiated calls it, and the call says how.
            let names = signature.params.iter().map(|param| param.name.clone());
            let f = Rc::new(FnValue::Item(id));
            return self.outlined(values, names.collect(), site, &mut |checker, inner| {
                checker.call_values(&f, inner, site)
            });
        }
        let all = bindings.in_order();
        let known: Vec<Option<i64>> = all.iter().map(Dim::as_const).collect();
        let dims = all
            .into_iter()
            .filter(|dim| dim.as_const().is_none())
            .collect();
        let ty = bindings.apply(&signature.result);
        let results = self
            .leaves(&ty, "", site.span)?
            .into_iter()
            .map(|leaf| leaf.ty)
            .collect();
        let args = values.iter().flat_map(Value::nodes).collect();
        let func = self.instance(id, known);
        Ok(Target {
            func,
            dims,
            args,
            values,
            results,
            result: ty,
        })
    }

    /// Makes a function of the core of a function value.
    fn outlined_target(
        &mut self,
        f: &Rc<FnValue<'a>>,
        given: Vec<(Value<'a>, Span)>,
        site: Site,
    ) -> Res<Target<'a>> {
        let mut values = Vec::new();
        for (value, span) in given {
            values.push(self.as_variable(value, span)?.0);
        }
        let names = (0..values.len()).map(|i| format!("arg{i}")).collect();
        self.outlined(values, names, site, &mut |checker, inner| {
            checker.call_values(f, inner, site)
        })
    }

    /// Makes a function of the core of what `body` does with values.
    pub(super) fn outlined(
        &mut self,
        values: Vec<Value<'a>>,
        names: Vec<String>,
        site: Site,
        body: &mut dyn FnMut(&mut Self, Vec<Value<'a>>) -> Res<Value<'a>>,
    ) -> Res<Target<'a>> {
        let outer: Vec<NodeId> = values.iter().flat_map(Value::nodes).collect();
        let mut result = Ty::unit();
        let made = self.made_function("grad", site, &mut |checker| {
            let (ty, leaves) = checker.outlined_body(&values, &names, site, body)?;
            result = ty;
            Ok(leaves)
        })?;
        let args = outer.into_iter().chain(made.captured).collect();
        Ok(Target {
            func: made.func,
            dims: made.dims,
            args,
            values,
            results: made.results,
            result,
        })
    }

    /// Makes a function of the core, which has the dims of the one at hand. `body` makes its parameters and gives the
    /// leaves of its result; what it reads from outside becomes parameters behind its own.
    pub(super) fn made_function(
        &mut self,
        suffix: &str,
        site: Site,
        body: &mut dyn FnMut(&mut Self) -> Res<Vec<NodeId>>,
    ) -> Res<Outlined> {
        let (dims, facts) = (self.frame().dims.clone(), self.frame().facts.clone());
        self.push_frame(dims.clone(), facts);
        let built = body(self).and_then(|leaves| self.own_leaves(leaves, site));
        let frame = self.frames.pop().ok_or(Reported)?;
        let leaves = built?;
        let captured: Vec<NodeId> = frame.captures.iter().map(|(outer, _)| *outer).collect();
        let types: Vec<TensorType> = leaves
            .iter()
            .map(|node| frame.nodes[node.index as usize].ty.clone())
            .collect();
        let context = self.scope.function.name.clone();
        let name = self.unique_name(&format!("{context}.{suffix}"));
        let mut func = frame.finish(name, site.span);
        func.results = leaves
            .iter()
            .enumerate()
            .map(|(i, node)| FuncResult {
                path: format!("out.{i}"),
                node: node.index,
            })
            .collect();
        let index = self.funcs.len();
        self.funcs.push(Some(func));
        let dims = dims
            .iter()
            .map(|name| Dim::new(dlc_abi::dim::Poly::name(name)))
            .collect();
        Ok(Outlined {
            func: index,
            dims,
            captured,
            results: types,
        })
    }

    /// Does something with values inside a function of its own: the type of its result, and the nodes of its leaves.
    fn outlined_body(
        &mut self,
        values: &[Value<'a>],
        names: &[String],
        site: Site,
        body: &mut dyn FnMut(&mut Self, Vec<Value<'a>>) -> Res<Value<'a>>,
    ) -> Res<(Ty, Vec<NodeId>)> {
        let mut inner = Vec::new();
        for (value, name) in values.iter().zip(names) {
            inner.push(self.map_leaves(value, &mut |checker, leaf| {
                let id = match leaf {
                    Value::Tensor(id) => id,
                    // What it captures becomes a parameter where it is called.
                    Value::Fn(_) => return Ok(leaf.clone()),
                    _ => return Err(Reported),
                };
                let (ty, origin) = (checker.ty(*id).clone(), checker.origin(*id));
                let frame = checker.frame();
                let id = frame.push_param(Param {
                    path: name.clone(),
                    ty,
                    inout: false,
                    span: site.span,
                });
                if let Some(origin) = origin {
                    frame.origins.insert(id.index, origin);
                }
                Ok(Value::Tensor(id))
            })?);
        }
        let tree = body(self, inner)?;
        let (tree, ty) = self.as_variable(tree, site.span)?;
        Ok((ty, tree.nodes()))
    }

    /// Leaves that are nodes of the function at hand.
    fn own_leaves(&mut self, leaves: Vec<NodeId>, site: Site) -> Res<Vec<NodeId>> {
        let mut own = Vec::new();
        for node in leaves {
            let frame = self.frame().id;
            own.push(if node.frame == frame {
                node
            } else {
                let ty = self.ty(node).clone();
                self.node(Prim::Reshape, &[node], ty, site.span)?
            });
        }
        Ok(own)
    }

    pub(super) fn not_differentiable(
        &mut self,
        node: NodeId,
        ty: &TensorType,
        value: &Value<'a>,
        span: Span,
        site: Site,
    ) -> Reported {
        let name = self
            .origin(node)
            .map(|origin| format!("`{}` ", origin.text))
            .unwrap_or_default();
        let message = format!("a derivative is with respect to floats, and {name}is `{ty}`");
        let mut diagnostic = Diagnostic::error(Code::DL0303, message, span);
        diagnostic = self.origins(diagnostic, &[node]);
        if span != site.callee {
            diagnostic = diagnostic.secondary(site.callee, "called here");
        }
        diagnostic = if value.parts().is_some() {
            diagnostic
                .help("keep integers and keys apart from what is trained, in a struct of its own")
        } else {
            diagnostic.help("name another parameter by `wrt=`")
        };
        self.report(diagnostic)
    }
}
