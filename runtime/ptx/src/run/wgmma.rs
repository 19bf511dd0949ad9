//! `wgmma`: products of matrices in shared memory by four warps, which go on meanwhile.
//!
//! Each warp of the four has 16 of the 64 rows. A group of products is computed for all four when the first of them waits for it, and
//! all have committed it. Until their wait the sums may not be touched; until it is computed shared memory may not be written. What is
//! read counts as read by the asynchronous unit, so whoever knows of one warp's wait knows that the reads of all four are done.

use std::collections::VecDeque;

use super::matrix::{
    Values, add_product, canonical, half_bits, integer_sum, left_fragment, with_values,
};
use super::shared::{ALL_LANES, Agent, products as unit};
use super::step::{Context, Flow};
use crate::fault::{FaultKind, Outcome, fail};
use crate::float::F16;
use crate::kernel::Entry;
use crate::op::{Instruction, Left, Op, Slot, Sum, Wgmma};
use crate::tensor_map::Swizzle;

/// What a warp has under way, and what it knows of its registers.
pub(crate) struct Products {
    open: Vec<Product>,
    groups: VecDeque<Group>,
    /// Groups that it has waited for.
    waited: usize,
    /// For each register how many products under way use it.
    uses: Vec<Use>,
    /// Counts instructions; each register's last change and the last fence are such counts.
    time: u64,
    changed: Vec<u64>,
    fence: u64,
}

#[derive(Clone, Copy, Default)]
struct Use {
    sums: u32,
    reads: u32,
}

/// Products that were committed together.
struct Group {
    products: Vec<Product>,
    is_done: bool,
    /// By which the reads of its products count.
    number: u32,
}

/// A product under way.
struct Product {
    wgmma: Wgmma,
    /// Where the operands are in shared memory: pieces of each matrix.
    left: Source,
    right: Vec<usize>,
    adds: bool,
}

/// A left operand.
enum Source {
    Memory(Vec<usize>),
    Registers(Vec<[u64; 32]>),
}

impl Products {
    pub fn new(entry: &Entry) -> Self {
        let slots = if entry.uses_wgmma { entry.slots } else { 0 };
        Self {
            open: Vec::new(),
            groups: VecDeque::new(),
            waited: 0,
            uses: vec![Use::default(); slots],
            time: 1,
            changed: vec![0; slots],
            fence: 0,
        }
    }

    fn is_empty(&self) -> bool {
        self.open.is_empty() && self.groups.is_empty()
    }
}

/// Where a matrix lies in shared memory, as the 64 bits say.
#[derive(Debug, Clone, Copy)]
struct Descriptor {
    start: u64,
    /// Bytes from one group of columns, or of rows, to the next; what each means depends on the layout.
    leading: u64,
    stride: u64,
    swizzle: Swizzle,
}

impl Descriptor {
    fn decode(bits: u64) -> Outcome<Self> {
        if bits >> 49 & 7 != 0 {
            return fail(
                FaultKind::InvalidOperand,
                format!("a matrix descriptor {bits:#x} with a base offset, which is not known"),
            );
        }
        Ok(Self {
            start: (bits & 0x3fff) << 4,
            leading: (bits >> 16 & 0x3fff) << 4,
            stride: (bits >> 32 & 0x3fff) << 4,
            swizzle: match bits >> 62 {
                0 => Swizzle::None,
                1 => Swizzle::Bytes128,
                2 => Swizzle::Bytes64,
                _ => Swizzle::Bytes32,
            },
        })
    }

    /// Where 16 bytes are: in a K-major matrix of a row, 16-byte pieces of which are counted by `piece`.
    fn row_piece(&self, row: u64, piece: u64) -> u64 {
        let within = row / 8 * self.stride;
        match self.swizzle.span() {
            0 => self.start + within + row % 8 * 16 + piece * self.leading,
            span => self
                .swizzle
                .place(self.start + within + row % 8 * span + piece * 16),
        }
    }

    /// Where 16 bytes are in an MN-major matrix: 8 rows or columns at one inner index.
    fn column_piece(&self, piece: u64, inner: u64) -> u64 {
        match self.swizzle.span() {
            0 => self.start + piece * self.stride + inner % 8 * 16 + inner / 8 * self.leading,
            span => {
                let pieces = span / 16;
                let outer = piece / pieces * self.leading + inner / 8 * self.stride;
                let within = inner % 8 * span + piece % pieces * 16;
                self.swizzle.place(self.start + outer + within)
            }
        }
    }

