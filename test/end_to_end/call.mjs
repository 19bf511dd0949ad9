// Calls functions of a module of WebAssembly, as its standard input says: `node call.mjs MODULE`. Requests and answers are
// those of call.c.
import { readFileSync, readSync, writeSync } from 'node:fs';

const quiet = { printf: () => 0, puts: () => 0, putchar: () => 0, fflush: () => 0 };
const { instance } = await WebAssembly.instantiate(readFileSync(process.argv[2]), { env: quiet });
const { exports } = instance;

/** So many bytes of the input; null at its end. */
function take(count) {
  const bytes = new Uint8Array(count);
  for (let at = 0; at < count; ) {
    let got;
    try {
      got = readSync(0, bytes, at, count - at, null);
    } catch (error) {
      if (error.code === 'EAGAIN') continue;
      throw error;
    }
    if (got === 0) return null;
    at += got;
  }
  return bytes;
}

function give(bytes) {
  for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at);
}

const numbers = (bytes) => [...new BigInt64Array(bytes.buffer)];
for (let head = take(32); head; head = take(32)) {
  const [first, second, dimCount, leafCount] = numbers(head).map(Number);
  const names = [first, second].map((length) => new TextDecoder().decode(take(length)));
  const dims = numbers(take(8 * dimCount));
  let end = exports.__heap_base.value;
  const place = (size) => {
    const at = Math.ceil(end / 64) * 64;
    end = at + size;
    return at;
  };
  const [dimsAt, leavesAt] = [place(8 * dimCount), place(4 * leafCount)];
  const leaves = [];
  for (let i = 0; i < leafCount; ++i) {
    const bytes = take(Number(numbers(take(8))[0]));
    leaves.push({ bytes, at: place(bytes.length) });
  }
  const size = exports[names[1]](...dims) >>> 0;
  const workspace = place(size);
  const missing = Math.ceil((end - exports.memory.buffer.byteLength) / 65536);
  if (missing > 0) exports.memory.grow(missing);
  const memory = new Uint8Array(exports.memory.buffer);
  new BigInt64Array(memory.buffer, dimsAt, dimCount).set(dims);
  new Uint32Array(memory.buffer, leavesAt, leafCount).set(leaves.map((leaf) => leaf.at));
  for (const { bytes, at } of leaves) memory.set(bytes, at);
  const status = exports[names[0]](dimsAt, leavesAt, workspace, size);
  give(new Uint8Array(BigInt64Array.of(BigInt(status)).buffer));
  for (const { bytes, at } of leaves) give(memory.slice(at, at + bytes.length));
}
