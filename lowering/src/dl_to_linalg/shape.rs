//! Constants and the movement of data.

use super::{
    Content, Lowering, Mapped, Result,
    convert::from_index,
    refine,
    sizes::{result_dims, tensor_type},
};
use crate::{
    emit::Emitter,
    linalg::{self, Access, Generic, Iterator},
    scalar,
};
use dlc_abi::dim::Poly;
use dlc_dialects::{
    ir::{
        inspect::dense_bits,
        shape::{self, ElementClass, class, width},
    },
    ops,
    pass::PassError,
};
use melior::ir::{
    Type, Value, ValueLike,
    attribute::{DenseElementsAttribute, IntegerAttribute},
};

/// What stands for a dynamic entry in the static lists of slicing ops.
const DYNAMIC: i64 = i64::MIN;

/// A window of a tensor: offsets, sizes and strides, axis by axis.
pub(super) struct Window {
    pub offsets: Vec<Poly>,
    pub sizes: Vec<Poly>,
    pub strides: Vec<i64>,
}

impl Window {
    /// Whether it is known to have no elements.
    fn is_empty(&self) -> bool {
        self.sizes.iter().any(|size| size.as_const() == Some(0))
    }
}

impl<'c, 'a> Lowering<'c, 'a> {
    /// A constant: of one value a splat, else a tensor of stored elements.
    pub(super) fn constant(
        &mut self,
        e: &Emitter<'c, 'a>,
        op: ops::Constant<'c, 'a>,
        ty: Type<'c>,
    ) -> Result<'c, Mapped<'c, 'a>> {
        let element = shape::element(ty);
        let bits = dense_bits(op.value()).ok_or_else(|| {
            PassError::at(
                &op.0,
                "the value of a constant should be a `dense` attribute",
            )
        })?;
        let dims = result_dims(ty, &[]);
        if let [first, rest @ ..] = &bits[..]
            && rest.iter().all(|other| other == first)
        {
            let value = constant_of(e, element, *first);
            return Ok(Mapped::splat(element, dims, value));
        }
        let stored = scalar::storage_type(e, element);
        let bytes = width(stored) as usize / 8;
        let raw = bits
            .iter()
            .flat_map(|bits| bits.to_le_bytes().into_iter().take(bytes));
        let ty = tensor_type(&dims, stored);
        let value = DenseElementsAttribute::raw_buffer(ty, &raw.collect::<Vec<_>>());
        Ok(Mapped::tensor(element, dims, e.constant(ty, value.into())))
    }

    /// A dim as a number.
    pub(super) fn dim_value(
        &mut self,
        e: &Emitter<'c, 'a>,
        op: ops::DimValue<'c, 'a>,
        ty: Type<'c>,
    ) -> Mapped<'c, 'a> {
        let dim = self.sizes.poly(op.dim());
        let dim = self.sizes.value(e, &dim);
        let element = shape::element(ty);
        let value = e.op("arith.index_cast", &[dim], element);
        Mapped::splat(element, vec![], value)
    }

    /// Positions along an axis.
    pub(super) fn iota(
        &mut self,
        e: &Emitter<'c, 'a>,
        op: ops::Iota<'c, 'a>,
        ty: Type<'c>,
    ) -> Mapped<'c, 'a> {
        let dims = result_dims(ty, &self.sizes.polys(&op.sizes()));
        let axis = op.axis() as usize;
        let element = shape::element(ty);
        self.generated(e, dims, element, |e| {
            from_index(e, linalg::index(e, axis), element)
        })
    }

    /// A tensor whose elements are a function, to register, of their place.
    pub(super) fn generated(
        &mut self,
        e: &Emitter<'c, 'a>,
        dims: Vec<Poly>,
        element: Type<'c>,
        body: impl FnOnce(&Emitter<'c, 'a>) -> Value<'c, 'a>,
    ) -> Mapped<'c, 'a> {
        let stored = scalar::storage_type(e, element);
        let empty = self.empty(e, &dims, stored);
        let generic = Generic {
            iterators: vec![Iterator::Parallel; dims.len()],
            inputs: vec![],
            outputs: vec![Access {
                value: empty,
                loops: (0..dims.len()).collect(),
            }],
            attributes: vec![],
        };
        let made = generic.build(e, |e, _| vec![scalar::store(e, element, body(e))]);
        self.made(e, element, dims, made[0])
    }

    /// Repetition along new axes.
    pub(super) fn broadcast(
        &mut self,
        e: &Emitter<'c, 'a>,
        op: ops::Broadcast<'c, 'a>,
        ty: Type<'c>,
    ) -> Mapped<'c, 'a> {
        let x = self.get(op.x());
        let axes = op
            .axes()
            .into_iter()
            .map(|axis| axis as usize)
            .collect::<Vec<_>>();
        let mut dims = result_dims(ty, &self.sizes.polys(&op.sizes()));
        for (dim, axis) in x.dims.iter().zip(&axes) {
            if dim.as_const().is_some() {
                dims[*axis] = dim.clone();
            }
        }
        let element = x.element;
        // An operand of rank 0 has a scalar, which needs no loop.
        self.parallel(e, vec![(x, axes)], dims, element, |_, x| x[0])
    }

    /// Axes in another order.
    pub(super) fn transpose(
        &mut self,
        e: &Emitter<'c, 'a>,
        op: ops::Transpose<'c, 'a>,
        ty: Type<'c>,
    ) -> Mapped<'c, 'a> {
        let x = self.get(op.x());
        let mut axes = vec![0; x.rank()];
        let mut dims = vec![];
        for (to, from) in op.permutation().into_iter().enumerate() {
            axes[from as usize] = to;
            dims.push(x.dims[from as usize].clone());
        }
        let element = x.element;
        self.parallel(e, vec![(x, axes)], refine(dims, ty), element, |_, x| x[0])
    }

    /// Axes turned over.
    pub(super) fn reverse(
        &mut self,
        e: &Emitter<'c, 'a>,
        op: ops::Reverse<'c, 'a>,
        ty: Type<'c>,
    ) -> Mapped<'c, 'a> {
        let x = self.get(op.x());
        let Content::Tensor(value) = x.content else {
            return x;
        };
        let turned = op.axes();
        let dims = refine(x.dims.clone(), ty);
        let sizes = dims
            .iter()
            .map(|dim| self.sizes.value(e, dim))
            .collect::<Vec<_>>();
        self.generated(e, dims, x.element, |e| {
            let indices = sizes.iter().enumerate().map(|(axis, size)| {
                let index = linalg::index(e, axis);
                match turned.contains(&(axis as i64)) {
                    true => e.sub(e.sub(*size, e.index(1)), index),
                    false => index,
                }
            });
            let stored = extract(e, value, &indices.collect::<Vec<_>>());
            scalar::load(e, x.element, stored)
        })
    }

    /// Tensors one after another.
    pub(super) fn concatenate(
        &mut self,
        e: &Emitter<'c, 'a>,
        op: ops::Concatenate<'c, 'a>,
        ty: Type<'c>,
    ) -> Mapped<'c, 'a> {
        let axis = op.axis() as usize;
        let inputs = op
            .inputs()
            .into_iter()
            .map(|x| self.get(x))
            .collect::<Vec<_>>();
        let mut dims = inputs[0].dims.clone();
        dims[axis] = inputs
            .iter()
            .fold(Poly::zero(), |sum, x| sum + x.dims[axis].clone());
        let dims = refine(dims, ty);
        let element = inputs[0].element;
        let stored = scalar::storage_type(e, element);
        let mut whole = self.empty(e, &dims, stored);
        let mut at = Poly::zero();
        for x in &inputs {
            let mut window = Window {
                offsets: vec![Poly::zero(); x.rank()],
                sizes: x.dims.clone(),
                strides: vec![1; x.rank()],
            };
            window.offsets[axis] = at.clone();
            at = at + x.dims[axis].clone();
            let part = self.tensor(e, x);
            whole = self.insert(e, part, whole, &window);
        }
        Mapped::tensor(element, dims, whole)
    }

    /// A window of a tensor.
    pub(super) fn slice(
        &mut self,
        e: &Emitter<'c, 'a>,
        op: ops::Slice<'c, 'a>,
        ty: Type<'c>,
    ) -> Mapped<'c, 'a> {
        let x = self.get(op.x());
        let dims = result_dims(ty, &self.sizes.polys(&op.sizes()));
        if x.rank() == 0 {
            return x;
        }
        let Content::Tensor(value) = x.content else {
            return Mapped { dims, ..x };
        };
        let window = Window {
            offsets: self.sizes.polys(&op.starts()),
            sizes: dims.clone(),
            strides: op.strides(),
        };
        let part = self.extract(e, value, &window);
        Mapped::tensor(x.element, dims, part)
    }

    /// A tensor with a window replaced.
    pub(super) fn update_slice(
        &mut self,
        e: &Emitter<'c, 'a>,
        op: ops::UpdateSlice<'c, 'a>,
        ty: Type<'c>,
    ) -> Mapped<'c, 'a> {
        let (x, update) = (self.get(op.x()), self.get(op.update()));
        if x.rank() == 0 {
            return update;
        }
        let window = Window {
            offsets: self.sizes.polys(&op.starts()),
            sizes: update.dims.clone(),
            strides: op.strides(),
        };
        let whole = self.tensor(e, &x);
        let one = window.sizes.iter().all(|size| *size == Poly::one());
        let made = match update.content {
            // One number needs no memory on its way.
            Content::Splat(scalar) if one => {
                let stored = scalar::store(e, update.element, scalar);
                let places = window.offsets.iter();
                let places = places.map(|place| self.sizes.value(e, place));
                let operands: Vec<_> = [stored, whole].into_iter().chain(places).collect();
                e.op("tensor.insert", &operands, whole.r#type())
            }
            Content::Splat(scalar) => {
                let stored = scalar::store(e, update.element, scalar);
                let part = self.extract(e, whole, &window);
                let part = linalg::fill(e, stored, part);
                self.insert(e, part, whole, &window)
            }
            Content::Tensor(part) => self.insert(e, part, whole, &window),
        };
        Mapped::tensor(x.element, refine(x.dims, ty), made)
    }

    /// A tensor inside one of a value.
    pub(super) fn pad(
        &mut self,
        e: &Emitter<'c, 'a>,
        op: ops::Pad<'c, 'a>,
        ty: Type<'c>,
    ) -> Mapped<'c, 'a> {
        let (x, value) = (self.get(op.x()), self.get(op.value()));
        if x.rank() == 0 {
            return x;
        }
        let dims = result_dims(ty, &self.sizes.polys(&op.sizes()));
        let stored = scalar::store(e, x.element, self.scalar(e, &value));
        let empty = self.empty(e, &dims, scalar::storage_type(e, x.element));
        let whole = linalg::fill(e, stored, empty);
        let window = Window {
            offsets: self.sizes.polys(&op.low()),
            sizes: x.dims.clone(),
            strides: op.interior().into_iter().map(|gap| gap + 1).collect(),
        };
        let part = self.tensor(e, &x);
        let made = self.insert(e, part, whole, &window);
        Mapped::tensor(x.element, dims, made)
    }

    /// `tensor.extract_slice` of the window's sizes.
    pub(super) fn extract(
        &mut self,
        e: &Emitter<'c, 'a>,
        whole: Value<'c, 'a>,
        window: &Window,
    ) -> Value<'c, 'a> {
        // A window known to be empty may stand anywhere, which the slicing ops do not accept.
        if window.is_empty() {
            return self.empty(e, &window.sizes, shape::element_of(whole));
        }
        let ty = tensor_type(&window.sizes, shape::element_of(whole));
        self.windowed(e, "tensor.extract_slice", &[whole], window, ty)
    }

    /// `tensor.insert_slice` of a tensor of the window's sizes.
    pub(super) fn insert(
        &mut self,
        e: &Emitter<'c, 'a>,
        part: Value<'c, 'a>,
        whole: Value<'c, 'a>,
        window: &Window,
    ) -> Value<'c, 'a> {
        if window.is_empty() {
            return whole;
        }
        let ty = tensor_type(&window.sizes, shape::element_of(whole));
        let part = cast(e, part, ty);
        self.windowed(
            e,
            "tensor.insert_slice",
            &[part, whole],
            window,
            whole.r#type(),
        )
    }

    /// A slicing op; static entries stand in attributes. `ty` may leave out axes of size 1.
    pub(super) fn windowed(
        &mut self,
        e: &Emitter<'c, 'a>,
        name: &str,
        tensors: &[Value<'c, 'a>],
        window: &Window,
        ty: Type<'c>,
    ) -> Value<'c, 'a> {
        let mut operands = tensors.to_vec();
        let mut list = |this: &mut Self, polys: &[Poly]| {
            let entries = polys
                .iter()
                .map(|poly| match poly.as_const() {
                    Some(known) => known.to_string(),
                    None => {
                        operands.push(this.sizes.value(e, poly));
                        DYNAMIC.to_string()
                    }
                })
                .collect::<Vec<_>>();
            let dynamic = polys
                .iter()
                .filter(|poly| poly.as_const().is_none())
                .count();
            (array("i64", &entries), dynamic)
        };
        let (offsets, n) = list(self, &window.offsets);
        let (sizes, m) = list(self, &window.sizes);
        let strides = window
            .strides
            .iter()
            .map(i64::to_string)
            .collect::<Vec<_>>();
        let ones = tensors.iter().map(|_| "1");
        let counts = [n.to_string(), m.to_string(), "0".to_string()];
        let segments = ones.map(str::to_string).chain(counts).collect::<Vec<_>>();
        let attributes = [
            ("static_offsets", e.attr(&offsets)),
            ("static_sizes", e.attr(&sizes)),
            ("static_strides", e.attr(&array("i64", &strides))),
            ("operandSegmentSizes", e.attr(&array("i32", &segments))),
        ];
        e.op_with(name, &operands, ty, &attributes)
    }
}

