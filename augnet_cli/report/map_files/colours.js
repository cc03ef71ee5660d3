// A colour for each cluster.  Seven hues that most colour-blind people tell apart (after Okabe and Ito, 2008), each in
// three tones; clusters near each other on the map get hues that differ.

const HUES = {
  light: ["#0072b2", "#e08a00", "#009e73", "#cf4a1c", "#b862a8", "#3fa2db", "#a08f00"],
  dark: ["#3a9be0", "#f0a830", "#1fbf92", "#f0703c", "#d98ac8", "#7fc8f5", "#d8c84a"],
};
const TONES = {
  light: [["#000000", 0], ["#000000", 0.42], ["#ffffff", 0.38]],
  dark: [["#000000", 0], ["#ffffff", 0.5], ["#000000", 0.4]],
};
const NOISE = { light: "#a2a29a", dark: "#6f6f69" };
const SAME_TONE = 1; // how bad it is that two near clusters share hue and tone
const SAME_HUE = 0.3; // ... or the hue alone
const FAINT = 0.82; // of what is not looked at: so much of it is ground

const darkly = matchMedia("(prefers-color-scheme: dark)");
const theme = () => (darkly.matches ? "dark" : "light");
const channels = (colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
const hex = (values) => `#${values.map((value) => Math.round(value).toString(16).padStart(2, "0")).join("")}`;
const mixed = (one, other, share) => hex(channels(one).map((value, at) => value * (1 - share) + channels(other)[at] * share));
const ground = () => getComputedStyle(document.body).getPropertyValue("--ground").trim();

// For each cluster its hue and tone: the first pair that clashes least with the clusters already coloured near it.
const slots = (() => {
  const choices = TONES.light.flatMap((_, tone) => HUES.light.map((__, hue) => ({ hue, tone })));
  const chosen = [];
  for (const cluster of clusters) {
    const clash = choices.map(({ hue, tone }) => chosen.reduce((sum, other, place) => {
      const same = hue !== other.hue ? 0 : tone === other.tone ? SAME_TONE : SAME_HUE;
      const apart = Math.hypot(cluster.x - clusters[place].x, cluster.y - clusters[place].y);
      return sum + same / (0.05 + apart);
    }, 0));
    chosen.push(choices[clash.indexOf(Math.min(...clash))]);
  }
  return chosen;
})();

const colourLists = Object.fromEntries(["light", "dark"].map((name) => [name, slots.map(({ hue, tone }) => mixed(HUES[name][hue], ...TONES[name][tone]))]));
const colourOf = (cluster) => (cluster ? colourLists[theme()][(cluster.parent ?? cluster).place] : NOISE[theme()]);

const clusterAt = (image) => clusters[clusterOf[image]] ?? null;
