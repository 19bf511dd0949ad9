//! Every rule against central differences in f64, through the reference evaluator: first and second order, before
//! and after `simplify-dl`, along one random direction, so that a case costs a few evaluations whatever its size.

use crate::harness::{self, Arg, Case, check, gradient};
use dlc_dialects::ops::{Derivative, OpKind};

/// A type and a shape of it.
type Typed<'a> = (&'a str, &'a [usize]);

/// A case of float arguments in (-2, 2) without dims.
fn case<'a>(name: &'a str, args: &[Typed<'a>], body: &'a str, y: Typed<'a>) -> Case<'a> {
    Case {
        name: name.into(),
        dims: vec![],
        args: args
            .iter()
            .map(|(ty, shape)| Arg::uniform(ty, shape, -2.0, 2.0))
            .collect(),
        body: body.into(),
        y,
    }
}

/// Where an elementwise op is smooth, if not in (-2, 2), for each operand.
fn domain(kind: OpKind) -> [(f64, f64); 2] {
    let positive = (0.3, 3.0);
    match kind {
        OpKind::Acos | OpKind::Asin => [(-0.9, 0.9); 2],
        OpKind::Log | OpKind::Sqrt | OpKind::Rsqrt => [positive; 2],
        OpKind::Log1p => [(-0.5, 2.0); 2],
        OpKind::Tan => [(-1.2, 1.2); 2],
        OpKind::Pow => [positive, (-2.0, 2.0)],
        OpKind::Div => [(-2.0, 2.0), (0.5, 2.0)],
        // Away from the jumps: a / b stays between 2 and 3.
        OpKind::Rem => [(5.2, 5.6), (2.0, 2.4)],
        _ => [(-2.0, 2.0); 2],
    }
}

#[test]
fn elementwise_ops() {
    let mut count = 0;
    for &kind in OpKind::ALL {
        let Some(record) = kind.elementwise() else {
            continue;
        };
        if matches!(record.derivative, Derivative::Inactive)
            || matches!(kind, OpKind::Select | OpKind::Convert)
        {
            continue;
        }
        let ty = "tensor<?x3xf64>";
        let args = (0..record.operands.len())
            .map(|i| {
                let (low, high) = domain(kind)[i.min(1)];
                Arg::uniform(ty, &[4, 3], low, high)
            })
            .collect::<Vec<_>>();
        let operands = ["%0", "%0, %1", "%0, %1, %2"][args.len() - 1];
        check(&Case {
            name: kind.mnemonic().into(),
            dims: vec![4],
            args,
            body: format!("%y = dl.{} {operands} : {ty}", kind.mnemonic()),
            y: (ty, &[4, 3]),
        });
        count += 1;
    }
    assert!(count >= 30, "{count} ops have a derivative");
}

#[test]
fn one_value_used_many_times() {
    check(&case(
        "x * x * x + x",
        &[("tensor<5xf64>", &[5])],
        "%a = dl.mul %0, %0 : tensor<5xf64>\n%b = dl.mul %a, %0 : tensor<5xf64>\n%y = dl.add %b, %0 : tensor<5xf64>",
        ("tensor<5xf64>", &[5]),
    ));
}

#[test]
fn select_and_convert() {
    check(&case(
        "relu",
        &[("tensor<6xf64>", &[6])],
        "%z = dl.constant dense<0.0> : tensor<6xf64>
         %c = dl.greater %0, %z : tensor<6xf64> -> tensor<6xi1>
         %y = dl.select %c, %0, %z : tensor<6xi1>, tensor<6xf64>",
        ("tensor<6xf64>", &[6]),
    ));
    check(&case(
        "select of both",
        &[("tensor<6xf64>", &[6]), ("tensor<6xf64>", &[6])],
        "%c = dl.less %0, %1 : tensor<6xf64> -> tensor<6xi1>
         %s = dl.sin %0 : tensor<6xf64>
         %y = dl.select %c, %s, %1 : tensor<6xi1>, tensor<6xf64>",
        ("tensor<6xf64>", &[6]),
    ));
    let text = harness::module(
        "func.func @f(%0: tensor<2xf64>) -> tensor<f64> {
           %a = dl.convert %0 : tensor<2xf64> -> tensor<2xf32>
           %b = dl.square %a : tensor<2xf32>
           %c = dl.convert %b : tensor<2xf32> -> tensor<2xf64>
           %l = dl.reduce \"sum\" %c axes [0] : tensor<2xf64> -> tensor<f64>
           return %l : tensor<f64>
         }",
        "(tensor<2xf64>) -> tensor<2xf64>",
    );
    assert_eq!(gradient(&text, &[], &[(&[2], &[3.0, -0.5])]), [6.0, -1.0]);
}

