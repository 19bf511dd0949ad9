//! Finding the dims of a generic function or struct from the types it meets.

use std::collections::BTreeMap;

use dlc_abi::dim::Poly;

use crate::check::Checker;
use crate::check::list::list_shape;
use crate::check::types::Ty;
use crate::check::value::Value;
use crate::core::Dim;

/// The dims found so far.
#[derive(Clone)]
pub(crate) struct Bindings {
    names: Vec<String>,
    values: BTreeMap<String, Dim>,
    /// Dims that are no plain names, and what they met.
    pending: Vec<(Dim, Dim)>,
}

impl Bindings {
    /// Nothing is known of these dims.
    pub fn new(names: Vec<String>) -> Self {
        Self {
            names,
            values: BTreeMap::new(),
            pending: Vec::new(),
        }
    }

    /// Gives a dim, unless it has one.
    pub fn bind(&mut self, name: &str, dim: Dim) {
        if !self.values.contains_key(name) {
            self.values.insert(name.to_string(), dim);
        }
    }

    /// What a dim is.
    pub fn get(&self, name: &str) -> Option<&Dim> {
        self.values.get(name)
    }

    /// The first dim without a value.
    pub fn unbound(&self) -> Option<&str> {
        self.names
            .iter()
            .find(|name| !self.values.contains_key(*name))
            .map(String::as_str)
    }

    /// Puts the values in.
    pub fn apply_dim(&self, dim: &Dim) -> Dim {
        dim.substitute(&|name| self.values.get(name).cloned())
    }

    /// Puts the values in, and marks the names that have none, since the caller may have dims of the same names.
    fn apply_marked(&self, poly: &Poly) -> Poly {
        poly.substitute_with(&|name| match self.values.get(name) {
            Some(dim) => Some(dim.poly().clone()),
            None => self.is_open(name).then(|| Poly::name(format!("?{name}"))),
        })
    }

    /// Puts the values in.
    pub fn apply(&self, ty: &Ty) -> Ty {
        ty.map_dims(&|dim| self.apply_dim(dim))
    }

    /// The values in the order of the declaration; all are there.
    pub fn in_order(&self) -> Vec<Dim> {
        self.names
            .iter()
            .filter_map(|name| self.values.get(name).cloned())
            .collect()
    }

    /// The values by name.
    pub fn into_map(self) -> BTreeMap<String, Dim> {
        self.values
    }

    fn is_open(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name) && !self.values.contains_key(name)
    }
}

impl<'a> Checker<'a> {
    /// Notes what a value says of the dims in a declared type. What does not fit is found when the types are compared.
    pub(super) fn unify_value(
        &mut self,
        declared: &Ty,
        value: &Value<'a>,
        bindings: &mut Bindings,
    ) {
        match (declared, value) {
            (Ty::List(element, count), Value::List(items)) => {
                unify_dim(count, &Dim::constant(items.len() as i64), bindings);
                if let Some(first) = items.first() {
                    self.unify_value(element, first, bindings);
                }
            }
            (Ty::Tuple(types), Value::Tuple(items)) => {
                for (ty, item) in types.iter().zip(items.iter()) {
                    self.unify_value(ty, item, bindings);
                }
            }
            (Ty::Tensor(tensor), Value::List(_)) => {
                let shape = list_shape(self, value).unwrap_or_default();
                if shape.len() == tensor.rank() {
                    for (declared, found) in tensor.shape.iter().zip(&shape) {
                        unify_dim(declared, found, bindings);
                    }
                }
            }
            _ => {
                if let Some(found) = self.type_of(value) {
                    unify(declared, &found, bindings);
                }
            }
        }
    }

    /// Solves the dims that are no plain names, such as `2 * T + 1`.
    pub(super) fn solve(&mut self, bindings: &mut Bindings) {
        let mut progress = true;
        while progress {
            progress = false;
            for (declared, found) in std::mem::take(&mut bindings.pending) {
                let marked = bindings.apply_marked(declared.poly());
                let open: Vec<String> = marked
                    .names()
                    .into_iter()
                    .filter(|name| name.starts_with('?'))
                    .collect();
                let [name] = open.as_slice() else {
                    if !open.is_empty() {
                        bindings.pending.push((declared, found));
                    }
                    continue;
                };
                let own = &name[1..];
                // a * name + rest == found, with a constant.
                let slope = marked.substitute_with(&|n| (n == name).then(Poly::one))
                    - marked.substitute_with(&|n| (n == name).then(Poly::zero));
                let rest = marked.substitute_with(&|n| (n == name).then(Poly::zero));
                let Some(slope) = slope.as_const().filter(|slope| *slope > 0) else {
                    continue;
                };
                if Poly::constant(slope) * Poly::name(name) + rest.clone() != marked {
                    continue;
                }
                let numerator = found.poly().clone() - rest;
                if slope == 1 {
                    bindings.bind(own, Dim::new(numerator));
                    progress = true;
                } else if let (Some(quotient), Some(remainder)) =
                    (numerator.floor_div(slope), numerator.rem(slope))
                    && self.same_dim(&Dim::new(remainder), &Dim::constant(0))
                {
                    bindings.bind(own, Dim::new(quotient));
                    progress = true;
                }
            }
        }
    }
}

fn unify(declared: &Ty, found: &Ty, bindings: &mut Bindings) {
    match (declared, found) {
        (Ty::Tensor(a), Ty::Tensor(b)) if a.rank() == b.rank() => {
            for (a, b) in a.shape.iter().zip(&b.shape) {
                unify_dim(a, b, bindings);
            }
        }
        (Ty::Struct(a), Ty::Struct(b)) if a.id == b.id => {
            for (a, b) in a.dims.iter().zip(&b.dims) {
                unify_dim(a, b, bindings);
            }
        }
        (Ty::Tuple(a), Ty::Tuple(b)) => {
            for (a, b) in a.iter().zip(b) {
                unify(a, b, bindings);
            }
        }
        (Ty::List(a, m), Ty::List(b, n)) => {
            unify_dim(m, n, bindings);
            unify(a, b, bindings);
        }
        _ => {}
    }
}

fn unify_dim(declared: &Dim, found: &Dim, bindings: &mut Bindings) {
    match declared.poly().as_name() {
        Some(name) if bindings.is_open(name) => bindings.bind(name, found.clone()),
        Some(_) => {}
        None if declared.as_const().is_none() => {
            bindings.pending.push((declared.clone(), found.clone()))
        }
        None => {}
    }
}
