// Dialogs: one question, answered or left. The browser keeps the focus inside, and gives it back afterwards.
import { busy, find, tell } from "./screen.js";

// Ask by the dialog `id`. `answer` gets its form, and gives whether that is the end of it, or what is to be done then.
// While an answer is under way the dialog does not close: what comes belongs to it.
export function ask(id, answer, { focus } = {}) {
  const dialog = find(id);
  const form = dialog.querySelector("form");
  const send = form.querySelector("[type=submit]");
  const leaving = form.querySelectorAll("[data-close]");
  const origin = document.activeElement;
  const listening = new AbortController();
  const { signal } = listening;
  let sending = false;

  function hold(held) {
    sending = held;
    for (const leave of leaving) leave.disabled = held;
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    busy(send, async () => {
      hold(true);
      const ending = await answer(form).finally(() => hold(false));
      if (!ending) return;
      dialog.close();
      if (ending !== true) ending(); // only now can something outside take the focus
    });
  }, { signal });
  for (const leave of leaving) leave.addEventListener("click", () => dialog.close(), { signal });
  dialog.addEventListener("cancel", (event) => {
    if (sending) event.preventDefault();
  }, { signal });
  dialog.addEventListener("close", () => {
    if (sending) { // browsers let nobody hold off a second Escape
      dialog.showModal();
      return;
    }
    listening.abort();
    if (origin?.isConnected && document.activeElement === document.body) origin.focus();
  }, { signal });

  tell("", { at: dialog.querySelector(".message") });
  dialog.showModal();
  (focus ?? form.querySelector("input, textarea, select, [data-close]")).focus();
}
