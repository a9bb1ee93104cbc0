// Draws the charts again so that they can be zoomed and read off; the page is complete without it.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { start, seconds, slots } = data;
  // A value stands in the middle of its slot.
  const times = Array.from({ length: slots }, (_, slot) => start + (slot + 0.5) * seconds);
  const whole = { min: start, max: start + slots * seconds };
  const two = (n) => String(n).padStart(2, "0");
  const short = (s) => (s >= 1 ? `${+s.toPrecision(3)} s` : `${+(1000 * s).toPrecision(3)} ms`);
  const words = {
    count: (n) => n.toLocaleString("en"),
    percent: (p) => `${+p.toPrecision(3)} %`,
    seconds: short,
  };
  const begin = (time) => new Date((time - seconds / 2) * 1000).toISOString().slice(0, 16).replace("T", " ");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const sync = uPlot.sync("time");
  let plots = [];
  let zoomed = whole;

  const tools = document.createElement("p");
  tools.className = "tools muted";
  const reset = document.createElement("button");
  reset.type = "button";
  reset.textContent = "Show the whole time";
  reset.disabled = true;
  reset.addEventListener("click", () => zoom(whole));
  tools.append("Drag over a chart to zoom in.", reset);

  function zoom({ min, max }) {
    zoomed = { min: Math.max(min, whole.min), max: Math.min(max, whole.max) };
    reset.disabled = zoomed.min <= whole.min && zoomed.max >= whole.max;
    for (const plot of plots) plot.setScale("x", zoomed);
  }

  // Incidents behind the lines, each with its number.
  function shade(plot) {
    const { ctx, bbox } = plot;
    ctx.save();
    data.incidents.forEach(([from, to], i) => {
      const [left, right] = [from, to].map((time) => Math.min(Math.max(plot.valToPos(time, "x", true), bbox.left), bbox.left + bbox.width));
      if (right - left <= 0) return;
      ctx.globalAlpha = Number(style("shade-opacity"));
      ctx.fillStyle = style("shade");
      ctx.fillRect(left, bbox.top, Math.max(right - left, 2), bbox.height);
      ctx.globalAlpha = 1;
      ctx.fillStyle = style("shade-text");
      ctx.font = `bold ${12 * devicePixelRatio}px system-ui, sans-serif`;
      ctx.textAlign = "center";
      ctx.fillText(String(i + 1), (left + right) / 2, bbox.top - 5 * devicePixelRatio);
    });
    ctx.restore();
  }

  function draw(chart) {
    const figure = document.getElementById(`chart-${chart.id}`);
    const place = figure.querySelector(".plot");
    const said = words[chart.unit];
    const axis = { stroke: style("muted"), grid: { stroke: style("grid"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    const plot = new uPlot({
      width: place.clientWidth,
      height: 200,
      padding: [20, 18, 0, 0],
      tzDate: (time) => uPlot.tzDate(new Date(time * 1000), "Etc/UTC"),
      scales: {
        x: { time: true, range: (_, min, max) => [min, max] },
        y: chart.log ? { distr: 3 } : { range: (_, min, max) => uPlot.rangeNum(0, Math.max(chart.top ?? 0, max || 1), { min: { pad: 0, hard: 0, mode: 1 }, max: { pad: chart.top ? 0 : 0.1, mode: 0 } }) },
      },
      axes: [
        { ...axis, size: 28, values: (_, ticks, __, ___, step) => ticks.map((tick) => label(tick, step)) },
        { ...axis, size: 62, values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : said(tick))) },
      ],
      series: [
        { label: "from (UTC)", value: (_, time) => (time === null ? "-" : begin(time)) },
        ...chart.series.map(({ name, color, dashed, area }) => {
          const stroke = style(color.slice(2));
          return {
            label: name, stroke, width: 1.75, dash: dashed ? [6, 4] : undefined, fill: area ? `${stroke}26` : undefined,
            points: { show: false }, value: (_, value) => (value === null ? "-" : said(value)),
          };
        }),
      ],
      cursor: { sync: { key: sync.key, setSeries: false }, drag: { x: true, y: false, setScale: false } },
      hooks: {
        drawClear: [shade],
        setSelect: [(plot) => {
          if (plot.select.width < 4) return;
          const [min, max] = [plot.select.left, plot.select.left + plot.select.width].map((x) => plot.posToVal(x, "x"));
          plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
          if (max - min >= 2 * seconds) zoom({ min, max });
        }],
      },
    }, [times, ...chart.series.map(({ values }) => values)], place);
    plot.setScale("x", zoomed);
    plot.over.addEventListener("dblclick", () => zoom(whole));
    figure.classList.add("live");
    return plot;
  }

  function label(tick, step) {
    const time = new Date(tick * 1000);
    const day = time.toLocaleDateString("en", { month: "short", day: "numeric", timeZone: "UTC" });
    if (step >= 86400) return day;
    const clock = `${two(time.getUTCHours())}:${two(time.getUTCMinutes())}`;
    return clock === "00:00" && slots * seconds > 86400 ? day : clock;
  }

  function drawAll() {
    for (const plot of plots) {
      plot.destroy();
    }
    plots = data.charts.map(draw);
  }

  if (data.charts.length === 0) return;
  drawAll();
  dark.addEventListener("change", drawAll);
  new ResizeObserver(() => {
    for (const plot of plots) plot.setSize({ width: plot.root.parentElement.clientWidth, height: plot.height });
  }).observe(document.getElementById("main"));
  document.getElementById("over-time-title").after(tools);
  data.incidents.forEach(([from, to], i) => {
    const title = document.getElementById(`incident-${i + 1}-title`);
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Show in the charts";
    button.addEventListener("click", () => {
      const around = Math.max(to - from, 10 * seconds);
      zoom({ min: from - around, max: to + around });
      document.getElementById("over-time").scrollIntoView();
    });
    title.after(button);
  });
})();
