// Trains and evaluates the compiled classifier of digits in Node: `node digits.mjs FOLDER DATA`, where FOLDER has digits.mjs
// and digits.wasm. The order of the samples is that of the program in C, so both print the same.
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const [folder, data] = process.argv.slice(2);
const { load } = await import(pathToFileURL(`${folder}/digits.mjs`));
const model = await load();
const [PIXELS, BATCH, EPOCHS] = [64, 32, 60];

/** The elements of a NumPy file of format version 1. */
function npy(name, Kind) {
  const bytes = readFileSync(`${data}/${name}`);
  const begin = 10 + bytes.readUInt16LE(8);
  return new Kind(new Uint8Array(bytes.subarray(begin)).buffer);
}

const images = npy('images.npy', Uint8Array);
const labels = npy('labels.npy', Int32Array);
const [train, test] = [[], []];
for (let i = 0; i < labels.length; ++i) (i % 5 === 0 ? test : train).push(i);
const pick = (which) => ({
  images: Uint8Array.from(which.flatMap((i) => [...images.subarray(i * PIXELS, (i + 1) * PIXELS)])),
  labels: Int32Array.from(which, (i) => labels[i]),
});

/** Knuth's MMIX generator. */
let state = 1n;
const below = (n) => {
  state = BigInt.asUintN(64, state * 6364136223846793005n + 1442695040888963407n);
  return Number((state >> 33n) % BigInt(n));
};

const s = model.init({}, { key: Uint32Array.of(0, 42) });
let mean = 0;
for (let epoch = 0; epoch < EPOCHS; ++epoch) {
  for (let i = train.length - 1; i > 0; --i) {
    const j = below(i + 1);
    [train[i], train[j]] = [train[j], train[i]];
  }
  mean = 0;
  for (let at = 0; at < train.length; at += BATCH) {
    const which = train.slice(at, at + BATCH);
    const loss = model.train_step({ B: which.length }, { s, ...pick(which), lr: 1e-3 });
    mean += loss * which.length;
  }
  mean /= train.length;
}
const held = pick(test);
const predicted = model.predict({ B: test.length }, { p: s.params, images: held.images });
const right = predicted.filter((digit, i) => digit === held.labels[i]).length;
console.log(
  `JavaScript: mean loss of the last epoch ${mean.toFixed(6)}, test accuracy ${(right / test.length).toFixed(4)} (${right} of ${test.length})`,
);

/** That what does not fit is refused with a message that has these words. */
function refused(words, call) {
  try {
    call();
  } catch (error) {
    if (!error.message.includes(words)) throw error;
    return;
  }
  throw new Error(`not refused: ${words}`);
}
refused('wants a Uint8Array, not Float32Array of 64', () => model.predict({ B: 1 }, { p: s.params, images: new Float32Array(64) }));
refused('has 64 elements, the array has 63', () => model.predict({ B: 1 }, { p: s.params, images: new Uint8Array(63) }));
refused('outside 0..=4096', () => model.predict({ B: 5000 }, { p: s.params, images: new Uint8Array(64) }));
refused('the parameter images is missing', () => model.predict({ B: 1 }, { p: s.params }));
refused('p.w1', () => model.predict({ B: 1 }, { p: {}, images: new Uint8Array(64) }));
refused('there is no dim C', () => model.predict({ B: 1, C: 2 }, { p: s.params, images: new Uint8Array(64) }));
