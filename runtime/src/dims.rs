//! The dims of a call: solved from the shapes of the inputs, and checked against every shape,
//! range and condition of the entry.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use dlc_abi::{DType, Entry, Leaf, Poly, status};

/// The dims of a call by name.
pub type Dims = BTreeMap<String, i64>;

/// Shapes and dims that an entry can't be called with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DimError {
    /// A leaf has another shape than its type says.
    #[error("DL1003 {entry}: {leaf} has shape {actual:?}, expected {expected}")]
    Shape {
        /// The entry.
        entry: String,
        /// The leaf.
        leaf: String,
        /// Its shape.
        actual: Vec<usize>,
        /// The shape in dims, and their values.
        expected: String,
        /// Where the dims come from.
        origins: String,
    },
    /// No input gives a dim.
    #[error("DL1004 {entry}: no input gives the dim {dim}")]
    Missing {
        /// The entry.
        entry: String,
        /// The dim.
        dim: String,
    },
    /// A dim that the entry does not have is given.
    #[error("DL1005 {entry}: there is no dim {dim}")]
    Unknown {
        /// The entry.
        entry: String,
        /// The dim that was given.
        dim: String,
        /// The dims that there are.
        known: Vec<String>,
    },
    /// A dim lies outside its range.
    #[error("DL1001 {entry}: {dim} = {value} {how} declared range {range}{place}")]
    Range {
        /// The entry.
        entry: String,
        /// The dim.
        dim: String,
        /// Its value.
        value: i64,
        /// `exceeds` or `is below`.
        how: &'static str,
        /// The range.
        range: String,
        /// Where it is declared, in parentheses, or nothing.
        place: String,
    },
    /// A `where` condition does not hold.
    #[error("DL1002 {entry}: the condition {condition} does not hold, {values} ({place})")]
    Condition {
        /// The entry.
        entry: String,
        /// The condition.
        condition: String,
        /// The dims in it with their values.
        values: String,
        /// Where it is declared.
        place: String,
    },
    /// A leaf has another element type.
    #[error("DL1006 {entry}: {leaf} is {actual}, expected {expected}")]
    DType {
        /// The entry.
        entry: String,
        /// The leaf.
        leaf: String,
        /// Its element type.
        actual: DType,
        /// The one of the parameter.
        expected: DType,
    },
    /// A size does not fit in 64 bits.
    #[error("DL1013 {entry}: the shape {shape} of {leaf} does not fit in 64 bits")]
    Overflow {
        /// The entry.
        entry: String,
        /// The leaf.
        leaf: String,
        /// Its shape in dims.
        shape: String,
    },
    /// The manifest has a shape that is none.
    #[error("the manifest is damaged: {0}")]
    Manifest(String),
}

impl DimError {
    /// What the user can do.
    pub fn help(&self) -> Option<String> {
        match self {
            DimError::Shape { origins, .. } if !origins.is_empty() => Some(origins.clone()),
            DimError::Missing { dim, .. } => Some(format!("give it with --dim {dim}=SIZE")),
            DimError::Unknown { known, .. } if known.is_empty() => {
                Some("it has no dims".to_string())
            }
            DimError::Unknown { known, .. } => Some(format!("its dims are {}", known.join(", "))),
            DimError::DType { expected, .. } => {
                let numpy = match expected {
                    DType::Key => return Some("give a key, such as key(42)".to_string()),
                    DType::Bool => "bool",
                    DType::I8 => "int8",
                    DType::I32 => "int32",
                    DType::I64 => "int64",
                    DType::U8 => "uint8",
                    DType::U32 => "uint32",
                    DType::U64 => "uint64",
                    DType::F16 => "float16",
                    DType::BF16 => "ml_dtypes.bfloat16",
                    DType::F32 => "float32",
                    DType::F64 => "float64",
                };
                Some(format!("convert it first; in NumPy, .astype(\"{numpy}\")"))
            }
            DimError::Overflow { .. } => Some("make the dims smaller".to_string()),
            DimError::Manifest(_) => Some("build the library again".to_string()),
            DimError::Shape { .. } | DimError::Range { .. } | DimError::Condition { .. } => None,
        }
    }
}

