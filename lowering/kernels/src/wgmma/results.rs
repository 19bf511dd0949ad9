//! Where sums go, and where a thread has them in registers.

use super::tile::Corner;
use super::{Block, Callee, Element, Function, Output, Value, each, staged};

/// Where results go.
pub(super) struct Results {
    target: Target,
    /// Rows and columns of C, in 64 bits.
    pub sizes: [Value; 2],
}

enum Target {
    Map(Map),
    Memref(Element, Memref),
    Callee(Call),
}

/// A tensor map, and what its elements go through before.
pub(super) struct Map {
    pub element: Element,
    pub map: Value,
    pub through: Option<Call>,
}

/// A function of the caller with what it takes beside an element.
pub(super) struct Call {
    callee: Callee,
    captured: Vec<Value>,
}

/// A memref of three axes, taken apart.
pub(super) struct Memref {
    /// Its first element, in global memory.
    pointer: Value,
    strides: [Value; 3],
}

impl Call {
    fn parameters(f: &mut Function, callee: &Callee) -> Self {
        let captured = callee.captured.iter();
        Self {
            callee: callee.clone(),
            captured: captured.map(|ty| f.parameter(ty)).collect(),
        }
    }

    /// Calls it for a sum at a place of 64-bit numbers: the matrix, row and column.
    pub fn emit(
        &self,
        f: &mut Function,
        sum: &Value,
        place: [&Value; 3],
        result: Option<&str>,
    ) -> Option<Value> {
        let place = place.map(|at| f.cast("arith.index_cast", at, "index"));
        let mut arguments = vec![sum.clone()];
        arguments.extend(place);
        arguments.extend(self.captured.iter().cloned());
        f.call(&self.callee.name, &arguments, result)
    }
}

impl Memref {
    fn new(f: &mut Function, memref: &Value, element: Element) -> Self {
        let base = format!("memref<{}>", element.ty());
        let mut types = vec![base.as_str()];
        types.extend(["index"; 7]);
        let ty = memref.ty();
        let text = format!(
            "memref.extract_strided_metadata {memref} : {ty} -> {}",
            types.join(", ")
        );
        let parts = f.ops(&text, &types);
        let text = format!("memref.extract_aligned_pointer_as_index {memref} : {ty} -> index");
        let address = f.op(&text, "index");
        let offset = f.with("arith.muli", &parts[1], element.bytes());
        let address = f.add(&address, &offset);
        let address = f.cast("arith.index_cast", &address, "i64");
        Self {
            pointer: f.cast("llvm.inttoptr", &address, "!llvm.ptr<1>"),
            strides: [5, 6, 7].map(|part| f.cast("arith.index_cast", &parts[part], "i64")),
        }
    }

    /// Stores a sum at a place of 64-bit numbers.
    fn store(&self, f: &mut Function, element: Element, sum: &Value, place: [&Value; 3]) {
        let mut at = f.mul(place[0], &self.strides[0]);
        for axis in [1, 2] {
            let along = f.mul(place[axis], &self.strides[axis]);
            at = f.add(&at, &along);
        }
        let value = match element {
            Element::F32 => sum.clone(),
            _ => f.op(
                &format!(
                    "llvm.inline_asm \"cvt.rn.{}.f32 $0, $1;\", \"=h,f\" {sum} : (f32) -> i16",
                    element.ty()
                ),
                "i16",
            ),
        };
        let to = f.place(&self.pointer, value.ty(), &at);
        f.store(&value, &to, element.bytes());
    }
}

impl Results {
    /// Adds the parameters that say where results go.
    pub fn parameters(f: &mut Function, output: &Output, sizes: [&Value; 2]) -> Self {
        let target = match output {
            Output::Map(element) => Target::Map(Map {
                element: *element,
                map: f.parameter("!llvm.ptr"),
                through: None,
            }),
            Output::Through(element, callee) => Target::Map(Map {
                element: *element,
                map: f.parameter("!llvm.ptr"),
                through: Some(Call::parameters(f, callee)),
            }),
            Output::Memref(element) => {
                let name = element.ty();
                let memref = format!("memref<?x?x?x{name}, strided<[?, ?, ?], offset: ?>>");
                let memref = f.parameter(&memref);
                Target::Memref(*element, Memref::new(f, &memref, *element))
            }
            Output::Callee(callee) => Target::Callee(Call::parameters(f, callee)),
        };
        Self {
            target,
            sizes: sizes.map(|size| f.cast("arith.index_cast", size, "i64")),
        }
    }

    /// The tensor map, if it is one.
    pub fn map(&self) -> Option<&Value> {
        match &self.target {
            Target::Map(map) => Some(&map.map),
            _ => None,
        }
    }

    /// Stores the sums of a tile.
    pub fn store(&self, f: &mut Function, block: &Block, corner: &Corner, sums: &Sums) {
        match &self.target {
            Target::Map(map) => staged::emit(f, block, (corner, &self.sizes), (sums, map)),
            Target::Memref(element, memref) => {
                each::emit(f, block, (corner, &self.sizes), sums, |f, sum, place| {
                    memref.store(f, *element, sum, place);
                });
            }
            Target::Callee(call) => {
                each::emit(f, block, (corner, &self.sizes), sums, |f, sum, place| {
                    call.emit(f, sum, place, None);
                });
            }
        }
    }

    /// Waits until all is stored.
    pub fn finish(&self, f: &mut Function, block: &Block) {
        if let Target::Map(_) = self.target {
            f.when(&block.is_first, |f| {
                f.line("nvvm.cp.async.bulk.wait_group 0");
            });
        }
    }
}

/// The sums of a thread: for each eight columns, two neighbouring ones in each of two rows that are eight apart (see the
/// fragments of D of `wgmma` in the PTX ISA).
pub(super) struct Sums {
    values: Value,
}

impl Sums {
    pub fn new(values: &Value) -> Self {
        Self {
            values: values.clone(),
        }
    }

    /// Two neighbouring sums: which eight columns, and which of the two rows.
    pub fn pair(&self, f: &mut Function, eight: i64, half: i64) -> [Value; 2] {
        let ty = self.values.ty();
        [0, 1].map(|at| {
            let index = 4 * eight + 2 * half + at;
            let text = format!("llvm.extractvalue {}[{index}] : {ty}", self.values);
            f.op(&text, "f32")
        })
    }
}
