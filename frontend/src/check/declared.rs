//! Types as written: their meaning.

use crate::ast::{self, Span, TypeKind};
use crate::check::Checker;
use crate::check::dims::{DimNames, DimScope, count};
use crate::check::names::Item;
use crate::check::types::{FnTy, StructTy, Ty};
use crate::check::value::Res;
use crate::core::{Dim, TensorType};
use crate::diagnostic::{Code, Diagnostic, similar};

impl<'a> Checker<'a> {
    /// The meaning of a type in a declaration.
    pub(super) fn resolve_type(&mut self, ty: &'a ast::Type, names: &DimNames<'a>) -> Res<Ty> {
        self.type_in(ty, DimScope::Declared(names))
    }

    /// The meaning of a type in a body.
    pub(super) fn body_type(&mut self, ty: &'a ast::Type) -> Res<Ty> {
        self.type_in(ty, DimScope::Body)
    }

    fn type_in(&mut self, ty: &'a ast::Type, scope: DimScope<'_, 'a>) -> Res<Ty> {
        match &ty.kind {
            TypeKind::Tensor {
                dtype,
                leading,
                dims,
                ..
            } => self.tensor_type(*dtype, *leading, dims, scope, ty.span),
            TypeKind::Generic {
                dtype,
                leading,
                dims,
            } => {
                let dtype = self.dtype_of_param(dtype, scope)?;
                self.tensor_type(dtype, *leading, dims, scope, ty.span)
            }
            TypeKind::Named { path, dims } => match self.tree_param(path, scope) {
                Some(tree) => Ok(tree),
                None => self.struct_type(path, dims, scope, ty.span).map(Ty::Struct),
            },
            TypeKind::Tuple(items) => {
                let items: Vec<Res<Ty>> =
                    items.iter().map(|item| self.type_in(item, scope)).collect();
                Ok(Ty::Tuple(items.into_iter().collect::<Res<_>>()?))
            }
            TypeKind::List { element, count } => {
                let element = self.type_in(element, scope);
                let count = self.size_in(count, scope);
                Ok(Ty::List(Box::new(element?), count?))
            }
            TypeKind::Fn { params, result } => {
                let params: Vec<Res<Ty>> = params
                    .iter()
                    .map(|param| self.type_in(param, scope))
                    .collect();
                let result = match result {
                    Some(ty) => self.type_in(ty, scope)?,
                    None => Ty::unit(),
                };
                Ok(Ty::Fn(
                    FnTy {
                        params: params.into_iter().collect::<Res<_>>()?,
                        result,
                    }
                    .into(),
                ))
            }
            TypeKind::Error => Err(super::Reported),
        }
    }

    fn tensor_type(
        &mut self,
        dtype: ast::DType,
        leading: Option<Span>,
        dims: &'a [ast::Expr],
        scope: DimScope<'_, 'a>,
        span: Span,
    ) -> Res<Ty> {
        let mut shape = self.leading_dims(leading, scope)?;
        let rest: Vec<Res<Dim>> = dims.iter().map(|dim| self.size_in(dim, scope)).collect();
        shape.extend(rest.into_iter().collect::<Res<Vec<_>>>()?);
        let tensor = TensorType::new(dtype, shape);
        self.check_byte_size(&tensor, span)?;
        Ok(Ty::Tensor(tensor))
    }

