// An X-Ray daemon that keeps what it is sent: UDP on `udp`, and GET /documents over HTTP.
import dgram from "node:dgram";
import http from "node:http";
import { announce } from "./lifetime.mjs";

const documents = [];
const socket = dgram.createSocket("udp4");
socket.on("message", (message) => documents.push(message.toString()));
socket.bind(0, "127.0.0.1", () => {
  announce(http.createServer((_, response) => response.end(JSON.stringify(documents.splice(0)))), {
    udp: socket.address().port,
  });
});
