//! What programs have in common: types of elements, how matrices lie in memory, and functions of the caller.

use crate::text::{Function, Value};

/// What a matrix holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Element {
    /// IEEE, 16 bits.
    F16,
    /// The upper half of an f32.
    Bf16,
    /// IEEE, 32 bits.
    F32,
}

impl Element {
    /// Its type in MLIR.
    pub fn ty(self) -> &'static str {
        match self {
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::F32 => "f32",
        }
    }

    /// The type that it is loaded and stored as: a bf16 as its bits.
    pub fn stored(self) -> &'static str {
        match self {
            Self::Bf16 => "i16",
            _ => self.ty(),
        }
    }

    /// Its size.
    pub fn bytes(self) -> i64 {
        match self {
            Self::F16 | Self::Bf16 => 2,
            Self::F32 => 4,
        }
    }
}

/// Which of a matrix' two strides is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Storage {
    /// Elements of a row are neighbours.
    Rows,
    /// Elements of a column are neighbours.
    Columns,
}

/// A function of the caller.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Callee {
    /// Its name.
    pub name: String,
    /// Types of the parameters behind the program's own, which are passed on.
    pub captured: Vec<String>,
}

/// A matrix in global memory.
#[derive(Clone, Debug)]
pub struct Matrix {
    /// Where element (0, 0) is: `!llvm.ptr<1>`.
    pub pointer: Value,
    /// From one row, or column, to the next, in elements: `i64`.
    pub pitch: Value,
    /// What it holds.
    pub element: Element,
}

impl Matrix {
    /// A parameter for a matrix.
    pub fn parameter(f: &mut Function, element: Element) -> Value {
        f.parameter(&Self::ty(element))
    }

    /// The type of such a parameter.
    pub fn ty(element: Element) -> String {
        format!("memref<?x?x{}, strided<[?, ?], offset: ?>>", element.ty())
    }

    /// Takes a memref apart.
    pub fn new(f: &mut Function, memref: &Value, element: Element, storage: Storage) -> Self {
        let base = format!("memref<{}>", element.ty());
        let parts = f.ops(
            &format!(
                "memref.extract_strided_metadata {memref} : {} -> {base}, index, index, index, index, index",
                memref.ty()
            ),
            &[&base, "index", "index", "index", "index", "index"],
        );
        let address = f.op(
            &format!(
                "memref.extract_aligned_pointer_as_index {memref} : {} -> index",
                memref.ty()
            ),
            "index",
        );
        let address = f.cast("arith.index_cast", &address, "i64");
        let pointer = f.cast("llvm.inttoptr", &address, "!llvm.ptr<1>");
        let offset = f.cast("arith.index_cast", &parts[1], "i64");
        let pointer = f.place(&pointer, element.stored(), &offset);
        let stride = match storage {
            Storage::Rows => &parts[4],
            Storage::Columns => &parts[5],
        };
        let pitch = f.cast("arith.index_cast", stride, "i64");
        Self {
            pointer,
            pitch,
            element,
        }
    }

    /// Whether all rows, or columns, begin at multiples of so many bytes, a power of two.
    pub fn is_aligned(&self, f: &mut Function, bytes: i64) -> Value {
        let address = f.cast("llvm.ptrtoint", &self.pointer, "i64");
        let pitch = f.with("arith.muli", &self.pitch, self.element.bytes());
        let both = f.same("arith.ori", &[&address, &pitch]);
        let rest = f.with("arith.andi", &both, bytes - 1);
        let zero = f.int(0, "i64");
        f.cmp("eq", &rest, &zero)
    }
}
