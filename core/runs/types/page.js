"use strict";
// Everything that is typed or ticked lies in the fields themselves; the browser keeps a copy over a reload.
const types = document.querySelector("main").dataset.types;
const key = "gestalt types " + types + " " + location.pathname;
const names = [...document.querySelectorAll("input.name")];
const wrong = [...document.querySelectorAll("input.wrong")];
const said = document.getElementById("said");

function placeOf(box) {
  return [box.dataset.file, box.dataset.record, box.dataset.object].join("\n");
}

function keep() {
  const now = {
    names: Object.fromEntries(names.map((field) => [field.dataset.type, field.value])),
    wrong: wrong.filter((box) => box.checked).map(placeOf),
  };
  try {
    localStorage.setItem(key, JSON.stringify(now));
    said.textContent = "Kept in this browser; save names.csv to use the names.";
  } catch {
    said.textContent = "This browser keeps nothing over a reload: save names.csv before you leave the page.";
  }
}

function bring() {
  let before = null;
  try {
    before = JSON.parse(localStorage.getItem(key));
  } catch {
    said.textContent = "This browser keeps nothing over a reload: save names.csv before you leave the page.";
  }
  if (before === null) return;
  for (const field of names) field.value = before.names[field.dataset.type] ?? field.value;
  const ticked = new Set(before.wrong);
  for (const box of wrong) box.checked = ticked.has(placeOf(box));
  said.textContent = "As you left it; save names.csv to use the names.";
}

// A spreadsheet runs a cell that begins like a formula: an apostrophe in front makes it a text.
function cell(text) {
  const formula = /^(\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r])/.test(text);
  const number = /^\s*[-+]?\d[\d.,]*([eE][-+]?\d+)?\s*$/.test(text);
  const shown = formula && !number ? "'" + text : text;
  return /[",\r\n]/.test(shown) ? '"' + shown.replaceAll('"', '""') + '"' : shown;
}

function table() {
  const rows = [["types", "type", "name", "file", "record", "object"]];
  for (const field of names) {
    const name = field.value.replace(/\s+/g, " ").trim();
    if (name) rows.push([types, field.dataset.type, name, "", "", ""]);
  }
  for (const box of wrong) {
    if (box.checked) {
      rows.push([types, box.dataset.type, "", box.dataset.file, box.dataset.record, box.dataset.object]);
    }
  }
  return rows.map((row) => row.map(cell).join(",") + "\n").join("");
}

function save() {
  // The mark in front tells spreadsheets that the letters are UTF-8.
  const file = URL.createObjectURL(new Blob(["\ufeff", table()], { type: "text/csv" }));
  const link = document.createElement("a");
  link.href = file;
  link.download = "names.csv";
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(file), 10000);
  const count = names.filter((field) => field.value.trim()).length;
  said.textContent = "Saved names.csv: " + count + " named, " + wrong.filter((box) => box.checked).length + " wrong.";
}

bring();
for (const field of [...names, ...wrong]) field.addEventListener("input", keep);
document.getElementById("save").addEventListener("click", save);
document.getElementById("save").disabled = false;