    /// A struct with its dims.
    pub(super) fn struct_type(
        &mut self,
        path: &'a ast::Path,
        args: &'a [ast::DimArg],
        scope: DimScope<'_, 'a>,
        span: Span,
    ) -> Res<StructTy> {
        let id = self.struct_named(path)?;
        if self.structs[id].generics.is_some() {
            return self.special_struct_type(id, args, scope, span);
        }
        let declared = self.structs[id].dims.clone();
        let mut dims: Vec<Option<Dim>> = vec![None; declared.len()];
        for (i, arg) in args.iter().enumerate() {
            let position = match &arg.name {
                Some(name) => declared.iter().position(|dim| *dim == name.name),
                None => (i < declared.len()).then_some(i),
            };
            let Some(position) = position else {
                let name = &self.structs[id].name;
                let message = match &arg.name {
                    Some(dim) => format!("`{name}` has no dim `{}`", dim.name),
                    None => format!(
                        "`{name}` takes {}, not {}",
                        count(declared.len(), "dim"),
                        args.len()
                    ),
                };
                return self.error(Code::DL0701, message, arg.span);
            };
            dims[position] = Some(self.size_in(&arg.value, scope)?);
        }
        let missing: Vec<&String> = declared
            .iter()
            .zip(&dims)
            .filter(|(_, dim)| dim.is_none())
            .map(|(n, _)| n)
            .collect();
        if let Some(first) = missing.first() {
            let name = self.structs[id].name.clone();
            let message = format!("dim `{first}` of `{name}` is not given");
            let diagnostic = Diagnostic::error(Code::DL0221, message, span)
                .secondary(self.structs[id].ast.name.span, "declared here")
                .help(format!("all are given: `{name}<{}>`", declared.join(", ")));
            return Err(self.report(diagnostic));
        }
        let name = self.structs[id].name.clone();
        Ok(StructTy {
            id,
            name,
            dims: dims.into_iter().flatten().collect(),
        })
    }

    /// The struct of a name.
    pub(super) fn struct_named(&mut self, path: &'a ast::Path) -> Res<usize> {
        let name = &path.last().name;
        let item = match path.as_ident() {
            Some(ident) => self.item_named(name, ident.span),
            None => Some(self.resolve_path(path)?),
        };
        match item {
            Some(Item::Struct(id)) => Ok(id),
            Some(Item::Module(_) | Item::Std) => self.module_as_value(path, "a type"),
            Some(Item::Const(_) | Item::Fn(_)) => {
                self.error(Code::DL0604, format!("`{path}` is no type"), path.span)
            }
            Some(Item::Unknown) => Err(super::Reported),
            None => {
                const DTYPES: &[(&str, &str)] = &[
                    ("float", "f32"),
                    ("double", "f64"),
                    ("float32", "f32"),
                    ("float64", "f64"),
                    ("float16", "f16"),
                    ("bfloat16", "bf16"),
                    ("int", "i32"),
                    ("int32", "i32"),
                    ("int64", "i64"),
                    ("int8", "i8"),
                    ("uint8", "u8"),
                    ("uint32", "u32"),
                    ("uint64", "u64"),
                    ("boolean", "bool"),
                    ("usize", "i64"),
                ];
                let mut diagnostic = Diagnostic::error(
                    Code::DL0604,
                    format!("there is no type `{name}`"),
                    path.span,
                );
                let own = self.names[path.span.file as usize].iter();
                let known = own
                    .filter(|(_, known)| matches!(known.item, Item::Struct(_)))
                    .map(|(name, _)| name.as_str())
                    .chain(ast::DType::ALL.iter().map(|dtype| dtype.dl_name()));
                if let Some((_, dtype)) = DTYPES.iter().find(|(alias, _)| alias == name) {
                    diagnostic = diagnostic.suggest("the language calls it", path.span, *dtype);
                } else if let Some(module) = crate::modules::std_module_of(name) {
                    let full = format!("std::{module}::{name}");
                    diagnostic = diagnostic.suggest("the standard library has it", path.span, full);
                } else if let Some(similar) = similar(name, known) {
                    diagnostic = diagnostic.suggest("a similar one exists", path.span, similar);
                }
                Err(self.report(diagnostic))
            }
        }
    }

    /// The fields of a struct type, in its dims.
    pub(crate) fn fields(&self, ty: &StructTy) -> Vec<(String, Ty)> {
        let item = &self.structs[ty.id];
        let substitute = |dim: &Dim| {
            dim.substitute(&|name| {
                item.dims
                    .iter()
                    .position(|dim| dim == name)
                    .map(|i| ty.dims[i].clone())
            })
        };
        item.ast
            .fields
            .iter()
            .zip(&item.fields)
            .map(|(field, ty)| (field.name.name.clone(), ty.map_dims(&substitute)))
            .collect()
    }
}
