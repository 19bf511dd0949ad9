//! What is done with the elements of a product while they are near: an op that reads the result element by element, such as
//! a bias, an activation, a residual, a scale or a cast, goes through each band of rows as soon as its sums are complete.

use super::{
    call::{Place, offset, place},
    contraction::Operand,
};
use crate::{
    alias::{self, Effects, may_alias},
    emit::Emitter,
    fuse::Spaces,
    linalg::{self, Access, Generic, Iterator},
    remarks::Remarks,
    size::constant,
    tasks::{self, private::static_bytes},
    view::{Mixed, reinterpreted},
};
use dlc_dialects::ir::{
    edit,
    inspect::defining_op,
    shape::{self, DYNAMIC},
};
use melior::{
    Context, IrRewriter,
    ir::{
        BlockRef, OperationRef, RegionLike, TypeLike, Value, ValueLike, operation::OperationLike,
    },
};

/// An op that goes through the elements of a product.
pub(crate) struct Epilogue<'c, 'a> {
    /// The op.
    pub op: OperationRef<'c, 'a>,
    /// What it reads.
    pub inputs: Vec<Reached<'c, 'a>>,
    /// What it writes.
    pub outputs: Vec<Reached<'c, 'a>>,
    /// What its operands are made of, which is to stand before the product.
    pub needed: Vec<OperationRef<'c, 'a>>,
    /// The result that can be the memory of the sums, if nothing else needs these.
    result: Option<Value<'c, 'a>>,
    /// The dims by which a band's rows and columns are walked, if it has any.
    walked: [Option<usize>; 2],
}

/// What has a result that an op may go through: a product, or a convolution.
pub(crate) struct Made<'x, 'c, 'a> {
    /// The result.
    pub c: &'x Operand<'c, 'a>,
    /// What is read until all of the result is there.
    pub reads: [Value<'c, 'a>; 2],
    /// Dims of rows that are walked as one.
    pub rows: &'x [usize],
    /// Dims of columns that are.
    pub columns: &'x [usize],
}

/// An op at its place in the code, with what was found out of its operands before.
pub(crate) struct Placed<'c, 'a> {
    /// The op.
    pub epilogue: Epilogue<'c, 'a>,
    /// Where its operands are; nothing for numbers.
    places: Vec<Option<Place<'c, 'a>>>,
}

/// An operand of the op.
pub(crate) enum Reached<'c, 'a> {
    /// A number.
    Scalar(Value<'c, 'a>),
    /// Memory, with the product's loop of each axis.
    Memory(Operand<'c, 'a>),
}

/// A part of the result: its first row and column in the dims of the product, and how many there are.
pub(crate) struct Band<'c, 'a> {
    /// Where it begins, by dims of the product.
    pub begins: Vec<(usize, Value<'c, 'a>)>,
    /// Rows and columns.
    pub sizes: [Value<'c, 'a>; 2],
}

