//! Loops and branches. Tensors of rank 0 pass a region's edge as scalars, in registers; larger ones in one memory
//! that each round writes anew, so that no buffer outlives the round that makes it.

use super::{
    Content, Lowering, Mapped, Result,
    destination::{materialize, write},
    refine,
    shape::cast,
    sizes::{Scope, tensor_type},
};
use crate::{chain::root, emit::Emitter, linalg, scalar};
use dlc_abi::dim::Poly;
use dlc_dialects::{
    ir::{
        inspect::{defining_op, identity},
        shape,
    },
    pass::PassError,
};
use melior::ir::{
    BlockLike, BlockRef, OperationRef, Region, RegionLike, Type, TypeLike, Value, ValueLike,
    operation::OperationLike,
};

/// How a value passes a region's edge.
enum Form<'c> {
    /// A scalar that is no tensor.
    Plain(Type<'c>),
    /// The scalar of a tensor of rank 0: its element type, and the register's.
    Scalar(Type<'c>, Type<'c>),
    /// A tensor: its element type, its sizes, and the type of what is stored.
    Tensor(Type<'c>, Vec<Poly>, Type<'c>),
}

impl<'c> Form<'c> {
    fn ty(&self) -> Type<'c> {
        match self {
            Form::Plain(ty) | Form::Scalar(_, ty) | Form::Tensor(_, _, ty) => *ty,
        }
    }
}

/// A value that a region gives.
enum Given<'c, 'a> {
    Plain(Value<'c, 'a>),
    Mapped(Mapped<'c, 'a>),
}

/// A side of a branch, written before the op that it belongs to.
struct Arm<'c, 'a> {
    region: Region<'c>,
    block: BlockRef<'c, 'a>,
    given: Vec<Given<'c, 'a>>,
}

/// Where the rewriting stands outside a region.
struct Outside<'c, 'a> {
    block: BlockRef<'c, 'a>,
    sizes: Scope<'c, 'a>,
}

/// What a condition passes on.
enum Passed<'c, 'a> {
    /// The value carried at a place, unchanged.
    Place(usize),
    /// The tensor of that number among those that the condition's region computes.
    Tensor(usize),
    /// The scalar of that number among those that the condition's region computes.
    Scalar(usize),
    /// A value from outside the loop.
    Outside(Value<'c, 'a>),
}

