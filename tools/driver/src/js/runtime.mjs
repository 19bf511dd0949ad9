
/** The arrays that hold elements of a type. f16 and bf16 are held as their bits, a key as two numbers. */
const ARRAYS = {
  bool: Uint8Array, i8: Int8Array, u8: Uint8Array, i32: Int32Array, u32: Uint32Array, i64: BigInt64Array,
  u64: BigUint64Array, f16: Uint16Array, bf16: Uint16Array, f32: Float32Array, f64: Float64Array, key: Uint32Array,
};

/** Bytes to which tensors and the workspace are aligned. */
const LINE = 64;
/** Bytes of a page of memory. */
const PAGE = 65536;

/** What the library refused: `status` is its number. */
export class DlcError extends Error {
  constructor(message, status) {
    super(message);
    this.name = 'DlcError';
    this.status = status;
  }
}

const div = (a, b) => Math.floor(a / b);
const rem = (a, b) => a - b * Math.floor(a / b);
const tensor = (dtype, shape) => ({ dtype, shape });
const struct = (fields) => ({ fields });

const shown = (value) => {
  if (ArrayBuffer.isView(value)) return `${value.constructor.name} of ${value.length}`;
  if (value === undefined || value === null) return 'nothing';
  return typeof value !== 'object' ? `${typeof value} ${String(value)}` : value.constructor?.name ?? 'object';
};

/** The leaves of a tree, in the library's order: their types, dotted paths, and values if there are any. */
function* leavesOf(tree, path, value) {
  if (tree.dtype) {
    yield { dtype: tree.dtype, shape: tree.shape, path, value };
    return;
  }
  const parts = Array.isArray(tree) ? tree.entries() : Object.entries(tree.fields);
  for (const [name, part] of parts) {
    if (value !== undefined && (value === null || typeof value !== 'object' || ArrayBuffer.isView(value))) {
      throw new TypeError(`${path}: a tree is wanted, not ${shown(value)}`);
    }
    yield* leavesOf(part, `${path}.${name}`, value === undefined ? undefined : value[name] ?? null);
  }
}

/** A tree of what `next` gives for each leaf. */
function build(tree, next) {
  if (tree.dtype) return next();
  if (Array.isArray(tree)) return tree.map((part) => build(part, next));
  return Object.fromEntries(Object.entries(tree.fields).map(([name, part]) => [name, build(part, next)]));
}

/** A number as an array of one element. */
function scalar(leaf, value) {
  const Kind = ARRAYS[leaf.dtype];
  const big = leaf.dtype === 'i64' || leaf.dtype === 'u64';
  const bits = leaf.dtype === 'f16' || leaf.dtype === 'bf16' || leaf.dtype === 'key';
  const fits = leaf.dtype === 'bool' ? typeof value === 'boolean'
    : big ? typeof value === 'bigint' || Number.isInteger(value)
    : typeof value === 'number' && !bits && (leaf.dtype[0] === 'f' || Number.isInteger(value));
  if (!fits) throw new TypeError(`${leaf.path}: one ${leaf.dtype} is wanted, not ${shown(value)}`);
  const held = Kind.of(big ? BigInt(value) : Number(value));
  if (leaf.dtype[0] !== 'f' && leaf.dtype !== 'bool' && BigInt(held[0]) !== BigInt(value)) {
    throw new RangeError(`${leaf.path}: ${value} is no ${leaf.dtype}`);
  }
  return held;
}

/** The array of a leaf, checked against its type where the dims have these values. */
function held(leaf, mode, dims) {
  const Kind = ARRAYS[leaf.dtype];
  const shape = leaf.shape(dims);
  const count = shape.reduce((a, b) => a * b, leaf.dtype === 'key' ? 2 : 1);
  const type = shape.length ? `${leaf.dtype}[${shape.join(', ')}]` : leaf.dtype;
  if (mode === 'in' && shape.length === 0 && !ArrayBuffer.isView(leaf.value)) return scalar(leaf, leaf.value);
  if (!(leaf.value instanceof Kind)) {
    throw new TypeError(`${leaf.path}: ${type} wants a ${Kind.name}, not ${shown(leaf.value)}`);
  }
  if (leaf.value.length !== count) {
    throw new RangeError(`${leaf.path}: ${type} has ${count} elements, the array has ${leaf.value.length}`);
  }
  return leaf.value;
}

