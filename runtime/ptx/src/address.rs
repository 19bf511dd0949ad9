//! Generic addresses: the upper 8 bits say which space an address is in.

use crate::syntax::Space;

const SHIFT: u32 = 56;

/// Where shared memory begins among generic addresses; its own addresses have the block's rank in the cluster from bit 24 on.
pub(crate) const SHARED: u64 = 1 << SHIFT;
/// Where the thread's local memory begins.
pub(crate) const LOCAL: u64 = 2 << SHIFT;
/// Where the kernel's parameters begin.
pub(crate) const PARAM: u64 = 3 << SHIFT;

/// From which bit on the block's rank in its cluster is in an address of shared memory.
pub(crate) const RANK_SHIFT: u32 = 24;

/// The space of a generic address.
pub(crate) fn space(address: u64) -> Option<Space> {
    Some(match address >> SHIFT {
        0 => Space::Global,
        1 => Space::Shared,
        2 => Space::Local,
        3 => Space::Param,
        _ => return None,
    })
}

/// The address without its space.
pub(crate) fn inside(address: u64) -> u64 {
    address & ((1 << SHIFT) - 1)
}

/// The generic address of one in a space. In `.param`, what calls take is in local memory and already generic.
pub(crate) fn generic(space: Space, address: u64) -> u64 {
    match space {
        Space::Generic | Space::Global | Space::Const => address,
        Space::Shared => SHARED | address & 0xffff_ffff,
        Space::Local => LOCAL | inside(address),
        Space::Param if address >> SHIFT == 0 => PARAM | address,
        Space::Param => address,
    }
}
