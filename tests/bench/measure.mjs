// What the peers in JavaScript share: how often a second of this process's processor time does the work. It is done
// twice, as ours is: the first time warms up. Prints the figure, then the outcome, for contest.lua's `ask`.
export function rate(count, work) {
  let seconds = 0;
  for (let run = 0; run < 2; run++) {
    const start = process.cpuUsage();
    for (let i = 1; i <= count; i++) work(i);
    const used = process.cpuUsage(start);
    seconds = (used.user + used.system) / 1e6;
  }
  return count / seconds;
}

// The same of work that has to be awaited.
export async function rateAwaited(count, work) {
  let seconds = 0;
  for (let run = 0; run < 2; run++) {
    const start = process.cpuUsage();
    for (let i = 1; i <= count; i++) await work(i);
    const used = process.cpuUsage(start);
    seconds = (used.user + used.system) / 1e6;
  }
  return count / seconds;
}

// JSON with the members of every object by name, as weir.json writes them.
export function sorted(value) {
  if (Array.isArray(value)) return `[${value.map(sorted).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${sorted(value[name])}`).join(",")}}`;
}

export function tell(figure, outcome = "") {
  process.stdout.write(`${figure}\n${outcome}\n`);
}
