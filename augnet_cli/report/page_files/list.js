// The list: what is shown, in which order.  A card is filled when it comes near the window and emptied
// when it is far, so a page of thousands of groups holds only some dozens of them at a time.

const NEAR = "1500px 0px"; // around the window: a screen or two, drawn before one sees it
const TYPING_MS = 150; // after the last letter of a filter
const GUESSED_TILE = 300; // pixels; what an empty card's height is reckoned from until it was drawn once
const GUESSED_HEAD = 90;
const SKIPPED_HEIGHT = 62;
const SECTIONS = [
  { id: "groups", name: "Groups", none: "No duplicates were found." },
  { id: "partial", name: "Partial", none: "No pictures overlap in part alone." },
  { id: "unverified", name: "Not verified", none: "Nothing is in doubt." },
  { id: "stacks", name: "Stacks", none: "No stacks were found." },
  { id: "skipped", name: "Skipped", none: "No image was skipped." },
];
const byPath = (a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0);
const ORDERS = [
  { id: "saved", name: "most bytes first", compare: (a, b) => b.saved - a.saved || a.number - b.number },
  { id: "far", name: "least alike first", compare: (a, b) => b.distance - a.distance || a.number - b.number },
  { id: "near", name: "most alike first", compare: (a, b) => a.distance - b.distance || a.number - b.number },
  { id: "path", name: "path", compare: (a, b) => byPath(a, b) || a.number - b.number },
  { id: "number", name: "as found", compare: (a, b) => a.number - b.number },
];

const feed = byId("feed");
const chosen = { section: "groups", order: "saved", verdict: "", text: "" };
const sections = { groups: groupItems(), partial: suspectItems(true), unverified: suspectItems(false), stacks: stackItems(), skipped: skippedItems() };
let shownItems = [];

function summed(item) {
  const names = item.images.map((number) => nameOf(data.images[number]));
  item.words = new Set(item.pairs.flatMap((pair) => pair.verdict));
  item.path = names[0];
  item.searched = names.join("\n").toLowerCase();
  item.saved = item.pairs.reduce((sum, pair) => sum + data.images[pair.image].bytes, 0);
  item.distance = item.pairs.reduce((most, pair) => Math.max(most, pair.distance ?? 0), 0);
  return item;
}

function groupItems() {
  return data.groups.map((group, place) => {
    const pairs = group.copies.map((copy) => ({ ...copy, witness: copy.witness ?? group.kept }));
    const images = [group.kept, ...pairs.map((pair) => pair.image)];
    const title = `Group ${english.format(place + 1)}`;
    return summed({ section: "groups", number: place, title, kept: group.kept, why: group.why, pairs, images });
  });
}

function suspectItems(partial) {
  const suspects = data.suspects.filter((suspect) => suspect.verdict.includes("partial") === partial);
  return suspects.map((suspect, place) => {
    const images = [suspect.witness, suspect.image];
    return summed({ section: partial ? "partial" : "unverified", number: place, title: `Pair ${english.format(place + 1)}`, pairs: [suspect], images });
  });
}

function stackItems() {
  return data.stacks.map((images, place) => {
    const pairs = images.slice(1).map((image) => ({ image, witness: images[0], verdict: [] }));
    return summed({ section: "stacks", number: place, title: `Stack ${english.format(place + 1)}`, pairs, images });
  });
}

function skippedItems() {
  return data.skipped.map((skip, place) => {
    const searched = skip.path.toLowerCase();
    return { section: "skipped", number: place, title: skip.path, pairs: [], images: [], words: new Set(), path: skip.path, searched, saved: 0, distance: 0, skip };
  });
}

const fitsVerdict = (pair) => !chosen.verdict || pair.verdict.includes(chosen.verdict);

function pairsInOrder(fits) {
  return shownItems.flatMap((item) => item.pairs.map((_, place) => ({ item, place })).filter(({ place }) => fits(item.pairs[place])));
}

const watcher = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) (isIntersecting ? fill : empty)(target);
}, { rootMargin: NEAR });

function fill(card) {
  if (card.firstChild) return;
  fillCard(card, card.item);
  card.style.minHeight = "";
}

function empty(card) {
  if (!card.firstChild || card.contains(document.activeElement)) return;
  card.style.minHeight = `${card.offsetHeight}px`;
  card.replaceChildren();
}

function guessedHeight(item, columns) {
  if (item.section === "skipped") return SKIPPED_HEIGHT;
  const tiles = Math.min(item.pairs.length, COPIES_AT_FIRST);
  return GUESSED_HEAD + GUESSED_TILE * Math.max(1, Math.ceil(tiles / columns));
}