/** The values of an entry's dims, in order. */
function checkedDims(entry, given) {
  for (const name of Object.keys(given)) {
    if (!entry.dims.some((dim) => dim.name === name)) throw new TypeError(`${entry.name}: there is no dim ${name}`);
  }
  return entry.dims.map(({ name, min, max }) => {
    const value = given[name];
    if (!Number.isSafeInteger(value)) throw new TypeError(`${entry.name}: the dim ${name} is a whole number, not ${shown(value)}`);
    if (value < min || (max !== null && value > max)) {
      throw new RangeError(`${entry.name}: the dim ${name} is ${value}, outside ${min}..=${max ?? ''}`);
    }
    return value;
  });
}

/** What programs print, which come to the host as calls of C's functions. */
function printing(memory, print) {
  let line = '';
  const say = (text) => {
    const lines = (line + text).split('\n');
    line = lines.pop();
    for (const done of lines) print(done);
    return text.length;
  };
  const text = (at) => {
    const bytes = new Uint8Array(memory().buffer, at);
    return new TextDecoder().decode(bytes.slice(0, bytes.indexOf(0)));
  };
  const float = (x) => {
    if (!Number.isFinite(x)) return Number.isNaN(x) ? 'nan' : x < 0 ? '-inf' : 'inf';
    if (x === 0) return Object.is(x, -0) ? '-0' : '0';
    const [digits, exponent] = x.toExponential(5).split('e');
    const e = Number(exponent);
    const short = (number) => (number.includes('.') ? number.replace(/\.?0+$/, '') : number);
    if (e >= -4 && e < 6) return short(x.toFixed(5 - e));
    return `${short(digits)}e${e < 0 ? '-' : '+'}${String(Math.abs(e)).padStart(2, '0')}`;
  };
  return {
    printf: (format, values) => {
      const view = new DataView(memory().buffer);
      let at = values;
      const wide = () => {
        at = div(at + 7, 8) * 8 + 8;
        return at - 8;
      };
      return say(text(format).replace(/%(s|lld|llu|g)/g, (_, what) => {
        switch (what) {
          case 's': at += 4; return text(view.getUint32(at - 4, true));
          case 'lld': return view.getBigInt64(wide(), true);
          case 'llu': return view.getBigUint64(wide(), true);
          default: return float(view.getFloat64(wide(), true));
        }
      }));
    },
    puts: (at) => say(`${text(at)}\n`),
    putchar: (code) => say(String.fromCharCode(code)),
    fflush: () => 0,
  };
}

