// The address that the page was opened by is the one that the websocket goes to, through whatever tunnel that leads.
document.getElementById("terminal").dataset.sessionWebsocketUrl = location.origin.replace(/^http/, "ws") + "/ws";

// The emulator measures its font once, as it starts.
const start = window.onload;
window.onload = async (event) => {
  await Promise.allSettled(["16px", "bold 16px", "italic 16px"].map((font) => document.fonts.load(`${font} "Roboto Mono"`)));
  start(event);
};

// Textual's script says by these classes of the body how far it is.
const again = document.getElementById("again");
again.addEventListener("click", () => location.reload());
new MutationObserver(() => {
  if (document.body.classList.contains("-closed")) again.focus();
  else if (document.body.classList.contains("-first-byte")) document.querySelector(".xterm-helper-textarea").focus();
}).observe(document.body, { attributeFilter: ["class"] });
