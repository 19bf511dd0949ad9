//! Products by `wgmma` and tensor maps, on devices that have them, where sizes and places suit both.

use super::{
    DEVICE_TYPE, Home,
    callee::{Each, Form},
    device_field::{CONTEXT, COUNT, MAKE},
    products::{Target, element, storages},
    programs::Programs,
};
use crate::{
    alias::blocks,
    emit::{Emitter, Int},
    gpu,
    matmul::{
        call::{Places, place},
        contraction::{Contraction, Operand},
    },
    schedule::{self, gpu::wgmma_tile},
    tasks,
    view::{self, Mixed, reinterpreted},
    walk,
};
use dlc_abi::status;
use dlc_dialects::ir::shape::{self, DYNAMIC};
use dlc_kernels::{
    program::Element,
    wgmma::{Dimension, Output, TensorMapShape, Wgmma},
};
use melior::{
    Context,
    ir::{Value, ValueLike, operation::OperationLike},
};

/// The compute capability of devices with `wgmma`.
const HOPPER: i64 = 90;
/// The host's function that fills tensor maps.
const TENSOR_MAP: &str = "dlc_tensor_map";
/// The host's function that counts multiprocessors.
const PROCESSORS: &str = "dlc_processors";
/// Pointers to tensor maps: in PTX, parameters of kernels.
pub const MAP: &str = "!llvm.ptr<101>";
/// Rows and columns from which tiles are mostly inside.
const LEAST: i64 = 64;
/// Sizes that coordinates of tensor maps reach, with what a tile goes beyond.
const MOST: i64 = (1 << 31) - 256;
/// What addresses and strides of tensor maps are multiples of, in bytes.
const ALIGNED: i64 = 16;

/// [`dlc_abi::device::TensorMap`] in the `llvm` dialect.
const MAP_TYPE: &str =
    "!llvm.struct<(ptr, i64, i64, array<5 x i64>, array<5 x i64>, array<5 x i64>, i64)>";

/// What the host calls: the function that fills a tensor map of three axes by the caller's device, and the one that says how many
/// multiprocessors that has.
pub fn host() -> String {
    let fields = [
        ("%address", "0"),
        ("%element", "1"),
        ("%rank", "2"),
        ("%s0", "3, 0"),
        ("%s1", "3, 1"),
        ("%s2", "3, 2"),
        ("%p1", "4, 1"),
        ("%p2", "4, 2"),
        ("%t0", "5, 0"),
        ("%t1", "5, 1"),
        ("%t2", "5, 2"),
        ("%swizzle", "6"),
    ];
    let parameters = fields.map(|(name, _)| format!("{name}: i64")).join(", ");
    let stores = fields.iter().enumerate().map(|(i, (name, place))| {
        format!(
            "  %f{i} = llvm.getelementptr %how[0, {place}] : (!llvm.ptr) -> !llvm.ptr, {MAP_TYPE}
  llvm.store {name}, %f{i} : i64, !llvm.ptr
"
        )
    });
    let (stores, lost) = (stores.collect::<String>(), status::DEVICE);
    format!(
        "func.func private @{TENSOR_MAP}(%device: !llvm.ptr, %failed: memref<i32>, %map: !llvm.ptr, {parameters}) attributes {{passthrough = [\"noinline\"]}} {{
  %one = llvm.mlir.constant(1 : i64) : i64
  %how = llvm.alloca %one x {MAP_TYPE} : (i64) -> !llvm.ptr
{stores}  %at_make = llvm.getelementptr %device[0, {MAKE}] : (!llvm.ptr) -> !llvm.ptr, {DEVICE_TYPE}
  %make = llvm.load %at_make : !llvm.ptr -> !llvm.ptr
  %at_context = llvm.getelementptr %device[0, {CONTEXT}] : (!llvm.ptr) -> !llvm.ptr, {DEVICE_TYPE}
  %context = llvm.load %at_context : !llvm.ptr -> !llvm.ptr
  %status = llvm.call %make(%context, %map, %how) : !llvm.ptr, (!llvm.ptr, !llvm.ptr, !llvm.ptr) -> i32
  %ok = arith.constant 0 : i32
  %lost = arith.constant {lost} : i32
  %bad = arith.cmpi ne, %status, %ok : i32
  %before = memref.load %failed[] : memref<i32>
  %after = arith.select %bad, %lost, %before : i32
  memref.store %after, %failed[] : memref<i32>
  func.return
}}
func.func private @{PROCESSORS}(%device: !llvm.ptr) -> index {{
  %at = llvm.getelementptr %device[0, {COUNT}] : (!llvm.ptr) -> !llvm.ptr, {DEVICE_TYPE}
  %count = llvm.load %at : !llvm.ptr -> i64
  %index = arith.index_cast %count : i64 to index
  func.return %index : index
}}
"
    )
}

