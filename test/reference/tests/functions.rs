//! Functions of `dl` text, evaluated: calls, dims, every kind of constant, and the errors.

use dlc_abi::DType;
use dlc_reference::{EvalError, evaluate, evaluate_by_differences};
use dlc_runtime::Tensor;
use melior::ir::{Module, operation::OperationLike};

fn run(
    text: &str,
    function: &str,
    dims: &[i64],
    args: &[Tensor],
) -> Result<Vec<Tensor>, EvalError> {
    let context = dlc_dialects::context();
    let module = Module::parse(&context, text).expect("the text is a module");
    assert!(module.as_operation().verify());
    evaluate(&module, function, dims, args)
}

fn floats(shape: &[usize], values: &[f32]) -> Tensor {
    Tensor::from_slice(shape, values).expect("the values fill the shape")
}

#[test]
fn dims_are_computed_and_functions_called() {
    let text = r#"
        func.func private @mean(%n: index, %x: tensor<?x3xf32>) -> tensor<3xf32> {
          %sum = dl.reduce "sum" %x axes [0] : tensor<?x3xf32> -> tensor<3xf32>
          %count = dl.dim_value %n : tensor<i64>
          %real = dl.convert %count : tensor<i64> -> tensor<f32>
          %all = dl.broadcast %real axes [] sizes() : tensor<f32> -> tensor<3xf32>
          %mean = dl.div %sum, %all : tensor<3xf32>
          return %mean : tensor<3xf32>
        }
        func.func @twice(%n: index, %x: tensor<?x3xf32>) -> (tensor<3xf32>, tensor<?xf32>) {
          %c0 = arith.constant 0 : index
          %c3 = arith.constant 3 : index
          %rows = tensor.dim %x, %c0 : tensor<?x3xf32>
          %all = arith.muli %rows, %c3 : index
          %flat = dl.reshape %x sizes(%all) : tensor<?x3xf32> -> tensor<?xf32>
          %both = dl.concatenate %x, %x axis 0 : (tensor<?x3xf32>, tensor<?x3xf32>) -> tensor<?x3xf32>
          %more = arith.addi %n, %n : index
          %mean = func.call @mean(%more, %both) : (index, tensor<?x3xf32>) -> tensor<3xf32>
          return %mean, %flat : tensor<3xf32>, tensor<?xf32>
        }
    "#;
    let x = floats(&[2, 3], &[1.0, 2.0, 3.0, 5.0, 6.0, 7.0]);
    let results = run(text, "twice", &[2], std::slice::from_ref(&x)).unwrap();
    assert_eq!(results[0], floats(&[3], &[3.0, 4.0, 5.0]));
    assert_eq!(results[1], floats(&[6], &[1.0, 2.0, 3.0, 5.0, 6.0, 7.0]));
    let message = run(text, "twice", &[2], &[]).unwrap_err().to_string();
    assert_eq!(message, "@twice: takes 2 arguments, 1 are given");
    let half = Tensor::zeros(DType::F16, &[2, 3]).unwrap();
    let message = run(text, "twice", &[2], &[half]).unwrap_err().to_string();
    assert_eq!(
        message,
        "@twice: argument 1: f16[2, 3] is no tensor<?x3xf32>"
    );
    let none = run(text, "nowhere", &[], &[]).unwrap_err();
    assert_eq!(none, EvalError::NoFunction("nowhere".into()));
}

#[test]
fn constants_of_every_type() {
    for (ty, value, expected) in [
        ("3xi1", "[true, false, true]", vec![1.0, 0.0, 1.0]),
        ("3xi1", "true", vec![1.0; 3]),
        (
            "9xi1",
            "[true, false, true, true, false, false, false, false, true]",
            vec![1., 0., 1., 1., 0., 0., 0., 0., 1.],
        ),
        ("2xi8", "[-128, 127]", vec![-128.0, 127.0]),
        ("2xi32", "-7", vec![-7.0, -7.0]),
        ("2xi64", "[1, -1]", vec![1.0, -1.0]),
        ("2xui8", "[0, 255]", vec![0.0, 255.0]),
        ("1xui32", "4294967295", vec![4294967295.0]),
        ("1xui64", "9007199254740993", vec![9007199254740992.0]),
        ("2xf16", "[0.5, -2.0]", vec![0.5, -2.0]),
        ("2x2xbf16", "1.5", vec![1.5; 4]),
        ("2xf32", "[0.25, 0x7F800000]", vec![0.25, f64::INFINITY]),
        ("1x2xf64", "[[0.1, -0.1]]", vec![0.1, -0.1]),
        ("0xf32", "0.0", vec![]),
    ] {
        let text = format!(
            "func.func @f() -> tensor<{ty}> {{ %y = dl.constant dense<{value}> : tensor<{ty}> return %y : tensor<{ty}> }}"
        );
        let result = run(&text, "f", &[], &[]).unwrap();
        assert_eq!(result[0].to_f64(), expected, "{ty}");
    }
}

