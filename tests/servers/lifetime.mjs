// What every test server does: listen on a free loopback port, say where on standard output as
// one JSON line, and end when the process that started it is gone.
export function announce(server, more = {}) {
  const parent = process.ppid;
  setInterval(() => process.ppid === parent || process.exit(0), 200).unref();
  server.listen(0, "127.0.0.1", () => {
    const line = { port: server.address().port, pid: process.pid, ...more };
    process.stdout.write(JSON.stringify(line) + "\n");
  });
}