impl<'c, 'a> Lowering<'c, 'a> {
    /// Rewrites the ops of a block but the last, which is given back.
    pub(super) fn ops(&mut self, block: BlockRef<'c, 'a>) -> Result<'c, OperationRef<'c, 'a>> {
        let mut op = block
            .first_operation()
            .expect("a block ends with a terminator");
        while let Some(next) = op.next_in_block() {
            self.op(op)?;
            op = next;
        }
        Ok(op)
    }

    fn begin(&mut self, block: BlockRef<'c, 'a>) -> Outside<'c, 'a> {
        Outside {
            block: std::mem::replace(&mut self.block, block),
            sizes: self.sizes.enter(),
        }
    }

    fn end(&mut self, outside: Outside<'c, 'a>) {
        self.block = outside.block;
        self.sizes.leave(outside.sizes);
    }

    /// `scf.for`.
    pub(super) fn for_loop(
        &mut self,
        e: &Emitter<'c, 'a>,
        op: OperationRef<'c, 'a>,
    ) -> Result<'c, ()> {
        let old = block_of(op, 0)?;
        let operands = op.operands().collect::<Vec<_>>();
        let (bounds, inits) = operands.split_at(3);
        let forms = self.forms(e, inits);
        let mut values = bounds
            .iter()
            .map(|bound| self.plain(e, *bound))
            .collect::<Vec<_>>();
        values.extend(self.initial(e, inits, &forms));
        let mut arguments = vec![Form::Plain(e.index_type())];
        arguments.extend(forms);
        let types = arguments.iter().map(Form::ty).collect::<Vec<_>>();
        let (region, block) = e.region(&types);
        let outside = self.begin(block);
        for (i, form) in arguments.iter().enumerate() {
            self.bind(old.argument(i)?.into(), block.argument(i)?.into(), form);
        }
        let end = self.ops(old)?;
        let e_in = Emitter::at_end(self.context, end.location(), block);
        let given = self.given(&e_in, &end.operands().collect::<Vec<_>>());
        let places = linalg::arguments(block).split_off(1);
        let next = self.hand_over(&e_in, &given, &arguments[1..], &places);
        e_in.effect("scf.yield", &next, &[]);
        self.end(outside);
        let made = e.build("scf.for", &values, &types[1..], &[], vec![region]);
        for (i, form) in arguments[1..].iter().enumerate() {
            self.bind(op.result(i)?.into(), made.result(i)?.into(), form);
        }
        Ok(())
    }

    /// `scf.while`. What the condition passes on unchanged keeps its place; a tensor that it computes gets one.
    pub(super) fn while_loop(
        &mut self,
        e: &Emitter<'c, 'a>,
        op: OperationRef<'c, 'a>,
    ) -> Result<'c, ()> {
        let (before, after) = (block_of(op, 0)?, block_of(op, 1)?);
        let inits = op.operands().collect::<Vec<_>>();
        let mut forms = self.forms(e, &inits);
        let mut values = self.initial(e, &inits, &forms);
        let carried = forms.len();
        let types = forms.iter().map(Form::ty).collect::<Vec<_>>();
        let (first, block) = e.region(&types);
        let outside = self.begin(block);
        for (i, form) in forms.iter().enumerate() {
            self.bind(before.argument(i)?.into(), block.argument(i)?.into(), form);
        }
        let end = self.ops(before)?;
        let e_in = Emitter::at_end(self.context, end.location(), block);
        let mut operands = end.operands();
        let condition = operands.next().expect("a condition has an operand");
        let condition = self.plain(&e_in, condition);
        let (mut tensors, mut scalars, mut passed) = (vec![], vec![], vec![]);
        for old in operands {
            let place = linalg::arguments(before)
                .iter()
                .position(|argument| *argument == old);
            let inside = defining_op(old).and_then(|op| op.block()) == Some(before);
            passed.push(match place {
                Some(place) => Passed::Place(place),
                None if !inside => Passed::Outside(old),
                None if shape::is_tensor(old.r#type()) && self.get(old).rank() > 0 => {
                    tensors.push(old);
                    Passed::Tensor(tensors.len() - 1)
                }
                None => {
                    scalars.push(old);
                    Passed::Scalar(scalars.len() - 1)
                }
            });
        }
        forms.extend(self.forms(&e_in, &tensors));
        for form in &forms[carried..] {
            block.add_argument(form.ty(), op.location());
        }
        let places = linalg::arguments(block);
        let given = self.given(&e_in, &tensors);
        let computed = self.hand_over(&e_in, &given, &forms[carried..], &places[carried..]);
        let scalar_forms = self.forms(&e_in, &scalars);
        let given = self.given(&e_in, &scalars);
        let all = [
            &[condition],
            &places[..carried],
            &computed,
            &self.hand_over(&e_in, &given, &scalar_forms, &[]),
        ];
        e_in.effect("scf.condition", &all.concat(), &[]);
        self.end(outside);
        for form in &forms[carried..] {
            if let Form::Tensor(_, dims, ty) = form {
                if !dims.iter().all(|dim| self.sizes.knows(dim)) {
                    return Err(unknown_size(&op));
                }
                values.push(self.empty(e, dims, shape::element(*ty)));
            }
        }
        let tensors = forms.len();
        forms.extend(scalar_forms);
        let types = forms.iter().map(Form::ty).collect::<Vec<_>>();
        let (second, block) = e.region(&types);
        let outside = self.begin(block);
        let places = linalg::arguments(block);
        self.receive(&linalg::arguments(after), &passed, &places, &forms, carried);
        let end = self.ops(after)?;
        let e_in = Emitter::at_end(self.context, end.location(), block);
        let given = self.given(&e_in, &end.operands().collect::<Vec<_>>());
        let mut next = self.hand_over(&e_in, &given, &forms[..carried], &places[..carried]);
        next.extend(&places[carried..tensors]);
        e_in.effect("scf.yield", &next, &[]);
        self.end(outside);
        let made = e.build("scf.while", &values, &types, &[], vec![first, second]);
        let (old, new) = (linalg::results(op), linalg::results(made));
        self.receive(&old, &passed, &new, &forms, carried);
        Ok(())
    }

    /// Lets old values be what a condition has passed on as `new`.
    fn receive(
        &mut self,
        old: &[Value<'c, 'a>],
        passed: &[Passed<'c, 'a>],
        new: &[Value<'c, 'a>],
        forms: &[Form<'c>],
        carried: usize,
    ) {
        let tensor = |form: &&Form<'c>| matches!(form, Form::Tensor(..));
        let tensors = forms[carried..].iter().filter(tensor).count();
        for (old, passed) in old.iter().zip(passed) {
            let at = match passed {
                Passed::Place(at) => *at,
                Passed::Tensor(at) => carried + at,
                Passed::Scalar(at) => carried + tensors + at,
                Passed::Outside(value) => {
                    self.alias(*old, *value);
                    continue;
                }
            };
            self.bind(*old, new[at], &forms[at]);
        }
    }

    /// `scf.if`.
    pub(super) fn branch(
        &mut self,
        e: &Emitter<'c, 'a>,
        op: OperationRef<'c, 'a>,
    ) -> Result<'c, ()> {
        let condition = self.plain(e, op.operand(0)?);
        let mut arms = vec![];
        for i in 0..2 {
            let old = op.region(i)?.first_block();
            arms.push(self.arm(e, |this, e| match old {
                Some(old) => {
                    let end = this.ops(old)?;
                    Ok(this.given(e, &end.operands().collect::<Vec<_>>()))
                }
                None => Ok(vec![]),
            })?);
        }
        self.join(e, op, condition, arms)
    }

    /// `arith.select` of tensors: a branch, so that the one that is not wanted is not touched.
    pub(super) fn select(
        &mut self,
        e: &Emitter<'c, 'a>,
        op: OperationRef<'c, 'a>,
    ) -> Result<'c, ()> {
        let condition = self.plain(e, op.operand(0)?);
        let mut arms = vec![];
        for i in [1, 2] {
            let value = op.operand(i)?;
            arms.push(self.arm(e, |this, e| Ok(this.given(e, &[value])))?);
        }
        self.join(e, op, condition, arms)
    }

    /// A side of a branch, but for its end.
    fn arm(
        &mut self,
        e: &Emitter<'c, 'a>,
        body: impl FnOnce(&mut Self, &Emitter<'c, 'a>) -> Result<'c, Vec<Given<'c, 'a>>>,
    ) -> Result<'c, Arm<'c, 'a>> {
        let (region, block) = e.region(&[]);
        let outside = self.begin(block);
        let given = body(self, &Emitter::at_end(self.context, e.location(), block))?;
        self.end(outside);
        Ok(Arm {
            region,
            block,
            given,
        })
    }

    /// Ends both sides of a branch and builds it. A result that both make in one tensor stays there; the others get
    /// one place each.
    fn join(
        &mut self,
        e: &Emitter<'c, 'a>,
        op: OperationRef<'c, 'a>,
        condition: Value<'c, 'a>,
        arms: Vec<Arm<'c, 'a>>,
    ) -> Result<'c, ()> {
        let (mut forms, mut places) = (vec![], vec![]);
        for i in 0..op.result_count() {
            let (form, shared) = match (&arms[0].given[i], &arms[1].given[i]) {
                (Given::Mapped(a), Given::Mapped(b)) if a.rank() > 0 => {
                    let choose = |(a, b): (&Poly, &Poly)| {
                        [a, b]
                            .into_iter()
                            .find(|dim| self.sizes.knows(dim))
                            .cloned()
                    };
                    let dims = a.dims.iter().zip(&b.dims).map(choose);
                    let dims = dims.collect::<Option<Vec<_>>>();
                    let dims = dims.ok_or_else(|| unknown_size(&op))?;
                    let dims = refine(dims, op.result(i)?.r#type());
                    let shared = match (a.content, b.content) {
                        (Content::Tensor(a), Content::Tensor(b)) => root(a) == root(b),
                        _ => false,
                    };
                    (tensor_form(e, a.element, dims), shared)
                }
                (Given::Mapped(a), _) => (scalar_form(e, a.element), true),
                (Given::Plain(value), _) => (Form::Plain(value.r#type()), true),
            };
            places.push(match &form {
                Form::Tensor(_, dims, ty) if !shared => {
                    Some(self.empty(e, dims, shape::element(*ty)))
                }
                _ => None,
            });
            forms.push(form);
        }
        let mut regions = vec![];
        for arm in arms {
            let outside = self.begin(arm.block);
            let e = Emitter::at_end(self.context, e.location(), arm.block);
            let moved = arm.given.iter().zip(&places);
            let moved = moved.filter_map(|(given, place)| match given {
                Given::Mapped(value) => Some((value.clone(), (*place)?)),
                Given::Plain(_) => None,
            });
            let mut settled = self
                .settle(&e, &moved.collect::<Vec<_>>(), write)
                .into_iter();
            let yielded = arm.given.iter().zip(&forms).zip(&places);
            let yielded = yielded.map(|((given, form), place)| match (given, place) {
                (_, Some(_)) => settled.next().expect("one for each place"),
                (Given::Plain(value), None) => *value,
                (Given::Mapped(x), None) if x.rank() == 0 => self.scalar(&e, x),
                (Given::Mapped(x), None) => {
                    let value = self.tensor(&e, x);
                    cast(&e, value, form.ty())
                }
            });
            let yielded = yielded.collect::<Vec<_>>();
            e.effect("scf.yield", &yielded, &[]);
            self.end(outside);
            regions.push(arm.region);
        }
        let types = forms.iter().map(Form::ty).collect::<Vec<_>>();
        let made = e.build("scf.if", &[condition], &types, &[], regions);
        for (i, form) in forms.iter().enumerate() {
            self.bind(op.result(i)?.into(), made.result(i)?.into(), form);
        }
        Ok(())
    }

    /// How values pass an edge, by what they have become.
    fn forms(&self, e: &Emitter<'c, 'a>, values: &[Value<'c, 'a>]) -> Vec<Form<'c>> {
        let form = |value: &Value<'c, 'a>| match shape::is_tensor(value.r#type()) {
            false => Form::Plain(value.r#type()),
            true => {
                let x = self.get(*value);
                match x.rank() {
                    0 => scalar_form(e, x.element),
                    _ => tensor_form(e, x.element, refine(x.dims, value.r#type())),
                }
            }
        };
        values.iter().map(form).collect()
    }

    /// What a loop begins with.
    fn initial(
        &mut self,
        e: &Emitter<'c, 'a>,
        values: &[Value<'c, 'a>],
        forms: &[Form<'c>],
    ) -> Vec<Value<'c, 'a>> {
        let values = values.iter().zip(forms);
        let values = values.map(|(value, form)| match form {
            Form::Plain(_) => self.plain(e, *value),
            Form::Scalar(..) => self.scalar(e, &self.get(*value)),
            Form::Tensor(_, _, ty) => {
                let tensor = self.tensor(e, &self.get(*value));
                cast(e, tensor, *ty)
            }
        });
        values.collect()
    }

    /// What old values are here.
    fn given(&mut self, e: &Emitter<'c, 'a>, values: &[Value<'c, 'a>]) -> Vec<Given<'c, 'a>> {
        let values = values.iter();
        let values = values.map(|value| match shape::is_tensor(value.r#type()) {
            true => Given::Mapped(self.get(*value)),
            false => Given::Plain(self.plain(e, *value)),
        });
        values.collect()
    }

    /// The values of the next round; tensors in the places of the last.
    fn hand_over(
        &mut self,
        e: &Emitter<'c, 'a>,
        given: &[Given<'c, 'a>],
        forms: &[Form<'c>],
        places: &[Value<'c, 'a>],
    ) -> Vec<Value<'c, 'a>> {
        let tensor = |i: &usize| matches!(forms[*i], Form::Tensor(..));
        let tensors = (0..forms.len()).filter(tensor);
        let moved = tensors.filter_map(|i| match &given[i] {
            Given::Mapped(value) => Some((value.clone(), places[i])),
            Given::Plain(_) => None,
        });
        let mut settled = self
            .settle(e, &moved.collect::<Vec<_>>(), materialize)
            .into_iter();
        let values = given.iter().zip(forms).map(|(given, form)| match given {
            Given::Plain(value) => *value,
            Given::Mapped(x) => match form {
                Form::Tensor(..) => settled.next().expect("one for each tensor"),
                _ => self.scalar(e, x),
            },
        });
        values.collect()
    }

    /// Lets an old value be a new one that has passed an edge.
    fn bind(&mut self, old: Value<'c, 'a>, new: Value<'c, 'a>, form: &Form<'c>) {
        match form {
            Form::Plain(_) => self.set_plain(old, new),
            Form::Scalar(element, _) => self.set(old, Mapped::splat(*element, vec![], new)),
            Form::Tensor(element, dims, _) => {
                self.set(old, Mapped::tensor(*element, dims.clone(), new));
            }
        }
    }

    /// Lets an old value be what another is.
    fn alias(&mut self, old: Value<'c, 'a>, other: Value<'c, 'a>) {
        let ty = old.r#type();
        if shape::is_tensor(ty) {
            self.set(old, self.get(other));
        } else if ty.is_index() {
            self.sizes.learn(old, self.sizes.poly(other));
        } else if let Some(value) = self.scalars.get(&identity(other)).copied() {
            self.set_plain(old, value);
        }
    }
}

fn scalar_form<'c>(e: &Emitter<'c, '_>, element: Type<'c>) -> Form<'c> {
    Form::Scalar(element, scalar::register_type(e, element))
}

fn tensor_form<'c>(e: &Emitter<'c, '_>, element: Type<'c>, dims: Vec<Poly>) -> Form<'c> {
    let ty = tensor_type(&dims, scalar::storage_type(e, element));
    Form::Tensor(element, dims, ty)
}

fn unknown_size<'c>(op: &OperationRef<'c, '_>) -> PassError<'c> {
    PassError::at(
        op,
        "the size of a result should be known outside the region",
    )
}

fn block_of<'c, 'a>(op: OperationRef<'c, 'a>, region: usize) -> Result<'c, BlockRef<'c, 'a>> {
    let block = op.region(region)?.first_block();
    Ok(block.expect("the verifier wants a block"))
}