#[test]
fn keys_are_pairs_of_words() {
    let text = "func.func @f(%k: tensor<2xui32>) -> tensor<2xui32> {
        %y = dl.random_bits %k sizes() : tensor<2xui32> -> tensor<2xui32> return %y : tensor<2xui32> }";
    let result = run(text, "f", &[], &[Tensor::key(42)]).unwrap();
    // As in `random.rs`, from JAX.
    assert_eq!(
        result[0].as_slice::<u32>().unwrap(),
        [0x7d1c13a2, 0xae0730d9]
    );
}

#[test]
fn failures_name_the_op_and_its_place() {
    let text = r#"func.func @f(%x: tensor<3xf32>, %i: tensor<i32>) -> tensor<f32> {
        %y = dl.take %x, %i axis 0 : (tensor<3xf32>, tensor<i32>) -> tensor<f32> loc("m.dl":2:5)
        return %y : tensor<f32> }"#;
    let id = Tensor::from_slice(&[], &[3i32]).unwrap();
    let message = run(text, "f", &[], &[floats(&[3], &[0.0; 3]), id])
        .unwrap_err()
        .to_string();
    assert_eq!(
        message,
        r#"loc("m.dl":2:5): `dl.take`: index 3 is outside a dim of 3"#
    );
    let text = "func.func @f(%x: tensor<f32>) -> tensor<f32> { %y = math.exp %x : tensor<f32> return %y : tensor<f32> }";
    let error = run(text, "f", &[], &[floats(&[], &[0.0])]).unwrap_err();
    assert!(matches!(error, EvalError::Unsupported { op, .. } if op == "math.exp"));
}

#[test]
fn derivatives_are_had_by_differences() {
    let text = r#"
        func.func private @f(%n: index, %x: tensor<?xf32>, %w: tensor<f32>) -> tensor<f32> {
          %wide = dl.broadcast %w axes [] sizes(%n) : tensor<f32> -> tensor<?xf32>
          %y = dl.mul %x, %wide : tensor<?xf32>
          %t = dl.tanh %y : tensor<?xf32>
          %fixed = dl.stop_gradient %t : tensor<?xf32>
          %z = dl.mul %t, %fixed : tensor<?xf32>
          %sum = dl.reduce "sum" %z axes [0] : tensor<?xf32> -> tensor<f32>
          return %sum : tensor<f32>
        }
        func.func @g(%n: index, %x: tensor<?xf32>, %w: tensor<f32>) -> (tensor<f32>, tensor<?xf32>, tensor<f32>, tensor<f32>) {
          %g:3 = dl.grad @f(%n, %x, %w) wrt [0, 1] value : (index, tensor<?xf32>, tensor<f32>) -> (tensor<f32>, tensor<?xf32>, tensor<f32>)
          %j:2 = dl.jvp @f(%n, %x, %w, %w) wrt [1] : (index, tensor<?xf32>, tensor<f32>, tensor<f32>) -> (tensor<f32>, tensor<f32>)
          return %g#0, %g#1, %g#2, %j#1 : tensor<f32>, tensor<?xf32>, tensor<f32>, tensor<f32>
        }
    "#;
    let context = dlc_dialects::context();
    let module = Module::parse(&context, text).expect("the text is a module");
    let x = floats(&[2], &[0.5, -1.0]);
    let w = floats(&[], &[2.0]);
    let args = [x.clone(), w];
    let (found, asked) = evaluate_by_differences(&module, "g", &[2], &args).unwrap();
    // One factor is held: d/dy (t(y) c) = (1 - t²) c.
    let t = [1f64.tanh(), (-2f64).tanh()];
    let slope = t.map(|t| (1.0 - t * t) * t);
    let by_w = slope[0] * 0.5 - slope[1];
    let expected = [
        vec![t[0] * t[0] + t[1] * t[1]],
        vec![2.0 * slope[0], 2.0 * slope[1]],
        vec![by_w],
        vec![2.0 * by_w],
    ];
    for (found, expected) in found.iter().zip(&expected) {
        for (a, b) in found.to_f64().iter().zip(expected) {
            assert!((a - b).abs() < 1e-6, "{found:?} {expected:?}");
        }
    }
    assert_eq!(asked.len(), 2);
    assert_eq!(
        (asked[0].callee.as_str(), &asked[0].wrt),
        ("f", &vec![0, 1])
    );
    assert_eq!((&asked[0].dims, &asked[0].args[0]), (&vec![2], &x));
    assert!(evaluate(&module, "g", &[2], &args).is_err());
}
