//! Writes the loops of a plan: each value of the body as far out as it can be, scalars outside the loop that runs in
//! vectors, vectors inside.

use super::{
    Body, Nest, Plan,
    accumulator::{Accumulator, each, plain},
    body::{INNERMOST, Loops, Output, set},
    memory::{Flat, flat_views},
    nest::index_of,
    parts::Range,
    pieces::Pieces,
    quotient,
    segments::{Kind, Segment, Width, segments},
    team::Team,
    vectors::vector,
};
use crate::{
    emit::Emitter,
    linalg::{self, Access, Iterator},
    tasks,
};
use dlc_dialects::ir::{
    edit,
    inspect::identity,
    shape::{self, width},
};
use melior::ir::{OperationRef, TypeLike, Value, ValueLike, operation::OperationLike};
use std::collections::HashMap;

/// Writes the nest with `e`.
pub fn write<'c: 'a, 'a>(
    e: &Emitter<'c, 'a>,
    nest: &Nest<'c, 'a>,
    body: &Body<'c, 'a>,
    plan: &Plan,
) {
    let mut writer = Writer {
        team: None,
        fma: plan.fma,
        nest,
        body,
        plan,
        arguments: linalg::arguments(nest.block),
        flat: flat_views(e, nest, body, plan),
        pieces: None,
    };
    writer.pieces = (plan.vector.filter(|_| plan.gpu)).map(|index| writer.find_pieces(e, index));
    let mut state = State {
        index: vec![None; nest.extents.len()],
        values: HashMap::new(),
        bound: 0,
        width: Width::Scalar,
        tile: None,
        range: None,
    };
    for single in (0..nest.extents.len()).filter(|i| nest.is_single(*i)) {
        state.bind(single, e.index(0));
    }
    writer.ready(e, &mut state);
    if let Some(team) = writer.team_here(e) {
        writer.team = Some(team);
        writer.together(e, &team, state);
        return;
    }
    writer.team = writer.team_alone(e);
    match (writer.parts(e), writer.team) {
        (Some(parts), _) => writer.in_parts(e, &parts, &state),
        (None, Some(team)) => writer.alone(e, &team, state),
        (None, None) => writer.level(e, 0, state),
    }
}

/// What has been written of the body at a place in the loops.
#[derive(Clone)]
pub(super) struct State<'c, 'a> {
    /// The index of each loop that has begun.
    pub(super) index: Vec<Option<Value<'c, 'a>>>,
    /// New values by the old ones' identity.
    values: HashMap<usize, Value<'c, 'a>>,
    bound: Loops,
    pub(super) width: Width<'c, 'a>,
    /// Where the step of the tiled loop begins.
    tile: Option<Value<'c, 'a>>,
    /// The steps of the outermost loop that are to be taken, if not all are.
    pub(super) range: Option<Range<'c, 'a>>,
}

impl<'c, 'a> State<'c, 'a> {
    pub(super) fn bind(&mut self, index: usize, value: Value<'c, 'a>) {
        self.index[index] = Some(value);
        self.bound |= set(index);
    }

    pub(super) fn indices(&self, loops: &[usize]) -> Vec<Value<'c, 'a>> {
        loops
            .iter()
            .map(|l| self.index[*l].expect("an operand is used inside its loops"))
            .collect()
    }
}

pub(super) struct Writer<'x, 'c, 'a> {
    pub(super) nest: &'x Nest<'c, 'a>,
    pub(super) body: &'x Body<'c, 'a>,
    pub(super) plan: &'x Plan,
    /// Who does it, if not one thread does each round.
    pub(super) team: Option<Team>,
    fma: bool,
    /// The old body's arguments.
    arguments: Vec<Value<'c, 'a>>,
    /// Views of what is gathered from, by identity.
    pub(super) flat: HashMap<usize, Flat<'c, 'a>>,
    /// Those that a GPU's threads take.
    pieces: Option<Pieces<'c, 'a>>,
}

