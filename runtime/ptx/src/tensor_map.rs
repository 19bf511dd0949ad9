//! Descriptions of tensors for the copies of boxes (TMA), as `cuTensorMapEncodeTiled` makes them.
//!
//! The 128 bytes are in an encoding of our own, which only this interpreter reads.

/// What elements are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// 8 bits.
    U8,
    /// 16 bits.
    U16,
    /// 32 bits.
    U32,
    /// 32 bits with a sign.
    S32,
    /// 64 bits.
    U64,
    /// 64 bits with a sign.
    S64,
    /// IEEE half precision.
    F16,
    /// The upper half of an `f32`.
    Bf16,
    /// IEEE single precision.
    F32,
    /// IEEE double precision.
    F64,
}

const ELEMENTS: [(Element, u64); 10] = [
    (Element::U8, 1),
    (Element::U16, 2),
    (Element::U32, 4),
    (Element::S32, 4),
    (Element::U64, 8),
    (Element::S64, 8),
    (Element::F16, 2),
    (Element::Bf16, 2),
    (Element::F32, 4),
    (Element::F64, 8),
];

impl Element {
    /// Bytes of an element.
    pub fn bytes(self) -> u64 {
        let found = ELEMENTS.iter().find(|(element, _)| *element == self);
        found.map_or(1, |(_, bytes)| *bytes)
    }
}

/// How the 16-byte pieces of rows are exchanged in shared memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swizzle {
    /// Not at all.
    None,
    /// Within 32 bytes.
    Bytes32,
    /// Within 64 bytes.
    Bytes64,
    /// Within 128 bytes.
    Bytes128,
}

impl Swizzle {
    /// Within how many bytes; 0 for none.
    pub fn span(self) -> u64 {
        match self {
            Self::None => 0,
            Self::Bytes32 => 32,
            Self::Bytes64 => 64,
            Self::Bytes128 => 128,
        }
    }

    /// Where a byte of an address in shared memory goes: bits 4 and up, xor bits 7 and up.
    pub(crate) fn place(self, address: u64) -> u64 {
        let bits = match self {
            Self::None => 0,
            Self::Bytes32 => 1,
            Self::Bytes64 => 3,
            Self::Bytes128 => 7,
        };
        address ^ ((address >> 7 & bits) << 4)
    }
}

const SWIZZLES: [Swizzle; 4] = [
    Swizzle::None,
    Swizzle::Bytes32,
    Swizzle::Bytes64,
    Swizzle::Bytes128,
];

/// A tensor in global memory and the boxes that are copied of it; the innermost dimension comes first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorMap {
    /// Where the first element is.
    pub address: u64,
    /// What elements are.
    pub element: Element,
    /// Extents in elements; the rank is 1 to 5.
    pub dims: Vec<u64>,
    /// Bytes from one to the next along each dimension but the first.
    pub strides: Vec<u64>,
    /// Extents of a box, in elements.
    pub box_dims: Vec<u32>,
    /// How a box lies in shared memory.
    pub swizzle: Swizzle,
}

/// What CUDA refuses too.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a tensor map that CUDA refuses: {0}")]
pub struct TensorMapError(String);

const MAGIC: u32 = 0x7450_4d31;

