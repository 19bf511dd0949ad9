//! Which parts of a program may go, or be replaced by a part of themselves.

use super::Edit;
use dlc_frontend::{
    ast::{
        Arg, Block, Expr, ExprKind, File, Fn, Ident, Item, ItemKind, Param, PatternKind, Span,
        Stmt, StmtKind, Type, TypeKind, visit, visit::Visitor,
    },
    parser,
    source::Source,
};
use std::ops::Range;

/// What there is to try, in the order in which it takes most away.
pub(super) const KINDS: &[fn(&str) -> Vec<Edit>] = &[
    items,
    statements,
    parameters,
    fields,
    dims,
    inlined_names,
    inlined_calls,
    expressions,
    numbers,
];

fn file(text: &str) -> File {
    parser::parse(&Source::new("reduced.dl", text)).0
}

fn functions(file: &File) -> impl Iterator<Item = &Fn> {
    file.items.iter().filter_map(|item| match &item.kind {
        ItemKind::Fn(function) => Some(function),
        _ => None,
    })
}

/// Everything in the bodies of a file, in order.
#[derive(Default)]
struct Found<'a> {
    exprs: Vec<&'a Expr>,
    stmts: Vec<&'a Stmt>,
    blocks: Vec<&'a Block>,
}

impl<'a> Visitor<'a> for Found<'a> {
    fn expr(&mut self, expr: &'a Expr) {
        self.exprs.push(expr);
        visit::expr_parts(self, expr);
    }

    fn stmt(&mut self, stmt: &'a Stmt) {
        self.stmts.push(stmt);
        visit::stmt_parts(self, stmt);
    }

    fn block(&mut self, block: &'a Block) {
        self.blocks.push(block);
        visit::block_parts(self, block);
    }
}

impl<'a> Found<'a> {
    fn in_file(file: &'a File) -> Self {
        let mut found = Self::default();
        for item in &file.items {
            match &item.kind {
                ItemKind::Fn(function) => found.function(function),
                ItemKind::Struct(one) => {
                    one.fields.iter().for_each(|field| found.ty(&field.ty));
                }
                ItemKind::Const(one) => found.expr(&one.value),
                ItemKind::Test(one) => found.block(&one.body),
                ItemKind::Import(_) | ItemKind::Use(_) | ItemKind::Bad(_) => {}
            }
        }
        found
    }

    fn in_function(function: &'a Fn) -> Self {
        let mut found = Self::default();
        found.function(function);
        found
    }

    fn function(&mut self, function: &'a Fn) {
        function.params.iter().for_each(|param| self.ty(&param.ty));
        function.result.iter().for_each(|ty| self.ty(ty));
        function.conditions.iter().for_each(|one| self.expr(one));
        self.block(&function.body);
    }

    fn ty(&mut self, ty: &'a Type) {
        visit::type_parts(self, ty);
    }

    /// Where a name stands alone.
    fn uses(&self, name: &str) -> Vec<Span> {
        let named = self.exprs.iter().filter(|expr| {
            matches!(&expr.kind, ExprKind::Path(path) if path.as_ident().is_some_and(|one| one.name == name))
        });
        named.map(|expr| expr.span).collect()
    }
}

/// The strings of a file, which may look like comments.
pub(super) fn strings(file: &File) -> Vec<Range<usize>> {
    let mut found = vec![];
    for item in &file.items {
        match &item.kind {
            ItemKind::Import(import) => found.push(import.path_span.range()),
            ItemKind::Test(test) => found.push(test.name_span.range()),
            _ => {}
        }
    }
    let all = Found::in_file(file);
    let strings = all.exprs.iter();
    let strings = strings.filter(|expr| matches!(expr.kind, ExprKind::Str(_)));
    found.extend(strings.map(|expr| expr.span.range()));
    found
}

/// An item with what stands before it.
fn whole(item: &Item) -> Range<usize> {
    let attributes = item.attrs.iter().map(|one| one.span.start);
    let docs = item.docs.iter().map(|one| one.span.start);
    let start = attributes.chain(docs).min().unwrap_or(item.span.start);
    start.min(item.span.start) as usize..item.span.end as usize
}

/// Items, halves of them first, and attributes.
fn items(text: &str) -> Vec<Edit> {
    let file = file(text);
    let all: Vec<_> = file.items.iter().map(whole).collect();
    let mut edits = runs(&all);
    let attributes = file.items.iter().flat_map(|item| &item.attrs);
    edits.extend(attributes.map(|one| Edit::remove(one.span.range())));
    edits
}