/// A constant, as register, from the bits of an element.
fn constant_of<'c, 'a>(e: &Emitter<'c, 'a>, element: Type<'c>, bits: u64) -> Value<'c, 'a> {
    let ty = scalar::register_type(e, element);
    let above = 64 - width(ty);
    match class(ty) {
        ElementClass::Float => {
            let digits = width(ty) as usize / 4;
            e.constant(ty, e.attr(&format!("0x{bits:0digits$X} : {ty}")))
        }
        _ => e.constant(
            ty,
            IntegerAttribute::new(ty, (bits << above) as i64 >> above).into(),
        ),
    }
}

/// The text of a dense array attribute.
pub(super) fn array(element: &str, entries: &[String]) -> String {
    match entries {
        [] => format!("array<{element}>"),
        entries => format!("array<{element}: {}>", entries.join(", ")),
    }
}

/// `tensor.cast`, where types differ.
pub(super) fn cast<'c, 'a>(
    e: &Emitter<'c, 'a>,
    tensor: Value<'c, 'a>,
    ty: Type<'c>,
) -> Value<'c, 'a> {
    match tensor.r#type() == ty {
        true => tensor,
        false => e.op("tensor.cast", &[tensor], ty),
    }
}

/// `tensor.extract`.
pub(super) fn extract<'c, 'a>(
    e: &Emitter<'c, 'a>,
    tensor: Value<'c, 'a>,
    indices: &[Value<'c, 'a>],
) -> Value<'c, 'a> {
    let operands = [&[tensor], indices].concat();
    e.op("tensor.extract", &operands, shape::element_of(tensor))
}
