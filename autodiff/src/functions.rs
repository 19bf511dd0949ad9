//! The functions of a module by name, what a transform of functions asks of them, and copies of their bodies with
//! the calls inlined.

use crate::calls::{called, kept};
use crate::{bounds::with_bounds, reverse::schedule::note};
use dlc_dialects::{
    ir::{
        builder::Builder,
        edit,
        inspect::{identity, is_used},
        shape::{ElementClass, class, element, is_tensor},
    },
    ops::OpKind,
    pass::PassError,
};
use melior::Context;
use melior::dialect::func;
use melior::ir::{
    Attribute, Block, BlockLike, BlockRef, Identifier, OperationRef, Region, RegionLike, Type,
    Value, ValueLike,
    attribute::{
        ArrayAttribute, DictionaryAttribute, FlatSymbolRefAttribute, StringAttribute, TypeAttribute,
    },
    operation::{OperationBuilder, OperationLike, OperationMutLike},
    r#type::FunctionType,
};
use std::collections::{HashMap, HashSet};

/// The functions of a module.
pub struct Functions<'c, 'a> {
    body: BlockRef<'c, 'a>,
    by_name: HashMap<String, OperationRef<'c, 'a>>,
}

impl<'c, 'a> Functions<'c, 'a> {
    /// Those that a module has now.
    pub fn of(module: OperationRef<'c, 'a>) -> Self {
        let body = module
            .region(0)
            .ok()
            .and_then(|region| region.first_block())
            .expect("a module has a block");
        let by_name = operations(body)
            .filter(|op| is(*op, "func.func"))
            .map(|op| (symbol(op), op))
            .collect();
        Self { body, by_name }
    }

    /// Names in the module's order.
    pub fn names(&self) -> Vec<String> {
        operations(self.body)
            .filter(|op| is(*op, "func.func"))
            .map(symbol)
            .collect()
    }

    /// The function of a name.
    pub fn get(&self, name: &str) -> Option<OperationRef<'c, 'a>> {
        self.by_name.get(name).copied()
    }

    /// The name, or with a number behind it if the module has it.
    pub fn fresh_name(&self, name: String) -> String {
        let taken = operations(self.body)
            .filter(|op| op.has_attribute("sym_name"))
            .map(symbol)
            .collect::<std::collections::HashSet<_>>();
        std::iter::once(name.clone())
            .chain((1..).map(|n| format!("{name}__{n}")))
            .find(|name| !taken.contains(name))
            .expect("numbers do not end")
    }

    /// Puts a new function into the module, behind another one.
    pub fn insert_after(
        &mut self,
        other: OperationRef<'c, 'a>,
        function: melior::ir::Operation<'c>,
    ) -> OperationRef<'c, 'a> {
        let op = self.body.insert_operation_after(other, function);
        self.by_name.insert(symbol(op), op);
        op
    }

