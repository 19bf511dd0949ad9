//! Printing: loops over the elements, and calls of C's library for texts and numbers.

use super::{Content, Lowering, Mapped, shape::extract};
use crate::{
    emit::{Emitter, Int},
    entry::dtype,
    entry_text::string_constant,
    scalar, walk,
};
use dlc_dialects::{
    ir::shape::{ElementClass, class, width},
    ops,
};
use melior::ir::{Attribute, OperationRef, Type, Value, ValueLike, operation::OperationLike};

/// Tensors of more elements are shortened,
const WHOLE: i64 = 1000;
/// to so many at each end of an axis.
const ENDS: i64 = 3;

/// What a module that prints has beside: functions of one argument around the C library's.
const FUNCTIONS: &str = r#"
llvm.func @printf(!llvm.ptr, ...) -> i32
llvm.func @fflush(!llvm.ptr) -> i32
llvm.mlir.global internal constant @dlc_print_format_text("%s\00") {addr_space = 0 : i32}
llvm.mlir.global internal constant @dlc_print_format_signed("%lld\00") {addr_space = 0 : i32}
llvm.mlir.global internal constant @dlc_print_format_unsigned("%llu\00") {addr_space = 0 : i32}
llvm.mlir.global internal constant @dlc_print_format_float("%g\00") {addr_space = 0 : i32}
llvm.mlir.global internal constant @dlc_print_format_nan("nan\00") {addr_space = 0 : i32}
func.func private @dlc_print_text(%x: !llvm.ptr) {
  %format = llvm.mlir.addressof @dlc_print_format_text : !llvm.ptr
  %0 = llvm.call @printf(%format, %x) vararg(!llvm.func<i32 (ptr, ...)>) : (!llvm.ptr, !llvm.ptr) -> i32
  return
}
func.func private @dlc_print_signed(%x: i64) {
  %format = llvm.mlir.addressof @dlc_print_format_signed : !llvm.ptr
  %0 = llvm.call @printf(%format, %x) vararg(!llvm.func<i32 (ptr, ...)>) : (!llvm.ptr, i64) -> i32
  return
}
func.func private @dlc_print_unsigned(%x: i64) {
  %format = llvm.mlir.addressof @dlc_print_format_unsigned : !llvm.ptr
  %0 = llvm.call @printf(%format, %x) vararg(!llvm.func<i32 (ptr, ...)>) : (!llvm.ptr, i64) -> i32
  return
}
func.func private @dlc_print_float(%x: f64) {
  %number = llvm.mlir.addressof @dlc_print_format_float : !llvm.ptr
  %nan = llvm.mlir.addressof @dlc_print_format_nan : !llvm.ptr
  %is_nan = arith.cmpf uno, %x, %x : f64
  %format = arith.select %is_nan, %nan, %number : !llvm.ptr
  %0 = llvm.call @printf(%format, %x) vararg(!llvm.func<i32 (ptr, ...)>) : (!llvm.ptr, f64) -> i32
  return
}
func.func private @dlc_print_end() {
  %all = llvm.mlir.zero : !llvm.ptr
  %0 = llvm.call @fflush(%all) : (!llvm.ptr) -> i32
  return
}
"#;

impl<'c, 'a> Lowering<'c, 'a> {
    /// A line of a text and tensors.
    pub(super) fn print(&mut self, e: &Emitter<'c, 'a>, op: ops::Print<'c, 'a>) {
        let mut text = op.text().to_string();
        for (i, value) in op.values().into_iter().enumerate() {
            if i > 0 || !text.is_empty() {
                text.push(' ');
            }
            let x = self.get(value);
            text += &dtype(x.element).map_or(String::from("?"), |dtype| dtype.to_string());
            for (axis, dim) in x.dims.iter().enumerate() {
                text += if axis == 0 { "[" } else { ", " };
                match dim.as_const() {
                    Some(dim) => text += &dim.to_string(),
                    None => {
                        self.say(e, &std::mem::take(&mut text));
                        let dim = self.sizes.value(e, dim);
                        let dim = e.op("arith.index_cast", &[dim], e.int_type(64));
                        self.call(e, "signed", &[dim]);
                    }
                }
            }
            text += if x.rank() > 0 { "] " } else { " " };
            self.say(e, &std::mem::take(&mut text));
            let dims = x
                .dims
                .iter()
                .map(|dim| self.sizes.value(e, dim))
                .collect::<Vec<_>>();
            let count = dims
                .iter()
                .fold(e.index(1), |count, dim| e.mul(count, *dim));
            let short = e.cmp(Int::Sgt, count, e.index(WHOLE));
            self.elements(e, &x, &dims, short, &mut vec![]);
        }
        self.say(e, &(text + "\n"));
        self.call(e, "end", &[]);
    }

