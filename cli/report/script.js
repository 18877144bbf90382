"use strict";
// Sorts and filters the table of stages, and opens what a link leads to, where the browser doesn't.
// All of the page is there without it.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='#s']");
  const part = link && document.getElementById(link.hash.slice(1));
  const details = part && part.closest("details");
  if (details) details.open = true;
});

(() => {
  const table = document.querySelector("table.stages");
  const form = document.querySelector("form.filter");
  if (!table || !form) return;
  const body = table.tBodies[0];
  // A state has a mark before its word, which is no part of it.
  const wordsOf = (cell) => (cell.firstElementChild?.lastChild ?? cell).textContent;
  const rows = Array.from(body.rows, (row, place) => ({
    row,
    place,
    state: wordsOf(row.cells[1]),
    text: row.textContent.toLowerCase(),
  }));

  function make(name, attributes, ...inside) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...inside);
    return made;
  }

  // -- sorting: ascending, descending, then as it was ------------------------------

  const heads = Array.from(table.tHead.rows[0].cells);
  const next = { none: "ascending", ascending: "descending", descending: "none" };

  function keyOf(entry, column, isNumber) {
    const cell = entry.row.cells[column];
    if (!isNumber) return wordsOf(cell);
    return cell.dataset.n === undefined ? null : Number(cell.dataset.n);
  }

  function sort(column) {
    const head = heads[column];
    const order = next[head.getAttribute("aria-sort")];
    for (const each of heads) each.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", order);
    const isNumber = head.dataset.kind === "number";
    const sign = order === "descending" ? -1 : 1;
    const collator = new Intl.Collator("en", { numeric: true });
    const keyed = rows.map((entry) => ({ entry, key: keyOf(entry, column, isNumber) }));
    keyed.sort((a, b) => {
      const inPlace = a.entry.place - b.entry.place;
      if (order === "none" || a.key === b.key) return inPlace;
      // What has no figure stands last, whichever way the others are sorted.
      if (a.key === null || b.key === null) return a.key === null ? 1 : -1;
      const by = isNumber ? a.key - b.key : collator.compare(a.key, b.key);
      return sign * by || inPlace;
    });
    body.append(...keyed.map((each) => each.entry.row));
    say(`sorted by ${head.textContent}, ${order === "none" ? "as planned" : order}`);
  }

  heads.forEach((head, column) => {
    const button = make("button", { type: "button" }, ...head.childNodes);
    button.addEventListener("click", () => sort(column));
    head.setAttribute("aria-sort", "none");
    head.append(button);
  });

  // -- filtering -------------------------------------------------------------------

  const words = make("input", { type: "search", id: "filter-words", autocomplete: "off" });
  const states = make("fieldset", {}, make("legend", { class: "spoken" }, "States"));
  const status = make("p", { role: "status", class: "hint" });
  const boxes = new Map();
  for (const name of new Set(rows.map((entry) => entry.state))) {
    const count = rows.filter((entry) => entry.state === name).length;
    const box = make("input", { type: "checkbox", checked: "" });
    boxes.set(name, box);
    states.append(make("label", {}, box, `${name} (${count.toLocaleString("en")})`));
  }
  const label = make("label", { for: "filter-words" }, "Find");
  form.append(label, words, states, status);
  form.hidden = false;

  function say(more) {
    const shown = rows.filter((entry) => !entry.row.hidden).length;
    const of = rows.length.toLocaleString("en");
    status.textContent = `${shown.toLocaleString("en")} of ${of} shown${more ? `, ${more}` : ""}`;
  }

  function filter() {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const { row, state, text } of rows) {
      row.hidden = !boxes.get(state).checked || !wanted.every((word) => text.includes(word));
    }
    say("");
  }

  let due = 0;
  form.addEventListener("input", () => {
    clearTimeout(due);
    due = setTimeout(filter, 60);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  say("");
})();