/// Removes halves, quarters and so on of a list of parts, down to one.
fn runs(parts: &[Range<usize>]) -> Vec<Edit> {
    let mut edits = vec![];
    let mut size = parts.len() / 2;
    while size > 0 {
        let chunks = parts.chunks(size);
        edits.extend(chunks.map(|chunk| {
            let removed = chunk.iter().map(|range| (range.clone(), String::new()));
            Edit(removed.collect())
        }));
        size /= 2;
    }
    if parts.len() == 1 {
        edits.push(Edit::remove(parts[0].clone()));
    }
    edits
}

/// Statements of each block, and loops that become their body.
fn statements(text: &str) -> Vec<Edit> {
    let file = file(text);
    let found = Found::in_file(&file);
    let mut edits = vec![];
    for block in &found.blocks {
        let parts: Vec<_> = block.stmts.iter().map(|stmt| stmt.span.range()).collect();
        edits.extend(runs(&parts));
    }
    for stmt in &found.stmts {
        if let StmtKind::For { body, .. } | StmtKind::While { body, .. } = &stmt.kind {
            let inside = &text[inside(body.span)];
            edits.push(Edit(vec![(stmt.span.range(), inside.trim().to_string())]));
        }
    }
    edits
}

/// What stands between brackets.
fn inside(span: Span) -> Range<usize> {
    span.start as usize + 1..span.end as usize - 1
}

/// The bytes of an element of a list, with one of the commas beside it.
fn element(spans: &[Span], i: usize) -> Range<usize> {
    match (spans.get(i + 1), i.checked_sub(1)) {
        (Some(next), _) => spans[i].start as usize..next.start as usize,
        (None, Some(before)) => spans[before].end as usize..spans[i].end as usize,
        (None, None) => spans[i].range(),
    }
}

/// Whether a call is of a function, or of what a transform makes of it, as `grad(f)(x)`.
fn calls(callee: &Expr, name: &str) -> bool {
    match &callee.kind {
        ExprKind::Path(path) => path.last().name == name,
        ExprKind::Call { callee, args, .. } => {
            calls(callee, name) || args.iter().any(|arg| calls(&arg.value, name))
        }
        _ => false,
    }
}

/// The argument of a call for a parameter.
fn argument(args: &[Arg], params: &[Param], i: usize) -> Option<usize> {
    let named = |arg: &Arg| {
        arg.name
            .as_ref()
            .is_some_and(|one| one.name == params[i].name.name)
    };
    args.iter().position(named).or_else(|| {
        let positional = args.get(i).filter(|arg| arg.name.is_none());
        positional.map(|_| i)
    })
}

/// Parameters, with the arguments that calls give for them.
fn parameters(text: &str) -> Vec<Edit> {
    let file = file(text);
    let found = Found::in_file(&file);
    let mut edits = vec![];
    for function in functions(&file) {
        let spans: Vec<_> = function.params.iter().map(|param| param.span).collect();
        for i in 0..spans.len() {
            let mut parts = vec![(element(&spans, i), String::new())];
            for expr in &found.exprs {
                if let ExprKind::Call { callee, args, .. } = &expr.kind
                    && calls(callee, &function.name.name)
                    && let Some(at) = argument(args, &function.params, i)
                {
                    let given: Vec<_> = args.iter().map(|arg| arg.span).collect();
                    parts.push((element(&given, at), String::new()));
                }
            }
            edits.push(Edit(parts));
        }
        if let Some(first) = function.conditions.first() {
            let before = &text[..first.span.start as usize];
            if let Some(at) = before.rfind("where") {
                let last = function.conditions.last().unwrap_or(first);
                edits.push(Edit::remove(at..last.span.end as usize));
            }
        }
    }
    edits
}

/// Fields of structs, with what makes them; and a parameter of a struct that becomes one for each field.
fn fields(text: &str) -> Vec<Edit> {
    let file = file(text);
    let found = Found::in_file(&file);
    let mut edits = vec![];
    let structs = file.items.iter().filter_map(|item| match &item.kind {
        ItemKind::Struct(one) => Some(one),
        _ => None,
    });
    for one in structs {
        let spans: Vec<_> = one.fields.iter().map(|field| field.span).collect();
        for (i, field) in one.fields.iter().enumerate() {
            let mut parts = vec![(element(&spans, i), String::new())];
            for expr in &found.exprs {
                if let ExprKind::Struct { path, fields, .. } = &expr.kind
                    && path.last().name == one.name.name
                    && let Some(at) = fields
                        .iter()
                        .position(|init| init.name.name == field.name.name)
                {
                    let given: Vec<_> = fields.iter().map(|init| init.span).collect();
                    parts.push((element(&given, at), String::new()));
                }
            }
            edits.push(Edit(parts));
        }
        if let [only] = one.fields.as_slice() {
            edits.push(unwrapped(text, &found, &file, &one.name, only));
        }
    }
    edits
}

