// A link from a mail. Opening it does nothing: only a press of the button sends its token.
import { call } from "./api.js";
import { busy, find, refused, tell } from "./screen.js";
import { _, sentenceOf } from "./words.js";

const ONWARD = "porter.onward";
const TOKEN = /^[\w-]{43}$/; // 256 bits in base64url
const views = ["confirm", "elsewhere", "unused", "waiting", "over"];

let token = "";

function show(name, heading, told = "", options = {}) {
  tell(told, options);
  for (const view of views) find(view).hidden = view !== name;
  find("heading").textContent = heading;
  document.title = `${heading} · Porter`;
  find("heading").focus();
}

// Take the token out of the address bar, so that it is neither seen nor kept in the history.
// A reload finds none there, nor does a link that was cut: nothing tells that it is over.
function take() {
  const found = window.location.hash.slice(1);
  token = TOKEN.test(found) ? found : "";
  window.history.replaceState(null, "", window.location.pathname);
  find("incomplete").hidden = Boolean(token);
  if (token) return show("confirm", _("Sign in"));
  return show("over", _("Open the link again"));
}

// A second link may be opened in the same tab. A fragment that names a part of the page, as the skip link's
// does, leads there and leaves the link as it is.
function takeAnother() {
  const found = window.location.hash.slice(1);
  if (found && !find(found)) take();
}

// Where the sign-in was to lead when it was asked for in this browser; the login page asks the server again.
function onward() {
  try {
    const kept = JSON.parse(localStorage.getItem(ONWARD));
    localStorage.removeItem(ONWARD);
    if (kept?.until > Date.now()) return `/login?${new URLSearchParams({ return_to: kept.onward })}`;
  } catch { /* storage may be forbidden; then the account is a good place */ }
  return "/account";
}

async function consume(elsewhere) {
  tell("");
  const answer = await call("POST", "/v1/login/links/consume", elsewhere ? { token, elsewhere } : { token });
  if (answer.ok) return window.location.replace(elsewhere ? "/account" : onward());
  if (answer.code === "link_elsewhere") {
    find("masked").textContent = answer.masked_address;
    return show("elsewhere", _("Was it you?"));
  }
  if (answer.code === "account_pending") {
    return show("waiting", _("Almost there"), sentenceOf(answer), { good: true });
  }
  // Whatever else went wrong leaves the link good: it may be tried again.
  const spent = ["challenge_closed", "account_rejected", "account_suspended", "invalid_request"];
  if (!spent.includes(answer.code)) return refused(answer);
  token = "";
  return show("over", _("This link is over"), sentenceOf(answer));
}

find("sign-in").addEventListener("click", () => busy(find("sign-in"), () => consume(false)));
find("sign-in-here").addEventListener("click", () => busy(find("sign-in-here"), () => consume(true)));
find("not-me").addEventListener("click", () => {
  token = "";
  show("unused", _("Good that you looked"));
});
window.addEventListener("hashchange", takeAnother);

take();
