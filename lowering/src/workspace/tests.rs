//! The planner on buffers made up, held against a checker that knows nothing of it.

use super::*;
use dlc_abi::WORKSPACE_ALIGN;

/// Numbers that look random and are the same each time: `SplitMix64`.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % limit as u64) as usize
    }

    fn of<'x>(&mut self, all: &[&'x str]) -> &'x str {
        all[self.below(all.len())]
    }
}

fn poly(text: &str) -> Poly {
    Poly::parse(text).unwrap()
}

fn buffer(live: (usize, usize), bytes: &str, nests: &[usize]) -> Buffer {
    Buffer {
        live,
        bytes: poly(bytes),
        nests: nests.iter().copied().collect(),
    }
}

fn range(name: &str, min: i64, max: Option<i64>) -> DimRange {
    let name = name.to_string();
    DimRange { name, min, max }
}

fn meet(a: &Buffer, b: &Buffer) -> bool {
    a.live.0 <= b.live.1 && b.live.0 <= a.live.1
}

/// The bytes of slots for some dims, after it has been checked that each buffer has its place, in whole cache lines and inside
/// of its slot, and that no two that are alive together overlap.
fn check(buffers: &[Buffer], slots: &[Slot], at: &[(&str, i64)]) -> i64 {
    let value = |name: &str| at.iter().find(|dim| dim.0 == name).map(|dim| dim.1);
    let bytes = |poly: &Poly| poly.eval(&value).unwrap();
    let most = |polys: &[Poly]| polys.iter().map(bytes).max().unwrap();
    let mut placed = vec![0; buffers.len()];
    let mut total = 0;
    for slot in slots {
        let size = most(&slot.sizes);
        total += (size as usize).next_multiple_of(WORKSPACE_ALIGN) as i64;
        let spans = slot.members.iter().map(|(i, offset)| {
            placed[*i] += 1;
            let from = most(offset);
            assert!(from >= 0 && from % WORKSPACE_ALIGN as i64 == 0, "{slot:?}");
            let to = from + bytes(&buffers[*i].bytes);
            assert!(to <= size, "{at:?}: {i} in {slot:?}");
            (*i, from, to)
        });
        let spans: Vec<_> = spans.collect();
        for (n, (i, from, to)) in spans.iter().enumerate() {
            for (j, begin, end) in &spans[..n] {
                let apart = to <= begin || end <= from || from == to || begin == end;
                let (a, b) = (&buffers[*i], &buffers[*j]);
                assert!(apart || !meet(a, b), "{at:?}: {a:?} {b:?} in {slot:?}");
            }
        }
    }
    assert!(placed.iter().all(|times| *times == 1), "{placed:?}");
    total
}

/// The greatest sum of the bytes of buffers that are alive at one time, each in whole cache lines.
fn least(buffers: &[Buffer], at: &[(&str, i64)]) -> i64 {
    let value = |name: &str| at.iter().find(|dim| dim.0 == name).map(|dim| dim.1);
    let bytes = |buffer: &Buffer| buffer.bytes.eval(&value).unwrap() as usize;
    let whole = |buffer: &Buffer| bytes(buffer).next_multiple_of(WORKSPACE_ALIGN) as i64;
    let alive = |time| {
        let alive = buffers.iter().filter(move |buffer| {
            let (from, to) = buffer.live;
            from <= time && time <= to
        });
        alive.map(whole).sum()
    };
    let times = buffers.iter().map(|buffer| buffer.live.0);
    times.map(alive).max().unwrap_or(0)
}

/// Buffers as nests leave them behind: each is made by one, used by some and read last by another.
fn random(random: &mut Random, sizes: &[&str]) -> Vec<Buffer> {
    let count = 1 + random.below(40);
    let buffers = (0..count).map(|_| {
        let from = random.below(30);
        let length = [1, 2, 2, 3, 8, 20][random.below(6)];
        let to = from + random.below(length);
        let middle = from + random.below(to - from + 1);
        buffer((from, to), random.of(sizes), &[from, middle, to])
    });
    buffers.collect()
}

const DIMS: [(&str, i64, Option<i64>); 3] =
    [("B", 0, None), ("N", 1, Some(64)), ("T", 5, Some(1000))];

const SIZES: [&str; 14] = [
    "0",
    "4",
    "6144",
    "526336",
    "4*B",
    "256*B",
    "4*B*T",
    "64*B*T - 64*B",
    "512*N*T",
    "4*N + 12",
    "8*((B - 1) / 2) + 8",
    "4*(T % 8)",
    "64*((T + 63) / 64)*N",
    "1024*N*N",
];

#[test]
fn random_buffers_never_overlap() {
    let dims = DIMS.map(|(name, min, max)| range(name, min, max));
    let mut numbers = Random(1);
    for _ in 0..150 {
        let buffers = random(&mut numbers, &SIZES);
        let slots = assign(&buffers, &dims);
        for _ in 0..8 {
            let at = DIMS.map(|(name, min, max)| {
                let most = max.unwrap_or(5000);
                let any = min + numbers.below((most - min + 1) as usize) as i64;
                (name, [min, most, any, any][numbers.below(4)])
            });
            let total = check(&buffers, &slots, &at);
            assert!(total >= least(&buffers, &at), "{at:?}: {slots:?}");
        }
    }
}

