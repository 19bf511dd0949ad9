//! Remarks on fusion, where they are asked for (`--remarks=fusion`): what was joined with what and the bytes that are
//! no longer written and read, and what was not, why, and what it costs.
//!
//! A pass that fuses calls [`Remarks::fused`]; `report-fusion` finds what was missed by what is still in memory.

use crate::{fuse::Spaces, linalg::Generic, rows::Group, size};
use dlc_abi::Poly;
use dlc_dialects::{
    ir::{edit, inspect::identity, shape},
    pass::emit_remark,
};
use melior::{
    Context,
    ir::{
        Attribute, Identifier, Location, OperationRef, Type, Value,
        attribute::{DictionaryAttribute, IntegerAttribute},
        operation::OperationLike,
    },
};
use std::collections::BTreeMap;

/// The code of what was fused.
pub const FUSED: &str = "DL1101";
/// The code of what was not.
pub const MISSED: &str = "DL1102";

/// The attribute of a module whose fusion is to be told; the sizes of dims for which bytes are given.
const ASKED: &str = "dl.remarks";

/// What saves fewer bytes is not told: numbers, and rows of a few.
const NOISE: i64 = 256;

/// Asks for remarks on a module, with bytes at such sizes of dims.
pub fn ask<'c>(cx: &'c Context, module: OperationRef<'c, '_>, sizes: &BTreeMap<String, i64>) {
    let index = Type::index(cx);
    let size = |size: i64| Attribute::from(IntegerAttribute::new(index, size));
    let sizes = sizes.iter();
    let sizes: Vec<_> = sizes
        .map(|(name, value)| (Identifier::new(cx, name), size(*value)))
        .collect();
    edit::set_attribute(module, ASKED, DictionaryAttribute::new(cx, &sizes).into());
}

/// Where something is made and read, and the bytes that are saved.
pub type Told<'c> = (Location<'c>, Location<'c>, Poly);

/// Who tells of fusion, if somebody asked.
pub struct Remarks<'c> {
    sizes: Option<DictionaryAttribute<'c>>,
}

impl<'c> Remarks<'c> {
    /// What the module asks for in which an op is, or which it is.
    pub fn of(op: OperationRef<'c, '_>) -> Self {
        let around = std::iter::successors(Some(op), |op| op.parent_operation());
        let sizes = around.filter_map(|op| op.attribute(ASKED).ok()).next();
        Self {
            sizes: sizes.and_then(|sizes| DictionaryAttribute::try_from(sizes).ok()),
        }
    }

    /// Whether somebody asked. Nothing need be found out otherwise.
    pub fn asked(&self) -> bool {
        self.sizes.is_some()
    }

    /// The bytes of a tensor or a buffer, so many times.
    pub fn size(value: Value, spaces: &Spaces, times: i64) -> Poly {
        let element = size::element_bytes(shape::element_of(value)).unwrap_or(1);
        size::bytes_of_shape(&spaces.of_buffer(value), times * element)
    }

    /// Says that what `first` made is now made inside of `second`, and how many bytes are not written and read any more.
    pub fn fused(&self, first: Location, second: Location, how: &str, saved: &Poly) {
        if self.asked() && saved.as_const().is_none_or(|bytes| bytes > NOISE) {
            let bytes = self.bytes(saved);
            let message = format!("{FUSED} {how}: {bytes} less are written and read");
            emit_remark(second, &message, &note(first, second, "with this"));
        }
    }

    /// Says that what `first` made is written, and read again by `second`, why, and what that costs.
    pub fn missed(&self, first: Location, second: Location, why: &str, cost: &Poly) {
        if self.asked() {
            let message = format!(
                "{MISSED} not fused with what makes its operand, as {why}: {} are written and read",
                self.bytes(cost)
            );
            emit_remark(second, &message, &note(first, second, "made here"));
        }
    }

    /// What there is to tell of a group that goes through its rows together: the buffers that need no more than some rows, by
    /// where they are made and read.
    pub fn group<'a>(&self, group: &Group<'c, 'a>, spaces: &Spaces) -> Vec<Told<'c>>
    where
        'c: 'a,
    {
        if !self.asked() {
            return vec![];
        }
        let touching = |buffer: Value<'c, 'a>, written: bool| {
            let touches = move |generic: &Generic<'c, 'a>| {
                let accesses = match written {
                    true => &generic.outputs,
                    false => &generic.inputs,
                };
                let mut accesses = accesses.iter();
                accesses.any(|access| identity(access.value) == identity(buffer))
            };
            group
                .members
                .iter()
                .filter(move |member| touches(&member.generic))
        };
        let told = group.temporaries().into_iter().filter_map(|buffer| {
            let first = touching(buffer, true).next()?;
            let second = touching(buffer, false).next_back()?;
            let saved = Self::size(buffer, spaces, 2);
            Some((first.op.location(), second.op.location(), saved))
        });
        told.collect()
    }

    /// Tells it.
    pub fn tell(&self, told: Vec<Told<'c>>) {
        for (first, second, saved) in told {
            self.fused(
                first,
                second,
                "goes through rows with what makes its operand",
                &saved,
            );
        }
    }

    /// Tells of a group that goes through its rows together.
    pub fn by_rows<'a>(&self, group: &Group<'c, 'a>, spaces: &Spaces)
    where
        'c: 'a,
    {
        self.tell(self.group(group, spaces));
    }

    /// Bytes as a number, where the sizes of the dims are known, else as a polynomial in them.
    fn bytes(&self, bytes: &Poly) -> String {
        let size = |name: &str| {
            let size = self.sizes?.element_by_name(name)?;
            IntegerAttribute::try_from(size)
                .ok()
                .map(|size| size.value())
        };
        let unnamed = |name: &String| !name.chars().all(|c| c.is_alphanumeric() || c == '_');
        match bytes.eval(&size) {
            Ok(bytes) => format!("{bytes} bytes"),
            Err(_) if bytes.names().iter().any(unnamed) => {
                "bytes of a number that is known when running".to_string()
            }
            Err(_) => format!("{bytes} bytes"),
        }
    }
}

/// A note at another place.
fn note<'c>(first: Location<'c>, second: Location<'c>, text: &str) -> Vec<(Location<'c>, String)> {
    match first == second {
        true => vec![],
        false => vec![(first, text.into())],
    }
}