    /// Makes a private function of arguments and results behind another one, with an empty body. It has that one's dims,
    /// behind one more where `dim` names it.
    pub fn derive(
        &mut self,
        cx: &'c Context,
        of: OperationRef<'c, 'a>,
        name: String,
        (inputs, results): (Vec<Type<'c>>, Vec<Type<'c>>),
        dim: Option<&str>,
    ) -> Result<OperationRef<'c, 'a>, PassError<'c>> {
        let name = self.fresh_name(name);
        let arguments = block_arguments(body(of)?);
        let more = usize::from(dim.is_some());
        let location = |i: usize| {
            let argument = i.checked_sub(more).and_then(|i| arguments.get(i));
            argument.map_or(of.location(), |x| x.location())
        };
        let arguments = inputs.iter().enumerate().map(|(i, ty)| (*ty, location(i)));
        let region = Region::new();
        region.append_block(Block::new(&arguments.collect::<Vec<_>>()));
        let mut attributes = vec![(
            Identifier::new(cx, "sym_visibility"),
            StringAttribute::new(cx, "private").into(),
        )];
        if let Ok(dims) = of.attribute("dl.dims").and_then(ArrayAttribute::try_from) {
            let known = (0..dims.len()).filter_map(|i| dims.element(i).ok());
            let known = known.collect::<Vec<_>>();
            let fresh = dim.map(|dim| fresh(cx, dim, &known));
            let dims = fresh.into_iter().chain(known).collect::<Vec<_>>();
            let dims = ArrayAttribute::new(cx, &dims).into();
            attributes.push((Identifier::new(cx, "dl.dims"), dims));
        }
        let made = func::func(
            cx,
            StringAttribute::new(cx, &name),
            TypeAttribute::new(FunctionType::new(cx, &inputs, &results).into()),
            region,
            &attributes,
            of.location(),
        );
        Ok(self.insert_after(of, made))
    }

    /// Forgets a function that is about to be erased.
    pub fn forget(&mut self, name: &str) {
        self.by_name.remove(name);
    }

    /// Puts a private copy of a function behind it, with calls inlined, in which integer arguments have bounds; gives its
    /// name.
    pub fn copy_with_bounds(
        &mut self,
        cx: &'c Context,
        function: OperationRef<'c, 'a>,
        (bounds, depth): (&[Option<i64>], i64),
    ) -> Result<String, PassError<'c>> {
        let arguments = block_arguments(body(function)?);
        let arguments = arguments.iter().map(|x| (x.r#type(), x.location()));
        let region = Region::new();
        let block = region.append_block(Block::new(&arguments.collect::<Vec<_>>()));
        let builder = Builder::at_end(cx, block, function.location());
        let mut arguments = block_arguments(block);
        with_bounds(&builder, &mut arguments, bounds);
        let results = self.copy_body(function, builder, &arguments)?;
        builder.append(func::r#return(&results, function.location()));
        let name = self.fresh_name(symbol(function));
        let kept = ["function_type", "dl.dims", "arg_attrs"];
        let kept = kept.into_iter().filter_map(|name| {
            let attribute = function.attribute(name).ok()?;
            Some((Identifier::new(cx, name), attribute))
        });
        let made = OperationBuilder::new("func.func", function.location())
            .add_attributes(&kept.collect::<Vec<_>>())
            .add_attributes(&[
                (
                    Identifier::new(cx, "sym_name"),
                    StringAttribute::new(cx, &name).into(),
                ),
                (
                    Identifier::new(cx, "sym_visibility"),
                    StringAttribute::new(cx, "private").into(),
                ),
            ])
            .add_regions([region])
            .build()
            .expect("a function has no results");
        let made = self.insert_after(function, made);
        note(&builder, made, bounds, depth);
        Ok(name)
    }

    /// Copies the body of a function to where a builder stands, with `arguments` for its arguments and the bodies of
    /// the functions that it calls, in loops and branches too, in place of the calls. Gives what it returns.
    pub fn copy_body(
        &self,
        function: OperationRef<'c, 'a>,
        to: Builder<'c, 'a>,
        arguments: &[Value<'c, 'a>],
    ) -> Result<Vec<Value<'c, 'a>>, PassError<'c>> {
        self.copy(function, to, arguments, &mut vec![symbol(function)])
    }

    fn copy(
        &self,
        function: OperationRef<'c, 'a>,
        to: Builder<'c, 'a>,
        arguments: &[Value<'c, 'a>],
        stack: &mut Vec<String>,
    ) -> Result<Vec<Value<'c, 'a>>, PassError<'c>> {
        let from = body(function)?;
        let mut copies = HashMap::new();
        for (old, new) in block_arguments(from).into_iter().zip(arguments) {
            copies.insert(identity(old), *new);
        }
        for op in operations(from) {
            let operands = op
                .operands()
                .map(|x| copies[&identity(x)])
                .collect::<Vec<_>>();
            if is(op, "func.return") {
                return Ok(operands);
            }
            let results = if is(op, "func.call") {
                self.copy_callee(op, to, &operands, stack)?
            } else {
                let copy = copy_op(op, to, &copies);
                for call in inside(copy) {
                    if is(call, "func.call") {
                        self.inline(to.context, call, stack)?;
                    }
                }
                copy.results().map(Value::from).collect()
            };
            for (old, new) in op.results().zip(results) {
                copies.insert(identity(old.into()), new);
            }
        }
        Err(PassError::at(&function, "the body does not return"))
    }

    /// Copies the body of the function that `call` calls; gives what it returns.
    fn copy_callee(
        &self,
        call: OperationRef<'c, 'a>,
        to: Builder<'c, 'a>,
        arguments: &[Value<'c, 'a>],
        stack: &mut Vec<String>,
    ) -> Result<Vec<Value<'c, 'a>>, PassError<'c>> {
        let callee = callee(call);
        let error = |message: &str| PassError::at(&call, format!("`@{callee}` {message}"));
        if stack.iter().any(|caller| caller == callee) {
            return Err(error("calls itself; recursion has no derivative"));
        }
        let function = self
            .get(callee)
            .ok_or_else(|| error("is no function of this module"))?;
        stack.push(callee.into());
        let results = self.copy(function, to, arguments, stack)?;
        stack.pop();
        Ok(results)
    }

    /// Puts the body of the function that `call` calls in its place.
    fn inline(
        &self,
        cx: &'c Context,
        call: OperationRef<'c, 'a>,
        stack: &mut Vec<String>,
    ) -> Result<(), PassError<'c>> {
        let arguments = call.operands().collect::<Vec<_>>();
        let results = self.copy_callee(call, Builder::before(cx, call), &arguments, stack)?;
        for (old, new) in call.results().zip(results) {
            edit::replace_uses(old.into(), new);
        }
        edit::erase(cx, call);
        Ok(())
    }
}

