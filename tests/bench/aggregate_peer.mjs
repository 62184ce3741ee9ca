// The Node loop of aggregate_bench.lua: the latencies of each variant sorted, percentiles by nearest rank.
//   node aggregate_peer.mjs RESULTS array|typed    milliseconds of processor time, then what was found
import { rate, tell } from "./measure.mjs";

const [, , text, kind] = process.argv;
const RESULTS = Number(text);

// As in aggregate_bench.lua, in 32-bit halves: 31-bit linear congruences.
function* latencies(count, seed) {
  let state = BigInt(seed);
  for (let i = 0; i < count; i++) {
    state = (state * 1103515245n + 12345n) & 0x7fffffffn;
    yield 50 * (1 / ((Number(state) + 1) / 2147483649)) ** 0.4;
  }
}

const variants = [[...latencies((RESULTS * 7) / 10, 1)], [...latencies((RESULTS * 3) / 10, 2)]];

function statistics(values) {
  const count = values.length;
  let sum = 0;
  for (let i = 0; i < count; i++) sum += values[i];
  const mean = sum / count;
  let squares = 0;
  for (let i = 0; i < count; i++) squares += (values[i] - mean) ** 2;
  const sorted = kind === "typed" ? Float64Array.from(values).sort() : [...values].sort((a, b) => a - b);
  const rank = (q) => sorted[Math.max(0, Math.ceil(q * count) - 1)];
  return [count, mean, squares / (count - 1), rank(0.5), rank(0.9), rank(0.99)];
}

let found;
const milliseconds = 1000 / rate(1, () => (found = variants.map(statistics)));
tell(milliseconds, JSON.stringify(found));
