//! Makes of each call of a kernel a launch by the caller's device, and of each kernel an entry for threads.
//!
//! Before:
//! ```mlir
//! llvm.func @m_f__kernel0(%device: !llvm.ptr, %failed: !llvm.ptr, …, %thread: i64, %a: !llvm.ptr, …) attributes {dl.kernel}
//! llvm.call @m_f__kernel0(%device, %failed, …, %threads, %a, …)
//! ```
//! After:
//! ```mlir
//! llvm.func @m_f__kernel0__entry(%threads: i64, %a: !llvm.ptr, …) attributes {dl.kernel_number = 0 : i64, nvvm.kernel}
//! // … each thread calls m_f__kernel0
//! llvm.func internal @m_f__kernel0__launch(%device, %failed, …, %threads, %a, …)   // device->launch(context, {kernels, 0, …})
//! llvm.call @m_f__kernel0__launch(%device, %failed, …, %threads, %a, …)
//! llvm.func internal @dlc_read_f32(…) -> f32                                       // device->copy(context, …)
//! llvm.mlir.global external @m.kernels() : !llvm.struct<…>                         // for all launches
//! ```
//! The layout of what is passed is that of `dlc_abi::device`. A launch that fails leaves its status; what comes after is left out.
//! `dlc_lowering::target::gpu` takes the device's functions out and puts their code in.
//!
//! *Requires*: functions of the `llvm` dialect. *Ensures*: no function of the host calls one of the device; no kernel takes more
//! parameters than a device does, which is an error of the user.

use crate::{
    entry,
    gpu::{
        self, DEVICE_TYPE, ENTRY, KERNEL, KERNELS, KERNELS_TYPE, LAUNCH_TYPE, MAP, NUMBER,
        PARAMETER_BYTES, READ,
        device_field::{CONTEXT, COPY, LAUNCH as RUN},
    },
    schedule::gpu::THREADS,
    walk,
};
use dlc_abi::{device, status};
use dlc_dialects::{
    ir::{edit, shape::width},
    pass::{Anchor, INTERNAL, PassError, PassInfo},
};
use melior::{
    Context,
    ir::{
        BlockLike, Module, OperationRef, RegionLike, Type, TypeLike, Value, ValueLike,
        attribute::FlatSymbolRefAttribute, operation::OperationLike,
    },
};
use std::{collections::HashSet, fmt::Write};

/// The pass.
pub const INFO: PassInfo = PassInfo {
    name: "emit-launches",
    summary: "Let the caller's device launch kernels",
    anchor: Anchor::Module,
    required: true,
    run,
};

const LAUNCH: &str = "__launch";
/// The place of a kernel's arguments: behind the device, the descriptor of where the status goes, and the thread.
const FIRST: usize = 5;

