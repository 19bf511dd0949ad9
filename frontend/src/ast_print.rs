//! The syntax tree as text, for `--emit=ast`.
//!
//! What is printed is a DL program again: it parses to the same tree (but for places), has no comments, parentheses
//! only where they are needed, and one fixed layout. Nodes that did not parse are printed as `<error>`.

use std::fmt::Write;

use crate::ast::*;

/// A file as text.
pub fn print(file: &File) -> String {
    let mut printer = Printer::default();
    for doc in &file.docs {
        printer.line(&format!("//! {}", doc.text));
    }
    for (i, item) in file.items.iter().enumerate() {
        if i > 0 || !file.docs.is_empty() {
            printer.text.push('\n');
        }
        printer.item(item);
    }
    printer.text
}

/// An expression as text, on one line where it has no blocks with several statements.
pub fn print_expr(expr: &Expr) -> String {
    let mut printer = Printer::default();
    printer.expr(expr, 0);
    printer.text
}

/// A type as text.
pub fn print_type(ty: &Type) -> String {
    let mut printer = Printer::default();
    printer.ty(ty);
    printer.text
}

#[derive(Default)]
struct Printer {
    text: String,
    indent: usize,
}

/// How tightly the whole of an expression binds; the levels of [`BinaryOp::precedence`], but with unary between `*`
/// and `**`.
fn level(kind: &ExprKind) -> u8 {
    match kind {
        ExprKind::Lambda { .. } | ExprKind::Range { .. } => 0,
        ExprKind::Binary {
            op: BinaryOp::Pow, ..
        } => 7,
        ExprKind::Binary { op, .. } => op.precedence(),
        ExprKind::Unary { .. } => 6,
        _ => 8,
    }
}

impl Printer {
    fn line(&mut self, text: &str) {
        for _ in 0..self.indent {
            self.text.push_str("  ");
        }
        self.text.push_str(text.trim_end());
        self.text.push('\n');
    }

    fn begin_line(&mut self) {
        self.text.push('\n');
        for _ in 0..self.indent {
            self.text.push_str("  ");
        }
    }

