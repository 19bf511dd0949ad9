//! Builds operations at one place, one call each: the emitters of matmul kernels and math expansions read like the code they emit.
//!
//! An `Emitter` is a place in a block. Structured control flow takes closures, which get an emitter for the inside.

use crate::{schedule::LINE, tasks};
use dlc_dialects::ir::edit;
use melior::{
    Context,
    ir::{
        Attribute, Block, BlockLike, BlockRef, Identifier, Location, Module, Operation,
        OperationRef, Region, RegionLike, Type, Value, ValueLike,
        attribute::{BoolAttribute, IntegerAttribute, TypeAttribute},
        operation::{OperationBuilder, OperationLike},
        r#type::IntegerType,
    },
};

/// Integer comparison predicates, in `arith.cmpi`'s encoding.
#[derive(Clone, Copy)]
pub enum Int {
    /// Equal.
    Eq = 0,
    /// Not equal.
    Ne = 1,
    /// Signed less than.
    Slt = 2,
    /// Signed less than or equal.
    Sle = 3,
    /// Signed greater than.
    Sgt = 4,
    /// Signed greater than or equal.
    Sge = 5,
    /// Unsigned less than.
    Ult = 6,
}

/// What is to be done with what is prefetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefetch {
    /// It is read.
    Read,
    /// It is written.
    Write,
}

/// A place where operations are built.
#[derive(Clone, Copy)]
pub struct Emitter<'c, 'a> {
    context: &'c Context,
    location: Location<'c>,
    block: BlockRef<'c, 'a>,
    before: Option<OperationRef<'c, 'a>>,
}

impl<'c, 'a> Emitter<'c, 'a> {
    /// Emits directly before an operation, at its location.
    pub fn before(context: &'c Context, op: OperationRef<'c, 'a>) -> Self {
        let block = op.block().expect("an operation inside a block");
        Self {
            context,
            location: op.location(),
            block,
            before: Some(op),
        }
    }

    /// Emits at the end of a block.
    pub fn at_end(context: &'c Context, location: Location<'c>, block: BlockRef<'c, 'a>) -> Self {
        Self {
            context,
            location,
            block,
            before: None,
        }
    }

    /// Emits at the start of a block that already has operations.
    pub fn at_start(context: &'c Context, location: Location<'c>, block: BlockRef<'c, 'a>) -> Self {
        Self {
            context,
            location,
            block,
            before: block.first_operation(),
        }
    }

