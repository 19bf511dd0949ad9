//! Boxes of tensors (TMA).

use dlc_ptx::{Element, Launch, Memory, Options, Swizzle, TensorMap};

use crate::common::{Random, module, words};

/// A kernel that copies a box at coordinates in parameters to shared memory, and that to global memory as it lies there; or the other
/// way round.
fn kernel(rank: usize, bytes: usize, stores: bool) -> dlc_ptx::Module {
    let coordinates = ["%c0", "%c1", "%c2", "%c3", "%c4"][..rank].join(", ");
    let loads: String = (0..rank)
        .map(|axis| format!("ld.param.b32 %c{axis}, [c+{}];\n", 4 * axis))
        .collect();
    let copies = if stores {
        format!(
            "@%done bra OUT;
             COPY: mad.wide.u32 %rd2, %at, 4, %rd1; ld.global.b32 %value, [%rd2]; mad.lo.u32 %to, %at, 4, %base; st.shared.b32 [%to], %value;
             add.u32 %at, %at, 32; setp.lt.u32 %p, %at, {words}; @%p bra COPY;
             OUT: fence.proxy.async.shared::cta; bar.warp.sync -1;
             setp.ne.u32 %p, %tid, 0; @%p ret;
             cp.async.bulk.tensor.{rank}d.global.shared::cta.tile.bulk_group [%rd0, {{{coordinates}}}], [%base];
             cp.async.bulk.commit_group; cp.async.bulk.wait_group 0; ret;",
            words = bytes / 4
        )
    } else {
        format!(
            "setp.ne.u32 %p, %tid, 0; @%p bra READY;
             mbarrier.init.shared.b64 [barrier], 1; fence.mbarrier_init.release.cluster;
             mbarrier.arrive.expect_tx.shared.b64 %rd3, [barrier], {bytes};
             cp.async.bulk.tensor.{rank}d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%base], [%rd0, {{{coordinates}}}], [barrier];
             READY: bar.warp.sync -1;
             WAIT: mbarrier.try_wait.parity.shared.b64 %p, [barrier], 0; @!%p bra WAIT;
             COPY: mad.wide.u32 %rd2, %at, 4, %rd1; mad.lo.u32 %to, %at, 4, %base; ld.shared.b32 %value, [%to]; st.global.b32 [%rd2], %value;
             add.u32 %at, %at, 32; setp.lt.u32 %p, %at, {words}; @%p bra COPY; ret;",
            words = bytes / 4
        )
    };
    module(&format!(
        ".extern .shared .align 1024 .b8 buffer[];
         .visible .entry k(.param .align 64 .b8 map[128], .param .u64 other, .param .align 4 .b8 c[20]) {{
         .reg .b64 %rd<8>; .reg .b32 %c<5>; .reg .b32 %at, %to, %base, %tid, %value; .reg .pred %p, %done;
         .shared .align 8 .b8 barrier[8];
         {loads} mov.b64 %rd0, map; cvta.param.u64 %rd0, %rd0; ld.param.u64 %rd1, [other];
         mov.u32 %tid, %tid.x; mov.u32 %at, %tid; mov.u32 %base, buffer; setp.ge.u32 %done, %at, {};
         {copies} }}",
        bytes / 4
    ))
}

/// Where an element of a box is in shared memory, by the tables in the documentation: rows of pieces of 16 bytes, of which
/// those in 8 rows, 4 pairs, or 2 fours are exchanged.
fn place(map: &TensorMap, at: usize) -> usize {
    let linear = at * map.element.bytes() as usize;
    let (line, piece, rest) = (linear / 128, linear / 16 % 8, linear % 16);
    let piece = match map.swizzle {
        Swizzle::None => piece,
        Swizzle::Bytes32 => piece ^ (line & 1),
        Swizzle::Bytes64 => piece ^ (line & 3),
        Swizzle::Bytes128 => piece ^ (line & 7),
    };
    line * 128 + piece * 16 + rest
}