#[test]
fn dot_general_in_every_layout() {
    let cases: &[(&str, [Typed; 2], &str, Typed)] = &[
        (
            "matrix product",
            [("tensor<3x4xf64>", &[3, 4]), ("tensor<4x2xf64>", &[4, 2])],
            "batch [] x [] contract [1] x [0]",
            ("tensor<3x2xf64>", &[3, 2]),
        ),
        (
            "both transposed",
            [("tensor<4x3xf64>", &[4, 3]), ("tensor<2x4xf64>", &[2, 4])],
            "batch [] x [] contract [0] x [1]",
            ("tensor<3x2xf64>", &[3, 2]),
        ),
        (
            "inner product",
            [("tensor<4xf64>", &[4]), ("tensor<4xf64>", &[4])],
            "batch [] x [] contract [0] x [0]",
            ("tensor<f64>", &[]),
        ),
        (
            "outer product",
            [("tensor<4xf64>", &[4]), ("tensor<3xf64>", &[3])],
            "batch [] x [] contract [] x []",
            ("tensor<4x3xf64>", &[4, 3]),
        ),
        (
            "batch at different places",
            [
                ("tensor<3x2x4xf64>", &[3, 2, 4]),
                ("tensor<4x5x2xf64>", &[4, 5, 2]),
            ],
            "batch [1] x [2] contract [2] x [0]",
            ("tensor<2x3x5xf64>", &[2, 3, 5]),
        ),
        (
            "two batches, crossed",
            [
                ("tensor<2x3x4xf64>", &[2, 3, 4]),
                ("tensor<3x2x4x5xf64>", &[3, 2, 4, 5]),
            ],
            "batch [1, 0] x [0, 1] contract [2] x [2]",
            ("tensor<3x2x5xf64>", &[3, 2, 5]),
        ),
        (
            "two contracted, crossed",
            [
                ("tensor<2x3x4xf64>", &[2, 3, 4]),
                ("tensor<5x4x2x3xf64>", &[5, 4, 2, 3]),
            ],
            "batch [] x [] contract [2, 0] x [1, 2]",
            ("tensor<3x5x3xf64>", &[3, 5, 3]),
        ),
        (
            "many free axes between",
            [
                ("tensor<2x3x4x5xf64>", &[2, 3, 4, 5]),
                ("tensor<3x4x3x2xf64>", &[3, 4, 3, 2]),
            ],
            "batch [1] x [0] contract [2, 0] x [1, 3]",
            ("tensor<3x5x3xf64>", &[3, 5, 3]),
        ),
        (
            "nothing to add",
            [("tensor<2x0xf64>", &[2, 0]), ("tensor<0x3xf64>", &[0, 3])],
            "batch [] x [] contract [1] x [0]",
            ("tensor<2x3xf64>", &[2, 3]),
        ),
    ];
    for (name, args, dims, y) in cases {
        let body = format!(
            "%y = dl.dot_general %0, %1 {dims} : ({}, {}) -> {}",
            args[0].0, args[1].0, y.0
        );
        check(&case(name, args, &body, *y));
    }
    check(&Case {
        dims: vec![3, 2],
        ..case(
            "dynamic dims",
            &[("tensor<?x4xf64>", &[3, 4]), ("tensor<?x4xf64>", &[2, 4])],
            "%y = dl.dot_general %0, %1 batch [] x [] contract [1] x [1] : (tensor<?x4xf64>, tensor<?x4xf64>) -> tensor<?x?xf64>",
            ("tensor<?x?xf64>", &[3, 2]),
        )
    });
    // An adjoint that knows more of its dims than the operand does takes the operand's type.
    check(&Case {
        dims: vec![3],
        ..case(
            "dims known on one side",
            &[("tensor<?x4xf64>", &[3, 4]), ("tensor<3x4xf64>", &[3, 4])],
            "%y = dl.dot_general %0, %1 batch [0] x [0] contract [1] x [1] : (tensor<?x4xf64>, tensor<3x4xf64>) -> tensor<3xf64>",
            ("tensor<3xf64>", &[3]),
        )
    });
}

