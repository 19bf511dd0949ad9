//! Normal forms, arithmetic and texts of dims.

use super::*;

fn poly(text: &str) -> Poly {
    Poly::parse(text).unwrap()
}

#[test]
fn order_does_not_matter() {
    assert_eq!(poly("1 + n"), poly("n + 1"));
    assert_eq!(poly("B*T*4 + 1").to_string(), "4*B*T + 1");
    assert_eq!(poly("(a + b)*(a - b)"), poly("a*a - b*b"));
    assert_eq!(poly("x - x").as_const(), Some(0));
}

#[test]
fn canonical_text_parses_back() {
    for text in [
        "0",
        "-3",
        "-B + 1",
        "B - 1",
        "4*B*T + B*B + 1",
        "4*(B / 3) + (B % 3)",
        "((B*T + 1) / 7)",
    ] {
        let first = poly(text);
        assert_eq!(poly(&first.to_string()), first, "{text}");
        assert_eq!(poly(&first.to_string()).to_string(), first.to_string());
    }
}

#[test]
fn division_folds_what_is_known() {
    assert_eq!(poly("(4*B + 2) / 4"), poly("B"));
    assert_eq!(poly("(4*B + 2) % 4"), poly("2"));
    assert_eq!(poly("4*B*T / 2 / 2"), poly("B*T"));
    assert_eq!(poly("(2*B + 3) / 4"), poly("(B + 1) / 2"));
    assert_eq!(poly("B / 2 / 3"), poly("B / 6"));
    assert_eq!(poly("(6*B) % 4"), poly("2*(B % 2)"));
    assert_eq!(poly("-7 / 2").as_const(), Some(-4));
    assert_eq!(poly("B / 1"), poly("B"));
    assert_eq!(poly("B % 1"), poly("0"));
}

#[test]
fn division_agrees_with_arithmetic() {
    for text in [
        "(2*B + 3) / 4",
        "(6*B + 5) % 4",
        "((B + 1) / 2 + 3) / 5",
        "(B*B - 9) / 6",
    ] {
        let folded = poly(text);
        for b in -20i64..20 {
            let direct = match text {
                "(2*B + 3) / 4" => (2 * b + 3).div_euclid(4),
                "(6*B + 5) % 4" => (6 * b + 5).rem_euclid(4),
                "(B*B - 9) / 6" => (b * b - 9).div_euclid(6),
                _ => ((b + 1).div_euclid(2) + 3).div_euclid(5),
            };
            assert_eq!(folded.eval(&|_| Some(b)), Ok(direct), "{text} at {b}");
        }
    }
}

#[test]
fn evaluation_is_checked() {
    let p = poly("B*B*B");
    assert_eq!(p.eval(&|_| Some(3)), Ok(27));
    assert_eq!(p.eval(&|_| Some(i64::MAX)), Err(EvalError::Overflow));
    assert_eq!(p.eval(&|_| None), Err(EvalError::Unknown("B".into())));
    let huge = Poly::constant(i64::MAX) * Poly::constant(i64::MAX);
    assert_eq!(huge.as_const(), None);
    assert!(!huge.fits() && !(huge.clone() * poly("B") + poly("T")).fits());
    assert!(poly("B*T / 4 - 7").fits());
    assert_eq!(huge.eval(&|_| None), Err(EvalError::Overflow));
    assert_eq!(
        (huge.clone() * huge).eval(&|_| None),
        Err(EvalError::Overflow)
    );
}

#[test]
fn divisors_must_be_positive() {
    assert!(poly("B").floor_div(0).is_none());
    assert!(poly("B").rem(-2).is_none());
}

#[test]
fn substitution_renormalises() {
    let map = BTreeMap::from([("D".to_string(), poly("4*H"))]);
    assert_eq!(poly("D / 4 + D % 4 + T").substitute(&map), poly("H + T"));
}

#[test]
fn parts() {
    assert_eq!(poly("B").as_name(), Some("B"));
    assert_eq!(poly("2*B").as_name(), None);
    assert_eq!(poly("2*B + 3").as_linear_in("B"), Some((2, 3)));
    assert_eq!(poly("B*T").as_linear_in("B"), None);
    let names: Vec<_> = poly("T*B + (C / 2)").names().into_iter().collect();
    assert_eq!(names, ["B", "C", "T"]);
    assert_eq!(poly("B*B*T + 1").degree(), 3);
    assert_eq!(poly("B*B*T + 1").term_count(), 2);
}
