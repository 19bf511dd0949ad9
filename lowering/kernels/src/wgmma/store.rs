//! What becomes of the sums, which a warpgroup has in registers.
//!
//! A thread has, for each eight columns, two neighbouring sums in each of two rows that are eight apart (see the fragments of D in the
//! PTX ISA).

use super::tile::Corner;
use super::{Block, Callee, Element, Function, GROUP, LINE, Output, SQUARE, Value, byte, is};

/// Where results go.
pub(super) struct Results {
    target: Target,
    /// Rows and columns of C.
    sizes: [Value; 2],
}

enum Target {
    Map(Element, Value),
    Memref(Element, Memref),
    Callee(Callee, Vec<Value>),
}

/// A memref of three axes, taken apart.
struct Memref {
    /// In global memory, its first element.
    pointer: Value,
    strides: [Value; 3],
    /// Whether pairs of columns may be stored as one.
    has_pairs: Value,
}

/// The sums of a thread.
pub(super) struct Sums {
    values: Value,
}

/// Places of a thread's sums in C, in 64 bits.
struct Places {
    batch: Value,
    /// The two rows, and whether they are inside.
    rows: [(Value, Value); 2],
    /// The first column.
    column: Value,
    /// Columns from there to the end; less than 0 if it is outside.
    left: Value,
}

impl Sums {
    pub fn new(values: &Value) -> Self {
        Self {
            values: values.clone(),
        }
    }

    /// Two neighbouring sums: which eight columns, and which of the two rows.
    fn pair(&self, f: &mut Function, eight: i64, half: i64) -> [Value; 2] {
        [0, 1].map(|at| {
            let index = 4 * eight + 2 * half + at;
            let text = format!(
                "llvm.extractvalue {}[{index}] : {}",
                self.values,
                self.values.ty()
            );
            f.op(&text, "f32")
        })
    }
}

impl Results {
    /// Adds the parameters that say where results go.
    pub fn parameters(f: &mut Function, output: &Output, sizes: [&Value; 2]) -> Self {
        let target = match output {
            Output::Map(element) => Target::Map(*element, f.parameter("!llvm.ptr")),
            Output::Memref(element) => {
                let name = element.name();
                let ty = format!("memref<?x?x?x{name}, strided<[?, ?, ?], offset: ?>>");
                let memref = f.parameter(&ty);
                Target::Memref(*element, Memref::new(f, &memref, *element, sizes[1]))
            }
            Output::Callee(callee) => {
                let captured = callee.captured.iter();
                let captured = captured.map(|ty| f.parameter(ty)).collect();
                Target::Callee(callee.clone(), captured)
            }
        };
        Self {
            target,
            sizes: sizes.map(Value::clone),
        }
    }

    /// The tensor map, if it is one.
    pub fn map(&self) -> Option<&Value> {
        match &self.target {
            Target::Map(_, map) => Some(map),
            _ => None,
        }
    }

    /// Stores the sums of a tile.
    pub fn store(&self, f: &mut Function, block: &Block, corner: &Corner, sums: &Sums) {
        match &self.target {
            Target::Map(element, map) => staged(f, block, corner, sums, (*element, map)),
            Target::Memref(element, memref) => {
                let places = Places::new(f, block, corner, &self.sizes);
                let eights = block.program.tile.columns / 8;
                f.choose(
                    &memref.has_pairs,
                    &[],
                    |f| {
                        memref.store_pairs(f, &places, sums, (*element, eights));
                        vec![]
                    },
                    |f| {
                        memref.store_each(f, &places, sums, (*element, eights));
                        vec![]
                    },
                );
            }
            Target::Callee(callee, captured) => {
                let places = Places::new(f, block, corner, &self.sizes);
                let eights = block.program.tile.columns / 8;
                places.each(f, eights, |f, half, eight, at, column| {
                    let sum = sums.pair(f, eight, half as i64)[at as usize].clone();
                    let places = [&places.batch, &places.rows[half].0, column];
                    let places = places.map(|place| f.cast("arith.index_cast", place, "index"));
                    let mut arguments = vec![sum];
                    arguments.extend(places);
                    arguments.extend(captured.iter().cloned());
                    f.call(&callee.name, &arguments, None);
                });
            }
        }
    }

    /// Waits until all is stored.
    pub fn finish(&self, f: &mut Function, block: &Block) {
        if let Target::Map(..) = self.target {
            f.when(&block.is_first, |f| {
                f.line("nvvm.cp.async.bulk.wait_group 0");
            });
        }
    }
}

/// Two sums as a word of two rounded ones, the first in its lower half.
fn rounded(f: &mut Function, element: Element, [low, high]: &[Value; 2]) -> Value {
    let name = element.name();
    f.op(
        &format!(
            "llvm.inline_asm \"cvt.rn.{name}x2.f32 $0, $1, $2;\", \"=r,f,f\" {high}, {low} : (f32, f32) -> i32"
        ),
        "i32",
    )
}