impl<'c: 'a, 'a> Epilogue<'c, 'a> {
    /// The first op that reads the result of a product element by element and could stand right behind it. A result of no
    /// more than `near` bytes is near anyway.
    pub fn find(op: OperationRef<'c, 'a>, x: &Made<'_, 'c, 'a>, near: i64) -> Option<Self> {
        let c = x.c.value;
        if static_bytes(c).is_some_and(|bytes| bytes <= near) {
            return None;
        }
        let after = std::iter::successors(op.next_in_block(), |op| op.next_in_block());
        let mut readers = after.filter(|op| op.operands().any(|value| value == c));
        readers.find_map(|reader| Self::read(op, reader, x))
    }

    /// An op as one that could stand right behind a product whose result it reads.
    fn read(
        op: OperationRef<'c, 'a>,
        reader: OperationRef<'c, 'a>,
        x: &Made<'_, 'c, 'a>,
    ) -> Option<Self> {
        let c = x.c.value;
        let generic = Generic::read(reader)?;
        if !generic.is_parallel() || generic.is_contraction() {
            return None;
        }
        let reads = generic.inputs.iter().find(|access| access.value == c)?;
        let loops = &reads.loops;
        if !distinct(loops) || loops.len() != generic.iterators.len() {
            return None;
        }
        let reach = |access: &Access<'c, 'a>| {
            if !access.value.r#type().is_mem_ref() {
                return Some(Reached::Scalar(access.value));
            }
            let dim = |l: &usize| Some(x.c.dims[loops.iter().position(|other| other == l)?]);
            let dims = access.loops.iter().map(dim).collect::<Option<Vec<_>>>()?;
            let operand = distinct(&dims).then(|| Operand::new(access.value, dims))??;
            let as_one = |group: &[usize]| {
                operand.holds(group) || !group.iter().any(|dim| operand.axis(*dim).is_some())
            };
            (as_one(x.rows) && as_one(x.columns)).then_some(Reached::Memory(operand))
        };
        let reach = |accesses: &[Access<'c, 'a>]| -> Option<Vec<_>> {
            accesses.iter().map(reach).collect()
        };
        let (inputs, outputs) = (reach(&generic.inputs)?, reach(&generic.outputs)?);
        let written = |output: &Reached<'c, 'a>| match output {
            Reached::Memory(to) => {
                to.dims.len() == loops.len() && to.innermost() == x.columns.last().copied()
            }
            Reached::Scalar(_) => false,
        };
        let body = body(reader)?;
        if !outputs.iter().all(written) || !apart(&generic, x, loops, body) {
            return None;
        }
        let needed = needed(op, reader, body)?;
        let result = own_result(op, reader, &generic, (c, loops));
        Some(Self {
            op: reader,
            inputs,
            outputs,
            needed,
            result,
            walked: [x.rows, x.columns].map(|dims| dims.last().copied()),
        })
    }

    /// Lets all that the op needs stand before the product, whose sums begin with a fill; if a result of the op can be the
    /// memory of the sums, it becomes that. Gives whether sums have no memory of their own.
    pub fn settle(
        &self,
        cx: &'c Context,
        (op, fill): (OperationRef<'c, 'a>, OperationRef<'c, 'a>),
        c: Value<'c, 'a>,
    ) -> bool {
        let times = 1 + i64::from(self.result.is_some());
        let how = "goes through the tiles of the product that makes its operand";
        self.tell(op, c, times, how);
        let rewriter = IrRewriter::new(cx);
        for needed in self.needed.iter().chain([&fill]) {
            rewriter.as_rewriter_base().move_op_before(*needed, op);
        }
        if let Some(result) = self.result {
            let made = defining_op(c).expect("only what is made here has another memory");
            edit::replace_uses(c, result);
            edit::erase(cx, made);
        } else {
            tasks::share_buffer(&Emitter::before(cx, op), c);
        }
        self.result.is_some()
    }

    /// Tells that the result of a product is not written and read any more, so many times, and how that is.
    pub fn tell(&self, op: OperationRef<'c, 'a>, c: Value<'c, 'a>, times: i64, how: &str) {
        let func = alias::ancestors(op).pop().expect("an op is its ancestor");
        let saved = Remarks::size(c, &Spaces::of(func), times);
        Remarks::of(op).fused(op.location(), self.op.location(), how, &saved);
    }

    /// The op in the code that `e` writes.
    pub fn placed(self, e: &Emitter<'c, 'a>) -> Placed<'c, 'a> {
        let operands = self.inputs.iter().chain(&self.outputs);
        let places = operands.map(|operand| match operand {
            Reached::Scalar(_) => None,
            Reached::Memory(operand) => Some(place(e, operand)),
        });
        Placed {
            places: places.collect(),
            epilogue: self,
        }
    }
}

