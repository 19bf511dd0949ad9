// The results of a call: numbers, tables, curves of one axis and maps of two.
import { escaped } from './texts.js';

/** The largest table, in cells. */
const CELLS = 200;
/** How many numbers a line of text shows. */
const SHOWN = 12;

const PALETTE = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]]; // viridis

/** All results, as an element. */
export function outputs({ dims, inputs, outputs }, time) {
  const root = document.createElement('div');
  for (const one of outputs) root.append(...tensor(one));
  if (inputs.length) {
    const details = document.createElement('details');
    const summary = document.createElement('summary');
    summary.textContent = 'Inputs of this call';
    details.append(summary);
    for (const one of inputs) details.append(...tensor(one));
    root.append(details);
  }
  const sizes = Object.entries(dims).map(([name, size]) => `${name} = ${size}`).join(', ');
  const last = document.createElement('p');
  last.className = 'faint';
  last.textContent = `${sizes ? `${sizes}; ` : ''}${time} ms`;
  root.append(last);
  return root;
}

function tensor(one) {
  const heading = document.createElement('h2');
  heading.innerHTML = `${escaped(one.name)} <code>${escaped(one.type)}</code>`;
  heading.dataset.name = one.name;
  const parts = [heading];
  const whole = one.numbers && one.numbers.length === one.count;
  if (whole && one.shape.length === 1 && one.count > 2) parts.push(curve(one.numbers));
  if (whole && one.shape.length === 2 && one.count > 16 && Math.min(...one.shape) > 1) parts.push(map(one));
  if (one.shape.length === 2 && one.count && one.count <= CELLS) parts.push(table(one));
  else parts.push(line(one));
  return parts;
}

function short(text) {
  const number = Number(text);
  return Number.isFinite(number) && /[.e]/.test(text) ? String(Number(number.toPrecision(5))) : text;
}

function line(one) {
  const element = document.createElement('p');
  element.className = 'values';
  const more = one.count > SHOWN ? ` … (${one.count})` : '';
  element.textContent = one.count ? one.texts.slice(0, one.shape.length ? SHOWN : 1).map(short).join('  ') + more : 'empty';
  return element;
}

function table({ shape: [rows, columns], texts }) {
  const wide = document.createElement('div');
  wide.className = 'wide';
  const cell = (text) => `<td>${escaped(short(text))}</td>`;
  const row = (i) => `<tr>${texts.slice(i * columns, (i + 1) * columns).map(cell).join('')}</tr>`;
  wide.innerHTML = `<table class="numbers">${Array.from({ length: rows }, (_, i) => row(i)).join('')}</table>`;
  return wide;
}

function bounds(numbers) {
  const finite = numbers.filter(Number.isFinite);
  const low = finite.reduce((a, b) => Math.min(a, b), Infinity);
  const high = finite.reduce((a, b) => Math.max(a, b), -Infinity);
  if (!finite.length) return [0, 1];
  return low === high ? [low - 0.5, high + 0.5] : [low, high];
}

function curve(numbers) {
  const [width, height, left, edge] = [520, 200, 56, 14];
  const [low, high] = bounds(numbers);
  const x = (i) => left + (i / (numbers.length - 1)) * (width - left - edge);
  const y = (value) => height - edge - ((value - low) / (high - low)) * (height - 2 * edge);
  const points = numbers.map((value, i) => (Number.isFinite(value) ? `${x(i).toFixed(1)},${y(value).toFixed(1)}` : null));
  const label = (value) => `<text x="${left - 6}" y="${y(value) + 4}" text-anchor="end" font-size="11" fill="currentColor">${Number(value.toPrecision(3))}</text>`;
  const zero = low < 0 && high > 0 ? `<line x1="${left}" x2="${width - edge}" y1="${y(0)}" y2="${y(0)}" stroke="var(--line)"/>` : '';
  const holder = document.createElement('div');
  holder.innerHTML = `<svg class="plot" viewBox="0 0 ${width} ${height}" role="img" aria-label="a curve of ${numbers.length} points">${zero}${label(low)}${label(high)}<polyline fill="none" stroke="var(--accent)" stroke-width="1.6" points="${points.filter(Boolean).join(' ')}"/></svg>`;
  return holder.firstChild;
}

function map({ shape: [rows, columns], numbers }) {
  const canvas = document.createElement('canvas');
  canvas.className = 'plot';
  [canvas.width, canvas.height] = [columns, rows];
  const [low, high] = bounds(numbers);
  const context = canvas.getContext('2d');
  const image = context.createImageData(columns, rows);
  numbers.forEach((value, i) => {
    const at = (Number.isFinite(value) ? (value - low) / (high - low) : 0) * (PALETTE.length - 1);
    const k = Math.min(Math.floor(at), PALETTE.length - 2);
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = PALETTE[k][c] + (at - k) * (PALETTE[k + 1][c] - PALETTE[k][c]);
    image.data[4 * i + 3] = Number.isFinite(value) ? 255 : 0;
  });
  context.putImageData(image, 0, 0);
  canvas.title = `${Number(low.toPrecision(3))} to ${Number(high.toPrecision(3))}`;
  return canvas;
}