/// An operand as a batch of matrices.
struct Matrices<'c, 'a> {
    memory: Value<'c, 'a>,
    /// The place of its first element, in elements.
    offset: Value<'c, 'a>,
    /// Matrices, rows, columns.
    sizes: [Value<'c, 'a>; 3],
    /// How far it is from one to the next, in elements.
    strides: [Value<'c, 'a>; 3],
    /// Whether the loops around a product walk it as one.
    is_batch: Option<Value<'c, 'a>>,
}

impl<'c: 'a, 'a> Matrices<'c, 'a> {
    fn new(
        e: &Emitter<'c, 'a>,
        (x, places): (&Contraction<'c, 'a>, &Places<'c, 'a>),
        operand: &Operand<'c, 'a>,
        (dims, sizes): ([&[usize]; 2], [Value<'c, 'a>; 2]),
    ) -> Self {
        let place = place(e, operand);
        let stride = |dim: Option<&usize>| {
            let axis = dim.and_then(|dim| operand.axis(*dim));
            axis.map_or_else(|| e.index(8), |axis| place.strides[axis])
        };
        let outer = x.outer.iter().map(|dim| places.size(x, *dim));
        let outer = outer.collect::<Vec<_>>();
        let batch = outer.iter().copied().reduce(|a, b| e.mul(a, b));
        let pairs = x.outer.windows(2).zip(&outer[outer.len().min(1)..]);
        let joined = pairs.map(|(dims, size)| {
            let whole = e.mul(stride(Some(&dims[1])), *size);
            e.cmp(Int::Eq, stride(Some(&dims[0])), whole)
        });
        Self {
            memory: operand.value,
            is_batch: joined.reduce(|a, b| both(e, a, b)),
            sizes: [batch.unwrap_or_else(|| e.index(1)), sizes[0], sizes[1]],
            strides: [
                stride(x.outer.last()),
                stride(dims[0].last()),
                stride(dims[1].last()),
            ],
            offset: place.offset,
        }
    }

    /// The address of its first element.
    fn address(&self, e: &Emitter<'c, 'a>, bytes: i64) -> Value<'c, 'a> {
        view::address(e, self.memory, self.offset, bytes)
    }

    /// Whether a tensor map can have it.
    fn has_map(&self, e: &Emitter<'c, 'a>, shape: &TensorMapShape) -> Value<'c, 'a> {
        let bytes = shape.element.bytes();
        let numbers = shape.axes[1..].iter().map(|axis| {
            let stride = self.strides[number(axis.dimension)];
            e.mul(stride, e.index(bytes))
        });
        let numbers = numbers.chain([self.address(e, bytes)]);
        view::are_multiples(e, &numbers.collect::<Vec<_>>(), ALIGNED)
    }

    /// The operands of the host's function for a tensor map of it, behind the map.
    fn describe(&self, e: &Emitter<'c, 'a>, shape: &TensorMapShape) -> Vec<Value<'c, 'a>> {
        let bytes = shape.element.bytes();
        let dims = shape.axes.map(|axis| number(axis.dimension));
        let size = |i: usize| self.sizes[dims[i]];
        let stride = |i: usize| e.mul(self.strides[dims[i]], e.index(bytes));
        let element = e.index(number_of(shape.element));
        let tile = |i: usize| e.index(shape.axes[i].tile);
        let values = [
            self.address(e, bytes),
            element,
            e.index(3),
            size(0),
            size(1),
            size(2),
            stride(1),
            stride(2),
            tile(0),
            tile(1),
            tile(2),
            e.index(shape.swizzle),
        ];
        let word = e.int_type(64);
        values
            .map(|value| e.op("arith.index_cast", &[value], word))
            .to_vec()
    }

    /// As a memref of three axes.
    fn memref(&self, e: &Emitter<'c, 'a>) -> Value<'c, 'a> {
        let mut parts = [(); 3].map(|()| Mixed::default());
        parts[0].push(DYNAMIC, || self.offset);
        for (size, stride) in self.sizes.iter().zip(&self.strides) {
            parts[1].push(DYNAMIC, || *size);
            parts[2].push(DYNAMIC, || *stride);
        }
        let element = shape::element_of(self.memory);
        let ty = format!("memref<?x?x?x{element}, strided<[?, ?, ?], offset: ?>>");
        reinterpreted(e, self.memory, parts, e.ty(&ty))
    }
}

