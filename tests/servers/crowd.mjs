// Many connections to one port, each of which sends the same bytes and then another byte a second, or
// nothing at all: node crowd.mjs PORT COUNT BYTES [MORE]. MORE: how many bytes follow at once. Prints
// "open" when all have connected and sent that; ends with its stdin.
import net from "node:net";

const [port, count, bytes] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4]];
const more = Buffer.alloc(Number(process.argv[5] ?? 0), "x");
let left = count;

function connected() {
  if (--left === 0) console.log("open");
}

for (let i = 0; i < count; i++) {
  const socket = net.connect(port, "127.0.0.1", () => {
    if (!bytes) return connected();
    socket.write(bytes);
    socket.write(more, connected);
  });
  const timer = bytes ? setInterval(() => socket.write("x"), 1000) : undefined;
  socket.on("error", () => {}).on("close", () => clearInterval(timer)).resume();
}

process.stdin.on("end", () => process.exit()).resume();