fn run(map: &TensorMap, start: &[i32], other: u64, stores: bool, memory: &mut Memory) {
    let elements: u32 = map.box_dims.iter().product();
    let bytes = elements as usize * map.element.bytes() as usize;
    let module = kernel(map.dims.len(), bytes, stores);
    let mut params = map.encode().unwrap().to_vec();
    params.extend(other.to_le_bytes());
    for axis in 0..5 {
        params.extend(start.get(axis).unwrap_or(&0).to_le_bytes());
    }
    params.resize(module.entry("k").unwrap().param_bytes(), 0);
    let launch = Launch::linear(1, 32).with_shared(bytes as u32);
    let options = Options {
        seed: bytes as u64,
        ..Options::default()
    };
    if let Err(fault) = module.launch("k", &launch, &params, memory, &options) {
        panic!("{map:?} at {start:?}: {fault}");
    }
}

/// The elements of a box in order: where each is in the tensor's bytes, if it is inside.
fn elements(map: &TensorMap, start: &[i32]) -> Vec<Option<usize>> {
    let count: u32 = map.box_dims.iter().product();
    let mut found = Vec::new();
    for at in 0..count {
        let mut rest = at;
        let mut offset = Some(0);
        for (axis, first) in start.iter().enumerate() {
            let index = i64::from(*first) + i64::from(rest % map.box_dims[axis]);
            rest /= map.box_dims[axis];
            let stride = if axis == 0 {
                map.element.bytes()
            } else {
                map.strides[axis - 1]
            };
            let inside = index >= 0 && index < map.dims[axis] as i64;
            offset = offset
                .filter(|_| inside)
                .map(|offset| offset + index as usize * stride as usize);
        }
        found.push(offset);
    }
    found
}

fn tensor(element: Element, dims: &[u64], box_dims: &[u32], swizzle: Swizzle) -> TensorMap {
    let mut strides = Vec::new();
    let mut bytes = (dims[0] * element.bytes()).next_multiple_of(16);
    for dim in &dims[1..] {
        strides.push(bytes);
        bytes *= dim;
    }
    TensorMap {
        address: 0,
        element,
        dims: dims.to_vec(),
        strides,
        box_dims: box_dims.to_vec(),
        swizzle,
    }
}

fn cases() -> Vec<(TensorMap, Vec<i32>)> {
    vec![
        (tensor(Element::F32, &[100], &[64], Swizzle::None), vec![60]),
        (
            tensor(Element::Bf16, &[70, 33], &[64, 16], Swizzle::Bytes128),
            vec![16, 24],
        ),
        (
            tensor(Element::F16, &[64, 64], &[32, 8], Swizzle::Bytes64),
            vec![-8, 3],
        ),
        (
            tensor(Element::F16, &[48, 40], &[16, 32], Swizzle::Bytes32),
            vec![40, -5],
        ),
        (
            tensor(Element::U8, &[200, 9, 3], &[128, 4, 2], Swizzle::Bytes128),
            vec![100, 7, 1],
        ),
        (
            tensor(Element::F32, &[20, 5, 4, 3], &[8, 3, 2, 2], Swizzle::None),
            vec![15, 3, -1, 2],
        ),
        (
            tensor(
                Element::F64,
                &[6, 3, 4, 2, 3],
                &[4, 2, 2, 1, 2],
                Swizzle::Bytes32,
            ),
            vec![3, 1, 3, 1, 1],
        ),
    ]
}

fn size(map: &TensorMap) -> usize {
    let outer = map
        .strides
        .last()
        .copied()
        .unwrap_or(map.dims[0] * map.element.bytes());
    let count = if map.strides.is_empty() {
        1
    } else {
        map.dims[map.dims.len() - 1]
    };
    (outer * count) as usize
}

#[test]
fn boxes_are_loaded() {
    let mut random = Random(31);
    for (mut map, start) in cases() {
        let data: Vec<u8> = (0..size(&map)).map(|_| random.next() as u8 | 1).collect();
        let places = elements(&map, &start);
        let width = map.element.bytes() as usize;
        let mut memory = Memory::new();
        map.address = memory.alloc_copy(&data);
        let output = memory.alloc(places.len() * width);
        run(&map, &start, output, false, &mut memory);
        let found = memory.read(output, places.len() * width).unwrap();
        for (at, from) in places.iter().enumerate() {
            let to = place(&map, at);
            let expected = from.map_or(vec![0; width], |from| data[from..from + width].to_vec());
            assert_eq!(found[to..to + width], expected, "element {at} of {map:?}");
        }
    }
}

