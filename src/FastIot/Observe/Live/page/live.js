'use strict';
// The live page: a frame a second by server-sent events. No library, no request beyond this server.
const $ = id => document.getElementById(id);
const columns = 64, cellCount = 1024, historyLength = 120;
const stepNames = ['< 0.25', '< 0.5', '< 0.75', '< 1', '1 – 1.5', '1.5 – 2', '2 – 4', '4 +', 'warming'];
const kindNames = ['spike', 'drift', 'stuck', 'noise', 'unknown'];
const history = { readings: [], windows: [], anomalies: [], lag: [] };
const hidden = new Set();
let last = null, frame = null, watched = null, watching = null;

const count = n => n == null ? '–' : n >= 1e7 ? (n / 1e6).toFixed(1) + ' M' : Math.round(n).toLocaleString('en');
const bytes = n => n >= 2 ** 30 ? (n / 2 ** 30).toFixed(2) + ' GiB' : (n / 2 ** 20).toFixed(0) + ' MiB';
const number = n => n == null ? '–' : Math.abs(n) >= 1e5 || n !== 0 && Math.abs(n) < 1e-3 ? n.toExponential(2) : +n.toPrecision(4) + '';
const time = ms => new Date(ms).toISOString().slice(11, 19);
const moment = text => text == null ? '–' : text.slice(0, 19).replace('T', ' ');

function element(name, options = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(options)) key in made ? made[key] = value : made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function drawn(name, attributes) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function path(values, low, high, width, height) {
  const span = high - low || 1, step = width / Math.max(1, values.length - 1);
  let d = '', pen = 'M';
  values.forEach((v, i) => {
    if (v == null) { pen = 'M'; return; }
    d += `${pen}${(i * step).toFixed(1)} ${(height - (v - low) / span * height).toFixed(1)}`;
    pen = 'L';
  });
  return d;
}

function sparkline(id, values) {
  const svg = $(id);
  svg.setAttribute('viewBox', '0 0 100 20');
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.replaceChildren(drawn('path', { d: path(values, 0, Math.max(1, ...values), 100, 20) }));
}

function figures(now) {
  const state = $('state');
  state.textContent = now.state;
  state.className = 'badge ' + now.state;
  $('about').textContent = `${now.version.split('+')[0]} · model ${now.model} · vectors ${now.vectors} · up ${upFor(now)}`;
  if (last) {
    const seconds = (Date.parse(now.now) - Date.parse(last.now)) / 1000;
    if (seconds > 0) {
      const rate = key => Math.max(0, now[key] - last[key]) / seconds;
      push(history.readings, rate('readings'));
      push(history.windows, rate('windows'));
      push(history.anomalies, rate('anomalies') * 60);
      push(history.lag, now.lag);
    }
  }
  // Windows close together, every few seconds: a rate over the last ten frames says more than the last one.
  const recent = list => list.length ? list.slice(-10).reduce((a, b) => a + b, 0) / Math.min(10, list.length) : null;
  $('readings').textContent = count(recent(history.readings));
  $('windows').textContent = count(recent(history.windows));
  $('anomalies-rate').textContent = count(recent(history.anomalies));
  $('lag').textContent = count(now.lag);
  for (const key of Object.keys(history)) sparkline(key + '-line', history[key]);
  const latency = now.latency_ms;
  $('latency').textContent = latency ? number(latency.p50) : '–';
  $('latency-tail').textContent = latency ? `p95 ${number(latency.p95)} · p99 ${number(latency.p99)}` : 'p95 – · p99 –';
  $('series').textContent = count(now.series);
  $('rejected').textContent = `late ${count(now.late)} · rejected ${count(now.rejected)}`;
  $('rejected').title = Object.entries(now.rejected_by_reason).map(([reason, n]) => `${reason} ${n}`).join(', ');
  $('memory').textContent = bytes(now.memory_bytes);
  $('memory-peak').textContent = 'peak ' + bytes(now.peak_memory_bytes);
}

function push(list, value) { list.push(value); if (list.length > historyLength) list.shift(); }

function upFor(now) {
  const s = Math.round((Date.parse(now.now) - Date.parse(now.started)) / 1000);
  return s < 120 ? s + ' s' : s < 7200 ? Math.round(s / 60) + ' min' : s < 172800 ? Math.round(s / 3600) + ' h' : Math.round(s / 86400) + ' days';
}

const step = score => score == null ? 8 : score < .25 ? 0 : score < .5 ? 1 : score < .75 ? 2 : score < 1 ? 3 : score < 1.5 ? 4 : score < 2 ? 5 : score < 4 ? 6 : 7;
const colour = index => getComputedStyle(document.documentElement).getPropertyValue(index === 8 ? '--warming' : '--s' + index).trim();