fn run<'c, 'a>(cx: &'c Context, module: OperationRef<'c, 'a>) -> Result<(), PassError<'c>> {
    let stem = entry::string(module.attribute("dl.stem").ok()).unwrap_or_default();
    let table = format!("{stem}{KERNELS}");
    let calls = walk::named(module, "llvm.call");
    let declared = walk::named(module, "llvm.mlir.global");
    let declared = declared.into_iter().any(|op| name(op) == table);
    let mut kernels = HashSet::new();
    for func in walk::named(module, "llvm.func") {
        let symbol = name(func);
        let text = match symbol.strip_prefix(READ) {
            Some(ty) => read(&symbol, ty),
            None if func.has_attribute(KERNEL) => {
                let body = func.region(0)?.first_block();
                let body = body.ok_or_else(|| PassError::at(&func, "a kernel has no body"))?;
                let types = (FIRST..body.argument_count())
                    .map(|i| Ok(Value::from(body.argument(i)?).r#type()));
                let types = types.collect::<Result<Vec<_>, melior::Error>>()?;
                check_parameters(&types, &symbol, &calls)?;
                let types = types.iter().map(Type::to_string).collect::<Vec<_>>();
                let shared = gpu::dynamic_shared(func);
                let blocks = |threads| Way::Blocks { threads, shared };
                let way = gpu::threads(func).map_or(Way::Threads, blocks);
                kernel(&table, (&symbol, kernels.len()), &types, way)
            }
            None => continue,
        };
        let functions = Module::parse(cx, &text).ok_or_else(|| {
            let message = format!("{INTERNAL}: the emitted text does not parse:\n{text}");
            PassError::at(&func, message)
        })?;
        // Declarations of the kernel, and of the table again, stand there for the verifier only.
        let first = kernels.is_empty() && !declared;
        edit::move_module_before(cx, &functions, func, |op| match name(op) {
            own if own == table => first,
            own => own.ends_with(LAUNCH) || own.ends_with(ENTRY) || own.starts_with(READ),
        });
        match func.has_attribute(KERNEL) {
            true => {
                kernels.insert(symbol);
            }
            false => edit::erase(cx, func),
        }
    }
    for call in calls {
        let callee = call.attribute("callee").ok();
        let callee = callee.and_then(|callee| FlatSymbolRefAttribute::try_from(callee).ok());
        if let Some(callee) = callee.filter(|callee| kernels.contains(callee.value())) {
            let launch = FlatSymbolRefAttribute::new(cx, &format!("{}{LAUNCH}", callee.value()));
            edit::set_attribute(call, "callee", launch.into());
        }
    }
    Ok(())
}

/// Refuses a kernel with more parameters than a device takes, at the first of the calls that is one of it.
fn check_parameters<'c>(
    types: &[Type<'c>],
    kernel: &str,
    calls: &[OperationRef<'c, '_>],
) -> Result<(), PassError<'c>> {
    let bytes = |ty: &Type| match () {
        () if ty.is_integer() || ty.is_float() => width(*ty).div_ceil(8) as usize,
        () if ty.to_string() == MAP => device::TENSOR_MAP_BYTES,
        () => size_of::<usize>(),
    };
    // The number of threads comes first.
    let total = types.iter().map(bytes).fold(8, |end: usize, bytes| {
        end.next_multiple_of(bytes.max(1)) + bytes
    });
    let own = format!("@{kernel}");
    let is_own = |call: &&OperationRef<'c, '_>| {
        let callee = call.attribute("callee").ok();
        callee.is_some_and(|callee| callee.to_string() == own)
    };
    match calls.iter().find(is_own) {
        Some(call) if total > PARAMETER_BYTES => {
            let message = format!(
                "DL0802 what is done here in one kernel takes {total} bytes of parameters, and a GPU takes {PARAMETER_BYTES}"
            );
            let help = "help: make one tensor of many that are used together, with an axis more";
            Err(PassError::at(call, message).note(call.location(), help))
        }
        _ => Ok(()),
    }
}

fn name(op: OperationRef) -> String {
    entry::string(op.attribute("sym_name").ok()).unwrap_or_default()
}

const WRITTEN: &str = "writing to a string succeeds";

/// Reads a value of a type from the device's memory.
fn read(name: &str, ty: &str) -> String {
    let (from, failed) = (device::FROM_DEVICE, status::DEVICE);
    format!(
        "llvm.func internal @{name}(%device: !llvm.ptr, %f: !llvm.ptr, %failed: !llvm.ptr, %fo: i64, %p: !llvm.ptr, %at: !llvm.ptr, %o: i64) -> {ty} {{
  %one = llvm.mlir.constant(1 : i64) : i64
  %here = llvm.alloca %one x {ty} : (i64) -> !llvm.ptr
  %zero = llvm.mlir.zero : {ty}
  llvm.store %zero, %here : {ty}, !llvm.ptr
  %end = llvm.getelementptr %at[1] : (!llvm.ptr) -> !llvm.ptr, {ty}
  %last = llvm.ptrtoint %end : !llvm.ptr to i64
  %first = llvm.ptrtoint %at : !llvm.ptr to i64
  %bytes = llvm.sub %last, %first : i64
  %at_copy = llvm.getelementptr %device[0, {COPY}] : (!llvm.ptr) -> !llvm.ptr, {DEVICE_TYPE}
  %copy = llvm.load %at_copy : !llvm.ptr -> !llvm.ptr
  %at_context = llvm.getelementptr %device[0, {CONTEXT}] : (!llvm.ptr) -> !llvm.ptr, {DEVICE_TYPE}
  %context = llvm.load %at_context : !llvm.ptr -> !llvm.ptr
  %way = llvm.mlir.constant({from} : i32) : i32
  %ok = llvm.mlir.constant(0 : i32) : i32
  %status = llvm.call %copy(%context, %here, %at, %bytes, %way) : !llvm.ptr, (!llvm.ptr, !llvm.ptr, !llvm.ptr, i64, i32) -> i32
  %bad = llvm.icmp \"ne\" %status, %ok : i32
  %before = llvm.load %failed : !llvm.ptr -> i32
  %lost = llvm.mlir.constant({failed} : i32) : i32
  %after = llvm.select %bad, %lost, %before : i1, i32
  llvm.store %after, %failed : i32, !llvm.ptr
  %found = llvm.load %here : !llvm.ptr -> {ty}
  llvm.return %found : {ty}
}}
"
    )
}