#[test]
fn boxes_are_stored() {
    let mut random = Random(32);
    for (mut map, start) in cases() {
        let places = elements(&map, &start);
        let width = map.element.bytes() as usize;
        let mut memory = Memory::new();
        map.address = memory.alloc_copy(&vec![0; size(&map)]);
        let data: Vec<u8> = (0..places.len() * width)
            .map(|_| random.next() as u8)
            .collect();
        let input = memory.alloc_copy(&data);
        run(&map, &start, input, true, &mut memory);
        let found = memory.read(map.address, size(&map)).unwrap();
        let mut expected = vec![0; size(&map)];
        for (at, to) in places.iter().enumerate() {
            let from = place(&map, at);
            if let Some(to) = to {
                expected[*to..to + width].copy_from_slice(&data[from..from + width]);
            }
        }
        assert_eq!(found, expected, "{map:?}");
    }
}

#[test]
fn a_box_goes_to_all_blocks_of_a_cluster() {
    let module = module(
        ".extern .shared .align 128 .b8 buffer[];
         .visible .entry k(.param .align 64 .b8 map[128], .param .u64 p) {
         .reg .b64 %rd<8>; .reg .b32 %r<8>; .reg .b16 %h; .reg .pred %p, %q;
         .shared .align 8 .b8 barrier[8];
         mov.u32 %r0, %tid.x; mov.u32 %r1, %cluster_ctarank; mov.u32 %r2, buffer; mov.b64 %rd0, map; cvta.param.u64 %rd0, %rd0;
         setp.ne.u32 %p, %r0, 0; @%p bra READY;
         mbarrier.init.shared.b64 [barrier], 1; fence.mbarrier_init.release.cluster;
         mbarrier.arrive.expect_tx.shared.b64 %rd3, [barrier], 128;
         READY: barrier.cluster.arrive; barrier.cluster.wait;
         or.b32 %r3, %r0, %r1; setp.ne.u32 %q, %r3, 0; mov.b16 %h, 3;
         @!%q cp.async.bulk.tensor.1d.shared::cluster.global.tile.mbarrier::complete_tx::bytes.multicast::cluster [%r2], [%rd0, {%r1}], [barrier], %h;
         WAIT: mbarrier.try_wait.parity.shared.b64 %p, [barrier], 0; @!%p bra WAIT;
         mad.lo.u32 %r4, %r0, 4, %r2; ld.shared.b32 %r5, [%r4];
         ld.param.u64 %rd1, [p]; mad.lo.u32 %r6, %r1, 32, %r0; mad.wide.u32 %rd2, %r6, 4, %rd1; st.global.b32 [%rd2], %r5; ret; }",
    );
    let mut memory = Memory::new();
    let data: Vec<u8> = (0..128).collect();
    let mut map = tensor(Element::U32, &[32], &[32], Swizzle::None);
    map.address = memory.alloc_copy(&data);
    let output = memory.alloc(256);
    let mut params = map.encode().unwrap().to_vec();
    params.extend(output.to_le_bytes());
    let launch = Launch {
        cluster: Some([2, 1, 1]),
        ..Launch::linear(2, 32).with_shared(128)
    };
    module
        .launch("k", &launch, &params, &mut memory, &Options::default())
        .unwrap_or_else(|fault| panic!("{fault}"));
    let found = words(&memory.read(output, 256).unwrap());
    assert_eq!(found[..32], words(&data));
    assert_eq!(found[32..], words(&data));
}

#[test]
fn what_cuda_refuses_is_refused() {
    let good = tensor(Element::Bf16, &[128, 64], &[64, 64], Swizzle::Bytes128);
    assert!(good.encode().is_ok());
    let refused = |change: &dyn Fn(&mut TensorMap), words: &str| {
        let mut map = good.clone();
        change(&mut map);
        let error = map.encode().unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    };
    refused(&|map| map.strides[0] = 250, "stride of 250");
    refused(&|map| map.box_dims[1] = 257, "extent of 257 of a box");
    refused(&|map| map.box_dims[0] = 128, "256 bytes, more than the 128");
    refused(&|map| map.box_dims[0] = 4, "8 bytes, no multiple of 16");
    refused(&|map| map.address = 8, "no multiple of 16");
    refused(&|map| map.dims[1] = 0, "extent of 0");
    refused(&|map| map.dims = vec![1; 6], "rank of 6");
}