/// Puts a warpgroup's rows together in shared memory, swizzled, and starts the copies of squares from there.
fn staged(
    f: &mut Function,
    block: &Block,
    corner: &Corner,
    sums: &Sums,
    (element, map): (Element, &Value),
) {
    let columns = block.program.tile.columns;
    let squares = columns / 64;
    let base = f.with("arith.muli", &block.group, squares * SQUARE);
    let base = f.with("arith.addi", &base, block.program.staging());
    // A thread says where a line of eight elements goes: in a row of its warp's 16, and the left or right half of 16 columns.
    let warp = f.with("arith.divui", &block.lane, 32);
    let in_eight = f.with("arith.andi", &block.lane, 7);
    let row = f.with("arith.andi", &block.lane, 15);
    let of_warp = f.with("arith.muli", &warp, 16);
    let row = f.add(&of_warp, &row);
    let row = f.with("arith.muli", &row, LINE);
    let row = f.add(&base, &row);
    let right = f.with("arith.shrui", &block.lane, 4);
    let right = f.with("arith.andi", &right, 1);
    // The copies of the last tile have read what they copy.
    f.when(&block.is_first, |f| {
        f.line("nvvm.cp.async.bulk.wait_group 0 {read}");
    });
    together(f, block);
    for sixteen in 0..columns / 16 {
        let words = [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(eight, half)| {
            let pair = sums.pair(f, 2 * sixteen + eight, half);
            rounded(f, element, &pair).to_string()
        });
        let piece = f.with("arith.addi", &right, 2 * (sixteen % 4));
        let piece = f.xor(&piece, &in_eight);
        let piece = f.with("arith.muli", &piece, 16);
        let place = f.with("arith.addi", &row, sixteen / 4 * SQUARE);
        let place = f.add(&place, &piece);
        let place = byte(f, &block.shared, &place);
        f.line(&format!(
            "nvvm.stmatrix {place}, {} {{layout = #nvvm.mma_layout<row>, shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>, \
             eltType = #nvvm.ld_st_matrix_elt_type<b16>}} : !llvm.ptr<3>, i32, i32, i32, i32",
            words.join(", ")
        ));
    }
    f.line(
        "nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}",
    );
    together(f, block);
    f.when(&block.is_first, |f| {
        let first = f.with("arith.muli", &block.group, 64);
        let row = f.add(&corner.row, &first);
        for square in 0..squares {
            let from = f.with("arith.addi", &base, square * SQUARE);
            let from = byte(f, &block.shared, &from);
            let column = f.with("arith.addi", &corner.column, 64 * square);
            f.line(&format!(
                "nvvm.cp.async.bulk.tensor.global.shared.cta {map}, {from}, box[{column}, {row}, {}] : !llvm.ptr, !llvm.ptr<3>",
                corner.batch
            ));
        }
        f.line("nvvm.cp.async.bulk.commit.group");
    });
}

/// Waits for the threads of the warpgroup.
fn together(f: &mut Function, block: &Block) {
    // Each has a barrier of its own by a constant, so that the assembler knows how many there are; 0 is that of the block.
    let threads = f.i32(GROUP);
    for group in 0..block.program.tile.groups() {
        let is_own = is(f, &block.group, group);
        f.when(&is_own, |f| {
            let barrier = f.i32(group + 1);
            f.line(&format!(
                "nvvm.barrier id = {barrier} number_of_threads = {threads}"
            ));
        });
    }
}

impl Places {
    fn new(f: &mut Function, block: &Block, corner: &Corner, sizes: &[Value; 2]) -> Self {
        let [rows, columns] = sizes
            .each_ref()
            .map(|size| f.cast("arith.index_cast", size, "i64"));
        let warp = f.with("arith.divui", &block.lane, 32);
        let of_warp = f.with("arith.muli", &warp, 16);
        let lane = f.with("arith.remui", &block.lane, 32);
        let row = f.with("arith.divui", &lane, 4);
        let row = f.add(&of_warp, &row);
        let of_group = f.with("arith.muli", &block.group, 64);
        let row = f.add(&of_group, &row);
        let row = f.add(&corner.row, &row);
        let row = f.cast("arith.extui", &row, "i64");
        let rows = [0, 8].map(|by| {
            let row = f.with("arith.addi", &row, by);
            let is_inside = f.cmp("slt", &row, &rows);
            (row, is_inside)
        });
        let column = f.with("arith.remui", &lane, 4);
        let column = f.with("arith.muli", &column, 2);
        let column = f.add(&corner.column, &column);
        let column = f.cast("arith.extui", &column, "i64");
        let left = f.sub(&columns, &column);
        let batch = f.cast("arith.extui", &corner.batch, "i64");
        Self {
            batch,
            rows,
            column,
            left,
        }
    }

