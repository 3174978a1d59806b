// Who waits and who is here, as the API tells it to administrators.
import { groupOf } from "./groups.js";
import { askInvite } from "./person.js";
import { busy, find, ready, refused, tell } from "./screen.js";

const STATUSES = [...find("status").options].map((option) => option.value).filter((value) => value);
const searched = () => [["q", find("q").value.trim()], ["status", find("status").value]].filter(([, value]) => value);
// Who waits is above already, unless they are looked for.
const others = STATUSES.filter((status) => status !== "pending").map((status) => ["status", status]);

const pending = groupOf(find("pending"), { alike: "pending", query: () => [["status", "pending"]], changed: meet });
const everyone = groupOf(find("everyone"), {
  query: () => (search.length ? search : others),
  changed: (id, after) => pending.replace(id, after),
});
let search = []; // as it was sent, whatever is typed meanwhile
let waitingRead = false;

// Show among the others whoever was decided about or invited; a search itself tells whether it finds them.
async function meet(id, after) {
  if (!after || everyone.holds(id) || !search.length) {
    everyone.replace(id, after, { first: after?.status !== "pending" });
    return;
  }
  const answer = await everyone.read();
  if (!answer.ok) refused(answer);
}

// Read whom the search is for, and before that who waits until they have been read; what is wrong is told once.
async function show() {
  if (!waitingRead) {
    const answer = await pending.read();
    if (!answer.ok) return refused(answer);
    waitingRead = true;
  }
  search = searched();
  const answer = await everyone.read();
  return answer.ok ? tell("") : refused(answer, { q: find("q") });
}

find("search").addEventListener("submit", (event) => {
  event.preventDefault();
  busy(find("find"), show);
});
find("status").addEventListener("change", () => busy(find("find"), show));
find("invite").addEventListener("click", () => askInvite((user) => meet(user.id, user)));

ready();
show();