#[test]
fn reductions() {
    for kind in ["sum", "prod", "max", "min"] {
        for (axes, y) in [
            ("[0]", ("tensor<3x2xf64>", &[3, 2][..])),
            ("[1]", ("tensor<4x2xf64>", &[4, 2])),
            ("[0, 2]", ("tensor<3xf64>", &[3])),
            ("[0, 1, 2]", ("tensor<f64>", &[])),
            ("[]", ("tensor<4x3x2xf64>", &[4, 3, 2])),
        ] {
            let x = "tensor<4x3x2xf64>";
            let body = format!("%y = dl.reduce \"{kind}\" %0 axes {axes} : {x} -> {}", y.0);
            check(&case(
                &format!("{kind} {axes}"),
                &[(x, &[4, 3, 2])],
                &body,
                y,
            ));
        }
        let body =
            format!("%y = dl.reduce \"{kind}\" %0 axes [1] : tensor<?x?xf64> -> tensor<?xf64>");
        check(&Case {
            dims: vec![3, 5],
            ..case(
                kind,
                &[("tensor<?x?xf64>", &[3, 5])],
                &body,
                ("tensor<?xf64>", &[3]),
            )
        });
        if kind == "sum" || kind == "prod" {
            check(&Case {
                dims: vec![3, 0],
                ..case(
                    kind,
                    &[("tensor<?x?xf64>", &[3, 0])],
                    &body,
                    ("tensor<?xf64>", &[3]),
                )
            });
        }
    }
}

#[test]
fn products_with_zeros() {
    for zeros in 0..4 {
        let mut x = [1.5, -0.7, 2.1, 0.9, 1.1, -1.3, 0.4, 1.9];
        x[..zeros].fill(0.0);
        check(&Case {
            name: format!("product with {zeros} zeros"),
            dims: vec![],
            args: vec![Arg::values("tensor<2x4xf64>", &[2, 4], &x)],
            body: "%y = dl.reduce \"prod\" %0 axes [1] : tensor<2x4xf64> -> tensor<2xf64>".into(),
            y: ("tensor<2xf64>", &[2]),
        });
    }
}

#[test]
fn ties_share() {
    let binary = |op: &str| {
        harness::module(
            &format!(
                "func.func @f(%0: tensor<3xf64>) -> tensor<f64> {{
                   %b = dl.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf64>
                   %y = dl.{op} %0, %b : tensor<3xf64>
                   %l = dl.reduce \"sum\" %y axes [0] : tensor<3xf64> -> tensor<f64>
                   return %l : tensor<f64>
                 }}"
            ),
            "(tensor<3xf64>) -> tensor<3xf64>",
        )
    };
    let x: &[(&[usize], &[f64])] = &[(&[3], &[2.0, 2.0, 2.0])];
    assert_eq!(gradient(&binary("maximum"), &[], x), [1.0, 0.5, 0.0]);
    assert_eq!(gradient(&binary("minimum"), &[], x), [0.0, 0.5, 1.0]);
    let reduce = |kind: &str| {
        harness::module(
            &format!(
                "func.func @f(%0: tensor<6xf64>) -> tensor<f64> {{
                   %l = dl.reduce \"{kind}\" %0 axes [0] : tensor<6xf64> -> tensor<f64>
                   return %l : tensor<f64>
                 }}"
            ),
            "(tensor<6xf64>) -> tensor<6xf64>",
        )
    };
    let x: &[(&[usize], &[f64])] = &[(&[6], &[1.0, 5.0, 5.0, 1.0, 5.0, 5.0])];
    assert_eq!(
        gradient(&reduce("max"), &[], x),
        [0.0, 0.25, 0.25, 0.0, 0.25, 0.25]
    );
    assert_eq!(
        gradient(&reduce("min"), &[], x),
        [0.5, 0.0, 0.0, 0.5, 0.0, 0.0]
    );
    let x: &[(&[usize], &[f64])] = &[(&[6], &[1.0, f64::NAN, 5.0, 1.0, 5.0, 5.0])];
    assert!(gradient(&reduce("max"), &[], x).iter().all(|g| g.is_nan()));
}

