//! Text of functions: values have types, so that ops print them.

use std::fmt::{self, Display, Write};

/// Attributes of functions that LLVM expands where they are called, however large they are: a call within a kernel would make
/// the assembler give up the order of asynchronous products, and hide parameters of the kernel.
pub const EXPANDED: &str =
    "llvm.linkage = #llvm.linkage<internal>, passthrough = [\"alwaysinline\"]";

/// A value of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    name: String,
    ty: String,
}

impl Value {
    /// Its type.
    pub fn ty(&self) -> &str {
        &self.ty
    }

    /// The type of its elements, if it is a vector.
    pub fn element(&self) -> &str {
        let inner = self.ty.strip_prefix("vector<");
        let inner = inner.and_then(|rest| rest.split_once('x'));
        inner.map_or(&self.ty, |(_, element)| element.trim_end_matches('>'))
    }
}

impl Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Values with their types, as a list of both.
fn lists(values: &[Value]) -> (String, String) {
    let names: Vec<_> = values.iter().map(|v| v.name.as_str()).collect();
    let types: Vec<_> = values.iter().map(|v| v.ty.as_str()).collect();
    (names.join(", "), types.join(", "))
}

/// A function in the making. Ops go at the end of what there is.
#[derive(Debug)]
pub struct Function {
    name: String,
    parameters: Vec<Value>,
    /// Globals that stand before it.
    globals: String,
    body: String,
    next: usize,
    depth: usize,
}

impl Function {
    /// A function without parameters yet.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_string(),
            parameters: vec![],
            globals: String::new(),
            body: String::new(),
            next: 0,
            depth: 1,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// One more parameter.
    pub fn parameter(&mut self, ty: &str) -> Value {
        let value = self.fresh(ty);
        self.parameters.push(value.clone());
        value
    }

    /// Its text, with what it needs before it. LLVM expands it where it is called.
    pub fn finish(self) -> String {
        let parameters = self.parameters.iter();
        let parameters: Vec<_> = parameters.map(|p| format!("{p}: {}", p.ty)).collect();
        format!(
            "{}func.func private @{}({}) attributes {{{EXPANDED}}} {{\n{}  func.return\n}}\n",
            self.globals,
            self.name,
            parameters.join(", "),
            self.body
        )
    }

    /// So many bytes of static shared memory, aligned to 128, as `!llvm.ptr<3>`. Their name follows from the function's and `name`.
    pub fn shared(&mut self, name: &str, bytes: i64) -> Value {
        let symbol = format!("{}_{name}", self.name);
        writeln!(
            self.globals,
            "llvm.mlir.global internal @{symbol}() {{addr_space = 3 : i32, alignment = 128 : i64}} : !llvm.array<{bytes} x i8>"
        )
        .expect("writing to a string succeeds");
        self.op(
            &format!("llvm.mlir.addressof @{symbol} : !llvm.ptr<3>"),
            "!llvm.ptr<3>",
        )
    }

    /// The shared memory whose size a launch gives, aligned to 1024, as `!llvm.ptr<3>`.
    pub fn dynamic_shared(&mut self) -> Value {
        let symbol = format!("{}_dynamic", self.name);
        writeln!(
            self.globals,
            "llvm.mlir.global external @{symbol}() {{addr_space = 3 : i32, alignment = 1024 : i64}} : !llvm.array<0 x i8>"
        )
        .expect("writing to a string succeeds");
        self.op(
            &format!("llvm.mlir.addressof @{symbol} : !llvm.ptr<3>"),
            "!llvm.ptr<3>",
        )
    }

    fn fresh(&mut self, ty: &str) -> Value {
        self.next += 1;
        Value {
            name: format!("%{}", self.next - 1),
            ty: ty.to_string(),
        }
    }

    /// A line of text as it is.
    pub fn line(&mut self, text: &str) {
        let indent = "  ".repeat(self.depth);
        writeln!(self.body, "{indent}{text}").expect("writing to a string succeeds");
    }

    /// An op with one result of a type; `text` is what follows the equals sign.
    pub fn op(&mut self, text: &str, ty: &str) -> Value {
        let value = self.fresh(ty);
        self.line(&format!("{value} = {text}"));
        value
    }

