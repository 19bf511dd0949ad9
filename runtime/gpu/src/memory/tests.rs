//! Whatever is allocated and freed, in any order: nothing overlaps and the numbers are true.

use super::*;
use crate::fake::{Failure, Fake};

fn memory() -> (Arc<Fake>, Arc<Memory>) {
    let device = Arc::new(Fake::new());
    (device.clone(), Arc::new(Memory::new(device)))
}

/// xorshift.
fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

#[test]
fn random_sequences_keep_what_is_in_use_apart() {
    for seed in 1..20_u64 {
        let (device, memory) = memory();
        let mut state = seed * 0x9e37_79b9;
        let mut live: Vec<(Address, u64, u8)> = Vec::new();
        let mut peak = 0;
        for round in 0..400 {
            let byte = round as u8;
            match random(&mut state) % 8 {
                0..=3 => {
                    let bytes = random(&mut state) % (1 << (random(&mut state) % 14));
                    let address = memory.alloc(bytes).unwrap();
                    assert!(address.0.is_multiple_of(256));
                    // SAFETY: as much was allocated; else the device refuses.
                    unsafe { device.fill(address, byte, bytes).unwrap() };
                    live.push((address, bytes, byte));
                }
                4..=6 if !live.is_empty() => {
                    let at = random(&mut state) as usize % live.len();
                    let (address, bytes, byte) = live.swap_remove(at);
                    let mut found = vec![0; bytes as usize];
                    // SAFETY: as above.
                    unsafe { device.download(&mut found, address).unwrap() };
                    assert!(found.iter().all(|b| *b == byte), "written by another");
                    memory.free(address).unwrap();
                }
                7 if round % 5 == 0 => {
                    memory.trim().unwrap();
                    assert_eq!(memory.statistics().kept, 0);
                }
                _ => {}
            }
            let now = memory.statistics();
            let sizes = live
                .iter()
                .map(|(_, bytes, _)| class::size(*bytes).unwrap());
            assert_eq!(now.in_use, sizes.sum::<u64>());
            assert_eq!(now.requested, live.iter().map(|(_, b, _)| b).sum::<u64>());
            assert_eq!(device.allocated(), now.in_use + now.kept);
            peak = peak.max(now.in_use);
            assert_eq!(now.peak, peak);
        }
        let end = memory.statistics();
        assert!(end.reused > 0 && end.taken > 0);
        drop(memory);
        assert_eq!(device.allocated(), 0, "all is given back in the end");
    }
}

#[test]
fn what_is_freed_is_used_again_for_its_size() {
    let (_, memory) = memory();
    let first = memory.alloc(1000).unwrap();
    memory.free(first).unwrap();
    assert_eq!(memory.alloc(600).unwrap(), first, "600 is rounded to 1024");
    let other = memory.alloc(1000).unwrap();
    assert_ne!(other, first);
    let statistics = memory.statistics();
    assert_eq!((statistics.taken, statistics.reused), (2, 1));
    assert_eq!((statistics.requested, statistics.in_use), (1600, 2048));
}

#[test]
fn what_is_kept_makes_room_for_other_sizes() {
    let (device, memory) = memory();
    for _ in 0..3 {
        let half = memory.alloc(600 << 10).unwrap();
        memory.free(half).unwrap();
        let most = memory.alloc(1 << 20).unwrap();
        assert_eq!(device.allocated(), 1 << 20);
        memory.free(most).unwrap();
    }
}

#[test]
fn too_little_memory_says_how_much() {
    let (_, memory) = memory();
    let _in_use = memory.alloc(1 << 19).unwrap();
    let error = memory.alloc((1 << 19) + 1).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no memory on the device for 589824 bytes: 524288 bytes of 1048576 are free; make the dims smaller"
    );
    let error = memory.alloc(u64::MAX).unwrap_err().to_string();
    assert!(error.contains("for 18446744073709551615 bytes"), "{error}");
    assert!(memory.alloc(1 << 19).is_ok(), "it goes on");
}

#[test]
fn what_is_not_in_use_is_not_freed() {
    let (_, memory) = memory();
    let address = memory.alloc(8).unwrap();
    memory.free(address).unwrap();
    for address in [address, Address(0), Address(address.0 + 8)] {
        let error = memory.free(address).unwrap_err().to_string();
        let expected = format!("no memory of this device is in use at {address:?}");
        assert_eq!(error, expected);
    }
}

#[test]
fn buffers_check_lengths_and_free_themselves() {
    let (device, memory) = memory();
    let buffer = DeviceBuffer::of(&memory, &[1, 2, 3]).unwrap();
    let mut back = [0; 3];
    buffer.download(&mut back).unwrap();
    assert_eq!(back, [1, 2, 3]);
    buffer.fill(9).unwrap();
    buffer.download(&mut back).unwrap();
    assert_eq!(back, [9; 3]);
    assert_eq!(
        buffer.upload(&[0; 4]).unwrap_err().to_string(),
        "a copy of 4 bytes with a buffer of 3"
    );
    assert!(buffer.download(&mut [0; 2]).is_err());
    drop(buffer);
    assert_eq!(memory.statistics().in_use, 0);
    assert_eq!(memory.statistics().kept, device.allocated());
}

#[test]
fn a_lost_device_is_an_error_and_nothing_more() {
    let (device, memory) = memory();
    let buffer = DeviceBuffer::new(&memory, 10).unwrap();
    device.fail(Failure::Error);
    assert!(memory.alloc(10_000).is_err());
    assert!(memory.trim().is_err());
    drop(buffer);
    drop(memory);
}

#[test]
fn threads_share_it() {
    let (device, memory) = memory();
    std::thread::scope(|scope| {
        for byte in 0..4_u8 {
            let memory = &memory;
            scope.spawn(move || {
                for _ in 0..100 {
                    let buffer = DeviceBuffer::of(memory, &[byte; 100]).unwrap();
                    let mut back = [0xee; 100];
                    buffer.download(&mut back).unwrap();
                    assert_eq!(back, [byte; 100]);
                }
            });
        }
    });
    let end = memory.statistics();
    assert_eq!((end.in_use, end.kept), (0, device.allocated()));
    assert_eq!(end.taken + end.reused, 400);
    assert!(end.taken <= 4);
}
