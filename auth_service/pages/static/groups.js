// Lists of people, page by page. Names are strangers' words: only ever text.
import { call } from "./api.js";
import { ROLES, STATUSES } from "./labels.js";
import { deedsFor, nameOf } from "./person.js";
import { busy, find, part, phrase, refused, tell } from "./screen.js";
import { popup } from "./popups.js";
import { time } from "./times.js";
import { _ } from "./words.js";

const PAGE = 50;

function tags(user, alike) {
  return [
    user.role === "admin" && part("span", { className: "tag", text: ROLES.admin }),
    user.status !== alike && part("span", { className: `tag ${user.status}`, text: STATUSES[user.status] ?? user.status }),
  ];
}

function decision(user) {
  if (!user.decided_at) return null;
  const by = user.decided_by_name ?? _("someone who is gone");
  const line = phrase("decision faint", _("Decided by %(name)s, %(when)s."), {
    name: part("bdi", { text: by }), when: time(user.decided_at),
  });
  if (user.decision_reason) line.append(" ", part("q", { text: user.decision_reason }));
  return line;
}

// Draw someone. In a list where all stand alike, `alike`, how they stand goes without saying.
function rowOf(user, changed, { alike }) {
  const about = part("div", { className: "who" },
    part("p", {}, user.name && part("bdi", { className: "name", text: user.name }), ...tags(user, alike)),
    part("p", { className: "faint address", text: user.email }),
    phrase("faint", _("Here since %(when)s"), { when: time(user.created_at) }),
    decision(user));
  const row = part("li", { className: "row person", tabIndex: -1 }, about);
  row.dataset.user = user.id;
  if (alike && user.status !== alike) return row; // decided just now
  const { decisions, rest } = deedsFor(user, changed);
  const trail = part("a", { text: _("Audit trail"), href: `/admin/audit?person=${user.id}` });
  const more = popup(_("More"), _("More about %(name)s", { name: nameOf(user) }), [...rest, trail]);
  row.append(part("div", { className: "deeds" }, ...decisions, more));
  return row;
}

// A list in a section; `query` gives what it asks for, and `alike` is how all there stand, if they do.
// `changed` is told of each change made in it.
export function groupOf(section, { query, changed, alike = null }) {
  const list = section.querySelector("ul");
  const more = section.querySelector(".more");
  const nobody = section.querySelector(".nobody");
  const count = section.querySelector(".count");
  let cursor = null;

  function row(user) {
    return rowOf(user, (after) => replace(user.id, after, { here: true }), { alike });
  }

  const holds = (id) => list.querySelector(`[data-user="${id}"]`) !== null;

  // Show someone anew, here or because they were changed elsewhere; gone is who is null. `first`: even if not here yet.
  function replace(id, after, { here = false, first = false } = {}) {
    const old = list.querySelector(`[data-user="${id}"]`);
    const renewed = after && (old || first) ? row(after) : null;
    if (old && renewed) old.replaceWith(renewed);
    else if (old) old.remove();
    else if (renewed) list.prepend(renewed);
    settle();
    if (!here) return;
    (renewed ?? find("heading")).focus(); // not another's button: a key pressed twice must decide about nobody else
    changed(id, after);
  }

  function settle() {
    nobody.hidden = list.childElementCount > 0 || cursor !== null;
    if (!count) return;
    const waiting = list.querySelectorAll(".deeds").length;
    count.hidden = waiting === 0;
    count.textContent = cursor === null ? waiting : `${waiting}+`;
  }

  // Read the first page anew, or the one after what is shown; gives the answer.
  async function read({ following = false } = {}) {
    const wanted = new URLSearchParams([...query(), ["limit", PAGE]]);
    if (following) wanted.set("cursor", cursor);
    const answer = await call("GET", `/v1/admin/users?${wanted}`);
    if (!answer.ok) return answer;
    const rows = answer.users.map(row);
    if (following) list.append(...rows);
    else list.replaceChildren(...rows);
    cursor = answer.next_cursor;
    more.hidden = cursor === null;
    settle();
    if (following && rows.length) rows[0].focus();
    return answer;
  }

  more.addEventListener("click", () => busy(more, async () => {
    const answer = await read({ following: true });
    if (answer.ok) tell("");
    else refused(answer);
  }));
  return { holds, read, replace };
}
