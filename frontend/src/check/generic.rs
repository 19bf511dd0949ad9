//! Generic functions and structs: type parameters, and what they stand for.
//!
//! Note [Special items]. A function or struct with type parameters (`tree P`, `dtype E`, `float F`) or with leading axes
//! (`f32[..., N]`) is checked by itself with stand-ins for them. A use makes a *special* item: the same text once
//! more, its type parameters replaced by the structures of the types that it meets. Dims do not belong to a structure:
//! they become further dims of the special item, which is thus an ordinary one that is generic over dims, and all else
//! that the checker does with functions and structs goes for it as well.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use dlc_abi::dim::Poly;

use crate::ast::{self, DType, DimArg, DimParam, Expr, ExprKind, GenericKind, Span, TypeKind};
use crate::check::Checker;
use crate::check::consts::is_float;
use crate::check::dims::DimScope;
use crate::check::items::{FnItem, StructItem};
use crate::check::list::list_type;
use crate::check::types::{StructTy, Ty};
use crate::check::value::{Res, Value};
use crate::core::{Dim, TensorType};
use crate::diagnostic::{Code, Diagnostic};

/// What the type parameters of an item stand for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Generics {
    /// Structures of trees, each in dims of its own.
    trees: BTreeMap<String, Ty>,
    dtypes: BTreeMap<String, DType>,
    /// The number of axes that `...` stands for.
    leading: Option<usize>,
}

impl Generics {
    /// The dims that come with the structures.
    pub fn dim_names(&self) -> Vec<String> {
        let of_trees = self
            .trees
            .values()
            .flat_map(|tree| tree.dims().into_iter().map(ToString::to_string));
        of_trees.chain(self.leading_names()).collect()
    }

    fn leading_names(&self) -> impl Iterator<Item = String> + use<> {
        (0..self.leading.unwrap_or(0)).map(|i| format!("leading{i}_"))
    }

    /// The types, as part of a struct's name.
    fn text(&self) -> String {
        let trees = self.trees.values().map(ToString::to_string);
        let dtypes = self.dtypes.values().map(ToString::to_string);
        trees.chain(dtypes).collect::<Vec<_>>().join(", ")
    }
}

/// The structure of a type: each dim of it becomes a name of its own.
fn structure(ty: &Ty, parameter: &str) -> Ty {
    let next = RefCell::new(0usize);
    ty.map_dims(&|_| {
        let number = next.replace_with(|number| *number + 1);
        Dim::new(Poly::name(format!("{parameter}{number}_")))
    })
}

/// Whether an item has type parameters.
fn has_type_params(params: &[DimParam]) -> bool {
    params.iter().any(|param| param.kind != GenericKind::Dim)
}

/// Whether `...` occurs in a type.
fn has_leading(ty: &ast::Type) -> bool {
    match &ty.kind {
        TypeKind::Tensor { leading, .. } | TypeKind::Generic { leading, .. } => leading.is_some(),
        TypeKind::Tuple(items) => items.iter().any(has_leading),
        TypeKind::List { element, .. } => has_leading(element),
        TypeKind::Fn { params, result } => {
            params.iter().any(has_leading) || result.as_deref().is_some_and(has_leading)
        }
        TypeKind::Named { .. } | TypeKind::Error => false,
    }
}

/// Stand-ins for type parameters: a tuple for a tree, so that nothing but operations on trees is allowed.
fn stand_ins(params: &[DimParam], leading: bool) -> Generics {
    let mut generics = Generics {
        leading: leading.then_some(1),
        ..Generics::default()
    };
    for param in params {
        let name = &param.name.name;
        match param.kind {
            GenericKind::Dim => {}
            GenericKind::Tree => {
                let leaf = TensorType::new(DType::F32, vec![Dim::constant(1)]);
                let tree = structure(&Ty::Tuple(vec![Ty::Tensor(leaf)]), name);
                generics.trees.insert(name.clone(), tree);
            }
            GenericKind::DType | GenericKind::Float => {
                generics.dtypes.insert(name.clone(), DType::F32);
            }
        }
    }
    generics
}