    /// The context.
    pub fn context(&self) -> &'c Context {
        self.context
    }

    /// The location of what is emitted.
    pub fn location(&self) -> Location<'c> {
        self.location
    }

    /// The ops around this place, from the inside.
    pub fn around(&self) -> impl Iterator<Item = OperationRef<'c, 'a>> + use<'c, 'a> {
        std::iter::successors(self.block.parent_operation(), |op| op.parent_operation())
    }

    /// The `index` type.
    pub fn index_type(&self) -> Type<'c> {
        Type::index(self.context)
    }

    /// A signless integer type.
    pub fn int_type(&self, bits: u32) -> Type<'c> {
        IntegerType::new(self.context, bits).into()
    }

    /// A type from its text.
    pub fn ty(&self, text: &str) -> Type<'c> {
        Type::parse(self.context, text).expect("the emitters write well-formed types")
    }

    /// An attribute from its text.
    pub fn attr(&self, text: &str) -> Attribute<'c> {
        Attribute::parse(self.context, text).expect("the emitters write well-formed attributes")
    }

    /// Builds an operation with any number of results.
    pub fn build(
        &self,
        name: &str,
        operands: &[Value<'c, 'a>],
        results: &[Type<'c>],
        attributes: &[(&str, Attribute<'c>)],
        regions: Vec<Region<'c>>,
    ) -> OperationRef<'c, 'a> {
        let attributes: Vec<_> = attributes
            .iter()
            .map(|(name, value)| (Identifier::new(self.context, name), *value))
            .collect();
        let op = OperationBuilder::new(name, self.location)
            .add_operands(operands)
            .add_results(results)
            .add_attributes(&attributes)
            .add_regions_vec(regions)
            .build()
            .expect("operations with explicit result types can be created");
        self.insert(op)
    }

    /// Puts an operation at this place.
    pub fn insert(&self, op: Operation<'c>) -> OperationRef<'c, 'a> {
        match self.before {
            Some(before) => self.block.insert_operation_before(before, op),
            None => self.block.append_operation(op),
        }
    }

    /// Brings what stands at a place of a memref nearer: to L1 with the locality 3, to L2 with 2.
    pub fn prefetch(
        &self,
        memory: Value<'c, 'a>,
        at: &[Value<'c, 'a>],
        access: Prefetch,
        locality: i64,
    ) {
        let attributes = [
            (
                "isWrite",
                BoolAttribute::new(self.context, access == Prefetch::Write).into(),
            ),
            (
                "localityHint",
                IntegerAttribute::new(self.int_type(32), locality).into(),
            ),
            ("isDataCache", BoolAttribute::new(self.context, true).into()),
        ];
        self.effect("memref.prefetch", &[&[memory], at].concat(), &attributes);
    }

    /// Memory of a type in the function's frame.
    pub fn stack(&self, ty: &str) -> Value<'c, 'a> {
        self.memory("memref.alloca", &[], ty)
    }

    /// Memory of a type, with the sizes that it leaves open.
    pub fn alloc(&self, sizes: &[Value<'c, 'a>], ty: &str) -> Value<'c, 'a> {
        self.memory("memref.alloc", sizes, ty)
    }

    /// Memory that begins with a cache line.
    fn memory(&self, name: &str, sizes: &[Value<'c, 'a>], ty: &str) -> Value<'c, 'a> {
        let segments = format!("array<i32: {}, 0>", sizes.len());
        let attributes = [
            ("operandSegmentSizes", self.attr(&segments)),
            ("alignment", self.attr(&format!("{LINE} : i64"))),
        ];
        self.op_with(name, sizes, self.ty(ty), &attributes)
    }

    /// Builds an operation with one result.
    pub fn op(&self, name: &str, operands: &[Value<'c, 'a>], result: Type<'c>) -> Value<'c, 'a> {
        self.op_with(name, operands, result, &[])
    }

    /// Builds an operation with one result and attributes.
    pub fn op_with(
        &self,
        name: &str,
        operands: &[Value<'c, 'a>],
        result: Type<'c>,
        attributes: &[(&str, Attribute<'c>)],
    ) -> Value<'c, 'a> {
        let op = self.build(name, operands, &[result], attributes, vec![]);
        op.result(0).expect("built with one result").into()
    }

    /// Builds an operation without results.
    pub fn effect(
        &self,
        name: &str,
        operands: &[Value<'c, 'a>],
        attributes: &[(&str, Attribute<'c>)],
    ) {
        self.build(name, operands, &[], attributes, vec![]);
    }

    /// A constant from an attribute that carries its type.
    pub fn constant(&self, ty: Type<'c>, value: Attribute<'c>) -> Value<'c, 'a> {
        self.op_with("arith.constant", &[], ty, &[("value", value)])
    }

    /// A constant `index`.
    pub fn index(&self, value: i64) -> Value<'c, 'a> {
        let ty = self.index_type();
        self.constant(ty, IntegerAttribute::new(ty, value).into())
    }

    /// The sum of two integers.
    pub fn add(&self, a: Value<'c, 'a>, b: Value<'c, 'a>) -> Value<'c, 'a> {
        self.op("arith.addi", &[a, b], a.r#type())
    }

    /// The difference of two integers.
    pub fn sub(&self, a: Value<'c, 'a>, b: Value<'c, 'a>) -> Value<'c, 'a> {
        self.op("arith.subi", &[a, b], a.r#type())
    }

    /// The product of two integers.
    pub fn mul(&self, a: Value<'c, 'a>, b: Value<'c, 'a>) -> Value<'c, 'a> {
        self.op("arith.muli", &[a, b], a.r#type())
    }

    /// The smaller of two signed integers.
    pub fn min(&self, a: Value<'c, 'a>, b: Value<'c, 'a>) -> Value<'c, 'a> {
        self.op("arith.minsi", &[a, b], a.r#type())
    }

    /// The larger of two signed integers.
    pub fn max(&self, a: Value<'c, 'a>, b: Value<'c, 'a>) -> Value<'c, 'a> {
        self.op("arith.maxsi", &[a, b], a.r#type())
    }

    /// The quotient of two non-negative integers.
    pub fn div(&self, a: Value<'c, 'a>, b: Value<'c, 'a>) -> Value<'c, 'a> {
        self.op("arith.divui", &[a, b], a.r#type())
    }

    /// The quotient of two non-negative integers, rounded up.
    pub fn ceil_div(&self, a: Value<'c, 'a>, b: i64) -> Value<'c, 'a> {
        self.div(self.add(a, self.index(b - 1)), self.index(b))
    }

    /// `a + constant`, nothing for 0.
    pub fn plus(&self, a: Value<'c, 'a>, constant: i64) -> Value<'c, 'a> {
        if constant == 0 {
            a
        } else {
            self.add(a, self.index(constant))
        }
    }

    /// Compares integers.
    pub fn cmp(&self, how: Int, a: Value<'c, 'a>, b: Value<'c, 'a>) -> Value<'c, 'a> {
        let predicate = IntegerAttribute::new(self.int_type(64), how as i64).into();
        self.op_with(
            "arith.cmpi",
            &[a, b],
            self.int_type(1),
            &[("predicate", predicate)],
        )
    }

    /// One of two values.
    pub fn select(&self, c: Value<'c, 'a>, a: Value<'c, 'a>, b: Value<'c, 'a>) -> Value<'c, 'a> {
        self.op("arith.select", &[c, a, b], a.r#type())
    }

    /// An emitter at the end of an operation's region, which must have one block.
    fn inside(&self, op: OperationRef<'c, 'a>, region: usize) -> (Self, BlockRef<'c, 'a>) {
        let block = op
            .region(region)
            .ok()
            .and_then(|region| region.first_block())
            .expect("the emitter makes every region with its block");
        (Self::at_end(self.context, self.location, block), block)
    }

    fn block_arguments(block: BlockRef<'c, 'a>, from: usize) -> Vec<Value<'c, 'a>> {
        (from..block.argument_count())
            .map(|i| block.argument(i).expect("index below the count").into())
            .collect()
    }

    /// A region of one empty block with arguments, for an op that is built later.
    pub fn region(&self, arguments: &[Type<'c>]) -> (Region<'c>, BlockRef<'c, 'a>) {
        let arguments: Vec<_> = arguments.iter().map(|t| (*t, self.location)).collect();
        let region = Region::new();
        let block = region.append_block(Block::new(&arguments));
        (region, block)
    }

    fn results(op: OperationRef<'c, 'a>) -> Vec<Value<'c, 'a>> {
        (0..op.result_count())
            .map(|i| op.result(i).expect("index below the count").into())
            .collect()
    }

    /// `scf.for`: the body gets the induction variable and the carried values, and returns the next ones.
    pub fn for_loop(
        &self,
        (low, high, step): (Value<'c, 'a>, Value<'c, 'a>, Value<'c, 'a>),
        init: &[Value<'c, 'a>],
        body: impl FnOnce(&Self, Value<'c, 'a>, &[Value<'c, 'a>]) -> Vec<Value<'c, 'a>>,
    ) -> Vec<Value<'c, 'a>> {
        let types: Vec<_> = init.iter().map(|v| v.r#type()).collect();
        let mut arguments = vec![low.r#type()];
        arguments.extend(&types);
        let operands = [&[low, high, step], init].concat();
        let op = self.build(
            "scf.for",
            &operands,
            &types,
            &[],
            vec![self.region(&arguments).0],
        );
        let (inside, block) = self.inside(op, 0);
        let carried = Self::block_arguments(block, 1);
        let iv = block.argument(0).expect("made with one").into();
        let next = body(&inside, iv, &carried);
        inside.effect("scf.yield", &next, &[]);
        Self::results(op)
    }

    /// A `for_loop` that carries nothing and whose rounds are independent of each other.
    pub fn parallel_loop(
        &self,
        bounds: (Value<'c, 'a>, Value<'c, 'a>, Value<'c, 'a>),
        body: impl FnOnce(&Self, Value<'c, 'a>),
    ) {
        let op = self.plain_loop(bounds, body);
        tasks::mark(self, op, true);
    }

    /// A `for_loop` that carries nothing; gives the op.
    pub fn plain_loop(
        &self,
        (low, high, step): (Value<'c, 'a>, Value<'c, 'a>, Value<'c, 'a>),
        body: impl FnOnce(&Self, Value<'c, 'a>),
    ) -> OperationRef<'c, 'a> {
        let region = self.region(&[low.r#type()]).0;
        let op = self.build("scf.for", &[low, high, step], &[], &[], vec![region]);
        let (inside, block) = self.inside(op, 0);
        body(&inside, block.argument(0).expect("made with one").into());
        inside.effect("scf.yield", &[], &[]);
        op
    }

    /// A `for_loop` from 0 that carries nothing.
    pub fn loop_to(&self, high: Value<'c, 'a>, step: i64, body: impl FnOnce(&Self, Value<'c, 'a>)) {
        self.plain_loop((self.index(0), high, self.index(step)), body);
    }

    /// `scf.if` with results of the given types.
    pub fn if_else(
        &self,
        condition: Value<'c, 'a>,
        types: &[Type<'c>],
        then: impl FnOnce(&Self) -> Vec<Value<'c, 'a>>,
        otherwise: impl FnOnce(&Self) -> Vec<Value<'c, 'a>>,
    ) -> Vec<Value<'c, 'a>> {
        let regions = vec![self.region(&[]).0, self.region(&[]).0];
        let op = self.build("scf.if", &[condition], types, &[], regions);
        let (inside, _) = self.inside(op, 0);
        let values = then(&inside);
        inside.effect("scf.yield", &values, &[]);
        let (inside, _) = self.inside(op, 1);
        let values = otherwise(&inside);
        inside.effect("scf.yield", &values, &[]);
        Self::results(op)
    }

    /// `scf.if` without results.
    pub fn if_then(&self, condition: Value<'c, 'a>, then: impl FnOnce(&Self)) {
        let regions = vec![self.region(&[]).0, Region::new()];
        let op = self.build("scf.if", &[condition], &[], &[], regions);
        let (inside, _) = self.inside(op, 0);
        then(&inside);
        inside.effect("scf.yield", &[], &[]);
    }

    /// `scf.while` that carries `init`: the condition sees the values before each round.
    pub fn while_loop(
        &self,
        init: &[Value<'c, 'a>],
        condition: impl FnOnce(&Self, &[Value<'c, 'a>]) -> Value<'c, 'a>,
        body: impl FnOnce(&Self, &[Value<'c, 'a>]) -> Vec<Value<'c, 'a>>,
    ) -> Vec<Value<'c, 'a>> {
        let types: Vec<_> = init.iter().map(|v| v.r#type()).collect();
        let regions = vec![self.region(&types).0, self.region(&types).0];
        let op = self.build("scf.while", init, &types, &[], regions);
        let (inside, block) = self.inside(op, 0);
        let carried = Self::block_arguments(block, 0);
        let again = condition(&inside, &carried);
        inside.effect("scf.condition", &[&[again], &carried[..]].concat(), &[]);
        let (inside, block) = self.inside(op, 1);
        let next = body(&inside, &Self::block_arguments(block, 0));
        inside.effect("scf.yield", &next, &[]);
        Self::results(op)
    }

    /// Puts operations, as text, before this place; the emitter must stand in a module's block, before an operation.
    pub fn define(&self, text: &str) {
        let module =
            Module::parse(self.context, text).expect("the text of the emitters is well formed");
        let before = self.before.expect("a place before an operation");
        edit::move_module_before(self.context, &module, before, |_| true);
    }

    /// A private `func.func` before this place, with its body; the emitter must stand in a module's block.
    pub fn private_function(
        &self,
        name: &str,
        arguments: &[Type<'c>],
        attributes: &[(&str, Attribute<'c>)],
        body: impl FnOnce(&Self, &[Value<'c, 'a>]),
    ) {
        self.function_giving((name, attributes), arguments, &[], |e, arguments| {
            body(e, arguments);
            vec![]
        });
    }

    /// The same of one that gives results.
    pub fn function_giving(
        &self,
        (name, attributes): (&str, &[(&str, Attribute<'c>)]),
        arguments: &[Type<'c>],
        results: &[Type<'c>],
        body: impl FnOnce(&Self, &[Value<'c, 'a>]) -> Vec<Value<'c, 'a>>,
    ) {
        let ty = melior::ir::r#type::FunctionType::new(self.context, arguments, results);
        let mut all = vec![
            ("sym_name", self.attr(&format!("\"{name}\""))),
            ("function_type", TypeAttribute::new(ty.into()).into()),
            ("sym_visibility", self.attr("\"private\"")),
        ];
        all.extend_from_slice(attributes);
        let op = self.build("func.func", &[], &[], &all, vec![self.region(arguments).0]);
        let (inside, block) = self.inside(op, 0);
        let given = body(&inside, &Self::block_arguments(block, 0));
        inside.effect("func.return", &given, &[]);
    }
}
