// Where someone is signed in: each browser and program, and how to end it there.
import { call } from "./api.js";
import { busy, button, find, part, phrase, refused, tell } from "./screen.js";
import { time } from "./times.js";
import { _ } from "./words.js";

const METHODS = {
  otp: _("Signed in %(when)s by a code"),
  magic_link: _("Signed in %(when)s by a link"),
};

export async function showSessions() {
  const answer = await call("GET", "/v1/sessions");
  if (!answer.ok) return refused(answer);
  find("sessions").replaceChildren(...answer.sessions.map(row));
  find("end-others").hidden = answer.sessions.length < 2;
  return undefined;
}

function row(session) {
  const device = session.device || _("Unknown device");
  const item = part("li", { className: "row" });
  const about = part("div", { className: "who" },
    part("p", {}, part("bdi", { className: "name", text: device }),
      session.current && part("span", { className: "tag good", text: _("This one") })),
    part("p", { className: "faint", text: session.client_address ?? "" }),
    phrase("faint", METHODS[session.method], { when: time(session.created_at) }),
    phrase("faint", _("Last used %(when)s"), { when: time(session.last_seen_at) }));
  item.append(about);
  if (!session.current) {
    item.append(button("second small", _("Sign out"), _("Sign out %(device)s", { device }), (pressed) =>
      busy(pressed, () => end(session, device))));
  }
  return item;
}

async function end(session, device) {
  const answer = await call("DELETE", `/v1/sessions/${session.id}`);
  if (!answer.ok && answer.code !== "session_not_found") return refused(answer);
  await showSessions();
  find("sessions-heading").scrollIntoView({ block: "nearest" });
  return tell(_("%(device)s is signed out.", { device }), { good: true });
}

find("end-others").addEventListener("click", () => busy(find("end-others"), async () => {
  const answer = await call("POST", "/v1/sessions/revoke-others");
  if (!answer.ok) return refused(answer);
  await showSessions();
  return tell(_("You are signed out everywhere else."), { good: true });
}));