/// A leaf of the entry with the shape that it has in this call.
#[derive(Debug, Clone, Copy)]
pub struct Actual<'a> {
    /// What the manifest says of it.
    pub leaf: &'a Leaf,
    /// Its element type.
    pub dtype: DType,
    /// Its shape.
    pub shape: &'a [usize],
}

/// Solves the dims of a call and checks everything that depends on them.
pub fn solve(
    entry: &Entry,
    leaves: &[Actual<'_>],
    given: &[(String, i64)],
) -> Result<Dims, DimError> {
    let mut solver = Solver {
        entry,
        dims: Dims::new(),
        origins: BTreeMap::new(),
    };
    solver.take_given(given)?;
    let axes = solver.axes(leaves)?;
    solver.infer(leaves, &axes);
    solver.check_shapes(leaves, &axes)?;
    solver.check_complete()?;
    check_ranges(entry, &solver.dims)?;
    check_conditions(entry, &solver.dims)?;
    Ok(solver.dims)
}

struct Solver<'a> {
    entry: &'a Entry,
    dims: Dims,
    /// Where the value of each dim comes from.
    origins: BTreeMap<String, String>,
}

impl Solver<'_> {
    fn name(&self) -> String {
        self.entry.name.clone()
    }

    fn take_given(&mut self, given: &[(String, i64)]) -> Result<(), DimError> {
        for (dim, value) in given {
            if !self.entry.dims.iter().any(|range| range.name == *dim) {
                return Err(DimError::Unknown {
                    entry: self.name(),
                    dim: dim.clone(),
                    known: self.entry.dims.iter().map(|d| d.name.clone()).collect(),
                });
            }
            self.dims.insert(dim.clone(), *value);
            self.origins.insert(dim.clone(), "--dim".to_string());
        }
        Ok(())
    }

    /// The polynomials of every leaf; ranks and element types are checked on the way.
    fn axes(&self, leaves: &[Actual<'_>]) -> Result<Vec<Vec<Poly>>, DimError> {
        let mut axes = Vec::with_capacity(leaves.len());
        for actual in leaves {
            if actual.dtype != actual.leaf.dtype {
                return Err(DimError::DType {
                    entry: self.name(),
                    leaf: actual.leaf.path.clone(),
                    actual: actual.dtype,
                    expected: actual.leaf.dtype,
                });
            }
            axes.push(parse_shape(actual.leaf)?);
        }
        Ok(axes)
    }

    /// Takes dims from axes, first from those that are a dim alone, then from all that are
    /// linear in one unknown. Leaves of the wrong rank give nothing; `check_shapes` reports them.
    fn infer(&mut self, leaves: &[Actual<'_>], axes: &[Vec<Poly>]) {
        while self.infer_round(leaves, axes, |poly| poly.as_name().is_some()) {}
        while self.infer_round(leaves, axes, |_| true) {}
    }

    /// Whether an axis gave a new dim.
    fn infer_round(
        &mut self,
        leaves: &[Actual<'_>],
        axes: &[Vec<Poly>],
        may_give: impl Fn(&Poly) -> bool,
    ) -> bool {
        let before = self.dims.len();
        for (actual, axes) in leaves.iter().zip(axes) {
            if axes.len() != actual.shape.len() {
                continue;
            }
            for (poly, &size) in axes.iter().zip(actual.shape) {
                if !may_give(poly) {
                    continue;
                }
                if let Some((dim, value)) = self.solve_axis(poly, size) {
                    self.origins.insert(dim.clone(), actual.leaf.path.clone());
                    self.dims.insert(dim, value);
                }
            }
        }
        self.dims.len() > before
    }

    /// The dim that this axis gives, when exactly one is unknown and the axis is linear in it.
    fn solve_axis(&self, poly: &Poly, size: usize) -> Option<(String, i64)> {
        let poly = poly.substitute_with(&|name| self.dims.get(name).copied().map(Poly::constant));
        let names = poly.names();
        let (Some(name), 1) = (names.first(), names.len()) else {
            return None;
        };
        let (slope, offset) = poly.as_linear_in(name)?;
        let rest = i64::try_from(size).ok()?.checked_sub(offset)?;
        if rest.checked_rem(slope)? != 0 {
            return None;
        }
        let value = rest.checked_div(slope)?;
        let is_dim = self.entry.dims.iter().any(|range| range.name == *name);
        (value >= 0 && is_dim).then(|| (name.clone(), value))
    }

    fn check_shapes(&self, leaves: &[Actual<'_>], axes: &[Vec<Poly>]) -> Result<(), DimError> {
        for (actual, axes) in leaves.iter().zip(axes) {
            let fits = axes.len() == actual.shape.len()
                && axes.iter().zip(actual.shape).all(|(poly, &size)| {
                    match self.eval(poly) {
                        Some(value) => i64::try_from(size) == Ok(value),
                        // A dim without a value; `check_complete` reports it, unless the shape
                        // is what keeps it unknown.
                        None => self.could_be_solved_elsewhere(poly),
                    }
                });
            if !fits {
                return Err(self.shape_error(actual, axes));
            }
        }
        Ok(())
    }

    fn eval(&self, poly: &Poly) -> Option<i64> {
        poly.eval(&|name| self.dims.get(name).copied()).ok()
    }

    /// Whether an axis with an unknown dim is not at fault itself: it has several unknowns, or
    /// is not linear in the one.
    fn could_be_solved_elsewhere(&self, poly: &Poly) -> bool {
        let unknown: Vec<String> = poly
            .names()
            .into_iter()
            .filter(|name| !self.dims.contains_key(name))
            .collect();
        match unknown.as_slice() {
            [] => false,
            [name] => poly
                .substitute_with(&|name| self.dims.get(name).copied().map(Poly::constant))
                .as_linear_in(name)
                .is_none(),
            _ => true,
        }
    }

    fn shape_error(&self, actual: &Actual<'_>, axes: &[Poly]) -> DimError {
        let names: Vec<&str> = self
            .entry
            .dims
            .iter()
            .map(|range| range.name.as_str())
            .filter(|name| axes.iter().any(|poly| poly.names().contains(*name)))
            .collect();
        let mut expected = format!("[{}]", actual.leaf.shape.join(", "));
        let values = dim_values(&self.dims, names.iter().copied());
        if !values.is_empty() {
            let _ = write!(expected, " with {values}");
        }
        let origins = names
            .iter()
            .filter(|name| self.origins.get(**name) != Some(&actual.leaf.path))
            .filter_map(|name| {
                let origin = self.origins.get(*name)?;
                Some(format!("{name} = {} comes from {origin}", self.dims[*name]))
            })
            .collect::<Vec<_>>()
            .join(", ");
        DimError::Shape {
            entry: self.name(),
            leaf: actual.leaf.path.clone(),
            actual: actual.shape.to_vec(),
            expected,
            origins,
        }
    }

    fn check_complete(&self) -> Result<(), DimError> {
        match self
            .entry
            .dims
            .iter()
            .find(|range| !self.dims.contains_key(&range.name))
        {
            Some(range) => Err(DimError::Missing {
                entry: self.name(),
                dim: range.name.clone(),
            }),
            None => Ok(()),
        }
    }
}

/// The polynomials of a leaf's axes.
fn parse_shape(leaf: &Leaf) -> Result<Vec<Poly>, DimError> {
    leaf.shape
        .iter()
        .map(|text| Poly::parse(text).map_err(|error| DimError::Manifest(error.to_string())))
        .collect()
}

/// The shape of a leaf for given dims.
pub fn shape_of(entry: &Entry, leaf: &Leaf, dims: &Dims) -> Result<Vec<usize>, DimError> {
    parse_shape(leaf)?
        .iter()
        .map(|poly| {
            let size = poly.eval(&|name| dims.get(name).copied());
            size.ok()
                .and_then(|size| usize::try_from(size).ok())
                .ok_or_else(|| DimError::Overflow {
                    entry: entry.name.clone(),
                    leaf: leaf.path.clone(),
                    shape: leaf.to_string(),
                })
        })
        .collect()
}

/// `B = 7, T = 8` for those of `names` that have a value.
pub fn dim_values<'a>(dims: &Dims, names: impl Iterator<Item = &'a str>) -> String {
    names
        .filter_map(|name| Some(format!("{name} = {}", dims.get(name)?)))
        .collect::<Vec<_>>()
        .join(", ")
}

fn check_ranges(entry: &Entry, dims: &Dims) -> Result<(), DimError> {
    for range in &entry.dims {
        let value = dims[&range.name];
        let how = if value < range.min {
            "is below"
        } else if range.max.is_some_and(|max| value > max) {
            "exceeds"
        } else {
            continue;
        };
        return Err(DimError::Range {
            entry: entry.name.clone(),
            dim: range.name.clone(),
            value,
            how,
            range: status::range_text(range.min, range.max),
            place: range_place(entry, &range.name),
        });
    }
    Ok(())
}

/// The place of a range as its status message ends with it, ` (tiny.dl:36)`.
fn range_place(entry: &Entry, dim: &str) -> String {
    let start = format!("DL1001 {}: {dim} ", entry.name);
    entry
        .statuses
        .iter()
        .find(|status| status.message.starts_with(&start))
        .and_then(|status| status.message.rfind(" (").map(|at| &status.message[at..]))
        .unwrap_or_default()
        .to_string()
}

/// Checks the conditions whose names all have a value: dims, or parameters that are one integer.
pub fn check_conditions(entry: &Entry, dims: &Dims) -> Result<(), DimError> {
    for condition in &entry.conditions {
        let Some((left, relation, right)) = split_condition(&condition.text) else {
            continue;
        };
        let value = |poly: &Poly| poly.eval(&|name| dims.get(name).copied());
        let (Ok(left_value), Ok(right_value)) = (value(&left), value(&right)) else {
            continue;
        };
        let holds = match relation {
            "==" => left_value == right_value,
            "!=" => left_value != right_value,
            "<=" => left_value <= right_value,
            ">=" => left_value >= right_value,
            "<" => left_value < right_value,
            _ => left_value > right_value,
        };
        if !holds {
            let names = left.names().into_iter().chain(right.names());
            let names: std::collections::BTreeSet<String> = names.collect();
            return Err(DimError::Condition {
                entry: entry.name.clone(),
                condition: condition.text.clone(),
                values: dim_values(dims, names.iter().map(String::as_str)),
                place: condition.source.clone(),
            });
        }
    }
    Ok(())
}

/// Both sides and the relation, when the text is a single comparison.
fn split_condition(text: &str) -> Option<(Poly, &'static str, Poly)> {
    // The two-character ones first: `<=` also holds `<`.
    let relation = ["==", "!=", "<=", ">=", "<", ">"]
        .into_iter()
        .find(|relation| text.contains(relation))?;
    let (left, right) = text.split_once(relation)?;
    Some((Poly::parse(left).ok()?, relation, Poly::parse(right).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bind::tests::{entry, leaf};

    fn solve_shapes(
        entry: &Entry,
        shapes: &[(&Leaf, &[usize])],
        given: &[(&str, i64)],
    ) -> Result<Dims, DimError> {
        let leaves: Vec<_> = shapes
            .iter()
            .map(|(leaf, shape)| Actual {
                leaf,
                dtype: leaf.dtype,
                shape,
            })
            .collect();
        let given: Vec<_> = given.iter().map(|(n, v)| (n.to_string(), *v)).collect();
        solve(entry, &leaves, &given)
    }

    #[test]
    fn dims_come_from_shapes() {
        let entry = entry(&[("B", 1, Some(64)), ("T", 0, None)], &[]);
        let x = leaf("x", DType::F32, &["B", "2*T + 1"]);
        let y = leaf("y", DType::F32, &["B*T"]);
        let dims = solve_shapes(&entry, &[(&y, &[21]), (&x, &[7, 7])], &[]).unwrap();
        assert_eq!((dims["B"], dims["T"]), (7, 3));
        let dims = solve_shapes(&entry, &[(&y, &[21])], &[("B", 7)]).unwrap();
        assert_eq!(dims["T"], 3);
    }

    #[test]
    fn shapes_are_checked_with_names_and_values() {
        let entry = entry(&[("B", 1, Some(64))], &[]);
        let x = leaf("x", DType::F32, &["B", "64"]);
        let y = leaf("y", DType::I32, &["B"]);
        let error = solve_shapes(&entry, &[(&x, &[7, 65])], &[]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "DL1003 train_step: x has shape [7, 65], expected [B, 64] with B = 7"
        );
        assert_eq!(error.help(), None);
        let error = solve_shapes(&entry, &[(&x, &[7, 64]), (&y, &[8])], &[]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "DL1003 train_step: y has shape [8], expected [B] with B = 7"
        );
        assert_eq!(error.help().unwrap(), "B = 7 comes from x");
        let error = solve_shapes(&entry, &[(&x, &[7])], &[]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "DL1003 train_step: x has shape [7], expected [B, 64]"
        );
        let even = leaf("z", DType::F32, &["2*B"]);
        let error = solve_shapes(&entry, &[(&even, &[7])], &[]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "DL1003 train_step: z has shape [7], expected [2*B]"
        );
    }

    #[test]
    fn missing_and_unknown_dims() {
        let entry = entry(&[("B", 1, Some(64)), ("T", 0, None)], &[]);
        let x = leaf("x", DType::F32, &["B"]);
        let error = solve_shapes(&entry, &[(&x, &[7])], &[]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "DL1004 train_step: no input gives the dim T"
        );
        assert_eq!(error.help().unwrap(), "give it with --dim T=SIZE");
        let error = solve_shapes(&entry, &[(&x, &[7])], &[("Q", 1)]).unwrap_err();
        assert_eq!(error.help().unwrap(), "its dims are B, T");
    }

    #[test]
    fn ranges_and_conditions() {
        let entry = entry(
            &[("B", 1, Some(64)), ("D", 0, None)],
            &["(D % 4) == 0", "n <= 64"],
        );
        let x = leaf("x", DType::F32, &["B", "D"]);
        let error = |shape: &[usize]| {
            solve_shapes(&entry, &[(&x, shape)], &[])
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            error(&[70, 4]),
            "DL1001 train_step: B = 70 exceeds declared range 1..=64 (tiny.dl:36)"
        );
        assert_eq!(
            error(&[0, 4]),
            "DL1001 train_step: B = 0 is below declared range 1..=64 (tiny.dl:36)"
        );
        assert_eq!(
            error(&[1, 6]),
            "DL1002 train_step: the condition (D % 4) == 0 does not hold, D = 6 (tiny.dl:37)"
        );
        assert!(solve_shapes(&entry, &[(&x, &[1, 8])], &[]).is_ok());
        let given = solve_shapes(&entry, &[], &[("B", -3), ("D", 0)]).unwrap_err();
        assert!(given.to_string().contains("B = -3 is below"));
    }

    #[test]
    fn sizes_that_overflow_are_named() {
        let entry = entry(&[("B", 0, None)], &[]);
        let out = leaf("out", DType::F32, &["B*B"]);
        let dims = Dims::from([("B".to_string(), i64::MAX)]);
        let error = shape_of(&entry, &out, &dims).unwrap_err();
        assert_eq!(
            error.to_string(),
            "DL1013 train_step: the shape f32[B*B] of out does not fit in 64 bits"
        );
    }

    #[test]
    fn element_types_are_checked() {
        let entry = entry(&[], &[]);
        let x = leaf("x", DType::F32, &[]);
        let actual = Actual {
            leaf: &x,
            dtype: DType::F64,
            shape: &[],
        };
        let error = solve(&entry, &[actual], &[]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "DL1006 train_step: x is f64, expected f32"
        );
        assert!(error.help().unwrap().contains(".astype(\"float32\")"));
    }
}
