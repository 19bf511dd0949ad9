//! Exports: their C names, what is checked when they are called, and the manifest.

use std::collections::HashMap;

use dlc_abi::manifest::{Condition, DimRange, Entry, Mode, Param, Status, Tree};
use dlc_abi::{status, symbol};

use crate::ast::Span;
use crate::check::Checker;
use crate::check::items::Signature;
use crate::check::types::Ty;
use crate::core::{Check, EntryInfo, Goal};
use crate::diagnostic::{Code, Diagnostic};

/// Names that the C functions of an export use themselves.
const TAKEN: &[&str] = &["out", "workspace", "workspace_bytes"];

impl<'a> Checker<'a> {
    /// The stem of the file as a C identifier.
    pub(super) fn stem(&self) -> String {
        self.sources.root().stem()
    }

    /// Whether a function is an entry: an export of the file given to the compiler, where a library is made. Exports of
    /// files that it imports are ordinary functions.
    pub(super) fn is_entry(&self, id: usize) -> bool {
        let ast = self.fns[id].ast;
        self.options.goal == Goal::Library && ast.export && ast.name.span.file == 0
    }

    /// The C name of an export, without the stem.
    fn export_name(&self, id: usize) -> (String, Span) {
        let ast = self.fns[id].ast;
        match self.c_name(self.fns[id].item) {
            Some((name, span)) => (name.to_string(), span),
            None => (ast.name.name.clone(), ast.name.span),
        }
    }

    /// Reports C names that clash or are none.
    pub(super) fn check_export_names(&mut self) {
        let mut seen: HashMap<String, Span> = HashMap::new();
        for id in 0..self.fns.len() {
            if !self.is_entry(id) {
                continue;
            }
            let (name, span) = self.export_name(id);
            if symbol::identifier(&name) != name || name.is_empty() {
                let message = format!("`{name}` is no C identifier");
                let _ = self.error::<()>(Code::DL0709, message, span);
                continue;
            }
            let entry = symbol::entry(&self.stem(), &name);
            let mut own = vec![
                entry.clone(),
                symbol::packed(&entry),
                symbol::workspace(&entry),
                symbol::message(&entry),
            ];
            if self.options.threads {
                own.extend([symbol::on(&entry), symbol::packed_on(&entry)]);
            }
            if self.options.gpu {
                own.extend([
                    symbol::gpu(&entry),
                    symbol::packed_gpu(&entry),
                    symbol::workspace_gpu(&entry),
                ]);
            }
            let clash = own
                .iter()
                .find_map(|symbol| seen.get(symbol).map(|first| (symbol.clone(), *first)));
            if let Some((symbol, first)) = clash {
                let diagnostic = Diagnostic::error(
                    Code::DL0709,
                    format!("two exports have the C name `{symbol}`"),
                    span,
                )
                .secondary(first, "the other one")
                .help("give one of them another: `@name(\"other\")` before it");
                self.report(diagnostic);
            } else if entry == symbol::abi_hash(&self.stem()) {
                let message = format!("the C name `{entry}` is taken by the library itself");
                let _ = self.error::<()>(Code::DL0709, message, span);
            }
            for symbol in own {
                seen.insert(symbol, span);
            }
            self.check_export_signature(id);
        }
    }

    fn check_export_signature(&mut self, id: usize) {
        let Some(signature) = self.fns[id].sig.clone() else {
            return;
        };
        if self.fns[id].generics.is_some() {
            let message =
                "an export has no type parameters and no `...`: its C function has one type";
            let _ = self.error::<()>(Code::DL0711, message, self.fns[id].ast.name.span);
        }
        let has_result = signature.result != Ty::unit();
        for (param, ast) in signature.params.iter().zip(&self.fns[id].ast.params) {
            if let Ty::Fn(_) = param.ty {
                let message = format!(
                    "an export cannot take a function, and `{}` is one",
                    param.name
                );
                let _ = self.error::<()>(Code::DL0711, message, param.span);
            }
            if TAKEN.contains(&param.name.as_str()) && (param.name != "out" || has_result) {
                let message = format!("a parameter of an export cannot be called `{}`", param.name);
                let diagnostic = Diagnostic::error(Code::DL0711, message, ast.name.span)
                    .note("the C function has an argument of that name");
                self.report(diagnostic);
            }
            if let Some(dim) = signature.dims.iter().find(|dim| dim.name == param.name) {
                let diagnostic = Diagnostic::error(
                    Code::DL0711,
                    format!("`{}` is a dim and a parameter", param.name),
                    ast.name.span,
                )
                .secondary(dim.span, "the dim")
                .note("both are arguments of the C function");
                self.report(diagnostic);
            }
        }
        for dim in signature
            .dims
            .iter()
            .filter(|dim| TAKEN.contains(&dim.name.as_str()))
        {
            let message = format!("a dim of an export cannot be called `{}`", dim.name);
            let _ = self.error::<()>(Code::DL0711, message, dim.span);
        }
    }