    /// Places of all pieces of `rows` from `first` on, 32 bytes deep: by row, or by groups of 8 rows with all inner indices.
    fn pieces(&self, first: u64, rows: u64, transposes: bool) -> Vec<usize> {
        let mut places = Vec::new();
        if transposes {
            for piece in first / 8..(first + rows) / 8 {
                places.extend((0..16).map(|inner| self.column_piece(piece, inner) as usize));
            }
        } else {
            for row in first..first + rows {
                places.extend((0..2).map(|piece| self.row_piece(row, piece) as usize));
            }
        }
        places
    }
}

impl Context<'_, '_> {
    /// Fails where an instruction uses registers of products under way; notes what it changes.
    pub fn check_registers(&mut self, instruction: &Instruction) -> Outcome<()> {
        let is_product = matches!(instruction.op, Op::Wgmma(_));
        let products = &mut self.cluster.warps[self.warp].products;
        products.time += 1;
        if is_product {
            return Ok(());
        }
        // A copy is as old as its source: the assembler may well use one register for both.
        let time = match instruction.op {
            Op::Move(_, from) => products.changed[from as usize],
            _ => products.time,
        };
        for slot in &instruction.writes {
            products.changed[*slot as usize] = time;
        }
        if products.is_empty() {
            return Ok(());
        }
        let uses = |slot: &Slot| products.uses[*slot as usize];
        let read = instruction.reads.iter().any(|slot| uses(slot).sums > 0);
        let written = instruction
            .writes
            .iter()
            .any(|slot| uses(slot).sums > 0 || uses(slot).reads > 0);
        if read || written {
            let what = if read { "read" } else { "written" };
            let message = format!("a register of a wgmma under way is {what} before its wait");
            return fail(FaultKind::Accumulator, message);
        }
        Ok(())
    }

    pub fn wgmma(&mut self, op: &Op, active: u32) -> Outcome<Flow> {
        if !self.is_full(active)? {
            return Ok(Flow::Again);
        }
        match op {
            Op::WgmmaFence => {
                let products = &mut self.warp().products;
                products.fence = products.time;
            }
            Op::WgmmaCommit => {
                self.cluster.events += 1;
                let products = &mut self.warp().products;
                let group = Group {
                    products: std::mem::take(&mut products.open),
                    is_done: false,
                    number: 0,
                };
                products.groups.push_back(group);
            }
            Op::WgmmaWait(left) => return self.wait_products(*left as usize),
            Op::Wgmma(wgmma) => self.start_product(wgmma)?,
            _ => {}
        }
        Ok(Flow::Next)
    }

    fn wait_products(&mut self, left: usize) -> Outcome<Flow> {
        let first = self.warp - self.warp_ref().number % 4;
        let team = first..first + 4;
        let block = self.warp_ref().block;
        let warps = self.cluster.warps.get(team.clone()).unwrap_or_default();
        if warps.len() < 4 || warps[3].block != block {
            return fail(
                FaultKind::Divergence,
                "wgmma needs four warps, which the last of the block are not",
            );
        }
        let products = &self.warp_ref().products;
        let end = products.waited + products.groups.len().saturating_sub(left);
        let committed = |products: &Products| products.waited + products.groups.len();
        if warps.iter().any(|warp| committed(&warp.products) < end) {
            return Ok(Flow::Again);
        }
        let own = self.warp;
        for group in self.warp_ref().products.waited..end {
            let number = self.cluster.bulks.next_number();
            for warp in team.clone() {
                self.warp = warp;
                self.finish_group(group, number);
            }
            self.warp = own;
            self.release_group();
        }
        Ok(Flow::Next)
    }

    /// Computes a group of the warp, if that was not done before.
    fn finish_group(&mut self, group: usize, number: u32) {
        let products = &mut self.warp().products;
        let index = group.checked_sub(products.waited);
        let Some(group) = index.and_then(|index| products.groups.get_mut(index)) else {
            return;
        };
        if std::mem::replace(&mut group.is_done, true) {
            return;
        }
        group.number = number;
        let taken = std::mem::take(&mut group.products);
        for product in &taken {
            self.finish_product(product, number);
        }
        let index = index.unwrap_or(0);
        self.warp().products.groups[index].products = taken;
    }

