//! Constants as text.

use dlc_dialects::ir::builder::literal;
use melior::ir::Type;

use crate::core::{Num, TensorType};

/// The numbers of a constant as MLIR writes them between `dense<` and `>`: one for all, or nested by axis.
pub fn text(nums: &[Num], ty: &TensorType, element: Type) -> String {
    let number = |num: &Num| {
        let text = match (num, ty.dtype.is_float()) {
            (Num::Bool(value), _) => u8::from(*value).to_string(),
            (Num::Float(value), true) => format!("{value:?}").to_lowercase(),
            (Num::Float(value), false) => format!("{}", *value as i128),
            (Num::Int(value), _) => value.to_string(),
        };
        literal(element, &text)
    };
    if let [one] = nums {
        return number(one);
    }
    let sizes: Vec<usize> = ty
        .shape
        .iter()
        .map(|dim| {
            dim.as_const()
                .and_then(|d| usize::try_from(d).ok())
                .unwrap_or_default()
        })
        .collect();
    if nums.is_empty() || sizes.contains(&0) {
        return String::new();
    }
    let mut items: Vec<String> = nums.iter().map(number).collect();
    for &size in sizes.iter().rev() {
        items = items
            .chunks(size)
            .map(|row| format!("[{}]", row.join(", ")))
            .collect();
    }
    items.concat()
}
