//! Divides a large module into parts, on which LLVM works at the same time.
//!
//! What LLVM may inline stays together: a function of which there is one call is in its caller's part. Any other call may
//! lead into another part; the callee's symbol is hidden then instead of internal, and carries the stem and a dot before
//! its name, which no name of C has. Small functions that other parts call are copied there, for LLVM to inline.
//! Parts follow from the module alone, and end where an entry's code ends if that is near, so that a change of one entry
//! leaves most parts of the others as they are.

use super::{cpu::CodegenError, machine::run_passes};
use inkwell::{
    GlobalVisibility,
    attributes::{Attribute, AttributeLoc},
    context::Context,
    llvm_sys::{core, prelude::LLVMValueRef},
    memory_buffer::MemoryBuffer,
    module::{Linkage, Module},
    targets::TargetMachine,
    values::{AsValueRef, FunctionValue},
};
use petgraph::unionfind::UnionFind;
use std::collections::{BTreeSet, HashMap};

/// So many instructions are worth a part; modules of less than two parts stay whole.
const PART: usize = 3000;
/// Larger modules than so many parts have larger parts, since each is cut out of a copy of the whole.
const MOST: usize = 16;
/// Functions up to so many instructions are copied to where they are called.
const SMALL: usize = 64;

/// A divided module.
pub struct Parts {
    /// The whole, as bitcode.
    bitcode: Vec<u8>,
    /// For each part the names of the functions that it defines.
    parts: Vec<BTreeSet<String>>,
    /// The names of the small functions that are called from other parts.
    small: BTreeSet<String>,
}

/// A function with a body.
struct Function<'x> {
    value: FunctionValue<'x>,
    instructions: usize,
    /// Whether callers of the library see it.
    exported: bool,
    /// Whether LLVM may inline it.
    inlinable: bool,
    uses: Vec<Use>,
}

/// A use of a function.
struct Use {
    /// The function that does it; none for a constant.
    by: Option<usize>,
    /// Whether it is a call, and does not take the address.
    call: bool,
}

impl Parts {
    /// The parts of a module whose functions are internal unless exported; nothing if it is to stay whole. Symbols of the
    /// module change.
    pub fn of(
        module: &Module,
        machine: &TargetMachine,
        stem: &str,
    ) -> Result<Option<Self>, CodegenError> {
        let instructions: usize = defined(module).map(instructions).sum();
        let mut globals = module.get_globals();
        let variables = globals.any(|global| !global.is_constant() && !global.is_declaration());
        if instructions < 2 * PART || variables {
            return Ok(None);
        }
        // What all calls of a function say of its arguments shows in the whole only.
        run_passes(module, machine, "ipsccp,globaldce")?;
        let functions = read(module);
        let groups = groups(&functions);
        let mut small = BTreeSet::new();
        for (i, function) in functions.iter().enumerate() {
            let elsewhere = |place: &Use| place.by.is_none_or(|by| groups[by] != groups[i]);
            if function.exported || !function.uses.iter().any(elsewhere) {
                continue;
            }
            let symbol = function.value.as_global_value();
            symbol.set_name(&format!("{stem}.{}", name(function.value)));
            symbol.set_linkage(Linkage::External);
            symbol.set_visibility(GlobalVisibility::Hidden);
            if function.inlinable && function.instructions <= SMALL {
                small.insert(name(function.value));
            }
        }
        let parts = pack(&functions, &groups);
        Ok((parts.len() > 1).then(|| Self {
            parts,
            bitcode: module.write_bitcode_to_memory().as_slice().to_vec(),
            small,
        }))
    }

    /// How many parts there are.
    pub fn count(&self) -> usize {
        self.parts.len()
    }

    /// The module of a part.
    pub fn module<'x>(
        &self,
        index: usize,
        context: &'x Context,
        machine: &TargetMachine,
    ) -> Result<Module<'x>, CodegenError> {
        let module = parse(&self.bitcode, context)?;
        let own = &self.parts[index];
        for function in defined(&module) {
            let name = name(function);
            match () {
                () if own.contains(&name) => {}
                // Kept only where it is called.
                () if self.small.contains(&name) => function.set_linkage(Linkage::Internal),
                () if function.get_linkage() == Linkage::External => {
                    function.set_linkage(Linkage::AvailableExternally);
                }
                () => {}
            }
        }
        run_passes(
            &module,
            machine,
            "elim-avail-extern,globaldce,strip-dead-prototypes",
        )?;
        for function in defined(&module) {
            let name = name(function);
            if self.small.contains(&name) && !own.contains(&name) {
                function.set_linkage(Linkage::AvailableExternally);
                function
                    .as_global_value()
                    .set_visibility(GlobalVisibility::Hidden);
            }
        }
        Ok(module)
    }
}

