//! The values that `dlc run` takes: `--input NAME=VALUE`, `--output NAME=@FILE`, `--dim T=8`.

use std::path::PathBuf;

use dlc_abi::DType;

use crate::random::Random;
use crate::tensor::{Tensor, TensorError};

/// One `NAME=VALUE`.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// The parameter.
    pub name: String,
    /// What it gets.
    pub value: Value,
}

/// What a parameter gets.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `@file.npy`, `@file.npz`, `@file.safetensors`.
    File(PathBuf),
    /// A scalar literal; its type is the parameter's.
    Literal(String),
    /// `zeros(2, 8)`, `ones(…)`, `normal(…)`, with or without `:dtype`.
    Fill {
        /// Which numbers.
        kind: Fill,
        /// The size of each axis.
        shape: Vec<usize>,
        /// The element type; the parameter's when not given.
        dtype: Option<DType>,
    },
    /// `[[1, 2], [3, 4]]`: the numbers in C order; the type is the parameter's.
    List {
        /// The size of each axis.
        shape: Vec<usize>,
        /// The numbers.
        numbers: Vec<f64>,
    },
    /// `key(42)`.
    Key(u64),
}

/// The numbers of a filled tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// All 0.
    Zeros,
    /// All 1.
    Ones,
    /// Standard normal, by seed and parameter name.
    Normal,
}

/// A text is no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}`: {message}")]
pub struct InputError {
    /// The whole text.
    pub text: String,
    /// What is wrong.
    pub message: String,
    /// What may stand there.
    pub help: &'static str,
}

const FORMS: &str = "a value is @FILE.npy, @FILE.npz, @FILE.safetensors, a scalar (0.1, 3, true), a list ([[1, 2], [3, 4]]), \
                     zeros(2,8), ones(2,8), normal(2,8), each with :DTYPE if wanted, or key(42)";

impl Input {
    /// Parses `NAME=VALUE`.
    pub fn parse(text: &str) -> Result<Self, InputError> {
        let error = |message: String| InputError {
            text: text.to_string(),
            message,
            help: FORMS,
        };
        let Some((name, value)) = text.split_once('=') else {
            return Err(error("expected NAME=VALUE".to_string()));
        };
        let name = name.trim();
        if name.is_empty() {
            return Err(error("the name is empty".to_string()));
        }
        Ok(Self {
            name: name.to_string(),
            value: parse_value(value.trim()).map_err(error)?,
        })
    }
}

fn parse_value(text: &str) -> Result<Value, String> {
    if let Some(path) = text.strip_prefix('@') {
        if path.is_empty() {
            return Err("no file name after @".to_string());
        }
        return Ok(Value::File(PathBuf::from(path)));
    }
    if text.starts_with('[') {
        return parse_list(text);
    }
    let Some((name, rest)) = text.split_once('(') else {
        return parse_literal(text);
    };
    let (arguments, suffix) = rest
        .split_once(')')
        .ok_or_else(|| format!("the `)` of `{}(` is missing", name.trim()))?;
    let suffix = suffix.trim();
    let dtype = match suffix.strip_prefix(':') {
        Some(name) => Some(name.trim().parse().map_err(|e| format!("{e}"))?),
        None if suffix.is_empty() => None,
        None => return Err(format!("`{suffix}` after the `)`")),
    };
    let kind = match name.trim() {
        "zeros" => Fill::Zeros,
        "ones" => Fill::Ones,
        "normal" => Fill::Normal,
        "key" if dtype.is_none() => {
            let seed = arguments.trim().parse();
            return seed
                .map(Value::Key)
                .map_err(|_| format!("`{}` is no seed", arguments.trim()));
        }
        "key" => return Err("a key has no :DTYPE".to_string()),
        other => return Err(format!("there is no `{other}(…)`")),
    };
    if dtype == Some(DType::Key) {
        return Err("keys are made by key(42)".to_string());
    }
    Ok(Value::Fill {
        kind,
        shape: parse_shape(arguments)?,
        dtype,
    })
}

fn parse_shape(text: &str) -> Result<Vec<usize>, String> {
    let text = text.trim();
    let text = text.strip_suffix(',').unwrap_or(text);
    if text.is_empty() {
        return Ok(Vec::new());
    }
    text.split(',')
        .map(|size| {
            let size = size.trim();
            let known = size.bytes().all(|byte| byte.is_ascii_digit());
            let parsed = size.parse().ok().filter(|_| known);
            parsed.ok_or_else(|| format!("`{size}` is no size of an axis"))
        })
        .collect()
}

fn parse_list(text: &str) -> Result<Value, String> {
    let (mut shape, mut numbers) = (Vec::new(), Vec::new());
    let rest = parse_axis(text, 0, &mut shape, &mut numbers)?;
    match rest.trim() {
        "" => Ok(Value::List { shape, numbers }),
        rest => Err(format!("`{rest}` after the list")),
    }
}

/// The deepest list: no tensor has more axes.
const MAX_DEPTH: usize = 32;

/// Whole numbers below this one are exact in a list.
const EXACT: f64 = 9007199254740992.0;