/// Who does a round.
#[derive(Clone, Copy)]
enum Way {
    /// A thread.
    Threads,
    /// A block of so many threads, with so many bytes of dynamic shared memory.
    Blocks { threads: i64, shared: i64 },
}

/// How a kernel takes a tensor map.
const OF_MAP: &str =
    "{llvm.align = 64 : i64, llvm.byval = !llvm.array<128 x i8>, nvvm.grid_constant}";

/// What is there of a call in an entry.
const NOTHING: &str = "  %none = llvm.mlir.zero : !llvm.ptr
  %zero = llvm.mlir.constant(0 : i64) : i64
";

/// What a thread of an entry does whose rounds are threads.
fn of_thread(call: &str) -> String {
    format!(
        "{NOTHING}  %block32 = nvvm.read.ptx.sreg.ctaid.x : i32
  %size32 = nvvm.read.ptx.sreg.ntid.x : i32
  %own32 = nvvm.read.ptx.sreg.tid.x : i32
  %block = llvm.zext %block32 : i32 to i64
  %size = llvm.zext %size32 : i32 to i64
  %own = llvm.zext %own32 : i32 to i64
  %before = llvm.mul %block, %size : i64
  %number = llvm.add %before, %own : i64
  %some = llvm.icmp \"slt\" %number, %threads : i64
  llvm.cond_br %some, ^work, ^end
^work:
  {call}
  llvm.br ^end
^end:
"
    )
}

/// What a thread of an entry does whose rounds are blocks.
fn of_block(call: &str) -> String {
    format!(
        "{NOTHING}  %number32 = nvvm.read.ptx.sreg.ctaid.x : i32
  %number = llvm.zext %number32 : i32 to i64
  {call}
"
    )
}