#[test]
fn halves_are_counted_in_single() {
    let gradient_of = |kind: &str, element: &str, x: &[f64]| {
        let n = x.len();
        let text = harness::module(
            &format!(
                "func.func @f(%0: tensor<{n}xf64>) -> tensor<f64> {{
                   %x = dl.convert %0 : tensor<{n}xf64> -> tensor<{n}x{element}>
                   %y = dl.reduce \"{kind}\" %x axes [0] : tensor<{n}x{element}> -> tensor<{element}>
                   %l = dl.convert %y : tensor<{element}> -> tensor<f64>
                   return %l : tensor<f64>
                 }}"
            ),
            &format!("(tensor<{n}xf64>) -> tensor<{n}xf64>"),
        );
        gradient(&text, &[], &[(&[n], x)])
    };
    // bf16 has no 257, f16 no 65537.
    let ties = gradient_of("max", "bf16", &[1.0; 257]);
    assert!(
        ties.iter().all(|g| (g - 1.0 / 257.0).abs() < 1e-5),
        "{ties:?}"
    );
    let product = gradient_of("prod", "f16", &[300.0, 300.0, 0.001]);
    assert!(product[2].is_infinite(), "f16 has no 90000");
    assert!((product[0] - 0.3).abs() < 1e-3, "{product:?}");
}

#[test]
fn some_arguments_and_results() {
    let text = "
        func.func @f(%n: index, %x: tensor<?xf64>, %k: tensor<i32>, %w: tensor<f64>) -> (tensor<f64>, tensor<?xf64>, tensor<i32>) {
          %b = dl.broadcast %w axes [] sizes(%n) : tensor<f64> -> tensor<?xf64>
          %y = dl.mul %x, %b : tensor<?xf64>
          %l = dl.reduce \"sum\" %y axes [0] : tensor<?xf64> -> tensor<f64>
          return %l, %y, %k : tensor<f64>, tensor<?xf64>, tensor<i32>
        }
        func.func @g(%n: index, %x: tensor<?xf64>, %w: tensor<f64>) -> (tensor<f64>, tensor<?xf64>, tensor<f64>, tensor<?xf64>) {
          %k = dl.constant dense<7> : tensor<i32>
          %r:5 = dl.grad @f(%n, %x, %k, %w) wrt [2, 0] value : (index, tensor<?xf64>, tensor<i32>, tensor<f64>)
            -> (tensor<f64>, tensor<?xf64>, tensor<i32>, tensor<f64>, tensor<?xf64>)
          return %r#0, %r#1, %r#3, %r#4 : tensor<f64>, tensor<?xf64>, tensor<f64>, tensor<?xf64>
        }";
    let found = gradient(text, &[2], &[(&[2], &[1.0, 2.0]), (&[], &[3.0])]);
    assert_eq!(found, [9.0, 3.0, 6.0, 3.0, 3.0, 3.0]);
}