/// Reads one list of an axis, or a number below the last; gives the text behind it. The first list of an axis says its size.
fn parse_axis<'t>(
    text: &'t str,
    axis: usize,
    shape: &mut Vec<usize>,
    numbers: &mut Vec<f64>,
) -> Result<&'t str, String> {
    let text = text.trim_start();
    let Some(mut rest) = text.strip_prefix('[') else {
        let end = text.find([',', ']']).unwrap_or(text.len());
        let (number, rest) = text.split_at(end);
        if axis < shape.len() || !numbers.is_empty() && axis > shape.len() {
            return Err(format!("`{}` stands where a list should", number.trim()));
        }
        let parsed = match number.trim() {
            "true" => Ok(1.0),
            "false" => Ok(0.0),
            number => number.parse(),
        };
        let parsed = parsed.map_err(|_| format!("`{}` is no number", number.trim()))?;
        let is_whole = !number.contains(['.', 'e', 'E']) && f64::is_finite(parsed);
        if is_whole && parsed.abs() >= EXACT {
            return Err(format!(
                "`{}` has too many digits for a list; a file keeps them",
                number.trim()
            ));
        }
        numbers.push(parsed);
        return Ok(rest);
    };
    let first = numbers.is_empty() && axis == shape.len();
    if axis > MAX_DEPTH || axis >= shape.len() && !first {
        return Err("its lists have several depths".to_string());
    }
    if first {
        shape.push(0);
    }
    let mut count = 0;
    let rest = loop {
        rest = rest.trim_start();
        if let Some(rest) = rest.strip_prefix(']') {
            break rest;
        }
        rest = parse_axis(rest, axis + 1, shape, numbers)?.trim_start();
        count += 1;
        if let Some(next) = rest.strip_prefix(',') {
            rest = next;
        } else if !rest.starts_with(']') {
            return Err("a `]` is missing".to_string());
        }
    };
    if first {
        shape[axis] = count;
    } else if shape[axis] != count {
        return Err(format!("its lists have {} and {count} parts", shape[axis]));
    }
    Ok(rest)
}

fn parse_literal(text: &str) -> Result<Value, String> {
    let is_literal = text == "true"
        || text == "false"
        || Tensor::scalar(DType::F64, text).is_ok()
        || Tensor::scalar(DType::U64, text).is_ok();
    if is_literal {
        Ok(Value::Literal(text.to_string()))
    } else if text.is_empty() {
        Err("the value is empty".to_string())
    } else {
        Err(format!("`{text}` is no value"))
    }
}

impl Value {
    /// The tensor of a literal, fill or key for a parameter named `name` of type `dtype`;
    /// nothing for a file.
    pub fn tensor(
        &self,
        name: &str,
        dtype: DType,
        seed: u64,
    ) -> Option<Result<Tensor, TensorError>> {
        Some(match self {
            Value::File(_) => return None,
            Value::Literal(text) => Tensor::scalar(dtype, text),
            Value::List { shape, numbers } => {
                Tensor::zeros(dtype, shape).and_then(|mut tensor| {
                    let mut numbers = numbers.iter();
                    // One number for each element, as the list was read.
                    tensor.fill_with(|| *numbers.next().unwrap_or(&0.0))?;
                    Ok(tensor)
                })
            }
            Value::Key(seed) => Ok(Tensor::key(*seed)),
            Value::Fill {
                kind,
                shape,
                dtype: given,
            } => {
                let dtype = given.unwrap_or(dtype);
                match kind {
                    Fill::Zeros => Tensor::zeros(dtype, shape),
                    Fill::Ones => Tensor::full(dtype, shape, 1.0),
                    Fill::Normal => Tensor::zeros(dtype, shape).and_then(|mut tensor| {
                        let mut random = Random::new(seed, name);
                        tensor.fill_with(|| random.normal())?;
                        Ok(tensor)
                    }),
                }
            }
        })
    }
}

/// Parses `NAME=@FILE`, as `--output` takes it.
pub fn parse_output(text: &str) -> Result<(String, PathBuf), InputError> {
    let error = |message: &str| InputError {
        text: text.to_string(),
        message: message.to_string(),
        help: "an output is NAME=@FILE.npy, or @FILE.npz or @FILE.safetensors for a tree",
    };
    let (name, file) = text
        .split_once('=')
        .ok_or_else(|| error("expected NAME=@FILE"))?;
    let file = file.trim();
    let path = file
        .strip_prefix('@')
        .ok_or_else(|| error("the file name begins with @"))?;
    if name.trim().is_empty() || path.is_empty() {
        return Err(error("the name or the file is empty"));
    }
    Ok((name.trim().to_string(), PathBuf::from(path)))
}