/// Which of a batch's sizes and strides is that of a dimension.
fn number(dimension: Dimension) -> usize {
    match dimension {
        Dimension::Batch => 0,
        Dimension::Rows => 1,
        Dimension::Columns => 2,
    }
}

/// The number of a type in `CUtensorMapDataType`.
fn number_of(element: Element) -> i64 {
    match element {
        Element::F16 => 6,
        Element::Bf16 => 9,
        _ => unreachable!("programs have tensor maps of 16 bits only"),
    }
}

fn both<'c: 'a, 'a>(e: &Emitter<'c, 'a>, a: Value<'c, 'a>, b: Value<'c, 'a>) -> Value<'c, 'a> {
    e.op("arith.andi", &[a, b], a.r#type())
}

/// A product by the program.
pub struct Hopper<'c, 'a> {
    cx: &'c Context,
    program: Wgmma,
    /// The function that calls the program, and also takes the memory that tensor maps are of.
    callee: String,
    /// A, B, and where results go that are stored as they are or through a function.
    operands: Vec<Matrices<'c, 'a>>,
    captured: Vec<Value<'c, 'a>>,
    home: Home<'c, 'a>,
}

impl<'c: 'a, 'a> Hopper<'c, 'a> {
    /// Of a product, if the target has what it takes and its types are those of 16 bits.
    pub fn of(
        e: &Emitter<'c, 'a>,
        (x, places): (&Contraction<'c, 'a>, &Places<'c, 'a>),
        (target, each): (&Target<'c, 'a>, &Option<Each<'_, 'c, 'a>>),
        programs: &mut Programs,
    ) -> Option<Self> {
        let cx = e.context();
        let func = e.around().find(|op| walk::is(*op, "func.func"))?;
        let suits = schedule::Target::of(func.parent_operation()?).gpu >= HOPPER;
        let [a, b] = [x.numbers.a, x.numbers.b].map(element);
        let small = |size: Option<i64>| size.is_some_and(|size| size < LEAST);
        if !suits || x.layout.b_scattered || a != b || small(x.sizes.m) || small(x.sizes.n) {
            return None;
        }
        let input = a.filter(|a| matches!(a, Element::F16 | Element::Bf16))?;
        let all = |operand: &Operand<'c, 'a>| {
            let mut outer = x.outer.iter();
            outer.all(|dim| operand.axis(*dim).is_some())
        };
        if element(x.numbers.sum) != Some(Element::F32) || !all(&x.a) || !all(&x.b) {
            return None;
        }
        let home = Home::of(cx, func)?;
        let matrices = |operand, dims| Matrices::new(e, (x, places), operand, dims);
        let result = |operand| matrices(operand, ([&x.m[..], &x.n], [places.m, places.n]));
        let mut operands = vec![
            matrices(&x.a, ([&x.m[..], &x.k], [places.m, places.k])),
            matrices(&x.b, ([&x.k[..], &x.n], [places.k, places.n])),
        ];
        let mut captured = vec![];
        let output = match each {
            None => {
                operands.push(result(&target.operand));
                match target.element {
                    element @ (Element::F16 | Element::Bf16) => Output::Map(element),
                    element => Output::Memref(element),
                }
            }
            Some(each) => {
                let through = each.through();
                let form = match through {
                    Some(_) => Form::Through,
                    None => Form::Batch,
                };
                let made = each.write(cx, e, form, programs);
                captured = made.values;
                match through {
                    Some((number, operand)) => {
                        operands.push(result(operand));
                        Output::Through(element(number)?, made.callee)
                    }
                    None => Output::Callee(made.callee),
                }
            }
        };
        let [of_a, of_b] = storages(x);
        let program = Wgmma {
            name: String::new(),
            input,
            output,
            a: of_a,
            b: of_b,
            tile: wgmma_tile(x.sizes),
        };
        program.text().ok()?;
        programs.wgmma(&program);
        Some(Self {
            cx,
            callee: programs.callee(),
            program: Wgmma {
                name: programs.wgmma(&program),
                ..program
            },
            operands,
            captured,
            home,
        })
    }

    /// Whether sizes and places suit the program, when running.
    pub fn fits(&self, e: &Emitter<'c, 'a>) -> Value<'c, 'a> {
        let [_, m, k] = self.operands[0].sizes;
        let n = self.operands[1].sizes[2];
        let least = |value, least: i64| e.cmp(Int::Sge, value, e.index(least));
        let most = |value| e.cmp(Int::Slt, value, e.index(MOST));
        let mut conditions = vec![
            least(m, LEAST),
            least(n, LEAST),
            least(k, 1),
            least(self.operands[0].sizes[0], 1),
            most(m),
            most(n),
            most(k),
        ];
        conditions.extend(self.operands.iter().filter_map(|operand| operand.is_batch));
        let maps = self.program.maps();
        let maps = self.operands.iter().zip(&maps);
        conditions.extend(maps.map(|(operand, shape)| operand.has_map(e, shape)));
        let all = conditions.into_iter().reduce(|a, b| both(e, a, b));
        all.expect("there are some")
    }

    /// Makes the tensor maps, and the loop over persistent blocks.
    pub fn write(&self, e: &Emitter<'c, 'a>) {
        let maps = self.program.maps();
        let maps = self.operands.iter().zip(&maps);
        let maps = maps.map(|(operand, shape)| self.map(e, operand, shape));
        let maps = maps.collect::<Vec<_>>();
        let [batch, m, k] = self.operands[0].sizes;
        let n = self.operands[1].sizes[2];
        let tile = self.program.tile;
        let tiles = e.mul(e.ceil_div(m, tile.rows), e.ceil_div(n, tile.columns));
        let tiles = e.mul(batch, tiles);
        let callee = [("callee", e.attr(&format!("@{PROCESSORS}")))];
        let processors = e.op_with("func.call", &[self.home.device], e.index_type(), &callee);
        let resident = e.index(self.program.blocks_per_multiprocessor());
        let blocks = e.min(tiles, e.mul(processors, resident));
        let bounds = (e.index(0), blocks, e.index(1));
        let op = e.plain_loop(bounds, |e, block| {
            let mut values = vec![block, blocks, batch, m, n, k];
            values.extend(&maps);
            if let Output::Memref(_) = self.program.output {
                values.push(self.operands[2].memref(e));
            }
            values.extend(&self.captured);
            self.call(e, values);
        });
        tasks::mark(e, op, true);
        gpu::give_to_block(e, op, self.program.threads());
        gpu::give_shared(e, op, self.program.shared_bytes());
    }

    /// Calls the program by a function that takes the memory of tensor maps as well, as what uses it must say so.
    fn call(&self, e: &Emitter<'c, 'a>, values: Vec<Value<'c, 'a>>) {
        let memory = self.operands.iter().map(|operand| operand.memory);
        let all = values.iter().copied().chain(memory).collect::<Vec<_>>();
        let types = all.iter().map(|value| value.r#type()).collect::<Vec<_>>();
        let module = Emitter::before(self.cx, self.home.func);
        module.private_function(&self.callee, &types, &[], |e, given| {
            let pointer = e.ty("!llvm.ptr");
            let map = e.ty(MAP);
            let given = given[..values.len()].iter();
            let given = given.map(|value| match value.r#type() == map {
                true => e.op("llvm.addrspacecast", &[*value], pointer),
                false => *value,
            });
            let callee = e.attr(&format!("@{}", self.program.name));
            e.effect(
                "func.call",
                &given.collect::<Vec<_>>(),
                &[("callee", callee)],
            );
        });
        let callee = e.attr(&format!("@{}", self.callee));
        e.effect("func.call", &all, &[("callee", callee)]);
    }

    /// A tensor map, in memory of the entry.
    fn map(
        &self,
        e: &Emitter<'c, 'a>,
        operand: &Matrices<'c, 'a>,
        shape: &TensorMapShape,
    ) -> Value<'c, 'a> {
        let block = blocks(self.home.func)[0];
        let start = Emitter::at_start(self.cx, e.location(), block);
        let one = start.constant(start.int_type(64), start.attr("1 : i64"));
        let pointer = start.ty("!llvm.ptr");
        let memory = [
            ("elem_type", start.attr("!llvm.array<128 x i8>")),
            ("alignment", start.attr("64 : i64")),
        ];
        let map = start.op_with("llvm.alloca", &[one], pointer, &memory);
        let leading = vec![self.home.device, self.home.failed, map];
        let operands = [leading, operand.describe(e, shape)].concat();
        let callee = e.attr(&format!("@{TENSOR_MAP}"));
        e.effect("func.call", &operands, &[("callee", callee)]);
        e.op("llvm.addrspacecast", &[map], e.ty(MAP))
    }
}