impl<'c: 'a, 'a> Writer<'_, 'c, 'a> {
    /// Loops of which each step stands for itself.
    pub(super) fn level(&self, e: &Emitter<'c, 'a>, depth: usize, state: State<'c, 'a>) {
        if let Some(team) = &self.team
            && depth == self.plan.carried
            && team.shares_steps()
        {
            let sums = self.reduce(e, depth, &state, self.neutral(e));
            let sums = self.exchange(e, team, sums);
            team.first(e, |e| {
                let accumulating = self.accumulating();
                let old = accumulating.map(|(access, _)| self.load(e, &state, access));
                let new = self.combined(e, &old.collect::<Vec<_>>(), &sums);
                for ((access, _), sum) in self.accumulating().zip(new) {
                    self.store(e, &state, access, sum);
                }
            });
            return;
        }
        if depth == self.plan.carried {
            let mut accumulators = vec![];
            for (access, _) in self.accumulating() {
                accumulators.push(self.load(e, &state, access));
            }
            let sums = self.reduce(e, depth, &state, accumulators);
            for ((access, _), sum) in self.accumulating().zip(sums) {
                self.store(e, &state, access, sum);
            }
            return;
        }
        if let Some(team) = &self.team
            && depth + 1 == self.plan.carried
            && team.shares_columns()
        {
            self.columns(e, team, depth, &state);
            return;
        }
        let index = self.plan.order[depth];
        if self.plan.vector == Some(index)
            && let Some(pieces) = self.pieces
        {
            self.in_pieces(e, (depth, pieces), &state);
        } else if self.plan.vector == Some(index) {
            let mut begun = false;
            for segment in self.segments(e, &state) {
                let low = segment.low;
                let body = |e: &Emitter<'c, 'a>, place| {
                    let width = self.width(e, &segment, place);
                    let state = self.inside(e, &state, index, place, width);
                    self.level(e, depth + 1, state);
                };
                match segment.single {
                    true => body(e, low),
                    false => {
                        let bounds = (low, segment.high, e.index(segment.step));
                        let op = e.plain_loop(bounds, body);
                        tasks::mark(e, op, self.is_parallel(index));
                        if begun && self.is_parallel(index) {
                            tasks::mark_rest(e, op);
                        }
                        begun = true;
                    }
                }
            }
        } else {
            let (low, high) = (e.index(0), self.nest.extents[index].value(e));
            let tile = self.plan.tile.filter(|(tiled, _)| *tiled == index);
            let (low, high, step) = match (tile, state.tile) {
                (None, _) => (low, high, 1),
                (Some((_, size)), None) => (low, high, size),
                (Some((_, size)), Some(start)) => {
                    let end = e.min(e.add(start, e.index(size)), high);
                    (start, end, 1)
                }
            };
            let opens = tile.is_some() && state.tile.is_none();
            let op = e.plain_loop((low, high, e.index(step)), |e, place| {
                let state = match opens {
                    true => State {
                        tile: Some(place),
                        ..state.clone()
                    },
                    false => self.inside(e, &state, index, place, state.width),
                };
                self.level(e, depth + 1, state);
            });
            self.mark(e, op, index);
        }
    }

    /// Loops that carry accumulators.
    pub(super) fn reduce(
        &self,
        e: &Emitter<'c, 'a>,
        depth: usize,
        state: &State<'c, 'a>,
        accumulators: Vec<Value<'c, 'a>>,
    ) -> Vec<Value<'c, 'a>> {
        let Some(&index) = self.plan.order.get(depth) else {
            return self.innermost(e, state.clone(), &plain(&accumulators));
        };
        if self.plan.vector == Some(index) {
            return self.reduce_vectors(e, index, state, accumulators);
        }
        let high = self.extent(state, index).value(e);
        let (low, step) = match &self.team {
            Some(team) => team.steps(e, self.plan, depth),
            None => (e.index(0), e.index(1)),
        };
        e.for_loop((low, high, step), &accumulators, |e, step, carried| {
            let place = self.place(e, state, index, step);
            let state = self.inside(e, state, index, place, state.width);
            self.reduce(e, depth + 1, &state, carried.to_vec())
        })
    }

