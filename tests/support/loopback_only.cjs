// The guard of the tests for Node: preloaded with --require, it lets no process connect to another machine.
// tests/run_busted.lua sets it, beside WEIR_LOOPBACK_ONLY=1 for weir itself.
const net = require("node:net");

const { connect } = net.Socket.prototype;

function isLoopback(host) {
  return host === "localhost" || host.endsWith(".localhost") || host === "::1" || host === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

net.Socket.prototype.connect = function guardedConnect(...given) {
  const [options] = Array.isArray(given[0]) ? given[0] : net._normalizeArgs(given);
  const { path, host = "localhost" } = options;
  if (path || isLoopback(host)) return connect.apply(this, given);
  const problem = new Error(`not sent: ${host} is another machine; give the test a server on 127.0.0.1`);
  process.nextTick(() => this.destroy(Object.assign(problem, { code: "NotLoopback" })));
  return this;
};
