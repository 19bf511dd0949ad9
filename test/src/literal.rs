//! Values as test files write them: `[[1.0, inf], [0, -2]]`, `true`, `3`.

use crate::module::TensorType;
use anyhow::{Context, Result, bail, ensure};
use dlc_runtime::Tensor;

/// A parsed value.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// A number or truth value, as its text.
    Number(String),
    /// Values along an axis.
    List(Vec<Literal>),
}

/// Parses values separated by commas, up to the end of the text.
pub fn parse_list(text: &str) -> Result<Vec<Literal>> {
    let mut rest = text.trim();
    let mut values = vec![];
    while !rest.is_empty() {
        let (value, after) = parse(rest)?;
        values.push(value);
        rest = after.trim_start();
        match rest.strip_prefix(',') {
            Some(after) => rest = after.trim_start(),
            None => ensure!(rest.is_empty(), "`{rest}` is not expected in `{text}`"),
        }
    }
    Ok(values)
}

/// Parses one value; gives what follows it.
fn parse(text: &str) -> Result<(Literal, &str)> {
    let text = text.trim_start();
    let Some(mut rest) = text.strip_prefix('[') else {
        let end = text.find([',', ']', ')', ' ']).unwrap_or(text.len());
        ensure!(end > 0, "a value is missing at `{text}`");
        return Ok((Literal::Number(text[..end].into()), &text[end..]));
    };
    let mut values = vec![];
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix(']') {
            return Ok((Literal::List(values), after));
        }
        let (value, after) = parse(rest)?;
        values.push(value);
        rest = after.trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest);
        ensure!(!rest.is_empty(), "`]` is missing in `{text}`");
    }
}

impl Literal {
    /// The tensor of a type that the value stands for. Dims behind an empty list are those of the type.
    pub fn tensor(&self, ty: &TensorType) -> Result<Tensor> {
        let mut numbers = vec![];
        let mut shape = vec![];
        self.flatten(0, &mut shape, &mut numbers)?;
        if shape.contains(&0) {
            let rest = ty.dims.iter().skip(shape.len());
            shape.extend(rest.map(|dim| dim.unwrap_or(0)));
        }
        ensure!(
            ty.admits(ty.dtype, &shape),
            "a value of shape {shape:?} is no {ty}"
        );
        let mut bytes = vec![];
        for number in numbers {
            bytes.extend_from_slice(Tensor::scalar(ty.dtype, number)?.bytes());
        }
        Ok(Tensor::from_bytes(ty.dtype, &shape, &bytes)?)
    }

    fn flatten<'a>(
        &'a self,
        depth: usize,
        shape: &mut Vec<usize>,
        numbers: &mut Vec<&'a str>,
    ) -> Result<()> {
        match self {
            Literal::Number(text) => {
                ensure!(
                    depth == shape.len(),
                    "`{text}` stands at another depth than its neighbours"
                );
                numbers.push(text);
            }
            Literal::List(items) => {
                match shape.get(depth) {
                    None if numbers.is_empty() => shape.push(items.len()),
                    Some(len) if *len == items.len() => {}
                    _ => bail!("lists of different lengths"),
                }
                for item in items {
                    item.flatten(depth + 1, shape, numbers)?;
                }
            }
        }
        Ok(())
    }

    /// The integer that the value stands for.
    pub fn integer(&self) -> Result<i64> {
        match self {
            Literal::Number(text) => text.parse().with_context(|| format!("`{text}` is no dim")),
            Literal::List(_) => bail!("a list is no dim"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dlc_abi::DType;

    fn ty(dtype: DType, dims: &[Option<usize>]) -> TensorType {
        TensorType {
            dtype,
            dims: dims.to_vec(),
        }
    }

    #[test]
    fn values_become_tensors() {
        let values = parse_list("[[1, 2.5], [inf, -0]], 3, [], [true]").unwrap();
        let x = values[0].tensor(&ty(DType::F32, &[None, Some(2)])).unwrap();
        assert_eq!(
            x,
            Tensor::from_slice(&[2, 2], &[1.0f32, 2.5, f32::INFINITY, -0.0]).unwrap()
        );
        assert_eq!(values[1].integer().unwrap(), 3);
        let empty = values[2].tensor(&ty(DType::I8, &[None, Some(3)])).unwrap();
        assert_eq!(empty.shape(), [0, 3]);
        assert_eq!(
            values[3]
                .tensor(&ty(DType::Bool, &[Some(1)]))
                .unwrap()
                .bytes(),
            [1]
        );
    }

    #[test]
    fn mistakes_are_told() {
        for text in ["[1, [2]]", "[[1], [2, 3]]", "[[1], 2]"] {
            let values = parse_list(text).unwrap();
            assert!(
                values[0].tensor(&ty(DType::F32, &[None, None])).is_err(),
                "{text}"
            );
        }
        assert!(parse_list("[1, 2").is_err());
        assert!(parse_list("1 2").is_err());
        let two = &parse_list("[1, 2]").unwrap()[0];
        assert!(two.tensor(&ty(DType::F32, &[Some(3)])).is_err());
        assert!(two.tensor(&ty(DType::Bool, &[None])).is_err());
    }
}
