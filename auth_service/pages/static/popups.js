// Small menus that open under their button, and close by Escape or when one turns elsewhere.
import { part } from "./screen.js";

export function closing(menu) {
  document.addEventListener("click", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}

// Make one; whatever is chosen in it closes it.
export function popup(text, label, choices) {
  const summary = part("summary", { className: "second small", text });
  summary.setAttribute("aria-label", label);
  const menu = part("details", { className: "menu" }, summary, part("div", { className: "choices" }, ...choices));
  for (const choice of choices) {
    choice.className = "plain";
    choice.addEventListener("click", () => {
      menu.open = false;
      summary.focus(); // where a dialog gives the keyboard back to
    }, { capture: true });
  }
  closing(menu);
  return menu;
}
