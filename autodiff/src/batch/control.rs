//! Loops and branches of a batch. Where all elements agree on the way, they stay what they are, with batches for what
//! differs. Else each element has a mask:
//!
//! ```text
//! if c[b] { f(x) } else { g(x) }     select(c, f(x), g(x))
//! for i in 0..n[b] carrying x        for i in 0..max(n): x = select(i < n, f(x), x)
//! while c(x) carrying x              while any(on & c(x)): on = on & c(x), x = select(on, f(x), x)
//! ```
//!
//! What counts the rounds of a `while` stays one number, which a bound is known of. An element's own number of rounds
//! is carried beside it, as it is what a loop on the way back of a derivative goes by.
//!
//! What takes no part does not print, passes every check, and its numbers and derivatives reach no other element
//! (`shield.rs`).

use super::{
    effect::extracted,
    element::{end, with_regions},
    spread::condition,
    values::Batcher,
};
use crate::{
    activity::{Carried, Edges, results},
    bounds::Counter,
    functions::{block_arguments, operations},
};
use dlc_dialects::{
    ir::{
        builder::{Builder, Dim, dynamic, type_shape},
        edit,
        inspect::{defining_op, is_used},
        shape::{element_of, tensor},
    },
    ops::{OpKind, UpdateSlice, build},
    pass::PassError,
};
use melior::ir::{
    BlockRef, OperationRef, Type, Value, ValueLike, operation::OperationLike, r#type::IntegerType,
};

type Written<'c> = Result<(), PassError<'c>>;
type Values<'c, 'a> = Result<Vec<Value<'c, 'a>>, PassError<'c>>;