/// The stand-ins of a function; nothing for one that is generic over dims alone.
pub(super) fn of_function(f: &ast::Fn) -> Option<Rc<Generics>> {
    let types = f.params.iter().map(|param| &param.ty).chain(&f.result);
    let leading = types.into_iter().any(has_leading);
    (leading || has_type_params(&f.dims)).then(|| Rc::new(stand_ins(&f.dims, leading)))
}

/// The stand-ins of a struct.
pub(super) fn of_struct(s: &ast::Struct) -> Option<Rc<Generics>> {
    has_type_params(&s.dims).then(|| Rc::new(stand_ins(&s.dims, false)))
}

impl<'a> Checker<'a> {
    /// What the type parameters in reach stand for.
    fn generics_in(&self, scope: DimScope<'_, 'a>) -> Option<Rc<Generics>> {
        match scope {
            DimScope::Declared(_) => self.declaring.clone(),
            DimScope::Body => {
                let item = self.scope.function.item?;
                self.fns[item].generics.clone()
            }
        }
    }

    /// The dtype parameter of a name in a body.
    pub(super) fn dtype_param(&self, name: &str) -> Option<DType> {
        let generics = self.generics_in(DimScope::Body)?;
        generics.dtypes.get(name).copied()
    }

    /// The tree parameter of a name.
    pub(super) fn tree_param(&self, path: &ast::Path, scope: DimScope<'_, 'a>) -> Option<Ty> {
        let generics = self.generics_in(scope)?;
        let tree = generics.trees.get(&path.as_ident()?.name)?;
        Some(tree.map_dims(&|dim| self.own_dim(dim, scope)))
    }

    /// A dim that came with a structure, as the text at hand sees it.
    fn own_dim(&self, dim: &Dim, scope: DimScope<'_, 'a>) -> Dim {
        match scope {
            DimScope::Declared(_) => dim.clone(),
            DimScope::Body => {
                let dims = &self.scope.function.dims;
                dim.substitute(&|name| dims.get(name).cloned())
            }
        }
    }

    /// The dims that `...` stands for.
    pub(super) fn leading_dims(
        &mut self,
        leading: Option<Span>,
        scope: DimScope<'_, 'a>,
    ) -> Res<Vec<Dim>> {
        let Some(span) = leading else {
            return Ok(Vec::new());
        };
        match self.generics_in(scope) {
            Some(generics) if generics.leading.is_some() => Ok(generics
                .leading_names()
                .map(|name| self.own_dim(&Dim::new(Poly::name(name)), scope))
                .collect()),
            _ => {
                let message =
                    "`...` stands for the leading axes of a function's parameters and result";
                self.error(Code::DL0224, message, span)
            }
        }
    }

    /// The dtype that a dtype parameter stands for.
    pub(super) fn dtype_of_param(
        &mut self,
        param: &ast::Ident,
        scope: DimScope<'_, 'a>,
    ) -> Res<DType> {
        let generics = self.generics_in(scope);
        match generics.and_then(|generics| generics.dtypes.get(&param.name).copied()) {
            Some(dtype) => Ok(dtype),
            None => {
                let message = format!("there is no dtype `{}` here", param.name);
                self.error(Code::DL0604, message, param.span)
            }
        }
    }

