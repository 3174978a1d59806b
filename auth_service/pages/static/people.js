// Who waits and who is here, as the API tells it to administrators.
import { groupOf } from "./groups.js";
import { askInvite } from "./person.js";
import { busy, find, ready, refused, tell } from "./screen.js";

const asked = () => ({ q: find("q").value.trim(), status: find("status").value });

const pending = groupOf(find("pending"), {
  alike: "pending",
  query: () => ({ status: "pending" }),
  changed: (id, after) => everyone.replace(id, after),
});
const everyone = groupOf(find("everyone"), {
  query: () => Object.fromEntries(Object.entries(asked()).filter(([, value]) => value)),
  // Who waits is above already, unless they are looked for.
  shows: (user) => user.status !== "pending" || Object.values(asked()).some((value) => value),
  changed: (id, after) => pending.replace(id, after),
});

// Those who wait come first; whatever is wrong is told once. Gives whether all is shown.
async function load() {
  const answers = [await pending.read()];
  if (answers[0].ok) answers.push(await everyone.read());
  const fault = answers.find((answer) => !answer.ok);
  if (fault) refused(fault);
  return !fault;
}

async function search() {
  const answer = await everyone.read();
  if (answer.ok) tell("");
  else refused(answer, { q: find("q") });
}

find("search").addEventListener("submit", (event) => {
  event.preventDefault();
  busy(find("find"), search);
});
find("status").addEventListener("change", () => busy(find("find"), search));
find("invite").addEventListener("click", () => askInvite((user) => everyone.replace(user.id, user)));

ready();
load();
