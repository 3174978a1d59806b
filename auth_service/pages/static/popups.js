// Small menus that open under their button, and close by Escape or when one turns elsewhere.
import { part } from "./screen.js";

// Heard once for all menus: rows with menus come and go.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  const menu = event.target.closest("details.menu[open]");
  if (event.key !== "Escape" || !menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

// Make one; whatever is chosen in it closes it.
export function popup(text, label, choices) {
  const summary = part("summary", { className: "second small", text });
  summary.setAttribute("aria-label", label);
  const menu = part("details", { className: "menu" }, summary, part("div", { className: "choices" }, ...choices));
  for (const choice of choices) {
    choice.className = choice.classList.contains("danger") ? "plain danger" : "plain";
    choice.addEventListener("click", () => {
      menu.open = false;
      summary.focus(); // where a dialog gives the keyboard back to
    }, { capture: true });
  }
  return menu;
}