#[test]
fn movements_of_data() {
    check(&Case {
        dims: vec![5],
        ..case(
            "broadcast",
            &[("tensor<3xf64>", &[3])],
            "%y = dl.broadcast %0 axes [1] sizes(%d0) : tensor<3xf64> -> tensor<?x3x2xf64>",
            ("tensor<?x3x2xf64>", &[5, 3, 2]),
        )
    });
    check(&case(
        "broadcast of a scalar",
        &[("tensor<f64>", &[])],
        "%y = dl.broadcast %0 axes [] sizes() : tensor<f64> -> tensor<3x0xf64>",
        ("tensor<3x0xf64>", &[3, 0]),
    ));
    check(&Case {
        dims: vec![5, 15],
        ..case(
            "reshape",
            &[("tensor<?x3xf64>", &[5, 3])],
            "%y = dl.reshape %0 sizes(%d1) : tensor<?x3xf64> -> tensor<?xf64>",
            ("tensor<?xf64>", &[15]),
        )
    });
    check(&case(
        "transpose",
        &[("tensor<2x3x4xf64>", &[2, 3, 4])],
        "%y = dl.transpose %0 [2, 0, 1] : tensor<2x3x4xf64> -> tensor<4x2x3xf64>",
        ("tensor<4x2x3xf64>", &[4, 2, 3]),
    ));
    check(&case(
        "reverse",
        &[("tensor<2x3xf64>", &[2, 3])],
        "%y = dl.reverse %0 axes [1] : tensor<2x3xf64>",
        ("tensor<2x3xf64>", &[2, 3]),
    ));
    check(&Case {
        dims: vec![2, 3],
        ..case(
            "concatenate",
            &[
                ("tensor<2x?xf64>", &[2, 2]),
                ("tensor<2x1xf64>", &[2, 1]),
                ("tensor<2x?xf64>", &[2, 3]),
            ],
            "%y = dl.concatenate %0, %1, %2, %0 axis 1 : (tensor<2x?xf64>, tensor<2x1xf64>, tensor<2x?xf64>, tensor<2x?xf64>) -> tensor<2x?xf64>",
            ("tensor<2x?xf64>", &[2, 8]),
        )
    });
}

#[test]
fn slices_and_pads() {
    check(&Case {
        dims: vec![1, 7, 3],
        ..case(
            "slice with strides",
            &[("tensor<?x5xf64>", &[7, 5])],
            "%c2 = arith.constant 2 : index
             %y = dl.slice %0 starts(%d0, %c2) strides [2, 1] sizes(%d2) : tensor<?x5xf64> -> tensor<?x2xf64>",
            ("tensor<?x2xf64>", &[3, 2]),
        )
    });
    check(&case(
        "slice of nothing",
        &[("tensor<4xf64>", &[4])],
        "%c4 = arith.constant 4 : index
         %y = dl.slice %0 starts(%c4) strides [1] sizes() : tensor<4xf64> -> tensor<0xf64>",
        ("tensor<0xf64>", &[0]),
    ));
    check(&Case {
        dims: vec![1, 12],
        ..case(
            "pad with interior",
            &[("tensor<4x2xf64>", &[4, 2]), ("tensor<f64>", &[])],
            "%c0 = arith.constant 0 : index
             %y = dl.pad %0, %1 low(%d0, %c0) interior [2, 0] sizes(%d1) : tensor<4x2xf64>, tensor<f64> -> tensor<?x3xf64>",
            ("tensor<?x3xf64>", &[12, 3]),
        )
    });
    check(&Case {
        dims: vec![2],
        ..case(
            "update_slice",
            &[("tensor<6x3xf64>", &[6, 3]), ("tensor<2x2xf64>", &[2, 2])],
            "%c1 = arith.constant 1 : index
             %y = dl.update_slice %0, %1 starts(%d0, %c1) strides [3, 1] : tensor<6x3xf64>, tensor<2x2xf64>",
            ("tensor<6x3xf64>", &[6, 3]),
        )
    });
}

