//! Products of matrices of 16-bit numbers on the tensor cores of `sm_90a`: C = A B for each matrix of a batch.
//!
//! One warpgroup of a block loads, by one thread that starts copies of tiles (TMA) into a ring of stages in shared memory; the others
//! multiply (`wgmma`), each 64 rows of the tile, with sums in registers. Blocks are persistent: each takes tiles a number of blocks
//! apart, of all matrices of the batch, so the loads of a tile begin while the last one is stored.
//!
//! All operands lie in shared memory as the 128-byte swizzle has it, in lines of 64 elements of the axis that is contiguous in
//! global memory; the descriptors say which that is, so nothing is ever transposed. What lies outside of a matrix is read as zeros.
//!
//! The structure (warpgroups with roles, a ring of three to four stages, waiting for all products but the last, order of tiles in
//! groups, results through shared memory) is that of the published kernels which reach the speed of cuBLAS.

use crate::program::{Callee, Element, Storage};
use crate::text::{Function, Value};

mod consume;
mod each;
mod map;
mod produce;
mod results;
mod ring;
mod staged;
mod through;
mod tile;

pub use map::{Axis, Dimension, TensorMapShape};
pub use tile::Tile;

use results::Results;
use ring::Ring;
use tile::Grid;

/// How deep a stage is along the inner dimension: what 128 bytes hold.
const DEPTH: i64 = 64;
/// How deep one `wgmma` is.
const STEP: i64 = 16;
/// Bytes of a line in shared memory, which is also the span of the swizzle.
const LINE: i64 = 128;
/// Bytes of a block of 64 lines, which is what a warpgroup's rows of A take, and 64 columns of C.
const SQUARE: i64 = 64 * LINE;
/// Threads of a warpgroup.
const GROUP: i64 = 128;

/// What becomes of the sums.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// They are rounded to this type, of 16 bits, and stored by tiles through a tensor map, the third.
    Map(Element),
    /// The same with what a function gives for each, of `(f32, index, index, index, captured…) -> f32`: the sum, the matrix of the
    /// batch, row and column. It may load but not store, as it is called for places in C in any order and more than once.
    Through(Element, Callee),
    /// They are rounded to this type and stored in `memref<?x?x?xT, strided<[?, ?, ?], offset: ?>>`, of any strides.
    Memref(Element),
    /// A function takes each, of `(f32, index, index, index, captured…)`, as above, and stores it. What it loads, it waits for each
    /// time.
    Callee(Callee),
}

/// The program. Its function has the parameters
/// `(block, blocks, batch, m, n, k: index, map_a, map_b: !llvm.ptr, [map_c: !llvm.ptr | c: memref | ], captured…)`
/// where A is `batch` x `m` x `k`, B is `batch` x `k` x `n`, and the tensor maps are as [`Wgmma::maps`] says. Sizes may be 0; those
/// of matrices are below 2^31 - 256, as coordinates of tensor maps have 32 bits.
///
/// The kernel has to be launched with [`Wgmma::threads`] threads and [`Wgmma::shared_bytes`] of dynamic shared memory, must have
/// `nvvm.maxntid` and `nvvm.minctasm` say as much (without them the assembler ignores `setmaxnreg`), and takes the
/// maps as `!llvm.ptr {llvm.align = 64, llvm.byval = !llvm.array<128 x i8>, nvvm.grid_constant}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wgmma {
    /// The symbol of the function.
    pub name: String,
    /// The type of A and B, of 16 bits.
    pub input: Element,
    /// What becomes of the sums.
    pub output: Output,
    /// How matrices of A are stored.
    pub a: Storage,
    /// How matrices of B are stored.
    pub b: Storage,
    /// The tile of a block.
    pub tile: Tile,
}

/// What the parts of the program share.
struct Block<'a> {
    program: &'a Wgmma,
    ring: Ring,
    grid: Grid,
    /// The base of the shared memory.
    shared: Value,
    /// The warpgroup, equal in a warp.
    group: Value,
    /// The thread in its warpgroup.
    lane: Value,
    /// Whether the thread is its warpgroup's first.
    is_first: Value,
    /// Stages along the inner dimension.
    depth: Value,
    /// The tensor maps of A and B.
    maps: [Value; 2],
}

impl Wgmma {
    /// Threads of a block.
    pub fn threads(&self) -> i64 {
        GROUP * (self.tile.groups() + 1)
    }

    /// Blocks that a multiprocessor has at once; so many times its multiprocessors are to be launched, or the tiles if
    /// they are fewer.
    pub fn blocks_per_multiprocessor(&self) -> i64 {
        self.tile.blocks
    }

    /// Tiles of a product.
    pub fn tiles(&self, [batch, m, n]: [i64; 3]) -> i64 {
        let up = |size: i64, tile: i64| (size + tile - 1) / tile;
        batch * up(m, self.tile.rows) * up(n, self.tile.columns)
    }