/// A struct of one field that becomes the field.
fn unwrapped(
    text: &str,
    found: &Found,
    file: &File,
    name: &Ident,
    field: &dlc_frontend::ast::Field,
) -> Edit {
    let mut parts = vec![];
    let ty = &text[field.ty.span.range()];
    for item in &file.items {
        match &item.kind {
            ItemKind::Struct(one) if one.name == *name => parts.push((whole(item), String::new())),
            ItemKind::Fn(function) => {
                let types = function.params.iter().map(|param| &param.ty);
                for one in types.chain(&function.result) {
                    if matches!(&one.kind, TypeKind::Named { path, .. } if path.last().name == name.name)
                    {
                        parts.push((one.span.range(), ty.to_string()));
                    }
                }
            }
            _ => {}
        }
    }
    for expr in &found.exprs {
        match &expr.kind {
            ExprKind::Field { base, name: one } if one.name == field.name.name => {
                parts.push((
                    base.span.end as usize..expr.span.end as usize,
                    String::new(),
                ));
            }
            ExprKind::Struct { path, fields, .. } if path.last().name == name.name => {
                if let [init] = fields.as_slice() {
                    let value = format!("({})", &text[init.value.span.range()]);
                    parts.push((expr.span.range(), value));
                }
            }
            _ => {}
        }
    }
    Edit(parts)
}

/// Ranges of dims, and dims that become a number.
fn dims(text: &str) -> Vec<Edit> {
    let file = file(text);
    let mut edits = vec![];
    for function in functions(&file) {
        let found = Found::in_function(function);
        let spans: Vec<_> = function.dims.iter().map(|dim| dim.span).collect();
        for (i, dim) in function.dims.iter().enumerate() {
            if dim.range.is_some() {
                edits.push(Edit::remove(
                    dim.name.span.end as usize..dim.span.end as usize,
                ));
            }
            let list = match spans.as_slice() {
                [only] => only.start as usize - 1..only.end as usize + 1,
                _ => element(&spans, i),
            };
            for number in ["1", "2", "4"] {
                let uses = found.uses(&dim.name.name).into_iter();
                let mut parts: Vec<_> = uses
                    .map(|span| (span.range(), number.to_string()))
                    .collect();
                parts.push((list.clone(), String::new()));
                edits.push(Edit(parts));
            }
        }
    }
    for item in &file.items {
        if let ItemKind::Const(one) = &item.kind {
            let value = format!("({})", &text[one.value.span.range()]);
            let uses = Found::in_file(&file).uses(&one.name.name).into_iter();
            let plain = matches!(one.value.kind, ExprKind::Int(_) | ExprKind::Float(_));
            let value = if plain {
                text[one.value.span.range()].to_string()
            } else {
                value
            };
            let mut parts: Vec<_> = uses.map(|span| (span.range(), value.clone())).collect();
            parts.push((whole(item), String::new()));
            edits.push(Edit(parts));
        }
    }
    edits
}

/// `let` and `var` that become what they are of.
fn inlined_names(text: &str) -> Vec<Edit> {
    let file = file(text);
    let mut edits = vec![];
    for function in functions(&file) {
        let found = Found::in_function(function);
        for stmt in &found.stmts {
            if let StmtKind::Let { pattern, value, .. } | StmtKind::Var { pattern, value, .. } =
                &stmt.kind
                && let PatternKind::Name(name) = &pattern.kind
            {
                let value = parenthesised(text, value);
                let uses = found.uses(&name.name).into_iter();
                let mut parts: Vec<_> = uses.map(|span| (span.range(), value.clone())).collect();
                parts.push((stmt.span.range(), String::new()));
                edits.push(Edit(parts));
            }
        }
    }
    edits
}

/// The text of an expression as an operand.
fn parenthesised(text: &str, expr: &Expr) -> String {
    let inner = &text[expr.span.range()];
    match expr.kind {
        ExprKind::Binary { .. }
        | ExprKind::Unary { .. }
        | ExprKind::If { .. }
        | ExprKind::Lambda { .. }
            if !inner.starts_with('(') =>
        {
            format!("({inner})")
        }
        _ => inner.to_string(),
    }
}

