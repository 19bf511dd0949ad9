//! Loops and branches: what is one node, what is unrolled, what is carried.

use crate::core::{Func, Node, Prim, Program};
use crate::diagnostic::Diagnostic;
use crate::modules::NoFiles;
use crate::source::Source;

fn checked(text: &str) -> (Option<Program>, Vec<Diagnostic>) {
    let checked = crate::check(Source::new("t.dl", text), &NoFiles);
    (checked.program, checked.diagnostics)
}

/// The first function of a program without errors.
#[track_caller]
fn function(text: &str) -> Func {
    let (program, diagnostics) = checked(text);
    assert_eq!(diagnostics, [], "{text}");
    program.unwrap().funcs.swap_remove(0)
}

/// All nodes, those of regions too.
fn all_nodes<'n>(nodes: &'n [Node], into: &mut Vec<&'n Node>) {
    for node in nodes {
        into.push(node);
        match &node.op {
            Prim::For { body, .. } => all_nodes(&body.nodes, into),
            Prim::While { cond, body, .. } => {
                all_nodes(&cond.nodes, into);
                all_nodes(&body.nodes, into);
            }
            Prim::If {
                then, otherwise, ..
            } => {
                all_nodes(&then.nodes, into);
                all_nodes(&otherwise.nodes, into);
            }
            _ => {}
        }
    }
}

fn size(func: &Func) -> usize {
    let mut nodes = Vec::new();
    all_nodes(&func.nodes, &mut nodes);
    nodes.len()
}

/// How many values each loop and branch carries, in order.
fn carried(func: &Func) -> Vec<usize> {
    let mut nodes = Vec::new();
    all_nodes(&func.nodes, &mut nodes);
    let results = nodes.iter().filter_map(|node| match &node.op {
        Prim::For { results, .. } | Prim::While { results, .. } | Prim::If { results, .. } => {
            Some(results.len())
        }
        _ => None,
    });
    results.collect()
}

#[test]
fn the_number_of_rounds_does_not_show() {
    let program = |n: &str| {
        let text = format!(
            "export fn f(x: f32[64], k: i64) -> f32 {{
               var s = 0.0
               for i in 0..{n} {{ for j in 0..{n} {{ s += x[i] * x[j] }} }}
               s
             }}"
        );
        size(&function(&text))
    };
    assert_eq!(program("2"), program("64"));
    assert!(program("k") < 60);
}

#[test]
fn what_no_round_changes_is_not_carried() {
    let text = "
      struct S { a: f32[2], b: f32[2], c: (i32, i32) }
      fn add(inout x: f32[2], y: f32[2]) { x += y }
      export fn f(inout s: S, n: i32) {
        for i in 0..n { add(s.a, s.b) }
        for i in 0..n { s.c.1 = i; s.a = s.a }
        while s.c.0 < n { s.c.0 += 1 }
        if n > 0 { s.b = s.a } else { s.c.0 = 7 }
      }";
    assert_eq!(carried(&function(text)), [1, 1, 1, 2]);
}

#[test]
fn inner_loops_carry_for_outer_ones() {
    let text = "
      export fn f(n: i32) -> (i32, i32) {
        var (a, b) = (0, 0)
        for i in 0..n {
          a += i
          for j in 0..i { if j > 2 { b += a } }
        }
        (a, b)
      }";
    assert_eq!(carried(&function(text)), [2, 1, 1]);
}

#[test]
fn loops_are_unrolled_where_a_number_is_needed() {
    let unrolled = function(
        "export fn f(ws: [f32; 3], x: f32) -> f32 {
           var y = x
           for i in 0..3 { for j in 0..100 { y = y * ws[i] } }
           y
         }",
    );
    assert_eq!(carried(&unrolled), [1, 1, 1]);
    let nest = function(
        "export fn f(ws: [f32; 3], x: f32) -> f32 {
           var y = x
           for a in 0..2 { for b in a..2 { for c in 0..2 { for d in 0..2 { for e in 0..2 {
             y = y * ws[a + b] + ws[c] + ws[(d + e) % 3]
           } } } } }
           y
         }",
    );
    assert!(carried(&nest).is_empty());
}

#[test]
fn giving_up_a_body_leaves_nothing_behind() {
    // The body is given up at `ws[i]`, after a gradient was made and an error was reported.
    let (program, diagnostics) = checked(
        "export fn f(ws: [f32; 2], x: f32) -> f32 {
           let fixed = x
           var y = x
           for i in 0..2 {
             y = grad(|v| v * v * y)(y)
             fixed = y
             y += ws[i]
           }
           y + fixed
         }",
    );
    assert!(program.is_none());
    assert_eq!(diagnostics.len(), 1, "{diagnostics:?}");
    let program = checked(
        "export fn f(ws: [f32; 2], x: f32) -> f32 {
           var y = x
           for i in 0..2 { y = grad(|v| v * v * y)(y) + ws[i] }
           y
         }",
    );
    assert_eq!(program.1, []);
    assert_eq!(program.0.unwrap().funcs.len(), 3);
}

#[test]
fn indices_that_are_proven_to_lie_inside_are_slices() {
    let takes = |text: &str| {
        let func = function(text);
        let mut nodes = Vec::new();
        all_nodes(&func.nodes, &mut nodes);
        let take = |node: &&&Node| matches!(node.op, Prim::Take { .. });
        nodes.iter().filter(take).count()
    };
    let inside = "export fn f<T>(x: f32[T, T]) -> f32 {
        var s = 0.0
        for i in 0..T { for j in i..T { s += x[j, T - 1 - i] } }
        for i in 1..T { s += x[i - 1, i] }
        s
      }";
    assert_eq!(takes(inside), 0);
    let outside = "export fn f<T>(x: f32[T]) -> f32 {
        var s = 0.0
        for i in 0..=T { s += x[i] }
        for i in 0..T { s += x[i + 1] }
        for i in -1..T { s += x[i] }
        s
      }";
    assert_eq!(takes(outside), 3);
}

#[test]
fn nests_are_checked_in_reasonable_time() {
    let mut text = String::from("export fn f(ws: [f32; 2], x: f32) -> f32 { var y = x\n");
    for i in 0..40 {
        text += &format!("for i{i} in 0..1 {{ if y > {i}.0 {{ ");
    }
    text += "y = y * ws[i0 + i20 + i39]";
    text += &"} }".repeat(40);
    text += "\ny }";
    assert_eq!(checked(&text).1, []);
}
