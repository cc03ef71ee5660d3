// Puts everything in its place.

function start() {
  for (const { id, name, items } of LISTS) {
    if (id !== "clusters" && !items.length) continue;
    const tab = { type: "button", role: "tab", "aria-controls": "content", "data-list": id, onclick: () => openList(id), onkeydown: keyedTab };
    byId("tabs").append(make("button", tab, name, make("span", { class: "tally" }, english.format(items.length))));
  }
  let typing = 0;
  byId("text").addEventListener("input", (event) => {
    clearTimeout(typing);
    typing = setTimeout(() => search(event.target.value), TYPING_MS);
  });
  byId("search").addEventListener("submit", (event) => event.preventDefault());
  byId("text").addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !found) return;
    event.target.value = "";
    search("");
  });
  content.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && (chosen.cluster || chosen.image !== NONE)) closeAll();
  });
  startMap();
  showAgain();
}

start();