/// The name, or with a number behind it if it is among those that are there.
fn fresh<'c>(cx: &'c Context, name: &str, known: &[Attribute<'c>]) -> Attribute<'c> {
    let numbered = (1..).map(|n| format!("{name}{n}"));
    std::iter::once(name.to_string())
        .chain(numbered)
        .map(|name| Attribute::from(StringAttribute::new(cx, &name)))
        .find(|name| !known.contains(name))
        .expect("numbers do not end")
}

/// Copies an op, with its regions, to where a builder stands. What has a copy is read from there.
pub fn copy_op<'c, 'a>(
    op: OperationRef<'c, 'a>,
    to: Builder<'c, 'a>,
    copies: &HashMap<usize, Value<'c, 'a>>,
) -> OperationRef<'c, 'a> {
    let copied = |x: Value<'c, 'a>| copies.get(&identity(x)).copied().unwrap_or(x);
    let mut copy = (*op).clone();
    copy.set_operands(&op.operands().map(copied).collect::<Vec<_>>());
    let copy = to.append(copy);
    replace_captured(copy, copies);
    copy
}

/// Lets what the regions of a copied op read from outside read the copies.
fn replace_captured<'c, 'a>(op: OperationRef<'c, 'a>, copies: &HashMap<usize, Value<'c, 'a>>) {
    for inner in inside(op) {
        for (i, x) in inner.operands().enumerate() {
            if let Some(copy) = copies.get(&identity(x)) {
                edit::set_operand(inner, i, *copy);
            }
        }
    }
}

/// The only block of a function.
pub fn body<'c, 'a>(function: OperationRef<'c, 'a>) -> Result<BlockRef<'c, 'a>, PassError<'c>> {
    let error = |message: &str| {
        let name = symbol(function);
        PassError::at(&function, format!("`@{name}` {message}"))
    };
    let block = function
        .region(0)?
        .first_block()
        .ok_or_else(|| error("has no body to differentiate"))?;
    match block.next_in_region() {
        None => Ok(block),
        Some(_) => Err(error(
            "has more than one block; branches have no derivative yet",
        )),
    }
}

