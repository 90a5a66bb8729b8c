
"use strict";
(() => {
  const PAGE_ROWS = 50;
  const FOLDED_FROM = 1800;
  const SHORT = 60;
  const root = document.documentElement;

  // Text goes in as text nodes only: nothing in a report is ever parsed as markup here.
  const make = (name, css, text) => {
    const node = document.createElement(name);
    if (css) node.className = css;
    if (text !== undefined) node.textContent = text;
    return node;
  };

  // ---- light and dark ----
  const remembered = () => { try { return localStorage.getItem("honing-theme"); } catch { return null; } };
  const remember = (theme) => { try { localStorage.setItem("honing-theme", theme); } catch { /* a file may have no storage */ } };
  const asked = /(?:^#|&)theme=(dark|light)/.exec(location.hash);
  const systemDark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : systemDark.matches);
  const first = asked ? asked[1] : remembered();
  if (first === "dark" || first === "light") root.dataset.theme = first;
  const showTheme = () => {
    const button = document.getElementById("theme");
    button.textContent = isDark() ? "Light" : "Dark";
    button.setAttribute("aria-pressed", String(isDark()));
  };
  const flipTheme = () => { root.dataset.theme = isDark() ? "light" : "dark"; remember(root.dataset.theme); showTheme(); };

  // ---- tables ----
  const compare = (a, b) => {
    if (a === "" || b === "") return (a === "") - (b === "");
    const x = Number(a), y = Number(b);
    return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b) : x - y;
  };
  const sortable = (table) => {
    const heads = [...table.tHead.rows[0].cells];
    const body = table.tBodies[0];
    const original = [...body.rows];
    heads.forEach((head, column) => {
      const button = head.querySelector(".sort");
      if (!button) return;
      button.addEventListener("click", () => {
        const now = head.getAttribute("aria-sort");
        const next = now === "descending" ? "ascending" : now === "ascending" ? null : "descending";
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        let rows = original;
        if (next) {
          head.setAttribute("aria-sort", next);
          const key = (row) => row.cells[column].dataset.sort || "";
          const sign = next === "ascending" ? 1 : -1;
          // Empty cells stay at the end in both directions.
          rows = [...original].sort((a, b) => (key(a) === "" || key(b) === "" ? 1 : sign) * compare(key(a), key(b)));
        }
        body.append(...rows);
      });
    });
  };

  // ---- a table as tab-separated values ----
  const plain = (text) => text.replace(/\s+/g, " ").trim();
  // Whatever a spreadsheet would take for a formula gets an apostrophe before it.
  const inert = (text) => (/^[=+\-@\uff1d\uff0b\uff0d\uff20]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text);
  const tsv = (table) => {
    const heads = [...table.tHead.rows[0].cells].map((head) => plain(head.textContent));
    const rows = [...table.tBodies[0].rows].map((row) => [...row.cells]);
    const ended = heads.map((_, at) => rows.some((cells) => cells[at]?.dataset.low !== undefined));
    const value = (cell) => {
      if (cell.querySelector(".none") || (cell.dataset.low !== undefined && !cell.querySelector(".bounds"))) return "";
      return cell.classList.contains("right") && cell.dataset.sort !== "" ? cell.dataset.sort : inert(plain(cell.textContent));
    };
    const line = (cells) => cells.flatMap((cell, at) => (ended[at] ? [value(cell), cell.dataset.low ?? "", cell.dataset.high ?? ""] : [value(cell)]));
    const titles = heads.flatMap((head, at) => (ended[at] ? [inert(head), inert(`${head} low`), inert(`${head} high`)] : [inert(head)]));
    return [titles, ...rows.map(line)].map((cells) => cells.join("\t")).join("\n") + "\n";
  };
  const copyable = (table) => {
    if (table.tBodies[0].rows.length < 2) return;
    const button = make("button", "copy quiet", "Copy as TSV");
    button.type = "button";
    button.addEventListener("click", async () => {
      const text = tsv(table);
      try { await navigator.clipboard.writeText(text); }
      catch {
        const area = make("textarea", "hidden", text);
        document.body.append(area);
        area.select();
        document.execCommand("copy");
        area.remove();
      }
      button.textContent = "Copied";
      button.classList.add("copied");
      setTimeout(() => { button.textContent = "Copy as TSV"; button.classList.remove("copied"); }, 1600);
    });
    table.parentElement.after(button);
  };

  // ---- on paper everything is open ----
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("main details:not(.data):not([open])")];
    opened.forEach((each) => { each.open = true; });
  });
  addEventListener("afterprint", () => { opened.forEach((each) => { each.open = false; }); opened = []; });

  // ---- samples ----
  const [ID, PROMPT, COMPLETION, TARGET, REWARD, STATUS, MARK, COLUMNS, DETAILS] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const GLYPHS = { right: "\u2713", wrong: "\u2717", unjudged: "?" };
  const words = (value) => (Array.isArray(value) ? value[0] : value);

  class Browser {
    constructor(box) {
      const data = JSON.parse(document.getElementById(box.dataset.rows).textContent);
      Object.assign(this, { box, columns: data.columns, details: data.details, rows: data.rows, page: 0, at: -1, open: new Set(), texts: [] });
      this.list = box.querySelector(".rows");
      this.search = box.querySelector(".search");
      this.filters = new Map();
      this.mark = "";
      this.usual = this.#usualStatus();
      this.#marks();
      this.#selects();
      this.titles = this.#titles();
      this.search.addEventListener("input", () => { clearTimeout(this.waiting); this.waiting = setTimeout(() => this.refresh(), 120); });
      this.search.addEventListener("blur", () => { if (this.waiting) this.refresh(); });
      box.querySelector(".previous").addEventListener("click", () => this.turn(-1));
      box.querySelector(".next").addEventListener("click", () => this.turn(1));
      box.addEventListener("focusin", () => { Browser.active = this; });
      this.refresh();
    }

    // The status most samples have needs no badge; a column of its own only where there is another.
    #usualStatus() {
      const counts = new Map();
      for (const row of this.rows) counts.set(row[STATUS], (counts.get(row[STATUS]) ?? 0) + 1);
      this.hasStatus = counts.size > 1;
      return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
    }

    #titles() {
      const item = make("li", "titles");
      item.setAttribute("aria-hidden", "true");
      item.append(make("span"), make("span", "", "id"), make("span", "", "prompt"));
      this.columns.forEach((column) => item.append(make("span", column.right ? "right" : "", column.title)));
      if (this.hasStatus) item.append(make("span", "", "status"));
      item.append(make("span", "right", "reward"));
      this.list.style.setProperty("--extras", item.children.length - 3);
      return item;
    }

    #marks() {
      const group = this.box.querySelector(".marks");
      const present = ["right", "wrong", "unjudged"].filter((mark) => this.rows.some((row) => row[MARK] === mark));
      this.hasMarks = present.length > 1;
      if (!this.hasMarks) return;
      for (const mark of ["", ...present]) {
        const count = mark ? this.rows.filter((row) => row[MARK] === mark).length : this.rows.length;
        const button = make("button", "", `${mark || "all"} ${count.toLocaleString("en")}`);
        button.type = "button";
        button.dataset.mark = mark;
        button.setAttribute("aria-pressed", String(mark === ""));
        button.addEventListener("click", () => {
          this.mark = mark;
          group.querySelectorAll("button").forEach((each) => each.setAttribute("aria-pressed", String(each === button)));
          this.refresh();
        });
        group.append(button);
      }
    }

    #selects() {
      const place = this.box.querySelector(".selects");
      const add = (title, read) => {
        const values = [...new Set(this.rows.map(read))].filter((value) => value !== "").sort((a, b) => a.localeCompare(b));
        if (values.length < 2 || values.length > 200) return;
        const select = make("select");
        select.setAttribute("aria-label", title);
        select.append(new Option(`${title}: any`, ""), ...values.map((value) => new Option(value, value)));
        select.addEventListener("change", () => { this.filters.set(title, { read, value: select.value }); this.refresh(); });
        place.append(select);
      };
      add("status", (row) => row[STATUS]);
      this.columns.forEach((column, n) => { if (column.filter) add(column.title, (row) => words(row[COLUMNS][n])); });
    }

    #text(index) {
      const row = this.rows[index];
      return (this.texts[index] ??= [row[ID], row[PROMPT], row[COMPLETION], row[TARGET], ...row[COLUMNS].map(words), ...row[DETAILS].map(words)].join("\n").toLowerCase());
    }

    refresh() {
      clearTimeout(this.waiting);
      this.waiting = undefined;
      const query = this.search.value.trim().toLowerCase();
      const wanted = [...this.filters.values()].filter((filter) => filter.value !== "");
      this.shown = [];
      this.rows.forEach((row, index) => {
        if (this.mark && row[MARK] !== this.mark) return;
        if (wanted.some((filter) => filter.read(row) !== filter.value)) return;
        if (query && !this.#text(index).includes(query)) return;
        this.shown.push(index);
      });
      this.page = 0;
      this.at = -1;
      this.draw();
    }

    draw() {
      const start = this.page * PAGE_ROWS;
      const visible = this.shown.slice(start, start + PAGE_ROWS);
      this.list.replaceChildren(this.titles, ...visible.map((index) => this.#row(index)));
      const total = this.rows.length.toLocaleString("en");
      const count = this.shown.length.toLocaleString("en");
      this.box.querySelector(".count").textContent = this.shown.length === this.rows.length && this.hasMarks ? "" : `${count} of ${total} samples`;
      const pages = Math.max(1, Math.ceil(this.shown.length / PAGE_ROWS));
      const pager = this.box.querySelector(".pager");
      pager.hidden = pages === 1;
      pager.querySelector(".where").textContent = `${(start + 1).toLocaleString("en")}\u2013${(start + visible.length).toLocaleString("en")} of ${count}`;
      pager.querySelector(".previous").disabled = this.page === 0;
      pager.querySelector(".next").disabled = this.page === pages - 1;
    }

    #row(index) {
      const row = this.rows[index];
      const node = make("li", "row");
      node.dataset.index = index;
      const button = make("button");
      button.type = "button";
      const tell = make("span", `tell ${row[MARK]}`, GLYPHS[row[MARK]]);
      tell.setAttribute("role", "img");
      tell.setAttribute("aria-label", row[MARK]);
      button.append(tell, make("span", "id", row[ID]), make("span", "start", row[PROMPT].slice(0, 400).replace(/\s+/g, " ")));
      row[COLUMNS].forEach((value, n) => button.append(this.#extra(value, this.columns[n].right ? "right" : "")));
      if (this.hasStatus) button.append(this.#extra(row[STATUS] === this.usual ? "" : [row[STATUS], "warn"], ""));
      button.append(this.#extra(row[REWARD], "right reward"));
      button.addEventListener("click", () => { this.at = this.shown.indexOf(index); this.toggle(node, index); });
      node.append(button);
      this.#dress(node, index);
      return node;
    }

    #extra(value, css) {
      const cell = make("span", `extra ${css}`);
      if (Array.isArray(value)) cell.append(make("span", `badge ${value[1]}`, value[0]));
      else cell.textContent = value;
      return cell;
    }

    #dress(node, index) {
      const open = this.open.has(index);
      node.classList.toggle("open", open);
      node.firstChild.setAttribute("aria-expanded", String(open));
      node.querySelector(".opened")?.remove();
      if (open) node.append(this.#opened(index));
    }

    #opened(index) {
      const row = this.rows[index];
      const box = make("div", "opened");
      box.append(this.#passage("Prompt", row[PROMPT]));
      const pair = make("div", "pair");
      pair.append(this.#passage("Completion", row[COMPLETION]), this.#passage("Target", row[TARGET]));
      box.append(pair);
      const extra = this.details.map((column, n) => [column, row[DETAILS][n]]).filter(([, value]) => value !== "");
      const short = extra.filter(([, value]) => Array.isArray(value) || (value.length <= SHORT && !value.includes("\n")));
      for (const [column, value] of extra) if (!short.some(([other]) => other === column)) box.append(this.#passage(column.title, words(value)));
      if (short.length) box.append(this.#facts(short));
      return box;
    }

    #facts(pairs) {
      const list = make("dl", "facts");
      for (const [column, value] of pairs) {
        const pair = make("div");
        const place = make("dd");
        place.append(this.#extra(value, ""));
        pair.append(make("dt", "", column.title), place);
        list.append(pair);
      }
      return list;
    }

    #passage(title, text) {
      const part = make("div");
      part.append(make("h3", "", title));
      if (text === "") { part.append(make("p", "none", "empty")); return part; }
      const pre = make("pre");
      pre.tabIndex = 0;
      pre.setAttribute("aria-label", title);
      this.#highlight(pre, text);
      part.append(pre);
      if (text.length > FOLDED_FROM || text.split("\n", 40).length === 40) {
        pre.classList.add("folded");
        const button = make("button", "unfold", `Show all ${text.length.toLocaleString("en")} characters`);
        button.type = "button";
        button.addEventListener("click", () => { pre.classList.remove("folded"); button.remove(); });
        part.append(button);
      }
      return part;
    }

    #highlight(pre, text) {
      const query = this.search.value.trim().toLowerCase();
      const low = text.toLowerCase();
      // Lower case can be longer than the text itself; positions would no longer agree.
      if (!query || low.length !== text.length) { pre.textContent = text; return; }
      let from = 0;
      for (let hits = 0; hits < 200; hits += 1) {
        const found = low.indexOf(query, from);
        if (found < 0) break;
        pre.append(text.slice(from, found), make("mark", "", text.slice(found, found + query.length)));
        from = found + query.length;
      }
      pre.append(text.slice(from));
    }

    toggle(node, index) {
      if (!this.open.delete(index)) this.open.add(index);
      this.#dress(node, index);
    }

    turn(by) {
      const last = Math.max(0, Math.ceil(this.shown.length / PAGE_ROWS) - 1);
      const page = Math.min(Math.max(this.page + by, 0), last);
      if (page === this.page) return;
      this.page = page;
      this.at = page * PAGE_ROWS;
      this.draw();
      this.#focus();
    }

    move(by) {
      if (!this.shown.length) return;
      this.at = Math.min(Math.max(this.at + by, 0), this.shown.length - 1);
      const page = Math.floor(this.at / PAGE_ROWS);
      if (page !== this.page) { this.page = page; this.draw(); }
      this.#focus();
    }

    #focus() {
      const node = this.#current();
      node?.firstChild.focus({ preventScroll: true });
      node?.scrollIntoView({ block: "nearest" });
    }

    #current() {
      return this.list.querySelectorAll(".row")[this.at - this.page * PAGE_ROWS];
    }

    close() {
      const index = this.shown[this.at];
      const node = this.#current();
      if (node && this.open.delete(index)) this.#dress(node, index);
    }
  }

  // ---- keys ----
  const typing = (target) => target instanceof HTMLInputElement || target instanceof HTMLSelectElement || target instanceof HTMLTextAreaElement;
  const keys = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const browser = Browser.active;
    if (typing(event.target)) {
      if (event.key === "Escape") {
        // Chromium would empty a search field; others would not.
        event.preventDefault();
        event.target.blur();
      } else if (event.key === "ArrowDown" && event.target === browser?.search) {
        event.preventDefault();
        browser.refresh();
        browser.move(1);
      }
      return;
    }
    const actions = {
      "/": () => browser?.search.focus(),
      j: () => browser?.move(1),
      k: () => browser?.move(-1),
      ...(event.target.closest?.(".row > button") ? { ArrowDown: () => browser?.move(1), ArrowUp: () => browser?.move(-1), Home: () => browser?.move(-Infinity), End: () => browser?.move(Infinity) } : {}),
      n: () => browser?.turn(1),
      p: () => browser?.turn(-1),
      Escape: () => browser?.close(),
      t: flipTheme,
      "?": () => document.getElementById("help").showModal(),
    };
    const act = actions[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  };

  // ---- which section is being read ----
  const follow = () => {
    const links = new Map([...document.querySelectorAll(".contents a")].map((link) => [link.hash.slice(1), link]));
    const sections = [...document.querySelectorAll("main > section")];
    const mark = () => {
      const reached = sections.filter((section) => section.getBoundingClientRect().top < innerHeight * 0.35);
      const current = reached.at(-1) ?? sections[0];
      links.forEach((link, id) => (id === current?.id ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current")));
    };
    addEventListener("scroll", mark, { passive: true });
    mark();
  };

  document.addEventListener("DOMContentLoaded", () => {
    showTheme();
    systemDark.addEventListener("change", showTheme);
    document.getElementById("theme").addEventListener("click", flipTheme);
    document.getElementById("help-open").addEventListener("click", () => document.getElementById("help").showModal());
    document.querySelectorAll("main table").forEach((table) => { sortable(table); copyable(table); });
    const browsers = [...document.querySelectorAll(".samples")].map((box) => new Browser(box));
    Browser.active = browsers[0];
    document.addEventListener("keydown", keys);
    follow();
  });
})();
