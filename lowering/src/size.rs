//! Sizes of buffers as polynomials over the dims of an entry: what a size operand evaluates to, or an upper bound of
//! it, traced through the ops that compute it.

use crate::{entry::Leaf, walk};
use dlc_abi::{Poly, dim::Factor};
use dlc_dialects::ir::{
    inspect,
    shape::{self, DYNAMIC},
};
use melior::ir::{
    BlockLike, OperationRef, RegionLike, Type, Value, ValueLike,
    attribute::{ArrayAttribute, DenseI64ArrayAttribute, IntegerAttribute},
    block::BlockArgument,
    operation::{OperationLike, OperationResult},
};

/// The dims of a function, and the shapes of its arguments.
pub struct Dims<'x> {
    /// The names of the leading arguments.
    pub names: &'x [String],
    /// What is known of the memref arguments.
    pub leaves: &'x [Leaf],
}

/// Bytes of an element in memory; `None` for types that no buffer holds.
pub fn element_bytes(element: Type) -> Option<i64> {
    let text = element.to_string();
    if text == "index" {
        return Some(8);
    }
    if text.starts_with("vector<") {
        let count: i64 = shape::shape(element).into_iter().product();
        return Some(count * element_bytes(shape::element(element))?);
    }
    let bits: i64 = text
        .trim_start_matches("ui")
        .trim_start_matches(['i', 'b', 'f'])
        .parse()
        .ok()?;
    Some((bits + 7) / 8)
}

/// Whether `a >= b` for all dims that are not negative.
pub fn dominates(a: &Poly, b: &Poly) -> bool {
    (a.clone() - b.clone())
        .terms()
        .iter()
        .all(|(coefficient, _)| *coefficient >= 0)
}

/// An upper bound of the size in bytes of what an allocation makes.
pub fn bytes(alloc: OperationRef, dims: &Dims) -> Option<Poly> {
    let ty = alloc.result(0).ok()?.r#type();
    let mut size = Poly::constant(element_bytes(shape::element(ty))?);
    let mut operand = 0;
    for extent in shape::shape(ty) {
        let extent = match extent {
            DYNAMIC => {
                let value = alloc.operand(operand).ok()?;
                operand += 1;
                upper(value, dims)?
            }
            known => Poly::constant(known),
        };
        size = size * extent;
    }
    Some(size)
}

/// The type of what an allocation makes as DL would write it, such as `f32[B, 64]`.
pub fn type_text(alloc: OperationRef, dims: &Dims) -> String {
    let Ok(memory) = alloc.result(0) else {
        return String::new();
    };
    let mut operands = alloc.operands();
    let extents = shape::shape(memory.r#type()).into_iter().map(|extent| {
        let upper = |value| upper(value, dims).map_or("?".to_string(), |size| size.to_string());
        match extent {
            DYNAMIC => operands.next().map_or("?".to_string(), upper),
            known => known.to_string(),
        }
    });
    let extents: Vec<_> = extents.collect();
    format!(
        "{}[{}]",
        shape::element(memory.r#type()),
        extents.join(", ")
    )
}

/// The bytes of a shape of dims.
pub fn bytes_of_shape(shape: &[Poly], element: i64) -> Poly {
    shape.iter().fold(Poly::constant(element), |size, extent| {
        size * extent.clone()
    })
}

/// The size if it is constant.
pub fn constant(value: Value) -> Option<i64> {
    let op = inspect::defining_op(value)?;
    match walk::is(op, "arith.constant") {
        true => Some(
            IntegerAttribute::try_from(op.attribute("value").ok()?)
                .ok()?
                .value(),
        ),
        false => None,
    }
}

