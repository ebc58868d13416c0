"use strict";
// Asks for the status every few seconds and shows it as tables. Whatever comes from the server is set as text.

const EVERY = 5000;
const PATIENCE = 4000;

// Fields that have tables of their own, or stand at the top of the page.
const APART = ["listeners", "upstreams", "certificates", "limits", "config"];

function cell(name, value) {
  const cell = document.createElement(name);
  cell.textContent = shown(value);
  if (typeof value === "number") cell.className = "number";
  return cell;
}

function shown(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value)) return value.length ? value.join(", ") : "–";
  return String(value);
}

function words(field) {
  return field.replaceAll("_", " ");
}

function row(cells) {
  const row = document.createElement("tr");
  row.replaceChildren(...cells);
  return row;
}

// One row a field.
function fields(id, object) {
  const rows = Object.entries(object).map(([name, value]) => row([cell("th", words(name)), cell("td", value)]));
  document.getElementById(id).replaceChildren(...rows);
}

// One row an object, one column a field.
function list(id, objects) {
  const names = objects.length ? Object.keys(objects[0]) : [];
  const head = row(names.map((name) => cell("th", words(name))));
  const rows = objects.map((object) => row(names.map((name) => cell("td", object[name]))));
  document.getElementById(id).replaceChildren(head, ...rows);
}

// Each endpoint with the fields of its service before its own.
function endpoints(upstreams) {
  return upstreams.flatMap((upstream) => {
    const { endpoints, in_flight, ...service } = upstream;
    return endpoints.map((endpoint) => ({ ...service, ...endpoint }));
  });
}

function state(text, isGood) {
  const state = document.getElementById("state");
  state.textContent = text;
  state.className = isGood ? "good" : "bad";
}

function show(status) {
  const server = Object.entries(status).filter(([name]) => !APART.includes(name));
  fields("server", Object.fromEntries(server));
  list("listeners", status.listeners);
  list("upstreams", endpoints(status.upstreams));
  list("certificates", status.certificates);
  fields("limits", status.limits);
  fields("config", status.config);
  state(status.not_ready ?? "ready", status.not_ready === null);
}

async function refresh() {
  try {
    const reply = await fetch("status", { signal: AbortSignal.timeout(PATIENCE) });
    if (!reply.ok) throw new Error(`status ${reply.status}`);
    show(await reply.json());
  } catch (error) {
    state(`no answer: ${error.message}`, false);
  }
  setTimeout(refresh, EVERY);
}

refresh();