/// The entry of a kernel for the device, and the function that launches it, by its number in a table.
fn kernel(table: &str, (name, number): (&str, usize), types: &[String], way: Way) -> String {
    let list = |f: &dyn Fn(usize, &String) -> String| {
        let items = types.iter().enumerate().map(|(i, ty)| f(i, ty));
        items.collect::<String>()
    };
    let parameters = list(&|i, ty| format!(", %a{i}: {ty}"));
    // A tensor map is the parameter itself, not a pointer to one.
    let taken = list(&|i, ty| match ty.as_str() {
        MAP => format!(", %p{i}: !llvm.ptr {OF_MAP}"),
        ty => format!(", %a{i}: {ty}"),
    });
    let maps = list(&|i, ty| match ty.as_str() {
        MAP => format!("  %a{i} = llvm.addrspacecast %p{i} : !llvm.ptr to {MAP}\n"),
        _ => String::new(),
    });
    let values = list(&|i, _| format!(", %a{i}"));
    let all = list(&|_, ty| format!(", {ty}"));
    let count = types.len() + 1;
    let mut pack = String::new();
    for (i, ty) in [&"i64".to_string()].into_iter().chain(types).enumerate() {
        let value = match i {
            0 => "%threads".to_string(),
            i => format!("%a{}", i - 1),
        };
        let kept = match ty.as_str() {
            MAP => format!("  %v{i} = llvm.addrspacecast {value} : {MAP} to !llvm.ptr"),
            ty => format!(
                "  %v{i} = llvm.alloca %one x {ty} : (i64) -> !llvm.ptr
  llvm.store {value}, %v{i} : {ty}, !llvm.ptr"
            ),
        };
        writeln!(
            pack,
            "{kept}
  %p{i} = llvm.getelementptr %arguments[0, {i}] : (!llvm.ptr) -> !llvm.ptr, !llvm.array<{count} x ptr>
  llvm.store %v{i}, %p{i} : !llvm.ptr, !llvm.ptr"
        )
        .expect(WRITTEN);
    }
    let mut fields = String::new();
    let mut field = |place: &str, value: &str, ty: &str| {
        let at = place.replace(", ", "_");
        writeln!(
            fields,
            "  %f{at} = llvm.getelementptr %launch[0, {place}] : (!llvm.ptr) -> !llvm.ptr, {LAUNCH_TYPE}
  llvm.store {value}, %f{at} : {ty}, !llvm.ptr"
        )
        .expect(WRITTEN);
    };
    field("0", "%table", "!llvm.ptr");
    field("1", "%number", "i64");
    field("2, 0", "%blocks", "i64");
    field("3, 0", "%block", "i64");
    for one in ["2, 1", "2, 2", "3, 1", "3, 2", "4, 0", "4, 1", "4, 2"] {
        field(one, "%one", "i64");
    }
    field("5", "%shared", "i64");
    field("6", "%arguments", "!llvm.ptr");
    let failed = status::DEVICE;
    let call = format!(
        "llvm.call @{name}(%none, %none, %none, %zero, %number{values}) : (!llvm.ptr, !llvm.ptr, !llvm.ptr, i64, i64{all}) -> ()"
    );
    let (threads, numbers, work, shared) = match way {
        Way::Threads => (THREADS, THREADS, of_thread(&call), 0),
        Way::Blocks { threads, shared } => (threads, 1, of_block(&call), shared),
    };
    format!(
        "llvm.mlir.global external constant @{table}() : {KERNELS_TYPE}
llvm.func @{name}(!llvm.ptr, !llvm.ptr, !llvm.ptr, i64, i64{all})
llvm.func @{name}{ENTRY}(%threads: i64{taken}) attributes {{{NUMBER} = {number} : i64, nvvm.kernel, nvvm.maxntid = array<i32: {threads}>, nvvm.minctasm = 1 : i32}} {{
{maps}{work}  llvm.return
}}
llvm.func internal @{name}{LAUNCH}(%device: !llvm.ptr, %f: !llvm.ptr, %failed: !llvm.ptr, %fo: i64, %threads: i64{parameters}) attributes {{no_inline}} {{
  %one = llvm.mlir.constant(1 : i64) : i64
  %zero = llvm.mlir.constant(0 : i64) : i64
  %ok = llvm.mlir.constant(0 : i32) : i32
  %lost = llvm.mlir.constant({failed} : i32) : i32
  %arguments = llvm.alloca %one x !llvm.array<{count} x ptr> : (i64) -> !llvm.ptr
  %launch = llvm.alloca %one x {LAUNCH_TYPE} : (i64) -> !llvm.ptr
  %was = llvm.load %failed : !llvm.ptr -> i32
  %fine = llvm.icmp \"ne\" %was, %lost : i32
  llvm.cond_br %fine, ^go, ^end
^go:
  %table = llvm.mlir.addressof @{table} : !llvm.ptr
  %number = llvm.mlir.constant({number} : i64) : i64
  %block = llvm.mlir.constant({threads} : i64) : i64
  %shared = llvm.mlir.constant({shared} : i64) : i64
  %numbers = llvm.mlir.constant({numbers} : i64) : i64
  %rest = llvm.sub %numbers, %one : i64
  %more = llvm.add %threads, %rest : i64
  %blocks = llvm.udiv %more, %numbers : i64
{pack}{fields}  %at_run = llvm.getelementptr %device[0, {RUN}] : (!llvm.ptr) -> !llvm.ptr, {DEVICE_TYPE}
  %run = llvm.load %at_run : !llvm.ptr -> !llvm.ptr
  %at_context = llvm.getelementptr %device[0, {CONTEXT}] : (!llvm.ptr) -> !llvm.ptr, {DEVICE_TYPE}
  %context = llvm.load %at_context : !llvm.ptr -> !llvm.ptr
  %status = llvm.call %run(%context, %launch) : !llvm.ptr, (!llvm.ptr, !llvm.ptr) -> i32
  %bad = llvm.icmp \"ne\" %status, %ok : i32
  llvm.cond_br %bad, ^fail, ^end
^fail:
  llvm.store %lost, %failed : i32, !llvm.ptr
  llvm.br ^end
^end:
  llvm.return
}}
",
    )
}