    /// An op with several results of types, which `text` does not count.
    pub fn ops(&mut self, text: &str, types: &[&str]) -> Vec<Value> {
        let values: Vec<_> = types.iter().map(|ty| self.fresh(ty)).collect();
        let names: Vec<_> = values.iter().map(|v| v.name.clone()).collect();
        self.line(&format!("{} = {text}", names.join(", ")));
        values
    }

    /// An integer or an index.
    pub fn int(&mut self, value: i64, ty: &str) -> Value {
        self.op(&format!("arith.constant {value} : {ty}"), ty)
    }

    /// A number of 32 bits.
    pub fn i32(&mut self, value: i64) -> Value {
        self.int(value, "i32")
    }

    /// A floating-point number, or a vector of equal ones; `value` as MLIR writes it, such as `0.0` or `0xFF800000`.
    pub fn float(&mut self, value: &str, ty: &str) -> Value {
        let text = match ty.starts_with("vector") {
            true => format!("arith.constant dense<{value}> : {ty}"),
            false => format!("arith.constant {value} : {ty}"),
        };
        self.op(&text, ty)
    }

    /// An op on operands of one type, whose result is of that type too, such as `arith.addi`.
    pub fn same(&mut self, op: &str, operands: &[&Value]) -> Value {
        let names: Vec<_> = operands.iter().map(|v| v.name.as_str()).collect();
        let ty = operands[0].ty.clone();
        self.op(&format!("{op} {} : {ty}", names.join(", ")), &ty)
    }

    /// A sum of integers.
    pub fn add(&mut self, a: &Value, b: &Value) -> Value {
        self.same("arith.addi", &[a, b])
    }

    /// A difference of integers.
    pub fn sub(&mut self, a: &Value, b: &Value) -> Value {
        self.same("arith.subi", &[a, b])
    }

    /// A product of integers.
    pub fn mul(&mut self, a: &Value, b: &Value) -> Value {
        self.same("arith.muli", &[a, b])
    }

    /// A quotient of integers that are not negative.
    pub fn div(&mut self, a: &Value, b: &Value) -> Value {
        self.same("arith.divui", &[a, b])
    }

    /// What a division of integers that are not negative leaves.
    pub fn rem(&mut self, a: &Value, b: &Value) -> Value {
        self.same("arith.remui", &[a, b])
    }

    /// The smaller of two signed integers.
    pub fn min(&mut self, a: &Value, b: &Value) -> Value {
        self.same("arith.minsi", &[a, b])
    }

    /// Bit by bit.
    pub fn xor(&mut self, a: &Value, b: &Value) -> Value {
        self.same("arith.xori", &[a, b])
    }

    /// Bit by bit.
    pub fn and(&mut self, a: &Value, b: &Value) -> Value {
        self.same("arith.andi", &[a, b])
    }

    /// An operand and a constant of its type.
    pub fn with(&mut self, op: &str, a: &Value, constant: i64) -> Value {
        let constant = self.int(constant, &a.ty.clone());
        self.same(op, &[a, &constant])
    }

    /// A comparison of integers, by a predicate such as `slt`.
    pub fn cmp(&mut self, predicate: &str, a: &Value, b: &Value) -> Value {
        self.op(
            &format!("arith.cmpi {predicate}, {a}, {b} : {}", a.ty),
            "i1",
        )
    }

    /// One value or another.
    pub fn select(&mut self, condition: &Value, then: &Value, otherwise: &Value) -> Value {
        let ty = then.ty.clone();
        self.op(
            &format!("arith.select {condition}, {then}, {otherwise} : {ty}"),
            &ty,
        )
    }

    /// A value in another type, by an op such as `arith.index_cast`.
    pub fn cast(&mut self, op: &str, value: &Value, ty: &str) -> Value {
        self.op(&format!("{op} {value} : {} to {ty}", value.ty), ty)
    }

    /// A place so many elements of a type after a pointer.
    pub fn place(&mut self, pointer: &Value, element: &str, index: &Value) -> Value {
        let ty = pointer.ty.clone();
        self.op(
            &format!(
                "llvm.getelementptr {pointer}[{index}] : ({ty}, {}) -> {ty}, {element}",
                index.ty
            ),
            &ty,
        )
    }

