//! Every rewrite of `simplify-dl` keeps every bit: each row of the table on numbers where arithmetic is odd.

use dlc_autodiff::{passes::simplify_dl, simplify::REWRITES};
use dlc_dialects::context;
use dlc_reference::evaluate;
use dlc_runtime::Tensor;
use melior::ir::{BlockLike, Module, operation::OperationLike};

/// Rows by name, and functions of `%x`, `%y` and the dim `%n` that they change. `T` stands for the type of both.
const CASES: &[(&str, &str)] = &[
    ("arithmetic of constants", "%a = dl.constant dense<0.1> : tensor<E>
        %b = dl.constant dense<-3.0> : tensor<E>
        %c = dl.div %a, %b : tensor<E>
        %d = dl.square %c : tensor<E>
        %e = dl.less %d, %a : tensor<E> -> tensor<i1>
        %f = dl.select %e, %c, %d : tensor<i1>, tensor<E>
        %z = dl.broadcast %f axes [] sizes(%n) : tensor<E> -> T"),
    ("value of a known dim", "%c = arith.constant -5 : index
        %a = dl.dim_value %c : tensor<i64>
        %b = dl.convert %a : tensor<i64> -> tensor<E>
        %z = dl.broadcast %b axes [] sizes(%n) : tensor<E> -> T"),
    ("elementwise of broadcasts", "%a = dl.broadcast %x axes [1] sizes(%n) : T -> tensor<3x?xE>
        %b = dl.broadcast %y axes [1] sizes(%n) : T -> tensor<3x?xE>
        %c = dl.div %a, %b : tensor<3x?xE>
        %z = dl.reduce \"max\" %c axes [0] : tensor<3x?xE> -> T"),
    ("neutral operand", "%a = dl.constant dense<1.0> : tensor<E>
        %ones = dl.broadcast %a axes [] sizes(%n) : tensor<E> -> T
        %z = dl.mul %ones, %x : T"),
    ("neutral operand", "%a = dl.constant dense<1.0> : tensor<E>
        %ones = dl.broadcast %a axes [] sizes(%n) : tensor<E> -> T
        %p = dl.pow %x, %ones : T
        %z = dl.div %p, %ones : T"),
    ("neutral operand", "%a = dl.constant dense<0.0> : tensor<E>
        %zeros = dl.broadcast %a axes [] sizes(%n) : tensor<E> -> T
        %z = dl.sub %x, %zeros : T"),
    ("neutral operand", "%a = dl.constant dense<-0.0> : tensor<E>
        %zeros = dl.broadcast %a axes [] sizes(%n) : tensor<E> -> T
        %z = dl.add %x, %zeros : T"),
    ("negated operand", "%a = dl.neg %x : T\n%z = dl.neg %a : T"),
    ("negated operand", "%a = dl.neg %y : T\n%z = dl.add %x, %a : T"),
    ("negated operand", "%a = dl.neg %x : T\n%z = dl.add %a, %y : T"),
    ("negated operand", "%a = dl.neg %y : T\n%z = dl.sub %x, %a : T"),
    ("negated operand", "%a = dl.neg %x : T\n%b = dl.neg %y : T\n%z = dl.mul %a, %b : T"),
    ("negated operand", "%a = dl.neg %x : T\n%b = dl.neg %y : T\n%z = dl.div %a, %b : T"),
    ("negated operand", "%a = dl.constant dense<-1.0> : tensor<E>
        %b = dl.broadcast %a axes [] sizes(%n) : tensor<E> -> T
        %z = dl.mul %x, %b : T"),
    ("quotient by a power of two", "%a = dl.constant dense<-0.25> : tensor<E>
        %b = dl.broadcast %a axes [] sizes(%n) : tensor<E> -> T
        %z = dl.div %x, %b : T"),
    ("quotient by a power of two", "%a = dl.constant dense<1024.0> : tensor<E>
        %b = dl.broadcast %a axes [] sizes(%n) : tensor<E> -> T
        %z = dl.div %x, %b : T"),
    ("choice that is none", "%c = dl.less %x, %y : T -> tensor<?xi1>
        %d = dl.bitwise_not %c : tensor<?xi1>
        %a = dl.select %d, %x, %y : tensor<?xi1>, T
        %z = dl.select %c, %a, %x : tensor<?xi1>, T"),
    ("conversion there and back", "%a = dl.convert %x : T -> tensor<?xf16>
        %b = dl.convert %a : tensor<?xf16> -> tensor<?xf32>
        %c = dl.convert %b : tensor<?xf32> -> tensor<?xf16>
        %z = dl.convert %c : tensor<?xf16> -> T"),
    ("broadcast of a broadcast, or of nothing", "%a = dl.broadcast %x axes [0] sizes(%n) : T -> tensor<?x2xE>
        %b = dl.broadcast %a axes [1, 2] sizes(%n) : tensor<?x2xE> -> tensor<3x?x2xE>
        %z = dl.reduce \"max\" %b axes [0, 2] : tensor<3x?x2xE> -> T"),
    ("elementwise of tensors with new axes of size 1", "%a = dl.reshape %x sizes(%n) : T -> tensor<1x?x1xE>
        %b = dl.reshape %y sizes(%n) : T -> tensor<1x?x1xE>
        %c = dl.constant dense<3.0> : tensor<E>
        %d = dl.broadcast %c axes [] sizes(%n) : tensor<E> -> tensor<1x?x1xE>
        %e = dl.div %a, %d : tensor<1x?x1xE>
        %f = dl.sub %b, %e : tensor<1x?x1xE>
        %z = dl.reshape %f sizes(%n) : tensor<1x?x1xE> -> T"),
    ("reshape of a reshape, or to the same shape", "%a = dl.reshape %x sizes(%n) : T -> tensor<1x?xE>
        %b = dl.reshape %a sizes(%n) : tensor<1x?xE> -> tensor<?x1xE>
        %z = dl.reshape %b sizes(%n) : tensor<?x1xE> -> T"),
    ("transpose of a transpose, or in order", "%a = dl.broadcast %x axes [0] sizes(%n) : T -> tensor<?x2x3xE>
        %b = dl.transpose %a [2, 0, 1] : tensor<?x2x3xE> -> tensor<3x?x2xE>
        %c = dl.transpose %b [2, 0, 1] : tensor<3x?x2xE> -> tensor<2x3x?xE>
        %z = dl.reduce \"min\" %c axes [0, 1] : tensor<2x3x?xE> -> T"),
    ("movement of a tensor that is one number", "%a = dl.constant dense<-0.0> : tensor<E>
        %b = dl.broadcast %a axes [] sizes(%n) : tensor<E> -> tensor<?x2xE>
        %c = dl.transpose %b [1, 0] : tensor<?x2xE> -> tensor<2x?xE>
        %d = dl.reverse %c axes [0] : tensor<2x?xE>
        %z = dl.reduce \"max\" %d axes [0] : tensor<2x?xE> -> T"),
    ("reduction of kept axes of a broadcast, or of none", "%a = dl.broadcast %x axes [1] sizes(%n, %n) : T -> tensor<?x?xE>
        %z = dl.reduce \"sum\" %a axes [1] : tensor<?x?xE> -> T"),
    ("reverse of a reverse", "%a = dl.reverse %x axes [0] : T\n%z = dl.reverse %a axes [0] : T"),
    ("concatenation of one", "%z = dl.concatenate %x axis 0 : (T) -> T"),
    ("slice of a pad, there where it was put", "%c = arith.constant 0 : index
        %a = dl.broadcast %x axes [0] sizes(%n) : T -> tensor<?x2xE>
        %r = dl.reduce \"max\" %a axes [0] : tensor<?x2xE> -> tensor<2xE>
        %v = dl.constant dense<7.0> : tensor<E>
        %p = dl.pad %r, %v low(%c) interior [1] sizes() : tensor<2xE>, tensor<E> -> tensor<5xE>
        %s = dl.slice %p starts(%c) strides [2] sizes() : tensor<5xE> -> tensor<2xE>
        %b = dl.broadcast %s axes [1] sizes(%n) : tensor<2xE> -> tensor<?x2xE>
        %z = dl.reduce \"min\" %b axes [1] : tensor<?x2xE> -> T"),
    ("product of a transpose", "%a = dl.broadcast %x axes [0] sizes(%n) : T -> tensor<?x2xE>
        %t = dl.transpose %a [1, 0] : tensor<?x2xE> -> tensor<2x?xE>
        %d = dl.dot_general %t, %y batch [1] x [0] contract [] x [] : (tensor<2x?xE>, T) -> tensor<?x2xE>
        %z = dl.reduce \"max\" %d axes [1] : tensor<?x2xE> -> T"),
    ("transpose of a product", "%d = dl.dot_general %x, %y batch [] x [] contract [] x [] : (T, T) -> tensor<?x?xE>
        %t = dl.transpose %d [1, 0] : tensor<?x?xE> -> tensor<?x?xE>
        %z = dl.reduce \"max\" %t axes [0] : tensor<?x?xE> -> T"),
];

#[test]
fn every_row_keeps_every_bit() {
    for (name, body) in CASES {
        for element in ["f32", "f64", "bf16"] {
            let text =
                format!("func.func @f(%n: index, %x: T, %y: T) -> T {{\n{body}\nreturn %z : T\n}}");
            let text = text
                .replace('T', "tensor<?xE>")
                .replace("xE>", &format!("x{element}>"));
            let text = text.replace("<E>", &format!("<{element}>"));
            let context = context();
            let module =
                Module::parse(&context, &text).unwrap_or_else(|| panic!("{name}:\n{text}"));
            let before = run(&module, element);
            let original = module.as_operation().to_string();
            let function = module
                .body()
                .first_operation()
                .expect("the module has a function");
            (simplify_dl::INFO.run)(&context, function).expect("the pass cannot fail");
            let simplified = module.as_operation().to_string();
            assert!(module.as_operation().verify(), "{name}:\n{simplified}");
            assert!(
                original != simplified || element == "bf16",
                "{name} does nothing:\n{original}"
            );
            assert_eq!(before, run(&module, element), "{name}:\n{simplified}");
        }
    }
}

#[test]
fn every_row_has_a_case() {
    for row in REWRITES.iter().flat_map(|table| table.iter()) {
        assert!(
            CASES.iter().any(|(name, _)| *name == row.name),
            "no case of `{}`",
            row.name
        );
    }
}

/// The bits of `@f` on zeros, infinities, NaN, and numbers that are large, small, or not exact.
fn run(module: &Module, element: &str) -> Vec<u64> {
    let odd = [
        0.0,
        -0.0,
        1.0,
        -1.5,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        1e-40,
        -3e38,
        0.1,
        5e-324,
        65504.0,
    ];
    let pairs = odd.iter().flat_map(|x| odd.iter().map(move |y| (*x, *y)));
    let (x, y): (Vec<f64>, Vec<f64>) = pairs.unzip();
    let tensor = |values: &[f64]| {
        let mut tensor = Tensor::zeros(element.parse().expect("a data type"), &[values.len()])
            .expect("it is small");
        let mut values = values.iter().copied();
        tensor
            .fill_with(|| values.next().unwrap_or_default())
            .expect("it is a float");
        tensor
    };
    let results = evaluate(module, "f", &[x.len() as i64], &[tensor(&x), tensor(&y)]);
    let results = results.unwrap_or_else(|error| panic!("{error}\n{}", module.as_operation()));
    // Which NaN is left open; every other number is another in f64 too.
    let bits = |value: f64| {
        if value.is_nan() {
            f64::NAN.to_bits()
        } else {
            value.to_bits()
        }
    };
    results.iter().flat_map(Tensor::to_f64).map(bits).collect()
}