#[test]
fn indexing() {
    let x = ("tensor<3x4x2xf64>", &[3, 4, 2][..]);
    let float = |ty, shape| Arg::uniform(ty, shape, -2.0, 2.0);
    let run = |name: &str, args: Vec<Arg>, body: &str, y: (&str, &[usize])| {
        check(&Case {
            name: name.into(),
            dims: vec![],
            args,
            body: body.into(),
            y,
        });
    };
    // Negative, repeated and the last.
    let ids = Arg::ints("tensor<2x3xi32>", &[2, 3], &[0, -1, 3, 3, 2, 3]);
    run(
        "take",
        vec![float(x.0, x.1), ids.clone()],
        "%y = dl.take %0, %1 axis 1 : (tensor<3x4x2xf64>, tensor<2x3xi32>) -> tensor<3x2x3x2xf64>",
        ("tensor<3x2x3x2xf64>", &[3, 2, 3, 2]),
    );
    run(
        "scatter",
        vec![
            float(x.0, x.1),
            ids,
            float("tensor<3x2x3x2xf64>", &[3, 2, 3, 2]),
        ],
        "%y = dl.scatter \"add\" %0, %1, %2 axis 1 : tensor<3x4x2xf64>, tensor<2x3xi32>, tensor<3x2x3x2xf64>",
        x,
    );
    let along = Arg::ints(
        "tensor<3x2x2xi32>",
        &[3, 2, 2],
        &[0, 1, 3, 1, -1, -1, 2, 2, 0, 0, 0, 3],
    );
    run(
        "take_along_axis",
        vec![float(x.0, x.1), along.clone()],
        "%y = dl.take_along_axis %0, %1 axis 1 : (tensor<3x4x2xf64>, tensor<3x2x2xi32>) -> tensor<3x2x2xf64>",
        ("tensor<3x2x2xf64>", &[3, 2, 2]),
    );
    run(
        "scatter_add_along_axis",
        vec![
            float(x.0, x.1),
            along,
            float("tensor<3x2x2xf64>", &[3, 2, 2]),
        ],
        "%y = dl.scatter_add_along_axis %0, %1, %2 axis 1 : tensor<3x4x2xf64>, tensor<3x2x2xi32>, tensor<3x2x2xf64>",
        x,
    );
    let argmax = "%i = dl.arg_reduce \"argmax\" %0 axis 1 : tensor<3x4xf64> -> tensor<3xi32>
         %j = dl.reshape %i sizes() : tensor<3xi32> -> tensor<3x1xi32>
         %y = dl.take_along_axis %0, %j axis 1 : (tensor<3x4xf64>, tensor<3x1xi32>) -> tensor<3x1xf64>";
    run(
        "max by its index",
        vec![float("tensor<3x4xf64>", &[3, 4])],
        argmax,
        ("tensor<3x1xf64>", &[3, 1]),
    );
}

#[test]
fn blocked_and_independent() {
    let text = harness::module(
        "func.func @f(%0: tensor<2xf64>, %1: tensor<2xf64>, %2: tensor<2xf64>) -> tensor<f64> {
           %s = dl.stop_gradient %0 : tensor<2xf64>
           %a = dl.mul %s, %1 : tensor<2xf64>
           %r = dl.floor %1 : tensor<2xf64>
           %b = dl.add %a, %r : tensor<2xf64>
           %l = dl.reduce \"sum\" %b axes [0] : tensor<2xf64> -> tensor<f64>
           return %l : tensor<f64>
         }",
        "(tensor<2xf64>, tensor<2xf64>, tensor<2xf64>) -> (tensor<2xf64>, tensor<2xf64>, tensor<2xf64>)",
    );
    let x: &[f64] = &[3.0, -0.5];
    let args: &[(&[usize], &[f64])] = &[(&[2], x), (&[2], x), (&[2], x)];
    assert_eq!(gradient(&text, &[], args), [0.0, 0.0, 3.0, -0.5, 0.0, 0.0]);
}

#[test]
fn a_network_with_calls() {
    check(&Case {
        dims: vec![5],
        ..case(
            "mlp",
            &[("tensor<?x4xf64>", &[5, 4]), ("tensor<4x6xf64>", &[4, 6]), ("tensor<6xf64>", &[6]), ("tensor<6x3xf64>", &[6, 3])],
            "%h = dl.dot_general %0, %1 batch [] x [] contract [1] x [0] : (tensor<?x4xf64>, tensor<4x6xf64>) -> tensor<?x6xf64>
             %b = dl.broadcast %2 axes [1] sizes(%d0) : tensor<6xf64> -> tensor<?x6xf64>
             %z = dl.add %h, %b : tensor<?x6xf64>
             %a = dl.tanh %z : tensor<?x6xf64>
             %o = dl.dot_general %a, %3 batch [] x [] contract [1] x [0] : (tensor<?x6xf64>, tensor<6x3xf64>) -> tensor<?x3xf64>
             %m = dl.reduce \"max\" %o axes [1] : tensor<?x3xf64> -> tensor<?xf64>
             %n = dl.broadcast %m axes [0] sizes(%d0) : tensor<?xf64> -> tensor<?x3xf64>
             %s = dl.sub %o, %n : tensor<?x3xf64>
             %e = dl.exp %s : tensor<?x3xf64>
             %t = dl.reduce \"sum\" %e axes [1] : tensor<?x3xf64> -> tensor<?xf64>
             %y = dl.log %t : tensor<?xf64>",
            ("tensor<?xf64>", &[5]),
        )
    });
}