impl<'c, 'a> Batcher<'c, 'a> {
    /// Writes a loop or a branch for all elements.
    pub(super) fn control(
        &mut self,
        op: OperationRef<'c, 'a>,
        edges: Edges<'c, 'a>,
    ) -> Written<'c> {
        match edges {
            Edges::For { carried, body } => self.for_loop(op, &carried, body),
            Edges::While { .. } => self.while_loop(op, &edges),
            Edges::If { arms, results } => match self.is_batched(op.operand(0)?) {
                true => self.both_sides(op, &arms, &results),
                false => self.branch(op, &arms),
            },
        }
    }

    /// Writes the ops of a block but its terminator to where a builder stands, which it leaves.
    fn write(&mut self, block: BlockRef<'c, 'a>) -> Written<'c> {
        let ops = operations(block).collect::<Vec<_>>();
        for op in &ops[..ops.len().saturating_sub(1)] {
            self.step(*op)?;
        }
        Ok(())
    }

    /// Lets the batcher write to a block.
    fn enter(&mut self, block: BlockRef<'c, 'a>) -> Builder<'c, 'a> {
        let inner = Builder::at_end(self.builder.context, block, self.builder.location);
        std::mem::replace(&mut self.builder, inner)
    }

    /// What stands for a value where `like` says whether it is batched.
    fn given(&self, x: Value<'c, 'a>, like: Value<'c, 'a>) -> Result<Value<'c, 'a>, PassError<'c>> {
        match self.is_batched(like) {
            true => self.batched(x),
            false => Ok(self.value(x)),
        }
    }

    /// What stands for values where others say whether they are batched.
    fn all_given(&self, values: &[Value<'c, 'a>], like: &[Value<'c, 'a>]) -> Values<'c, 'a> {
        let pairs = values.iter().zip(like);
        pairs.map(|(x, like)| self.given(*x, *like)).collect()
    }

    fn types(&self, values: &[Value<'c, 'a>]) -> Vec<Type<'c>> {
        values.iter().map(|x| self.type_of(*x)).collect()
    }

    fn set_all(&mut self, single: &[Value<'c, 'a>], values: &[Value<'c, 'a>]) {
        for (single, value) in single.iter().zip(values) {
            self.set(*single, *value);
        }
    }

    /// A further condition for elements to take part.
    fn and_mask(&self, on: Value<'c, 'a>) -> Value<'c, 'a> {
        match self.mask {
            Some(mask) => self.builder.elementwise(OpKind::BitwiseAnd, &[mask, on]),
            None => on,
        }
    }

    fn for_loop(
        &mut self,
        op: OperationRef<'c, 'a>,
        carried: &Carried<'c, 'a>,
        body: BlockRef<'c, 'a>,
    ) -> Written<'c> {
        let b = self.builder;
        let [lower, upper, step] = [op.operand(0)?, op.operand(1)?, op.operand(2)?];
        if self.is_batched(lower) || self.is_batched(step) {
            return Err(self.refused(op));
        }
        let counts = self.is_batched(upper).then(|| self.value(upper));
        let last = match (counts, self.greatest(upper)) {
            (Some(_), Some(greatest)) => greatest,
            (Some(counts), None) => self.most(counts, self.value(lower)),
            (None, _) => self.value(upper),
        };
        let mut operands = vec![self.value(lower), last, self.value(step)];
        operands.extend(self.all_given(&carried.inits, &carried.arguments)?);
        let types = self.types(&carried.arguments);
        let index = [b.index_type()];
        let (made, blocks) = with_regions(
            &b,
            "scf.for",
            &operands,
            &types,
            &[&[&index, types.as_slice()].concat()],
        );
        copy_attributes(op, made);
        let outer = self.enter(blocks[0]);
        let arguments = block_arguments(blocks[0]);
        self.set_all(&block_arguments(body), &arguments);
        let mask = self.mask;
        let mut shielded = vec![];
        let on = counts.map(|counts| {
            let i = self.filled(Dim::Value(arguments[0]), &[self.size]);
            self.builder.elementwise(OpKind::Less, &[i, counts])
        });
        if let Some(on) = on {
            self.mask = Some(self.and_mask(on));
            shielded = self.shield(&[body], &carried.arguments, true);
        }
        self.write(body)?;
        let mut next = self.all_given(&carried.given, &carried.arguments)?;
        if on.is_some() {
            next = self.held(&next, &arguments[1..]);
        }
        self.unshield(shielded);
        end(&self.builder, "scf.yield", &next);
        self.mask = mask;
        self.builder = outer;
        self.set_all(&carried.results, &results(made));
        Ok(())
    }

    /// The greatest of the numbers of rounds of elements that take part, as an index; `none` where none does.
    fn most(&self, counts: Value<'c, 'a>, none: Value<'c, 'a>) -> Value<'c, 'a> {
        let b = self.builder;
        let counts = match self.mask {
            Some(mask) => {
                let none = self.filled(Dim::Value(none), &[self.size]);
                b.elementwise(OpKind::Select, &[mask, counts, none])
            }
            None => counts,
        };
        let most = extracted(&b, b.reduce("max", counts, &[0]));
        b.op("arith.index_cast", &[most], &[], b.index_type())
    }

    /// The new values for elements that take part, the old ones for the others.
    fn held(&self, new: &[Value<'c, 'a>], old: &[Value<'c, 'a>]) -> Vec<Value<'c, 'a>> {
        let pairs = new.iter().zip(old);
        pairs.map(|(new, old)| self.held_one(*new, *old)).collect()
    }

    fn held_one(&self, new: Value<'c, 'a>, old: Value<'c, 'a>) -> Value<'c, 'a> {
        if new == old {
            return new;
        }
        let b = self.builder;
        let update = defining_op(new).filter(|op| OpKind::of(op) == Some(OpKind::UpdateSlice));
        let Some(view) = update.map(UpdateSlice).filter(|view| view.x() == old) else {
            return self.chosen(new, old);
        };
        // What stays as it is need not be chosen.
        let dims = b.dims(view.update());
        let before = b.value(build::slice(
            b.context,
            old,
            &view.starts(),
            &dynamic(&dims),
            &view.strides(),
            tensor(&type_shape(&dims), element_of(old)),
            b.location,
        ));
        let part = self.chosen(view.update(), before);
        b.value(build::update_slice(
            b.context,
            old,
            part,
            &view.starts(),
            &view.strides(),
            old.r#type(),
            b.location,
        ))
    }

    /// `new` for elements that take part, else `old`.
    fn chosen(&self, new: Value<'c, 'a>, old: Value<'c, 'a>) -> Value<'c, 'a> {
        let b = self.builder;
        match self.mask {
            Some(mask) => {
                let on = b.broadcast(mask, &[0], &b.dims(new));
                b.elementwise(OpKind::Select, &[on, new, old])
            }
            None => new,
        }
    }

    /// A branch that all elements take alike.
    fn branch(
        &mut self,
        op: OperationRef<'c, 'a>,
        arms: &[(BlockRef<'c, 'a>, Vec<Value<'c, 'a>>)],
    ) -> Written<'c> {
        let (b, y) = (self.builder, results(op));
        let condition = self.value(op.operand(0)?);
        let none: &[Type] = &[];
        let regions = vec![none; op.region_count()];
        let (made, blocks) = with_regions(&b, "scf.if", &[condition], &self.types(&y), &regions);
        copy_attributes(op, made);
        for ((block, given), to) in arms.iter().zip(blocks) {
            let outer = self.enter(to);
            self.write(*block)?;
            let given = self.all_given(given, &y)?;
            end(&self.builder, "scf.yield", &given);
            self.builder = outer;
        }
        self.set_all(&y, &results(made));
        Ok(())
    }

    /// Both sides of a branch, and a choice for each element.
    fn both_sides(
        &mut self,
        op: OperationRef<'c, 'a>,
        arms: &[(BlockRef<'c, 'a>, Vec<Value<'c, 'a>>)],
        y: &[Value<'c, 'a>],
    ) -> Written<'c> {
        let condition = self.value(op.operand(0)?);
        let b = self.builder;
        let outer = self.mask;
        let mut sides = vec![];
        for (i, (block, given)) in arms.iter().enumerate() {
            let on = match i {
                0 => condition,
                _ => b.elementwise(OpKind::BitwiseNot, &[condition]),
            };
            self.mask = Some(match outer {
                Some(mask) => b.elementwise(OpKind::BitwiseAnd, &[mask, on]),
                None => on,
            });
            let shielded = self.shield(&[*block], &[], false);
            self.write(*block)?;
            sides.push(self.all_given(given, y)?);
            self.unshield(shielded);
        }
        self.mask = outer;
        for (i, y) in y.iter().enumerate() {
            let on = b.broadcast(condition, &[0], &b.dims(sides[0][i]));
            let value = b.elementwise(OpKind::Select, &[on, sides[0][i], sides[1][i]]);
            let value = self.fit(value, *y);
            self.set(*y, value);
        }
        Ok(())
    }

    /// A loop for as long as a condition holds, of all elements or of any.
    fn while_loop(&mut self, op: OperationRef<'c, 'a>, edges: &Edges<'c, 'a>) -> Written<'c> {
        let Edges::While {
            carried,
            passed,
            received,
            before,
            after,
        } = edges
        else {
            return Err(self.refused(op));
        };
        let holds = condition(*before).ok_or_else(|| self.refused(op))?;
        let is_masked = self.is_batched(holds);
        let counter = Counter::of(edges).filter(|_| is_masked);
        let counted = counter.map(|counter| counter.result);
        let counted = counted.filter(|place| is_used(carried.results[*place]));
        let b = self.builder;
        let mut inits = self.all_given(&carried.inits, &carried.arguments)?;
        let mut types = self.types(&carried.arguments);
        let count = types.len();
        if is_masked {
            let bool = IntegerType::new(b.context, 1).into();
            inits.push(
                self.mask
                    .unwrap_or_else(|| b.full(&[self.size], bool, "true")),
            );
            types.push(tensor(&type_shape(&[self.size]), bool));
        }
        if counted.is_some() {
            let none = b.full(&[self.size], self.i64(), "0");
            types.push(none.r#type());
            inits.push(none);
        }
        // What the condition passes on, then the values before it, which elements keep that are done, and which go on.
        let mut given = self.types(received);
        if is_masked {
            given.extend(&types);
        }
        let (made, blocks) = with_regions(&b, "scf.while", &inits, &given, &[&types, &given]);
        copy_attributes(op, made);
        let mask = self.mask;

        let outer = self.enter(blocks[0]);
        let arguments = block_arguments(blocks[0]);
        self.set_all(&carried.arguments, &arguments);
        if is_masked {
            self.mask = Some(arguments[count]);
        }
        self.write(*before)?;
        let mut values = vec![self.value(holds)];
        values.extend(self.all_given(passed, received)?);
        if is_masked {
            let on = self.and_mask(values[0]);
            values[0] = self.any(on);
            values.extend(&arguments[..count]);
            values.push(on);
            values.extend(&arguments[count + 1..]);
        }
        end(&self.builder, "scf.condition", &values);

        self.builder = outer;
        let outer = self.enter(blocks[1]);
        let arguments = block_arguments(blocks[1]);
        let mut shielded = vec![];
        self.set_all(received, &arguments);
        if is_masked {
            self.mask = Some(arguments[received.len() + count]);
            shielded = self.shield(&[*after], received, true);
        }
        self.write(*after)?;
        let mut next = self.all_given(&carried.given, &carried.arguments)?;
        if is_masked {
            let before = &arguments[received.len()..];
            let pairs = next.iter().zip(before).zip(&carried.arguments);
            let held = pairs.map(|((next, before), like)| match self.is_batched(*like) {
                true => self.held_one(*next, *before),
                false => *next,
            });
            next = held.collect();
            next.extend(self.mask);
        }
        if let (Some(_), Some(on), Some(rounds)) = (counted, self.mask, arguments.last()) {
            let b = self.builder;
            let one = b.convert(on, self.i64());
            next.push(b.elementwise(OpKind::Add, &[*rounds, one]));
        }
        self.unshield(shielded);
        end(&self.builder, "scf.yield", &next);
        self.mask = mask;
        self.builder = outer;
        let given = results(made);
        self.set_all(&carried.results, &given);
        if let (Some(place), Some(rounds)) = (counted, given.last()) {
            self.set(carried.results[place], *rounds);
            self.set_greatest(carried.results[place], given[place]);
        }
        Ok(())
    }
}

/// Gives an op what another one of its kind is said to be.
fn copy_attributes<'c, 'a>(from: OperationRef<'c, 'a>, to: OperationRef<'c, 'a>) {
    for (name, value) in from.attributes() {
        let name = name.as_string_ref();
        edit::set_attribute(to, name.as_str().unwrap_or_default(), value);
    }
}
