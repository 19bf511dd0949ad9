// The search, the menu of narrow screens, and the choice of light or dark. Without it, all pages can still be read.
"use strict";
(() => {
  const root = document.documentElement;
  const byId = (id) => document.getElementById(id);
  const field = byId("dlc-search");
  const found = byId("dlc-found");
  const page = byId("dlc-page");
  const SHOWN = 60;

  // Light or dark: what the system says, until someone chooses. A browser may refuse to keep the choice.
  const kept = (choice) => {
    try {
      if (choice !== undefined) localStorage.setItem("dlc-theme", choice);
      return localStorage.getItem("dlc-theme");
    } catch {
      return null;
    }
  };
  const wanted = new URLSearchParams(location.search).get("theme") || kept();
  if (wanted === "light" || wanted === "dark") root.dataset.theme = wanted;
  byId("dlc-theme").addEventListener("click", () => {
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const now = root.dataset.theme || (dark ? "dark" : "light");
    root.dataset.theme = now === "dark" ? "light" : "dark";
    kept(root.dataset.theme);
  });

  const menu = byId("dlc-menu");
  const show = (open) => {
    root.classList.toggle("menu", open);
    menu.setAttribute("aria-expanded", String(open));
  };
  menu.addEventListener("click", () => show(!root.classList.contains("menu")));
  byId("dlc-side").addEventListener("click", (event) => {
    if (event.target.closest("a")) show(false);
  });
  const here = document.querySelector("#dlc-side [aria-current]");
  if (here) here.scrollIntoView({ block: "center" });
  window.scrollTo(0, 0);
  if (location.hash) byId(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();

  // The index is a script of its own, which is loaded when it is wanted.
  let index = null;
  const withIndex = (then) => {
    if (index) return then();
    const script = document.createElement("script");
    script.src = "search.js";
    script.onload = () => {
      index = globalThis.dlcIndex.map(([name, kind, place, address, summary, text]) => ({
        name, kind, place, address, summary, text,
        lowName: name.toLowerCase(), lowPlace: place.toLowerCase(), lowText: text.toLowerCase(),
      }));
      then();
    };
    script.onerror = () => {
      found.textContent = "search.js is not beside this page";
      found.hidden = false;
    };
    document.head.append(script);
  };

  const words = (text) => text.toLowerCase().split(/[\s:]+/).filter((word) => word);

  // How well an entry fits a word: names count most, and of these what is the whole, begins with it, or has it.
  const points = (entry, word) => {
    const own = entry.lowName.slice(entry.lowName.lastIndexOf(":") + 1);
    if (own === word || entry.lowName === word) return 100;
    if (own.startsWith(word)) return 60;
    if (entry.lowName.split(/[_\s.-]+/).includes(word)) return 50;
    if (entry.lowName.includes(word)) return 40;
    if (entry.lowPlace.includes(word)) return 12;
    const at = entry.lowText.indexOf(word);
    if (at < 0) return 0;
    return /\w/.test(entry.lowText[at - 1] || " ") ? 4 : 8;
  };
  const search = (query) => {
    const all = words(query);
    const hits = [];
    for (const entry of index) {
      let sum = 0;
      const fits = all.every((word) => {
        const more = points(entry, word);
        sum += more;
        return more > 0;
      });
      // Fields and headings come after items that fit as well.
      if (fits) hits.push([sum - (entry.kind === "field" ? 15 : entry.kind === "guide" ? 5 : 0), entry]);
    }
    hits.sort(([a, one], [b, other]) => b - a || one.name.length - other.name.length || (one.name < other.name ? -1 : 1));
    return hits.map(([, entry]) => entry);
  };

  const element = (name, className, text) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  // The words around the first place where one of those that were asked for stands.
  const around = (entry, all) => {
    const line = element("p");
    const at = all.map((word) => entry.lowText.indexOf(word)).filter((at) => at >= 0).sort((a, b) => a - b)[0];
    if (at === undefined) {
      line.textContent = entry.summary || entry.text.slice(0, 160);
      return line;
    }
    const start = at < 60 ? 0 : entry.text.indexOf(" ", at - 60) + 1;
    const cut = entry.text.slice(start, start + 180);
    const marks = cut.split(new RegExp(`(${all.map((word) => word.replace(/[^\w]/g, "\\$&")).join("|")})`, "i"));
    if (start > 0) line.append("… ");
    marks.forEach((part, n) => line.append(n % 2 ? element("mark", "", part) : part));
    if (start + 180 < entry.text.length) line.append(" …");
    return line;
  };
  const render = (query) => {
    const all = words(query);
    found.replaceChildren();
    found.hidden = all.length === 0;
    page.hidden = all.length > 0;
    if (found.hidden) return;
    const hits = search(query);
    const count = hits.length === 1 ? "1 result" : `${hits.length} results`;
    found.append(element("h1", "", `${count} for “${query.trim()}”`));
    const list = element("ol");
    for (const entry of hits.slice(0, SHOWN)) {
      const line = element("li");
      const link = element("a");
      link.href = entry.address;
      link.append(element("span", `kind ${entry.kind}`, entry.kind), " ", element("b", "", entry.name));
      if (entry.place && entry.place !== entry.name) link.append(" ", element("span", "in", entry.place));
      const inName = all.every((word) => entry.lowName.includes(word));
      line.append(link, inName && entry.summary ? element("p", "", entry.summary) : around(entry, all));
      list.append(line);
    }
    found.append(list);
    if (hits.length > SHOWN) found.append(element("p", "", `${hits.length - SHOWN} more; add a word`));
  };

  const remember = (query) => {
    const url = new URL(location.href);
    if (query.trim()) url.searchParams.set("q", query);
    else url.searchParams.delete("q");
    try {
      history.replaceState(null, "", url);
    } catch {
      // A page on a disk may not be allowed to change its address.
    }
  };
  field.addEventListener("input", () => {
    const query = field.value;
    remember(query);
    withIndex(() => {
      if (query === field.value) {
        window.scrollTo(0, 0);
        render(query);
      }
    });
  });
  field.addEventListener("focus", () => withIndex(() => {}));

  // What has been found is gone through with the arrows.
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target === field;
    const links = [...found.querySelectorAll("a")];
    const at = links.indexOf(document.activeElement);
    if (event.key === "/" && !typing) {
      event.preventDefault();
      field.select();
    } else if (event.key === "Escape" && (typing || at >= 0)) {
      field.value = "";
      remember("");
      render("");
      field.blur();
    } else if (event.key === "Enter" && typing && links.length) {
      links[0].click();
    } else if (!found.hidden && event.key === "ArrowDown" && at + 1 < links.length) {
      event.preventDefault();
      links[at + 1].focus();
    } else if (!found.hidden && event.key === "ArrowUp" && (at >= 0 || typing)) {
      event.preventDefault();
      (links[at - 1] || field).focus();
    }
  });
  // A result on this page leaves the search.
  found.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link || link.pathname !== location.pathname) return;
    field.value = "";
    render("");
  });

  const query = new URLSearchParams(location.search).get("q");
  if (query) {
    field.value = query;
    withIndex(() => render(query));
  }
})();
