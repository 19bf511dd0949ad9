// The page: an editor, and panels of what the compiler says of its text. The compiler runs in a worker (worker.js).
import { Compiler } from './compiler.js';
import { ansi, escaped, markdown } from './texts.js';
import { paint } from './paint.js';
import { outputs } from './outputs.js';

const $ = (id) => document.getElementById(id);
const text = $('text');
const compiler = new Compiler((state) => { $('status').textContent = state; });

let known = null; // The last answer to `look`, and its text.
let panel = 'problems';

// ---- The editor.

function draw() {
  const current = known?.text === text.value ? known : null;
  $('colours').innerHTML = paint(text.value, current);
  const marks = new Map((current?.diagnostics ?? []).map((one) => [one.line, one.severity]));
  const lines = text.value.split('\n');
  $('numbers').innerHTML = lines
    .map((_, i) => `<span class="${marks.get(i + 1) ?? ''}">${i + 1}</span>`)
    .join('\n');
  scroll();
}

function scroll() {
  $('colours').scrollTop = text.scrollTop;
  $('colours').scrollLeft = text.scrollLeft;
  $('numbers').scrollTop = text.scrollTop;
}

let pending = 0;
function changed() {
  draw();
  clearTimeout(pending);
  pending = setTimeout(look, 80);
}

async function look() {
  const asked = text.value;
  const answer = await compiler.latest('look', { ask: 'look', text: asked });
  if (!answer || asked !== text.value) return;
  if (answer.error) return show('problems', `<p class="error-text">${escaped(answer.error)}</p>`);
  known = { ...answer, text: asked };
  draw();
  problems();
  types();
  choices();
  refresh();
}

text.addEventListener('input', changed);
text.addEventListener('scroll', scroll);
text.addEventListener('keydown', (event) => {
  if (event.key === 'Tab' && !event.shiftKey && !event.ctrlKey && !event.altKey) {
    event.preventDefault();
    text.setRangeText('  ', text.selectionStart, text.selectionEnd, 'end');
    changed();
  }
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    select('result');
    call();
  }
  if (event.key === 'Escape') text.blur();
});

// ---- What is under the mouse.

let hovering = 0;
text.addEventListener('mousemove', (event) => {
  clearTimeout(hovering);
  $('tip').hidden = true;
  const { clientX: x, clientY: y } = event;
  hovering = setTimeout(() => hover(x, y), 250);
});
text.addEventListener('mouseleave', () => {
  clearTimeout(hovering);
  $('tip').hidden = true;
});

let width = 0;
function characterWidth() {
  if (!width) {
    const probe = document.createElement('span');
    probe.textContent = 'm'.repeat(100);
    probe.style.position = 'absolute';
    $('colours').append(probe);
    width = probe.getBoundingClientRect().width / 100;
    probe.remove();
  }
  return width;
}