impl TensorMap {
    /// The 128 bytes that a kernel takes as a parameter, aligned to 64 bytes.
    ///
    /// # Errors
    /// Fails where a limit of hardware is not kept.
    pub fn encode(&self) -> Result<[u8; 128], TensorMapError> {
        self.check().map_err(TensorMapError)?;
        let mut bytes = Vec::with_capacity(128);
        bytes.extend(MAGIC.to_le_bytes());
        let element = ELEMENTS
            .iter()
            .position(|(found, _)| *found == self.element);
        let swizzle = SWIZZLES.iter().position(|found| *found == self.swizzle);
        bytes.push(self.dims.len() as u8);
        bytes.push(element.unwrap_or(0) as u8);
        bytes.push(swizzle.unwrap_or(0) as u8);
        bytes.push(0);
        bytes.extend(self.address.to_le_bytes());
        for at in 0..5 {
            let dim = self.dims.get(at).copied().unwrap_or(1);
            bytes.extend(((dim - 1) as u32).to_le_bytes());
        }
        for at in 0..5 {
            let extent = self.box_dims.get(at).copied().unwrap_or(1);
            bytes.extend((extent as u16).to_le_bytes());
        }
        for at in 0..4 {
            let stride = self.strides.get(at).copied().unwrap_or(0);
            bytes.extend(stride.to_le_bytes());
        }
        let mut encoded = [0; 128];
        encoded[..bytes.len()].copy_from_slice(&bytes);
        Ok(encoded)
    }

    fn check(&self) -> Result<(), String> {
        let rank = self.dims.len();
        if !(1..=5).contains(&rank) {
            return Err(format!("a rank of {rank}, not 1 to 5"));
        }
        if self.strides.len() != rank - 1 || self.box_dims.len() != rank {
            return Err(format!(
                "a rank of {rank} with {} strides and {} extents of a box",
                self.strides.len(),
                self.box_dims.len()
            ));
        }
        if !self.address.is_multiple_of(16) {
            return Err(format!(
                "the address {:#x} is no multiple of 16",
                self.address
            ));
        }
        if let Some(dim) = self.dims.iter().find(|dim| !(1..=1 << 32).contains(*dim)) {
            return Err(format!("an extent of {dim}, not 1 to 2^32"));
        }
        let wrong = |stride: &&u64| !stride.is_multiple_of(16) || **stride >= 1 << 40;
        if let Some(stride) = self.strides.iter().find(wrong) {
            return Err(format!(
                "a stride of {stride} bytes, no multiple of 16 below 2^40"
            ));
        }
        if let Some(extent) = self.box_dims.iter().find(|dim| !(1..=256).contains(*dim)) {
            return Err(format!("an extent of {extent} of a box, not 1 to 256"));
        }
        let inner = u64::from(self.box_dims[0]) * self.element.bytes();
        if !inner.is_multiple_of(16) {
            return Err(format!("rows of a box of {inner} bytes, no multiple of 16"));
        }
        let span = self.swizzle.span();
        if span > 0 && inner > span {
            return Err(format!(
                "rows of a box of {inner} bytes, more than the {span} that are exchanged"
            ));
        }
        Ok(())
    }

    /// The tensor of some bytes that [`TensorMap::encode`] made.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let word = |at: usize| {
            let part = bytes.get(at..at + 4)?;
            Some(u32::from_le_bytes(part.try_into().ok()?))
        };
        let long = |at: usize| Some(u64::from(word(at)?) | u64::from(word(at + 4)?) << 32);
        if word(0)? != MAGIC {
            return None;
        }
        let rank = usize::from(bytes[4]).clamp(1, 5);
        let dims = (0..rank).map(|at| Some(u64::from(word(16 + 4 * at)?) + 1));
        let boxes = (0..rank).map(|at| {
            Some(u32::from(u16::from_le_bytes([
                bytes[36 + 2 * at],
                bytes[37 + 2 * at],
            ])))
        });
        let strides = (0..rank - 1).map(|at| long(46 + 8 * at));
        Some(Self {
            address: long(8)?,
            element: ELEMENTS.get(usize::from(bytes[5]))?.0,
            dims: dims.collect::<Option<_>>()?,
            strides: strides.collect::<Option<_>>()?,
            box_dims: boxes.collect::<Option<_>>()?,
            swizzle: *SWIZZLES.get(usize::from(bytes[6]))?,
        })
    }

    /// Bytes of a box.
    pub(crate) fn box_bytes(&self) -> u64 {
        let elements: u64 = self.box_dims.iter().map(|dim| u64::from(*dim)).product();
        elements * self.element.bytes()
    }
}
