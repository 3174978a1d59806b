// Dialogs: one question, answered or left. The browser keeps the focus inside, and gives it back afterwards.
import { busy, find, tell } from "./screen.js";

// Ask by the dialog `id`; `answer` gets its form, and gives whether that is the end of it.
export function ask(id, answer, { focus } = {}) {
  const dialog = find(id);
  const form = dialog.querySelector("form");
  const send = form.querySelector("[type=submit]");
  const origin = document.activeElement;
  const listening = new AbortController();
  const { signal } = listening;

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    busy(send, async () => {
      if (await answer(form)) dialog.close();
    });
  }, { signal });
  for (const close of form.querySelectorAll("[data-close]")) {
    close.addEventListener("click", () => dialog.close(), { signal });
  }
  dialog.addEventListener("close", () => {
    listening.abort();
    if (origin?.isConnected && document.activeElement === document.body) origin.focus();
  }, { signal });

  tell("", { at: dialog.querySelector(".message") });
  dialog.showModal();
  (focus ?? form.querySelector("input, textarea, select, [data-close]")).focus();
}