    /// The innermost loop, where it adds up in vectors: their elements are added in a fixed order at the end.
    fn reduce_vectors(
        &self,
        e: &Emitter<'c, 'a>,
        index: usize,
        state: &State<'c, 'a>,
        mut sums: Vec<Value<'c, 'a>>,
    ) -> Vec<Value<'c, 'a>> {
        let lanes = self.plan.schedule.lanes;
        let kinds = self
            .accumulating()
            .map(|(access, output)| Accumulator::of(output, shape::element_of(access.value), lanes))
            .collect::<Vec<_>>();
        // The values of each accumulator, for steps of one register.
        let mut registers: Option<Vec<Value<'c, 'a>>> = None;
        let flush = |e: &Emitter<'c, 'a>,
                     registers: &mut Option<Vec<Value<'c, 'a>>>,
                     sums: &mut Vec<Value<'c, 'a>>| {
            if let Some(registers) = registers.take() {
                let totals = each(&kinds, &registers).map(|(kind, values)| kind.total(e, values));
                *sums = self.combined(e, sums, &totals.collect::<Vec<_>>());
            }
        };
        for segment in self.segments(e, state) {
            let scalar = segment.kind == Kind::Scalar;
            let step = |e: &Emitter<'c, 'a>, step, width, carried: &[Value<'c, 'a>]| {
                let place = self.place(e, state, index, step);
                let state = self.inside(e, state, index, place, width);
                match scalar {
                    true => self.innermost(e, state, &plain(carried)),
                    false => {
                        let each = each(&kinds, carried).map(|(kind, values)| (Some(kind), values));
                        self.innermost(e, state, &each.collect::<Vec<_>>())
                    }
                }
            };
            if scalar {
                flush(e, &mut registers, &mut sums);
                sums = self.run(e, &segment, &sums, step);
                continue;
            }
            let start = match &registers {
                Some(registers) if segment.step == lanes => registers.clone(),
                _ => kinds
                    .iter()
                    .flat_map(|kind| kind.start(e, segment.step))
                    .collect(),
            };
            let ends = self.run(e, &segment, &start, step);
            registers = Some(match segment.step == lanes {
                true => ends,
                false => each(&kinds, &ends)
                    .flat_map(|(kind, values)| kind.narrow(e, values))
                    .collect(),
            });
        }
        flush(e, &mut registers, &mut sums);
        sums
    }

    /// The body inside all loops; gives the new accumulators. With the values of each comes how it is kept, if not as
    /// it is.
    fn innermost(
        &self,
        e: &Emitter<'c, 'a>,
        mut state: State<'c, 'a>,
        accumulators: &[(Option<&Accumulator<'_, 'c>>, &[Value<'c, 'a>])],
    ) -> Vec<Value<'c, 'a>> {
        let inputs = self.nest.generic.inputs.len();
        let mut accumulators = accumulators.iter();
        let mut carried = vec![];
        for (i, output) in self.body.outputs.iter().enumerate() {
            carried.push(output.accumulates().then(|| {
                let &(kind, values) = accumulators
                    .next()
                    .expect("one for each accumulating output");
                let argument = self.arguments[inputs + i];
                state.values.insert(identity(argument), values[0]);
                let kind = kind.filter(|kind| kind.is_in_parts());
                if kind.is_some() {
                    // The op on two is not written.
                    let combined = identity(self.body.yields[i]);
                    state.values.insert(combined, values[0]);
                }
                (kind, values)
            }));
        }
        state.bound = INNERMOST;
        self.ready(e, &mut state);
        let mut next = vec![];
        for (i, access) in self.nest.generic.outputs.iter().enumerate() {
            let Some((kind, values)) = carried[i] else {
                self.store(e, &state, access, self.value(&state, self.body.yields[i]));
                continue;
            };
            let lanes = self.lanes(values[0]);
            // Lanes that are elements of the result are masked when stored, lanes that add up are masked here.
            let adds = self.plan.vector.is_some_and(|v| !access.loops.contains(&v));
            let mask = match state.width {
                Width::Masked(_, mask) if adds => Some(mask),
                _ => None,
            };
            if let Some(kind) = kind {
                let added = self
                    .body
                    .added(self.arguments[inputs + i], self.body.yields[i]);
                let added = self.widened(e, self.value(&state, added), lanes);
                let added = match mask {
                    Some(mask) => kind.masked(e, added, mask),
                    None => added,
                };
                next.extend(kind.step(e, values, added));
                continue;
            }
            let new = self.widened(e, self.value(&state, self.body.yields[i]), lanes);
            next.push(match mask {
                Some(mask) => e.select(mask, new, values[0]),
                None => new,
            });
        }
        next
    }

