// What a page shows while it works: one message for everyone, and buttons that do nothing twice.

export const find = (id) => document.getElementById(id);

export function tell(sentence, { good = false } = {}) {
  const message = find("message");
  message.className = good ? "message good" : "message";
  message.textContent = sentence;
}

// Disable a button while its work is under way, so that nothing is sent twice; a keyboard stays where it was.
export async function busy(button, work) {
  if (button.disabled) return;
  button.disabled = true;
  try {
    await work();
  } finally {
    button.disabled = false;
    if (document.activeElement === document.body) button.focus();
  }
}