impl<'c, 'a> Placed<'c, 'a> {
    /// The op on a band.
    pub fn emit(&self, e: &Emitter<'c, 'a>, band: &Band<'c, 'a>) {
        let Epilogue {
            op,
            inputs: from,
            outputs: to,
            walked,
            ..
        } = &self.epilogue;
        let axes = walked.iter().zip(band.sizes);
        let axes = axes.filter_map(|(dim, size)| Some(((*dim)?, size)));
        let axes = axes.collect::<Vec<_>>();
        // One view of one memory: what is read and then written does not mix.
        let mut views: Vec<(&Operand<'c, 'a>, Access<'c, 'a>)> = vec![];
        let mut inputs = vec![];
        for (operand, place) in from.iter().chain(to).zip(&self.places) {
            let (operand, place) = match (operand, place) {
                (Reached::Memory(operand), Some(place)) => (operand, place),
                (Reached::Scalar(value), _) => {
                    inputs.push(Access {
                        value: *value,
                        loops: vec![],
                    });
                    continue;
                }
                (Reached::Memory(_), None) => unreachable!("memory has a place"),
            };
            let known = views
                .iter()
                .find(|(known, _)| known.value == operand.value && known.dims == operand.dims);
            let view = match known {
                Some((_, view)) => view.clone(),
                None => view(e, (operand, place), &axes, &band.begins),
            };
            views.push((operand, view.clone()));
            inputs.push(view);
        }
        let outputs = inputs.split_off(from.len());
        let copy = e.insert((**op).clone());
        let old = body(copy).expect("the op has a body");
        let generic = Generic {
            iterators: vec![Iterator::Parallel; axes.len()],
            inputs,
            outputs,
            attributes: vec![],
        };
        let (_, block) = generic.declare(e);
        IrRewriter::new(e.context())
            .as_rewriter_base()
            .merge_blocks(old, block, &linalg::arguments(block));
        edit::erase(e.context(), copy);
    }
}

fn distinct(numbers: &[usize]) -> bool {
    let mut rest = numbers;
    while let [first, others @ ..] = rest {
        if others.contains(first) {
            return false;
        }
        rest = others;
    }
    true
}

fn body<'c, 'a>(op: OperationRef<'c, 'a>) -> Option<BlockRef<'c, 'a>> {
    op.region(0).ok()?.first_block()
}

/// Whether no element that the op writes is read, by it or by the product, but in the round that writes it, and the body
/// knows only elements.
fn apart<'c: 'a, 'a>(
    generic: &Generic<'c, 'a>,
    x: &Made<'_, 'c, 'a>,
    loops: &[usize],
    body: BlockRef<'c, 'a>,
) -> bool {
    let c = x.c.value;
    let inputs = generic.inputs.iter();
    let inputs = inputs.filter(|access| access.value.r#type().is_mem_ref());
    let inputs = inputs.collect::<Vec<_>>();
    let mut loaded = vec![];
    for op in alias::operations(body) {
        match edit::name(op) {
            "linalg.index" => return false,
            _ if op.region_count() > 0 => return false,
            "memref.load" => loaded.extend(op.operand(0)),
            _ => {}
        }
    }
    let read_whole = loaded.iter().all(|value| !may_alias(*value, c));
    let sums = inputs.iter().all(|access| match access.value == c {
        true => access.loops == loops,
        false => !may_alias(access.value, c),
    });
    let outputs = generic.outputs.iter().enumerate();
    let outputs = outputs.into_iter().all(|(i, output)| {
        let o = output.value;
        let others = generic.outputs[..i].iter().map(|other| other.value);
        let others = others.chain(x.reads).chain(loaded.clone());
        let others = others.into_iter().all(|other| !may_alias(o, other));
        let own = |access: &Access<'c, 'a>| access.value == o && access.loops == output.loops;
        let inputs = inputs.iter();
        let inputs = inputs.into_iter().all(|a| own(a) || !may_alias(o, a.value));
        let sums = if o == c {
            output.loops == loops
        } else {
            !may_alias(o, c)
        };
        others && inputs && sums
    });
    read_whole && sums && outputs
}

/// The ops between a product and `reader` that make what this uses, if they could stand before the product, and all others
/// after the reader.
fn needed<'c: 'a, 'a>(
    op: OperationRef<'c, 'a>,
    reader: OperationRef<'c, 'a>,
    body: BlockRef<'c, 'a>,
) -> Option<Vec<OperationRef<'c, 'a>>> {
    let after = std::iter::successors(op.next_in_block(), |op| op.next_in_block());
    let between = after.take_while(|op| *op != reader).collect::<Vec<_>>();
    let inside = alias::operations(body).into_iter().chain([reader]);
    let inside = inside.map(|op| op.operands().collect::<Vec<_>>());
    let mut values = inside.flatten().collect::<Vec<_>>();
    let mut needed = vec![];
    while let Some(value) = values.pop() {
        let made = defining_op(value).and_then(|op| between.iter().position(|other| *other == op));
        if let Some(made) = made.filter(|made| !needed.contains(made)) {
            needed.push(made);
            values.extend(between[made].operands());
        }
    }
    needed.sort_unstable();
    let (needed, others): (Vec<_>, Vec<_>) = (0..between.len()).partition(|at| needed.contains(at));
    let [needed, others] = [needed, others].map(|list| list.into_iter().map(|i| between[i]));
    let (needed, others) = (needed.collect::<Vec<_>>(), others.collect::<Vec<_>>());
    let touch = |some: &[Value<'c, 'a>], others: &[Value<'c, 'a>]| {
        let mut some = some.iter();
        some.any(|a| others.iter().any(|b| may_alias(*a, *b)))
    };
    let stays = others.iter().chain([&op]).map(|op| Effects::of(*op));
    let stays = stays.collect::<Vec<_>>();
    let moves = needed.iter().all(|op| match edit::name(*op) {
        "memref.load" => {
            let from = [op.operand(0).expect("a load has memory")];
            stays.iter().all(|effects| !touch(&from, &effects.writes))
        }
        "memref.alloc" | "memref.dim" | "memref.subview" | "memref.cast" => true,
        "memref.expand_shape" | "memref.collapse_shape" | "memref.reinterpret_cast" => true,
        name => name.starts_with("arith.") || name.starts_with("math."),
    });
    let own = Effects::of(reader);
    let passes = others.iter().zip(&stays).all(|(_, effects)| {
        !touch(&effects.writes, &own.reads)
            && !touch(&effects.writes, &own.writes)
            && !touch(&effects.reads, &own.writes)
    });
    (moves && passes).then_some(needed)
}

