"use strict";
(() => {
  const PAGE_ROWS = 200;
  const UNFOLDED = 12;
  const FINAL = ["done", "failed", "stopped", "exhausted", "interrupted", "damaged"];
  const TONES = { done: "good", failed: "bad", damaged: "bad", running: "info", interrupted: "warn", stopped: "warn", exhausted: "warn" };
  const root = document.documentElement;
  const byId = (id) => document.getElementById(id);
  const meta = (name) => document.querySelector(`meta[name="honing-${name}"]`).content;
  const readOnly = meta("mode") === "read-only";

  // Text goes in as text nodes only: nothing that a run wrote is ever parsed as markup here.
  const make = (name, css, ...content) => {
    const node = document.createElement(name);
    if (css) node.className = css;
    node.append(...content.filter((each) => each !== null && each !== undefined && each !== ""));
    return node;
  };
  const draw = (name, attributes, ...content) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    node.append(...content);
    return node;
  };
  const badge = (text, tone) => make("span", `badge ${tone || ""}`, text);
  const link = (text, hash) => { const a = make("a", "", text); a.href = hash; return a; };
  const button = (text, css, act) => { const b = make("button", css, text); b.type = "button"; b.addEventListener("click", act); return b; };

  // ---- words for values ----
  const number = (value, digits = 3) => (typeof value === "number" ? value.toFixed(digits).replace("-", "\u2212") : "\u2013");
  const signed = (value, digits = 3) => (value > 0 ? "+" : "") + number(value, digits);
  const count = (value) => (typeof value === "number" ? value.toLocaleString("en-US") : "\u2013");
  const duration = (seconds) => {
    if (typeof seconds !== "number" || seconds < 0) return "\u2013";
    if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
    const minutes = Math.round(seconds / 60);
    if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${String(Math.floor(seconds % 60)).padStart(2, "0")} s`;
    return minutes < 2880 ? `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} m` : `${Math.floor(minutes / 1440)} d`;
  };
  const bytes = (size) => {
    const units = ["B", "KiB", "MiB", "GiB"];
    let at = 0;
    while (size >= 1024 && at < 3) { size /= 1024; at += 1; }
    return `${at ? size.toFixed(1) : size} ${units[at]}`;
  };
  const moment = (seconds, long) => {
    const date = new Date(seconds * 1000);
    if (typeof seconds !== "number" || Number.isNaN(date.getTime())) return "\u2013";
    const two = (part) => String(part).padStart(2, "0");
    const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
    return `${day} ${two(date.getHours())}:${two(date.getMinutes())}${long ? `:${two(date.getSeconds())}` : ""}`;
  };
  const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
  const brief = (seconds) => {
    const date = new Date(seconds * 1000);
    if (moment(seconds) === "\u2013") return "\u2013";
    const days = (Date.now() - date.getTime()) / 86400000;
    return days > 300 ? moment(seconds).slice(0, 10) : `${MONTHS[date.getMonth()]} ${date.getDate()}, ${moment(seconds).slice(11)}`;
  };
  const money = (spent) => {
    const known = typeof spent.cost_usd === "number" && spent.cost_usd > 0 ? `$${spent.cost_usd.toFixed(spent.cost_usd < 1 ? 4 : 2)}` : "";
    return spent.cost_unknown ? `${known ? `${known} + ` : ""}unknown` : known || "$0";
  };
  const took = (row) => {
    if (typeof row.created !== "number") return null;
    if (typeof row.ended === "number") return row.ended - row.created;
    return row.status === "running" ? Date.now() / 1000 - row.created : null;
  };

  // ---- what is known ----
  const rows = new Map();
  let picked = [];
  let limit = PAGE_ROWS;
  const folded = new Map();
  const sorting = { column: "created", down: true };
  const place = () => location.hash.replace(/^#\/?/, "").split("/");

  const say = (text, bad) => { const said = byId("said"); said.textContent = text; said.classList.toggle("bad", Boolean(bad)); };
  const ask = async (path, options) => {
    const answer = await fetch(`/api/${path}`, options);
    const found = await answer.json().catch(() => ({ error: "The server gave no answer that can be read." }));
    if (!answer.ok) throw new Error(found.error || `The server answered ${answer.status}.`);
    return found;
  };
  const act = async (key, what, done) => {
    try {
      await ask(`runs/${key}/${what}`, { method: "POST", headers: { "X-Honing-Key": meta("key") } });
      say(done);
    } catch (error) { say(error.message, true); }
  };

  // ---- small drawings ----
  const mini = (value, low, high) => {
    const within = [value, low, high].every((each) => typeof each === "number" && each >= 0 && each <= 1);
    if (!within) return "";
    const x = (each) => 3 + each * 66;
    return draw("svg", { viewBox: "0 0 72 12", class: "mini s0", "aria-hidden": "true" },
      draw("line", { x1: 3, x2: 69, y1: 6, y2: 6, class: "grid" }),
      draw("line", { x1: x(low), x2: x(high), y1: 6, y2: 6, class: "range" }),
      draw("circle", { cx: x(value), cy: 6, r: 3, class: "mark" }));
  };
  const meter = (done, failed, total) => {
    const bar = make("span", "meter");
    const share = (part) => `${Math.min(100, (100 * part) / total)}%`;
    const whole = make("span", "failed"), good = make("span", "");
    whole.style.width = share(done + failed);
    good.style.width = share(done);
    bar.append(whole, good);
    return bar;
  };
  const mean = (found) => {
    if (!Array.isArray(found)) return "";
    const [value, low, high] = found;
    const bounds = typeof low === "number" ? make("span", "bounds", `[${number(low)}, ${number(high)}]`) : "";
    return make("span", "num", make("strong", "", number(value)), " ", bounds);
  };
  const trend = (points) => {
    if (points.length < 3) return "";
    const last = points[points.length - 1].done;
    const first = points[0].done;
    const top = Math.max(1, ...points.map((p) => p.high)), bottom = Math.min(0, ...points.map((p) => p.low));
    const x = (done) => 30 + (360 * (done - first)) / Math.max(1, last - first);
    const y = (value) => 100 - (90 * (value - bottom)) / (top - bottom);
    const path = (list) => list.map(([a, b], at) => `${at ? "L" : "M"}${a.toFixed(1)} ${b.toFixed(1)}`).join("");
    const upper = points.map((p) => [x(p.done), y(p.high)]), lower = points.map((p) => [x(p.done), y(p.low)]).reverse();
    const words = `Mean so far after ${first} to ${last} units, with its 95% interval`;
    return draw("svg", { viewBox: "0 0 400 122", class: "trend", role: "img", "aria-label": words },
      ...[bottom, top].flatMap((each) => [draw("line", { x1: 30, x2: 390, y1: y(each), y2: y(each), class: "grid" }),
        draw("text", { x: 24, y: y(each) + 4, "text-anchor": "end", class: "tick" }, String(each))]),
      draw("path", { d: `${path([...upper, ...lower])}Z`, class: "band" }),
      draw("path", { d: path(points.map((p) => [x(p.done), y(p.mean)])), class: "curve" }),
      draw("text", { x: 30, y: 118, class: "tick" }, `${first} units`),
      draw("text", { x: 390, y: 118, "text-anchor": "end", class: "tick" }, `${last} units`));
  };

  // ---- the list ----
  const statusBadge = (row) => badge(row.stopping ? "stopping" : row.status, row.stopping ? "warn" : TONES[row.status]);
  const scoreOf = (row) => {
    if (row.live && Array.isArray(row.live.mean)) return row.live.mean[0];
    return row.headline ? row.headline.value : null;
  };
  const scoreCell = (row) => {
    const live = row.live;
    if (live) {
      const share = typeof live.total === "number" && live.total > 0;
      return [mean(live.mean), make("span", "of", ` ${live.step} ${count(live.done)}${share ? ` of ${count(live.total)}` : ""}`), share ? meter(live.done, live.failed || 0, live.total) : ""];
    }
    const head = row.headline;
    if (!head) return [make("span", "none", "\u2013")];
    const number = make("span", "num", make("strong", "", head.text || "\u2013"), head.bounds ? " " : "", make("span", "bounds", head.bounds));
    number.title = head.label;
    return [number, mini(head.value, head.low, head.high)];
  };
  const keyOf = {
    name: (row) => row.name.toLowerCase(), kind: (row) => row.kind || "", status: (row) => row.status,
    score: scoreOf, spent: (row) => (row.spent ? row.spent.tokens : null), took, created: (row) => row.created,
  };
  const before = (a, b) => {
    const x = keyOf[sorting.column](a), y = keyOf[sorting.column](b);
    const lackX = x === null || x === undefined || x === "", lackY = y === null || y === undefined || y === "";
    if (lackX || lackY) return lackX - lackY;
    const order = typeof x === "string" ? x.localeCompare(y) : x - y;
    return (sorting.down ? -order : order) || a.name.localeCompare(b.name);
  };
  const matches = (row) => {
    const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const outer = rows.get(row.parent);
    const text = [outer ? outer.name : "", row.name, row.id, row.kind, row.reason, row.damage].join(" ").toLowerCase();
    const kind = byId("kind").value, status = byId("status").value;
    return words.every((word) => text.includes(word)) && (!kind || row.kind === kind) && (!status || row.status === status);
  };
  const listed = () => {
    const inner = new Map();
    for (const row of rows.values()) {
      const parent = rows.has(row.parent) ? row.parent : "";
      inner.set(parent, [...(inner.get(parent) || []), row]);
    }
    const found = [];
    let matching = 0;
    const add = (row, depth) => {
      const fits = matches(row);
      matching += fits;
      const at = found.length;
      const mine = [...(inner.get(row.key) || [])].sort(depth ? before : (a, b) => a.created - b.created || a.name.localeCompare(b.name));
      found.push({ row, depth, inner: mine.length });
      const open = folded.has(row.key) ? !folded.get(row.key) : mine.length <= UNFOLDED;
      const start = found.length;
      mine.forEach((each) => add(each, depth + 1));
      const some = found.length > start;
      found[at].open = open;
      if (!open && some) found.length = start;
      // A run that does not match stays where one inside it does.
      if (!fits && !some) found.length = at;
      else if (!fits && !open) found.length = at + 1;
    };
    [...(inner.get("") || [])].sort(before).forEach((row) => add(row, 0));
    return { found, matching };
  };
  const lines = new Map();
  const lineOf = ({ row, depth, inner, open }) => {
    const print = JSON.stringify([row, depth, inner, open, picked.includes(row.key)]);
    const known = lines.get(row.key);
    if (known && known.print === print) return known.node;
    const node = make("tr", depth ? (depth > 1 ? "inner inner2" : "inner") : "");
    node.dataset.key = row.key;
    const pick = make("input", "");
    pick.type = "checkbox";
    pick.checked = picked.includes(row.key);
    pick.disabled = row.status === "damaged";
    pick.setAttribute("aria-label", `Pick ${row.name} for a comparison`);
    pick.addEventListener("change", () => choose(row.key));
    const name = make("td", "name");
    if (inner) {
      const fold = button(open ? "\u25be" : "\u25b8", "fold-inner", () => { folded.set(row.key, open); showList(); });
      fold.setAttribute("aria-expanded", String(open));
      fold.setAttribute("aria-label", `${inner} runs inside ${row.name}`);
      name.append(fold);
    }
    name.append(link(row.name, `#/run/${row.key}`), inner ? make("span", "of", ` ${inner} inside`) : "", make("span", "why", row.damage || row.reason || ""));
    const spent = row.spent && typeof row.spent.tokens === "number" ? [row.spent.tokens ? `${count(row.spent.tokens)} tokens` : "", row.spent.cost_usd || row.spent.cost_unknown ? make("span", "note", row.spent.cost_unknown ? `cost ${money(row.spent)}` : money(row.spent)) : ""] : [];
    const time = make("td", "right more took", duration(took(row)));
    const state = make("td", "", statusBadge(row));
    const started = make("td", "right started", brief(row.created));
    started.title = moment(row.created, true);
    node.append(make("td", "pick", pick), name, make("td", "kind more", row.kind || ""), state, make("td", "score", ...scoreCell(row)), make("td", "right more", ...spent), time, started);
    lines.set(row.key, { print, node });
    return node;
  };
  const offer = (select, all, values) => {
    const now = select.value;
    const wanted = ["", ...[...values].sort()];
    if ([...select.options].map((each) => each.value).join("\n") === wanted.join("\n")) return;
    select.replaceChildren(...wanted.map((value) => { const one = make("option", "", value || all); one.value = value; return one; }));
    if (wanted.includes(now)) select.value = now;
  };
  const showList = () => {
    offer(byId("kind"), "every kind", new Set([...rows.values()].map((row) => row.kind).filter(Boolean)));
    offer(byId("status"), "every status", new Set([...rows.values()].map((row) => row.status)));
    const { found, matching } = listed();
    const focused = document.activeElement.closest("tr") && document.activeElement.closest("tr").dataset.key;
    const label = document.activeElement.getAttribute("aria-label") || document.activeElement.tagName;
    const body = byId("rows");
    const nodes = found.slice(0, limit).map(lineOf);
    if (nodes.length !== body.rows.length || nodes.some((node, at) => body.rows[at] !== node)) {
      body.replaceChildren(...nodes);
      const again = focused && nodes.find((node) => node.dataset.key === focused);
      if (again) ([...again.querySelectorAll("a, input, button")].find((each) => (each.getAttribute("aria-label") || each.tagName) === label) || again.querySelector("a")).focus();
    }
    byId("more").hidden = found.length <= limit;
    byId("empty").hidden = found.length > 0;
    byId("empty").textContent = rows.size ? "No run matches." : "There are no runs yet. `hone measure` makes one; it appears here by itself.";
    byId("count").textContent = matching === rows.size ? "" : `${matching} of ${rows.size} runs`;
    const working = [...rows.values()].filter((row) => row.status === "running").length;
    byId("summary").textContent = `${count(rows.size)} ${rows.size === 1 ? "run" : "runs"}${working ? `, ${working} at work` : ""}`;
    const both = byId("compare-picked");
    both.hidden = picked.length === 0;
    both.disabled = picked.length !== 2;
    both.textContent = picked.length === 2 ? "Compare the two" : "Pick one more to compare";
  };
  const choose = (key) => {
    picked = picked.includes(key) ? picked.filter((each) => each !== key) : [...picked, key].slice(-2);
    showList();
  };

  // ---- parts of a view: each is made again only where what it shows has changed ----
  const part = (parts, name, holder, what, build) => {
    const print = JSON.stringify(what);
    if (parts[name] === print) return;
    parts[name] = print;
    holder.replaceChildren(...[build()].flat().filter(Boolean));
    holder.hidden = holder.childNodes.length === 0;
  };
  const section = (title, ...content) => [make("h2", "", title), ...content];
  const table = (css, heads, lines_, label) => {
    const head = make("tr", "", ...heads.map(([text, right]) => { const th = make("th", right ? "right" : "", text); th.scope = "col"; return th; }));
    const body = make("tbody", "", ...lines_);
    const box = make("div", "scroll", make("table", css, make("thead", "", head), body));
    box.setAttribute("role", "region"); box.setAttribute("aria-label", label); box.tabIndex = 0;
    return box;
  };
  const fact = (name, value) => make("div", "", make("dt", "", name), make("dd", "", value));
  const big = (label, text, bounds, after) => make("div", "number", make("p", "label", label), make("p", text ? "big" : "big missing", text || "\u2013"), bounds ? make("p", "within", "95% interval ", make("span", "num", bounds)) : "", after || "");

  // ---- one run ----
  let shown = null;
  const fresh = (key) => {
    const holder = byId("run");
    const names = ["head", "standing", "inner", "report", "steps", "failures", "log", "resumed", "config", "files"];
    const holders = Object.fromEntries(names.map((name) => [name, make(name === "head" ? "div" : "section", `part-${name}`)]));
    holder.replaceChildren(...Object.values(holders));
    for (const each of Object.values(holders)) each.hidden = true;
    return { key, holders, parts: {}, points: [], details: null, busy: false, again: false };
  };
  const headOf = (row) => {
    const parent = rows.get(row.parent);
    const back = make("p", "back", link("\u2190 All runs", "#/"), parent ? " / " : "", parent ? link(parent.name, `#/run/${parent.key}`) : "");
    const badges = make("p", "badges", statusBadge(row), badge(row.kind || "unknown kind"), row.headline && row.headline.verdict ? badge(row.headline.verdict.text, row.headline.verdict.tone) : "");
    const acts = make("div", "acts");
    if (!readOnly && row.can_stop) {
      const stop = button(row.stopping ? "Stopping \u2026" : "Stop", "stop", () => act(row.key, "stop", "Asked to stop: what is under way is finished and kept."));
      stop.disabled = row.stopping;
      acts.append(stop);
    }
    if (!readOnly && row.can_resume) acts.append(button("Resume", "main", () => act(row.key, "resume", "Resumed as a process of its own: it goes on when this page is closed.")));
    if (row.status !== "damaged") {
      const page = link("Open its page", `/runs/${row.key}/page`);
      page.className = "button"; page.target = "_blank"; page.rel = "noopener noreferrer";
      acts.append(page, button("Compare with \u2026", "", () => { picked = [row.key]; location.hash = "#/"; say("Pick the other run, then press Compare."); }));
    }
    return [back, make("div", "masthead", make("h1", "", row.name), make("p", "subtitle", row.damage || row.reason || ""), badges, acts)];
  };
  const standingOf = (row, details, points) => {
    const spent = row.spent || {}, live = row.live;
    const strip = make("dl", "strip", fact("Started", brief(row.created)), fact("Took", duration(took(row))), fact("Units", `${count(spent.units)}${spent.failed ? `, ${count(spent.failed)} failed` : ""}`),
      live ? fact("Time left", duration(live.eta_s)) : "", typeof details.calls === "number" ? fact("Calls, with controls", count(details.calls)) : "", fact("Tokens", count(spent.tokens)), fact("Money", money(spent)));
    strip.querySelectorAll("dd")[1].classList.add("took");
    const head = row.headline;
    let left = "";
    if (live && Array.isArray(live.mean)) left = big(`Mean so far, ${live.step}, ${count(live.values)} judged`, number(live.mean[0]), typeof live.mean[1] === "number" ? `${number(live.mean[1])} to ${number(live.mean[2])}` : "");
    else if (!live && head) left = big(head.label, head.text, head.bounds.replace(/^\[|\]$/g, "").replace(", ", " to "), head.note ? make("p", "headline-note", head.note) : "");
    const right = live ? trend(points) : "";
    return [left || right ? make("div", "standing", left || "", right) : "", strip];
  };
  const stepTable = (steps) => table("steps", [["Step"], ["Done"], ["Failed", 1], ["A second", 1], ["Left", 1], ["Mean so far [95%]"]], steps.map((one) => {
    const total = typeof one.total === "number" && one.total > 0;
    const done = make("td", "", `${count(one.done)}${total ? ` of ${count(one.total)}` : ""}`, total ? meter(one.done, one.failed || 0, one.total) : "");
    const name = make("td", "step", make("code", "", one.step), one.running ? " " : "", one.running ? badge("at work", "info") : "");
    return make("tr", "", name, done, make("td", "right", one.failed ? count(one.failed) : ""), make("td", "right", one.running && one.rate ? number(one.rate, one.rate < 10 ? 2 : 0) : ""), make("td", "right", one.running ? duration(one.eta_s) : ""), make("td", "", mean(one.mean), Array.isArray(one.mean) ? mini(...one.mean) : ""));
  }), "Steps");
  // Steps that are through tell little while others are at work: they are folded away.
  const stepsOf = (steps) => {
    const through = steps.filter((one) => !one.running && !one.failed && typeof one.total === "number" && one.done >= one.total);
    const rest = steps.filter((one) => !through.includes(one));
    if (through.length < 4) return section("Progress", stepTable(steps));
    const fold = make("details", "through", make("summary", "", `${count(through.length)} steps are through`), stepTable(through));
    return section("Progress", rest.length ? stepTable(rest) : "", fold);
  };
  const reportOf = (row) => {
    const frame = make("iframe", "report");
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    frame.setAttribute("sandbox", "allow-scripts allow-downloads");
    frame.title = `The page of ${row.name}`;
    frame.src = `/runs/${row.key}/page#theme=${dark ? "dark" : "light"}`;
    return section("Report", frame);
  };
  const innerOf = (mine) => section("Runs inside", table("runs", [["Run"], ["Kind"], ["Status"], ["Score"], ["Took", 1]], mine.map((one) => make("tr", "", make("td", "name", link(one.name, `#/run/${one.key}`)), make("td", "kind", one.kind || ""), make("td", "", statusBadge(one)), make("td", "score", ...scoreCell(one)), make("td", "right", duration(took(one))))), "Runs inside"));
  const logOf = (lines_) => {
    const log = make("pre", "log", lines_.join("\n"));
    log.tabIndex = 0;
    requestAnimationFrame(() => { log.scrollTop = log.scrollHeight; });
    return section("Log", log);
  };
  const filesOf = (row, details) => section("Files", details.files_complete ? "" : make("p", "caption", `The first ${details.files.length}.`), table("files", [["File"], ["Size", 1], ["Written", 1]], details.files.map((one) => {
    const a = link(one.shown, `/runs/${row.key}/files/${one.path.split("/").map(encodeURIComponent).join("/")}`);
    a.target = "_blank"; a.rel = "noopener noreferrer";
    return make("tr", "", make("td", "", make("code", "", a)), make("td", "right", bytes(one.bytes)), make("td", "right", moment(one.modified, true)));
  }), "Files"));
  const configOf = (details) => section("How it was made", make("code", "command", details.command || "from Python"), make("dl", "facts", fact("seed", count(details.seed)), ...Object.entries(details.versions).map(([name, value]) => fact(name, value)), ...details.config.map((one) => fact(one.name, typeof one.value === "string" ? one.value : JSON.stringify(one.value)))), make("p", "caption", details.path));

  const showRun = () => {
    const row = rows.get(shown.key);
    const { holders, parts, details } = shown;
    if (!row) { holders.head.hidden = false; holders.head.replaceChildren(make("p", "back", link("\u2190 All runs", "#/")), make("p", "", rows.size ? "There is no such run any more." : "")); return; }
    document.title = `${row.name}: ${row.status}`;
    part(parts, "head", holders.head, [row.name, row.status, row.reason, row.damage, row.stopping, row.can_resume, row.headline], () => headOf(row));
    const mine = [...rows.values()].filter((each) => each.parent === row.key).sort((a, b) => a.created - b.created);
    part(parts, "inner", holders.inner, mine, () => (mine.length ? innerOf(mine) : []));
    if (!details) return;
    const live = row.live;
    if (live && Array.isArray(live.mean) && typeof live.mean[1] === "number") {
      const last = shown.points[shown.points.length - 1];
      if (last && (last.step !== live.step || last.done > live.done)) shown.points = [];
      if (!last || last.done !== live.done) shown.points.push({ step: live.step, done: live.done, mean: live.mean[0], low: live.mean[1], high: live.mean[2] });
      if (shown.points.length > 400) shown.points = shown.points.filter((_, at) => at % 2 === 0);
    }
    part(parts, "standing", holders.standing, [row, details.calls, shown.points.length], () => standingOf(row, details, shown.points));
    part(parts, "steps", holders.steps, details.steps, () => (details.steps.length ? stepsOf(details.steps) : []));
    part(parts, "failures", holders.failures, details.failures, () => (details.failures.length ? section("Failures", table("", [["Step"], ["Unit", 1], ["What happened"]], details.failures.map((one) => make("tr", "", make("td", "", make("code", "", one.step)), make("td", "right", one.position === null ? "" : count(one.position)), make("td", "long", one.kind ? make("strong", "", `${one.kind}: `) : "", one.error))), "Failures")) : []));
    part(parts, "log", holders.log, details.log, () => (details.log.length ? logOf(details.log) : []));
    part(parts, "resumed", holders.resumed, details.resumed, () => (details.resumed ? section("Printed since it was resumed", make("pre", "log", details.resumed)) : []));
    part(parts, "report", holders.report, [details.has_report, row.status, row.ended, row.headline], () => (details.has_report && FINAL.includes(row.status) ? reportOf(row) : []));
    part(parts, "config", holders.config, [details.command, details.config, details.versions], () => configOf(details));
    part(parts, "files", holders.files, [details.files, details.files_complete], () => (details.files.length ? filesOf(row, details) : []));
  };
  const refresh = async () => {
    const mine = shown;
    if (!mine || !rows.has(mine.key) || rows.get(mine.key).status === "damaged") { if (mine) showRun(); return; }
    if (mine.busy) { mine.again = true; return; }
    mine.busy = true;
    try { mine.details = await ask(`runs/${mine.key}`); } catch (error) { say(error.message, true); }
    mine.busy = false;
    if (shown === mine) showRun();
    if (mine.again) { mine.again = false; refresh(); }
  };

  // ---- two runs ----
  const gap = (paired) => {
    const [low, high] = paired.ci95;
    const reach = 1.25 * Math.max(Math.abs(low), Math.abs(high), 1e-9);
    const x = (value) => 220 + (200 * value) / reach;
    const words = `B minus A: ${signed(paired.difference)}, 95% interval ${signed(low)} to ${signed(high)}`;
    return draw("svg", { viewBox: "0 0 440 58", class: "gap s0", role: "img", "aria-label": words },
      draw("line", { x1: 20, x2: 420, y1: 24, y2: 24, class: "grid" }), draw("line", { x1: 220, x2: 220, y1: 8, y2: 40, class: "reference" }),
      draw("line", { x1: x(low), x2: x(high), y1: 24, y2: 24, class: "range" }), draw("circle", { cx: x(paired.difference), cy: 24, r: 5, class: "mark" }),
      draw("text", { x: 20, y: 54, class: "tick" }, "A is better"), draw("text", { x: 220, y: 54, "text-anchor": "middle", class: "tick" }, "no difference"), draw("text", { x: 420, y: 54, "text-anchor": "end", class: "tick" }, "B is better"));
  };
  const pairedOf = (found) => {
    const paired = found.paired;
    if (!paired) return section("Difference", make("p", "lead", found.unpaired || "Runs of these kinds have no samples in common; their numbers stand side by side below."));
    const towardsB = !paired.metric || paired.metric.direction !== "minimize" ? paired : { ...paired, difference: -paired.difference, ci95: [-paired.ci95[1], -paired.ci95[0]] };
    const verdict = paired.verdict === "undecided" ? badge("undecided", "warn") : badge(`${paired.verdict} is better`, "good");
    const facts = make("dl", "strip", fact("Pairs", `${count(paired.pairs)} of ${count(paired.tasks)} tasks`), fact("B better, A better, equal", `${count(paired.better_b)}, ${count(paired.better_a)}, ${count(paired.ties)}`), fact("p", paired.p_value < 0.001 ? "below 0.001" : number(paired.p_value)), fact("Test", paired.test), fact("Interval", paired.interval_method));
    const warnings = (paired.warnings || []).map((text) => make("p", "box warn", text));
    const flips = (paired.flips || []).slice(0, 20);
    const flipped = flips.length ? make("details", "", make("summary", "", `${count(paired.flips.length)} samples flipped`), table("", [["Sample"], ["A", 1], ["B", 1]], flips.map((one) => make("tr", "", make("td", "", make("code", "", String(one.id))), make("td", "right", number(one.a)), make("td", "right", number(one.b)))), "Flipped samples")) : "";
    return section("Difference on the same samples", big("B minus A", signed(paired.difference), `${signed(paired.ci95[0])} to ${signed(paired.ci95[1])}`, make("p", "", verdict)), gap(towardsB), facts, ...warnings, flipped);
  };
  const versus = (title, lines_, differences) => section(title, table("versus", [["Name"], ["A", differences], ["B", differences], ...(differences ? [["B minus A", 1]] : [])], lines_.map((one) => {
    const cell = (value) => make("td", differences ? "right" : "long", value === null || value === undefined ? make("span", "none", "\u2013") : typeof value === "number" && !Number.isInteger(value) ? number(value, 4) : typeof value === "number" ? count(value) : typeof value === "string" ? value : JSON.stringify(value));
    return make("tr", "", make("td", "", make("code", "", one.name)), cell(one.a), cell(one.b), ...(differences ? [make("td", "right", typeof one.difference === "number" ? signed(one.difference, Number.isInteger(one.difference) ? 0 : 4) : "")] : []));
  }), title));
  const sideOf = (letter, row) => {
    const head = row.headline;
    return make("div", "", make("h2", "", make("span", "side-tag", letter), link(row.name, `#/run/${row.key}`)), make("p", "badges", statusBadge(row), badge(row.kind || "")), head ? big(head.label, head.text, head.bounds.replace(/^\[|\]$/g, "").replace(", ", " to ")) : make("p", "none", "no score"));
  };
  const showCompare = async (a, b) => {
    const holder = byId("compare");
    const x = rows.get(a), y = rows.get(b);
    if (!x || !y) { holder.replaceChildren(make("p", "back", link("\u2190 All runs", "#/")), make("p", "", rows.size ? "One of the two runs is not there any more." : "")); return; }
    document.title = `${x.name} and ${y.name}`;
    const swap = link("Swap them", `#/compare/${b}/${a}`);
    const head = [make("p", "back", link("\u2190 All runs", "#/")), make("div", "masthead", make("h1", "", "Two runs"), make("p", "subtitle", swap)), make("div", "sides", sideOf("A", x), sideOf("B", y))];
    if (holder.dataset.of !== `${a} ${b}`) holder.replaceChildren(...head, make("p", "caption", "Comparing them \u2026"));
    holder.dataset.of = `${a} ${b}`;
    let found;
    try { found = await ask(`compare?a=${encodeURIComponent(a)}&b=${encodeURIComponent(b)}`); } catch (error) { holder.replaceChildren(...head, make("p", "box bad", error.message)); return; }
    const parts = [pairedOf(found)];
    const different = found.metrics.filter((one) => one.a !== one.b), equal = found.metrics.filter((one) => one.a === one.b);
    if (different.length) parts.push(versus("Metrics that differ", different, 1));
    if (equal.length) parts.push([make("details", "", make("summary", "", `${count(equal.length)} metrics are equal`), ...versus("Equal metrics", equal, 1).slice(1))]);
    parts.push(found.config.length ? versus("What was asked differently", found.config, 0) : section("What was asked differently", make("p", "lead", "Nothing: configuration, seed and versions are the same.")));
    holder.replaceChildren(...head, ...parts.map((each) => make("section", "", ...each)));
  };

  // ---- where we are ----
  const route = () => {
    const [name, first, second] = place();
    for (const id of ["list", "run", "compare"]) byId(id).hidden = id !== (name === "run" || name === "compare" ? name : "list");
    if (name === "run") { shown = fresh(first); showRun(); refresh(); scrollTo(0, 0); } else shown = null;
    if (name === "compare") showCompare(first, second);
    if (name !== "run" && name !== "compare") { document.title = "Runs"; showList(); }
  };
  const changed = (keys) => {
    const [name, first, second] = place();
    if (name === "run") { if (keys.has(first)) refresh(); else showRun(); } else if (name === "compare") { if (keys.has(first) || keys.has(second)) showCompare(first, second); } else showList();
  };

  // ---- events ----
  const state = (name, words) => { byId("link").dataset.state = name; byId("link-words").textContent = words; };
  const listen = () => {
    const source = new EventSource("/api/events");
    source.addEventListener("open", () => state("live", readOnly ? "live, read-only" : "live"));
    source.addEventListener("error", () => (source.readyState === EventSource.CLOSED ? state("lost", "the server has ended") : state("lost", "trying again")));
    source.addEventListener("all", (event) => {
      const found = JSON.parse(event.data).rows;
      rows.clear();
      for (const row of found) rows.set(row.key, row);
      picked = picked.filter((key) => rows.has(key));
      changed(new Set(rows.keys()));
    });
    source.addEventListener("rows", (event) => {
      const found = JSON.parse(event.data);
      for (const key of found.removed) { rows.delete(key); lines.delete(key); }
      for (const row of found.changed) rows.set(row.key, row);
      picked = picked.filter((key) => rows.has(key));
      changed(new Set([...found.removed, ...found.changed.map((row) => row.key)]));
    });
  };
  const tick = () => {
    if (!byId("list").hidden) for (const { node } of lines.values()) { const row = rows.get(node.dataset.key); if (row && row.status === "running") node.querySelector(".took").textContent = duration(took(row)); }
    if (shown && rows.has(shown.key) && rows.get(shown.key).status === "running") byId("run").querySelectorAll(".took").forEach((node) => { node.textContent = duration(took(rows.get(shown.key))); });
  };

  // ---- light and dark, keys ----
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const showTheme = () => { byId("theme").textContent = isDark() ? "Light" : "Dark"; byId("theme").setAttribute("aria-pressed", String(isDark())); };
  const flipTheme = () => { root.dataset.theme = isDark() ? "light" : "dark"; localStorage.setItem("honing-theme", root.dataset.theme); showTheme(); };
  const kept = localStorage.getItem("honing-theme");
  if (kept === "dark" || kept === "light") root.dataset.theme = kept;
  const step = (by) => {
    const links = [...byId("rows").querySelectorAll(".name > a")];
    const at = links.indexOf(document.activeElement);
    const next = links[at < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(links.length - 1, Math.max(0, at + by))];
    if (next) next.focus();
  };
  const keys = {
    "/": () => byId("search").focus(), j: () => step(1), k: () => step(-1), t: flipTheme, "?": () => byId("help").showModal(),
    c: () => { const line = document.activeElement.closest("tr"); if (line && line.dataset.key) choose(line.dataset.key); },
  };
  document.addEventListener("keydown", (event) => {
    const field = event.target.closest("input[type=search], select");
    if (event.key === "Escape") { if (field) field.blur(); else if (!byId("help").open && byId("list").hidden) location.hash = "#/"; return; }
    if (field || event.ctrlKey || event.metaKey || event.altKey || byId("help").open || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  document.querySelectorAll("#list th[data-column]").forEach((head) => head.querySelector("button").addEventListener("click", () => {
    const same = sorting.column === head.dataset.column;
    sorting.down = same ? !sorting.down : !["name", "kind", "status"].includes(head.dataset.column);
    sorting.column = head.dataset.column;
    document.querySelectorAll("#list th").forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", sorting.down ? "descending" : "ascending");
    showList();
  }));
  for (const id of ["search", "kind", "status"]) byId(id).addEventListener("input", () => { limit = PAGE_ROWS; showList(); });
  byId("more").querySelector("button").addEventListener("click", () => { limit += PAGE_ROWS; showList(); });
  byId("compare-picked").addEventListener("click", () => { location.hash = `#/compare/${picked[0]}/${picked[1]}`; });
  byId("theme").addEventListener("click", flipTheme);
  byId("help-open").addEventListener("click", () => byId("help").showModal());
  system.addEventListener("change", showTheme);
  addEventListener("hashchange", () => { say(""); route(); });
  // The token has become a cookie: it need not stay in the address.
  if (location.search) history.replaceState(null, "", `/${location.hash}`);
  showTheme();
  route();
  listen();
  setInterval(tick, 1000);
})();