function fleet(now) {
  const canvas = $('cells'), style = getComputedStyle(canvas.parentElement), scale = window.devicePixelRatio || 1;
  const room = canvas.parentElement.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight), size = Math.max(3, Math.floor(room / columns));
  const width = size * columns, height = size * cellCount / columns;
  if (canvas.width !== width * scale) { canvas.width = width * scale; canvas.height = height * scale; canvas.style.height = height + 'px'; canvas.style.width = width + 'px'; }
  const pen = canvas.getContext('2d'), colours = stepNames.map((_, i) => colour(i));
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  let alarms = 0, known = 0;
  now.cells.forEach((score, i) => {
    if (score === -1) return;
    known++;
    if (score >= 1) alarms++;
    pen.fillStyle = colours[step(score)];
    pen.fillRect(i % columns * size, Math.floor(i / columns) * size, size - 1, size - 1);
  });
  canvas.setAttribute('aria-label', `Scores of the fleet: ${alarms} of ${known} cells at or above the threshold. The table of the highest scores names the series.`);
  $('steps').replaceChildren(...now.score_steps.map((n, i) => {
    const span = element('span', {}, `${stepNames[i]}: ${count(n)}`);
    span.style.borderColor = colours[i];
    return span;
  }));
}

function episodes(now) {
  const shown = now.episodes.slice().sort((a, b) => b.last_ms - a.last_ms || b.score - a.score).filter(e => !hidden.has(e.kind)).slice(0, 40);
  $('no-episodes').hidden = now.episodes.length > 0;
  $('episodes').replaceChildren(...shown.map(item));
}

function item(e) {
  const head = element('div', { className: 'head' },
    seriesButton(e), element('span', { className: 'quiet' }, e.metric),
    element('span', { className: 'kind' + (e.open ? ' open' : '') }, e.kind), element('span', { className: 'score' }, 'score ' + number(e.score)));
  const reasons = e.reasons.map(r => `${r.feature} ${r.deviation > 0 ? '+' : ''}${number(r.deviation)}`).join(', ');
  const when = e.last_ms === e.start_ms ? time(e.start_ms) : `${time(e.start_ms)} – ${time(e.last_ms)}, ${e.windows} windows`;
  return element('li', e.open ? {} : { className: 'over' }, head, mini(e),
    element('div', { className: 'quiet' }, `${when} · mean ${number(e.mean)} (${number(e.min)} … ${number(e.max)})${reasons ? ' · ' + reasons : ''}`));
}

function mini(e) {
  const low = Math.min(-3, ...e.points), high = Math.max(3, ...e.points), svg = drawn('svg', { class: 'mini', viewBox: '0 0 100 30', preserveAspectRatio: 'none', role: 'img' });
  svg.setAttribute('aria-label', `${e.feature} around the alarm, in scales of the series' own baseline: ${e.points.slice(-6).join(', ')}`);
  const at = e.alarm_point / Math.max(1, e.points.length - 1) * 100;
  svg.append(drawn('rect', { x: Math.min(97, at), y: 0, width: Math.max(3, 100 - at), height: 30 }), drawn('path', { d: path(e.points, low, high, 100, 30) }));
  const title = drawn('title', {});
  title.textContent = e.feature;
  svg.append(title);
  return svg;
}

function seriesButton(s) {
  return element('button', { className: 'link', type: 'button', onclick: () => open(s.sensor, s.metric) }, s.sensor);
}

function tables(now) {
  $('top').replaceChildren(...now.top.map(s => element('tr', {}, element('td', {}, seriesButton(s)), element('td', {}, s.metric),
    element('td', { className: 'number' }, number(s.score)), element('td', { className: 'number' }, s.partition + ''))));
  $('partitions').replaceChildren(...now.partitions.map(p => element('tr', {},
    ...[p.partition, count(p.position), count(p.lag), count(p.series)].map(v => element('td', { className: 'number' }, v + '')),
    ...[moment(p.watermark), moment(p.emitted_up_to), moment(p.stored_up_to), p.paused ? 'waits for its outputs' : 'reads'].map(v => element('td', {}, v)))));
  $('workers').replaceChildren(...now.workers.map((w, i) => element('tr', {},
    ...[i, count(w.commits), w.close_seconds.toFixed(2) + ' s', w.score_seconds.toFixed(2) + ' s'].map(v => element('td', { className: 'number' }, v + '')))));
}

function open(sensor, metric) {
  watched = { sensor, metric };
  $('detail-title').textContent = `${sensor} · ${metric}`;
  $('detail-note').textContent = 'Collecting from now on: a point each time a window closes.';
  for (const id of ['detail-value', 'detail-score']) $(id).replaceChildren();
  $('detail-features').tBodies[0].replaceChildren();
  $('detail').showModal();
  detail();
  clearInterval(watching);
  watching = setInterval(detail, 2000);
}

async function detail() {
  if (!watched) return;
  try {
    const answer = await fetch('live/series?' + new URLSearchParams(watched));
    if (!answer.ok) throw new Error(await answer.text());
    const series = await answer.json();
    if (!watched || series.sensor !== watched.sensor || series.metric !== watched.metric) return;
    show(series);
  } catch (error) {
    $('detail-note').textContent = error.message;
  }
}

