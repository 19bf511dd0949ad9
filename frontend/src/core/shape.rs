//! Dims and the types of tensors.

use std::sync::Arc;

use dlc_abi::dim::Poly;

use crate::ast::DType;

/// A dim: its value as a polynomial over the dims of the function at hand, and the way its author wrote it.
///
/// Two dims are equal when their values are, however they are written.
#[derive(Clone, Debug)]
pub struct Dim {
    poly: Arc<Poly>,
    /// With names of constants and of generic dims left in; nothing when it is the value itself.
    shown: Option<Arc<Poly>>,
}

impl Dim {
    /// A dim that is shown as it is.
    pub fn new(poly: Poly) -> Self {
        Self {
            poly: Arc::new(poly),
            shown: None,
        }
    }

    /// A dim that is shown in another way.
    pub fn with_shown(poly: Poly, shown: Poly) -> Self {
        if poly == shown {
            Self::new(poly)
        } else {
            Self {
                poly: Arc::new(poly),
                shown: Some(Arc::new(shown)),
            }
        }
    }

    /// A number.
    pub fn constant(value: i64) -> Self {
        Self::new(Poly::constant(value))
    }

    /// Its value.
    pub fn poly(&self) -> &Poly {
        &self.poly
    }

    /// As it is shown.
    pub fn shown(&self) -> &Poly {
        self.shown_shared()
    }

    fn shown_shared(&self) -> &Arc<Poly> {
        self.shown.as_ref().unwrap_or(&self.poly)
    }

    /// Its value, when it is a number.
    pub fn as_const(&self) -> Option<i64> {
        self.poly.as_const()
    }

    /// Puts dims in for names, in both forms; names that `of` gives nothing for stay.
    pub fn substitute(&self, of: &dyn Fn(&str) -> Option<Dim>) -> Dim {
        let put = |poly: &Arc<Poly>, form: fn(&Dim) -> &Arc<Poly>| {
            // Most are numbers or names.
            if poly.as_const().is_some() {
                return poly.clone();
            }
            if let Some(name) = poly.as_name() {
                return of(name).map_or_else(|| poly.clone(), |dim| form(&dim).clone());
            }
            let of_name = |name: &str| of(name).map(|dim| Poly::clone(form(&dim)));
            Arc::new(poly.substitute_with(&of_name))
        };
        let poly = put(&self.poly, |dim| &dim.poly);
        let shown = put(self.shown_shared(), Self::shown_shared);
        Dim {
            shown: (poly != shown).then_some(shown),
            poly,
        }
    }

    /// Applies an operation to both forms.
    pub fn zip(&self, other: &Dim, f: impl Fn(&Poly, &Poly) -> Poly) -> Dim {
        let poly = f(&self.poly, &other.poly);
        if self.shown.is_none() && other.shown.is_none() {
            return Dim::new(poly);
        }
        Dim::with_shown(poly, f(self.shown(), other.shown()))
    }

    /// Applies an operation that may fail to both forms.
    pub fn try_map(&self, f: impl Fn(&Poly) -> Option<Poly>) -> Option<Dim> {
        let poly = f(&self.poly)?;
        Some(match &self.shown {
            None => Dim::new(poly),
            Some(shown) => match f(shown) {
                Some(shown) => Dim::with_shown(poly, shown),
                None => Dim::new(poly),
            },
        })
    }
}

impl PartialEq for Dim {
    fn eq(&self, other: &Self) -> bool {
        self.poly == other.poly
    }
}

impl Eq for Dim {}

impl std::hash::Hash for Dim {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.poly.hash(state);
    }
}

impl std::fmt::Display for Dim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = self.shown().to_string().replace('*', " * ");
        // A quotient alone needs no brackets.
        match text
            .strip_prefix('(')
            .and_then(|text| text.strip_suffix(')'))
        {
            Some(inner) if !inner.contains(['(', ')']) => f.write_str(inner),
            _ => f.write_str(&text),
        }
    }
}

impl std::ops::Add for &Dim {
    type Output = Dim;
    fn add(self, other: &Dim) -> Dim {
        self.zip(other, |a, b| a.clone() + b.clone())
    }
}

impl std::ops::Sub for &Dim {
    type Output = Dim;
    fn sub(self, other: &Dim) -> Dim {
        self.zip(other, |a, b| a.clone() - b.clone())
    }
}

impl std::ops::Mul for &Dim {
    type Output = Dim;
    fn mul(self, other: &Dim) -> Dim {
        self.zip(other, |a, b| a.clone() * b.clone())
    }
}

/// The type of a tensor.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TensorType {
    /// The element type.
    pub dtype: DType,
    /// The size of each axis; none for a scalar.
    pub shape: Vec<Dim>,
}

impl TensorType {
    /// A tensor type.
    pub fn new(dtype: DType, shape: impl Into<Vec<Dim>>) -> Self {
        Self {
            dtype,
            shape: shape.into(),
        }
    }

    /// The type of a scalar.
    pub fn scalar(dtype: DType) -> Self {
        Self {
            dtype,
            shape: Vec::new(),
        }
    }

    /// The number of axes.
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// The same shape with another element type.
    pub fn with_dtype(&self, dtype: DType) -> Self {
        Self {
            dtype,
            shape: self.shape.clone(),
        }
    }

    /// The sizes as the manifest writes them.
    pub fn shape_texts(&self) -> Vec<String> {
        self.shape
            .iter()
            .map(|dim| dim.poly().to_string())
            .collect()
    }
}

impl std::fmt::Display for TensorType {
    /// `f32[B, T]`, in the user's names.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.dtype)?;
        if !self.shape.is_empty() {
            f.write_str("[")?;
            for (i, dim) in self.shape.iter().enumerate() {
                let comma = if i == 0 { "" } else { ", " };
                write!(f, "{comma}{dim}")?;
            }
            f.write_str("]")?;
        }
        Ok(())
    }
}