    /// What the emitted entry of an export needs.
    pub(super) fn entry_info(&mut self, id: usize, signature: &Signature) -> EntryInfo {
        let (name, _) = self.export_name(id);
        let mut ranges = Vec::new();
        let mut range_messages = Vec::new();
        for dim in &signature.dims {
            let (min, max) = dim.range.unwrap_or((0, None));
            ranges.push((min, max));
            range_messages.push(status::range_message(
                &name,
                &dim.name,
                min,
                max,
                &self.place(dim.span),
            ));
        }
        let checks = signature
            .conditions
            .iter()
            .map(|condition| {
                let rel = condition.rel.symbol();
                let (lhs, rhs) = (
                    condition.left.poly().clone(),
                    condition.right.poly().clone(),
                );
                let written = self.text(condition.span);
                let message =
                    status::condition_message(&name, &written, &self.place(condition.span));
                Check {
                    text: format!("{lhs} {rel} {rhs}"),
                    lhs,
                    rel,
                    rhs,
                    message,
                }
            })
            .collect();
        EntryInfo {
            symbol: symbol::entry(&self.stem(), &name),
            ranges,
            range_messages,
            checks,
            failures: Vec::new(),
        }
    }

    /// The exports as the manifest describes them.
    pub(super) fn manifest_entries(&mut self) -> Vec<Entry> {
        let mut entries = Vec::from_iter(self.test_entry());
        for id in 0..self.fns.len() {
            if !self.is_entry(id) || self.fns[id].failed {
                continue;
            }
            let Some(signature) = self.fns[id].sig.clone() else {
                continue;
            };
            if let Some(entry) = self.manifest_entry(id, &signature) {
                entries.push(entry);
            }
        }
        entries
    }

    fn manifest_entry(&mut self, id: usize, signature: &Signature) -> Option<Entry> {
        let (name, _) = self.export_name(id);
        let info = self.entry_info(id, signature);
        let mut params = Vec::new();
        for param in &signature.params {
            let tree = self.manifest_tree(&param.ty, param.span)?;
            let mode = if param.inout { Mode::InOut } else { Mode::In };
            params.push(Param {
                name: param.name.clone(),
                mode,
                tree,
            });
        }
        let result = if signature.result == Ty::unit() {
            None
        } else {
            Some(self.manifest_tree(&signature.result, signature.result_span)?)
        };
        let first_condition = status::CHECK + info.ranges.len() as i32;
        let conditions = info
            .checks
            .iter()
            .zip(&signature.conditions)
            .zip(first_condition..)
            .map(|((check, written), code)| Condition {
                text: check.text.clone(),
                status: code,
                source: self.place(written.span),
            });
        let conditions: Vec<Condition> = conditions.collect();
        let mut statuses: Vec<Status> = status::COMMON
            .iter()
            .filter_map(|(code, ..)| {
                status::common_message(&name, *code).map(|message| Status {
                    code: *code,
                    message,
                })
            })
            .collect();
        let mut funcs = self
            .funcs
            .iter()
            .flatten()
            .filter_map(|func| func.entry.as_ref());
        let failures = funcs
            .find(|entry| entry.symbol == info.symbol)
            .map(|entry| entry.failures.as_slice());
        let messages = info
            .range_messages
            .iter()
            .chain(info.checks.iter().map(|check| &check.message))
            .chain(failures.unwrap_or_default());
        statuses.extend(messages.zip(status::CHECK..).map(|(message, code)| Status {
            code,
            message: message.clone(),
        }));
        let docs: Vec<&str> = self.fns[id]
            .item
            .docs
            .iter()
            .map(|doc| doc.text.trim_end())
            .collect();
        Some(Entry {
            name,
            doc: docs.join("\n"),
            packed_symbol: symbol::packed(&info.symbol),
            workspace_symbol: symbol::workspace(&info.symbol),
            symbol: info.symbol,
            dims: signature
                .dims
                .iter()
                .zip(&info.ranges)
                .map(|(dim, (min, max))| DimRange {
                    name: dim.name.clone(),
                    min: *min,
                    max: *max,
                })
                .collect(),
            conditions,
            params,
            result,
            statuses,
        })
    }

    fn manifest_tree(&mut self, ty: &Ty, span: Span) -> Option<Tree> {
        Some(match ty {
            Ty::Tensor(t) => Tree::Tensor {
                dtype: t.dtype,
                shape: t.shape_texts(),
            },
            Ty::Struct(s) => {
                let mut fields = Vec::new();
                for (name, ty) in self.fields(s) {
                    fields.push((name, self.manifest_tree(&ty, span)?));
                }
                // `Adam<Params>` is `Adam_Params` in C, `optim::Adam<Params>` is `optim_Adam_Params`.
                let name = s.name.trim_end_matches('>').replace("::", "_");
                Tree::Struct {
                    name: symbol::identifier(&name),
                    fields,
                }
            }
            Ty::Tuple(items) => Tree::Tuple(
                items
                    .iter()
                    .map(|item| self.manifest_tree(item, span))
                    .collect::<Option<_>>()?,
            ),
            Ty::List(element, count) => {
                let count = self.list_length(count, span).ok()?;
                let element = self.manifest_tree(element, span)?;
                Tree::List(vec![element; count])
            }
            Ty::Fn(_) | Ty::Error => return None,
        })
    }
}