    /// Gives back the registers of the oldest group, and knows that all before is done.
    fn release_group(&mut self) {
        let warp = self.warp();
        let Some(group) = warp.products.groups.pop_front() else {
            return;
        };
        warp.products.waited += 1;
        let unit = unit(warp.clock.len());
        warp.clock[unit] = warp.clock[unit].max(group.number);
        let uses = &mut warp.products.uses;
        for product in &group.products {
            for slot in &product.wgmma.d {
                uses[*slot as usize].sums -= 1;
            }
            if let Left::Registers(slots) = &product.wgmma.left {
                for slot in slots {
                    uses[*slot as usize].reads -= 1;
                }
            }
        }
    }

    fn start_product(&mut self, wgmma: &Wgmma) -> Outcome<()> {
        let warp = self.warp_ref();
        let quarter = warp.number as u64 % 4;
        let uniform = |slot: Slot| {
            let register = &warp.registers[slot as usize];
            let alike = register.iter().all(|value| *value == register[0]);
            alike.then_some(register[0])
        };
        let (Some(right), Some(adds)) = (uniform(wgmma.right), uniform(wgmma.adds)) else {
            return fail(
                FaultKind::InvalidOperand,
                "a descriptor or predicate that differs between lanes",
            );
        };
        let left = match &wgmma.left {
            Left::Registers(slots) => {
                let registers = slots.iter().map(|slot| warp.registers[*slot as usize]);
                Source::Registers(registers.collect())
            }
            Left::Descriptor(slot) => {
                let Some(left) = uniform(*slot) else {
                    return fail(
                        FaultKind::InvalidOperand,
                        "a descriptor that differs between lanes",
                    );
                };
                let left = Descriptor::decode(left)?;
                Source::Memory(left.pieces(16 * quarter, 16, wgmma.transposes_left))
            }
        };
        let columns = u64::from(wgmma.columns);
        let right = Descriptor::decode(right)?.pieces(0, columns, wgmma.transposes_right);
        self.check_fence(wgmma)?;
        if let Source::Memory(places) = &left {
            self.begin_reads(places)?;
        }
        self.begin_reads(&right)?;
        let products = &mut self.warp().products;
        for slot in &wgmma.d {
            products.uses[*slot as usize].sums += 1;
        }
        if let Left::Registers(slots) = &wgmma.left {
            for slot in slots {
                products.uses[*slot as usize].reads += 1;
            }
        }
        products.open.push(Product {
            wgmma: wgmma.clone(),
            left,
            right,
            adds: adds != 0,
        });
        Ok(())
    }

    fn check_fence(&self, wgmma: &Wgmma) -> Outcome<()> {
        let products = &self.warp_ref().products;
        let left = match &wgmma.left {
            Left::Registers(slots) => &slots[..],
            Left::Descriptor(_) => &[],
        };
        let stale = |slot: &Slot| products.changed[*slot as usize] > products.fence;
        if products.fence == 0 || wgmma.d.iter().chain(left).any(stale) {
            return fail(
                FaultKind::Accumulator,
                "registers of a wgmma were changed after the last wgmma.fence",
            );
        }
        Ok(())
    }

    fn begin_reads(&mut self, places: &[usize]) -> Outcome<()> {
        let block = self.warp_ref().block;
        let agent = Agent {
            warp: self.warp,
            lane: ALL_LANES,
            clock: &self.cluster.warps[self.warp].clock,
        };
        let shared = &mut self.cluster.blocks[block].shared;
        for place in places {
            shared.check(*place as u64, 16)?;
            shared.begin_read(*place, 16, &agent, &self.cluster.fences)?;
        }
        Ok(())
    }

    fn end_reads(&mut self, places: &[usize], number: u32) {
        let block = self.warp_ref().block;
        let unit = unit(self.warp_ref().clock.len());
        let shared = &mut self.cluster.blocks[block].shared;
        for place in places {
            shared.end_read(*place, 16, (unit, ALL_LANES, number));
        }
    }