function list() {
  const text = chosen.text.trim().toLowerCase();
  const all = sections[chosen.section];
  const fits = (item) => (!chosen.verdict || item.words.has(chosen.verdict)) && (!text || item.searched.includes(text));
  shownItems = all.filter(fits).sort(ORDERS.find((order) => order.id === chosen.order).compare);
  watcher.disconnect();
  const columns = Math.max(1, Math.floor(feed.clientWidth / 240) - 1);
  const cards = shownItems.map((item, place) => {
    const label = item.section === "skipped" ? item.title : `${item.title}: ${item.path}`;
    const card = make("article", { class: item.section, "aria-label": label, "aria-posinset": place + 1, "aria-setsize": shownItems.length });
    card.item = item;
    card.style.minHeight = `${guessedHeight(item, columns)}px`;
    return card;
  });
  widen(cards);
  feed.replaceChildren(...cards);
  feed.setAttribute("aria-busy", "false");
  for (const card of cards) watcher.observe(card);
  tell(all.length);
}

// Cards of two pictures stand two in a row; one that is left over takes the whole row, so that none is empty.
function widen(cards) {
  let waiting = null;
  for (const card of cards) {
    const wide = card.item.pairs.length !== 1;
    card.classList.toggle("wide", wide);
    if (wide) waiting?.classList.add("wide");
    waiting = wide || waiting ? null : card;
  }
  waiting?.classList.add("wide");
}

function tell(total) {
  const none = byId("empty");
  none.hidden = shownItems.length > 0;
  none.textContent = total ? "Nothing fits this filter." : SECTIONS.find((section) => section.id === chosen.section).none;
  const filtered = chosen.text || chosen.verdict;
  byId("count").textContent = filtered ? `${english.format(shownItems.length)} of ${english.format(total)} shown` : "";
}

function focusTile(item, place) {
  const card = [...feed.children].find((each) => each.item === item);
  if (!card) return;
  fill(card);
  const tile = card.querySelector(`button[data-place="${place}"]`);
  (tile ?? card).scrollIntoView({ block: "nearest" });
  tile?.focus({ preventScroll: true });
}

function fillVerdicts() {
  const tally = new Map();
  for (const item of sections[chosen.section]) for (const word of item.words) tally.set(word, (tally.get(word) ?? 0) + 1);
  const words = [...tally].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  if (!tally.has(chosen.verdict)) chosen.verdict = "";
  const options = words.map(([word, number]) => make("option", { value: word }, `${plainWord(word)} (${english.format(number)})`));
  byId("verdict").replaceChildren(make("option", { value: "" }, "all"), ...options);
  byId("verdict").value = chosen.verdict;
  byId("verdict").parentElement.hidden = words.length === 0;
}

function openSection(id) {
  chosen.section = id;
  for (const tab of byId("tabs").children) {
    tab.setAttribute("aria-selected", String(tab.dataset.section === id));
    tab.tabIndex = tab.dataset.section === id ? 0 : -1;
  }
  fillVerdicts();
  byId("order").parentElement.hidden = id === "skipped";
  list();
}

function keyedTab(event) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const tabs = [...byId("tabs").children];
  const next = tabs[(tabs.indexOf(event.target) + step + tabs.length) % tabs.length];
  next.focus();
  openSection(next.dataset.section);
}

function start() {
  for (const { id, name } of SECTIONS) {
    if (id !== "groups" && sections[id].length === 0) continue;
    const tab = { type: "button", role: "tab", "aria-controls": "panel", "data-section": id, onclick: () => openSection(id), onkeydown: keyedTab };
    byId("tabs").append(make("button", tab, name, make("span", { class: "tally" }, english.format(sections[id].length))));
  }
  for (const { id, name } of ORDERS) byId("order").append(make("option", { value: id }, name));
  byId("order").addEventListener("change", (event) => {
    chosen.order = event.target.value;
    list();
  });
  byId("verdict").addEventListener("change", (event) => {
    chosen.verdict = event.target.value;
    list();
  });
  let typing = 0;
  byId("text").addEventListener("input", (event) => {
    clearTimeout(typing);
    typing = setTimeout(() => {
      chosen.text = event.target.value;
      list();
    }, TYPING_MS);
  });
  byId("choices").addEventListener("submit", (event) => event.preventDefault());
  startComparison();
  openSection("groups");
}

start();