/// Parses `NAME=SIZE`, as `--dim` takes it.
pub fn parse_dim(text: &str) -> Result<(String, i64), InputError> {
    let error = |message: &str| InputError {
        text: text.to_string(),
        message: message.to_string(),
        help: "a dim is NAME=SIZE, such as T=8",
    };
    let (name, size) = text
        .split_once('=')
        .ok_or_else(|| error("expected NAME=SIZE"))?;
    if name.trim().is_empty() {
        return Err(error("the name is empty"));
    }
    let size = size.trim().parse();
    let size = size.map_err(|_| error("the size is no whole number"))?;
    Ok((name.trim().to_string(), size))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        Input::parse(&format!("x={text}")).unwrap().value
    }

    #[test]
    fn lists_have_one_shape() {
        let list = |shape: &[usize], numbers: &[f64]| Value::List {
            shape: shape.to_vec(),
            numbers: numbers.to_vec(),
        };
        assert_eq!(value("[1, -2.5, true]"), list(&[3], &[1.0, -2.5, 1.0]));
        assert_eq!(
            value("[[1, 2], [3, 4], [5, 6],]"),
            list(&[3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
        );
        assert_eq!(value("[]"), list(&[0], &[]));
        for wrong in [
            "[1, [2]]",
            "[[1], 2]",
            "[[1, 2], [3]]",
            "[1",
            "[1] 2",
            "[x]",
            "[[1], [[2]]]",
            "[9007199254740993]",
        ] {
            assert!(Input::parse(&format!("x={wrong}")).is_err(), "{wrong}");
        }
        let tensor = value("[[1, 2], [3, 4]]").tensor("x", DType::I32, 0);
        assert_eq!(tensor, Some(Tensor::from_slice(&[2, 2], &[1i32, 2, 3, 4])));
    }

    #[test]
    fn every_form_is_read() {
        assert_eq!(value("@a=b.npy"), Value::File("a=b.npy".into()));
        for text in [
            "0.1",
            "-3",
            "true",
            "1e-3",
            "inf",
            "-inf",
            "nan",
            "18446744073709551615",
        ] {
            assert_eq!(value(text), Value::Literal(text.into()), "{text}");
        }
        assert_eq!(
            value("zeros(2,8):i32"),
            Value::Fill {
                kind: Fill::Zeros,
                shape: vec![2, 8],
                dtype: Some(DType::I32)
            }
        );
        assert_eq!(
            value("normal( 2, 8, )"),
            Value::Fill {
                kind: Fill::Normal,
                shape: vec![2, 8],
                dtype: None
            }
        );
        assert_eq!(
            value("ones()"),
            Value::Fill {
                kind: Fill::Ones,
                shape: vec![],
                dtype: None
            }
        );
        assert_eq!(value("key(42)"), Value::Key(42));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, message) in [
            ("x", "expected NAME=VALUE"),
            ("=3", "the name is empty"),
            ("x=", "the value is empty"),
            ("x=@", "no file name after @"),
            ("x=abc", "`abc` is no value"),
            ("x=zeros(2", "the `)` of `zeros(` is missing"),
            ("x=zeros(-2)", "`-2` is no size of an axis"),
            ("x=zeros(+2)", "`+2` is no size of an axis"),
            ("x=zeros(2,,3)", "`` is no size of an axis"),
            (
                "x=zeros(99999999999999999999)",
                "`99999999999999999999` is no size of an axis",
            ),
            ("x=zeros(2)i32", "`i32` after the `)`"),
            ("x=eye(2)", "there is no `eye(…)`"),
            ("x=key(-1)", "`-1` is no seed"),
            ("x=key(1):u32", "a key has no :DTYPE"),
            ("x=ones(2):key", "keys are made by key(42)"),
        ] {
            assert_eq!(Input::parse(text).unwrap_err().message, message, "{text}");
        }
        let error = Input::parse("x=ones(2):f8").unwrap_err();
        assert!(error.message.starts_with("`f8` is no element type"));
    }

    #[test]
    fn values_become_tensors() {
        let tensor = |text: &str, dtype| value(text).tensor("x", dtype, 7).unwrap();
        assert_eq!(tensor("3", DType::F32).unwrap().to_f64(), [3.0]);
        assert_eq!(tensor("ones(2)", DType::I32).unwrap().to_f64(), [1.0, 1.0]);
        assert_eq!(tensor("ones(2):u8", DType::I32).unwrap().dtype(), DType::U8);
        assert_eq!(tensor("key(42)", DType::Key).unwrap(), Tensor::key(42));
        let normal = tensor("normal(4)", DType::F64).unwrap();
        assert_eq!(tensor("normal(4)", DType::F64).unwrap(), normal);
        assert!(tensor("normal(4)", DType::I32).is_err());
        assert!(tensor("0.5", DType::I32).is_err());
        assert!(matches!(
            tensor("zeros(4294967296,4294967296)", DType::F32),
            Err(TensorError::Overflow { .. })
        ));
        assert!(value("@x.npy").tensor("x", DType::F32, 0).is_none());
    }

    #[test]
    fn outputs_and_dims() {
        let (name, path) = parse_output("p=@new.npz").unwrap();
        assert_eq!((name.as_str(), path.to_str().unwrap()), ("p", "new.npz"));
        for text in ["p", "p=new.npz", "=@x.npy", "p=@"] {
            assert!(parse_output(text).is_err(), "{text}");
        }
        assert_eq!(parse_dim("T=8").unwrap(), ("T".to_string(), 8));
        for text in ["T", "T=x", "=8", "T=8.0"] {
            assert!(parse_dim(text).is_err(), "{text}");
        }
    }
}
