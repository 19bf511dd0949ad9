//! Types and patterns.

use super::{Builder, Positions};
use crate::ast::*;
use crate::diagnostic::{Code, Diagnostic};

impl Builder<'_> {
    /// A type.
    pub fn ty(&mut self, (left, right): Positions, kind: TypeKind) -> Type {
        let span = self.span(left, right);
        let depth = match &kind {
            TypeKind::Tensor { dims, .. } | TypeKind::Generic { dims, .. } => {
                deepest(dims.iter().map(|dim| dim.depth))
            }
            TypeKind::Named { dims, .. } => deepest(dims.iter().map(|dim| dim.value.depth)),
            TypeKind::Tuple(types) => deepest(types.iter().map(|ty| ty.depth)),
            TypeKind::List { element, count } => 1 + element.depth.max(count.depth),
            TypeKind::Fn { params, result } => deepest(
                params
                    .iter()
                    .map(|ty| ty.depth)
                    .chain(result.iter().map(|ty| ty.depth)),
            )
            .max(1),
            TypeKind::Error => 0,
        };
        if self.allow(depth, span) {
            Type { kind, span, depth }
        } else {
            Type {
                kind: TypeKind::Error,
                span,
                depth: 0,
            }
        }
    }

    /// A named type: a dtype of rank 0, or a struct.
    pub fn named_type(&mut self, at: Positions, path: Path, dims: Option<Vec<DimArg>>) -> Type {
        let dtype = path
            .as_ident()
            .and_then(|ident| ident.name.parse::<DType>().ok());
        let kind = match (dtype, dims) {
            (None, None) if self.dtype_param(&path).is_some() => TypeKind::Generic {
                dtype: path.last().clone(),
                leading: None,
                dims: Vec::new(),
            },
            (Some(dtype), None) => TypeKind::Tensor {
                dtype,
                dtype_span: path.span,
                leading: None,
                dims: Vec::new(),
            },
            (Some(dtype), Some(_)) => {
                let span = self.span(at.0, at.1);
                let message = format!("the dims of `{dtype}` stand in square brackets");
                self.diagnostics.push(
                    Diagnostic::error(Code::DL0111, message, span)
                        .help(format!("write `{dtype}[…]`")),
                );
                TypeKind::Error
            }
            (None, dims) => TypeKind::Named {
                path,
                dims: dims.unwrap_or_default(),
            },
        };
        self.ty(at, kind)
    }

    /// `tree P`, `dtype E`, `float F`.
    pub fn type_param(&mut self, at: Positions, kind: Ident, name: Ident) -> DimParam {
        let span = self.span(at.0, at.1);
        let kind = match kind.name.as_str() {
            "tree" => GenericKind::Tree,
            "dtype" => GenericKind::DType,
            "float" => GenericKind::Float,
            word => {
                let message = format!("`{word} {}` is no parameter of a type", name.name);
                self.diagnostics
                    .push(Diagnostic::error(Code::DL0111, message, kind.span).help(
                        "a dim is a name alone; before others stands `tree`, `dtype` or `float`",
                    ));
                GenericKind::Tree
            }
        };
        if matches!(kind, GenericKind::DType | GenericKind::Float) {
            self.dtype_params.push(name.name.clone());
        }
        DimParam {
            kind,
            name,
            range: None,
            span,
        }
    }

    /// The dtype parameter that a path names.
    fn dtype_param<'p>(&self, path: &'p Path) -> Option<&'p Ident> {
        path.as_ident()
            .filter(|ident| self.dtype_params.contains(&ident.name))
    }

    /// `f32[B, T]`, `f32[..., T]`.
    pub fn tensor_type(
        &mut self,
        at: Positions,
        path: Path,
        leading: Option<Span>,
        dims: Vec<Expr>,
    ) -> Type {
        let kind = match path
            .as_ident()
            .and_then(|ident| ident.name.parse::<DType>().ok())
        {
            Some(dtype) => TypeKind::Tensor {
                dtype,
                dtype_span: path.span,
                leading,
                dims,
            },
            None if self.dtype_param(&path).is_some() => TypeKind::Generic {
                dtype: path.last().clone(),
                leading,
                dims,
            },
            None => {
                let message = format!("`{path}` is not a dtype, so it has no shape");
                let mut diagnostic = Diagnostic::error(Code::DL0111, message, path.span)
                    .note("the dtypes are `bool i8 i32 i64 u8 u32 u64 f16 bf16 f32 f64 key`");
                diagnostic = match crate::words::foreign(&path.last().name) {
                    Some((text, Some(name))) if name.parse::<DType>().is_ok() => {
                        diagnostic.suggest(text, path.span, name)
                    }
                    _ => diagnostic.help(format!(
                        "a list of `{path}` is `[{path}; N]`; dims of a struct stand in `<…>`: `{path}<N>`"
                    )),
                };
                self.diagnostics.push(diagnostic);
                TypeKind::Error
            }
        };
        self.ty(at, kind)
    }

    /// A pattern.
    pub fn pattern(&mut self, (left, right): Positions, kind: PatternKind) -> Pattern {
        let span = self.span(left, right);
        let depth = match &kind {
            PatternKind::Tuple(parts) => deepest(parts.iter().map(|part| part.depth)),
            _ => 0,
        };
        if self.allow(depth, span) {
            Pattern { kind, span, depth }
        } else {
            Pattern {
                kind: PatternKind::Error,
                span,
                depth: 0,
            }
        }
    }

    /// A name as a pattern; `_` binds nothing.
    pub fn name_pattern(&mut self, at: Positions, ident: Ident) -> Pattern {
        let kind = if ident.name == "_" {
            PatternKind::Wildcard
        } else {
            PatternKind::Name(ident)
        };
        self.pattern(at, kind)
    }
}

/// The depth of a node from the depths of what is below it.
fn deepest(below: impl Iterator<Item = u16>) -> u16 {
    below.max().map_or(0, |depth| depth + 1)
}
