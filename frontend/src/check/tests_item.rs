//! `test` items: they are checked like functions without parameters. Running them is not part of the checker.

use std::rc::Rc;

use crate::ast::ItemKind;
use crate::check::env::{FnContext, Scope};
use crate::check::facts::Facts;
use crate::check::{Checker, Mode};

impl<'a> Checker<'a> {
    /// Checks the bodies of the tests of the file given to the compiler.
    pub(super) fn check_tests(&mut self) {
        let files = self.files;
        for item in &files.trees[0].items {
            let ItemKind::Test(test) = &item.kind else {
                continue;
            };
            let context = FnContext {
                name: format!("test {:?}", test.name),
                item: None,
                dims: Default::default(),
                inlined: Vec::new(),
            };
            let scope = Scope::root(Rc::new(context));
            let funcs = self.funcs.len();
            self.mode = Mode::Definition;
            self.push_frame(Vec::new(), Facts::default());
            self.keys = Default::default();
            self.in_test = true;
            let _ = self.with_scope(scope, |checker| checker.eval_body(&test.body));
            self.in_test = false;
            self.frames.pop();
            self.mode = Mode::Program;
            // What only a test calls is no part of the library.
            self.funcs.truncate(funcs);
        }
    }
}