/// What an index value is, exactly.
pub fn exact(value: Value, dims: &Dims) -> Option<Poly> {
    if let Some(argument) = inspect::argument(value) {
        return in_function(argument)
            .then(|| dims.names.get(argument.argument_number()).map(Poly::name))?;
    }
    let result = OperationResult::try_from(value).ok()?;
    let op = result.owner();
    let operand = |i| exact(op.operand(i).ok()?, dims);
    let divisor = || constant(op.operand(1).ok()?).filter(|d| *d > 0);
    match op.name().as_string_ref().as_str().ok()? {
        "arith.constant" => constant(value).map(Poly::constant),
        "arith.addi" => Some(operand(0)? + operand(1)?),
        "arith.subi" => Some(operand(0)? - operand(1)?),
        "arith.muli" => Some(operand(0)? * operand(1)?),
        "arith.floordivsi" | "arith.divsi" | "arith.divui" => operand(0)?.floor_div(divisor()?),
        "arith.ceildivsi" | "arith.ceildivui" => {
            (operand(0)? + Poly::constant(divisor()? - 1)).floor_div(divisor()?)
        }
        "arith.remsi" | "arith.remui" => operand(0)?.rem(divisor()?),
        "arith.index_cast" | "arith.index_castui" => operand(0),
        "memref.dim" => extent(op.operand(0).ok()?, constant(op.operand(1).ok()?)?, dims),
        _ => None,
    }
}

