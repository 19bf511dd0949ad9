//! `test` items: they are checked like functions without parameters. The one that the program is made for becomes an
//! entry, whose results are what its assertions compare; who runs it judges them.

use std::rc::Rc;

use dlc_abi::manifest::{Entry, Status, Tree};
use dlc_abi::{status, symbol};

use crate::ast::{self, ItemKind, Span};
use crate::check::env::{FnContext, Scope};
use crate::check::facts::Facts;
use crate::check::value::{NodeId, Res};
use crate::check::{Checker, Mode};
use crate::core::{
    Assertion, AssertionKind, EntryInfo, Func, FuncResult, Goal, TEST_ENTRY, TensorType, Test,
};

/// What a test asserts so far.
#[derive(Default)]
pub(crate) struct Asserted {
    assertions: Vec<Assertion>,
    /// What the assertions compare.
    nodes: Vec<NodeId>,
    /// The number of functions under construction, the test's own counted.
    frames: usize,
}

impl<'a> Checker<'a> {
    /// Checks the tests of the file given to the compiler.
    pub(super) fn check_tests(&mut self) {
        let files = self.files;
        let tests = files.trees[0]
            .items
            .iter()
            .filter_map(|item| match &item.kind {
                ItemKind::Test(test) => Some(test),
                _ => None,
            });
        for (i, test) in tests.enumerate() {
            let wanted = self.options.goal == Goal::Test(i);
            let funcs = self.funcs.len();
            if !wanted {
                self.mode = Mode::Definition;
            }
            let built = self.build_test(test);
            self.mode = Mode::Program;
            let assertions = self
                .asserted
                .take()
                .map(|asserted| asserted.assertions)
                .unwrap_or_default();
            if wanted {
                self.funcs.extend(built.ok().map(Some));
            } else {
                // What only a test calls is no part of the library.
                self.funcs.truncate(funcs);
            }
            self.tests.push(Test {
                name: test.name.clone(),
                span: test.name_span,
                assertions,
            });
        }
    }

    fn build_test(&mut self, test: &'a ast::Test) -> Res<Func> {
        let context = FnContext {
            name: format!("test {:?}", test.name),
            item: None,
            dims: Default::default(),
            inlined: Vec::new(),
            precision: None,
        };
        let scope = Scope::root(Rc::new(context));
        self.push_frame(Vec::new(), Facts::default());
        self.keys = Default::default();
        self.asserted = Some(Asserted {
            frames: self.frames.len(),
            ..Asserted::default()
        });
        let value = self.with_scope(scope, |checker| checker.eval_body(&test.body));
        let compared = self
            .asserted
            .as_mut()
            .map(|asserted| std::mem::take(&mut asserted.nodes))
            .unwrap_or_default();
        let results = compared.into_iter().enumerate().map(|(i, node)| {
            Ok(FuncResult {
                path: format!("out.{i}"),
                node: self.returned(node, test.name_span)?,
            })
        });
        let results: Res<Vec<FuncResult>> = results.collect();
        let frame = self.frames.pop().ok_or(super::Reported)?;
        value?;
        let name = self.unique_name(TEST_ENTRY);
        let mut func = frame.finish(name, test.name_span);
        func.results = results?;
        func.entry = Some(EntryInfo {
            symbol: symbol::entry(&self.stem(), TEST_ENTRY),
            ranges: Vec::new(),
            range_messages: Vec::new(),
            checks: Vec::new(),
            failures: Vec::new(),
        });
        Ok(func)
    }

    /// Whether a `test` is being checked.
    pub(crate) fn in_test(&self) -> bool {
        self.asserted.is_some()
    }

    /// Notes an assertion of the test being checked, and the tensors that it compares.
    pub(crate) fn assert_that(
        &mut self,
        kind: AssertionKind,
        nodes: Vec<NodeId>,
        span: Span,
    ) -> Res<()> {
        let frames = self.frames.len();
        let Some(asserted) = &mut self.asserted else {
            return Ok(());
        };
        if asserted.frames != frames {
            return self.guard_assertion(&kind, &nodes, span);
        }
        asserted.assertions.push(Assertion { span, kind });
        asserted.nodes.extend(nodes);
        Ok(())
    }

    /// The entry of the test that the program is made for, as the manifest describes it.
    pub(super) fn test_entry(&self) -> Option<Entry> {
        let Goal::Test(_) = self.options.goal else {
            return None;
        };
        let mut funcs = self.funcs.iter().flatten();
        let func = funcs.find(|func| func.entry.is_some())?;
        let info = func.entry.as_ref()?;
        let tree = |result: &FuncResult| {
            let ty: &TensorType = &func.nodes[result.node as usize].ty;
            Tree::Tensor {
                dtype: ty.dtype,
                shape: ty.shape_texts(),
            }
        };
        let leaves: Vec<Tree> = func.results.iter().map(tree).collect();
        let statuses = status::COMMON.iter().filter_map(|(code, ..)| {
            let message = status::common_message(TEST_ENTRY, *code)?;
            Some(Status {
                code: *code,
                message,
            })
        });
        let failures = (status::CHECK..).zip(&info.failures);
        let failures = failures.map(|(code, message)| Status {
            code,
            message: message.clone(),
        });
        Some(Entry {
            name: TEST_ENTRY.to_owned(),
            doc: String::new(),
            packed_symbol: symbol::packed(&info.symbol),
            workspace_symbol: symbol::workspace(&info.symbol),
            symbol: info.symbol.clone(),
            dims: Vec::new(),
            conditions: Vec::new(),
            params: Vec::new(),
            result: (!leaves.is_empty()).then_some(Tree::Tuple(leaves)),
            statuses: statuses.chain(failures).collect(),
        })
    }
}