#[test]
fn random_buffers_are_close_to_what_is_alive() {
    let mut numbers = Random(2);
    let sizes = ["64", "256", "1024", "6144", "65536", "98304", "526336"];
    for _ in 0..150 {
        let buffers = random(&mut numbers, &sizes);
        let total = check(&buffers, &assign(&buffers, &[]), &[]);
        let least = least(&buffers, &[]);
        assert!(total * 10 <= least * 11, "{total} of {least}: {buffers:?}");
    }
}

#[test]
fn where_it_costs_nothing_no_nest_touches_two_of_a_slot() {
    // A chain of layers: each nest reads what the one before it wrote.
    let layers: Vec<_> = (0..9)
        .map(|i| buffer((i, i + 1), "64*B", &[i, i + 1]))
        .collect();
    let slots = assign(&layers, &[range("B", 1, Some(100))]);
    assert_eq!(check(&layers, &slots, &[("B", 7)]), 2 * 64 * 7);
    assert_eq!(slots.len(), 2);
    for slot in &slots {
        let nests = slot.members.iter().flat_map(|(i, _)| &layers[*i].nests);
        let all: Vec<_> = nests.collect();
        let distinct: BTreeSet<_> = all.iter().collect();
        assert_eq!(all.len(), distinct.len(), "{slots:?}");
    }
}

#[test]
fn where_slots_would_cost_there_is_one() {
    // The large one is alive with a small one before and with another after: apart they would take their maxima.
    let buffers = [
        buffer((0, 1), "65536", &[0, 1]),
        buffer((1, 2), "64*B", &[1, 2]),
        buffer((2, 3), "32768", &[2, 3]),
        buffer((2, 3), "32768", &[2, 3]),
    ];
    let slots = assign(&buffers, &[range("B", 1, Some(100))]);
    assert_eq!(slots.len(), 1, "{slots:?}");
    for size in [1, 50, 100] {
        let at = [("B", size)];
        assert_eq!(check(&buffers, &slots, &at), least(&buffers, &at));
    }
}

#[test]
fn what_lies_on_two_begins_behind_the_greater() {
    let buffers = [
        buffer((0, 0), "49152", &[0]),
        buffer((1, 1), "128*B", &[1]),
        buffer((2, 2), "128*T", &[2]),
        buffer((1, 2), "16384", &[1, 2]),
    ];
    let dims = [range("B", 256, Some(257)), range("T", 256, Some(257))];
    let slots = assign(&buffers, &dims);
    let mut offsets = slots.iter().flat_map(|slot| &slot.members);
    assert!(offsets.any(|(_, offset)| offset.len() == 2), "{slots:?}");
    for at in [[("B", 256), ("T", 257)], [("B", 257), ("T", 256)]] {
        check(&buffers, &slots, &at);
    }
}

#[test]
fn small_dims_count_too() {
    // Apart, the constant and what grows take their sum, which is little where dims are typical.
    let buffers = [
        buffer((0, 1), "65536*B", &[0, 1]),
        buffer((1, 2), "164480", &[1, 2]),
        buffer((2, 3), "65536*B", &[2, 3]),
        buffer((3, 4), "164480", &[3, 4]),
        buffer((4, 4), "164480", &[4]),
    ];
    let slots = assign(&buffers, &[range("B", 1, None)]);
    for size in [1, 16, 256] {
        let at = [("B", size)];
        let (total, least) = (check(&buffers, &slots, &at), least(&buffers, &at));
        assert!(total * 10 <= least * 11, "{total} of {least} at {size}");
    }
}

#[test]
fn nothing_to_place() {
    assert_eq!(assign(&[], &[]), vec![]);
    let none = [buffer((0, 0), "0", &[0])];
    assert_eq!(check(&none, &assign(&none, &[]), &[]), 0);
}

#[test]
fn sizes_beyond_all_memory_are_planned() {
    let buffers: Vec<_> = (0..40)
        .map(|i| buffer((i, 40), "64*B*B*B*B*B*B", &[i, i + 1]))
        .collect();
    let slots = assign(&buffers, &[range("B", 1, None)]);
    let at = [("B", 3)];
    assert_eq!(check(&buffers, &slots, &at), least(&buffers, &at));
}

#[test]
fn long_maxima_are_shortened_upwards() {
    let names: Vec<String> = (0..20).map(|i| format!("D{i}")).collect();
    let dims: Vec<_> = names.iter().map(|name| range(name, 1, None)).collect();
    // Twenty that follow each other, under one that is alive with all.
    let mut buffers: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(i, name)| buffer((i, i), &format!("64*{name}"), &[i]))
        .collect();
    buffers.push(buffer((0, 19), "64", &[50]));
    buffers.push(buffer((0, 19), "128", &[50]));
    let slots = assign(&buffers, &dims);
    let longest = slots.iter().map(|slot| slot.sizes.len()).max();
    assert!(longest.is_some_and(|longest| longest <= 8), "{slots:?}");
    for large in 0..20 {
        let at = names.iter().enumerate();
        let at: Vec<_> = at
            .map(|(i, name)| (name.as_str(), if i == large { 999 } else { 2 }))
            .collect();
        check(&buffers, &slots, &at);
    }
}
