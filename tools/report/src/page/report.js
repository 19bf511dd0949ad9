"use strict";
// The parts of the page that move: costs of the export that is chosen, the order of the passes, and texts side by side, of
// which only the lines in sight are elements.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const ROW = 18;

  const element = (tag, attributes, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  };

  const short = (value) => {
    const prefixes = ["", " k", " M", " G", " T", " P"];
    let at = 0;
    while (value >= 999.5 && at + 1 < prefixes.length) { value /= 1000; at += 1; }
    return value.toFixed(at > 0 && value < 99.5 ? 1 : 0) + prefixes[at];
  };

  // ---- Costs by line ----
  const entry = document.getElementById("cost-entry");
  const calls = document.getElementById("cost-calls");

  const cell = (amount, most) => {
    const made = document.createElement("td");
    made.className = "cost";
    if (!amount || (amount.value === 0)) return made;
    made.title = amount.formula;
    const value = amount.value;
    if (value !== null) {
      const width = Math.max(1, Math.round(60 * value / most));
      const space = "http://www.w3.org/2000/svg";
      const picture = document.createElementNS(space, "svg");
      for (const [name, text] of [["width", 60], ["height", 10], ["aria-hidden", "true"]]) picture.setAttribute(name, text);
      const bar = document.createElementNS(space, "rect");
      bar.setAttribute("width", width);
      bar.setAttribute("height", 10);
      picture.append(bar);
      made.append(picture);
      if (value > most / 3) made.classList.add("hot");
    }
    made.append(value === null ? amount.formula : short(value));
    return made;
  };

  const showCosts = () => {
    const costs = data.entries[Number(entry.value)]?.costs ?? [];
    const flops = (cost) => calls.checked ? cost.flops_with_calls : cost.flops;
    const most = (of) => Math.max(1, ...costs.map((cost) => of(cost).value ?? 0));
    const [mostFlops, mostBytes] = [most(flops), most((cost) => cost.bytes)];
    const lines = new Map(costs.map((cost) => [`f${cost.file}-${cost.line}`, cost]));
    for (const table of document.querySelectorAll("table.source")) {
      for (const row of table.tBodies[0].rows) {
        const cost = lines.get(row.id);
        row.cells[1].replaceWith(cell(cost && flops(cost), mostFlops));
        row.cells[2].replaceWith(cell(cost?.bytes, mostBytes));
      }
    }
  };
  entry.addEventListener("change", showCosts);
  calls.addEventListener("change", showCosts);
  // The export of the most operations is what is asked for most often.
  const total = (one) => one.costs.reduce((sum, cost) => sum + (cost.flops.value ?? 0), 0);
  const greatest = data.entries.reduce((best, one, i) => total(one) > total(data.entries[best]) ? i : best, 0);
  if (data.entries.length > 0) entry.value = String(greatest);
  showCosts();
  for (const parts of ["details.graph", "details.memory"]) {
    document.querySelectorAll(parts).forEach((part, i) => { part.open = i === greatest; });
  }

  // A graph begins where its first box is.
  const center = (graph) => {
    const picture = graph.querySelector(".picture");
    const first = graph.querySelector(".node rect");
    if (first) picture.scrollLeft = Number(first.getAttribute("x")) + first.getAttribute("width") / 2 - picture.clientWidth / 2;
  };
  // A box that is pointed at shows its arrows.
  for (const picture of document.querySelectorAll("#graphs .picture")) {
    const arrows = [...picture.querySelectorAll(".arrow")];
    picture.querySelectorAll(".node").forEach((node, number) => {
      const light = (on) => arrows
        .filter(({ dataset }) => [dataset.from, dataset.to].includes(String(number)))
        .forEach((arrow) => arrow.classList.toggle("lit", on));
      node.addEventListener("pointerenter", () => light(true));
      node.addEventListener("pointerleave", () => light(false));
    });
  }
  for (const graph of document.querySelectorAll("details.graph")) {
    graph.addEventListener("toggle", () => center(graph), { once: true });
    if (graph.open) center(graph);
  }

  // A link to a line opens what it stands in.
  const reveal = () => {
    const target = document.getElementById(location.hash.slice(1));
    if (!target) return;
    for (let at = target.parentElement; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    target.scrollIntoView({ block: "center" });
    const line = /^f(\d+)-(\d+)$/.exec(location.hash.slice(1));
    if (line) choose([Number(line[1]), Number(line[2])], null);
  };

  // ---- Passes ----
  const sort = document.getElementById("sort");
  sort.addEventListener("click", () => {
    const pressed = sort.getAttribute("aria-pressed") === "false";
    sort.setAttribute("aria-pressed", String(pressed));
    const body = document.getElementById("times").tBodies[0];
    const key = (row) => pressed ? -Number(row.dataset.ms) : Number(row.cells[0].textContent);
    body.append(...[...body.rows].sort((a, b) => key(a) - key(b)));
  });

  // ---- Levels side by side ----
  class Pane {
    constructor(name, texts) {
      this.texts = texts;
      this.current = 0;
      this.place = null;
      this.select = element("select", { "aria-label": `function of ${name}` },
        ...texts.map((text, i) => new Option(`${text.name} (${text.lines.length + text.left_out})`, i)));
      this.rows = element("div", { class: "rows", tabindex: "0", role: "region", "aria-label": `text of ${name}` });
      this.space = document.createElement("div");
      this.rows.append(this.space);
      this.rest = element("p", { class: "rest" });
      this.box = element("div", { class: "pane", "data-level": name }, element("h3", {}, name, this.select), this.rows, this.rest);
      this.rows.addEventListener("scroll", () => this.render());
      this.rows.addEventListener("keydown", (event) => this.key(event));
      this.rows.addEventListener("click", (event) => {
        const row = event.target.closest(".row");
        if (row) this.pick(Number(row.dataset.row));
      });
      this.select.addEventListener("change", () => this.show(Number(this.select.value)));
      this.show(0);
    }

    show(index) {
      this.text = this.texts[index];
      this.select.value = String(index);
      this.current = 0;
      const longest = this.text.lines.reduce((most, line) => Math.max(most, line.length), 0);
      this.space.style.height = `${this.text.lines.length * ROW}px`;
      this.space.style.width = `${Math.min(longest + 8, 2000)}ch`;
      this.rest.textContent = this.text.left_out > 0 ? `${this.text.left_out} more lines are left out` : "";
      this.rows.scrollTop = 0;
      this.render();
    }

    /// The function of an export: the longest of those that may be it.
    choose({ name, symbol }) {
      this.symbol = symbol;
      const names = [name, symbol, `${symbol}__impl`, `${symbol}_packed`];
      let best = -1;
      this.texts.forEach((text, i) => {
        // Behind what parts of a module call theirs.
        const fits = names.includes(text.name.slice(text.name.lastIndexOf(".") + 1));
        if (fits && (best < 0 || text.lines.length > this.texts[best].lines.length)) best = i;
      });
      // On a GPU there are only its kernels.
      if (best < 0) best = this.texts.findIndex((text) => text.name.startsWith(`${symbol}__impl__`));
      if (best >= 0) this.show(best);
    }

    placeOf(row) {
      const at = this.text.at[row];
      return at ? this.text.places[at - 1] : null;
    }

    isLinked(row) {
      const place = this.placeOf(row);
      return place !== null && this.place !== null && place[0] === this.place[0] && place[1] === this.place[1];
    }

    render() {
      const height = this.rows.clientHeight || 600;
      const first = Math.max(0, Math.floor(this.rows.scrollTop / ROW) - 10);
      const last = Math.min(this.text.lines.length, Math.ceil((this.rows.scrollTop + height) / ROW) + 10);
      const made = [];
      for (let i = first; i < last; i += 1) {
        const place = this.placeOf(i);
        const at = element("span", { class: "at" }, place ? String(place[1]) : "");
        const row = element("div", { class: "row", "data-row": i }, at, this.text.lines[i]);
        if (this.isLinked(i)) row.classList.add("linked");
        if (i === this.current) { row.classList.add("current"); row.setAttribute("aria-current", "true"); }
        row.style.top = `${i * ROW}px`;
        made.push(row);
      }
      this.space.replaceChildren(...made);
    }

    pick(row) {
      this.current = row;
      const place = this.placeOf(row);
      if (place) choose(place, this);
      this.render();
    }

    key(event) {
      const page = Math.floor(this.rows.clientHeight / ROW) - 1;
      const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
      const step = steps[event.key];
      if (step === undefined) return;
      event.preventDefault();
      const row = Math.max(0, Math.min(this.text.lines.length - 1, this.current + step));
      this.reach(row);
      this.pick(row);
    }

    reach(row) {
      const [top, bottom] = [row * ROW, (row + 1) * ROW];
      if (top < this.rows.scrollTop || bottom > this.rows.scrollTop + this.rows.clientHeight) {
        this.rows.scrollTop = Math.max(0, top - this.rows.clientHeight / 3);
      }
    }

    /// The text that a place is looked for in: the one that is shown, then that of the export with most of it, then others.
    textOf([file, line]) {
      const count = (text) => {
        const number = text.places.findIndex((place) => place[0] === file && place[1] === line) + 1;
        return number ? text.at.filter((at) => at === number).length : 0;
      };
      if (count(this.text) > 0) return this.text;
      const ofEntry = this.texts.filter(({ name }) => this.symbol && name.includes(`${this.symbol}__`));
      const most = (texts) => texts
        .map((text) => [count(text), text])
        .reduce((best, one) => one[0] > best[0] ? one : best, [0, undefined])[1];
      return most(ofEntry) ?? most(this.texts);
    }

    /// Marks the lines of a place; those of others are brought into sight.
    mark(place, scroll) {
      this.place = place;
      const text = scroll ? this.textOf(place) : undefined;
      if (text) {
        if (text !== this.text) this.show(this.texts.indexOf(text));
        const row = text.lines.findIndex((_, i) => this.isLinked(i));
        if (row >= 0) { this.current = row; this.reach(row); }
      }
      this.render();
    }
  }

  const tables = [...document.querySelectorAll("table.source")];
  const source = {
    name: "source",
    functions: tables.map((table, file) => {
      const lines = [...table.tBodies[0].rows].map((row) => row.querySelector("code").textContent);
      const places = lines.map((_, i) => [file, i + 1]);
      const name = table.closest("details").querySelector("summary").textContent;
      return { name, lines, at: lines.map((_, i) => i + 1), places, left_out: 0 };
    }),
  };
  const panes = [];
  const choice = document.getElementById("level-choice");
  const box = document.getElementById("panes");
  const showLevels = (levels) => {
    const isForGpu = levels.some((level) => level.name === "ptx");
    const first = ["source", "dl", ...(isForGpu ? ["gpu", "ptx"] : ["loops", "asm"])];
    for (const level of [source, ...levels]) {
      if (level.functions.length === 0) continue;
      const pane = new Pane(level.name, level.functions);
      pane.isSource = level === source;
      panes.push(pane);
      box.append(pane.box);
      const shown = element("input", { type: "checkbox", value: level.name });
      shown.checked = first.includes(level.name);
      pane.box.hidden = !shown.checked;
      shown.addEventListener("change", () => { pane.box.hidden = !shown.checked; pane.render(); });
      choice.append(element("label", {}, shown, ` ${level.name} `));
    }
  };

  /// The texts of the levels, which are packed in the page.
  const unpacked = async () => {
    const packed = Uint8Array.from(atob(document.getElementById("texts").textContent), (one) => one.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Response(stream).json();
  };

  /// Chooses a place: all panes but the one it was chosen in go there.
  function choose(place, from) {
    for (const pane of panes) pane.mark(place, pane !== from);
    for (const row of document.querySelectorAll("table.source tr.linked")) row.classList.remove("linked");
    document.getElementById(`f${place[0]}-${place[1]}`)?.classList.add("linked");
  }

  const levelEntry = document.getElementById("level-entry");
  const chooseEntry = () => {
    const chosen = data.entries[Number(levelEntry.value)];
    for (const pane of panes) if (!pane.isSource && chosen) pane.choose(chosen);
  };
  levelEntry.addEventListener("change", chooseEntry);
  if (data.entries.length > 0) levelEntry.value = String(greatest);
  window.addEventListener("hashchange", reveal);
  unpacked().then((levels) => {
    showLevels(levels);
    chooseEntry();
    if (location.hash) reveal();
    document.documentElement.dataset.ready = "yes";
  }, (error) => box.append(element("p", { class: "note" }, `This browser can't unpack the texts of the levels: ${error}`)));
})();
