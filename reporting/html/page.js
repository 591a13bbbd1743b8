const read = (id) => JSON.parse(document.getElementById(id).textContent);

const charts = read("charts");
const colours = () => {
  const style = getComputedStyle(document.documentElement);
  const text = style.getPropertyValue("--text").trim();
  const line = style.getPropertyValue("--line").trim();
  const panel = style.getPropertyValue("--panel").trim();
  const axis = (side) => ({
    [`${side}axis.gridcolor`]: line, [`${side}axis.linecolor`]: line, [`${side}axis.zerolinecolor`]: line,
  });
  return {
    "font.color": text, "modebar.color": line, "modebar.activecolor": text, "legend.font.color": text, "hoverlabel.bgcolor": panel, "hoverlabel.font.color": text,
    ...axis("x"), ...axis("y"),
  };
};
for (const [name, chart] of Object.entries(charts)) {
  const place = document.getElementById(`chart-${name}`);
  const options = {
    responsive: true,
    displaylogo: false,
    modeBarButtons: [["zoom2d", "pan2d", "resetScale2d", "toImage"]],
  };
  await Plotly.newPlot(place, chart.data, chart.layout, options);
  const paint = () => Plotly.relayout(place, colours());
  await paint();
  dark.addEventListener("change", paint);
}

for (const table of document.querySelectorAll("table.summary")) {
  new DataTable(table, { paging: false, searching: false, info: false, order: [], autoWidth: false });
}

const browser = document.getElementById("browser");
if (browser) {
  const images = read("images");
  const fill = () => {
    for (const image of browser.querySelectorAll("img[data-image]:not([src])")) {
      image.src = `data:image/png;base64,${images[image.dataset.image]}`;
    }
  };
  const table = new DataTable(browser, {
    pageLength: 25,
    lengthMenu: [10, 25, 50, 100],
    order: [],
    autoWidth: false,
    scrollX: true,
    columnControl: [{ target: 1, content: ["search"] }],
    columnDefs: [{ targets: 0, orderable: false }],
  });
  table.on("draw", fill);
  fill();
}
document.documentElement.dataset.ready = "true";