function show(series) {
  const points = series.points;
  if (points.length === 0) return;
  const newest = points[points.length - 1];
  $('detail-note').textContent = `partition ${series.partition} · window ending ${time(newest.end_ms)}: ${newest.count} readings, mean ${number(newest.mean)}, stddev ${number(newest.stddev)}, score ${number(newest.score)}`
    + ` · usual level ${number(series.level)}, usual stddev ${number(series.scale)}`;
  chart($('detail-value'), points, points.map(p => p.mean), points.map(p => p.min), points.map(p => p.max), null);
  chart($('detail-score'), points, points.map(p => p.score), null, null, 1);
  $('detail-features').tBodies[0].replaceChildren(...Object.entries(series.features).map(([name, values]) => element('tr', {}, element('th', { scope: 'row' }, name),
    ...values.map(v => {
      const cell = element('td', { className: 'z' }, v == null ? '–' : v.toFixed(1)), size = Math.abs(v ?? 0);
      if (size >= 2) { cell.style.background = colour(size < 3 ? 4 : size < 5 ? 5 : 6); cell.style.color = '#16202c'; }
      return cell;
    }))));
}

function chart(svg, points, values, least, most, limit) {
  const width = 600, height = 130, all = [...values, ...(least ?? []), ...(most ?? []), ...(limit == null ? [] : [0, limit * 1.2])].filter(v => v != null);
  svg.setAttribute('viewBox', `0 0 ${width + 60} ${height + 18}`);
  if (all.length === 0) { svg.replaceChildren(); return; }
  const low = Math.min(...all), high = Math.max(...all), span = high - low || 1, stepX = width / Math.max(1, points.length - 1), y = v => height - (v - low) / span * height;
  const parts = points.map((p, i) => p.kind ? drawn('rect', { class: 'alarm', x: (i - .5) * stepX, y: 0, width: Math.max(3, stepX), height }) : null).filter(p => p);
  if (least) parts.push(drawn('path', { class: 'band', d: path(most, low, high, width, height) + path(least, low, high, width, height).replace('M', 'L').split('L').filter(s => s).reverse().map(s => 'L' + s).join('') + 'Z' }));
  if (limit != null) parts.push(drawn('line', { class: 'limit', x1: 0, x2: width, y1: y(limit), y2: y(limit) }));
  parts.push(drawn('path', { class: 'mean', d: path(values, low, high, width, height) }));
  const label = (x, at, text) => { const t = drawn('text', { x, y: at }); t.textContent = text; return t; };
  parts.push(label(width + 4, 10, number(high)), label(width + 4, height, number(low)), label(0, height + 14, time(points[0].end_ms)), label(width - 50, height + 14, time(points[points.length - 1].end_ms)));
  svg.replaceChildren(...parts);
}

async function cell(index) {
  const answer = await fetch('live/cell?index=' + index);
  if (!answer.ok) return;
  const list = await answer.json();
  $('cell-series').replaceChildren(...list.flatMap(s => [seriesButton(s), ` ${s.metric} ${s.score == null ? 'warming' : number(s.score)}  `]));
}

function connect() {
  const events = new EventSource('live/events');
  events.onmessage = message => {
    frame = JSON.parse(message.data);
    figures(frame);
    fleet(frame);
    episodes(frame);
    tables(frame);
    last = frame;
  };
  events.onerror = () => {
    $('state').textContent = 'not reached';
    $('state').className = 'badge away';
    if (events.readyState === EventSource.CLOSED) setTimeout(connect, 3000);
  };
}

$('cells').addEventListener('click', event => {
  const box = event.target.getBoundingClientRect(), size = box.width / columns;
  cell(Math.min(cellCount - 1, Math.floor((event.clientY - box.top) / size) * columns + Math.floor((event.clientX - box.left) / size)));
});
$('cells').addEventListener('keydown', event => {
  if (event.key !== 'Enter' || !frame) return;
  cell(frame.cells.reduce((best, score, i) => score > (frame.cells[best] ?? -1) ? i : best, 0));
});
$('detail').addEventListener('close', () => { watched = null; clearInterval(watching); });
$('configuration').addEventListener('toggle', async event => {
  if (!event.target.open || $('settings').children.length > 0) return;
  const answer = await fetch('live/config'), configuration = await answer.json();
  $('settings').replaceChildren(...(configuration.settings ?? []).map(s => element('tr', {}, element('td', {}, s.key), element('td', {}, s.value), element('td', {}, s.source))));
});
for (const kind of kindNames) {
  const button = element('button', { type: 'button', ariaPressed: 'true' }, kind);
  button.onclick = () => {
    const off = hidden.has(kind) ? (hidden.delete(kind), false) : (hidden.add(kind), true);
    button.ariaPressed = String(!off);
    if (frame) episodes(frame);
  };
  $('kinds').append(button);
}
addEventListener('resize', () => { if (frame) fleet(frame); });
connect();
