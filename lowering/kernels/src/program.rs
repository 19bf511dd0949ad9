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
    /// IEEE, 64 bits.
    F64,
    /// 8 bits with a sign.
    I8,
    /// 8 bits without a sign.
    U8,
    /// 32 bits with a sign.
    I32,
    /// 64 bits with a sign.
    I64,
}

impl Element {
    /// Its type in MLIR.
    pub fn ty(self) -> &'static str {
        match self {
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::I8 | Self::U8 => "i8",
            Self::I32 => "i32",
            Self::I64 => "i64",
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
            Self::I8 | Self::U8 => 1,
            Self::F16 | Self::Bf16 => 2,
            Self::F32 | Self::I32 => 4,
            Self::F64 | Self::I64 => 8,
        }
    }

    /// Whether it has a fraction.
    pub fn is_float(self) -> bool {
        matches!(self, Self::F16 | Self::Bf16 | Self::F32 | Self::F64)
    }

    /// Whether each of its values is one of `wide` too.
    pub fn widens_to(self, wide: Self) -> bool {
        self == wide
            || match self {
                Self::F16 | Self::Bf16 => matches!(wide, Self::F32 | Self::F64),
                Self::F32 => wide == Self::F64,
                Self::I8 | Self::U8 => matches!(wide, Self::I32 | Self::I64),
                Self::I32 => wide == Self::I64,
                Self::F64 | Self::I64 => false,
            }
    }

    /// A stored value as one of `wide`, to which it widens.
    pub fn widen(self, f: &mut Function, value: &Value, wide: Self) -> Value {
        match self {
            _ if self == wide => value.clone(),
            Self::Bf16 => {
                let bits = f.cast("arith.extui", value, "i32");
                let bits = f.with("arith.shli", &bits, 16);
                let value = f.cast("arith.bitcast", &bits, "f32");
                Self::F32.widen(f, &value, wide)
            }
            Self::F16 | Self::F32 | Self::F64 => f.cast("arith.extf", value, wide.ty()),
            Self::U8 => f.cast("arith.extui", value, wide.ty()),
            Self::I8 | Self::I32 | Self::I64 => f.cast("arith.extsi", value, wide.ty()),
        }
    }

    /// A value of `wide`, which is a float if it is another type, as what is stored: rounded to the nearest, ties to even.
    pub fn narrow(self, f: &mut Function, value: &Value, wide: Self) -> Value {
        let narrow = match self == wide {
            true => value.clone(),
            false => f.cast("arith.truncf", value, self.ty()),
        };
        match self {
            Self::Bf16 => f.cast("arith.bitcast", &narrow, "i16"),
            _ => narrow,
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

    /// A place in it: row and column, or column and row, as `i64`.
    pub fn place(&self, f: &mut Function, outer: &Value, inner: &Value) -> Value {
        let start = f.mul(outer, &self.pitch);
        let index = f.add(&start, inner);
        f.place(&self.pointer, self.element.stored(), &index)
    }
}