async function hover(x, y) {
  const box = text.getBoundingClientRect();
  const line = Math.floor((y - box.top - 8 + text.scrollTop) / 20);
  const character = Math.floor((x - box.left - 8 + text.scrollLeft) / characterWidth());
  const asked = text.value;
  if (line < 0 || character < 0 || character >= (asked.split('\n')[line] ?? '').length) return;
  const answer = await compiler.latest('hover', { ask: 'hover', text: asked, line, character });
  if (!answer?.markdown || asked !== text.value) return;
  const tip = $('tip');
  tip.innerHTML = markdown(answer.markdown);
  tip.hidden = false;
  const { width: w, height: h } = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(4, Math.min(x + 10, innerWidth - w - 8))}px`;
  tip.style.top = `${y + 18 + h > innerHeight ? Math.max(4, y - h - 12) : y + 18}px`;
}

// ---- Panels.

function select(name) {
  panel = name;
  for (const tab of document.querySelectorAll('nav button')) {
    tab.setAttribute('aria-selected', String(tab.dataset.panel === name));
  }
  for (const one of document.querySelectorAll('.panel')) one.classList.toggle('shown', one.id === name);
  refresh();
}
for (const tab of document.querySelectorAll('nav button')) {
  tab.addEventListener('click', () => select(tab.dataset.panel));
}

function show(id, html) {
  $(id).innerHTML = html;
}

/** What is open is brought up to date. */
function refresh() {
  if (!known || known.text !== text.value) return;
  if (panel === 'derivative') derivative();
  if (panel === 'result') call();
}

function problems() {
  const found = known.diagnostics;
  const errors = found.filter((one) => one.severity === 'error').length;
  const tab = document.querySelector('[data-panel="problems"]');
  tab.textContent = found.length ? `Problems (${found.length})` : 'Problems';
  if (!found.length) return show('problems', '<p class="faint" id="clean">No problems.</p>');
  const codes = [...new Set(found.map((one) => one.code))];
  const links = codes.map((code) => `<button data-code="${code}">What is ${code}?</button>`);
  show('problems', `<div class="codes">${links.join('')}</div><pre class="rendered" data-errors="${errors}">${ansi(known.rendered)}</pre>`);
}

$('problems').addEventListener('click', async (event) => {
  const code = event.target.dataset?.code;
  if (!code) return;
  const answer = await compiler.ask({ ask: 'explain', code });
  $('page-text').innerHTML = markdown(answer.markdown ?? answer.error);
  $('page').showModal();
});
$('close').addEventListener('click', () => $('page').close());

function types() {
  const lines = known.text.split('\n');
  // The others name arguments.
  const inferred = known.hints.filter(({ label }) => label.startsWith(':'));
  const rows = inferred.map(({ position, label }) => {
    const before = lines[position.line].slice(0, position.character);
    const name = before.match(/[\p{L}\p{N}_]+$/u)?.[0] ?? '';
    return `<tr><td>${position.line + 1}</td><td>${escaped(name)}</td><td class="type">${escaped(label.replace(/^: /, ''))}</td></tr>`;
  });
  const exports = known.exports.map((one) => {
    const params = one.params.map((param) => `${param.name}: ${param.type}`).join(', ');
    const dims = one.dims.map((dim) => dim.name).join(', ');
    return `<tr><td>${escaped(one.name)}</td><td>${escaped(`${dims ? `<${dims}>` : ''}(${params})${one.result ? ` -> ${one.result}` : ''}`)}</td></tr>`;
  });
  const table = (head, body) => `<table><thead><tr>${head.map((cell) => `<th>${cell}</th>`).join('')}</tr></thead><tbody>${body.join('')}</tbody></table>`;
  show('types',
    (rows.length ? `<h2>Names</h2>${table(['line', 'name', 'type'], rows)}` : '<p class="faint">No inferred types.</p>') +
    (exports.length ? `<h2>Exports</h2>${table(['export', 'type'], exports)}` : '') +
    '<p class="faint">The mouse over a word says more.</p>');
}

/** Fills a menu, and keeps what is chosen where it is still there. */
function fill(menu, names) {
  const before = menu.value;
  menu.replaceChildren(...names.map((name) => new Option(name, name)));
  if (names.includes(before)) menu.value = before;
}

function choices() {
  const first = !$('function').value;
  fill($('function'), known.functions.map((one) => one.name));
  if (first) $('function').value = (known.functions.find((one) => one.scalar) ?? known.functions[0])?.name ?? '';
  fill($('export'), known.exports.map((one) => one.name));
  parameters();
  fields();
}

function parameters() {
  const chosen = known.functions.find((one) => one.name === $('function').value);
  fill($('wrt'), chosen?.params ?? []);
  // What gives more than a number has no gradient.
  if (chosen && !chosen.scalar) $('mode').value = 'forward';
}

async function derivative() {
  const target = $('derivative-text');
  if (!$('function').value) {
    target.textContent = 'No function with parameters.';
    return;
  }
  const request = { ask: 'derivative', text: text.value, function: $('function').value, wrt: [$('wrt').value], forward: $('mode').value === 'forward' };
  const answer = await compiler.latest('derivative', request);
  if (!answer) return;
  if (answer.text !== undefined) target.innerHTML = paint(answer.text, null);
  else if (answer.errors !== undefined) target.innerHTML = ansi(answer.errors);
  else target.innerHTML = `<span class="error-text">${escaped(answer.error)}</span>`;
  target.dataset.done = `${request.function}.${request.wrt}`;
}
$('function').addEventListener('change', () => { $('mode').value = 'reverse'; parameters(); derivative(); });
for (const id of ['wrt', 'mode']) $(id).addEventListener('change', derivative);

// ---- Calls.

const given = new Map(); // What was typed into the fields, by export and name.

function fields() {
  const chosen = known.exports.find((one) => one.name === $('export').value);
  const row = (kind, name, type, placeholder) => {
    const key = `${chosen.name}/${kind}/${name}`;
    return `<code>${escaped(name)}${type ? `: ${escaped(type)}` : ''}</code><input data-key="${escaped(key)}" data-kind="${kind}" data-name="${escaped(name)}" placeholder="${placeholder}" value="${escaped(given.get(key) ?? '')}" aria-label="${escaped(name)}">`;
  };
  const html = !chosen ? '<p class="faint">Write <code>export</code> before a function to call it.</p>' : [
    ...chosen.dims.map((dim) => row('dim', dim.name, '', `size, ${dim.min}${dim.max === null || dim.max === undefined ? ' and more' : ` to ${dim.max}`}`)),
    ...chosen.params.map((param) => row('input', param.name, param.type, 'random, or 0.5, [[1, 2], [3, 4]], zeros(2, 3), key(1)')),
  ].join('');
  if ($('arguments').innerHTML !== html && !$('arguments').contains(document.activeElement)) $('arguments').innerHTML = html;
  $('run').hidden = !chosen;
}

async function call() {
  if (!$('export').value || !known?.exports.length) return show('outputs', '');
  const dims = {};
  const inputs = {};
  for (const field of document.querySelectorAll('#arguments input')) {
    const { kind, name } = field.dataset;
    if (kind === 'dim' && /^\s*-?\d+\s*$/.test(field.value)) dims[name] = Number(field.value);
    if (kind === 'input') inputs[name] = field.value;
  }
  const request = { ask: 'call', text: text.value, export: $('export').value, dims, inputs };
  const start = performance.now();
  const answer = await compiler.latest('call', request);
  if (!answer) return;
  const time = Math.round(performance.now() - start);
  if (answer.errors !== undefined) show('outputs', `<pre class="rendered">${ansi(answer.errors)}</pre>`);
  else if (answer.error !== undefined) show('outputs', `<p class="error-text">${escaped(answer.error)}</p>`);
  else $('outputs').replaceChildren(outputs(answer, time));
  $('outputs').dataset.done = request.export;
}
$('call').addEventListener('submit', (event) => { event.preventDefault(); call(); });
$('export').addEventListener('change', () => { fields(); call(); });
$('arguments').addEventListener('input', ({ target }) => given.set(target.dataset.key, target.value));
$('arguments').addEventListener('change', call);

// ---- The head.

$('format').addEventListener('click', async () => {
  const asked = text.value;
  const answer = await compiler.ask({ ask: 'format', text: asked });
  if (answer.text === undefined) $('status').textContent = answer.error;
  else if (asked === text.value) {
    text.value = answer.text;
    changed();
  }
});

async function packed(bytes, stream) {
  const piped = new Blob([bytes]).stream().pipeThrough(stream);
  return new Uint8Array(await new Response(piped).arrayBuffer());
}

$('share').addEventListener('click', async () => {
  const bytes = await packed(new TextEncoder().encode(text.value), new CompressionStream('deflate-raw'));
  const base = btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  history.replaceState(null, '', `#p=${base}`);
  try {
    await navigator.clipboard.writeText(location.href);
    $('status').textContent = 'The address is copied.';
  } catch {
    $('status').textContent = 'The address holds the program.';
  }
});

