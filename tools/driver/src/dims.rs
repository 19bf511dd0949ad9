//! Which dims of an entry the shapes of its arguments tell, and in which order.

use std::collections::BTreeSet;

use dlc_abi::{Entry, Leaf, Poly};

/// An axis that tells a dim when the steps before it are done: its size is linear in the dim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The dim.
    pub dim: String,
    /// The leaf, counted in the list that was given.
    pub leaf: usize,
    /// Its axis.
    pub axis: usize,
    /// The size of the axis, with dims of earlier steps and this one.
    pub size: Poly,
}

/// The steps that tell dims from shapes of leaves: first axes that are a dim alone, then those that are linear in one dim
/// that is not known yet. A dim without a step has to be given.
pub fn steps(entry: &Entry, leaves: &[Leaf]) -> Vec<Step> {
    let axes: Vec<Vec<Option<Poly>>> = leaves
        .iter()
        .map(|leaf| {
            leaf.shape
                .iter()
                .map(|text| Poly::parse(text).ok())
                .collect()
        })
        .collect();
    let dims: BTreeSet<&str> = entry.dims.iter().map(|dim| dim.name.as_str()).collect();
    let mut steps: Vec<Step> = Vec::new();
    let alone = |poly: &Poly, known: &BTreeSet<String>| {
        let name = poly.as_name().filter(|name| !known.contains(*name));
        name.map(str::to_string)
    };
    while round(&axes, &dims, &mut steps, &alone) {}
    while round(&axes, &dims, &mut steps, &linear) {}
    steps
}

/// The dims that no shape of a parameter tells, in the order of the entry.
pub fn not_inferred(entry: &Entry) -> Vec<String> {
    let steps = steps(entry, &entry.param_leaves());
    let told = |name: &str| steps.iter().any(|step| step.dim == name);
    let names = entry.dims.iter().map(|dim| dim.name.clone());
    names.filter(|name| !told(name)).collect()
}

/// The one dim that is not known, where a size is linear in it whatever the others are.
fn linear(poly: &Poly, known: &BTreeSet<String>) -> Option<String> {
    let unknown: Vec<String> = poly.names().difference(known).cloned().collect();
    let [name] = unknown.as_slice() else {
        return None;
    };
    // Any value shows whether the dim stands alone in its terms; this one makes no factor vanish.
    let value = Poly::constant(2);
    let rest = poly.substitute_with(&|other| known.contains(other).then(|| value.clone()));
    rest.as_linear_in(name).map(|_| name.clone())
}

/// Whether a look at all axes gave a dim.
fn round(
    axes: &[Vec<Option<Poly>>],
    dims: &BTreeSet<&str>,
    steps: &mut Vec<Step>,
    told: &dyn Fn(&Poly, &BTreeSet<String>) -> Option<String>,
) -> bool {
    let before = steps.len();
    for (leaf, axes) in axes.iter().enumerate() {
        for (axis, size) in axes.iter().enumerate() {
            let known = steps.iter().map(|step| step.dim.clone()).collect();
            let Some(size) = size else { continue };
            let Some(dim) = told(size, &known).filter(|dim| dims.contains(dim.as_str())) else {
                continue;
            };
            let size = size.clone();
            steps.push(Step {
                dim,
                leaf,
                axis,
                size,
            });
        }
    }
    steps.len() > before
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::tests::sample;
    use dlc_abi::{DType, DimRange};

    fn told(dims: &[&str], shapes: &[&[&str]]) -> Vec<(String, usize, usize)> {
        let mut entry = sample().entries.remove(3);
        let range = |name: &&str| DimRange {
            name: (*name).into(),
            min: 0,
            max: None,
        };
        entry.dims = dims.iter().map(range).collect();
        let leaf = |shape: &&[&str]| Leaf {
            path: "x".into(),
            dtype: DType::F32,
            shape: shape.iter().map(|text| (*text).to_string()).collect(),
        };
        let leaves: Vec<Leaf> = shapes.iter().map(leaf).collect();
        let steps = steps(&entry, &leaves).into_iter();
        steps.map(|step| (step.dim, step.leaf, step.axis)).collect()
    }

    #[test]
    fn a_dim_alone_comes_first() {
        let found = told(&["B", "T"], &[&["2*B + 1", "64"], &["T", "B"]]);
        assert_eq!(found, [("T".into(), 1, 0), ("B".into(), 1, 1)]);
    }

    #[test]
    fn linear_axes_tell_what_is_left() {
        let found = told(&["B", "T"], &[&["B*T"], &["3*B + 2"]]);
        assert_eq!(found, [("B".into(), 1, 0), ("T".into(), 0, 0)]);
        assert!(told(&["B"], &[&["B*B"], &["(B / 4)"]]).is_empty());
        assert!(told(&["B", "T"], &[&["B*T"]]).is_empty());
    }

    #[test]
    fn what_no_shape_tells_is_given() {
        let manifest = sample();
        let given: Vec<_> = manifest.entries.iter().map(not_inferred).collect();
        let expected: [&[&str]; 4] = [&[], &["B", "D"], &["D"], &["B", "D"]];
        assert_eq!(given, expected);
    }
}