    pub(super) fn is_parallel(&self, index: usize) -> bool {
        self.nest.generic.iterators[index] == Iterator::Parallel
    }

    /// The sums of two lists of accumulators, each by its op.
    pub(super) fn combined(
        &self,
        e: &Emitter<'c, 'a>,
        a: &[Value<'c, 'a>],
        b: &[Value<'c, 'a>],
    ) -> Vec<Value<'c, 'a>> {
        let names = self.accumulating().map(|(_, output)| output.name());
        let pairs = a.iter().zip(b).zip(names);
        pairs
            .map(|((a, b), name)| e.op(name, &[*a, *b], a.r#type()))
            .collect()
    }

    /// Outputs that add up.
    pub(super) fn accumulating(
        &self,
    ) -> impl std::iter::Iterator<Item = (&Access<'c, 'a>, &Output)> {
        let outputs = self.nest.generic.outputs.iter().zip(&self.body.outputs);
        outputs.filter(|(_, output)| output.accumulates())
    }

    fn segments(&self, e: &Emitter<'c, 'a>, state: &State<'c, 'a>) -> Vec<Segment<'c, 'a>> {
        let index = self.plan.vector.expect("asked for where there is one");
        segments(e, self.extent(state, index), &self.plan.schedule)
    }

    /// The steps of a segment that carry values.
    fn run(
        &self,
        e: &Emitter<'c, 'a>,
        segment: &Segment<'c, 'a>,
        carried: &[Value<'c, 'a>],
        body: impl FnOnce(
            &Emitter<'c, 'a>,
            Value<'c, 'a>,
            Width<'c, 'a>,
            &[Value<'c, 'a>],
        ) -> Vec<Value<'c, 'a>>,
    ) -> Vec<Value<'c, 'a>> {
        if segment.single {
            return body(e, segment.low, self.width(e, segment, segment.low), carried);
        }
        let bounds = (segment.low, segment.high, e.index(segment.step));
        e.for_loop(bounds, carried, |e, place, carried| {
            body(e, place, self.width(e, segment, place), carried)
        })
    }

    /// What a step of a segment treats.
    fn width(
        &self,
        e: &Emitter<'c, 'a>,
        segment: &Segment<'c, 'a>,
        place: Value<'c, 'a>,
    ) -> Width<'c, 'a> {
        match segment.kind {
            Kind::Scalar => Width::Scalar,
            Kind::Vector => Width::Vector(segment.step),
            Kind::Masked => {
                let left = e.sub(segment.high, place);
                let ty = e.ty(&format!("vector<{}xi1>", segment.step));
                Width::Masked(segment.step, e.op("vector.create_mask", &[left], ty))
            }
        }
    }

    /// The state inside one more loop.
    pub(super) fn inside(
        &self,
        e: &Emitter<'c, 'a>,
        state: &State<'c, 'a>,
        index: usize,
        place: Value<'c, 'a>,
        width: Width<'c, 'a>,
    ) -> State<'c, 'a> {
        let mut state = state.clone();
        state.bind(index, place);
        state.width = width;
        if self.plan.vector == Some(index) {
            self.bring(e, &state, place);
        }
        self.ready(e, &mut state);
        state
    }

    /// Writes what depends only on the loops so far.
    pub(super) fn ready(&self, e: &Emitter<'c, 'a>, state: &mut State<'c, 'a>) {
        let accesses = self
            .nest
            .generic
            .inputs
            .iter()
            .chain(&self.nest.generic.outputs);
        for (argument, access) in self.arguments.iter().zip(accesses) {
            let known = state.values.contains_key(&identity(*argument));
            let depends = self.body.depends(*argument);
            let used = !edit::uses(*argument).is_empty() && depends != INNERMOST;
            if !known && used && depends & !state.bound == 0 {
                let value = self.load(e, state, access);
                state.values.insert(identity(*argument), value);
            }
        }
        for op in &self.body.ops {
            let result = linalg::results(*op)[0];
            if !state.values.contains_key(&identity(result))
                && self.body.depends(result) & !state.bound == 0
            {
                let value = self.op(e, state, *op, result);
                state.values.insert(identity(result), value);
            }
        }
    }

    /// The new value for an old one; values from outside stay.
    pub(super) fn value(&self, state: &State<'c, 'a>, old: Value<'c, 'a>) -> Value<'c, 'a> {
        state.values.get(&identity(old)).copied().unwrap_or(old)
    }

    /// The length of vectors of what depends on `loops`.
    pub(super) fn lanes_of(&self, state: &State<'c, 'a>, loops: Loops) -> Option<i64> {
        let vector = self.plan.vector.map_or(0, set);
        (loops & vector & state.bound != 0).then(|| state.width.lanes())?
    }

    pub(super) fn lanes(&self, value: Value<'c, 'a>) -> Option<i64> {
        value
            .r#type()
            .is_vector()
            .then(|| shape::shape_of(value)[0])
    }

    /// A value as a vector of the given length, if one is given.
    pub(super) fn widened(
        &self,
        e: &Emitter<'c, 'a>,
        value: Value<'c, 'a>,
        lanes: Option<i64>,
    ) -> Value<'c, 'a> {
        match lanes {
            Some(lanes) if self.lanes(value).is_none() => {
                let ty = vector(e, lanes, value.r#type());
                e.op("vector.broadcast", &[value], ty)
            }
            _ => value,
        }
    }

    fn op(
        &self,
        e: &Emitter<'c, 'a>,
        state: &State<'c, 'a>,
        op: OperationRef<'c, 'a>,
        result: Value<'c, 'a>,
    ) -> Value<'c, 'a> {
        let lanes = self.lanes_of(state, self.body.depends(result));
        if let Some(index) = index_of(op) {
            let place = state.index[index].expect("the loop has begun");
            return match lanes {
                None => place,
                Some(lanes) => {
                    let ty = vector(e, lanes, place.r#type());
                    let place = self.widened(e, place, Some(lanes));
                    e.add(place, e.op("vector.step", &[], ty))
                }
            };
        }
        let name = edit::name(op);
        if name == "memref.load"
            && let Some(lanes) = lanes
        {
            return self.body_load(e, state, op, lanes);
        }
        let operands = op
            .operands()
            .map(|operand| self.value(state, operand))
            .collect::<Vec<_>>();
        if let (Some(lanes), "arith.divf", true) = (lanes, name, self.fma)
            && self.lanes(operands[1]).is_none()
            && width(result.r#type()) >= 32
        {
            return quotient::by_scalar(e, operands[0], operands[1], lanes);
        }
        let operands = operands
            .into_iter()
            .map(|operand| self.widened(e, operand, lanes))
            .collect::<Vec<_>>();
        let ty = match lanes {
            Some(lanes) => vector(e, lanes, result.r#type()),
            None => result.r#type(),
        };
        let attributes = op.attributes().collect::<Vec<_>>();
        let attributes = attributes
            .iter()
            .map(|(name, value)| (name.as_string_ref().as_str().unwrap_or_default(), *value))
            .collect::<Vec<_>>();
        e.op_with(name, &operands, ty, &attributes)
    }
}
