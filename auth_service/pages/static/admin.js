// Who waits and who is here, as the API tells it to administrators. Names are strangers' words: only ever text.
import { call } from "./api.js";
import { busy, find, tell } from "./screen.js";

const views = { out: find("signed-out"), member: find("no-admin"), board: find("board") };
const PAGE = 50;
const when = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });

function show(name) {
  if (views[name].hidden) {
    for (const [view, element] of Object.entries(views)) element.hidden = view !== name;
    document.querySelector("main").dataset.view = name; // the style follows it
    find("heading").focus();
  }
  if (name !== "board") for (const group of [pending, ...others]) group.clear();
}

// Who is signed out, or no administrator any more, sees that instead; all else is told in the server's words.
function refused(answer) {
  const view = { unauthenticated: "out", forbidden: "member" }[answer.code] ?? "board";
  const known = view !== "board" && !views[view].hidden;
  tell(known ? "" : answer.detail);
  show(view);
}

function part(tag, className, text) {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

function rowOf(user) {
  const row = part("li", "person", "");
  row.tabIndex = -1;
  const who = part("p", "who", "");
  if (user.name) who.append(part("bdi", "name", user.name));
  who.append(part("span", "address", user.email));
  if (user.role === "admin") who.append(part("span", "tag", "administrator"));
  row.append(who);
  if (user.status === "pending") {
    const since = part("time", "", when.format(new Date(user.created_at)));
    since.dateTime = user.created_at;
    const registered = part("span", "faint", "Registered ");
    registered.append(since);
    who.append(registered);
    row.append(approval(user, row));
  }
  return row;
}

function approval(user, row) {
  const button = part("button", "approve", "Approve");
  button.type = "button";
  button.setAttribute("aria-label", `Approve ${user.name}, ${user.email}`);
  button.addEventListener("click", () => busy(button, async () => {
    const answer = await call("POST", `/v1/admin/users/${user.id}/approve`);
    if (!answer.ok) return refused(answer);
    button.replaceWith(part("span", "tag", "Approved"));
    row.focus(); // not the next button: a key pressed twice must approve nobody else
    tell(`${answer.name} is approved, and gets a mail that says so.`, { good: true });
  }));
  return button;
}

function groupOf(section) {
  const list = section.querySelector("ul");
  const more = section.querySelector(".more");
  const nobody = section.querySelector(".nobody");
  let cursor = null;

  function clear() {
    list.replaceChildren();
    more.hidden = true;
    if (nobody) nobody.hidden = true;
  }

  // Read the first page anew, or the one after what is shown; gives the answer.
  async function read({ following = false } = {}) {
    const query = new URLSearchParams({ status: section.dataset.status, limit: PAGE });
    if (following) query.set("cursor", cursor);
    const answer = await call("GET", `/v1/admin/users?${query}`);
    if (!answer.ok) return answer;
    if (!following) clear();
    const rows = answer.users.map(rowOf);
    list.append(...rows);
    cursor = answer.next_cursor;
    more.hidden = cursor === null;
    if (nobody) nobody.hidden = list.childElementCount > 0;
    else section.hidden = list.childElementCount === 0;
    if (following && rows.length) rows[0].focus();
    return answer;
  }

  more.addEventListener("click", () => busy(more, async () => {
    const answer = await read({ following: true });
    if (answer.ok) tell("");
    else refused(answer);
  }));
  return { clear, read };
}

const pending = groupOf(find("pending"));
const others = [...find("people").querySelectorAll("[data-status]")].map(groupOf);

// Those who wait come first; whoever may not see them is told once. Gives whether all is shown.
async function load() {
  let answers = [await pending.read()];
  if (answers[0].ok) answers = await Promise.all(others.map((group) => group.read()));
  const fault = answers.find((answer) => !answer.ok);
  if (fault) refused(fault);
  else show("board");
  return !fault;
}

find("refresh").addEventListener("click", () => busy(find("refresh"), async () => {
  if (await load()) tell("This is how it stands now.", { good: true });
}));

// Ask in every view: the database may have been away while the server drew this page.
load();