    /// Bytes of dynamic shared memory of a block.
    pub fn shared_bytes(&self) -> i64 {
        self.barriers() + Ring::bytes(self.stages())
    }

    /// The tensor maps that the host makes: of A, B, and C if the output is one.
    pub fn maps(&self) -> Vec<TensorMapShape> {
        let mut maps = vec![map::left(self), map::right(self)];
        if let Output::Map(element) | Output::Through(element, _) = self.output {
            maps.push(map::result(element));
        }
        maps
    }

    /// The function, and what it needs before it.
    ///
    /// # Errors
    /// Says what no such program has: inputs that are not of 16 bits, a tensor map of wider results, tiles that
    /// `wgmma` or shared memory do not take.
    pub fn text(&self) -> Result<String, String> {
        self.check()?;
        let mut function = Function::new(&self.name);
        self.emit(&mut function);
        Ok(function.finish())
    }

    fn emit(&self, f: &mut Function) {
        let [block, blocks, batch, m, n, k] = [(); 6].map(|()| f.parameter("index"));
        let maps = [(); 2].map(|()| f.parameter("!llvm.ptr"));
        let results = Results::parameters(f, &self.output, [&m, &n]);
        let shared = f.dynamic_shared();
        let thread = f.thread();
        let group = f.with("arith.divui", &thread, GROUP);
        let group = uniform(f, &group);
        let lane = f.with("arith.remui", &thread, GROUP);
        let is_first = is(f, &lane, 0);
        let depth = f.with("arith.addi", &k, DEPTH - 1);
        let depth = f.with("arith.divui", &depth, DEPTH);
        let depth = f.cast("arith.index_cast", &depth, "i32");
        let work = Block {
            program: self,
            ring: Ring::new(&shared, self.barriers(), self.stages()),
            grid: Grid::new(f, &self.tile, [&block, &blocks], [&batch, &m, &n]),
            shared,
            group,
            lane,
            is_first,
            depth,
            maps,
        };
        let is_start = is(f, &thread, 0);
        f.when(&is_start, |f| {
            work.ring.start(f, self.tile.groups());
            for map in work.maps.iter().chain(results.map()) {
                f.line(&format!("nvvm.prefetch tensormap, {map} : !llvm.ptr"));
            }
        });
        f.barrier();
        let loads = is(f, &work.group, self.tile.groups());
        f.choose(
            &loads,
            &[],
            |f| {
                produce::emit(f, &work);
                vec![]
            },
            |f| {
                consume::emit(f, &work, &results);
                vec![]
            },
        );
    }

    fn check(&self) -> Result<(), String> {
        if self.input.bytes() != 2 {
            return Err(format!("wgmma of {} is not made here", self.input.ty()));
        }
        if let Output::Map(element) | Output::Through(element, _) = self.output
            && element.bytes() != 2
        {
            let name = element.ty();
            return Err(format!("results of {name} are stored by Output::Memref"));
        }
        self.tile.check()?;
        if self.stages() < 2 {
            return Err(format!(
                "a tile {:?}, of which shared memory does not hold two stages",
                self.tile
            ));
        }
        Ok(())
    }

    /// How many tiles of A and B are loaded at once: what the tile says, or what shared memory holds.
    fn stages(&self) -> i64 {
        let most = tile::most_shared(self.tile.blocks) - self.result_bytes();
        let each = self.stage_bytes() + Ring::bytes(1);
        self.tile.stages.min(most / each)
    }

    /// Bytes of a stage of A and B.
    fn stage_bytes(&self) -> i64 {
        (self.tile.rows + self.tile.columns) * LINE
    }

    /// Bytes in which results are put together.
    fn result_bytes(&self) -> i64 {
        match self.output {
            Output::Map(_) | Output::Through(..) => {
                staged::bytes(self.tile.rows, self.tile.columns)
            }
            Output::Memref(_) | Output::Callee(_) => each::bytes(self.tile.groups()),
        }
    }

    /// Where results are put together, after the stages.
    fn staging(&self) -> i64 {
        self.stages() * self.stage_bytes()
    }

    /// Where the barriers are, after that.
    fn barriers(&self) -> i64 {
        self.staging() + self.result_bytes()
    }
}

/// Whether an integer is a constant.
fn is(f: &mut Function, value: &Value, constant: i64) -> Value {
    let constant = f.int(constant, value.ty());
    f.cmp("eq", value, &constant)
}

/// A value of a warp's first thread, which the assembler then knows to be equal in the warp.
fn uniform(f: &mut Function, value: &Value) -> Value {
    let (all, zero, clamp) = (f.i32(-1), f.i32(0), f.i32(31));
    f.op(
        &format!("nvvm.shfl.sync idx {all}, {value}, {zero}, {clamp} : i32 -> i32"),
        "i32",
    )
}

/// A place so many bytes after a pointer, by a number of 32 bits.
fn byte(f: &mut Function, pointer: &Value, bytes: &Value) -> Value {
    f.place(pointer, "i8", bytes)
}