/// Functions of one expression that go, with calls that become it; and those of several results that give one of them.
fn inlined_calls(text: &str) -> Vec<Edit> {
    let file = file(text);
    let found = Found::in_file(&file);
    let mut edits = vec![];
    for item in &file.items {
        let ItemKind::Fn(function) = &item.kind else {
            continue;
        };
        let Some(tail) = &function.body.tail else {
            continue;
        };
        if let (Some(TypeKind::Tuple(types)), ExprKind::Tuple(values)) =
            (function.result.as_ref().map(|ty| &ty.kind), &tail.kind)
        {
            let result = function.result.as_ref().map_or(tail.span, |ty| ty.span);
            edits.extend(types.iter().zip(values).map(|(ty, value)| {
                let value = text[value.span.range()].to_string();
                let ty = text[ty.span.range()].to_string();
                Edit(vec![(result.range(), ty), (tail.span.range(), value)])
            }));
        }
        if !function.body.stmts.is_empty() || function.export {
            continue;
        }
        let mut parts = vec![(whole(item), String::new())];
        for expr in &found.exprs {
            if let ExprKind::Call { callee, args, .. } = &expr.kind
                && matches!(&callee.kind, ExprKind::Path(path) if path.last().name == function.name.name)
                && let Some(body) = inlined(text, function, tail, args)
            {
                parts.push((expr.span.range(), format!("({body})")));
            }
        }
        edits.push(Edit(parts));
    }
    edits
}

/// What a function gives for some arguments.
fn inlined(text: &str, function: &Fn, tail: &Expr, args: &[Arg]) -> Option<String> {
    let body = Found::in_function(function);
    let (start, end) = (tail.span.start as usize, tail.span.end as usize);
    let mut parts = vec![];
    for (i, param) in function.params.iter().enumerate() {
        let value = parenthesised(text, &args[argument(args, &function.params, i)?].value);
        let uses = body.uses(&param.name.name).into_iter().map(Span::range);
        let inside = uses.filter(|one| start <= one.start && one.end <= end);
        parts.extend(inside.map(|one| (one.start - start..one.end - start, value.clone())));
    }
    Edit(parts).apply(&text[start..end])
}

/// Expressions that become a part of themselves, or a number.
fn expressions(text: &str) -> Vec<Edit> {
    let file = file(text);
    let found = Found::in_file(&file);
    let mut edits = vec![];
    for expr in &found.exprs {
        let mut by = |by: String| edits.push(Edit(vec![(expr.span.range(), by)]));
        match &expr.kind {
            ExprKind::If {
                then, otherwise, ..
            } => {
                by(text[inside(then.span)].trim().to_string());
                if let Some(otherwise) = otherwise {
                    let span = otherwise.span;
                    by(match otherwise.kind {
                        ExprKind::Block(_) => text[inside(span)].trim().to_string(),
                        _ => text[span.range()].to_string(),
                    });
                }
            }
            ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Bool(_)
            | ExprKind::None
            | ExprKind::Str(_)
            | ExprKind::Path(_)
            | ExprKind::Lambda { .. }
            | ExprKind::Block(_)
            | ExprKind::Error => {}
            _ => {
                let mut parts = Parts(vec![]);
                visit::expr_parts(&mut parts, expr);
                for part in parts.0 {
                    by(parenthesised(text, part));
                }
                by("1.0".to_string());
                let inner = &text[expr.span.range()];
                if inner.starts_with('(') && inner.ends_with(')') {
                    by(inner[1..inner.len() - 1].to_string());
                }
            }
        }
    }
    edits
}

/// The parts of one expression, without theirs.
struct Parts<'a>(Vec<&'a Expr>);

impl<'a> Visitor<'a> for Parts<'a> {
    fn expr(&mut self, expr: &'a Expr) {
        self.0.push(expr);
    }
}

/// Whole numbers that become smaller.
fn numbers(text: &str) -> Vec<Edit> {
    let file = file(text);
    let found = Found::in_file(&file);
    let mut edits = vec![];
    for expr in &found.exprs {
        if let ExprKind::Int(number) = expr.kind {
            for smaller in [1, 2, number / 2] {
                if smaller < number {
                    edits.push(Edit(vec![(expr.span.range(), smaller.to_string())]));
                }
            }
        }
    }
    edits
}
