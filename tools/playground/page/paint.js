// A program with its colours, marks and inferred types as HTML. While one types, words are told apart by their spelling; once
// the compiler has looked, by what they are.
import { escaped } from './texts.js';

const WORDS = /(\/\/.*)|("(?:[^"\\\n]|\\.)*"?)|\b(fn|let|var|for|in|if|else|while|export|struct|const|use|import|test|where|inout|return|true|false|none)\b|\b(\d[\w.]*)\b|\b(f16|bf16|f32|f64|i8|i32|i64|u8|u32|u64|bool|key)\b/g;
const CLASSES = [null, 'comment', 'string', 'keyword', 'number', 'type'];

/** The classes of the words of a line, as `[start, end, class]`. */
function spelled(line) {
  return [...line.matchAll(WORDS)].map((found) => {
    const group = found.slice(1).findIndex((text) => text !== undefined) + 1;
    return [found.index, found.index + found[0].length, CLASSES[group]];
  });
}

/** The compiler's words by line. */
function words({ tokens, kinds }) {
  const lines = new Map();
  let [line, column] = [0, 0];
  for (const { deltaLine, deltaStart, length, tokenType } of fives(tokens)) {
    if (deltaLine) [line, column] = [line + deltaLine, 0];
    column += deltaStart;
    if (!lines.has(line)) lines.set(line, []);
    lines.get(line).push([column, column + length, kinds[tokenType]]);
  }
  return lines;
}

/** Tokens come as five numbers each. */
function* fives({ data }) {
  for (let i = 0; i < data.length; i += 5) {
    yield { deltaLine: data[i], deltaStart: data[i + 1], length: data[i + 2], tokenType: data[i + 3] };
  }
}

/** A text; `known` is what the compiler said of it, or null. */
export function paint(text, known) {
  const found = known ? words(known) : new Map();
  const hints = new Map();
  for (const { position, label } of known?.hints ?? []) {
    // The others name arguments.
    if (!label.startsWith(':')) continue;
    hints.set(position.line, [...(hints.get(position.line) ?? []), label.replace(/^: /, '')]);
  }
  return text.split('\n').map((line, number) => {
    const seen = found.get(number) ?? [];
    // What the compiler has no word for, as comments, keeps what its spelling says.
    const others = spelled(line).filter(([start, end]) => !seen.some(([from, to]) => from < end && start < to));
    const parts = [...seen, ...others].sort((a, b) => a[0] - b[0]);
    const marks = (known?.diagnostics ?? []).filter((one) => one.line === number + 1).map((one) => {
      const start = [...line].slice(0, one.col - 1).join('').length;
      return [start, start + Math.max(1, one.text.split('\n')[0].length), `mark-${one.severity}`];
    });
    const labels = hints.get(number);
    const hint = labels ? `  <span class="hint">${escaped(labels.join(' · '))}</span>` : '';
    return pieces(line, parts, marks) + hint;
  }).join('\n') + '\n';
}

/** The line cut where a word or a mark begins or ends. */
function pieces(line, parts, marks) {
  const all = [...parts, ...marks];
  const cuts = [...new Set([0, line.length, ...all.flatMap(([start, end]) => [start, end])])].filter((at) => at <= line.length).sort((a, b) => a - b);
  let html = '';
  for (let i = 0; i + 1 < cuts.length; i++) {
    const [from, to] = [cuts[i], cuts[i + 1]];
    const classes = all.filter(([start, end]) => start <= from && to <= end).map((one) => one[2]);
    const piece = escaped(line.slice(from, to));
    html += classes.length ? `<span class="${classes.join(' ')}">${piece}</span>` : piece;
  }
  return html;
}
