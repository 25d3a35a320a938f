// A little help where a script may run; every view works without.
"use strict";

// An action may take its time: the button says so, and is not pressed twice.
document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (event.target.method !== "post" || event.submitter?.dataset.file !== undefined) return;
  if (event.target.dataset.sent) {
    event.preventDefault();
    return;
  }
  event.target.dataset.sent = "1";
  if (button) button.setAttribute("aria-busy", "true");
});

// Back from the next view: the forms may be sent again.
window.addEventListener("pageshow", () => {
  for (const form of document.forms) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
  }
});

// The address that this browser has really reached, the path below which a proxy shows it included.
for (const field of document.querySelectorAll("[data-reached]")) {
  field.value = new URL(document.querySelector(".brand").href).href.replace(/\/$/, "");
}

// A calendar that is wider than the screen begins at its end, which is now.
for (const wide of document.querySelectorAll(".wide")) {
  const last = wide.querySelector("rect:last-of-type");
  if (last) wide.scrollLeft += last.getBoundingClientRect().right - wide.getBoundingClientRect().right + 16;
}
