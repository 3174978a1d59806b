// Lists of people, page by page. Names are strangers' words: only ever text.
import { call } from "./api.js";
import { ROLES, STATUSES } from "./labels.js";
import { deedsFor } from "./person.js";
import { busy, find, part, phrase, refused, tell } from "./screen.js";
import { time } from "./times.js";
import { _ } from "./words.js";

const PAGE = 50;

function tags(user) {
  return [
    user.role === "admin" && part("span", { className: "tag", text: ROLES.admin }),
    part("span", { className: `tag ${user.status}`, text: STATUSES[user.status] ?? user.status }),
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

function rowOf(user, changed) {
  const about = part("div", { className: "who" },
    part("p", {}, user.name && part("bdi", { className: "name", text: user.name }), ...tags(user)),
    part("p", { className: "faint address", text: user.email }),
    phrase("faint", _("Here since %(when)s"), { when: time(user.created_at) }),
    decision(user));
  const trail = part("a", { className: "trail", text: _("Audit trail"), href: `/admin/audit?person=${user.id}` });
  const row = part("li", { className: "row person", tabIndex: -1 }, about,
    part("div", { className: "deeds" }, ...deedsFor(user, changed), trail));
  row.dataset.user = user.id;
  return row;
}

// A list in a section; `query` gives what it asks for. `changed` is told of each change made in it.
export function groupOf(section, { query, changed }) {
  const list = section.querySelector("ul");
  const more = section.querySelector(".more");
  const nobody = section.querySelector(".nobody");
  const count = section.querySelector(".count");
  let cursor = null;

  function row(user) {
    return rowOf(user, (after) => replace(user.id, after, { here: true }));
  }

  // Show someone anew wherever they are listed; the keyboard goes to them, not to another's button.
  function replace(id, after, { here = false } = {}) {
    const old = list.querySelector(`[data-user="${id}"]`);
    if (old) {
      const renewed = after && row(after);
      if (renewed) old.replaceWith(renewed);
      else old.remove();
      if (here) (renewed ?? find("heading")).focus();
      settle();
    }
    if (here) changed(id, after);
  }

  function settle() {
    nobody.hidden = list.childElementCount > 0;
    if (count) {
      count.hidden = nobody.hidden === false;
      count.textContent = cursor === null ? list.childElementCount : `${list.childElementCount}+`;
    }
  }

  // Read the first page anew, or the one after what is shown; gives the answer.
  async function read({ following = false } = {}) {
    const wanted = new URLSearchParams({ ...query(), limit: PAGE });
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
  return { read, replace };
}
