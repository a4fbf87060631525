'use strict';
// Draws the charts of report.html from the numbers in #data. All text goes through textContent: none of it is markup.
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const $ = id => document.getElementById(id);
  const make = (tag, text, className) => {
    const node = document.createElement(tag);
    if (text !== undefined) node.textContent = text;
    if (className) node.className = className;
    return node;
  };
  const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const end = data.t.length ? data.t[data.t.length - 1] : 1;
  const begin = data.t.length ? Math.min(0, data.t[0] - data.w[0]) : 0;
  const HEIGHT = 230, GUTTER = 74;

  // ---- how values read -------------------------------------------------------------------------------------------
  const three = v => v >= 100 ? v.toFixed(0) : v >= 10 ? v.toFixed(1) : v.toFixed(2);
  // The same text as in tables and in the terminal.
  const ms = v => {
    if (v == null) return '–';
    const us = v * 1e3;
    if (us < 999.5) return us.toFixed(0) + ' µs';
    if (us < 9995) return v.toFixed(2) + ' ms';
    if (us < 99950) return v.toFixed(1) + ' ms';
    if (us < 999500) return v.toFixed(0) + ' ms';
    return us < 9995000 ? (v / 1e3).toFixed(2) + ' s' : (v / 1e3).toFixed(1) + ' s';
  };
  const tick = v => v < 1 ? +(v * 1e3).toPrecision(3) + ' µs' : v < 1e3 ? +v.toPrecision(3) + ' ms' : +(v / 1e3).toPrecision(3) + ' s';
  const perSecond = v => v == null ? '–' : three(v) + '/s';
  const plain = v => v == null ? '–' : String(+v.toFixed(2));
  const clock = s => {
    if (s == null) return '–';
    const whole = Math.floor(s + 1e-9), h = Math.floor(whole / 3600), m = Math.floor(whole / 60) % 60;
    const text = String(m).padStart(2, '0') + ':' + String(whole % 60).padStart(2, '0');
    return h ? h + ':' + text : text;
  };
  const share = x => x < 0.01 ? '0 %' : +(100 * (1 - 10 ** -x)).toFixed(Math.max(0, Math.ceil(x) - 1 + (x % 1 ? 2 : 0))) + ' %';

  // ---- what lies behind and above every chart in time ------------------------------------------------------------
  const events = {
    hooks: {
      drawClear: u => {
        const {ctx} = u, {left, top, width, height} = u.bbox;
        ctx.save();
        ctx.beginPath(); ctx.rect(left, top, width, height); ctx.clip();
        ctx.fillStyle = css('--fault');
        for (const f of data.faults) {
          const a = u.valToPos(f.begin, 'x', true), b = u.valToPos(f.end, 'x', true);
          ctx.fillRect(a, top, Math.max(2, b - a), height);
        }
        ctx.restore();
      },
      draw: u => {
        const {ctx} = u, {left, top, width, height} = u.bbox, r = devicePixelRatio;
        ctx.save();
        ctx.beginPath(); ctx.rect(left, top - 16 * r, width, height + 16 * r); ctx.clip();
        ctx.font = `${11 * r}px system-ui, sans-serif`; ctx.textBaseline = 'bottom'; ctx.textAlign = 'left'; ctx.lineWidth = r;
        const line = (x, text, color, dash) => {
          const at = Math.round(u.valToPos(x, 'x', true)) + .5;
          ctx.strokeStyle = ctx.fillStyle = color; ctx.setLineDash(dash.map(d => d * r));
          if (x > begin) { ctx.beginPath(); ctx.moveTo(at, top); ctx.lineTo(at, top + height); ctx.stroke(); }
          ctx.fillText(text, Math.max(at, left) + 4 * r, top - 2 * r);
        };
        const min = u.scales.x.min, max = u.scales.x.max;
        let free = -1e9;
        for (const p of data.phases) {
          if (p.end < min || p.begin > max || p.end <= p.begin) continue;
          const at = Math.max(u.valToPos(p.begin, 'x', true), left), fits = at > free;
          line(p.begin, fits ? p.name : '', css('--phase'), [3, 3]);
          if (fits) free = at + ctx.measureText(p.name).width + 10 * r;
        }
        for (const f of data.faults) if (f.end >= min && f.begin <= max) line(f.begin, '⚡ ' + f.name, css('--c3'), []);
        for (const m of data.marks) if (m.at >= min && m.at <= max) line(m.at, m.text, css('--c2'), [6, 2]);
        ctx.restore();
      },
    },
  };

  // ---- the heat map ----------------------------------------------------------------------------------------------
  const rowBegin = row => 10 ** (row / data.perDecade) / 1e3;
  let palette = [];
  const readPalette = () => {
    const stops = css('--heat').split(',').map(c => [1, 3, 5].map(i => parseInt(c.trim().slice(i, i + 2), 16)));
    palette = Array.from({length: 64}, (_, i) => {
      const x = i / 63 * (stops.length - 1), k = Math.min(stops.length - 2, Math.floor(x)), f = x - k;
      return 'rgb(' + stops[k].map((v, j) => Math.round(v + (stops[k + 1][j] - v) * f)).join(',') + ')';
    });
  };
  const heatOf = step => {
    let most = 1, low = 1e9, high = 0;
    for (const column of step.heat) for (let i = 0; i < column.length; i += 2) {
      most = Math.max(most, column[i + 1]); low = Math.min(low, column[i]); high = Math.max(high, column[i]);
    }
    return low > high ? {most: 1, low: 0, high: 48} : {most, low, high};
  };
  const heatColor = (count, most) => palette[most <= 1 ? 63 : Math.round(Math.log(count) / Math.log(most) * 63)];
  const heatPlugin = step => {
    const {most} = heatOf(step);
    let tip;
    return {
      hooks: {
        ready: u => { tip = make('div', '', 'tip'); u.over.appendChild(tip); },
        draw: u => {
          const {ctx} = u, {left, top, width, height} = u.bbox;
          ctx.save();
          ctx.beginPath(); ctx.rect(left, top, width, height); ctx.clip();
          step.heat.forEach((column, i) => {
            const a = Math.floor(u.valToPos(data.t[i] - data.w[i], 'x', true)), b = Math.ceil(u.valToPos(data.t[i], 'x', true));
            if (b < left || a > left + width) return;
            for (let k = 0; k < column.length; k += 2) {
              const y = Math.floor(u.valToPos(rowBegin(column[k] + 1), 'y', true)), z = Math.ceil(u.valToPos(rowBegin(column[k]), 'y', true));
              ctx.fillStyle = heatColor(column[k + 1], most);
              ctx.fillRect(a, y, Math.max(1, b - a), Math.max(1, z - y));
            }
          });
          ctx.restore();
        },
        setCursor: u => {
          const {left, top} = u.cursor;
          if (!tip || left == null || left < 0 || top < 0) { if (tip) tip.style.display = 'none'; return; }
          const x = u.posToVal(left, 'x'), row = Math.floor(Math.log10(u.posToVal(top, 'y') * 1e3) * data.perDecade);
          const i = data.t.findIndex((t, k) => x <= t && x >= t - data.w[k]);
          const column = i < 0 ? [] : step.heat[i];
          let count = 0;
          for (let k = 0; k < column.length; k += 2) if (column[k] === row) count = column[k + 1];
          tip.textContent = `${clock(x)} · ${ms(rowBegin(row))} to ${ms(rowBegin(row + 1))} · ${count} requests`;
          tip.style.display = 'block';
          const room = u.over.clientWidth - tip.offsetWidth;
          tip.style.left = Math.max(0, Math.min(left + 12, room)) + 'px';
          tip.style.top = Math.max(0, top - 30) + 'px';
        },
      },
    };
  };

  // ---- charts ----------------------------------------------------------------------------------------------------
  const charts = new Map();
  let inTime = [], zooming = false, printing = false;
  const zoom = (min, max) => {
    if (zooming) return;
    zooming = true;
    for (const u of inTime) u.setScale('x', {min, max});
    zooming = false;
  };
  const logRange = (u, min, max) => {
    if (min == null || !(max > 0)) return [1, 10];
    // At least half a decade, so that an even line is not blown up to noise.
    let a = Math.max(min, 1e-3) / 1.15, b = max * 1.15;
    while (b / a < 4) { a /= 1.3; b *= 1.3; }
    return [a, b];
  };
  const splitsLog = (u, axis, min, max) => {
    const decades = Math.log10(max / min), factors = decades > 4 ? [1] : decades > 1.6 ? [1, 3] : [1, 2, 5], found = [];
    for (let e = Math.floor(Math.log10(min)); e <= Math.ceil(Math.log10(max)); e++)
      for (const f of factors) { const v = f * 10 ** e; if (v >= min && v <= max) found.push(v); }
    return found;
  };
  const width = box => Math.max(300, Math.min(printing ? 690 : 1e9, box.clientWidth || 1100));
  const axis = (extra = {}) => ({stroke: css('--dim'), grid: {stroke: css('--grid'), width: 1}, ticks: {stroke: css('--grid'), width: 1}, font: '12px system-ui, sans-serif', ...extra});
  const xSplits = (u, a, min, max) => {
    const want = (max - min) / Math.max(2, u.width / 90);
    const step = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400].find(s => s >= want) || 86400;
    const found = [];
    for (let v = Math.ceil(min / step) * step; v <= max; v += step) found.push(v);
    return found;
  };

  const build = (id, spec) => {
    const box = $(id);
    if (!box) return;
    charts.get(id)?.destroy();
    box.textContent = '';
    const caption = make('figcaption', spec.caption);
    const time = spec.time !== false;
    const options = {
      width: width(box), height: spec.height || HEIGHT,
      padding: [time ? 18 : 10, time ? 14 : 34, 0, 0],
      scales: {
        x: time ? {time: false, min: begin, max: end} : {time: false, range: spec.xRange},
        y: spec.log ? {distr: 3, log: 10, range: spec.range || logRange} : {range: (u, min, max) => [0, max > 0 ? max * 1.1 : 1]},
      },
      axes: [
        axis(time ? {size: 32, splits: xSplits, values: (u, v) => v.map(clock)} : {size: 32, splits: spec.xSplits, values: (u, v) => v.map(share)}),
        axis({size: GUTTER, splits: spec.log ? splitsLog : undefined, filter: spec.log ? (u, v) => v : undefined, values: (u, v) => v.map(spec.tick)}),
      ],
      cursor: {drag: {x: time, y: false}, sync: time ? {key: 'time', scales: ['x', null]} : undefined, points: {show: !spec.heat}},
      legend: {show: !spec.heat, live: true},
      series: [{label: spec.xLabel || 'at', value: (u, v) => time ? clock(v) : v == null ? '–' : share(v)},
        ...spec.series.map((s, i) => ({
          label: s.label, stroke: s.color, width: s.width || 1.6, dash: s.dash, fill: s.fill, spanGaps: false,
          points: {show: s.values.filter(v => v != null).length < 3, size: 4}, value: (u, v) => spec.show(v), paths: s.paths,
        }))],
      plugins: [...(spec.plugins || []), ...(time ? [events] : [])],
      hooks: time ? {setScale: [(u, key) => {
        if (key === 'x' && !zooming && inTime.includes(u)) zoom(u.scales.x.min, u.scales.x.max);
      }]} : {},
    };
    const u = new uPlot(options, [spec.x || data.t, ...spec.series.map(s => s.values)], box);
    charts.set(id, u);
    box.append(caption);
    if (spec.after) box.append(spec.after());
    if (!spec.heat) box.append(table(spec));
    const say = box.querySelector('.say') || box.appendChild(make('p', '', 'hidden say'));
    say.setAttribute('aria-live', 'polite');
    box.tabIndex = 0;
    box.setAttribute('role', 'group');
    box.setAttribute('aria-label', spec.caption + ' Arrow keys read values' + (time ? ', plus and minus zoom, 0 shows the whole run.' : '.'));
    box.onkeydown = event => key(event, u, spec, say, time);
    return u;
  };

  // Values at the cursor by keyboard, drawn and read aloud.
  const key = (event, u, spec, say, time) => {
    if (event.target !== event.currentTarget) return;
    const x = u.data[0], last = x.length - 1;
    let at = u.cursor.idx ?? -1;
    const moves = {ArrowRight: 1, ArrowLeft: -1, PageDown: 10, PageUp: -10, Home: -1e9, End: 1e9};
    if (event.key in moves) {
      at = Math.max(0, Math.min(last, at + moves[event.key]));
      u.setCursor({left: u.valToPos(x[at], 'x'), top: u.over.clientHeight / 2});
      const values = spec.series.map((s, i) => s.label && `${s.label} ${spec.show(u.data[i + 1][at])}`).filter(Boolean);
      say.textContent = `${time ? clock(x[at]) : share(x[at])}: ${values.join(', ')}`;
    } else if (time && '+-0'.includes(event.key)) {
      const {min, max} = u.scales.x, mid = at >= 0 ? x[at] : (min + max) / 2, half = (max - min) / 2 * (event.key === '+' ? .5 : 2);
      event.key === '0' ? zoom(begin, end) : zoom(Math.max(begin, mid - half), Math.min(end, mid + half));
    } else return;
    event.preventDefault();
  };

  // The numbers behind a chart; made when it is opened.
  const table = spec => {
    const details = make('details');
    details.append(make('summary', 'Figures as a table'));
    details.ontoggle = () => {
      if (!details.open || details.querySelector('table')) return;
      const shown = spec.series.filter(s => s.label), box = make('div', undefined, 'scroll'), t = make('table'), head = t.createTHead().insertRow();
      t.createCaption().textContent = spec.caption;
      for (const label of [spec.xLabel || 'at', ...shown.map(s => s.label)]) {
        const th = make('th', label); th.scope = 'col'; head.append(th);
      }
      const body = t.createTBody(), x = spec.x || data.t;
      x.forEach((v, i) => {
        const row = body.insertRow(), th = make('th', spec.time === false ? share(v) : clock(v));
        th.scope = 'row'; row.append(th);
        for (const s of shown) { const cell = row.insertCell(); cell.textContent = spec.show(s.values[i]); cell.className = 'n'; }
      });
      box.append(t); details.append(box);
    };
    return details;
  };

  const steps = uPlot.paths.stepped({align: -1});
  const dashes = [undefined, [8, 3], [4, 3], [2, 2]];
  let current = 0;
  const drawStep = () => {
    const step = data.steps[current], of = current ? ` of ${step.name}` : ' of all steps';
    const names = ['p50', 'p90', 'p99', 'p99.9'];
    build('chart-latency', {
      caption: `Percentiles of response time${of}, logarithmic.`, log: true, tick, show: ms, height: 280,
      series: names.map((label, i) => ({label, values: step.p[i], color: css('--c' + i), dash: dashes[i]})),
    });
    const {low, high, most} = heatOf(step);
    build('chart-heat', {
      caption: `Response times${of}: time across, latency upwards (logarithmic), colour is the number of requests. The table of percentiles above says the same in figures.`,
      log: true, heat: true, tick, show: ms, height: 280, range: () => [rowBegin(low - 1), rowBegin(high + 2)],
      plugins: [heatPlugin(step)],
      series: [{label: 'p50', values: step.p[0], color: 'transparent', width: 0}],
      after: () => {
        const scale = make('div', undefined, 'scale'), bar = make('canvas');
        bar.width = 192; bar.height = 10; bar.setAttribute('aria-hidden', 'true');
        palette.forEach((c, i) => { const g = bar.getContext('2d'); g.fillStyle = c; g.fillRect(i * 3, 0, 4, 10); });
        scale.append(make('span', '1'), bar, make('span', `${most} requests per cell`));
        return scale;
      },
    });
    build('chart-errors', {
      caption: `Requests and errors a second${of}.`, tick: plain, show: perSecond, height: 170,
      series: [
        {label: 'requests', values: step.rate, color: css('--c0')},
        {label: 'errors', values: step.errors, color: css('--c3'), fill: css('--fault'), width: 2},
      ],
    });
    const xs = [...new Set([...step.response, ...step.service].map(p => p[0]))].sort((a, b) => a - b);
    const along = points => { const at = new Map(points); return xs.map(x => at.get(x) ?? null); };
    const top = Math.max(1, ...xs);
    build('chart-distribution', {
      caption: `Percentile spectrum${of}: each step to the right is ten times as rare.`, time: false, log: true, tick, show: ms, height: 320,
      x: xs, xLabel: 'percentile', xRange: () => [0, top], xSplits: () => Array.from({length: Math.floor(top) + 1}, (_, i) => i),
      series: [
        {label: 'response time', values: along(step.response), color: css('--c0'), width: 2.2},
        {label: 'service time', values: along(step.service), color: css('--c2'), dash: [6, 4], width: 2.2},
      ],
    });
  };
  const drawFixed = () => {
    build('chart-rate', {
      caption: 'Journeys a second.', tick: plain, show: perSecond,
      series: [
        {label: 'planned', values: data.planned, color: css('--plan'), paths: steps, dash: [5, 3], width: 2},
        {label: 'begun', values: data.achieved, color: css('--c0'), paths: steps},
      ],
    });
    build('chart-lag', {
      caption: 'Start lag of journeys, logarithmic.', log: true, tick, show: ms, height: 190,
      series: ['p50', 'p99', 'max'].map((label, i) => ({label, values: data.lag[i], color: css('--c' + [0, 2, 3][i]), dash: dashes[i]})),
    });
    build('chart-own', {
      caption: 'Shoppers and open connections at the end of each window.', tick: plain, show: plain, height: 170,
      series: [
        {label: 'shoppers', values: data.shoppers, color: css('--c0')},
        {label: 'connections', values: data.connections, color: css('--c1'), dash: [6, 3]},
      ],
    });
    build('chart-cpu', {
      caption: `CPU cores used by the generator, of ${data.cores} given.`, tick: plain, show: v => v == null ? '–' : v.toFixed(2), height: 150,
      series: [{label: 'cores', values: data.cpu, color: css('--c1')}],
    });
  };
  const collect = () => {
    inTime = ['chart-rate', 'chart-latency', 'chart-heat', 'chart-errors', 'chart-lag', 'chart-own', 'chart-cpu'].map(id => charts.get(id)).filter(Boolean);
  };
  const draw = () => {
    const before = inTime[0]?.scales.x, view = before && [before.min, before.max];
    inTime = [];
    readPalette(); drawFixed(); drawStep(); collect();
    if (view) zoom(view[0], view[1]);
  };
  const choose = index => {
    const x = inTime[0].scales.x, view = [x.min, x.max];
    current = index; $('pick').value = String(index);
    inTime = []; drawStep(); collect(); zoom(view[0], view[1]);
  };

  // ---- tables ----------------------------------------------------------------------------------------------------
  const sortable = t => {
    t.querySelectorAll('thead th').forEach((th, column) => {
      const button = make('button', th.textContent);
      button.type = 'button';
      th.textContent = ''; th.append(button);
      button.onclick = () => {
        const down = th.getAttribute('aria-sort') !== 'descending';
        t.querySelectorAll('th[aria-sort]').forEach(other => other.removeAttribute('aria-sort'));
        th.setAttribute('aria-sort', down ? 'descending' : 'ascending');
        const value = row => { const cell = row.cells[column]; return cell.dataset.v === undefined ? cell.textContent : cell.dataset.v === '' ? -1 : Number(cell.dataset.v); };
        const rows = [...t.tBodies[0].rows].sort((a, b) => {
          const x = value(a), y = value(b);
          return (typeof x === 'number' ? x - y : x.localeCompare(y)) * (down ? -1 : 1);
        });
        t.tBodies[0].append(...rows);
      };
    });
  };

  const start = () => {
    document.querySelectorAll('table.sortable').forEach(sortable);
    if (!data.t.length) {
      for (const box of document.querySelectorAll('.chart')) box.append(make('figcaption', 'There are no windows to draw.'));
      return;
    }
    const pick = $('pick');
    data.steps.forEach((step, i) => { const option = make('option', step.name); option.value = String(i); pick.append(option); });
    pick.onchange = () => choose(Number(pick.value));
    for (const button of document.querySelectorAll('button.step')) {
      const index = data.steps.findIndex(step => step.name === button.textContent);
      if (index >= 0) button.onclick = () => { choose(index); $('latency').scrollIntoView(); };
    }
    draw();
    let timer;
    addEventListener('resize', () => { clearTimeout(timer); timer = setTimeout(() => { if (!printing) draw(); }, 150); });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
    // Paper has its own width and colours.
    const paper = matchMedia('print');
    const toPaper = now => { if (printing !== now) {
      printing = now; draw();
      const byPhase = document.querySelector('#phases details');
      if (byPhase) byPhase.open = now;
    } };
    paper.addEventListener('change', event => toPaper(event.matches));
    addEventListener('beforeprint', () => toPaper(true));
    addEventListener('afterprint', () => toPaper(false));
  };
  start();
})();