    /// The elements at places on the first axes.
    fn elements(
        &mut self,
        e: &Emitter<'c, 'a>,
        x: &Mapped<'c, 'a>,
        dims: &[Value<'c, 'a>],
        short: Value<'c, 'a>,
        places: &mut Vec<Value<'c, 'a>>,
    ) {
        let Some(&dim) = dims.get(places.len()) else {
            let element = match x.content {
                Content::Splat(scalar) => scalar,
                Content::Tensor(tensor) => scalar::load(e, x.element, extract(e, tensor, places)),
            };
            return self.number(e, x.element, element);
        };
        self.say(e, "[");
        let ends = e.index(2 * ENDS);
        let long = e.cmp(Int::Sgt, dim, ends);
        let short_here = e.op("arith.andi", &[short, long], e.int_type(1));
        let count = e.select(short_here, ends, dim);
        e.loop_to(count, 1, |e, i| {
            let later = e.cmp(Int::Ne, i, e.index(0));
            e.if_then(later, |e| self.say(e, ", "));
            let behind = e.cmp(Int::Sge, i, e.index(ENDS));
            let behind = e.op("arith.andi", &[short_here, behind], e.int_type(1));
            let first = e.cmp(Int::Eq, i, e.index(ENDS));
            let gap = e.op("arith.andi", &[short_here, first], e.int_type(1));
            e.if_then(gap, |e| self.say(e, "..., "));
            let place = e.select(behind, e.add(e.sub(dim, ends), i), i);
            places.push(place);
            self.elements(e, x, dims, short, places);
            places.pop();
        });
        self.say(e, "]");
    }

    fn number(&mut self, e: &Emitter<'c, 'a>, element: Type<'c>, register: Value<'c, 'a>) {
        let i64 = e.int_type(64);
        let narrow = width(register.r#type()) < 64;
        match class(element) {
            ElementClass::Float => {
                let wide = scalar::widen(e, register);
                let wide = match width(wide.r#type()) {
                    64 => wide,
                    _ => e.op("arith.extf", &[wide], e.ty("f64")),
                };
                self.call(e, "float", &[wide]);
            }
            ElementClass::Bool => {
                let [yes, no] = ["true", "false"].map(|text| self.text(e, text));
                let text = e.select(register, yes, no);
                self.call(e, "text", &[text]);
            }
            ElementClass::Signed if narrow => {
                let wide = e.op("arith.extsi", &[register], i64);
                self.call(e, "signed", &[wide]);
            }
            ElementClass::Unsigned if narrow => {
                let wide = e.op("arith.extui", &[register], i64);
                self.call(e, "unsigned", &[wide]);
            }
            ElementClass::Signed => self.call(e, "signed", &[register]),
            ElementClass::Unsigned => self.call(e, "unsigned", &[register]),
        }
    }

    fn say(&mut self, e: &Emitter<'c, 'a>, text: &str) {
        if !text.is_empty() {
            let text = self.text(e, text);
            self.call(e, "text", &[text]);
        }
    }

    /// The address of a text.
    fn text(&mut self, e: &Emitter<'c, 'a>, text: &str) -> Value<'c, 'a> {
        let count = self.texts.len();
        let function = self.function;
        let name = self.texts.entry(text.to_string()).or_insert_with(|| {
            let owner = crate::entry::string(function.attribute("sym_name").ok());
            let name = format!("{}__text{count}", owner.unwrap_or_default());
            Emitter::before(e.context(), function)
                .define(&string_constant(&format!("@{name}"), text));
            name
        });
        let name = e.attr(&format!("@{name}"));
        e.op_with(
            "llvm.mlir.addressof",
            &[],
            e.ty("!llvm.ptr"),
            &[("global_name", name)],
        )
    }

    fn call(&mut self, e: &Emitter<'c, 'a>, what: &str, arguments: &[Value<'c, 'a>]) {
        let name = format!("dlc_print_{what}");
        let module = self.function.parent_operation();
        let defined = module.is_some_and(|module| {
            let functions = walk::named(module, "func.func");
            let symbol = |op: &OperationRef| crate::entry::string(op.attribute("sym_name").ok());
            functions
                .iter()
                .any(|op| symbol(op).as_deref() == Some(name.as_str()))
        });
        if !defined {
            Emitter::before(e.context(), self.function).define(FUNCTIONS);
        }
        let callee: Attribute<'c> = e.attr(&format!("@{name}"));
        e.effect("func.call", arguments, &[("callee", callee)]);
    }
}