/// The arguments of a block.
pub fn block_arguments<'c, 'a>(block: BlockRef<'c, 'a>) -> Vec<Value<'c, 'a>> {
    (0..block.argument_count())
        .filter_map(|i| block.argument(i).ok().map(Value::from))
        .collect()
}

/// The operations of a block.
pub fn operations<'c, 'a>(block: BlockRef<'c, 'a>) -> impl Iterator<Item = OperationRef<'c, 'a>> {
    std::iter::successors(block.first_operation(), |op| op.next_in_block())
}

/// The operations inside the regions of another, each before those inside it.
pub fn inside<'c, 'a>(op: OperationRef<'c, 'a>) -> Vec<OperationRef<'c, 'a>> {
    let mut found = vec![];
    for region in (0..op.region_count()).filter_map(|i| op.region(i).ok()) {
        for block in std::iter::successors(region.first_block(), |block| block.next_in_region()) {
            for op in operations(block) {
                found.push(op);
                found.extend(inside(op));
            }
        }
    }
    found
}

/// The float tensors that blocks, and the regions in them, read from outside; each once, in order.
pub fn captured_floats<'c, 'a>(blocks: &[BlockRef<'c, 'a>]) -> Vec<Value<'c, 'a>> {
    let ops = blocks.iter().flat_map(|block| operations(*block));
    let ops = ops.flat_map(|op| [vec![op], inside(op)].concat());
    let ops = ops.collect::<Vec<_>>();
    let mut own = HashSet::new();
    let mut within = |block: BlockRef| own.extend(block_arguments(block).into_iter().map(identity));
    blocks.iter().for_each(|block| within(*block));
    for region in ops.iter().flat_map(|op| op.regions()) {
        region.first_block().into_iter().for_each(&mut within);
    }
    own.extend(
        ops.iter()
            .flat_map(|op| op.results())
            .map(|y| identity(y.into())),
    );
    let mut found: Vec<Value<'c, 'a>> = vec![];
    for x in ops.iter().flat_map(|op| op.operands()) {
        let is_new = !own.contains(&identity(x)) && !found.contains(&x);
        if is_new && is_float_tensor(x.r#type()) {
            found.push(x);
        }
    }
    found
}

/// Removes the ops of no use inside another op, and those of no use without them.
pub fn remove_dead<'c, 'a>(cx: &'c Context, root: OperationRef<'c, 'a>) {
    for op in inside(root).into_iter().rev() {
        let dead = op.results().all(|y| !is_used(Value::from(y)));
        if dead && !ends(op) && is_pure(op) {
            edit::erase(cx, op);
        }
    }
}

/// Whether an op of no use may go: those of `dl` without effects, the arithmetic of dims, and loops, branches and calls of
/// such ops.
pub fn is_pure(op: OperationRef) -> bool {
    if let Some(call) = kept(op) {
        let inside = called(call).map(inside);
        return inside.is_some_and(|ops| ops.into_iter().all(|op| is_pure(op) || ends(op)));
    }
    let name = op.name();
    let name = name.as_string_ref().as_str().unwrap_or_default();
    let flow = matches!(name, "scf.for" | "scf.while" | "scf.if");
    OpKind::from_name(name).is_some_and(OpKind::is_pure)
        || name.starts_with("arith.")
        || matches!(
            name,
            "tensor.dim" | "tensor.extract" | "builtin.unrealized_conversion_cast"
        )
        || flow && inside(op).into_iter().all(|op| is_pure(op) || ends(op))
}

/// Whether an op only prints or checks. A call may do so beside what it computes.
pub fn has_effect(op: OperationRef) -> bool {
    op.region_count() == 0 && kept(op).is_none() && !is_pure(op) && !ends(op)
}

/// Whether an op ends a function, or a region of a loop or a branch.
pub fn ends(op: OperationRef) -> bool {
    is(op, "scf.yield") || is(op, "scf.condition") || is(op, "func.return")
}

