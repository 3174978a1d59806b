// What was done, or tried: by whom, to whom, when and whence. Newest first.
import { call } from "./api.js";
import { ACTIONS, DETAILS } from "./labels.js";
import { busy, find, part, phrase, refused, tell } from "./screen.js";
import { time } from "./times.js";
import { _ } from "./words.js";

const PAGE = 50;
const { person } = document.querySelector("main").dataset;
const nobody = document.querySelector(".nobody");

let cursor = null;

function named(id, name) {
  return part("a", { href: `/admin/audit?person=${id}` }, part("bdi", { text: name ?? _("someone who is gone") }));
}

function details(event) {
  const names = new Set([...Object.keys(DETAILS), ...Object.keys(event.details)]); // in our order, and any others
  const shown = [...names].filter((name) => name in event.details && !name.endsWith("_id"));
  const told = shown.map((name) => {
    const { label = name, values = {} } = DETAILS[name] ?? {};
    return `${label}: ${[event.details[name]].flat().map((each) => values[each] ?? each).join(", ")}`;
  });
  return told.length ? part("p", { className: "faint details", text: told.join(" · ") }) : null;
}

function row(event) {
  const what = part("span", { className: "what", text: ACTIONS[event.action] ?? event.action });
  const { actor_id: actor, subject_id: subject } = event;
  const whom = subject ?? actor;
  const places = { what, whom: whom && named(whom, subject ? event.subject_name : event.actor_name) };
  const byOther = actor && subject && actor !== subject;
  if (byOther) places.who = named(actor, event.actor_name);
  const who = byOther
    ? phrase("", _("%(what)s: %(whom)s, by %(who)s"), places)
    : phrase("", whom ? "%(what)s: %(whom)s" : "%(what)s", places);
  const where = part("p", { className: "faint" }, time(event.occurred_at),
    event.client_address && part("span", { text: ` · ${event.client_address}` }));
  return part("li", { className: "row", tabIndex: -1 }, part("div", { className: "who" }, who, where, details(event)));
}

function nameIn(events) {
  const found = events.find((event) => event.subject_id === person || event.actor_id === person);
  if (!found) return null;
  return found.subject_id === person ? found.subject_name : found.actor_name;
}

async function read({ following = false } = {}) {
  const wanted = new URLSearchParams({ limit: PAGE });
  if (person) wanted.set("user_id", person);
  if (following) wanted.set("cursor", cursor);
  const answer = await call("GET", `/v1/admin/audit-events?${wanted}`);
  if (!answer.ok) return refused(answer);
  const rows = answer.events.map(row);
  find("trail").append(...rows);
  if (person && !following) {
    const name = nameIn(answer.events);
    find("about-person").textContent = name ? _("About %(name)s.", { name }) : _("About one person.");
  }
  cursor = answer.next_cursor;
  find("more").hidden = cursor === null;
  nobody.hidden = find("trail").childElementCount > 0;
  if (following) rows[0]?.focus();
  return tell("");
}

find("more").addEventListener("click", () => busy(find("more"), () => read({ following: true })));
read();