/** Calls an entry. */
function call(instance, entry, given, values) {
  const { exports } = instance;
  for (const name of Object.keys(values)) {
    if (!entry.params.some((param) => param.name === name)) throw new TypeError(`${entry.name}: there is no parameter ${name}`);
  }
  const list = checkedDims(entry, given);
  const dims = Object.fromEntries(entry.dims.map(({ name }, i) => [name, list[i]]));
  const leaves = [];
  for (const { name, mode, tree } of entry.params) {
    if (values[name] === undefined) throw new TypeError(`${entry.name}: the parameter ${name} is missing`);
    for (const leaf of leavesOf(tree, name, values[name])) {
      leaves.push({ mode, array: held({ ...leaf, path: `${entry.name}: ${leaf.path}` }, mode, dims) });
    }
  }
  for (const { dtype, shape } of entry.result ? leavesOf(entry.result, 'out') : []) {
    const count = shape(dims).reduce((a, b) => a * b, dtype === 'key' ? 2 : 1);
    leaves.push({ mode: 'out', array: new ARRAYS[dtype](count) });
  }
  // Everything lies behind what is the module's own, and is forgotten with the call.
  const bytes = exports[entry.workspace](...list.map(BigInt)) >>> 0;
  let end = exports.__heap_base.value;
  const place = (size) => {
    const at = div(end + LINE - 1, LINE) * LINE;
    end = at + size;
    return at;
  };
  const [dimsAt, leavesAt] = [place(8 * list.length), place(4 * leaves.length)];
  for (const leaf of leaves) leaf.at = place(leaf.array.byteLength);
  const workspace = place(bytes);
  const missing = Math.ceil((end - exports.memory.buffer.byteLength) / PAGE);
  if (end >= 2 ** 32 || bytes === 2 ** 32 - 1) throw new RangeError(`${entry.name}: it takes more memory than addresses of 32 bits reach`);
  if (missing > 0) exports.memory.grow(missing);
  const { buffer } = exports.memory;
  new BigInt64Array(buffer, dimsAt, list.length).set(list.map(BigInt));
  new Uint32Array(buffer, leavesAt, leaves.length).set(leaves.map((leaf) => leaf.at));
  const there = ({ at, array }) => new array.constructor(buffer, at, array.length);
  for (const leaf of leaves) if (leaf.mode !== 'out') there(leaf).set(leaf.array);
  const status = exports[entry.packed](dimsAt, leavesAt, workspace, bytes);
  if (status !== 0) {
    const words = new Uint8Array(buffer, exports[entry.message](status));
    throw new DlcError(new TextDecoder().decode(words.slice(0, words.indexOf(0))), status);
  }
  for (const leaf of leaves) if (leaf.mode !== 'in') leaf.array.set(there(leaf));
  if (!entry.result) return undefined;
  const results = leaves.filter((leaf) => leaf.mode === 'out').map((leaf) => leaf.array)[Symbol.iterator]();
  const { dtype, shape } = entry.result;
  if (dtype && dtype !== 'key' && shape(dims).length === 0) {
    const [value] = results.next().value;
    return dtype === 'bool' ? value !== 0 : value;
  }
  return build(entry.result, () => results.next().value);
}

/** The bytes or the compiled module of a source. */
async function module(source) {
  if (source instanceof WebAssembly.Module) return source;
  if (source instanceof ArrayBuffer || ArrayBuffer.isView(source)) return WebAssembly.compile(source);
  if (typeof Response !== 'undefined' && source instanceof Response) return WebAssembly.compile(await source.arrayBuffer());
  const url = new URL(source, import.meta.url);
  if (url.protocol === 'file:' && typeof process !== 'undefined') {
    const { readFile } = await import('node:fs/promises');
    return WebAssembly.compile(await readFile(url));
  }
  return module(await fetch(url));
}

/**
 * Loads the model. `source` is where its module is (a URL, which may be relative to this file), a Response, bytes, or a
 * WebAssembly.Module; `print` gets each line that the program prints. The result has a method for each export, which takes the
 * values of dims and of parameters by name: `inout` arrays are updated, results are new arrays, a result that is one number
 * is a number. What does not fit throws TypeError or RangeError, what the library refuses DlcError.
 */
export async function load(source = MODULE, { print = console.log } = {}) {
  const made = {};
  const env = printing(() => made.instance.exports.memory, print);
  made.instance = await WebAssembly.instantiate(await module(source), { env });
  const hash = made.instance.exports[HASH_FUNCTION]?.();
  const found = hash && new TextDecoder().decode(new Uint8Array(made.instance.exports.memory.buffer, hash, HASH.length));
  if (found !== HASH) throw new DlcError('the module is not the one that this file was made with; build both again');
  const methods = ENTRIES.map((entry) => [entry.name, (dims = {}, values = {}) => call(made.instance, entry, dims, values)]);
  return Object.freeze({ ...Object.fromEntries(methods), instance: made.instance });
}