/// The extent of an axis of a memref.
fn extent(memref: Value, axis: i64, dims: &Dims) -> Option<Poly> {
    let axis = usize::try_from(axis).ok()?;
    let known = *shape::shape(memref.r#type()).get(axis)?;
    if known != DYNAMIC {
        return Some(Poly::constant(known));
    }
    if let Some(argument) = inspect::argument(memref) {
        let number = argument.argument_number();
        if in_function(argument) {
            let leaf = dims.leaves.iter().find(|leaf| leaf.index == number)?;
            return leaf.shape.get(axis).cloned();
        }
        // What a loop carries has the extents that it begins with.
        let parent = argument.owner().parent_operation()?;
        let operand = match parent.name().as_string_ref().as_str().ok()? {
            "scf.for" => number + 2,
            "scf.while" => number,
            _ => return None,
        };
        return extent(parent.operand(operand).ok()?, axis as i64, dims);
    }
    let result = OperationResult::try_from(memref).ok()?;
    let (op, number) = (result.owner(), result.result_number());
    let dynamic_before = |shape: &[i64]| shape[..axis].iter().filter(|d| **d == DYNAMIC).count();
    let sizes = shape::shape(memref.r#type());
    match op.name().as_string_ref().as_str().ok()? {
        "memref.alloc" | "memref.alloca" => exact(op.operand(dynamic_before(&sizes)).ok()?, dims),
        "memref.cast" => extent(op.operand(0).ok()?, axis as i64, dims),
        "scf.for" => extent(op.operand(3 + number).ok()?, axis as i64, dims),
        "scf.while" if number < op.operand_count() => {
            extent(op.operand(number).ok()?, axis as i64, dims)
        }
        "scf.if" => {
            let side = op.region(0).ok()?.first_block()?;
            let yielded = side.terminator()?.operand(number).ok()?;
            extent(yielded, axis as i64, dims)
        }
        "memref.collapse_shape" => {
            let source = op.operand(0).ok()?;
            let groups = ArrayAttribute::try_from(op.attribute("reassociation").ok()?).ok()?;
            let group = ArrayAttribute::try_from(groups.element(axis).ok()?).ok()?;
            let axes = (0..group.len()).map(|i| {
                let axis = IntegerAttribute::try_from(group.element(i).ok()?).ok()?;
                extent(source, axis.value(), dims)
            });
            Some(bytes_of_shape(&axes.collect::<Option<Vec<_>>>()?, 1))
        }
        "memref.expand_shape" => exact(op.operand(1 + dynamic_before(&sizes)).ok()?, dims),
        "memref.subview" => {
            let offsets =
                DenseI64ArrayAttribute::try_from(op.attribute("static_offsets").ok()?).ok()?;
            let offsets = (0..offsets.len())
                .filter(|i| offsets.element(*i) == Ok(DYNAMIC))
                .count();
            let all = DenseI64ArrayAttribute::try_from(op.attribute("static_sizes").ok()?).ok()?;
            // Rank-reducing views drop axes, so that numbers of axes no longer agree.
            let same_rank = all.len() == sizes.len();
            same_rank
                .then(|| exact(op.operand(1 + offsets + dynamic_before(&sizes)).ok()?, dims))?
        }
        _ => None,
    }
}

fn in_function(argument: BlockArgument) -> bool {
    argument
        .owner()
        .parent_operation()
        .is_some_and(|op| walk::is(op, "func.func"))
}

/// The least upper bound that is easily had; sizes are not negative.
pub fn upper(value: Value, dims: &Dims) -> Option<Poly> {
    if let Some(exact) = exact(value, dims) {
        return Some(exact);
    }
    if let Some(argument) = inspect::argument(value) {
        let parent = argument.owner().parent_operation()?;
        let counts = walk::is(parent, "scf.for") && argument.argument_number() == 0;
        return counts.then(|| upper(parent.operand(1).ok()?, dims))?;
    }
    let result = OperationResult::try_from(value).ok()?;
    let op = result.owner();
    let operand = |i| upper(op.operand(i).ok()?, dims);
    match op.name().as_string_ref().as_str().ok()? {
        "arith.minsi" | "arith.minui" => match (operand(0), operand(1)) {
            (Some(a), Some(b)) if dominates(&b, &a) => Some(a),
            (Some(a), Some(b)) if b.as_const().is_some() || dominates(&a, &b) => Some(b),
            (a, b) => a.or(b),
        },
        "arith.maxsi" | "arith.maxui" => Some(larger(operand(0)?, operand(1)?)),
        "arith.select" => Some(larger(operand(1)?, operand(2)?)),
        "arith.addi" => Some(operand(0)? + operand(1)?),
        "arith.muli" => Some(operand(0)? * operand(1)?),
        "arith.subi" => Some(operand(0)? - exact(op.operand(1).ok()?, dims).unwrap_or_default()),
        "arith.index_cast" | "arith.index_castui" => operand(0),
        _ => None,
    }
}

fn larger(a: Poly, b: Poly) -> Poly {
    match (dominates(&a, &b), dominates(&b, &a)) {
        (true, _) => a,
        (_, true) => b,
        _ => a + b,
    }
}

/// Writes polynomials as code in the `llvm` dialect, on i64 and checked: each step may set a flag of overflow.
pub struct Checked<'x> {
    /// The values of the dims: names and SSA names.
    pub dims: &'x [(String, String)],
    /// The code so far.
    pub code: String,
    /// The SSA name of the flag; i1.
    pub overflow: String,
    /// Bits of an address: no size is of more.
    address_bits: i64,
    next: usize,
}

impl<'x> Checked<'x> {
    /// Begins with a flag that is not set.
    pub fn new(dims: &'x [(String, String)]) -> Self {
        let code = "  %no = llvm.mlir.constant(false) : i1\n".to_string();
        Self {
            dims,
            code,
            overflow: "%no".into(),
            address_bits: 64,
            next: 0,
        }
    }

    /// The same where addresses have so many bits.
    pub fn with_addresses(mut self, bits: i64) -> Self {
        self.address_bits = bits;
        self
    }

    /// A new SSA name for an expression.
    pub fn let_(&mut self, expression: &str) -> String {
        let name = format!("%v{}", self.next);
        self.next += 1;
        self.code += &format!("  {name} = {expression}\n");
        name
    }

    /// A constant.
    pub fn constant(&mut self, value: i64) -> String {
        self.let_(&format!("llvm.mlir.constant({value} : i64) : i64"))
    }

    /// Sets the flag if the i1 is set.
    pub fn flag(&mut self, condition: &str) {
        self.overflow = self.let_(&format!("llvm.or {}, {condition} : i1", self.overflow));
    }

    fn checked(&mut self, op: &str, a: &str, b: &str) -> String {
        let pair = "!llvm.struct<(i64, i1)>";
        let both = self.let_(&format!(
            "\"llvm.intr.{op}.with.overflow\"({a}, {b}) : (i64, i64) -> {pair}"
        ));
        let flag = self.let_(&format!("llvm.extractvalue {both}[1] : {pair}"));
        self.flag(&flag);
        self.let_(&format!("llvm.extractvalue {both}[0] : {pair}"))
    }

    /// a + b.
    pub fn add(&mut self, a: &str, b: &str) -> String {
        self.checked("sadd", a, b)
    }

    /// a * b.
    pub fn mul(&mut self, a: &str, b: &str) -> String {
        if self.address_bits == 64 {
            return self.checked("smul", a, b);
        }
        // Factors of 32 bits have a product of 64, which needs no function of the compiler's runtime library.
        for factor in [a, b] {
            let narrow = self.let_(&format!("llvm.trunc {factor} : i64 to i32"));
            let same = self.let_(&format!("llvm.sext {narrow} : i32 to i64"));
            let large = self.let_(&format!("llvm.icmp \"ne\" {same}, {factor} : i64"));
            self.flag(&large);
        }
        self.let_(&format!("llvm.mul {a}, {b} : i64"))
    }

    /// The larger, signed.
    pub fn max(&mut self, a: &str, b: &str) -> String {
        self.let_(&format!("llvm.intr.smax({a}, {b}) : (i64, i64) -> i64"))
    }

    /// a, rounded up to a multiple of a power of two.
    pub fn round_up(&mut self, a: &str, to: i64) -> String {
        let less = self.constant(to - 1);
        let more = self.add(a, &less);
        let mask = self.constant(-to);
        self.let_(&format!("llvm.and {more}, {mask} : i64"))
    }

    /// The value of a polynomial.
    pub fn poly(&mut self, poly: &Poly) -> String {
        let mut sum: Option<String> = None;
        for (coefficient, factors) in poly.terms() {
            let coefficient = i64::try_from(coefficient).unwrap_or_else(|_| {
                // Beyond 64 bits it is never a size.
                let yes = self.let_("llvm.mlir.constant(true) : i1");
                self.flag(&yes);
                0
            });
            let mut product = match (coefficient, factors.is_empty()) {
                (1, false) => None,
                _ => Some(self.constant(coefficient)),
            };
            for factor in &factors {
                let factor = self.factor(factor);
                product = Some(match product {
                    Some(product) => self.mul(&product, &factor),
                    None => factor,
                });
            }
            let product = product.expect("a term has a coefficient or a factor");
            sum = Some(match sum {
                Some(sum) => self.add(&sum, &product),
                None => product,
            });
        }
        match sum {
            Some(sum) => sum,
            None => self.constant(0),
        }
    }

    fn factor(&mut self, factor: &Factor) -> String {
        match factor {
            Factor::Name(name) => {
                let known = self.dims.iter().find(|(dim, _)| dim == name);
                known
                    .map(|(_, value)| value.clone())
                    .expect("an entry's polynomials name its dims")
            }
            Factor::FloorDiv(inner, divisor) => {
                let (value, divisor) = (self.poly(inner), *divisor);
                let rest = self.remainder(&value, divisor);
                let whole = self.checked("ssub", &value, &rest);
                let divisor = self.constant(divisor);
                self.let_(&format!("llvm.sdiv {whole}, {divisor} : i64"))
            }
            Factor::Rem(inner, divisor) => {
                let value = self.poly(inner);
                self.remainder(&value, *divisor)
            }
        }
    }

    /// The remainder in `0..divisor`.
    fn remainder(&mut self, value: &str, divisor: i64) -> String {
        let divisor = self.constant(divisor);
        let rest = self.let_(&format!("llvm.srem {value}, {divisor} : i64"));
        // It lies between -divisor and divisor, so that the sum may only overflow for huge divisors.
        let positive = self.add(&rest, &divisor);
        self.let_(&format!("llvm.srem {positive}, {divisor} : i64"))
    }
}
