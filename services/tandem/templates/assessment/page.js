"use strict";
(() => {
  // Without the library the tables still say everything: charts stay hidden.
  if (typeof Plotly !== "undefined") {
    document.documentElement.classList.add("drawn");
    // Where its place becomes narrower and no script runs, as on paper, a chart shrinks as a whole: nothing of it is cut off.
    const mayShrink = (chart) => {
      for (const drawing of chart.querySelectorAll(".main-svg")) {
        drawing.setAttribute("viewBox", `0 0 ${drawing.getAttribute("width")} ${drawing.getAttribute("height")}`);
        drawing.setAttribute("preserveAspectRatio", "xMinYMin meet");
      }
      // Its place shrinks with it, and leaves no gap below.
      const { width, height } = chart._fullLayout;
      const place = chart.querySelector(".svg-container");
      Object.assign(place.style, { aspectRatio: `${width} / ${height}`, height: "auto" });
      chart.style.height = "auto";
    };
    // Elsewhere it follows its place, whatever made that narrower: a turned phone, a scroll bar, a larger text.
    const places = new ResizeObserver((entries) => {
      for (const { target, contentRect } of entries) {
        if (contentRect.width > 0) Plotly.Plots.resize(target);
      }
    });
    for (const chart of document.querySelectorAll("[data-figure]")) {
      const figure = JSON.parse(document.getElementById(chart.dataset.figure).textContent);
      Plotly.newPlot(chart, figure.data, figure.layout, figure.config).then(() => {
        chart.on("plotly_afterplot", () => mayShrink(chart));
        mayShrink(chart);
        places.observe(chart);
      });
    }
  }

  const form = document.querySelector("form.search");
  if (!form) return;
  const field = form.querySelector("input");
  const found = form.querySelector("output");
  const rows = [...document.querySelectorAll("table.devices tbody tr")];
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const search = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, index) => {
      const matches = words.every((word) => texts[index].includes(word));
      row.hidden = !matches;
      if (matches) shown += 1;
    });
    found.textContent = words.length ? `${shown.toLocaleString("en")} of ${rows.length.toLocaleString("en")} listed` : "";
  };
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  field.addEventListener("input", search);
})();
