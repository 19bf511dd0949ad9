// Texts as HTML: escapes, the colours of a terminal, and the Markdown of hovers and pages of codes.
import { paint } from './paint.js';

const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** A text that is safe in HTML, also in attributes. */
export function escaped(text) {
  return String(text).replace(/[&<>"']/g, (character) => ENTITIES[character]);
}

const COLOURS = { 1: 'error', 9: 'error', 3: 'warning', 11: 'warning', 4: 'accent', 12: 'accent', 6: 'accent', 14: 'accent', 2: 'string', 10: 'string' };

/** A text with the escapes that colour a terminal. */
export function ansi(text) {
  let html = '';
  let open = false;
  let bold = false;
  let colour = null;
  for (const part of text.split(/(\x1b\[[0-9;]*m)/)) {
    const found = part.match(/^\x1b\[([0-9;]*)m$/);
    if (!found) {
      html += escaped(part);
      continue;
    }
    const codes = found[1].split(';').map(Number);
    for (let i = 0; i < codes.length; i++) {
      if (codes[i] === 0) [bold, colour] = [false, null];
      else if (codes[i] === 1) bold = true;
      else if (codes[i] === 38 && codes[i + 1] === 5) {
        colour = COLOURS[codes[i + 2]] ?? null;
        i += 2;
      } else if (codes[i] >= 30 && codes[i] < 38) colour = COLOURS[codes[i] - 30] ?? null;
      else if (codes[i] >= 90 && codes[i] < 98) colour = COLOURS[codes[i] - 82] ?? null;
    }
    if (open) html += '</span>';
    open = bold || colour !== null;
    if (open) html += `<span style="${bold ? 'font-weight:600;' : ''}${colour ? `color:var(--${colour})` : ''}">`;
  }
  return html + (open ? '</span>' : '');
}

/** The Markdown that hovers and pages of codes use: headings, paragraphs, fences, `code`, lists. */
export function markdown(text) {
  const inline = (line) => escaped(line).replace(/`([^`]+)`/g, '<code>$1</code>').replace(/\*\*([^*]+)\*\*/g, '<b>$1</b>');
  return text.split(/^```/m).map((part, i) => {
    if (i % 2 === 1) {
      const [, ...lines] = part.split('\n');
      return `<pre>${paint(lines.join('\n').trimEnd(), null)}</pre>`;
    }
    return part.split(/\n{2,}/).map((block) => block.trim()).filter(Boolean).map((block) => {
      const heading = block.match(/^(#+) (.*)$/m);
      if (heading && block.startsWith('#')) {
        const rest = block.split('\n').slice(1).join('\n').trim();
        return `<h2>${inline(heading[2])}</h2>${rest ? `<p>${inline(rest)}</p>` : ''}`;
      }
      return `<p>${inline(block)}</p>`;
    }).join('');
  }).join('');
}