    fn finish_product(&mut self, product: &Product, number: u32) {
        let wgmma = &product.wgmma;
        let (depth, columns) = (wgmma.depth as usize, wgmma.columns as usize);
        let element = wgmma.left_element;
        let bytes = &self.cluster.blocks[self.warp_ref().block].shared.bytes;
        let mut left = match &product.left {
            Source::Registers(registers) => left_fragment(registers, element, depth),
            Source::Memory(places) => with_values(
                element,
                Pieces {
                    bytes,
                    places,
                    size: element.bytes() as usize,
                    transposes: wgmma.transposes_left,
                    steps: (depth, 1),
                    count: 16 * depth,
                },
            ),
        };
        let right = with_values(
            wgmma.right_element,
            Pieces {
                bytes,
                places: &product.right,
                size: wgmma.right_element.bytes() as usize,
                transposes: wgmma.transposes_right,
                steps: (1, columns),
                count: depth * columns,
            },
        );
        if wgmma.negates_left != wgmma.negates_right {
            for value in &mut left {
                *value = -*value;
            }
        }
        match wgmma.sum {
            Sum::S32 { saturates } => self.integer_sums(product, (&left, &right), saturates),
            _ => self.float_sums(product, &left, &right),
        }
        if let Source::Memory(places) = &product.left {
            self.end_reads(places, number);
        }
        self.end_reads(&product.right, number);
    }

    fn float_sums(&mut self, product: &Product, left: &[f32], right: &[f32]) {
        let wgmma = &product.wgmma;
        let columns = wgmma.columns as usize;
        let is_half = wgmma.sum == Sum::F16;
        let each = if is_half { 2 } else { 1 };
        let warp = &mut self.cluster.warps[self.warp];
        let mut sums = vec![0.0f32; 16 * columns];
        let place = |number: usize, lane: usize| {
            let row = lane / 4 + 8 * (number >> 1 & 1);
            row * columns + number / 4 * 8 + lane % 4 * 2 + (number & 1)
        };
        if product.adds {
            for (number, slot) in wgmma.d.iter().enumerate() {
                for (lane, bits) in warp.registers[*slot as usize].iter().enumerate() {
                    for part in 0..each {
                        let value = match is_half {
                            true => F16.widen(bits >> (16 * part) & 0xffff) as f32,
                            false => f32::from_bits(*bits as u32),
                        };
                        sums[place(number * each + part, lane)] = value;
                    }
                }
            }
        }
        add_product(&mut sums, left, right, columns);
        for (number, slot) in wgmma.d.iter().enumerate() {
            for (lane, bits) in warp.registers[*slot as usize].iter_mut().enumerate() {
                let sum = |part: usize| sums[place(number * each + part, lane)];
                *bits = match is_half {
                    true => half_bits(sum(0)) | half_bits(sum(1)) << 16,
                    false => canonical(sum(0)),
                };
            }
        }
    }

    fn integer_sums(
        &mut self,
        product: &Product,
        (left, right): (&[f32], &[f32]),
        saturates: bool,
    ) {
        let wgmma = &product.wgmma;
        let (depth, columns) = (wgmma.depth as usize, wgmma.columns as usize);
        let warp = &mut self.cluster.warps[self.warp];
        for (number, slot) in wgmma.d.iter().enumerate() {
            for (lane, bits) in warp.registers[*slot as usize].iter_mut().enumerate() {
                let row = lane / 4 + 8 * (number >> 1 & 1);
                let column = number / 4 * 8 + lane % 4 * 2 + (number & 1);
                let begin = if product.adds {
                    i64::from(*bits as u32 as i32)
                } else {
                    0
                };
                let total = (0..depth).fold(begin, |sum, at| {
                    sum + (left[row * depth + at] * right[at * columns + column]) as i64
                });
                *bits = integer_sum(total, saturates);
            }
        }
    }
}

/// Pieces of 16 bytes in the order of [`Descriptor::pieces`].
struct Pieces<'b> {
    bytes: &'b [u8],
    places: &'b [usize],
    /// Bytes of an element.
    size: usize,
    transposes: bool,
    /// Where the element of a row and an inner index goes: at the sum of these times the two.
    steps: (usize, usize),
    count: usize,
}

impl Values<Vec<f32>> for Pieces<'_> {
    fn with(self, value: impl Fn(u32) -> f32) -> Vec<f32> {
        let each = 16 / self.size;
        let mut values = vec![0.0; self.count];
        for (number, place) in self.places.iter().enumerate() {
            let piece = &self.bytes[*place..*place + 16];
            for (part, bytes) in piece.chunks_exact(self.size).enumerate() {
                let bits = bytes
                    .iter()
                    .rev()
                    .fold(0, |bits, byte| bits << 8 | u32::from(*byte));
                let (row, inner) = match self.transposes {
                    true => (number / 16 * 8 + part, number % 16),
                    false => (number / 2, number % 2 * each + part),
                };
                values[row * self.steps.0 + inner * self.steps.1] = value(bits);
            }
        }
        values
    }
}