    /// The function for a call with these arguments: itself, or a special one.
    pub(super) fn function_for(
        &mut self,
        id: usize,
        arguments: &[(Value<'a>, Span)],
        callee: Span,
    ) -> Res<usize> {
        if self.fns[id].generics.is_none() || self.fns[id].base != id {
            return Ok(id);
        }
        let ast = self.fns[id].ast;
        let written: Vec<&'a ast::Type> = ast.params.iter().map(|param| &param.ty).collect();
        let generics = self.infer(&ast.name.name, &ast.dims, &written, arguments, callee)?;
        let leading = self.fns[id]
            .generics
            .as_ref()
            .and_then(|stand_ins| stand_ins.leading);
        if leading.is_some() && generics.leading.is_none() {
            let message = format!("the leading axes of `{}` cannot be inferred", ast.name.name);
            return self.error(Code::DL0221, message, callee);
        }
        self.special_fn(id, generics)
    }

    /// The struct for a value of these fields: itself, or a special one.
    pub(super) fn struct_for(
        &mut self,
        id: usize,
        fields: &[(Value<'a>, Span)],
        span: Span,
    ) -> Res<usize> {
        if self.structs[id].generics.is_none() {
            return Ok(id);
        }
        let ast = self.structs[id].ast;
        let written: Vec<&'a ast::Type> = ast.fields.iter().map(|field| &field.ty).collect();
        let generics = self.infer(&ast.name.name, &ast.dims, &written, fields, span)?;
        self.special_struct(id, generics)
    }

    /// What type parameters stand for, from the values that written types meet.
    fn infer(
        &mut self,
        name: &str,
        params: &'a [DimParam],
        written: &[&'a ast::Type],
        values: &[(Value<'a>, Span)],
        span: Span,
    ) -> Res<Generics> {
        let mut found = Generics::default();
        // A literal takes the dtype that the others have.
        for literals in [false, true] {
            for (written, (value, at)) in written.iter().zip(values) {
                if is_literal(value) != literals {
                    continue;
                }
                let ty = match (&written.kind, value) {
                    (TypeKind::Tensor { .. } | TypeKind::Generic { .. }, Value::List(_)) => {
                        list_type(self, value).map(Ty::Tensor)
                    }
                    _ => self.type_of(value),
                };
                if let Some(ty) = ty {
                    self.infer_from(params, written, &ty, &mut found);
                }
                if literals {
                    // `0` is a float where a float is meant.
                    for param in params
                        .iter()
                        .filter(|param| param.kind == GenericKind::Float)
                    {
                        if let Some(dtype) = found.dtypes.get_mut(&param.name.name)
                            && !is_float(*dtype)
                        {
                            *dtype = DType::F32;
                        }
                    }
                }
                let wrong = params.iter().find_map(|param| {
                    let dtype = found.dtypes.get(&param.name.name)?;
                    (param.kind == GenericKind::Float && !is_float(*dtype))
                        .then_some((param, *dtype))
                });
                if let Some((param, dtype)) = wrong {
                    let message = format!(
                        "`{}` of `{name}` is a float dtype, and here it would be `{dtype}`",
                        param.name.name
                    );
                    let diagnostic = Diagnostic::error(Code::DL0204, message, *at)
                        .secondary(param.span, "declared here")
                        .help("convert it: `f32(…)`");
                    return Err(self.report(diagnostic));
                }
            }
        }
        for param in params {
            let known = match param.kind {
                GenericKind::Dim => true,
                GenericKind::Tree => found.trees.contains_key(&param.name.name),
                GenericKind::DType | GenericKind::Float => {
                    found.dtypes.contains_key(&param.name.name)
                }
            };
            if !known {
                let message = format!("`{}` of `{name}` cannot be inferred", param.name.name);
                let diagnostic = Diagnostic::error(Code::DL0221, message, span)
                    .secondary(param.span, "declared here");
                return Err(self.report(diagnostic));
            }
        }
        Ok(found)
    }

    fn infer_from(
        &self,
        params: &'a [DimParam],
        written: &'a ast::Type,
        found: &Ty,
        generics: &mut Generics,
    ) {
        match (&written.kind, found) {
            (TypeKind::Named { path, .. }, _) if self.is_param(params, path, GenericKind::Tree) => {
                let name = &path.last().name;
                let tree = structure(found, name);
                generics.trees.entry(name.clone()).or_insert(tree);
            }
            (TypeKind::Named { dims, .. }, Ty::Struct(s)) => {
                self.infer_from_struct(params, dims, s, generics);
            }
            (TypeKind::Tensor { leading, dims, .. }, Ty::Tensor(tensor)) => {
                infer_leading(*leading, dims, tensor, generics);
            }
            (
                TypeKind::Generic {
                    dtype,
                    leading,
                    dims,
                },
                Ty::Tensor(tensor),
            ) => {
                generics
                    .dtypes
                    .entry(dtype.name.clone())
                    .or_insert(tensor.dtype);
                infer_leading(*leading, dims, tensor, generics);
            }
            (TypeKind::Tuple(written), Ty::Tuple(found)) => {
                for (written, found) in written.iter().zip(found) {
                    self.infer_from(params, written, found, generics);
                }
            }
            (TypeKind::List { element, .. }, Ty::List(found, _)) => {
                self.infer_from(params, element, found, generics);
            }
            _ => {}
        }
    }

    /// `State<P>` meets a state of some tree.
    fn infer_from_struct(
        &self,
        params: &'a [DimParam],
        args: &'a [DimArg],
        found: &StructTy,
        generics: &mut Generics,
    ) {
        let item = &self.structs[found.id];
        let Some(known) = &item.generics else { return };
        for (i, arg) in args.iter().enumerate() {
            let position = match &arg.name {
                Some(name) => item.ast.dims.iter().position(|dim| dim.name == *name),
                None => Some(i),
            };
            let declared = position.and_then(|position| item.ast.dims.get(position));
            let (Some(declared), ExprKind::Path(path)) = (declared, &arg.value.kind) else {
                continue;
            };
            let (own, name) = (&declared.name.name, &path.last().name);
            if let Some(tree) = known.trees.get(own)
                && self.is_param(params, path, GenericKind::Tree)
            {
                let tree = structure(tree, name);
                generics.trees.entry(name.clone()).or_insert(tree);
            }
            if let Some(dtype) = known.dtypes.get(own)
                && (self.is_param(params, path, GenericKind::DType)
                    || self.is_param(params, path, GenericKind::Float))
            {
                generics.dtypes.entry(name.clone()).or_insert(*dtype);
            }
        }
    }

    fn is_param(&self, params: &[DimParam], path: &ast::Path, kind: GenericKind) -> bool {
        path.as_ident().is_some_and(|ident| {
            params
                .iter()
                .any(|param| param.kind == kind && param.name.name == ident.name)
        })
    }

    /// A function for arguments that are made up: a generic one with `f64` for dtypes and one leading axis. Nothing for one
    /// that takes any tree.
    pub(crate) fn for_made_arguments(&mut self, id: usize) -> Res<Option<usize>> {
        let item = &self.fns[id];
        let Some(stand_ins) = item.generics.as_ref().filter(|_| item.base == id) else {
            return Ok(Some(id));
        };
        if !stand_ins.trees.is_empty() {
            return Ok(None);
        }
        let names = stand_ins.dtypes.keys().cloned();
        let generics = Generics {
            trees: BTreeMap::new(),
            dtypes: names.map(|name| (name, DType::F64)).collect(),
            leading: stand_ins.leading,
        };
        self.special_fn(id, generics).map(Some)
    }

    /// The special function of a generic one.
    fn special_fn(&mut self, base: usize, generics: Generics) -> Res<usize> {
        let generics = Rc::new(generics);
        let known = self
            .fns
            .iter()
            .position(|item| item.base == base && item.generics.as_ref() == Some(&generics));
        if let Some(id) = known {
            return if self.fns[id].sig.is_some() {
                Ok(id)
            } else {
                Err(super::Reported)
            };
        }
        let id = self.fns.len();
        self.fns.push(FnItem {
            base,
            generics: Some(generics),
            sig: None,
            ..self.fns[base].clone()
        });
        self.declare_fn(id);
        match self.fns[id].sig {
            Some(_) => Ok(id),
            None => Err(super::Reported),
        }
    }

    /// The special struct of a generic one.
    fn special_struct(&mut self, base: usize, generics: Generics) -> Res<usize> {
        let generics = Rc::new(generics);
        let known = self
            .structs
            .iter()
            .position(|item| item.base == base && item.generics.as_ref() == Some(&generics));
        if let Some(id) = known {
            return Ok(id);
        }
        let id = self.structs.len();
        let item = &self.structs[base];
        let name = format!("{}<{}>", item.name, generics.text());
        let mut dims: Vec<String> = plain_dims(&item.ast.dims);
        dims.extend(generics.dim_names());
        let special = StructItem {
            name: name.as_str().into(),
            dims,
            fields: Vec::new(),
            generics: Some(generics),
            base,
            ..item.clone()
        };
        self.structs.push(special);
        self.resolve_struct(id);
        Ok(id)
    }

    /// `State<Params>`, a struct with type parameters in a type.
    pub(super) fn special_struct_type(
        &mut self,
        base: usize,
        args: &'a [DimArg],
        scope: DimScope<'_, 'a>,
        span: Span,
    ) -> Res<StructTy> {
        let ast = self.structs[base].ast;
        let mut generics = Generics::default();
        let (mut own, mut of_trees) = (Vec::new(), BTreeMap::new());
        for (i, param) in ast.dims.iter().enumerate() {
            let arg = args.iter().enumerate().find(|(j, arg)| match &arg.name {
                Some(name) => *name == param.name,
                None => *j == i,
            });
            let Some((_, arg)) = arg else {
                let message = format!("`{}` of `{}` is not given", param.name.name, ast.name.name);
                let diagnostic = Diagnostic::error(Code::DL0221, message, span)
                    .secondary(param.span, "declared here");
                return Err(self.report(diagnostic));
            };
            let name = param.name.name.clone();
            match param.kind {
                GenericKind::Dim => own.push(self.size_in(&arg.value, scope)?),
                GenericKind::Tree => {
                    let tree = self.type_argument(&arg.value, scope)?;
                    of_trees.insert(name.clone(), tree.dims().into_iter().cloned().collect());
                    generics.trees.insert(name.clone(), structure(&tree, &name));
                }
                GenericKind::DType | GenericKind::Float => {
                    let Ty::Tensor(tensor) = self.type_argument(&arg.value, scope)? else {
                        let message = format!("`{name}` of `{}` is a dtype", ast.name.name);
                        return self.error(Code::DL0604, message, arg.value.span);
                    };
                    generics.dtypes.insert(name, tensor.dtype);
                }
            }
        }
        if args.len() > ast.dims.len() {
            let message = format!("`{}` takes {} in `<…>`", ast.name.name, ast.dims.len());
            return self.error(Code::DL0701, message, span);
        }
        let id = self.special_struct(base, generics)?;
        own.extend(of_trees.into_values().flat_map(|dims: Vec<Dim>| dims));
        Ok(StructTy {
            id,
            name: self.structs[id].name.clone(),
            dims: own,
        })
    }

    /// A type as an argument in `<…>`: the name of a struct, of a dtype or of a type parameter.
    fn type_argument(&mut self, expr: &'a Expr, scope: DimScope<'_, 'a>) -> Res<Ty> {
        let ExprKind::Path(path) = &expr.kind else {
            if let ExprKind::Error = expr.kind {
                return Err(super::Reported);
            }
            let diagnostic = Diagnostic::error(Code::DL0604, "this is no type", expr.span)
                .help("a tree is given by the name of a struct; make one of what it holds");
            return Err(self.report(diagnostic));
        };
        if let Some(tree) = self.tree_param(path, scope) {
            return Ok(tree);
        }
        if let Some(ident) = path.as_ident() {
            let generics = self.generics_in(scope);
            let own = generics.and_then(|generics| generics.dtypes.get(&ident.name).copied());
            if let Some(dtype) = own.or_else(|| ident.name.parse().ok()) {
                return Ok(Ty::scalar(dtype));
            }
        }
        self.struct_type(path, &[], scope, expr.span)
            .map(Ty::Struct)
    }
}

/// The dims among the parameters in `<…>`.
pub(super) fn plain_dims(params: &[DimParam]) -> Vec<String> {
    params
        .iter()
        .filter(|param| param.kind == GenericKind::Dim)
        .map(|param| param.name.name.clone())
        .collect()
}

/// Whether a value takes the dtype that others have.
fn is_literal(value: &Value<'_>) -> bool {
    match value {
        Value::Num(_) | Value::Dim(_) => true,
        Value::List(items) => items.iter().all(is_literal),
        _ => false,
    }
}

fn infer_leading(
    leading: Option<Span>,
    dims: &[Expr],
    found: &TensorType,
    generics: &mut Generics,
) {
    if leading.is_some()
        && generics.leading.is_none()
        && let Some(axes) = found.rank().checked_sub(dims.len())
    {
        generics.leading = Some(axes);
    }
}
