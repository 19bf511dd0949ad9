//! What makes a function an entry of the library, as attributes.

use melior::ir::Attribute;
use melior::ir::attribute::ArrayAttribute;

use crate::ast::DType;
use crate::core::{EntryInfo, Func, TensorType};
use crate::emit::Emitter;

impl<'c> Emitter<'c, '_> {
    /// What is said of a leaf of an entry.
    fn leaf(&self, path: &str, ty: &TensorType, inout: bool) -> Attribute<'c> {
        let mut entries = vec![
            ("dl.path", self.string(path)),
            ("dl.shape", self.strings(ty.shape_texts())),
        ];
        if inout {
            entries.push(("dl.inout", Attribute::unit(self.context)));
        }
        if ty.dtype == DType::Key {
            entries.push(("dl.dtype", self.string("key")));
        }
        self.dictionary(&entries)
    }

    /// The attributes that make a function an entry.
    pub(super) fn entry(
        &self,
        func: &Func,
        entry: &EntryInfo,
    ) -> Vec<(&'static str, Attribute<'c>)> {
        let pair =
            |(min, max): &(i64, Option<i64>)| format!("array<i64: {min}, {}>", max.unwrap_or(-1));
        let ranges: Vec<_> = entry.ranges.iter().map(pair).collect();
        let ranges = Attribute::parse(self.context, &format!("[{}]", ranges.join(", ")));
        let checks: Vec<_> = entry
            .checks
            .iter()
            .map(|check| {
                self.dictionary(&[
                    ("cond", self.string(&check.text)),
                    ("lhs", self.string(&check.lhs.to_string())),
                    ("rel", self.string(check.rel)),
                    ("rhs", self.string(&check.rhs.to_string())),
                    ("message", self.string(&check.message)),
                ])
            })
            .collect();
        let empty = self.dictionary(&[]);
        let mut arguments = vec![empty; func.dims.len()];
        arguments.extend(
            func.params
                .iter()
                .map(|param| self.leaf(&param.path, &param.ty, param.inout)),
        );
        let results: Vec<_> = func
            .results
            .iter()
            .map(|result| self.leaf(&result.path, &func.nodes[result.node as usize].ty, false))
            .collect();
        let mut attributes = vec![
            ("dl.entry", self.string(&entry.symbol)),
            ("dl.ranges", ranges.expect("the pairs are attributes")),
            ("dl.range_messages", self.strings(&entry.range_messages)),
            (
                "dl.checks",
                ArrayAttribute::new(self.context, &checks).into(),
            ),
            (
                "arg_attrs",
                ArrayAttribute::new(self.context, &arguments).into(),
            ),
            (
                "res_attrs",
                ArrayAttribute::new(self.context, &results).into(),
            ),
        ];
        if !entry.failures.is_empty() {
            attributes.push(("dl.failures", self.strings(&entry.failures)));
        }
        attributes
    }
}