    fn put(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn list<T>(&mut self, items: &[T], mut each: impl FnMut(&mut Self, &T)) {
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                self.put(", ");
            }
            each(self, item);
        }
    }

    fn string(&mut self, value: &str) {
        self.text.push('"');
        for c in value.chars() {
            match c {
                '\n' => self.put("\\n"),
                '\t' => self.put("\\t"),
                '\r' => self.put("\\r"),
                '\0' => self.put("\\0"),
                '"' => self.put("\\\""),
                '\\' => self.put("\\\\"),
                c => self.text.push(c),
            }
        }
        self.text.push('"');
    }

    fn item(&mut self, item: &Item) {
        for doc in &item.docs {
            self.line(&format!("/// {}", doc.text));
        }
        for attr in &item.attrs {
            self.put(&format!("@{}", attr.name.name));
            if !attr.args.is_empty() {
                self.put("(");
                self.args(&attr.args);
                self.put(")");
            }
            self.put("\n");
        }
        match &item.kind {
            ItemKind::Const(item) => {
                self.put(&format!("const {} = ", item.name.name));
                self.expr(&item.value, 0);
            }
            ItemKind::Struct(item) => self.struct_item(item),
            ItemKind::Fn(item) => self.fn_item(item),
            ItemKind::Import(item) => {
                self.put("import ");
                self.string(&item.path);
            }
            ItemKind::Use(item) => {
                let name = |ident: &Ident| ident.name.clone();
                let prefix: Vec<String> = item.prefix.iter().map(name).collect();
                let names: Vec<String> = item.names.iter().map(name).collect();
                match (prefix.is_empty(), names.as_slice()) {
                    (true, names) => self.put(&format!("use {}", names.join(", "))),
                    (false, [one]) => self.put(&format!("use {}::{one}", prefix.join("::"))),
                    (false, names) => self.put(&format!(
                        "use {}::{{{}}}",
                        prefix.join("::"),
                        names.join(", ")
                    )),
                }
            }
            ItemKind::Test(item) => {
                self.put("test ");
                self.string(&item.name);
                self.put(" ");
                self.block(&item.body);
            }
            ItemKind::Bad(_) => self.put("<error>"),
        }
        self.put("\n");
    }

    fn struct_item(&mut self, item: &Struct) {
        self.put(&format!("struct {}", item.name.name));
        self.dim_params(&item.dims);
        self.put(" {");
        self.indent += 1;
        for field in &item.fields {
            for doc in &field.docs {
                self.begin_line();
                self.put(format!("/// {}", doc.text).trim_end());
            }
            self.begin_line();
            self.put(&format!("{}: ", field.name.name));
            self.ty(&field.ty);
            self.put(",");
        }
        self.indent -= 1;
        self.begin_line();
        self.put("}");
    }

    fn fn_item(&mut self, item: &Fn) {
        if item.export {
            self.put("export ");
        }
        self.put(&format!("fn {}", item.name.name));
        self.dim_params(&item.dims);
        self.put("(");
        self.list(&item.params, |this, param| {
            this.put(if param.inout.is_some() { "inout " } else { "" });
            this.put(&format!("{}: ", param.name.name));
            this.ty(&param.ty);
            if let Some(default) = &param.default {
                this.put(" = ");
                this.expr(default, 0);
            }
        });
        self.put(")");
        if let Some(result) = &item.result {
            self.put(" -> ");
            self.ty(result);
        }
        if !item.conditions.is_empty() {
            self.put(" where ");
            self.list(&item.conditions, |this, condition| this.expr(condition, 1));
        }
        self.put(" ");
        self.block(&item.body);
    }

    fn dim_params(&mut self, dims: &[DimParam]) {
        if dims.is_empty() {
            return;
        }
        self.put("<");
        self.list(dims, |this, dim| {
            if dim.kind != GenericKind::Dim {
                this.put(&format!("{} ", dim.kind.word()));
            }
            this.put(&dim.name.name);
            if let Some(range) = &dim.range {
                this.put(" in ");
                if let Some(start) = &range.start {
                    this.expr(start, 4);
                }
                this.put(if range.inclusive { "..=" } else { ".." });
                if let Some(end) = &range.end {
                    this.expr(end, 4);
                }
            }
        });
        self.put(">");
    }

    fn dim_args(&mut self, dims: &[DimArg]) {
        if dims.is_empty() {
            return;
        }
        self.put("<");
        self.list(dims, |this, dim| {
            if let Some(name) = &dim.name {
                this.put(&format!("{}=", name.name));
            }
            this.expr(&dim.value, 4);
        });
        self.put(">");
    }

    fn args(&mut self, args: &[Arg]) {
        self.list(args, |this, arg| {
            if let Some(name) = &arg.name {
                this.put(&format!("{}=", name.name));
            }
            this.expr(&arg.value, 0);
        });
    }

    fn ty(&mut self, ty: &Type) {
        match &ty.kind {
            TypeKind::Tensor {
                dtype,
                leading,
                dims,
                ..
            } => {
                self.put(dtype.dl_name());
                self.shape(leading.is_some(), dims);
            }
            TypeKind::Generic {
                dtype,
                leading,
                dims,
            } => {
                self.put(&dtype.name);
                self.shape(leading.is_some(), dims);
            }
            TypeKind::Named { path, dims } => {
                self.put(&path.to_string());
                self.dim_args(dims);
            }
            TypeKind::Tuple(types) => {
                self.put("(");
                self.list(types, Self::ty);
                self.put(if types.len() == 1 { ",)" } else { ")" });
            }
            TypeKind::List { element, count } => {
                self.put("[");
                self.ty(element);
                self.put("; ");
                self.expr(count, 0);
                self.put("]");
            }
            TypeKind::Fn { params, result } => {
                self.put("fn(");
                self.list(params, Self::ty);
                self.put(")");
                if let Some(result) = result {
                    self.put(" -> ");
                    self.ty(result);
                }
            }
            TypeKind::Error => self.put("<error>"),
        }
    }

    fn shape(&mut self, leading: bool, dims: &[Expr]) {
        if dims.is_empty() && !leading {
            return;
        }
        self.put(match (leading, dims.is_empty()) {
            (true, true) => "[...",
            (true, false) => "[..., ",
            (false, _) => "[",
        });
        self.list(dims, |this, dim| this.expr(dim, 0));
        self.put("]");
    }

    fn pattern(&mut self, pattern: &Pattern) {
        match &pattern.kind {
            PatternKind::Name(ident) => self.put(&ident.name),
            PatternKind::Wildcard => self.put("_"),
            PatternKind::Tuple(parts) => {
                self.put("(");
                self.list(parts, Self::pattern);
                self.put(if parts.len() == 1 { ",)" } else { ")" });
            }
            PatternKind::Error => self.put("<error>"),
        }
    }

    fn block(&mut self, block: &Block) {
        self.put("{");
        self.indent += 1;
        for stmt in &block.stmts {
            self.begin_line();
            self.stmt(stmt);
        }
        if let Some(tail) = &block.tail {
            self.begin_line();
            self.expr(tail, 0);
        }
        self.indent -= 1;
        self.begin_line();
        self.put("}");
    }

    fn stmt(&mut self, stmt: &Stmt) {
        match &stmt.kind {
            StmtKind::Let { pattern, ty, value } => {
                self.binding("let ", pattern, ty.as_ref(), value)
            }
            StmtKind::Var { pattern, ty, value } => {
                self.binding("var ", pattern, ty.as_ref(), value)
            }
            StmtKind::Assign {
                target, op, value, ..
            } => {
                self.expr(target, 0);
                self.put(&format!(" {}= ", op.map_or("", BinaryOp::symbol)));
                self.expr(value, 0);
            }
            StmtKind::Expr(value) => self.expr(value, 0),
            StmtKind::For {
                pattern,
                iter,
                body,
            } => {
                self.put("for ");
                self.pattern(pattern);
                self.put(" in ");
                self.for_iter(iter);
                self.put(" ");
                self.block(body);
            }
            StmtKind::While { cond, bound, body } => {
                self.put("while ");
                self.head(cond);
                if let Some(bound) = bound {
                    self.put(" within ");
                    self.head(bound);
                }
                self.put(" ");
                self.block(body);
            }
            StmtKind::Return(value) => {
                self.put("return");
                if let Some(value) = value {
                    self.put(" ");
                    self.expr(value, 0);
                }
            }
            StmtKind::Error => self.put("<error>"),
        }
    }

    fn binding(&mut self, word: &str, pattern: &Pattern, ty: Option<&Type>, value: &Expr) {
        self.put(word);
        self.pattern(pattern);
        if let Some(ty) = ty {
            self.put(": ");
            self.ty(ty);
        }
        self.put(" = ");
        self.expr(value, 0);
    }

    fn for_iter(&mut self, iter: &ForIter) {
        self.put(if iter.enumerate { "enumerate(" } else { "" });
        self.put(if iter.reversed { "reversed(" } else { "" });
        match &iter.kind {
            IterKind::Range {
                start,
                end,
                inclusive,
            } => {
                self.expr(start, 4);
                self.put(if *inclusive { "..=" } else { ".." });
                self.expr(end, 4);
            }
            IterKind::Values(value) if iter.enumerate || iter.reversed => self.expr(value, 0),
            IterKind::Values(value) => self.head(value),
        }
        self.put(if iter.reversed { ")" } else { "" });
        self.put(if iter.enumerate { ")" } else { "" });
    }

    /// An expression before a `{`: a struct literal in it needs parentheses, and so does the rest then.
    fn head(&mut self, expr: &Expr) {
        let start = self.text.len();
        self.expr(expr, 1);
        if self.text[start..].contains('{') {
            self.text.insert(start, '(');
            self.put(")");
        }
    }

    /// An expression where everything that binds at least as tightly as `least` needs no parentheses.
    fn expr(&mut self, expr: &Expr, least: u8) {
        let parentheses = level(&expr.kind) < least;
        if parentheses {
            self.put("(");
        }
        self.bare_expr(&expr.kind);
        if parentheses {
            self.put(")");
        }
    }

    fn bare_expr(&mut self, kind: &ExprKind) {
        match kind {
            ExprKind::Int(value) => self.put(&value.to_string()),
            ExprKind::Float(value) => self.float(*value),
            ExprKind::Bool(value) => self.put(if *value { "true" } else { "false" }),
            ExprKind::None => self.put("none"),
            ExprKind::Str(value) => self.string(value),
            ExprKind::Path(path) => self.put(&path.to_string()),
            ExprKind::Unary { op, operand, .. } => {
                self.put(op.symbol());
                self.expr(operand, 6);
            }
            ExprKind::Binary {
                op, left, right, ..
            } => {
                let own = level(kind);
                let (before, after) = match op {
                    BinaryOp::Pow => (8, 6),
                    _ if op.is_comparison() => (own + 1, own + 1),
                    _ => (own, own + 1),
                };
                self.expr(left, before);
                self.put(&format!(" {} ", op.symbol()));
                self.expr(right, after);
            }
            ExprKind::Call {
                callee, dims, args, ..
            } => {
                self.expr(callee, 8);
                self.dim_args(dims);
                self.put("(");
                self.args(args);
                self.put(")");
            }
            ExprKind::Index { base, indices, .. } => {
                self.expr(base, 8);
                self.put("[");
                self.list(indices, Self::index);
                self.put("]");
            }
            ExprKind::Field { base, name } => {
                self.expr(base, 8);
                self.put(&format!(".{}", name.name));
            }
            ExprKind::TupleField { base, index, .. } => {
                self.expr(base, 8);
                self.put(&format!(".{index}"));
            }
            ExprKind::If {
                cond,
                then,
                otherwise,
            } => {
                self.put("if ");
                self.head(cond);
                self.put(" ");
                self.block(then);
                if let Some(otherwise) = otherwise {
                    self.put(" else ");
                    self.expr(otherwise, 8);
                }
            }
            ExprKind::Block(block) => self.block(block),
            ExprKind::Lambda { params, body } => {
                self.put("|");
                self.list(params, |this, param| {
                    this.pattern(&param.pattern);
                    if let Some(ty) = &param.ty {
                        this.put(": ");
                        this.ty(ty);
                    }
                });
                self.put("| ");
                self.expr(body, 0);
            }
            ExprKind::Struct {
                path,
                dims,
                fields,
                base,
            } => {
                self.put(&path.to_string());
                self.dim_args(dims);
                self.put(" { ");
                self.list(fields, |this, field| {
                    this.put(&format!("{}: ", field.name.name));
                    this.expr(&field.value, 0);
                });
                if let Some(base) = base {
                    self.put(if fields.is_empty() { ".." } else { ", .." });
                    self.expr(base, 0);
                }
                self.put(" }");
            }
            ExprKind::List(values) => {
                self.put("[");
                self.list(values, |this, value| this.expr(value, 0));
                self.put("]");
            }
            ExprKind::Tuple(values) => {
                self.put("(");
                self.list(values, |this, value| this.expr(value, 0));
                self.put(if values.len() == 1 { ",)" } else { ")" });
            }
            ExprKind::Range {
                start,
                end,
                inclusive,
            } => {
                self.expr(start, 4);
                self.put(if *inclusive { "..=" } else { ".." });
                self.expr(end, 4);
            }
            ExprKind::Error => self.put("<error>"),
        }
    }

    /// The shortest text that is read as the same number.
    fn float(&mut self, value: f64) {
        let start = self.text.len();
        let plain = (1e-4..1e16).contains(&value.abs()) || value == 0.0;
        let written = if plain {
            write!(self.text, "{value:?}")
        } else {
            write!(self.text, "{value:e}")
        };
        written.expect("a string takes every text");
        debug_assert!(self.text[start..].contains(['.', 'e']));
    }

    fn index(&mut self, index: &Index) {
        match &index.kind {
            IndexKind::At(value) => self.expr(value, 0),
            IndexKind::Slice { start, end, step } => {
                if let Some(start) = start {
                    self.expr(start, 1);
                }
                self.put(":");
                if let Some(end) = end {
                    self.expr(end, 1);
                }
                if let Some(step) = step {
                    // Two colons between two names would join them.
                    self.put(if end.is_none() && start.is_some() {
                        " :"
                    } else {
                        ":"
                    });
                    self.expr(step, 1);
                }
            }
            IndexKind::Ellipsis => self.put("..."),
            IndexKind::NewAxis => self.put("none"),
        }
    }
}