    /// Does something for all sums that are inside: with which of the two rows, which eight columns, which of the two of them, and the
    /// column.
    fn each(
        &self,
        f: &mut Function,
        eights: i64,
        body: impl Fn(&mut Function, usize, i64, i64, &Value),
    ) {
        for half in 0..2 {
            f.when(&self.rows[half].1, |f| {
                for (eight, at) in (0..eights).flat_map(|eight| [(eight, 0), (eight, 1)]) {
                    let by = f.int(8 * eight + at, "i64");
                    let is_inside = f.cmp("sgt", &self.left, &by);
                    f.when(&is_inside, |f| {
                        let column = f.add(&self.column, &by);
                        body(f, half, eight, at, &column);
                    });
                }
            });
        }
    }
}

impl Memref {
    /// Takes a memref apart, with so many columns.
    fn new(f: &mut Function, memref: &Value, element: Element, columns: &Value) -> Self {
        let base = format!("memref<{}>", element.name());
        let mut types = vec![base.as_str()];
        types.extend(["index"; 7]);
        let text = format!(
            "memref.extract_strided_metadata {memref} : {} -> {}",
            memref.ty(),
            types.join(", ")
        );
        let parts = f.ops(&text, &types);
        let address = f.op(
            &format!(
                "memref.extract_aligned_pointer_as_index {memref} : {} -> index",
                memref.ty()
            ),
            "index",
        );
        let offset = f.with("arith.muli", &parts[1], element.bytes());
        let address = f.add(&address, &offset);
        let address = f.cast("arith.index_cast", &address, "i64");
        let pointer = f.cast("llvm.inttoptr", &address, "!llvm.ptr<1>");
        let strides = [5, 6, 7].map(|part| f.cast("arith.index_cast", &parts[part], "i64"));
        // Pairs are aligned, and there is no half of one at the end.
        let columns = f.cast("arith.index_cast", columns, "i64");
        let odd = f.same("arith.ori", &[&strides[0], &strides[1]]);
        let odd = f.same("arith.ori", &[&odd, &columns]);
        let odd = f.with("arith.muli", &odd, element.bytes());
        let odd = f.same("arith.ori", &[&odd, &address]);
        let odd = f.with("arith.andi", &odd, 2 * element.bytes() - 1);
        let zero = f.int(0, "i64");
        let one = f.int(1, "i64");
        let is_even = f.cmp("eq", &odd, &zero);
        let is_row = f.cmp("eq", &strides[2], &one);
        Self {
            pointer,
            strides,
            has_pairs: f.and(&is_even, &is_row),
        }
    }

    /// Where a row of a thread begins, at its first column.
    fn row(&self, f: &mut Function, places: &Places, half: usize, ty: &str) -> Value {
        let batch = f.mul(&places.batch, &self.strides[0]);
        let row = f.mul(&places.rows[half].0, &self.strides[1]);
        let column = f.mul(&places.column, &self.strides[2]);
        let place = f.add(&batch, &row);
        let place = f.add(&place, &column);
        f.place(&self.pointer, ty, &place)
    }

    fn store_pairs(
        &self,
        f: &mut Function,
        places: &Places,
        sums: &Sums,
        (element, eights): (Element, i64),
    ) {
        for half in 0..2 {
            f.when(&places.rows[half].1, |f| {
                let row = self.row(f, places, half, bits(element));
                for eight in 0..eights {
                    let by = f.int(8 * eight, "i64");
                    let is_inside = f.cmp("sgt", &places.left, &by);
                    f.when(&is_inside, |f| {
                        let pair = sums.pair(f, eight, half as i64);
                        let pair = match element {
                            Element::F32 => f.op(
                                &format!(
                                    "vector.from_elements {}, {} : vector<2xf32>",
                                    pair[0], pair[1]
                                ),
                                "vector<2xf32>",
                            ),
                            _ => rounded(f, element, &pair),
                        };
                        let place = f.place(&row, bits(element), &by);
                        f.store(&pair, &place, 2 * element.bytes());
                    });
                }
            });
        }
    }

    fn store_each(
        &self,
        f: &mut Function,
        places: &Places,
        sums: &Sums,
        (element, eights): (Element, i64),
    ) {
        let rows = [0, 1].map(|half| self.row(f, places, half, bits(element)));
        places.each(f, eights, |f, half, eight, at, _| {
            let pair = sums.pair(f, eight, half as i64);
            let value = match element {
                Element::F32 => pair[at as usize].clone(),
                _ => {
                    let sum = pair[at as usize].clone();
                    let word = rounded(f, element, &[sum.clone(), sum]);
                    f.cast("arith.trunci", &word, "i16")
                }
            };
            let by = f.with("arith.muli", &self.strides[2], 8 * eight + at);
            let place = f.place(&rows[half], bits(element), &by);
            f.store(&value, &place, element.bytes());
        });
    }
}

/// The type that has an element's bits.
fn bits(element: Element) -> &'static str {
    match element {
        Element::F32 => "f32",
        _ => "i16",
    }
}