    /// What is at a place, aligned to so many bytes.
    pub fn load(&mut self, pointer: &Value, ty: &str, alignment: i64) -> Value {
        self.op(
            &format!(
                "llvm.load {pointer} {{alignment = {alignment} : i64}} : {} -> {ty}",
                pointer.ty
            ),
            ty,
        )
    }

    /// Puts a value at a place, aligned to so many bytes.
    pub fn store(&mut self, value: &Value, pointer: &Value, alignment: i64) {
        self.line(&format!(
            "llvm.store {value}, {pointer} {{alignment = {alignment} : i64}} : {}, {}",
            value.ty, pointer.ty
        ));
    }

    /// Calls a function that has no result, or one of a type.
    pub fn call(
        &mut self,
        callee: &str,
        arguments: &[Value],
        result: Option<&str>,
    ) -> Option<Value> {
        let (names, types) = lists(arguments);
        let text = |to: &str| format!("func.call @{callee}({names}) : ({types}) -> {to}");
        match result {
            Some(ty) => Some(self.op(&text(ty), ty)),
            None => {
                self.line(&text("()"));
                None
            }
        }
    }

    /// A loop over integers or indices that carries values; the body gives the next ones.
    pub fn each(
        &mut self,
        [low, high, step]: [&Value; 3],
        initial: &[Value],
        body: impl FnOnce(&mut Self, &Value, &[Value]) -> Vec<Value>,
    ) -> Vec<Value> {
        let index = self.fresh(&low.ty.clone());
        let carried: Vec<_> = initial.iter().map(|v| self.fresh(&v.ty.clone())).collect();
        let results: Vec<_> = initial.iter().map(|v| self.fresh(&v.ty.clone())).collect();
        let of_index = match low.ty.as_str() {
            "index" => String::new(),
            ty => format!(" : {ty}"),
        };
        let mut head = String::new();
        if !initial.is_empty() {
            head = format!("{} = ", lists(&results).0);
        }
        head += &format!("scf.for {index} = {low} to {high} step {step}");
        if !initial.is_empty() {
            let pairs = carried.iter().zip(initial);
            let pairs: Vec<_> = pairs.map(|(a, b)| format!("{a} = {b}")).collect();
            head += &format!(" iter_args({}) -> ({})", pairs.join(", "), lists(initial).1);
        }
        self.line(&format!("{head}{of_index} {{"));
        self.depth += 1;
        let next = body(self, &index, &carried);
        if !initial.is_empty() {
            let (names, types) = lists(&next);
            self.line(&format!("scf.yield {names} : {types}"));
        }
        self.depth -= 1;
        self.line("}");
        results
    }

    /// Ops that are done where a condition holds.
    pub fn when(&mut self, condition: &Value, body: impl FnOnce(&mut Self)) {
        self.line(&format!("scf.if {condition} {{"));
        self.depth += 1;
        body(self);
        self.depth -= 1;
        self.line("}");
    }

    /// Values that one of two branches gives, of these types.
    pub fn choose(
        &mut self,
        condition: &Value,
        types: &[&str],
        then: impl FnOnce(&mut Self) -> Vec<Value>,
        otherwise: impl FnOnce(&mut Self) -> Vec<Value>,
    ) -> Vec<Value> {
        let results: Vec<_> = types.iter().map(|ty| self.fresh(ty)).collect();
        let head = match results.is_empty() {
            true => String::new(),
            false => format!("{} = ", lists(&results).0),
        };
        let to = match results.is_empty() {
            true => String::new(),
            false => format!(" -> ({})", types.join(", ")),
        };
        self.line(&format!("{head}scf.if {condition}{to} {{"));
        self.branch(then);
        self.line("} else {");
        self.branch(otherwise);
        self.line("}");
        results
    }

    fn branch(&mut self, body: impl FnOnce(&mut Self) -> Vec<Value>) {
        self.depth += 1;
        let values = body(self);
        if !values.is_empty() {
            let (names, types) = lists(&values);
            self.line(&format!("scf.yield {names} : {types}"));
        }
        self.depth -= 1;
    }

    /// Waits for all threads of the block.
    pub fn barrier(&mut self) {
        self.line("nvvm.barrier0");
    }

    /// The number of the thread in its block.
    pub fn thread(&mut self) -> Value {
        self.op("nvvm.read.ptx.sreg.tid.x : i32", "i32")
    }
}
