"use strict";
(() => {
  // Without the library the tables still say everything: charts stay hidden.
  if (typeof Plotly !== "undefined") {
    document.documentElement.classList.add("drawn");
    for (const chart of document.querySelectorAll("[data-figure]")) {
      const figure = JSON.parse(document.getElementById(chart.dataset.figure).textContent);
      Plotly.newPlot(chart, figure.data, figure.layout, figure.config);
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
