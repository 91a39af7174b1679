// Draws the figures of the page: those behind "more" once it is opened, all of them anew for paper.
"use strict";
const PAPER = 680; // pixels between the margins of A4 and Letter
const figures = JSON.parse(document.getElementById("figures").textContent);
const paper = matchMedia("print"), dark = matchMedia("(prefers-color-scheme: dark)");

async function load() {
  const packed = Uint8Array.from(atob(document.getElementById("plotly").textContent), letter => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(stream).text();
  document.head.append(script);
}

function layoutOf(figure, width, ink) {
  const layout = {...figure.layout, font: {...figure.layout.font, color: ink, size: width < 600 ? 10 : 12}};
  const narrow = width < 600;
  if (layout.legend) layout.legend = {...layout.legend, font: {size: narrow ? 9 : 12}};
  if (figure.data.some(trace => trace.type === "parcoords"))
    layout.paper_bgcolor = getComputedStyle(document.body).backgroundColor; // behind the numbers, which lines cross
  if (narrow && layout.yaxis) layout.yaxis = {...layout.yaxis, tickfont: {size: 9}};
  return layout;
}

function dataOf(figure, width, ink) {
  return figure.data.map(trace => {
    const made = {...trace};
    if (width < 600 && trace.mode === "markers+text") made.mode = "markers"; // no room: they show under the finger
    if (width < 600 && trace.type === "heatmap" && trace.texttemplate) made.showscale = false;
    if (trace.type === "parcoords") {
      for (const font of ["labelfont", "tickfont", "rangefont"]) made[font] = {color: ink, size: width < 600 ? 8 : 11};
      if (width < 600) made.labelangle = -25;
    }
    return made;
  });
}

function draw(box, width, ink) {
  const figure = figures[box.id];
  const layout = layoutOf(figure, width, ink);
  if (width === PAPER) Object.assign(layout, {width: PAPER, height: Math.min(box.clientHeight, 420)});
  return Plotly.react(box, dataOf(figure, width, ink), layout, {responsive: true, displayModeBar: false});
}

function drawAll(onPaper) {
  const ink = onPaper ? "#222" : dark.matches ? "#bbb" : "#444";
  for (const box of document.querySelectorAll(".plot"))
    if (!box.closest("details:not([open])")) draw(box, onPaper ? PAPER : box.clientWidth, ink);
}

load().then(() => {
  drawAll(paper.matches);
  for (const more of document.querySelectorAll("details")) more.addEventListener("toggle", () => drawAll(false));
  addEventListener("beforeprint", () => drawAll(true));
  addEventListener("afterprint", () => drawAll(false));
  dark.addEventListener("change", () => drawAll(false));
});