/// A module from bitcode.
pub fn parse<'x>(bitcode: &[u8], context: &'x Context) -> Result<Module<'x>, CodegenError> {
    let buffer = MemoryBuffer::create_from_memory_range_copy(bitcode, "module");
    Module::parse_bitcode_from_buffer(&buffer, context)
        .map_err(|error| CodegenError::Internal(format!("LLVM can't read its module: {error}")))
}

fn defined<'x>(module: &Module<'x>) -> impl Iterator<Item = FunctionValue<'x>> {
    let functions = module.get_functions();
    functions.filter(|function| function.count_basic_blocks() > 0)
}

fn name(function: FunctionValue) -> String {
    function.get_name().to_string_lossy().into_owned()
}

fn instructions(function: FunctionValue) -> usize {
    let blocks = function.get_basic_block_iter();
    blocks.map(|block| block.get_instructions().count()).sum()
}

fn read<'x>(module: &Module<'x>) -> Vec<Function<'x>> {
    let index: HashMap<LLVMValueRef, usize> = defined(module)
        .enumerate()
        .map(|(i, function)| (function.as_value_ref(), i))
        .collect();
    let noinline = Attribute::get_named_enum_kind_id("noinline");
    let read = |function: FunctionValue<'x>| Function {
        value: function,
        instructions: instructions(function),
        exported: function.get_linkage() == Linkage::External,
        inlinable: function
            .get_enum_attribute(AttributeLoc::Function, noinline)
            .is_none(),
        uses: uses(function, &index),
    };
    defined(module).map(read).collect()
}

fn uses(function: FunctionValue, index: &HashMap<LLVMValueRef, usize>) -> Vec<Use> {
    let function = function.as_value_ref();
    let mut uses = vec![];
    // All values are of the module that `function` is of.
    unsafe {
        let mut place = core::LLVMGetFirstUse(function);
        while !place.is_null() {
            let user = core::LLVMGetUser(place);
            place = core::LLVMGetNextUse(place);
            if core::LLVMIsAInstruction(user).is_null() {
                uses.push(Use {
                    by: None,
                    call: false,
                });
                continue;
            }
            let by = core::LLVMGetBasicBlockParent(core::LLVMGetInstructionParent(user));
            let arguments = || {
                let count = core::LLVMGetNumArgOperands(user);
                (0..count).map(|i| core::LLVMGetOperand(user, i))
            };
            let call = !core::LLVMIsACallInst(user).is_null()
                && core::LLVMGetCalledValue(user) == function
                && arguments().all(|argument| argument != function);
            uses.push(Use {
                by: index.get(&by).copied(),
                call,
            });
        }
    }
    uses
}

/// For each function the group that it stays in.
fn groups(functions: &[Function]) -> Vec<usize> {
    let mut groups = UnionFind::new(functions.len());
    for (i, function) in functions.iter().enumerate() {
        if let (false, true, [only]) = (
            function.exported,
            function.inlinable,
            function.uses.as_slice(),
        ) && let (true, Some(caller)) = (only.call, only.by)
        {
            groups.union(i, caller);
        }
    }
    groups.into_labeling()
}

/// Groups side by side, as many to a part as make it full.
fn pack(functions: &[Function], groups: &[usize]) -> Vec<BTreeSet<String>> {
    let mut order = vec![];
    let mut members: HashMap<usize, Vec<&Function>> = HashMap::new();
    for (function, group) in functions.iter().zip(groups) {
        let members = members.entry(*group).or_default();
        if members.is_empty() {
            order.push(*group);
        }
        members.push(function);
    }
    let total: usize = functions.iter().map(|function| function.instructions).sum();
    let full = total.div_ceil(MOST).max(PART);
    let mut parts: Vec<BTreeSet<String>> = vec![];
    let (mut size, mut last) = (0, None);
    for group in order {
        let group = &members[&group];
        let more: usize = group.iter().map(|function| function.instructions).sum();
        let owner = owner(&name(group[0].value));
        let ends = 2 * size >= full && last.as_ref() != Some(&owner);
        if parts.is_empty() || size + more > full || ends {
            parts.push(BTreeSet::new());
            size = 0;
        }
        size += more;
        last = Some(owner);
        let part = parts.last_mut().expect("the first group begins a part");
        part.extend(group.iter().map(|function| name(function.value)));
    }
    parts
}

/// The entry that a function belongs to, by its name.
fn owner(name: &str) -> String {
    let (_, name) = name.split_once('.').unwrap_or(("", name));
    let end = name.find("__").unwrap_or(name.len());
    name[..end].to_string()
}