/** The program that the address holds. */
async function shared() {
  const found = location.hash.match(/[#&]p=([A-Za-z0-9_-]+)/);
  if (!found) return null;
  try {
    const base = found[1].replaceAll('-', '+').replaceAll('_', '/');
    const bytes = Uint8Array.from(atob(base), (character) => character.charCodeAt(0));
    return new TextDecoder().decode(await packed(bytes, new DecompressionStream('deflate-raw')));
  } catch {
    $('status').textContent = 'The address holds no program.';
    return null;
  }
}

const theme = () => document.documentElement.dataset.theme ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
$('theme').addEventListener('click', () => {
  document.documentElement.dataset.theme = theme() === 'dark' ? 'light' : 'dark';
});

async function begin() {
  const settings = new URLSearchParams(location.hash.slice(1));
  if (settings.get('theme')) document.documentElement.dataset.theme = settings.get('theme');
  const examples = await (await fetch('examples.json')).json();
  $('examples').replaceChildren(...examples.map(({ name }) => new Option(name, name)));
  $('examples').addEventListener('change', () => {
    text.value = examples.find(({ name }) => name === $('examples').value).text;
    text.scrollTop = 0;
    history.replaceState(null, '', location.pathname);
    changed();
  });
  const wanted = examples.find(({ name }) => name === settings.get('example')) ?? examples[0];
  $('examples').value = wanted.name;
  text.value = (await shared()) ?? wanted.text;
  select(settings.get('panel') ?? 'problems');
  changed();
}
begin();