/// Whether an operation has a name.
pub fn is(op: OperationRef, name: &str) -> bool {
    op.name().as_string_ref().as_str() == Ok(name)
}

/// Whether only functions of the module know a function.
pub fn is_private(function: OperationRef) -> bool {
    let visibility = function.attribute("sym_visibility");
    let visibility = visibility.and_then(StringAttribute::try_from);
    visibility.is_ok_and(|visibility| visibility.value() == "private")
}

/// The symbol that an operation defines.
pub fn symbol(op: OperationRef) -> String {
    op.attribute("sym_name")
        .and_then(StringAttribute::try_from)
        .map(|name| name.value().to_string())
        .unwrap_or_default()
}

/// The function that a `func.call` or `dl.grad` names.
pub fn callee<'c>(op: OperationRef<'c, '_>) -> &'c str {
    op.attribute("callee")
        .and_then(FlatSymbolRefAttribute::try_from)
        .map_or("", |name| name.value())
}

/// Types of the arguments and the results of a function.
pub fn signature<'c>(function: OperationRef<'c, '_>) -> (Vec<Type<'c>>, Vec<Type<'c>>) {
    let ty = function
        .attribute("function_type")
        .and_then(TypeAttribute::try_from)
        .and_then(|ty| FunctionType::try_from(ty.value()))
        .expect("a func.func has a function type");
    let inputs = (0..ty.input_count()).filter_map(|i| ty.input(i).ok());
    let results = (0..ty.result_count()).filter_map(|i| ty.result(i).ok());
    (inputs.collect(), results.collect())
}

/// Which arguments are tensors: all but the leading index arguments.
pub fn tensors(inputs: &[Type]) -> Vec<usize> {
    let is_tensor = |i: &usize| is_tensor(inputs[*i]);
    (0..inputs.len()).filter(is_tensor).collect()
}

/// Whether a type is a tensor of floats.
pub fn is_float_tensor(ty: Type) -> bool {
    is_tensor(ty) && class(element(ty)) == ElementClass::Float
}

/// Checks that an op has operands and results of these types.
pub fn check_types<'c>(
    op: OperationRef<'c, '_>,
    (operands, results): (Vec<Type<'c>>, Vec<Type<'c>>),
) -> Result<(), PassError<'c>> {
    let has = op.operands().map(|x| x.r#type()).collect::<Vec<_>>();
    let gives = op.results().map(|y| y.r#type()).collect::<Vec<_>>();
    for (what, expected, given) in [("operands", operands, has), ("results", results, gives)] {
        if expected != given {
            let (expected, given) = (list(&expected), list(&given));
            let message = format!("C3: {what} should be {expected}, are {given}");
            return Err(PassError::at(&op, message));
        }
    }
    Ok(())
}

/// Types as they stand in a signature.
pub fn list(types: &[Type]) -> String {
    let types = types.iter().map(Type::to_string).collect::<Vec<_>>();
    format!("({})", types.join(", "))
}

/// What a user calls an argument: its path, its name in the source, or its number among the tensors.
pub fn argument_name(function: OperationRef, index: usize, value: Value) -> String {
    let path = function
        .attribute("arg_attrs")
        .and_then(ArrayAttribute::try_from)
        .and_then(|attributes| attributes.element(index))
        .and_then(DictionaryAttribute::try_from)
        .ok()
        .and_then(|attributes| attributes.element_by_name("dl.path"))
        .and_then(|path| StringAttribute::try_from(path).ok());
    if let Some(path) = path {
        return format!("`{}`", path.value());
    }
    let location = value.location();
    if location.is_name() {
        let name = location.name_value();
        return format!("`{}`", name.as_string_ref().as_str().unwrap_or_default());
    }
    let number = tensors(&signature(function).0)
        .iter()
        .position(|&at| at == index);
    format!("argument {}", number.unwrap_or(index))
}
