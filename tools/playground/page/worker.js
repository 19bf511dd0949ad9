// The compiler, beside the page: takes requests and posts answers. After a trap the next request gets a fresh instance.
import { wasi } from './wasi.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

let compiled = null;
let instance = null;

async function load() {
  const response = await fetch('dlc.wasm');
  if (!response.ok) throw new Error(`dlc.wasm: ${response.status}`);
  compiled = await WebAssembly.compile(await response.arrayBuffer());
}

async function start() {
  let memory = null;
  const system = wasi(() => memory);
  // A proxy is no object of imports for every engine.
  const imports = {};
  for (const { module, name } of WebAssembly.Module.imports(compiled)) {
    imports[module] ??= {};
    imports[module][name] = system[name];
  }
  const made = await WebAssembly.instantiate(compiled, imports);
  memory = made.exports.memory;
  made.exports._initialize?.();
  instance = made.exports;
}

async function answer(request) {
  if (!instance) await start();
  try {
    const bytes = encoder.encode(JSON.stringify(request));
    const room = instance.playground_room(bytes.length);
    new Uint8Array(instance.memory.buffer, room, bytes.length).set(bytes);
    const length = instance.playground_answer();
    const text = new Uint8Array(instance.memory.buffer, instance.playground_text(), length);
    return JSON.parse(decoder.decode(text));
  } catch (trap) {
    instance = null;
    return { error: `the compiler stopped: ${trap.message ?? trap}` };
  }
}

const loaded = load().then(start);
loaded.then(
  () => postMessage({ ready: true }),
  (error) => postMessage({ failed: String(error.message ?? error) }),
);

onmessage = async ({ data: { id, request } }) => {
  await loaded;
  postMessage({ id, answer: await answer(request) });
};
