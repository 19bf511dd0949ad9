//! What the checker sees of each place, kept for the language server: the types of expressions and of bound names, and
//! the declarations of fields. The compiler does not ask for it, and then nothing is kept.

use std::collections::HashMap;

use dlc_abi::dim::Poly;

use crate::ast::{Ident, Span};
use crate::check::Checker;
use crate::check::types::{Ty, known_dims};
use crate::check::unify::Bindings;
use crate::check::value::{FnValue, Value};
use crate::core::{Dim, Num};
use crate::cost::{Cost, Counted};

/// What was found out about the value at a place, in words of the language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenType {
    /// The type as the language writes it: `f32[B, 64]`; what a value is that has none, as `text`.
    pub text: String,
    /// The dims whose names hide a number: `, where D = 64`; empty when there are none.
    pub known: String,
    /// The bytes of a tensor that is no scalar, as a polynomial in its dims: `256*B`.
    pub bytes: Option<String>,
    /// The name of the struct, where its fields are declared.
    pub structure: Option<Span>,
    /// The parts of a tuple; 0 for anything else.
    pub parts: usize,
    /// The value, where it is a number that is known at compile time.
    pub value: Option<String>,
    /// Whether it is a type that the language can write.
    pub is_type: bool,
}

/// A value that was seen. Words are found for it when they are asked for.
#[derive(Clone, Debug)]
enum SeenValue {
    /// Of a type.
    Typed {
        ty: Ty,
        /// Where the struct is declared that it is.
        structure: Option<Span>,
        value: Option<Known>,
    },
    /// Of none that the language can write.
    Untyped(&'static str),
}

/// A number that is known at compile time.
#[derive(Clone, Debug)]
enum Known {
    Num(Num),
    Dim(Dim),
}

/// What the checker saw, by place. Of a place that is checked several times the first time counts, which is the one
/// with dims as they are written.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    values: HashMap<Span, SeenValue>,
    fields: HashMap<Span, Span>,
    dims: HashMap<Span, Vec<(String, String)>>,
    /// The functions, for what they take.
    pub(crate) counted: Counted,
}

impl Seen {
    /// The value of the expression, or of the bound name, that stands exactly there.
    pub fn type_at(&self, span: Span) -> Option<SeenType> {
        self.values.get(&span).map(SeenValue::in_words)
    }

    /// Where the field that a name stands for is declared; both are the places of names.
    pub fn field_at(&self, span: Span) -> Option<Span> {
        self.fields.get(&span).copied()
    }

    /// The dims of the function that is called by the expression that stands exactly there, and what they are.
    pub fn dims_at(&self, callee: Span) -> Option<&[(String, String)]> {
        self.dims.get(&callee).map(Vec::as_slice)
    }

    /// What a call of the function takes whose name stands there: the bytes are those of its parameters and results.
    pub fn cost_of(&self, function: Span) -> Option<Cost> {
        self.counted.of_function(function)
    }

    /// What the operations of a function take that are written within a span, in all rounds of the loops around them;
    /// nothing if there are none.
    pub fn cost_within(&self, function: Span, within: Span) -> Option<Cost> {
        let is_part = |span: Span| {
            span.file == within.file && within.start <= span.start && span.start < within.end
        };
        self.counted.of_part(function, &is_part)
    }
}

impl<'a> Checker<'a> {
    /// Keeps a value.
    pub(super) fn see(&mut self, span: Span, value: &Value<'a>) {
        let new = |seen: &Seen| !seen.values.contains_key(&span);
        if !self.seen.as_ref().is_some_and(new) || value.has_error() {
            return;
        }
        let Some(seen_value) = self.seen_value(value) else {
            return;
        };
        if let Some(seen) = &mut self.seen {
            seen.values.insert(span, seen_value);
        }
    }

    /// Keeps where a field is declared.
    pub(super) fn see_field(&mut self, name: &Ident, declared: Span) {
        if let Some(seen) = &mut self.seen {
            seen.fields.insert(name.span, declared);
        }
    }

    /// Keeps the dims of a call that the function declares by name.
    pub(super) fn see_dims(&mut self, callee: Span, id: usize, bindings: &Bindings) {
        if let Some(seen) = &mut self.seen {
            let declared = self.fns[id].ast.dims.iter().map(|dim| &dim.name.name);
            let value = |name: &String| Some((name.clone(), bindings.get(name)?.to_string()));
            let dims = declared.filter_map(value).collect();
            seen.dims.entry(callee).or_insert(dims);
        }
    }

    fn seen_value(&self, value: &Value<'a>) -> Option<SeenValue> {
        let Some(ty) = self.type_of(value) else {
            return match value {
                Value::Str(_) => Some(SeenValue::Untyped("text")),
                Value::Fn(f) if !matches!(**f, FnValue::Item(_) | FnValue::Builtin(_)) => {
                    Some(SeenValue::Untyped("a function"))
                }
                _ => None,
            };
        };
        Some(SeenValue::Typed {
            structure: match &ty {
                Ty::Struct(s) => Some(self.structs[s.id].ast.name.span),
                _ => None,
            },
            value: match value {
                Value::Num(num) => Some(Known::Num(*num)),
                Value::Dim(dim) => Some(Known::Dim(dim.clone())),
                _ => None,
            },
            ty,
        })
    }
}

impl SeenValue {
    fn in_words(&self) -> SeenType {
        match self {
            SeenValue::Typed {
                ty,
                structure,
                value,
            } => SeenType {
                text: ty.to_string(),
                known: known_dims(ty.dims()),
                bytes: bytes(ty),
                structure: *structure,
                parts: match ty {
                    Ty::Tuple(parts) => parts.len(),
                    _ => 0,
                },
                value: value.as_ref().map(|value| match value {
                    Known::Num(num) => num.to_string(),
                    Known::Dim(dim) => dim.to_string(),
                }),
                is_type: true,
            },
            SeenValue::Untyped(text) => SeenType {
                text: (*text).to_owned(),
                known: String::new(),
                bytes: None,
                structure: None,
                parts: 0,
                value: None,
                is_type: false,
            },
        }
    }
}

/// The bytes of a tensor with axes.
fn bytes(ty: &Ty) -> Option<String> {
    let Ty::Tensor(tensor) = ty else { return None };
    if tensor.shape.is_empty() || tensor.shape.len() > 8 {
        return None;
    }
    let size = i64::try_from(tensor.dtype.size()).ok()?;
    let count = tensor
        .shape
        .iter()
        .try_fold(Poly::constant(size), |all, dim| {
            // Products of long sums are of no use to a reader.
            (all.term_count() * dim.poly().term_count() <= 8).then(|| &all * dim.poly())
        });
    count.map(|count| count.to_string())
}