/// The result of a product's reader that can be the memory of the sums: nothing else needs these, and it is not read before.
fn own_result<'c: 'a, 'a>(
    op: OperationRef<'c, 'a>,
    reader: OperationRef<'c, 'a>,
    generic: &Generic<'c, 'a>,
    (c, loops): (Value<'c, 'a>, &[usize]),
) -> Option<Value<'c, 'a>> {
    let uses = edit::uses(c);
    let only = uses
        .iter()
        .all(|(user, _)| *user == op || *user == reader || edit::name(*user) == "linalg.fill");
    let fills = uses
        .iter()
        .filter(|(user, _)| edit::name(*user) == "linalg.fill");
    if !only || fills.count() != 1 || edit::name(defining_op(c)?) != "memref.alloc" {
        return None;
    }
    let arguments = linalg::arguments(body(reader)?);
    let written = generic
        .outputs
        .iter()
        .zip(&arguments[generic.inputs.len()..]);
    let mut fitting = written.filter(|(output, argument)| {
        let value = output.value;
        let read = generic.inputs.iter().any(|input| input.value == value);
        let same = value.r#type() == c.r#type() && output.loops == loops;
        same && !read && edit::uses(**argument).is_empty()
    });
    fitting.next().map(|(output, _)| output.value)
}

/// A part of an operand: its axes are those of rows and columns that it has.
fn view<'c, 'a>(
    e: &Emitter<'c, 'a>,
    (operand, place): (&Operand<'c, 'a>, &Place<'c, 'a>),
    axes: &[(usize, Value<'c, 'a>)],
    begins: &[(usize, Value<'c, 'a>)],
) -> Access<'c, 'a> {
    let mut loops = vec![];
    let (mut offsets, mut sizes, mut strides) =
        (Mixed::default(), Mixed::default(), Mixed::default());
    offsets.push(DYNAMIC, || offset(e, operand, place, begins));
    for (number, (dim, size)) in axes.iter().enumerate() {
        if let Some(axis) = operand.axis(*dim) {
            loops.push(number);
            sizes.push(constant(*size).unwrap_or(DYNAMIC), || *size);
            strides.push(operand.strides[axis].unwrap_or(DYNAMIC), || {
                place.strides[axis]
            });
        }
    }
    let text = |n: &i64| match *n {
        DYNAMIC => "?".to_string(),
        n => n.to_string(),
    };
    let dims = sizes.known.iter().map(|n| text(n) + "x");
    let layout = strides.known.iter().map(text).collect::<Vec<_>>();
    let ty = format!(
        "memref<{}{}, strided<[{}], offset: ?>>",
        dims.collect::<String>(),
        shape::element_of(operand.value),
        layout.join(", ")
    );
    let parts = [offsets, sizes, strides];
    Access {
        value: reinterpreted(e, operand.value, parts, e.ty(&ty)),
        loops,
    }
}
