// What a page does beside standing there: draws its charts with dygraphs, reads them out under pointer
// and keys, walks its strips with the arrow keys, follows the theme, and gets ready for paper.
//
// A chart's data is a JSON block behind its figure (lua/weir/page/chart.lua):
//   { x: "time" | "number" | "log", xlabel:, xnames: [text of each row] | absent,
//     unit:, digits:, range: [low, high], names: [text],
//     colours: [n], dashes: [n], steps: [bool], ylog: bool, rows: [[x, [low, value, high] | null, …]], lines: [[y, text]],
//     marks: [[x, sign, text]] }
(function () {
  "use strict";
  const PATTERNS = [null, [7, 4], [2, 3], [10, 3, 2, 3], [4, 2], [1, 2]];
  const root = document.documentElement;
  const charts = [];

  function colour(name) { return getComputedStyle(root).getPropertyValue("--" + name).trim(); }

  function pad(n) { return String(n).padStart(2, "0"); }

  function timeText(ms) {
    const t = new Date(ms);
    return t.getUTCFullYear() + "-" + pad(t.getUTCMonth() + 1) + "-" + pad(t.getUTCDate()) + " " +
      pad(t.getUTCHours()) + ":" + pad(t.getUTCMinutes());
  }

  function numberText(value, digits) {
    return value.toLocaleString("en-US", { maximumFractionDigits: digits, minimumFractionDigits: digits })
      .replace("-", "−");
  }

  function xText(data, x) {
    const name = data.xnames && data.xnames[data.rows.findIndex((row) => row[0] === x)];
    if (name) return name;
    return data.x === "time" ? timeText(x) : numberText(Number(x), data.xdigits) + (data.xunit ? " " + data.xunit : "");
  }

  function valueText(data, value) {
    return numberText(value, data.digits) + (data.unit ? " " + data.unit : "");
  }

  function seriesText(data, name, cell) {
    if (!cell || cell[1] === null) return name + " no data";
    const band = cell[0] !== cell[2]
      ? " (" + (cell[3] ? "open" : valueText(data, cell[0])) + " to " + (cell[4] ? "open" : valueText(data, cell[2])) + ")"
      : "";
    return name + " " + valueText(data, cell[1]) + band;
  }

  function say(chart, row) {
    const data = chart.data, cells = data.rows[row];
    const parts = data.names.map((name, i) => seriesText(data, name, cells[i + 1]));
    const marks = data.marks.filter((m) => m[0] === cells[0]).map((m) => m[2]);
    chart.row = row;
    chart.output.textContent = [xText(data, cells[0]) + ": " + parts.join(", ")].concat(marks).join(". ");
  }

  function hush(chart) {
    chart.row = -1;
    chart.output.textContent = chart.help;
  }

  // A band of one row has no width: a line from end to end stands for it.
  function lonelyBands(data, context, graph) {
    if (data.rows.length !== 1) return;
    const [x, ...cells] = data.rows[0], at = Math.round(graph.toDomXCoord(x));
    context.setLineDash([]);
    context.lineWidth = 2;
    cells.forEach((cell, i) => {
      if (!cell || cell[0] === cell[2]) return;
      context.strokeStyle = colour("s" + data.colours[i]);
      context.beginPath();
      context.moveTo(at, graph.toDomYCoord(cell[0]));
      context.lineTo(at, graph.toDomYCoord(cell[2]));
      context.stroke();
    });
  }

  // Zero and tolerance lines behind the data, decisions as marks above them.
  function underlay(chart, context, area, graph) {
    const data = chart.data;
    context.save();
    context.font = "12px system-ui, sans-serif";
    context.lineWidth = 1;
    context.strokeStyle = context.fillStyle = colour("muted");
    for (const [y, text] of data.lines) {
      const at = Math.round(graph.toDomYCoord(y)) + 0.5;
      if (at < area.y || at > area.y + area.h) continue;
      context.setLineDash(y === 0 ? [] : [5, 4]);
      context.beginPath();
      context.moveTo(area.x, at);
      context.lineTo(area.x + area.w, at);
      context.stroke();
      if (y === 0) continue;
      context.textAlign = "right";
      context.fillText(text, area.x + area.w - 4, at - 4);
    }
    for (const [x, sign] of data.marks) {
      const at = Math.round(graph.toDomXCoord(x)) + 0.5;
      if (at < area.x || at > area.x + area.w) continue;
      context.setLineDash([1, 3]);
      context.beginPath();
      context.moveTo(at, area.y + 16);
      context.lineTo(at, area.y + area.h);
      context.stroke();
      context.fillStyle = colour("ink");
      context.textAlign = "center";
      context.fillText(sign, at, area.y + 12);
      context.fillStyle = colour("muted");
    }
    lonelyBands(data, context, graph);
    context.restore();
  }

  // A reader on a touch screen scrolls the page, not the chart.
  function interaction() {
    const model = Object.assign({}, Dygraph.defaultInteractionModel);
    for (const name of Object.keys(model)) if (name.startsWith("touch")) delete model[name];
    return model;
  }

  function theme(data) {
    return {
      colors: data.colours.map((n) => colour("s" + n)),
      gridLineColor: colour("rule"),
      axisLineColor: colour("rule"),
    };
  }

  // Names of the rows at their places, as far as there is room between them.
  function nameTicks(data, graph) {
    const ticks = [];
    let end = -Infinity;
    data.rows.forEach((row, i) => {
      const at = graph.toDomXCoord(row[0]);
      if (at - end < 40) return;
      ticks.push({ v: row[0], label: data.xnames[i] });
      end = at;
    });
    return ticks;
  }

  // A logarithmic axis has air in proportion, not in pixels.
  function xAxis(data) {
    return Object.assign({ drawGrid: false, axisLabelWidth: 64 },
      data.x === "log" ? { logscale: true } : {},
      data.x === "time" ? {} : { axisLabelFormatter: (x) => numberText(x, x % 1 && x < 10 ? 1 : 0) },
      data.xnames ? { ticker: (a, b, pixels, options, graph) => nameTicks(data, graph) } : {});
  }

  // A single look stands in the middle of its hour.
  function xWindow(data) {
    const first = data.rows.length === 1 && Number(data.rows[0][0]);
    if (first && data.x === "time") return { dateWindow: [first - 1800000, first + 1800000] };
    if (data.x !== "log") return { xRangePad: 6 };
    return { dateWindow: [data.rows[0][0] * 0.93, data.rows[data.rows.length - 1][0] * 1.07] };
  }

  function options(chart) {
    const data = chart.data, series = {};
    data.names.forEach((_, i) => {
      series["s" + i] = { strokePattern: PATTERNS[(data.dashes[i] - 1) % PATTERNS.length], stepPlot: data.steps[i] };
    });
    const yText = (value) => numberText(value, Math.max(0, Math.min(6, chart.tickDigits(value))));
    return Object.assign(theme(data), xWindow(data), {
      labels: ["x"].concat(data.names.map((_, i) => "s" + i)),
      series: series,
      customBars: true, fillAlpha: 0.16, strokeWidth: 1.75, highlightCircleSize: 4,
      drawPoints: data.points, pointSize: 2.5, drawGapEdgePoints: true,
      labelsUTC: true, valueRange: data.range, logscale: data.ylog, animatedZooms: false,
      axes: {
        x: xAxis(data),
        y: { axisLabelWidth: 54, axisLabelFormatter: yText, pixelsPerLabel: 36 },
      },
      interactionModel: interaction(),
      highlightCallback: (event, x, points, row) => say(chart, row),
      unhighlightCallback: () => hush(chart),
      underlayCallback: (context, area, graph) => underlay(chart, context, area, graph),
    });
  }

  function pick(chart, row) {
    const last = chart.data.rows.length - 1;
    row = Math.max(0, Math.min(last, row));
    chart.graph.setSelection(row);
    say(chart, row);
  }

  function zoom(chart, factor) {
    const [low, high] = chart.graph.xAxisRange(), rows = chart.data.rows;
    const middle = chart.row >= 0 ? Number(rows[chart.row][0]) : (low + high) / 2;
    chart.graph.updateOptions({ dateWindow: [middle - (middle - low) * factor, middle + (high - middle) * factor] });
  }

  const KEYS = {
    ArrowRight: (c) => pick(c, c.row + 1), ArrowLeft: (c) => pick(c, c.row < 0 ? Infinity : c.row - 1),
    PageDown: (c) => pick(c, c.row + 10), PageUp: (c) => pick(c, c.row - 10),
    Home: (c) => pick(c, 0), End: (c) => pick(c, Infinity),
    "+": (c) => zoom(c, 0.5), "-": (c) => zoom(c, 2),
    0: (c) => c.graph.resetZoom(), Escape: (c) => { c.graph.clearSelection(); hush(c); },
  };

  function onKey(chart, event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !KEYS[event.key]) return;
    event.preventDefault();
    KEYS[event.key](chart);
  }

  function prepare(data) {
    const x = data.x === "time" ? (n) => n * 1000 : (n) => n;
    const none = [null, null, null];
    data.rows.forEach((row) => { row[0] = x(row[0]); });
    data.marks.forEach((mark) => { mark[0] = x(mark[0]); });
    return data.rows.map((row) => row.map((cell, i) => {
      if (i === 0) return data.x === "time" ? new Date(cell) : cell;
      return cell ? cell.slice(0, 3) : none;
    }));
  }

  function draw(figure) {
    const div = figure.querySelector(".plot"), output = figure.querySelector(".say");
    const data = JSON.parse(figure.querySelector("script").textContent);
    const span = data.range ? data.range[1] - data.range[0] : 1;
    const chart = { div: div, data: data, output: output, help: output.textContent, row: -1 };
    chart.tickDigits = () => (span >= 10 ? 0 : Math.ceil(1 - Math.log10(span)));
    const rows = prepare(data);
    chart.graph = new Dygraph(div, rows, options(chart));
    div.addEventListener("keydown", (event) => onKey(chart, event));
    div.addEventListener("blur", () => { chart.graph.clearSelection(); hush(chart); });
    charts.push(chart);
  }

  function redraw() {
    for (const chart of charts) chart.graph.updateOptions(theme(chart.data));
  }

  // Strips: one cell of a table takes part in the order of Tab; arrows go on from there.
  function walk(table) {
    table.addEventListener("keydown", (event) => {
      const cell = event.target.closest("td");
      const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0],
        Home: [0, -Infinity], End: [0, Infinity] }[event.key];
      if (!cell || !step || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      const lines = Array.from(table.tBodies[0].rows), line = lines.indexOf(cell.parentNode) + step[0];
      if (!lines[line]) return;
      const cells = lines[line].querySelectorAll("td");
      const at = Math.max(0, Math.min(cells.length - 1, cell.cellIndex - 1 + step[1]));
      cell.tabIndex = -1;
      cells[at].tabIndex = 0;
      cells[at].focus();
    });
  }

  // Short tables are opened for paper, and closed again. Charts take its colours, and its width by zoom:
  // a canvas that gets another size now would be printed empty.
  const PAPER_WIDTH = 660;
  const opened = [];
  function beforePrint() {
    for (const chart of charts) {
      const width = chart.div.clientWidth;
      chart.div.style.width = width + "px";
      chart.div.style.zoom = Math.min(1, PAPER_WIDTH / width);
    }
    root.classList.add("printing");
    for (const each of document.querySelectorAll("details:not([open])")) {
      const rows = each.querySelectorAll("tbody tr").length;
      if (rows === 0 || rows > 20) continue;
      each.open = true;
      opened.push(each);
    }
    redraw();
  }
  function afterPrint() {
    root.classList.remove("printing");
    for (const each of opened.splice(0)) each.open = false;
    for (const chart of charts) chart.div.style.width = chart.div.style.zoom = "";
    redraw();
  }

  if (window.Dygraph) {
    Dygraph.PLUGINS = Dygraph.PLUGINS.filter((plugin) => plugin !== Dygraph.Plugins.Legend);
    document.querySelectorAll("figure.chart").forEach(draw);
  }
  document.querySelectorAll(".strip table").forEach(walk);
  window.addEventListener("beforeprint", beforePrint);
  window.addEventListener("afterprint", afterPrint);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
})();
